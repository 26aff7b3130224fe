"""Work for tasks in processes of their own: importable by name, and bad in every way that a report can be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from evaluation.errors import ContractError, EstimationError, ReportError


def double(number: int) -> dict[str, int]:
    return {"twice": 2 * number}


def raises(kind: str) -> None:
    raise {
        "data": ContractError("attendance must be there"),
        "model": EstimationError("nothing to estimate"),
        "report": ReportError("a block is missing"),
        "kernel": ReportError("its kernel died", cause="died"),
        "secret": KeyError("F0012345"),
        "disk": OSError(28, "No space left on device: F0012345"),
        "memory": MemoryError(),
    }[kind]


def killed(folder: str, times: int) -> dict[str, int]:
    """Killed so many times, then well."""
    tries = len(list(Path(folder).iterdir()))
    (Path(folder) / str(tries)).touch()
    if tries < times:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"tries": tries + 1}


def told_of(folder: str, seconds: float) -> dict[str, int]:
    """Says when it began and when it ended, each in a file named by its process."""
    (Path(folder) / f"began-{os.getpid()}").touch()
    time.sleep(seconds)
    (Path(folder) / f"ended-{os.getpid()}").touch()
    return {"pid": os.getpid()}


def hangs(folder: str) -> None:
    """Starts a process of its own, tells its number, and never ends."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    (Path(folder) / str(child.pid)).touch()
    time.sleep(600)


def takes_much(size: int) -> dict[str, int]:
    return {"size": len(bytearray(size))}


def tells_threads() -> dict[str, str]:
    return {"threads": os.environ["OPENBLAS_NUM_THREADS"]}


def tells_process(folder: str) -> dict[str, object]:
    """Which process did it, and how many threads it has; in a file and in the record."""
    told = {"pid": os.getpid(), "threads": os.environ["OPENBLAS_NUM_THREADS"]}
    (Path(folder) / f"told-{os.getpid()}").touch()
    return told


def tells_what_is_ready() -> dict[str, object]:
    """Which libraries and typefaces a fresh process has before it does anything."""
    from evaluation.reporting.fonts import web_font

    libraries = {name: name in sys.modules for name in ("papermill", "typst", "openpyxl")}
    return {**libraries, "typefaces": web_font.cache_info().currsize, "network": bool(psutil.Process().net_connections(kind="inet"))}


def in_a_kernel(folder: str, code: str, parameter: str = 'code: str = "x"') -> dict[str, object]:
    """What a notebook of two cells prints in the kernel of a task, and the task's own number and files."""
    from evaluation.runs.notebooks import execute_notebook

    cells = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "outputs": [], "execution_count": None, "id": f"c{n}"}
        for n, (source, tags) in enumerate(((parameter, ["parameters"]), (code, [])))
    ]
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    source = Path(folder) / f"{os.getpid()}.ipynb"
    source.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    done = execute_notebook(source, Path(folder) / "done" / source.name, {"code": str(folder)})
    printed = "".join("".join(out["text"]) for cell in json.loads(done.read_text())["cells"] for out in cell.get("outputs", ()) if "text" in out)
    return {"pid": os.getpid(), "printed": printed}
