"""What every test may ask for: the dictionary, the published data, one thread for linear algebra, and slow tests only on request."""
from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"      # before numpy is imported, here and in every process that a test starts
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from evaluation.locations import OPEN_DATA_VARIABLE, open_data_folder  # noqa: E402

settings.register_profile("same", derandomize=True, database=None, deadline=None)      # the same cases at every run
settings.register_profile("explore", deadline=None)                                    # HYPOTHESIS_PROFILE=explore: new ones
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["pytester"]
REQUIRE_OPEN_DATA = "EVALUATION_REQUIRE_OPEN_DATA"

collect_ignore_glob = ["reference/*"]      # scripts there make stored results with packages that tests do not need


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--run-slow` add the slow tests to the others; `-m slow` runs them alone."""
    parser.addoption("--run-slow", action="store_true", help="run the slow simulation tests as well")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test that asks for the published data, so that `-m "not open_data"` leaves it out."""
    if "open_data" in getattr(item, "fixturenames", ()):
        item.add_marker("open_data")


def pytest_report_header() -> str:
    """Why tests in a browser are not run, where they are not."""
    from tests.browser.chrome import missing, required

    lacks = missing()
    return f"tests in a browser: {'required, and ' if required() else 'not run, '}{lacks}" if lacks else ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests, and those that kill processes for minutes, out unless they are asked for; those of a browser where there is none."""
    from tests.browser.chrome import missing, required

    asked = {name for name in ("slow", "kills", "browser") if name in config.getoption("-m")}
    asked |= ({"slow"} if config.getoption("--run-slow") else set()) | ({"browser"} if required() or not missing() else set())
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in {"slow", "kills", "browser"} - asked)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def open_data() -> Path:
    """The folder of published data; a test that needs it is not run where it is missing, and fails where it is required."""
    folder = open_data_folder()
    if not folder.is_dir():
        reason = f"published data are not at {folder}: see README.md, or name their folder in {OPEN_DATA_VARIABLE}"
        if os.environ.get(REQUIRE_OPEN_DATA, "") not in ("", "0"):
            pytest.fail(f"{reason} ({REQUIRE_OPEN_DATA} is set, so this is a failure)", pytrace=False)
        pytest.skip(f"not run: {reason}")
    return folder


@pytest.fixture(scope="session")
def dictionary():
    """The data dictionary of the project, read once."""
    from evaluation.dictionary import load_dictionary

    return load_dictionary()
