"""What a run says while it goes on: each report as it ends, failures by name, and the time left; kept in the run's log too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.runs.records import DoneRecord


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts reports as they end.

    Attributes
    ----------
    say : callable
        Takes one line of text.
    log : Path
        Receives one JSON line a report; no number of a report is in it.
    total, workers : int
        Reports to make, and how many are made at the same time.
    """

    say: Callable[[str], object]
    log: Path
    total: int
    workers: int
    ended_so_far: int = 0
    began: float = field(default_factory=time.monotonic)

    def begun(self, name: str, tries: int) -> None:
        """One report was begun."""
        self.write({"begun": name, "tries": tries})

    def ended(self, record: DoneRecord) -> None:
        """One report ended."""
        self.ended_so_far += 1
        told = f"report made in {record.seconds:.1f} s" if record.finished else f"{record.state}: {record.fault}"
        limits = ", with limits" if record.state == "done-with-limits" else ", nothing can be shown" if record.state == "not-shown-small-n" else ""
        self.say(f"  {self.ended_so_far}/{self.total} {record.name}: {told}{limits}{left_in_words(self.seconds_left())}")
        self.write({"ended": record.name, "state": record.state, "seconds": record.seconds, "tries": record.tries, "fault": record.fault})

    def write(self, line: dict[str, object]) -> None:
        """One line of the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")

    def seconds_left(self) -> float:
        """Time left at the pace so far."""
        return (time.monotonic() - self.began) / self.ended_so_far * (self.total - self.ended_so_far)


def left_in_words(seconds: float) -> str:
    """Time left, as coarse as it is known.

    Examples
    --------
    >>> left_in_words(0), left_in_words(42), left_in_words(610)
    ('', '; under a minute left', '; about 10 minutes left')
    """
    if seconds <= 0:
        return ""
    minutes = int(seconds / 60 + 0.5) if seconds >= 60 else 0
    return "; under a minute left" if minutes < 1 else f"; about {minutes} minute{'' if minutes == 1 else 's'} left"
