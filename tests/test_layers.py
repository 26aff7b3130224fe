"""The house: an import runs only towards the ground, and no files import each other in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import evaluation
from evaluation.locations import project_file

PACKAGE = Path(evaluation.__file__).parent
FLOORS = (                                                     # from the ground up; rooms of one floor do not know each other
    ("errors", "nearest", "showing"),
    ("frozen", "locations", "periods"),
    ("dictionary", "plan", "value"),
    ("ingest", "simulate"),
    ("panel",),
    ("matching",),
    ("models",),
    ("disclosure", "payment_by_results"),
    ("findings", "reporting"),
    ("runs",),
    ("linkage",),
    ("pipeline",),
    ("bench", "cli"),
)
FLOOR = {room: n for n, rooms in enumerate(FLOORS) for room in rooms}
INNER = {                                                      # inside a room whose order is easily lost: the same
    "plan": (("sections",), ("data", "leaving", "methods", "worth"), ("question",), ("whole",), ("faults",), ("reading",)),
    "dictionary": (("entries", "outcomes", "tables"), ("councils",), ("whole",), ("page", "references"), ("reading",)),
}


def modules() -> dict[str, Path]:
    """Every module of the package by its name; a package is its `__init__`."""
    paths = {path: path.relative_to(PACKAGE.parent).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in paths.items()}


MODULES = modules()


def imported(path: Path) -> Iterator[str]:
    """Modules of the package that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "evaluation":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def room(module: str) -> str:
    """The folder or file right below the package."""
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_its_floor():
    assert {room(module) for module in MODULES} - {""} == set(FLOOR)


@pytest.mark.parametrize("name", sorted(FLOOR))
def test_a_room_imports_only_from_floors_below_it(name):
    found = {(module, there) for module, path in MODULES.items() if room(module) == name for there in imported(path)}
    assert [pair for pair in sorted(found) if room(pair[1]) not in ("", name) and FLOOR[room(pair[1])] >= FLOOR[name]] == []


@pytest.mark.parametrize("name", sorted(INNER))
def test_a_file_of_a_room_imports_only_from_floors_below_it(name):
    floor = {f"evaluation.{name}.{file}": n for n, files in enumerate(INNER[name]) for file in files}
    assert set(floor) == {module for module in MODULES if room(module) == name and not module.endswith((f".{name}", "__main__"))}
    found = {(module, there) for module in floor for there in imported(MODULES[module]) if room(there) == name}
    assert [pair for pair in sorted(found) if floor.get(pair[1], len(floor)) >= floor[pair[0]]] == []


def test_no_files_import_each_other_in_a_circle():
    graph = {module: set(imported(path)) - {module, "evaluation"} for module, path in MODULES.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_readme_names_every_folder_of_the_package():
    lines = [line for line in project_file("README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `evaluation/")]
    named = {word.strip("/").removeprefix("evaluation/") for line in lines for word in re.findall(r"`([a-z_/.]+)`", line.split("|")[1])}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} <= named


def test_no_file_of_the_package_is_over_500_lines():
    long = {path.name: n for path in MODULES.values() if (n := len(path.read_text(encoding="utf-8").splitlines())) > 500}
    assert long == {}
