"""Synthetic comparison for a few large treated areas: donors weighted so that together they ran as the area did before entry.

Weights are found in `synthetic_weights.py`; placebo inference, which is the inference to report, is in `synthetic_placebo.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import ESTIMATED, cell_status, cells_frame, count_distinct, divide, rows_frame, sum_by
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.synthetic_series import FEWEST_BEFORE, Block, Donors, Fit, Series, series_of
from evaluation.models.synthetic_weights import Discrepancy
from evaluation.panel.types import Panel

FEW_BEFORE = 10                # below this a good fit before entry is easily had by chance
POOR_FIT = 0.25                # root mean square gap before entry, in standard deviations between donors


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl:
    """Gap between a treated area and a weighted average of donors that ran as the area did before entry.

    For programmes given to whole places. Each treated area (its councils averaged by their denominators before entry, where the panel has them) gets
    donor weights of 0 or more that add up to 1. Assumes that the weights which reproduce the area's course before entry would have reproduced it
    after entry, which asks for many periods before and a close fit; nothing of the programme was felt before `anticipation`, nor by donors.

    Attributes
    ----------
    fitted_to : 'course' or 'level'
        'course' takes every unit's mean of the periods before off first, so that the estimate is a difference-in-differences with donor weights and
        an area outside the donors' range can be fitted (Doudchenko and Imbens 2016; Ferman and Pinto 2021). 'level' is the original estimator.
    donors : 'never' or 'notyet'
        Never treated units, or also those that enter only after the window and the anticipation; eligible at the area's entry either way.
    covariates : tuple of str
        Fixed columns of `panel.units` that the weights are to match as well.
    importance : tuple of float
        One per covariate, 0 or more: what its squared standardised gap counts beside the path's, which counts 1. Empty for 1 each.
    ridge : float
        Penalty on the sum of squared weights, in units of the standardised discrepancy.
    window : (int, int)
        First and last event time; the weights are fitted to its event times before the anticipation.
    anticipation : int

    Notes
    -----
    Donors must be observed wherever the area is. The influence behind `Effects` takes the weights as known, as that of a matched difference does: its
    standard errors are not those of the method. `synthetic_study` gives placebo p values.

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), DOI 10.1198/jasa.2009.ap08746, eq. 2 and 3; Ferman and Pinto (2021), DOI 10.3982/QE1596; Doudchenko and
    Imbens (2016), DOI 10.3386/w22791. Checked against R quadprog, Synth (V given) and synthdid (fully converged) on stored results.
    """

    fitted_to: Literal["course", "level"] = "course"
    donors: Donors = "never"
    covariates: tuple[str, ...] = ()
    importance: tuple[float, ...] = ()
    ridge: float = 0.0
    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        for name, allowed in (("fitted_to", ("course", "level")), ("donors", ("never", "notyet"))):
            if getattr(self, name) not in allowed:
                raise PlanError(f"`estimator.{name}` must be one of {', '.join(allowed)}: it is {getattr(self, name)!r}. Mend the plan.")
        if self.ridge < 0 or any(not v >= 0 for v in self.importance):
            raise PlanError(f"`estimator.ridge` and `estimator.importance` must be 0 or more: they are {self.ridge} and {list(self.importance)}. "
                            "Mend the plan.")
        if self.importance and len(self.importance) != len(self.covariates):
            raise PlanError(f"`estimator.importance` must have one number for each of {len(self.covariates)} covariates: it has "
                            f"{len(self.importance)}. Mend the plan.")
        check_periods_before(self.window, self.anticipation)

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """Gaps by entry cohort and event time; rows per (council, area), whose sets are the areas.

        Parameters
        ----------
        sample : MatchedSample or Panel
            The treated units and candidates of a matched sample (its sets are not used), or the risk sets of a panel.
        calendar : sequence of int
            Quarters of the year (1 to 4) in which the outcome is collected; empty for all.

        Raises
        ------
        PlanError
            Units are families or people, or there are too many donors.
        EstimationError
            No area has enough periods before entry and donors observed alongside it.
        """
        return effects_of(series_of(self, sample, outcome, calendar=calendar))

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        to = {"course": "course (means taken off)", "level": "level"}[self.fitted_to]
        given = f" and {', '.join(self.covariates)}" if self.covariates else ""
        whom = {"never": "never treated", "notyet": "not yet treated"}[self.donors]
        shrunk = ", weights drawn together by a ridge" if self.ridge else ""
        return f"synthetic comparison: {whom} donors weighted to the treated area's {to}{given} before entry{shrunk}"

    def weigh(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the donors, and of the event times before whose mean is taken off."""
        demeaned = self.fitted_to == "course"
        how = Discrepancy(demeaned=demeaned, ridge=self.ridge, importance=np.array(self.importance or (1.0,) * len(self.covariates)))
        weights = how.weights(block.area[block.before], block.donors[:, block.before], block.x, block.donors_x)
        return weights, block.before * (demeaned / block.before.sum())


