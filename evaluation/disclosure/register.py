"""The register of releases: what is out already, so that the next release is looked at together with it.

One file a study, beside its runs and inside the room: it holds true sizes of populations and is never released.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from evaluation.disclosure.ledger import Entry
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import Shown
from evaluation.disclosure.rules import PEOPLE
from evaluation.errors import DisclosureError

NAME = "releases.jsonl"
KEPT = ("count", "share", "mean", "estimate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What a study has released.

    Attributes
    ----------
    path : Path
        Of the file; it need not be there.
    """

    path: Path

    def read(self, vintage: str) -> tuple[list[Entry], list[Entry]]:
        """Numbers that are out about the same data, and about other states of them.

        Raises
        ------
        DisclosureError
            The file cannot be read: fails closed.
        """
        same: dict[tuple, Entry] = {}
        other: dict[tuple, Entry] = {}
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else (), start=1):
            try:
                released = json.loads(line)
                entries = [entry_of(read) for read in released["numbers"]]
            except (ValueError, KeyError, TypeError) as fault:
                raise DisclosureError(
                    f"{self.path.name}, line {number}: the register of releases cannot be read, so nobody knows what is out. Nothing may leave."
                    " Restore the file from a copy."
                ) from fault
            if released["vintage"] == vintage:
                same |= {(entry.key, entry.shown.text): entry for entry in entries}
            else:
                other |= {(released["vintage"], entry.key, entry.shown.text): entry for entry in entries}
        return list(same.values()), list(other.values())

    def add(self, entries: Iterable[Entry], *, release: str, vintage: str) -> None:
        """Note a release, once it is out; one that says the same again adds nothing."""
        fresh = {(entry.key, entry.shown.text): entry for entry in kept(entries)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock"):
            known = {(entry.key, entry.shown.text) for entry in self.read(vintage)[0]}
            if new := [as_json(entry) for key, entry in fresh.items() if key not in known]:
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"release": release, "vintage": vintage, "numbers": new}, ensure_ascii=False, allow_nan=False) + "\n")


def kept(entries: Iterable[Entry]) -> list[Entry]:
    """What the register keeps of a ledger: numbers about people of populations that can be linked, once each."""
    return list({(e.key, e.shown.text): e for e in entries if e.who.linked and e.of in PEOPLE and e.statistic in KEPT}.values())


def as_json(entry: Entry) -> dict[str, object]:
    """One number with its population and its true size."""
    return {
        "what": entry.what,
        "who": entry.who.as_json(),
        "text": entry.shown.text,
        "value": entry.shown.value,
        "symbol": entry.shown.symbol,
        "statistic": entry.statistic,
        "of": entry.of,
        "step": entry.step,
        "base": entry.base,
        "low": finite(entry.low),
        "high": finite(entry.high),
        "n": entry.n,
        "true": None if entry.true is None else float(entry.true),
    }


def finite(value: float) -> float | None:
    """A bound; None where there is none."""
    return float(value) if math.isfinite(value) else None


def entry_of(read: dict) -> Entry:
    """Read what `as_json` wrote."""
    who = Population.from_json(read["who"])
    return Entry(
        what=read["what"],
        population=who.name,
        who=who,
        shown=Shown(value=read["value"], text=read["text"], symbol=read["symbol"]),
        statistic=read["statistic"],
        of=read["of"],
        step=read["step"],
        base=read["base"],
        low=-math.inf if read["low"] is None else read["low"],
        high=math.inf if read["high"] is None else read["high"],
        n=read["n"],
        true=read["true"],
    )
