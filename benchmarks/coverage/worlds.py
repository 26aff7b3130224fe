"""Panels of families whose untreated trends and effect are known by construction.

In every world the mean of an untreated outcome is additive: a family's own level, the quarter, the trend of its kind, and the shock to its council
in that quarter. So trends are parallel in levels inside a kind and a council whatever decides who joins, as long as it is fixed before the first
quarter. What stays with a family is its level and a passing state; both make a family's quarters alike.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from evaluation.panel.types import NEVER, Panel
from evaluation.periods import Periods

Outcome = Literal["binary", "count", "rate"]
Selection = Literal["slow", "slow and level", "level", "dip", "both"]
Gone = Literal["none", "informative"]

PERIODS = 20
ENTRIES = (8, 10, 12, 14)      # every one has eight quarters before and five after
POOL = 5                       # families for each that joins
STAY = 0.5                     # chance that a passing state lasts one more quarter
COUNCILS = {18: 1, 60: 3, 300: 10, 3_000: 30}
TREATED_AREAS = {18: 2, 60: 5, 300: 10, 3_000: 25}
AREAS = 3                      # areas for each that has the programme
EFFECT = {"binary": -0.10, "count": -0.25, "rate": -0.02}
SPAN = {"binary": 0.05, "count": 0.08, "rate": 0.015}      # largest shock to a council in a quarter, up or down
PULL = {                       # of the slow covariate, the level, and the quarter before entry
    "slow": (0.5, 0.0, 0.0), "slow and level": (0.5, 0.5, 0.0), "level": (0.3, 1.0, 0.0), "dip": (0.3, 0.0, 1.0), "both": (0.3, 0.7, 0.7),
}
LOST = (0.03, 0.15)            # share of families lost to the records in a quarter: all; and besides, of programme families doing badly


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How families, outcomes and the programme come about.

    Attributes
    ----------
    outcome : 'binary', 'count' or 'rate'
    treated : int
        Programme families: as many exactly, or on average where areas have the programme.
    has_effect : bool
        Whether `EFFECT` is added to the mean from entry on, or nothing.
    by_area : bool
        Whether all families of an area join together (areas of sizes 1 : 2 : 3, drawn at random), or families one by one.
    kind_trend : bool
        Whether one kind of family drifts away from the other.
    shock : float
        Shocks to councils, in `SPAN`.
    selection : 'slow', 'slow and level', 'level', 'dip' or 'both'
        What brings families in, besides chance: the slow covariate; the level too; mostly the level (trends are parallel so far); the outcome of the
        quarter before; level and that quarter.
    attrition : 'none' or 'informative'
        Whether programme families that do badly leave the records more often than others.
    struck : bool
        Whether the first council, from which twice as many join, is struck for good half way: no longer parallel between councils.
    x_trend : float
        Drift with the slow covariate, in `SPAN` over the whole time.
    """

    outcome: Outcome
    treated: int
    has_effect: bool = True
    by_area: bool = False
    kind_trend: bool = True
    shock: float = 1.0
    selection: Selection = "slow and level"
    attrition: Gone = "none"
    struck: bool = False
    x_trend: float = 0.0

    @property
    def effect(self) -> float:
        """The effect on the mean in every quarter from entry on."""
        return EFFECT[self.outcome] if self.has_effect else 0.0

    @property
    def councils(self) -> int:
        """Councils (areas, where these have the programme)."""
        if self.by_area:
            return AREAS * TREATED_AREAS[self.treated]
        return max(COUNCILS[self.treated], 3 if self.struck else 1)

    def draw(self, rng: np.random.Generator) -> Panel:
        """One panel, with the outcome `y` and the fixed columns `x` (slow) and `kind`."""
        council = self._places(rng)
        n = len(council)
        x, kind = rng.normal(size=n), (rng.random(n) < 0.5).astype(float)
        level = 0.6 * x + 0.8 * rng.normal(size=n)
        without, with_effect = _outcomes(self.outcome, level, self._additive(council, kind, x, rng), self.effect, rng)
        entry = self._entries_of_areas(council, rng) if self.by_area else self._entries(council, x, level, without, rng)
        y = np.where((entry >= 0)[:, None] & (np.arange(PERIODS) >= entry[:, None]), with_effect, without)
        if self.attrition == "informative":
            y = _with_losses(y, entry, rng)
        return panel_of(y, entry, council, x=x, kind=kind)

    def _places(self, rng: np.random.Generator) -> np.ndarray:
        size = np.full(self.councils, POOL * self.treated // self.councils)
        if self.by_area:
            share = np.resize((0.5, 1.0, 1.5), self.councils) * self.treated / TREATED_AREAS[self.treated]
            size = np.round(rng.permutation(share)).astype(int)
        return np.repeat(np.arange(self.councils), size)

    def _additive(self, council: np.ndarray, kind: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What is added to every family's level in every quarter, shape (n, PERIODS)."""
        span, t = SPAN[self.outcome], np.arange(PERIODS)
        shock = self.shock * rng.uniform(-span, span, size=(self.councils, PERIODS))
        drift = (t - PERIODS / 2) / PERIODS * span
        if self.struck:
            shock[0, PERIODS // 2:] += 2 * span
        season = 0.4 * span * np.cos(np.pi * t / 2)
        return season + shock[council] + np.outer(kind * self.kind_trend + np.tanh(x) * self.x_trend, drift)

    def _entries(self, council: np.ndarray, x: np.ndarray, level: np.ndarray, without: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Families join one by one: at every date the same number of each council, those drawn with the strongest pull."""
        of_x, of_level, of_last = PULL[self.selection]
        entry = np.full(len(x), NEVER)
        wanted = self._joining(rng)
        spread = without[:, :ENTRIES[0]].std()
        for date, numbers in zip(ENTRIES, wanted, strict=True):
            last = without[:, date - 1]
            pull = of_x * x + of_level * level + of_last * (last - last.mean()) / spread + rng.gumbel(size=len(x))
            pull[entry >= 0] = -np.inf
            order = np.lexsort((-pull, council))
            first = np.searchsorted(council, np.arange(self.councils))
            rank = np.arange(len(order)) - first[council[order]]
            entry[order[rank < numbers[council[order]]]] = date
        return entry

    def _joining(self, rng: np.random.Generator) -> np.ndarray:
        """How many join at each date in each council, shape (n_dates, n_councils)."""
        share = np.ones(self.councils)
        if self.struck:
            share[0] = 2.0
        each = np.floor(self.treated * share / share.sum() + rng.random()).astype(int)
        each[-1] += self.treated - each.sum()
        dates = np.array([each // len(ENTRIES)] * len(ENTRIES))
        for place, left in enumerate(each - dates.sum(axis=0)):
            dates[rng.permutation(len(ENTRIES))[:left], place] += 1
        return dates

    def _entries_of_areas(self, council: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        entry = np.full(self.councils, NEVER)
        chosen = rng.choice(self.councils, TREATED_AREAS[self.treated], replace=False)
        entry[chosen] = np.resize(ENTRIES, len(chosen))
        return entry[council]


def panel_of(y: np.ndarray, entry: np.ndarray, council: np.ndarray, **fixed: np.ndarray) -> Panel:
    """A panel of families with the outcome `y`."""
    n = len(y)
    place = _names("C", int(council.max()) + 1)[council]
    units = pd.DataFrame({"unit_id": _names("f", n), "council_code": place, "area": place, "pool": "", "entry": entry,
                          "eligible_from": 0, "eligible_to": y.shape[1] - 1, **fixed})
    return Panel(unit="family", periods=Periods(first=4 * 2010, last=4 * 2010 + y.shape[1] - 1, kind="quarter"), units=units, outcomes={"y": y})


def lasting(fresh: np.ndarray, stay: float, rng: np.random.Generator) -> np.ndarray:
    """A series that keeps its value for one more quarter with the chance `stay`, and else takes a fresh one; distributed as the fresh ones."""
    kept = rng.random(fresh.shape) < stay
    kept[:, 0] = False
    since = np.maximum.accumulate(np.where(kept, 0, np.arange(fresh.shape[1])), axis=1)
    return np.take_along_axis(fresh, since, axis=1)


def _outcomes(outcome: Outcome, level: np.ndarray, added: np.ndarray, effect: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes without and with the effect (which lowers them, or is none), shape (n, n_periods) each."""
    place = ndtr(level)[:, None]                           # in (0, 1), uniform
    if outcome == "binary":
        chance = 0.28 + 0.40 * place + added
        draw = lasting(rng.random(added.shape), STAY, rng)
        return (draw < _inside(chance)).astype(float), (draw < _inside(chance + effect)).astype(float)
    if outcome == "count":
        own = -0.8 * np.log1p(-np.minimum(place, 1 - 1e-12))       # exponential, mean 0.8: many families with few, few with many
        mean = 0.5 + own * lasting(rng.gamma(2.0, 0.5, added.shape), STAY, rng) + added
        fewer = rng.poisson(mean + effect)
        return fewer + rng.poisson(-effect, added.shape), fewer
    chance = _inside(0.13 + 0.20 * place + lasting(rng.uniform(-0.06, 0.06, added.shape), STAY, rng) + added)
    sessions = 60 * rng.integers(1, 5, size=(len(level), 1))       # of one to four children
    without = rng.binomial(sessions, chance) / sessions
    return without, without if effect == 0 else rng.binomial(sessions, _inside(chance + effect)) / sessions


def _inside(chance: np.ndarray) -> np.ndarray:
    """Chances, held to be such: cutting them off would bend the trends."""
    if not 0 < chance.min() <= chance.max() < 1:
        raise ValueError(f"A world's chances must lie inside (0, 1): they run from {chance.min():.3f} to {chance.max():.3f}. Mend `SPAN`.")
    return chance


def _with_losses(y: np.ndarray, entry: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Outcomes with families lost for good from the first entry date on; in the programme, those above the mean the more."""
    since = np.arange(y.shape[1])
    joined = (entry >= 0)[:, None] & (since > entry[:, None])
    share = LOST[0] + LOST[1] * (joined & (y > y.mean()))
    lost = (rng.random(y.shape) < share) & (since > ENTRIES[0])
    return np.where(np.logical_or.accumulate(lost, axis=1), np.nan, y)


@lru_cache(maxsize=64)
def _names(letter: str, n: int) -> np.ndarray:
    return np.array([f"{letter}{k:06d}" for k in range(n)], dtype=object)
