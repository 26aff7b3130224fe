"""A kept step is used again for the same code, parameters, inputs and versions, and for nothing else; a torn one is made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.runs import step_cache
from evaluation.runs.step_cache import ENTRY, cached


class Work:
    """A step that counts how often it is made."""

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.made = folder, 0

    def __call__(self, **made_from) -> str:
        def make() -> str:
            self.made += 1
            return f"result {self.made}"

        def save(result: str, place: Path) -> None:
            (place / "result.txt").write_text(result, encoding="utf-8")

        return cached(self.folder, "work", made_from, make, save=save, load=lambda place: (place / "result.txt").read_text(encoding="utf-8"))


@pytest.fixture
def work(tmp_path) -> Work:
    return Work(tmp_path / "steps")


def test_the_same_step_is_made_once_and_another_input_makes_it_anew(work):
    assert [work(caliper=0.1), work(caliper=0.1), work(caliper=0.2), work(caliper=0.1)] == ["result 1", "result 1", "result 2", "result 1"]


def test_other_versions_make_it_anew(work, monkeypatch):
    work(caliper=0.1)
    monkeypatch.setattr(step_cache, "versions", lambda: (("numpy", "99"),))
    assert work(caliper=0.1) == "result 2"


def spoil_file(place: Path) -> None:
    (place / "result.txt").write_text("resul", encoding="utf-8")


def spoil_entry(place: Path) -> None:
    (place / ENTRY).write_text("{", encoding="utf-8")


def lose_file(place: Path) -> None:
    (place / "result.txt").unlink()


def lose_entry(place: Path) -> None:
    (place / ENTRY).unlink()


@pytest.mark.parametrize("spoil", [spoil_file, spoil_entry, lose_file, lose_entry])
def test_a_torn_entry_is_ignored_and_made_whole_again(work, spoil):
    work(caliper=0.1)
    (place,) = work.folder.iterdir()
    spoil(place)
    assert [work(caliper=0.1), work(caliper=0.1)] == ["result 2", "result 2"] and len(list(work.folder.iterdir())) == 1


def test_times_of_files_do_not_matter(work):
    import os

    work(caliper=0.1)
    for path in work.folder.rglob("*"):
        os.utime(path, (0, 0))
    assert work(caliper=0.1) == "result 1"


def test_without_a_folder_nothing_is_kept():
    work = Work(None)
    assert [work(caliper=0.1), work(caliper=0.1)] == ["result 1", "result 2"]


def test_an_entry_that_another_process_finished_first_stays(tmp_path):
    work = Work(tmp_path / "steps")

    def meanwhile() -> str:
        return work(caliper=0.1)

    def save(result: str, place: Path) -> None:
        (place / "result.txt").write_text(result, encoding="utf-8")

    def load(place: Path) -> str:
        return (place / "result.txt").read_text(encoding="utf-8")

    assert cached(work.folder, "work", {"caliper": 0.1}, meanwhile, save=save, load=load) == "result 1"
    assert work(caliper=0.1) == "result 1" and work.made == 1 and not list(work.folder.glob(".partial-*"))


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path):
    (tmp_path / "steps").write_text("a file where the folder should be", encoding="utf-8")
    assert Work(tmp_path / "steps")(caliper=0.1) == "result 1"
