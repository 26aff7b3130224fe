"""A framework applied to families: problems at entry, result, route, when, fee year, and whether ageing out or missing records stand behind it.

The same code serves programme families (from the quarter in which they joined) and comparison families (from the quarter of their set). Claims are
made at the ends of quarters: a result counts at the first end at which a route is met. Before a claim, a family is followed until it joins the
programme (comparison families), moves away, or its records no longer show whether a rule is met; from then on it is not known, never 'no'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from evaluation.payment_by_results.facts import Facts
from evaluation.payment_by_results.framework import Framework
from evaluation.payment_by_results.problems import AtClaim, AtEntry, at_claim, at_entry, can_judge

Missing = Literal["not_judged", "neutral"]
NONE = -1  # no route


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What became of some rows (a family and the column from which its time counts).

    Attributes
    ----------
    unit, start : ndarray of int, shape (n_rows,)
        Row of the family; column of joining, or of the set.
    applies : problem -> ndarray, shape (n_rows,)
        1, 0, or NaN where the records do not show it.
    route : ndarray of int, shape (n_rows,)
        Place in `Framework.claimable` of the route of the result; -1 without one.
    met : ndarray of int, shape (n_rows,)
        Quarters after `start` at whose end the result counts; 0 without one.
    followed : ndarray of int, shape (n_rows,)
        Quarters after `start` to whose end the family was followed: all of the time for claims unless it was lost sight of.
    met_by : route -> (met, followed)
        The same for each route taken alone.
    aged_out, left, missing : ndarray of bool, shape (n_rows,)
        Of a result: a problem counts as met while somebody who made it apply is no longer judged because of age, or because of leaving the family;
        somebody is in no record (only where missing records count as neutral).
    claim_within : int
        Quarters after `start` in which a result may be claimed.
    """

    unit: np.ndarray
    start: np.ndarray
    applies: dict[str, np.ndarray]
    route: np.ndarray
    met: np.ndarray
    followed: np.ndarray
    met_by: dict[str, tuple[np.ndarray, np.ndarray]]
    aged_out: np.ndarray
    left: np.ndarray
    missing: np.ndarray
    claim_within: int

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def known(self) -> np.ndarray:
        """Whether a family has a result or was followed to the end without one; shape (n_rows,), bool."""
        return (self.met > 0) | (self.followed == self.claim_within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A framework on the facts of one panel.

    Attributes
    ----------
    missing : 'not_judged' or 'neutral'
        Whether a person who should be judged and is in no record leaves the family's result unknown, or does not stand in its way.
    entries : dict
        Problems before a column, worked out once.
    """

    framework: Framework
    facts: Facts
    missing: Missing = "not_judged"
    entries: dict[tuple[str, int], AtEntry] = field(default_factory=dict, repr=False)

    @property
    def claim_within(self) -> int:
        """Quarters in which a result may be claimed."""
        return self.framework.claim_within.whole

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of some route that the records delivered can judge."""
        asked = {name for route in self.framework.claimable for name in self.framework.routes[route].problems}
        return tuple(name for name, problem in self.framework.problems.items() if name in asked and can_judge(problem, self.facts))

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes with a problem that can be judged."""
        return tuple(name for name in self.framework.claimable if self.of_route(name))

    def of_route(self, route: str) -> tuple[str, ...]:
        """The problems of a route that can be judged."""
        return tuple(name for name in self.framework.routes[route].problems if name in self.problems)

    def at_entry(self, problem: str, s: int) -> AtEntry:
        """A problem of all families before column `s`."""
        if (problem, s) not in self.entries:
            self.entries[problem, s] = at_entry(self.framework.problems[problem], self.facts, s)
        return self.entries[problem, s]

    def pattern(self, s: int) -> np.ndarray:
        """Which problems every family had before column `s`, as one number; 0 for none, NaN where one is not known; shape (n_families,)."""
        return sum(2.0**k * self.at_entry(name, s).applies for k, name in enumerate(self.problems))

    def results(self, unit: np.ndarray, start: np.ndarray, entry: np.ndarray) -> Results:
        """Results of rows.

        Parameters
        ----------
        unit, start : ndarray of int, shape (n_rows,)
            Row of the family, and column from which its time counts.
        entry : ndarray of int, shape (n_families,)
            Column in which each family joins, -1 where it does not: a family that joins after `start` is followed until the quarter before.
        """
        n, shape = len(unit), (len(unit), self.claim_within)
        status = {route: np.full(shape, np.nan) for route in self.routes}
        flags = {name: {route: np.zeros(shape, dtype=bool) for route in self.routes} for name in ("aged_out", "left", "missing")}
        applies = {name: np.full(n, np.nan) for name in self.problems}
        for s in np.unique(start):
            rows = np.flatnonzero(start == s)
            at = unit[rows]
            for name in self.problems:
                applies[name][rows] = self.at_entry(name, int(s)).applies[at]
            for step in range(self.claim_within):
                c = int(s) + step + 1
                if c >= self.facts.here.shape[1]:
                    break
                claims = {name: at_claim(self.framework.problems[name], self.facts, int(s), c) for name in self.problems}
                for route in self.routes:
                    status[route][rows, step] = self._route_status(route, claims, applies, rows, at)
                    for flag, by_route in flags.items():
                        by_route[route][rows, step] = self._flagged(route, flag, claims, applies, rows, at)
        joins = entry[unit]
        lost = (joins[:, None] > start[:, None]) & (joins[:, None] <= start[:, None] + np.arange(1, self.claim_within + 1))
        for values in status.values():
            values[lost] = np.nan
        return self._collect(unit, start, applies, status, flags)

    def _route_status(self, route: str, claims: dict[str, AtClaim], applies: dict[str, np.ndarray], rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        """1, 0 or NaN: every problem of the route that applied is met, and there was one."""
        every = not self.framework.only_applying.value
        asked = np.stack([applies[name][rows] for name in self.of_route(route)])
        met = np.stack([self._met(claims[name])[at] for name in self.of_route(route)])
        counts = np.ones_like(asked) if every else asked
        some, unsure = (asked == 1).any(axis=0), np.isnan(asked).any(axis=0)
        fails = ((counts == 1) & (met == 0)).any(axis=0)
        unclear = unsure | ((counts == 1) & np.isnan(met)).any(axis=0)
        return np.where(fails | (~some & ~unsure), 0.0, np.where(unclear, np.nan, 1.0))

    def _met(self, claim: AtClaim) -> np.ndarray:
        if self.missing == "neutral":
            return np.where(np.isnan(claim.met) & claim.missing, 1.0, claim.met)
        return claim.met

    def _flagged(self, route: str, flag: str, claims: dict[str, AtClaim], applies: dict[str, np.ndarray], rows: np.ndarray,
                 at: np.ndarray) -> np.ndarray:
        return np.logical_or.reduce([(applies[name][rows] == 1) & getattr(claims[name], flag)[at] for name in self.of_route(route)])

    def _collect(self, unit: np.ndarray, start: np.ndarray, applies: dict[str, np.ndarray], status: dict[str, np.ndarray],
                 flags: dict[str, dict[str, np.ndarray]]) -> Results:
        together = either(list(status.values()))
        met, followed = first_met(together)
        step = np.maximum(met - 1, 0)[:, None]
        here = {route: np.take_along_axis(values, step, axis=1)[:, 0] == 1 for route, values in status.items()}
        # several routes at once: the last of the framework, which pays most
        route = np.full(len(unit), NONE)
        for name in self.routes:
            route[(met > 0) & here[name]] = self.framework.claimable.index(name)
        found = {}
        for flag, by_route in flags.items():
            # a result stands on a flag where every route that is met at the claim does
            open_way = [here[name] & ~np.take_along_axis(by_route[name], step, axis=1)[:, 0] for name in self.routes]
            found[flag] = (met > 0) & ~np.logical_or.reduce(open_way)
        return Results(unit=unit, start=start, applies=applies, route=route, met=met, followed=followed,
                       met_by={name: first_met(values) for name, values in status.items()}, claim_within=self.claim_within, **found)


def either(statuses: list[np.ndarray]) -> np.ndarray:
    """1 where any status is 1, NaN where none is and one is unknown, else 0."""
    stacked = np.stack(statuses)
    return np.where((stacked == 1).any(axis=0), 1.0, np.where(np.isnan(stacked).any(axis=0), np.nan, 0.0))


def first_met(status: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number (from 1) of the first step that is met before anything is unknown, 0 without; and how many steps were followed.

    Examples
    --------
    >>> first_met(np.array([[0, 1, 0], [0, np.nan, 1], [0, 0, 0]]))
    (array([2, 0, 0]), array([3, 1, 3]))
    """
    unknown = np.isnan(status)
    followed = np.where(unknown.any(axis=1), unknown.argmax(axis=1), status.shape[1])
    inside = (status == 1) & (np.arange(status.shape[1]) < followed[:, None])
    met = np.where(inside.any(axis=1), inside.argmax(axis=1) + 1, 0)
    return met, np.where(met > 0, status.shape[1], followed)
