"""Randomisation inference where a programme was assigned to a few areas: placebo areas of the same sizes, matched and estimated again.

`permute_areas` asks how often chance alone gives a gap as large as the programme's; `placebo_gaps` sets one area's own gap beside those of untreated
pseudo-areas. An area here is a number of councils; units (councils, schools, families) follow their council.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.match import Match
from evaluation.matching.matcher import KnownScore
from evaluation.matching.risk_sets import RiskSets, candidates_at
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects
from evaluation.models.summaries import average, chosen_cells, complete_cohorts
from evaluation.panel.types import NEVER, Panel

TRIES = 200                    # times an assignment is begun again when the regions left are too small for the next area


class Matcher(Protocol):
    """What `permute_areas` and `placebo_gaps` need of a matcher."""

    def fit(self, panel: Panel, *, balance: pd.DataFrame | None = None) -> MatchedSample: ...

    def match(self, rows: Candidates, *, known: KnownScore | None = None) -> Match: ...


class Estimator(Protocol):
    """What they need of an estimator. One that has `cells` besides, which gives the cells of `fit` alone, is asked for these, in half the time."""

    def fit(self, sample: MatchedSample, outcome: str, *, calendar: Sequence[int] = ()) -> Effects: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """A gap beside its placebo distribution.

    Attributes
    ----------
    outcome : str
    name : str
        '' for the programme, or the area.
    estimate : float
        The actual gap, in the outcome's unit.
    draws : ndarray, shape (n_draws,)
        Placebo gaps that could be estimated, sorted.
    p_value : float
        (1 + placebo gaps at least as large in absolute value) / (1 + placebo gaps).
    lower, upper : float
        2.5th and 97.5th centile of the placebo gaps: where gaps fall without any effect. Not an interval for the effect.
    n_failed : int
        Draws that could not be matched or estimated.
    n_councils : int
        Councils of the area, or of all treated areas.
    before_times : tuple of int
        Event times before entry that were tested together; empty where none was asked for or observed.
    before_p_value : float
        Joint permutation test that the gaps at `before_times` are those of chance; NaN where there are none.
    """

    outcome: str
    name: str
    estimate: float
    draws: np.ndarray
    p_value: float
    lower: float
    upper: float
    n_failed: int
    n_councils: int
    before_times: tuple[int, ...] = ()
    before_p_value: float = float("nan")


def permute_areas(panel: Panel, matcher: Matcher, estimator: Estimator, outcomes: Sequence[str], *, quarters: tuple[int, int], n_draws: int,
                  rng: np.random.Generator, regions: str | None = None, cohorts: Sequence[int] | Literal["complete"] | None = None,
                  calendars: Mapping[str, Sequence[int]] | None = None, before: Sequence[int] = ()) -> dict[str, Null]:
    """The programme's gap beside gaps of placebo assignments, by outcome.

    Every draw gives each treated area's entry period to as many councils of one region, drawn from all councils that were treated or could have been
    a comparison then (the sharp null of no effect at all makes treated councils exchangeable with the others); largest area first; no council twice.
    The score, the matching and the estimate are then made again.

    Parameters
    ----------
    outcomes : sequence of str
        All are estimated on each draw's matched sample.
    regions : str, optional
        Column of `panel.units` inside one value of which an area's councils must lie; None draws from everywhere.
    calendars : mapping of outcome to quarters collected, optional
    before : sequence of int
        Event times before entry, not the base and not in the score, for a joint test of trends before: with few areas of unequal sizes cluster-robust
        tests of several periods reject too often. It compares the distance of the actual gaps from zero, in the covariance of the placebo gaps,
        with that of the placebo gaps themselves.

    Raises
    ------
    EstimationError
        No region is large enough for an area.
    """
    areas, places = _treated_areas(panel), _Places.of(panel, regions)
    asked = dict(quarters=quarters, cohorts=cohorts, calendars=calendars or {}, before=tuple(before))
    sample = matcher.fit(panel)
    actual = _gaps(sample, estimator, outcomes, **asked)
    found: dict[str, list[np.ndarray]] = {name: [] for name in outcomes}
    for _ in range(n_draws):
        placebo = _reassigned(panel, places, areas, rng)
        try:
            gaps = _gaps(matcher.fit(placebo, balance=sample.balance), estimator, outcomes, **asked)
        except (CommonSupportError, EstimationError):
            continue
        for name, gap in gaps.items():
            found[name].append(gap)
    total = sum(len(councils) for _, councils in areas)
    return {name: replace(_null(name, "", actual[name][0], [gap[0] for gap in found[name]], n_draws, total),
                          **_joint_before(actual[name][1:], [gap[1:] for gap in found[name]], tuple(before))) for name in outcomes}


def placebo_gaps(sample: MatchedSample, matcher: Matcher, estimator: Estimator, outcomes: Sequence[str], *, quarters: tuple[int, int], n_draws: int,
                 rng: np.random.Generator, regions: str | None = None, calendars: Mapping[str, Sequence[int]] | None = None) -> list[Null]:
    """Each treated area's own gap beside the gaps of pseudo-areas of as many never-treated councils of one region; one per area and outcome.

    Pseudo-areas keep the score and the caliper of the actual match (a score cannot be fitted to one council) and are matched to the other candidates
    of the area's entry period. Areas of one council use every such council once; larger ones `n_draws` random groups, which overlap.
    Areas of the same size and entry period share their draws.
    """
    panel, calendars = sample.panel, calendars or {}
    cells_of = {}
    for name in outcomes:
        effects = estimator.fit(sample, name, calendar=calendars.get(name, ()))
        cells_of[name] = effects, chosen_cells(effects, quarters=quarters, cohorts=None)
    drawn: dict[tuple[int, int], dict[str, list[float]]] = {}
    out = []
    for (area, entry), councils in _treated_areas(panel):
        key = len(councils), entry
        if key not in drawn:
            drawn[key] = _pseudo_gaps(sample, matcher, estimator, outcomes, quarters, *key, n_draws, rng, _Places.of(panel, regions), calendars)
        for name in outcomes:
            effects, cells = cells_of[name]
            rows = (effects.rows["treated"] & (effects.rows["area"] == area) & (effects.rows["cohort"] == entry)).to_numpy()
            gap = average(effects, cells, treated_rows=rows).value
            out.append(_null(name, area, gap, drawn[key][name], len(drawn[key][name]), len(councils)))
    return out


@dataclass(frozen=True, slots=True)
class _Places:
    """Councils of a panel, their regions and the periods in which they may serve."""

    code: np.ndarray           # (n_councils,): council codes, sorted
    region: np.ndarray         # (n_councils,): integer
    first: np.ndarray          # (n_councils,): first eligible column
    last: np.ndarray
    treated: np.ndarray        # (n_councils,): whether some unit of it is ever treated
    of_unit: np.ndarray        # (n_units,): council of each unit

    @classmethod
    def of(cls, panel: Panel, regions: str | None) -> _Places:
        units = panel.units
        if regions is not None and regions not in units:
            raise PlanError(f"`regions` must be a column of the panel's units: {regions!r} is not. There are {', '.join(units.columns)}.")
        names = units["council_code"].where(units["council_code"] != "", units["unit_id"])
        grouped = pd.DataFrame({"name": names, "region": units[regions] if regions else "", "first": units["eligible_from"],
                                "last": units["eligible_to"], "treated": units["entry"] >= 0}).groupby("name")
        table = grouped.agg({"region": "first", "first": "min", "last": "max", "treated": "any"})
        return cls(table.index.to_numpy(), pd.factorize(table["region"])[0], table["first"].to_numpy(), table["last"].to_numpy(),
                   table["treated"].to_numpy(), table.index.get_indexer(names))

    def draw(self, size: int, free: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
        """`size` free councils of one region, regions in proportion to their free councils; None where no region has as many."""
        count = np.bincount(self.region[free], minlength=self.region.max() + 1)
        chance = np.where(count >= size, count, 0)
        if not chance.any():
            return None
        region = rng.choice(len(chance), p=chance / chance.sum())
        return rng.choice(np.flatnonzero(free & (self.region == region)), size, replace=False)


def _treated_areas(panel: Panel) -> list[tuple[tuple[str, int], list[str]]]:
    """((area, entry period), its councils) of the treated areas, largest first."""
    units = panel.units[panel.entry >= 0]
    if units.empty:
        raise CommonSupportError("No unit enters the programme inside the panel's periods. Mend `programme.entry` or `periods` in the plan.")
    council = units["council_code"].where(units["council_code"] != "", units["unit_id"])
    areas = {(str(area), int(entry)): sorted(set(codes)) for (area, entry), codes in council.groupby([units["area"], units["entry"]])}
    return sorted(areas.items(), key=lambda item: (-len(item[1]), item[0]))


def _reassigned(panel: Panel, places: _Places, areas: list, rng: np.random.Generator) -> Panel:
    """The panel with every treated area's entry given to other councils; all units may be comparison units as long as any may."""
    for _ in range(TRIES):
        taken = np.zeros(len(places.code), dtype=bool)
        entry, area = np.full(len(places.code), NEVER), np.full(len(places.code), "", dtype=object)
        for number, ((_, at), councils) in enumerate(areas):
            chosen = places.draw(len(councils), ~taken & (places.treated | ((places.first <= at) & (places.last >= at))), rng)
            if chosen is None:
                break
            taken[chosen], entry[chosen], area[chosen] = True, at, f"placebo {number:03d}"
        else:
            units = panel.units
            new = area[places.of_unit]
            return replace(panel, units=units.assign(
                entry=entry[places.of_unit], area=np.where(new == "", units["area"].to_numpy(dtype=object), new),
                eligible_from=np.where(panel.entry >= 0, units["eligible_from"].min(), units["eligible_from"]),
                eligible_to=np.where(panel.entry >= 0, units["eligible_to"].max(), units["eligible_to"])))
    raise EstimationError(f"No region has enough councils for placebo areas of the sizes {', '.join(str(len(c)) for _, c in areas)}. "
                          "Draw from the whole study (`regions: none`) or take larger regions.")


