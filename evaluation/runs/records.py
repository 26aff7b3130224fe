"""The done-record: what one council's task left, with hashes by which a later run knows whether it still holds. It holds no number of a report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from evaluation.runs.files import canonical, file_sha256, sha256, write_whole
from evaluation.runs.states import FINISHED, State


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRecord:
    """How one report ended.

    Attributes
    ----------
    name : str
        The council's code.
    made_from : str
        SHA-256 of the content that the report was made from; '' where there was none.
    files : path seen from the run's folder -> SHA-256
        Empty unless the state is a finished one.
    fault : str
        Why there is no report, without a row's value.
    """

    name: str
    state: State
    made_from: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    seconds: float = 0.0
    tries: int = 1

    def write(self, run: Path) -> Path:
        """Keep the record; it names its own hash, so that a torn or altered one is known."""
        content = asdict(self)
        return write_whole(record_path(run, self.name), canonical(content | {"record_sha256": sha256(canonical(content))}) + b"\n")

    @property
    def finished(self) -> bool:
        """Whether there is a report."""
        return self.state in FINISHED


def record_path(run: Path, name: str) -> Path:
    """Where the record of one report lies."""
    return Path(run) / "done" / f"{name}.json"


def read_record(run: Path, name: str) -> DoneRecord | None:
    """The record of one report; None where there is none that can be trusted."""
    try:
        content = json.loads(record_path(run, name).read_text(encoding="utf-8"))
        told = content.pop("record_sha256")
        record = DoneRecord(**content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return record if told == sha256(canonical(content)) and record.name == name else None


def standing(run: Path, name: str, made_from: str) -> DoneRecord | None:
    """The record of one report as it stands now: stale where its content has changed, or where a file is missing or is not what was written."""
    record = read_record(run, name)
    if record is None or not record.finished:
        return record
    holds = record.made_from == made_from and bool(record.files) and all(same(Path(run) / path, told) for path, told in record.files.items())
    return record if holds else replace(record, state="stale")


def same(path: Path, told: str) -> bool:
    """Whether a file is there with the hash that was told."""
    return path.is_file() and file_sha256(path) == told
