"""The environment: four files name the same packages, the locks are portable, and the tests run as they say."""
from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
import warnings
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from evaluation.errors import EvaluationError
from evaluation.locations import open_data_folder, project_file

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-dev.lock")
CARRIERS = ("requirements-browser.lock", "requirements-verapdf.lock")  # installed without what they would run on
PYTHONS = ("3.11.9", "3.12.9", "3.13.9")
PLATFORMS = ({"sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64", "platform_system": "Linux"},
             {"sys_platform": "win32", "os_name": "nt", "platform_machine": "AMD64", "platform_system": "Windows"},
             {"sys_platform": "darwin", "os_name": "posix", "platform_machine": "arm64", "platform_system": "Darwin"})
MACHINE_PATH = re.compile(r"(?:^|[\s\"'=(:])/(?:work|tmp|root|opt|home|Users)/")
INDEX_ADDRESS = re.compile(r"https?:|file:|--(?:extra-)?index-url|--find-links")


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def ranges(*extras: str) -> dict[str, SpecifierSet]:
    lines = [*project()["dependencies"], *(line for extra in extras for line in project()["optional-dependencies"][extra])]
    return {canonicalize_name(r.name): r.specifier for r in map(Requirement, lines)}


def locked(name: str) -> list[tuple[Requirement, int]]:
    """Every requirement of a lock, with its number of hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8"))
    blocks = [block for block in blocks if not block.startswith("#")]
    return [(Requirement(block.split("\\")[0].split(" --hash")[0].strip()), block.count("--hash=sha256:")) for block in blocks]


def versions(name: str, python: str, platform: dict[str, str]) -> dict[str, list[str]]:
    """Versions that a lock installs on one Python and platform."""
    machine = {**platform, "python_full_version": python, "python_version": python.rsplit(".", 1)[0],
               "implementation_name": "cpython", "platform_python_implementation": "CPython"}
    found: dict[str, list[str]] = {}
    for requirement, _ in locked(name):
        if requirement.marker is None or requirement.marker.evaluate(machine):
            found.setdefault(canonicalize_name(requirement.name), []).append(str(requirement.specifier).removeprefix("=="))
    return found


def test_environment_yml_names_the_ranges_of_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    pip_lines = next(entry["pip"] for entry in environment if isinstance(entry, dict))
    assert {canonicalize_name(r.name): r.specifier for r in map(Requirement, pip_lines)} == ranges("build", "cluster", "dev", "linkage")
    python = next(Requirement(entry) for entry in environment if isinstance(entry, str) and entry.startswith("python"))
    assert set(SpecifierSet(project()["requires-python"])) <= set(python.specifier)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform["sys_platform"])
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "cluster", "dev", "linkage"))], ids=LOCKS
)
def test_a_lock_gives_one_version_inside_the_range_of_every_dependency(lock, extras, python, platform):
    found = versions(lock, python, platform)
    assert {name: v for name, v in found.items() if len(v) > 1} == {}
    asked = ranges(*extras)
    assert {name for name in asked if name not in found} == set()
    assert {name: found[name][0] for name, span in asked.items() if not span.contains(found[name][0])} == {}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform["sys_platform"])
def test_the_development_lock_adds_to_the_other_and_changes_no_version(python, platform):
    run, development = (versions(lock, python, platform) for lock in LOCKS)
    assert {name: development.get(name) for name in run} == run


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_is_exact_and_hashed(lock):
    assert [r.name for r, hashes in locked(lock) if hashes == 0 or not str(r.specifier).startswith("==") or r.url] == []
    assert len(locked(lock)) > 50


@pytest.mark.parametrize("lock", CARRIERS)
def test_a_package_that_carries_what_a_check_needs_is_exact_hashed_and_in_no_other_lock(lock):
    ((requirement, hashes),) = locked(lock)
    assert hashes == 1 and str(requirement.specifier).startswith("==")
    assert all(requirement.name != other.name for name in LOCKS for other, _ in locked(name))


@pytest.mark.parametrize("name", [*LOCKS, *CARRIERS, "environment.yml", "pyproject.toml", "Makefile", ".ci/run"])
def test_set_up_names_no_registry_address_and_no_path_of_one_machine(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    allowed = "PYTHON=/path/to/python3"
    assert [n for n, line in enumerate(lines, 1) if INDEX_ADDRESS.search(line) or MACHINE_PATH.search(line.replace(allowed, ""))] == []


def test_the_readme_spells_out_what_make_does():
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    for command in ("make report", "make test", "--require-hashes -r requirements-dev.lock", "--no-deps --no-build-isolation --editable .",
                    "conda env create --file environment.yml"):
        assert command in readme
    assert "--no-deps --no-build-isolation --editable ." in makefile and "--require-hashes" in makefile
    default = dict(re.findall(r"^(PLAN|COUNCIL) \?= (\S+)$", makefile, flags=re.MULTILINE))
    assert readme.count(f"evaluation run {default['PLAN']} --council {default['COUNCIL']}") == 2     # Windows, conda


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_room_without_a_connection_is_told_how_to_bring_the_packages():
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    assert "make wheels\n" in readme and "make report WHEELS=wheels" in readme
    ordered = subprocess.run(["make", "--dry-run", "report", "WHEELS=wheels", "VENV=none"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "the folder wheels" in ordered.stdout and "PIP_NO_INDEX := 1" in makefile


def test_linear_algebra_runs_on_one_thread():
    import numpy as np
    from threadpoolctl import threadpool_info

    np.linalg.inv(np.eye(2))
    assert {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info() if pool["num_threads"] != 1} == {}


def test_project_files_are_found_and_a_missing_one_says_how_to_mend_it():
    assert project_file("data_dictionary").is_dir()
    with pytest.raises(EvaluationError, match="Mend the name, or install the package again"):
        project_file("no_such_folder")


def test_the_folder_of_published_data_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALUATION_OPEN_DATA", str(tmp_path))
    assert open_data_folder() == tmp_path
    monkeypatch.delenv("EVALUATION_OPEN_DATA")
    assert open_data_folder() == ROOT.parent / "shared" / "open-data"


def test_a_warning_raised_in_our_own_code_is_an_error():
    ours = {"__name__": "evaluation.models.example"}
    with pytest.raises(RuntimeWarning):
        exec("import warnings; warnings.warn('ours', RuntimeWarning)", ours)      # the module's name is what the filter reads
    with warnings.catch_warnings(record=True) as seen:                            # keeps the filters of pyproject.toml
        exec("import warnings; warnings.warn('theirs', RuntimeWarning)", {"__name__": "another_package"})
    assert [str(warning.message) for warning in seen] == ["theirs"]


CASES = """
import pytest
def test_quick(): pass
@pytest.mark.slow
def test_slow(): pass
def test_published(open_data): pass
"""


def run_cases(pytester: pytest.Pytester, *arguments: str, cases: str = CASES) -> dict[str, int]:
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers =\n    slow\n    open_data\n    browser\n")
    pytester.makepyfile(cases)
    return pytester.runpytest_subprocess(*arguments, "-p", "no:cacheprovider").parseoutcomes()


def test_slow_tests_run_only_when_asked_for(pytester, monkeypatch, tmp_path):
    monkeypatch.setenv("EVALUATION_OPEN_DATA", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert run_cases(pytester) == {"passed": 2, "deselected": 1}
    assert run_cases(pytester, "--run-slow") == {"passed": 3}
    assert run_cases(pytester, "-m", "slow") == {"passed": 1, "deselected": 2}


def test_missing_published_data_are_not_run_or_where_required_a_failure(pytester, monkeypatch, tmp_path):
    monkeypatch.setenv("EVALUATION_OPEN_DATA", str(tmp_path / "missing"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("EVALUATION_REQUIRE_OPEN_DATA", raising=False)
    assert run_cases(pytester, "-m", "open_data") == {"skipped": 1, "deselected": 2}
    monkeypatch.setenv("EVALUATION_REQUIRE_OPEN_DATA", "1")
    assert run_cases(pytester, "-m", "open_data") == {"errors": 1, "deselected": 2}


IN_A_BROWSER = """
import pytest
@pytest.mark.browser
def test_a_page(): pass
def test_quick(): pass
"""


def test_tests_in_a_browser_are_left_out_where_there_is_none_unless_they_are_required(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("EVALUATION_REQUIRE_BROWSER", raising=False)
    assert run_cases(pytester, cases=IN_A_BROWSER) == {"passed": 1, "deselected": 1}
    monkeypatch.setenv("EVALUATION_REQUIRE_BROWSER", "1")
    assert run_cases(pytester, cases=IN_A_BROWSER) == {"passed": 2}
