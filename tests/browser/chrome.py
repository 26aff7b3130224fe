"""A headless Chromium, driven through chromedriver by the WebDriver protocol with nothing but the standard library.

Which pages are looked at, and what must hold on them, stands in `looks.py` and the tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

REQUIRE_BROWSER = "EVALUATION_REQUIRE_BROWSER"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 120.0  # the longest that one answer may take, on a busy machine


def missing() -> str:
    """What a browser test needs and this machine lacks, with how to mend it; '' where all is there."""
    needed = {"Chromium": _chromium(), "chromedriver": shutil.which("chromedriver"), "axe-core": axe_file()}
    lacks = [name for name, there in needed.items() if not there]
    return f"{' and '.join(lacks)} not found: see 'Web pages in a browser' in docs/reports.md" if lacks else ""


def axe_file() -> Path | None:
    """axe-core's script, from the package that carries it; the package itself is never imported."""
    found = find_spec("axe_playwright_python")
    file = Path(found.origin).parent / "axe.min.js" if found and found.origin else None
    return file if file and file.is_file() else None


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True, slots=True)
class Chrome:
    """One open window."""

    port: int
    session: str

    def open(self, page: Path) -> None:
        self._post("url", url=page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """The value that a script returns in the page."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def wait_for(self, script: str, *arguments: Any) -> Any:
        """The value that a script hands to its last argument, a function."""
        return self._post("execute/async", script=script, args=list(arguments))

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._post("goog/cdp/execute", cmd=command, params=parameters)

    def set_width(self, pixels: int, *, height: int = 900) -> None:
        self.devtools("Emulation.setDeviceMetricsOverride", width=pixels, height=height, deviceScaleFactor=1, mobile=False)

    def set_medium(self, medium: str) -> None:
        """'screen' or 'print'."""
        self.devtools("Emulation.setEmulatedMedia", media=medium)

    def press_tab(self) -> None:
        for kind in ("keyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def _post(self, command: str, **body: Any) -> Any:
        return _send(self.port, "POST", f"/session/{self.session}/{command}", body)


@contextmanager
def chrome() -> Iterator[Chrome]:
    """A new Chromium with an empty profile of its own; both processes end with the block."""
    with tempfile.TemporaryDirectory(prefix="evaluation-chrome-", ignore_cleanup_errors=True) as profile:
        driver = subprocess.Popen(
            [shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True
        )
        try:
            port = _port_of(driver)
            options = {"binary": _chromium(), "args": [*FLAGS, f"--user-data-dir={profile}"]}
            made = _send(port, "POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}})
            window = Chrome(port, made["sessionId"])
            window._post("timeouts", script=int(1000 * SECONDS), pageLoad=int(1000 * SECONDS))
            try:
                yield window
            finally:
                _send(port, "DELETE", f"/session/{window.session}")
        finally:
            driver.terminate()
            driver.wait(timeout=30)
            driver.stdout.close()


def _port_of(driver: subprocess.Popen) -> int:
    for line in driver.stdout:
        if found := re.search(r"started successfully on port (\d+)", line):
            return int(found[1])
    raise RuntimeError(f"chromedriver must start and ended with {driver.wait()}: try `chromedriver --port=0` by hand.")


def _send(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        told = json.loads(connection.getresponse().read())["value"]
    finally:
        connection.close()
    if isinstance(told, dict) and "error" in told and "stacktrace" in told:
        raise RuntimeError(f"Chromium refused {path.rpartition('/')[2]}: {told['message'].splitlines()[0]}")
    return told


def required() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get(REQUIRE_BROWSER, "") not in ("", "0")
