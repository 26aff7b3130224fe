"""Blocks of attacked releases that are done, kept on disk a line each: a long run that was stopped goes on where it was.

One file for each state of the code that protects and of the code that attacks, so nothing is taken from another state.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.runs.manifest import code_hash
from tests.attacks.score import Scores

CODE = Path(__file__).parents[2] / "evaluation" / "disclosure"


@dataclass(slots=True)
class Kept:
    """What is done, by the first and last release of a block and the build."""

    path: Path
    scores: dict[tuple[int, int, str], Scores] = field(default_factory=dict)

    @classmethod
    def of_this_code(cls, folder: Path) -> Kept:
        """What was done by this code; a line that a stop cut short is passed over."""
        kept = cls(folder / f"{code_hash([CODE, Path(__file__).parent])[:16]}.jsonl")
        for line in kept.path.read_text(encoding="utf-8").splitlines() if kept.path.is_file() else ():
            try:
                read = json.loads(line)
            except ValueError:
                continue
            kept.scores[read["first"], read["last"], read["build"]] = Scores.from_json(read["scores"])
        return kept

    def score(self, seeds: range, build: str) -> Scores | None:
        """Scores of a block; None where it is not done."""
        return self.scores.get((seeds[0], seeds[-1], build))

    def add(self, seeds: range, build: str, scores: Scores) -> None:
        """A block that is done."""
        self.scores[seeds[0], seeds[-1], build] = scores
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" * self.torn() + json.dumps({"first": seeds[0], "last": seeds[-1], "build": build, "scores": scores.as_json()}) + "\n")

    def torn(self) -> bool:
        """Whether the last line was cut short."""
        return self.path.is_file() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size > 0

    def forget(self) -> None:
        """Begin anew."""
        self.scores.clear()
        self.path.unlink(missing_ok=True)
