"""Releases tried, small cells at risk, cells recovered, narrowest interval: for the protected build and for one with protection switched off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import numpy as np

from evaluation.disclosure.register import finite
from evaluation.disclosure.rules import Profile, rule_of
from evaluation.errors import DisclosureError
from tests.attacks.attackers import ATTACKS, Case
from tests.attacks.world import BLANKED, OPEN, families, next_year, release


@dataclass(slots=True)
class Score:
    """What one attack, or all, made of a build."""

    releases: int = 0
    at_risk: int = 0
    recovered: int = 0
    narrowest: float = np.inf
    where: str = ""

    def add(self, low: float, high: float, true: float, where: str) -> None:
        """One cell attacked: recovered where only the truth is left."""
        self.at_risk += 1
        self.recovered += low == high == true
        if high - low < self.narrowest:
            self.narrowest, self.where = high - low, where

    @property
    def share(self) -> float:
        return self.recovered / self.at_risk if self.at_risk else 0.0

    def with_other(self, other: Score) -> Score:
        """Two scores together."""
        low = min((self, other), key=lambda score: score.narrowest)
        return Score(self.releases + other.releases, self.at_risk + other.at_risk, self.recovered + other.recovered, low.narrowest, low.where)


@dataclass(slots=True)
class Scores:
    """By attack."""

    by_attack: dict[str, Score] = field(default_factory=dict)
    held: int = 0  # releases that the audit let nothing out of

    @property
    def together(self) -> Score:
        total = Score()
        for score in self.by_attack.values():
            total = total.with_other(score)
        total.releases = max((score.releases for score in self.by_attack.values()), default=0)
        return total

    def merge(self, other: Scores) -> Scores:
        """Scores of other releases added."""
        names = dict.fromkeys((*self.by_attack, *other.by_attack))
        both = {name: self.by_attack.get(name, Score()).with_other(other.by_attack.get(name, Score())) for name in names}
        return Scores(both, self.held + other.held)

    def as_json(self) -> dict[str, object]:
        """To keep."""
        scores = {name: {**asdict(score), "narrowest": finite(score.narrowest)} for name, score in self.by_attack.items()}
        return {"held": self.held, "by_attack": scores}

    @classmethod
    def from_json(cls, read: dict) -> Scores:
        """Read what `as_json` wrote."""
        ends = {name: np.inf if one["narrowest"] is None else one["narrowest"] for name, one in read["by_attack"].items()}
        return cls({name: Score(**{**one, "narrowest": ends[name]}) for name, one in read["by_attack"].items()}, read["held"])


def case_of(seed: int, profile: Profile) -> Case:
    """Two releases of one programme, a few families apart."""
    rng = np.random.default_rng([20261124, seed])
    truth = families(rng)
    later = next_year(truth, rng)
    first, entries = release(truth, profile)
    second, _ = release(later, profile, changed=entries)
    return Case(first=first, second=second, truth=truth, later=later)


def attack(seeds: Iterable[int], profile: Profile | str = "ten_five") -> Scores:
    """All attacks on the releases of these seeds."""
    profile = {"off": OPEN, "blanked": BLANKED}.get(profile) or rule_of(profile) if isinstance(profile, str) else profile
    scores, held = {one.__name__: Score() for one in ATTACKS}, 0
    for seed in seeds:
        try:
            case = case_of(seed, profile)
        except DisclosureError:  # nothing left: nothing to attack
            held += 1
            continue
        for one in ATTACKS:
            scores[one.__name__].releases += 1
            for name, low, high, true in one(case):
                scores[one.__name__].add(float(low), float(high), float(true), f"release {seed}, {name}")
    return Scores(scores, held)
