"""Series of treated areas and of their possible donors by event time, and one area's fit to its donors.

How donors are weighted is said by a spec (`synthetic_control.py`, `synthetic_did.py`); what is made of fits is in `synthetic_control.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.risk_sets import risk_sets
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import at_columns, collected, divide, outcome_array
from evaluation.models.synthetic_weights import spread
from evaluation.panel.types import Panel

FEWEST_BEFORE = 3              # with two periods before, and means taken off, any two donors on either side fit exactly
MOST_DONORS = 1_000            # the weights' problem grows with the square of the donors
Donors = Literal["never", "notyet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A treated area beside its donors, by event time.

    Attributes
    ----------
    area : ndarray, shape (n_event_times,)
        NaN where not observed.
    donors : ndarray, shape (n_donors, n_event_times)
        Observed wherever the area is.
    before, after : ndarray of bool, shape (n_event_times,)
        Where the area is observed before the anticipation, and from entry on.
    x, donors_x : ndarray, shape (n_covariates,) and (n_donors, n_covariates)
    n_members : int
        Units in the area.
    """

    area: np.ndarray
    donors: np.ndarray
    before: np.ndarray
    after: np.ndarray
    x: np.ndarray
    donors_x: np.ndarray
    n_members: int


class SyntheticSpec(Protocol):
    """What a series needs of a spec."""

    donors: Donors
    covariates: tuple[str, ...]
    window: tuple[int, int]
    anticipation: int

    def weigh(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the donors, shape (n_donors,), and of the event times before whose mean is taken off, shape (n_event_times,)."""
        ...

    def in_words(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A treated (or placebo) area and its synthetic comparison.

    Attributes
    ----------
    members, shares : ndarray, shape (n_members,)
        Rows of `panel.units`, and their shares in the area's average.
    donors, weights : ndarray, shape (n_donors,)
        Rows of `panel.units` with weight, and their weights.
    before : ndarray of bool, shape (n_event_times,)
        Event times that were fitted.
    gap : ndarray, shape (n_event_times,)
        Area less synthetic comparison; NaN where the area is not observed.
    base : ndarray, shape (n_event_times,)
        Weights of the event times before whose mean is taken off; they add up to 1, or are all 0.
    spread : float
        Root of the donors' variance in a period before, averaged over periods (means taken off, if they were).
    n_left_out : int
        Donors that are not observed wherever the area is, or lack a covariate.
    """

    members: np.ndarray
    shares: np.ndarray
    donors: np.ndarray
    weights: np.ndarray
    before: np.ndarray
    gap: np.ndarray
    base: np.ndarray
    spread: float
    n_left_out: int

    def rmspe_before(self) -> float:
        """Root mean square gap over the event times that were fitted."""
        return float(np.sqrt(np.mean(self.gap[self.before] ** 2)))

    def effective_donors(self) -> float:
        """Kish size of the donor weights."""
        return float(1 / np.sum(self.weights**2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One outcome's series by event time, and who is treated and who may be a donor in each entry period.

    Attributes
    ----------
    values : mapping of entry column to ndarray, shape (n_units, n_event_times)
    before : ndarray of bool, shape (n_event_times,)
    areas : tuple of (area, entry column, rows of its units)
    pool : mapping of entry column to rows of the donors
    size : ndarray, shape (n_units, n_periods), or None
        Denominators.
    x : ndarray, shape (n_units, n_covariates)
    """

    spec: SyntheticSpec
    panel: Panel
    outcome: str
    is_collected: np.ndarray
    event_times: np.ndarray
    values: dict[int, np.ndarray]
    before: np.ndarray
    areas: tuple[tuple[str, int, np.ndarray], ...]
    pool: dict[int, np.ndarray]
    size: np.ndarray | None
    x: np.ndarray

    def fit(self, entry: int, members: np.ndarray, *, without: np.ndarray | None = None) -> Fit | str:
        """The synthetic comparison of some units from the pool of an entry period without them (and others); or why there is none."""
        shares = self._shares(entry, members)
        area, own_x = shares @ self.values[entry][members], shares @ self.x[members]
        seen = np.isfinite(area)
        before = self.before & seen
        if before.sum() < FEWEST_BEFORE:
            return f"observed in fewer than {FEWEST_BEFORE} periods before"
        if not np.isfinite(own_x).all():
            return "lacks a covariate"
        pool = np.setdiff1d(self.pool[entry], members if without is None else np.union1d(members, without))
        usable = np.isfinite(self.values[entry][pool][:, seen]).all(axis=1) & np.isfinite(self.x[pool]).all(axis=1)
        pool, n_left_out = pool[usable], int((~usable).sum())
        if len(pool) < 2:
            return "fewer than two donors are observed wherever it is"
        values = self.values[entry][pool]
        weights, base = self.spec.weigh(Block(area=area, donors=values, before=before, after=seen & (self.event_times >= 0), x=own_x,
                                              donors_x=self.x[pool], n_members=len(members)))
        gap = area - np.where(seen, weights @ np.where(seen, values, 0.0), np.nan)
        used = weights > 0
        return Fit(members=members, shares=shares, donors=pool[used], weights=weights[used], before=before, gap=gap - base[seen] @ gap[seen],
                   base=base, spread=spread(values[:, before], demeaned=base.any()), n_left_out=n_left_out)

    def _shares(self, entry: int, members: np.ndarray) -> np.ndarray:
        """Shares of units in their average: by mean denominator over the periods before; equal where there is none."""
        if self.size is not None and len(members) > 1:
            columns = entry + self.event_times[self.before]
            size = self.size[members][:, columns[(columns >= 0) & (columns < self.size.shape[1])]]
            seen = np.isfinite(size)
            mean = divide(np.where(seen, size, 0.0).sum(axis=1), seen.sum(axis=1))
            if np.isfinite(mean).all() and (mean > 0).all():
                return mean / mean.sum()
        return np.full(len(members), 1 / len(members))


def series_of(spec: SyntheticSpec, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Series:
    """The series and the areas that a spec compares; arguments as `SyntheticControl.fit`."""
    panel = sample if isinstance(sample, Panel) else sample.panel
    if panel.unit in ("family", "person"):
        raise PlanError(f"A synthetic comparison is for a few large units (councils, schools): the plan's unit is {panel.unit}, whose single course "
                        "is mostly chance. Use `matched_did` or `group_time`.")
    if unknown := [name for name in spec.covariates if name not in panel.units]:
        raise PlanError(f"`estimator.covariates` must be fixed columns of the panel's units: {', '.join(unknown)} is not. "
                        f"There are {', '.join(panel.units.columns)}.")
    is_collected = collected(panel.periods, calendar)
    y = np.where(is_collected, outcome_array(panel, outcome), np.nan)
    e = np.arange(spec.window[0], spec.window[1] + 1)
    treated_unit, treated_entry, candidate, at = _at_risk(sample)
    entries, every = np.unique(treated_entry), np.arange(len(panel))
    pool = {int(g): _donors(spec, panel, candidate[at == g], int(g)) for g in entries}
    if max(len(rows) for rows in pool.values()) > MOST_DONORS:
        raise PlanError(f"A synthetic comparison takes up to {MOST_DONORS:,} donors: an entry period has {max(map(len, pool.values())):,}. Narrow "
                        "`comparison.pools`, or use `matched_did`.")
    return Series(spec=spec, panel=panel, outcome=outcome, is_collected=is_collected, event_times=e, before=e < -spec.anticipation,
                  values={int(g): at_columns(y, every[:, None], g + e) for g in entries}, areas=_areas(panel, treated_unit, treated_entry),
                  pool=pool, size=panel.denominators.get(outcome), x=panel.units[list(spec.covariates)].to_numpy(dtype=float))


def _at_risk(sample: MatchedSample | Panel) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Treated units and their entry, comparison candidates and the entry period for which they are."""
    if isinstance(sample, Panel):
        rows = risk_sets(sample)
        return rows.unit[rows.treated], rows.entry[rows.treated], rows.unit[~rows.treated], rows.entry[~rows.treated]
    table = sample.candidates[~sample.candidates["treated"]]
    return sample.treated_unit, sample.treated_entry, table["unit"].to_numpy(), table["entry"].to_numpy()


def _donors(spec: SyntheticSpec, panel: Panel, candidate: np.ndarray, entry: int) -> np.ndarray:
    own = panel.entry[candidate]
    late = entry + spec.window[1] + spec.anticipation
    return np.unique(candidate[(own < 0) | ((own > late) & (spec.donors == "notyet"))])


def _areas(panel: Panel, unit: np.ndarray, entry: np.ndarray) -> tuple[tuple[str, int, np.ndarray], ...]:
    name = panel.units["area"].where(panel.units["area"] != "", panel.units["unit_id"]).to_numpy()[unit]
    groups = pd.DataFrame({"area": name, "entry": entry, "unit": unit}).groupby(["area", "entry"], sort=True)["unit"]
    return tuple((str(area), int(g), np.unique(members)) for (area, g), members in groups)