def _gaps(sample: MatchedSample, estimator: Estimator, outcomes: Sequence[str], *, quarters, cohorts, calendars, before=()) -> dict[str, np.ndarray]:
    """By outcome: the headline, then the gap at each event time of `before`; NaN where not estimable."""
    out = {}
    for name in outcomes:
        collected = calendars.get(name, ())
        if cohorts == "complete" or not hasattr(estimator, "cells"):
            effects = estimator.fit(sample, name, calendar=collected)
            cells, chosen = effects.cells, complete_cohorts(effects, quarters) if cohorts == "complete" else cohorts
        else:
            cells, chosen = estimator.cells(sample, name, calendar=collected), cohorts
        out[name] = _values(cells, [quarters, *((e, e) for e in before)], chosen)
    return out


def _values(cells: pd.DataFrame, windows: Sequence[tuple[int, int]], cohorts: Sequence[int] | None) -> np.ndarray:
    """The numbers of `inference.average` alone, without influence: what a draw needs."""
    e, weight, estimate = (cells[name].to_numpy() for name in ("event_time", "weight", "estimate"))
    estimated = cells["status"].to_numpy(dtype=object) == "estimated"
    if cohorts is not None:
        estimated = estimated & cells["cohort"].isin(list(cohorts)).to_numpy()
    out = []
    for first, last in windows:
        use = estimated & (e >= first) & (e <= last)
        out.append(float(np.average(estimate[use], weights=weight[use])) if use.any() else float("nan"))
    return np.array(out)


