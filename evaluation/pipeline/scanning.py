"""The scan of a release before it leaves, shared out among processes where there are many files: reading PDFs takes as long as making them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.disclosure.record import known_to
from evaluation.errors import DisclosureError
from evaluation.runs.runner import Limits, run_tasks

MANY = 40  # files: fewer are scanned here and now
DAY = 86_400.0


def run_identifiers(run: Path) -> set[str]:
    """Identifiers of a finished run's families and people, from its checked tables; fails closed when a simulated or delivered run has none."""
    import duckdb

    found: set[str] = set()
    with duckdb.connect() as con:
        for name, column in (("families", "family_id"), ("people", "person_id"), ("participants", "person_id")):
            for path in sorted(run.rglob(f"tables/{name}*.parquet")):
                found |= {row[0] for row in con.execute(f"SELECT DISTINCT {column} FROM read_parquet(?)", [str(path)]).fetchall()}
    return found


def scan_release(room: Path, files: Sequence[Path], identifiers: set[str], *, workers: int) -> int:
    """Number of files scanned, all clean.

    Raises
    ------
    DisclosureError
        One is not, or a part of the scan did not end: nothing may leave.
    """
    from evaluation.disclosure.scan import scan

    if workers == 1 or len(files) < MANY:
        return scan(files, identifiers, **known_to(room), strange=strange_to(room))
    alike = sorted(map(str, files), key=lambda path: (Path(path).suffix, path))  # so that each process gets as many of each kind
    parts = [(f"scan {at}", (str(room), alike[at::workers], len(identifiers))) for at in range(workers)]
    ends = sorted(run_tasks(scan_part, parts, workers=workers, limits=Limits(seconds=DAY), folder=room), key=lambda end: end.name)
    for end in ends:
        if end.state != "done":
            raise DisclosureError(end.fault)
    return sum(end.result["scanned"] for end in ends)


def scan_part(room: str, files: Sequence[str], n_identifiers: int) -> dict[str, int]:
    """Scan some files; the task of a process of its own, which reads the identifiers from the run's tables.

    Raises
    ------
    DisclosureError
        A file is not clean, or the tables do not hold the identifiers that the runner knows.
    """
    from evaluation.disclosure.scan import scan

    identifiers = run_identifiers(Path(room))
    if len(identifiers) != n_identifiers:
        raise DisclosureError("The run's tables must hold the identifiers that are looked for, and changed while the release was scanned. Run again.")
    return {"scanned": scan([Path(path) for path in files], identifiers, **known_to(Path(room)), strange=strange_to(Path(room)))}


def strange_to(room: Path) -> Callable[[Path], list[str]]:
    """Of a finished file in the folder of its report: its numbers that the report's content does not hold."""
    from evaluation.disclosure.finished import strange_numbers
    from evaluation.disclosure.release import ReportContent

    def strange(path: Path) -> list[str]:
        content = room / "contents" / f"{path.parent.name}.json"
        return strange_numbers(path, ReportContent.read(content)) if content.is_file() else []

    return strange
