"""The populations of a study's reports: which is a part of which, for the audit of the release."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.disclosure.population import Population

ALL = "all"
GROUP = "units"
MEASURED = "measured "  # begins the name of a split by whether an outcome is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Names populations for one report of one study.

    received -> in the panel -> joined -> matched -> measured, each a part of the one before; comparison units are a part of the panel.

    Attributes
    ----------
    code : str
        The report's council; 'all' for all places together.
    matching : str
        Tells the plan's matching from others: units matched by one plan and by another are different parts of those who joined.
    members : tuple of str
        Identifiers of those who joined, for a fingerprint; they are not kept.
    by_sets : bool
        Whether effects are those on matched units; other estimators use whoever they can of all units.
    """

    code: str = ALL
    matching: str = ""
    members: Sequence[str] = ()
    by_sets: bool = True

    def _of(self, name: str, *path: tuple[str, str], code: str, fingerprint: str = "") -> Population:
        where = {} if code == ALL else {"council": [code]}
        return Population.of(name, GROUP, where, *path, fingerprint=fingerprint)

    def received(self, name: str = "received") -> Population:
        """All units delivered."""
        return self._of(name, code=ALL)

    def left(self, reason: str) -> Population:
        """Units delivered that are not in the panel, by the reason."""
        return self._of("not used", ("received", reason), code=ALL)

    def panel(self, name: str = "in the panel") -> Population:
        """Units in the panel."""
        return self._of(name, ("received", "in the panel"), code=ALL)

    def joined(self, code: str = "", name: str = "") -> Population:
        """Programme units."""
        own = code or self.code
        return self._of(name or own, *JOINED, code=own, fingerprint=self._fingerprint(own))

    def _fingerprint(self, code: str) -> str:
        return fingerprint(self.members) if code == self.code else ""

    def matched(self, code: str = "", name: str = "") -> Population:
        """Programme units with a matched set: of one council, those with a set of its own."""
        own = code or self.code
        here = () if own == ALL else ((f"within a council {self.matching}", "yes"),)
        return self._of(name or own, *JOINED, (f"matching {self.matching}", "matched"), *here, code=own, fingerprint=self._fingerprint(own))

    def unmatched(self, reason: str) -> Population:
        """Programme units that left at matching, by the reason."""
        return self._of("not matched", *JOINED, (f"matching {self.matching}", reason), code=ALL)

    def compared(self, code: str = "", name: str = "") -> Population:
        """Comparison units in matched sets."""
        own = code or self.code
        return self._of(name or own, ("received", "in the panel"), (f"compared {self.matching} in {own}", "yes"), code=ALL)

    def estimated(self) -> Population:
        """Programme units behind the effects."""
        return self.matched() if self.by_sets else self.joined().part(f"used without sets, {self.matching}", "yes")

    def estimated_against(self) -> Population:
        """Comparison units behind the effects."""
        return self.compared() if self.by_sets else self.panel(self.code).part(f"compared without sets, {self.matching} in {self.code}", "yes")


JOINED = (("received", "in the panel"), ("joined", "yes"))


def measured(who: Population, outcome: str, name: str) -> Population:
    """Those of a population in whom an outcome is measured."""
    return who.part(f"{MEASURED}{outcome}", "yes", name)


def fingerprint(members: Sequence[str]) -> str:
    """Tells two sets of members apart; '' of nobody known. It stays inside the room."""
    if not len(members):
        return ""
    return hashlib.blake2b("\n".join(sorted(str(member) for member in members)).encode(), digest_size=16).hexdigest()
