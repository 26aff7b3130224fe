"""Files that are whole or absent: written under a temporary name, forced to disk, renamed; and the hashes by which they are known again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial-"  # begins the name of everything unfinished, so that a later run can sweep it


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that a reader, or a run after a power cut, finds the whole of it or nothing."""
    path = Path(path)
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return path


def move_whole(source: Path, target: Path) -> Path:
    """Give a finished file its final name in another folder of the same disk."""
    with Path(source).open("rb") as file:
        os.fsync(file.fileno())
    make_folder(target.parent)
    os.replace(source, target)
    sync_folder(target.parent)
    return target


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each forced to disk in the one that holds it: a file in it is no safer than its name."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def canonical(content: object) -> bytes:
    """JSON with sorted keys and no spaces: one text for one content."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def sha256(content: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes_of(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """Path seen from `root` -> SHA-256, sorted by path."""
    return {path.relative_to(root).as_posix(): file_sha256(path) for path in sorted(paths)}


def sweep(folder: Path) -> list[Path]:
    """Remove what interrupted tasks left unfinished anywhere under a folder; for its one runner, while no task is under way."""
    found = []
    for place, folders, names in os.walk(folder):  # which takes it well that something goes while it looks
        found += [Path(place) / name for name in (*folders, *names) if name.startswith(PARTIAL)]
        folders[:] = [name for name in folders if not name.startswith(PARTIAL)]
    for path in sorted(found):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return sorted(found)
