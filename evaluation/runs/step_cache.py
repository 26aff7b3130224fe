"""Results of costly steps, found again by what they were made from: code of the step, parameters, inputs, versions. No time of a file is looked at.

An entry lies in the run's own folder, inside the room, and is never part of a release. One that is torn or altered is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from evaluation.runs.files import PARTIAL, canonical, hashes_of, sha256, write_whole
from evaluation.runs.manifest import versions

Made = TypeVar("Made")
ENTRY = "entry.json"
FOLDER = "steps"  # in a run's folder


def cached(
    folder: Path | None,
    step: str,
    made_from: Mapping[str, object],
    make: Callable[[], Made],
    *,
    save: Callable[[Made, Path], object],
    load: Callable[[Path], Made],
) -> Made:
    """The result of a step: the one that lies there, if it was made from the same; else made and kept.

    Parameters
    ----------
    folder : Path or None
        Where entries lie; None makes the step anew and keeps nothing.
    made_from : mapping
        All that the result depends on besides the versions of packages, as JSON.
    save, load : callable
        Write a result into an empty folder as plain files, and read it from there.
    """
    if folder is None:
        return make()
    key = sha256(canonical({"step": step, "made_from": made_from, "versions": dict(versions())}))
    place = Path(folder) / f"{step}-{key[:32]}"
    if is_whole(place, key):
        return load(place)
    shutil.rmtree(place, ignore_errors=True)
    made = make()
    keep(made, place, key, save)
    return made


def is_whole(place: Path, key: str) -> bool:
    """Whether an entry is there, for this key, and every file of it is what was written."""
    try:
        told = json.loads((place / ENTRY).read_text(encoding="utf-8"))
        return told["key"] == key and bool(told["files"]) and hashes_of((place / name for name in told["files"]), place) == told["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def keep(made: Made, place: Path, key: str, save: Callable[[Made, Path], object]) -> None:
    """Write an entry aside, its list of hashes last, and give it its name. A disk that takes nothing, or another process that was first, stops nothing."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=PARTIAL, ignore_cleanup_errors=True) as name:
            aside = Path(name)
            save(made, aside)
            files = hashes_of((path for path in aside.rglob("*") if path.is_file()), aside)
            write_whole(aside / ENTRY, canonical({"key": key, "files": files}) + b"\n")
            os.replace(aside, place)
            aside.mkdir()  # for the one who tidies up
    except OSError:
        return