def _joint_before(actual: np.ndarray, draws: Sequence[np.ndarray], times: tuple[int, ...]) -> dict[str, object]:
    """The joint permutation test of gaps before entry."""
    seen = np.isfinite(actual)
    null = np.array([draw[seen] for draw in draws]).reshape(len(draws), int(seen.sum()))
    null = null[np.isfinite(null).all(axis=1)]
    if not seen.any() or len(null) <= 2 * seen.sum():
        return {}
    every = np.vstack([actual[seen], null])                  # the actual assignment is one of those possible
    distance = np.einsum("ij,jk,ik->i", every, np.linalg.pinv(every.T @ every / len(every)), every)
    return {"before_times": tuple(e for e, yes in zip(times, seen, strict=True) if yes),
            "before_p_value": float((distance >= distance[0] * (1 - 1e-12)).mean())}


def _pseudo_gaps(sample, matcher, estimator, outcomes, quarters, size, entry, n_draws, rng, places, calendars) -> dict[str, list[float]]:
    panel = sample.panel
    at = sample.candidates[(sample.candidates["entry"] == entry) & ~sample.candidates["treated"]]
    unit, score = at["unit"].to_numpy(), at["score"].to_numpy()
    rows = RiskSets(unit=unit, entry=np.full(len(unit), entry), treated=np.zeros(len(unit), dtype=bool))
    known = KnownScore(value=score, width=sample.caliper_width if np.isfinite(sample.caliper_width) else float("inf"))
    free = np.zeros(len(places.code), dtype=bool)
    free[places.of_unit[unit]] = True
    free &= ~places.treated
    found: dict[str, list[float]] = {name: [] for name in outcomes}
    groups = [np.array([c]) for c in np.flatnonzero(free)] if size == 1 else (places.draw(size, free, rng) for _ in range(n_draws))
    for councils in groups:
        if councils is None:
            break
        pseudo = replace(rows, treated=np.isin(places.of_unit[unit], councils))
        try:
            match = matcher.match(candidates_at(panel, pseudo), known=known)
        except CommonSupportError:
            continue
        placebo = MatchedSample.of(panel, match, balance=sample.balance)
        for name, gap in _gaps(placebo, estimator, outcomes, quarters=quarters, cohorts=None, calendars=calendars).items():
            found[name].append(float(gap[0]))
    return found


def _null(outcome: str, name: str, estimate: float, draws: Sequence[float], asked: int, n_councils: int) -> Null:
    values = np.sort(np.asarray([draw for draw in draws if np.isfinite(draw)]))
    if not len(values) or not np.isfinite(estimate):
        nan = float("nan")
        return Null(outcome=outcome, name=name, estimate=estimate, draws=values, p_value=nan, lower=nan, upper=nan, n_failed=asked - len(values),
                    n_councils=n_councils)
    as_large = int((np.abs(values) >= abs(estimate) * (1 - 1e-12)).sum())
    lower, upper = np.quantile(values, [0.025, 0.975])
    return Null(outcome=outcome, name=name, estimate=float(estimate), draws=values, p_value=(1 + as_large) / (1 + len(values)), lower=float(lower),
                upper=float(upper), n_failed=asked - len(values), n_councils=n_councils)
