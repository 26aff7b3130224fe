"""A run made again from its own plan, and every byte of its release compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError, PlanError
from evaluation.pipeline.auditors_pack import EXPLORED
from evaluation.pipeline.manifest import read_manifest
from evaluation.pipeline.run import GIVEN, code_of_this, run_study
from evaluation.plan import read_plan
from evaluation.runs.manifest import versions

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a comparison of two releases found.

    Attributes
    ----------
    files : int
        Files compared.
    differing : tuple of (path, bytes)
        Files that are not the same, with the number of differing bytes (of all, where only one release has it).
    """

    files: int
    differing: tuple[tuple[str, int], ...]

    @property
    def same(self) -> bool:
        """Whether no byte differs."""
        return not self.differing


def verify_run(run: Path, *, workers: int, say: Say) -> Verified:
    """Make a run again and compare its release byte by byte.

    Raises
    ------
    EvaluationError
        The run has no manifest, or its plan or data cannot be found again.
    """
    run, told = Path(run), read_manifest(run)
    for line in changed_since(told, code_of_this()):
        say(f"  note: {line}")
    plan_file = plan_again(run, told)
    with tempfile.TemporaryDirectory(prefix="evaluation-verify-") as folder:
        again = run_study(plan_file, councils=tuple(told["councils"]), out=Path(folder), workers=workers, say=say, explored=run / EXPLORED,
                          cache=False)
        found = compare(run / "release", again.folder / "release")
    n_bytes = sum(n for _, n in found.differing)
    for path, n in found.differing:
        say(f"  differs: {path}, {n:,} byte{'' if n == 1 else 's'}")
    say(f"{found.files:,} files compared, {n_bytes:,} differing bytes in {len(found.differing):,} of them.")
    return found


def plan_again(run: Path, told: dict) -> Path:
    """The plan of a run: its own copy, or the plan's file where data are found from there.

    Raises
    ------
    PlanError
        The plan's file is gone or says something else now.
    """
    if told["plan"]["data"]["kind"] != "extracts":
        return run / GIVEN
    path = Path(told["environment"]["plan_file"])
    if not path.is_file() or read_plan(path).hash() != told["plan_hash"]:
        raise PlanError(f"{path} must be the plan that was run, {told['plan_hash'][:12]}, because its data are found from there. Bring it back.")
    return path


def changed_since(told: dict, code: str) -> list[str]:
    """What differs between the installation that made a run and this one."""
    found = []
    if told["code"]["hash"] != code:
        found.append(f"the code is not that of the run (version {told['code']['version']}, commit {told['code']['commit'][:12] or 'unknown'})")
    now = dict(versions())
    changed = [f"{name} {was} then, {now.get(name)} now" for name, was in told["versions"].items() if now.get(name) != was]
    return found + ([f"other versions: {', '.join(changed)}"] if changed else [])


def compare(one: Path, other: Path) -> Verified:
    """Two folders, file by file and byte by byte.

    Raises
    ------
    EvaluationError
        The first holds nothing.
    """
    before, after = files_of(one), files_of(other)
    if not before:
        raise EvaluationError(f"{one} must hold a release, and holds no file.")
    names = sorted(before.keys() | after.keys())
    differing = [(name, differing_bytes(before.get(name), after.get(name))) for name in names]
    return Verified(files=len(names), differing=tuple((name, n) for name, n in differing if n))


def files_of(folder: Path) -> dict[str, Path]:
    """Path seen from the folder -> file."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def differing_bytes(one: Path | None, other: Path | None) -> int:
    """Positions at which two files differ; what only one of them has counts whole, and an empty file against none as one."""
    a, b = (b"" if path is None else path.read_bytes() for path in (one, other))
    if a == b:
        return 0 if one and other else 1
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))