def check_periods_before(window: tuple[int, int], anticipation: int) -> None:
    """Refuse a window that begins too late to fit weights before the anticipation."""
    if window[0] > -anticipation - FEWEST_BEFORE:
        raise PlanError(f"A synthetic comparison needs {FEWEST_BEFORE} event times before the anticipation of {anticipation}: the window begins at "
                        f"{window[0]}. Widen `estimator.window`.")


def effects_of(series: Series) -> Effects:
    """Effects of every area that can be fitted."""
    fits, reasons = fitted(series)
    cohorts = np.array(sorted({entry for entry, _ in fits.values()}))
    parts = [_rows_of(series, number, entry, fit) for number, (entry, fit) in fits.items()]
    unit, sets, treated, change, weight = (np.concatenate([part[k] for part in parts]) for k in range(5))
    entry_of = {number: entry for number, (entry, _) in fits.items()}
    code = np.searchsorted(cohorts, [entry_of[number] for number in sets])
    n, arm = len(cohorts), treated[:, None]
    total = sum_by(code, weight * arm, n)
    means = [divide(sum_by(code, weight * change * side, n), total) for side in (arm, ~arm)]
    scale = np.nan_to_num(divide(1.0, total))[code]
    influence = weight * np.where(arm, change - np.nan_to_num(means[0])[code], np.nan_to_num(means[1])[code] - change) * scale
    n_treated = count_distinct(code, unit, (weight > 0) & arm, n)
    status = cell_status(cohorts, series.event_times, base=np.full(n, -1), has_base=np.ones(n, dtype=bool), n_treated=n_treated,
                         treated_seen=n_treated, is_collected=series.is_collected)
    influence[(status != ESTIMATED)[code]] = 0.0
    cells = cells_frame(cohorts, series.event_times, estimate=means[0] - means[1], weight=total, n_treated=n_treated, status=status,
                        n_comparison=count_distinct(code, unit, (weight > 0) & ~arm, n))
    return Effects(outcome=series.outcome, estimator=series.spec.in_words(), base=None, anticipation=series.spec.anticipation, cells=cells,
                   rows=rows_frame(series.panel, unit, sets, cohorts[code], treated), event_times=series.event_times, influence=influence,
                   row_weight=weight, sets_are_clusters=False, notes=notes_of([fit for _, fit in fits.values()], reasons))


def fitted(series: Series) -> tuple[dict[int, tuple[int, Fit]], dict[int, str]]:
    """By number of the area: its entry column and fit, or why it has none.

    Raises
    ------
    EstimationError
        No area has a fit.
    """
    found = {number: (entry, series.fit(entry, members)) for number, (_, entry, members) in enumerate(series.areas)}
    fits = {number: (entry, fit) for number, (entry, fit) in found.items() if isinstance(fit, Fit)}
    reasons = {number: fit for number, (_, fit) in found.items() if isinstance(fit, str)}
    if not fits:
        raise EstimationError(f"No treated area has a synthetic comparison for {series.outcome!r}: {'; '.join(sorted(set(reasons.values())))}. Mend "
                              "`periods`, `estimator.window` or `comparison.pools` in the plan.")
    return fits, reasons


def notes_of(fits: Sequence[Fit], reasons: dict[int, str]) -> tuple[str, ...]:
    """What a reader must know of the fits."""
    notes = ["Standard errors take the donor weights as known; the p value to report is that of placebo areas."]
    lost = max(fit.n_left_out for fit in fits)
    fewest, poor = min(int(fit.before.sum()) for fit in fits), sum(fit.rmspe_before() > POOR_FIT * fit.spread for fit in fits)
    if fewest < FEW_BEFORE:
        notes.append(f"The weights are fitted to {fewest} periods before entry, fewer than {FEW_BEFORE}: a close fit is then easily had by chance "
                     "and vouches for little.")
    if lost:
        notes.append(f"Up to {lost:,} possible donors of an area are left out: not observed wherever it is, or without a covariate.")
    if poor:
        notes.append(f"{poor:,} of {len(fits):,} treated areas are not reproduced before entry: their gaps there are above {POOR_FIT} standard "
                     "deviations between donors.")
    if reasons:
        notes.append(f"{len(reasons):,} of {len(fits) + len(reasons):,} treated areas have no synthetic comparison: "
                     f"{'; '.join(sorted(set(reasons.values())))}.")
    return tuple(notes)


def _rows_of(series: Series, number: int, entry: int, fit: Fit) -> tuple[np.ndarray, ...]:
    """Unit, set, arm, change (or level) and weight of an area's members and donors; both arms weigh as many as there are members."""
    unit = np.concatenate([fit.members, fit.donors])
    seen = np.isfinite(fit.gap)
    values = np.where(seen, series.values[entry][unit], 0.0)
    values = values - (values @ fit.base)[:, None]
    weight = len(fit.members) * np.concatenate([fit.shares, fit.weights])[:, None] * seen
    return unit, np.full(len(unit), number), np.arange(len(unit)) < len(fit.members), np.where(seen, values, 0.0), weight
