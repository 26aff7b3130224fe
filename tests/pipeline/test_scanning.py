"""A release of many files is scanned in several processes, and held as one that is scanned in one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from evaluation.errors import DisclosureError
from evaluation.pipeline import scanning
from evaluation.pipeline.scanning import run_identifiers, scan_release
from evaluation.runs import runner


@pytest.fixture
def room(tmp_path, monkeypatch) -> Path:
    """A run with two families and five pages."""
    (tmp_path / "tables").mkdir()
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT unnest(['F0012345', 'F0054321']) AS family_id) TO '{tmp_path}/tables/families.parquet'")
    for number in range(5):
        (tmp_path / f"{number}.html").write_text("<p>Nothing to see here.</p></html>", encoding="utf-8")
    monkeypatch.setattr(scanning, "MANY", 2)
    monkeypatch.setattr(runner, "PRELOADED", ())
    return tmp_path


def pages(room: Path) -> list[Path]:
    return sorted(room.glob("*.html"))


def test_every_file_is_scanned_once(room, monkeypatch):
    asked = []
    real = scanning.run_tasks
    monkeypatch.setattr(scanning, "run_tasks", lambda work, tasks, **options: asked.extend(tasks) or real(work, tasks, **options))
    assert scan_release(room, pages(room), run_identifiers(room), workers=2) == 5
    assert sorted(path for _, (_, files, _) in asked for path in files) == [str(path) for path in pages(room)]


@pytest.mark.parametrize("number", [0, 1])
def test_an_identifier_in_any_part_holds_the_release_and_is_not_shown(room, number):
    (room / f"{number}.html").write_text("<p>See F0012345.</p></html>", encoding="utf-8")
    with pytest.raises(DisclosureError, match=rf"{number}\.html holds 1 identifier") as held:
        scan_release(room, pages(room), run_identifiers(room), workers=2)
    assert "F0012345" not in str(held.value)


def test_a_part_that_does_not_end_or_knows_other_identifiers_holds_the_release(room, monkeypatch):
    monkeypatch.setattr(
        scanning, "run_tasks", lambda work, tasks, **options: [runner.Ended(name=name, state="timed-out", fault="too long") for name, _ in tasks]
    )
    with pytest.raises(DisclosureError, match="too long"):
        scan_release(room, pages(room), set(), workers=2)
    with pytest.raises(DisclosureError, match="changed while the release was scanned"):
        scanning.scan_part(str(room), [], 7)
