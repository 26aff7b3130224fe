"""The chance of joining in each period, given the records before it, and the inverse-probability-of-censoring weights that follow.

A pooled discrete-time hazard of the comparison units' own entry. What the weights do to an estimate is in `matched_did.py`.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.propensity import LINKS, BinaryFit, fit_binary
from evaluation.matching.risk_sets import RiskSets, candidates_at, history_mean
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel

CHANCE_OF_JOINING = "chance_of_joining"          # covariate by period of a panel
RECENT = (-1, -2)              # event times of the records that enter: the latest of the two, which bridges a term without school
FEWEST = 10                    # comparison units that join, and that do not, behind a covariate of two values
TRUNCATED_AT = 0.99            # quantile of the weights of an event time above which they are cut (Cole and Hernan 2008)
CONSTANT, COLLINEAR = 1e-9, 1e-6      # standard deviation, and its share that other columns leave, below which a column tells nothing
LINK = "cloglog"               # a hazard that is proportional in continuous time


def with_chances_of_joining(sample: MatchedSample, *, covariates: Sequence[str], records: Sequence[str], last: int) -> MatchedSample:
    """The sample whose panel has, for every unit and period at risk, the chance of joining given its covariates and records before the period.

    Parameters
    ----------
    covariates : sequence of str
        Columns matched on, as at the period.
    records : sequence of str
        Outcomes; the latest value of the two periods before enters, the mean where there is none, and whether one is missing.
    last : int
        Last event time for which the weights are needed.

    Raises
    ------
    EstimationError
        The model has no finite estimate.

    Notes
    -----
    Fitted on the comparison units of the sample, from the period after they first serve to their own entry or the last period asked for. The weights
    are not stabilised by covariates: sets are balanced on them already, and inside an entry period and event time any common factor cancels.

    References
    ----------
    Robins and Finkelstein (2000), DOI 10.1111/j.0006-341X.2000.00779.x; checked against statsmodels' GLM.
    """
    panel = sample.panel
    units, at = _followed(sample, last)
    joins = panel.entry[units] == at
    if not joins.any():
        return with_chances(sample, np.zeros((len(panel), len(panel.periods))))
    x, names = _design(panel, units, at, covariates, records)
    seen = np.isfinite(x)
    centre = np.where(seen, x, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    x = np.where(seen, x, centre)
    use = _usable(x, joins)
    try:
        fit = fit_binary(x[:, use], joins, names=[name for name, used in zip(names, use, strict=True) if used], link=LINK)
    except EstimationError as fault:
        raise EstimationError(f"The chance that comparison units join cannot be fitted: {fault} Where: comparison.on_later_entry: weight. Take the "
                              "covariate out of `matching.score`, or choose censor.") from fault
    return with_chances(sample, _predicted(panel, fit, dict(zip(names, centre, strict=True)), covariates, records))


def inverse_of_staying(sample: MatchedSample, event_times: np.ndarray) -> np.ndarray:
    """Inverse chance of not having joined between a set's entry and each event time, cut at its 99th percentile; shape (n_comparison, n_event_times).

    Raises
    ------
    EstimationError
        The panel has no chances of joining.
    """
    panel, unit, entry = sample.panel, sample.comparison_unit, sample.comparison_entry
    if CHANCE_OF_JOINING not in panel.varying:
        raise EstimationError("`comparison.on_later_entry: weight` needs the chances of joining: the panel has none. Give the sample through "
                              "`with_chances_of_joining`.")
    stays = np.cumsum(np.log1p(-np.nan_to_num(panel.varying[CHANCE_OF_JOINING])), axis=1)
    column = np.clip(entry[:, None] + np.maximum(event_times, 0), 0, len(panel.periods) - 1)
    inverse = np.exp(stays[unit, entry][:, None] - stays[unit[:, None], column])
    out = (panel.entry[unit] >= 0)[:, None] & (entry[:, None] + event_times >= panel.entry[unit][:, None])
    return np.minimum(inverse, np.nanquantile(np.where(out, np.nan, inverse), TRUNCATED_AT, axis=0))


def with_chances(sample: MatchedSample, chance: np.ndarray) -> MatchedSample:
    """The sample whose panel has chances of joining that are known already; shape (n_units, n_periods), 0 where a unit is not at risk."""
    return replace(sample, panel=replace(sample.panel, varying={**sample.panel.varying, CHANCE_OF_JOINING: chance}))


def _followed(sample: MatchedSample, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Units and periods in which comparison units could join while they serve a set; sorted by unit, then period."""
    panel = sample.panel
    width, first = len(panel.periods), np.full(len(panel), len(panel.periods))
    end = np.full(len(panel), -1)
    np.minimum.at(first, sample.comparison_unit, sample.comparison_entry + 1)
    np.maximum.at(end, sample.comparison_unit, sample.comparison_entry + last)
    columns = np.arange(width)
    asked = (columns >= first[:, None]) & (columns <= end[:, None]) & _at_risk(panel)
    return np.nonzero(asked)


def _at_risk(panel: Panel) -> np.ndarray:
    """Whether each unit could join in each period: eligible, not joined before, in a council where some unit joins; shape (n_units, n_periods)."""
    councils = panel.units["council_code"]
    open_to = councils.isin(councils[panel.entry >= 0]).to_numpy()[:, None]
    columns, entry = np.arange(len(panel.periods)), panel.entry[:, None]
    first, last = (panel.units[name].to_numpy()[:, None] for name in ("eligible_from", "eligible_to"))
    return (columns == entry) | ((columns >= first) & (columns <= last) & ((entry < 0) | (columns < entry)) & open_to)


def _design(panel: Panel, units: np.ndarray, at: np.ndarray, covariates: Sequence[str], records: Sequence[str], *,
            full: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """Covariates as at each row's period (every level of a text where `full`), recent records, whether there are any, and the period."""
    rows = RiskSets(unit=units, entry=at, treated=panel.entry[units] == at)
    x, names = candidates_at(panel, rows).matrix(covariates, full=full)
    recent: list[np.ndarray] = []
    for outcome in records:
        latest, earlier = (history_mean(panel, rows, outcome, (e, e)) for e in RECENT)
        recent.append(np.where(np.isfinite(latest), latest, earlier))
    lacks = np.isnan(recent).any(axis=0) if recent else np.zeros(len(units), dtype=bool)
    names = (*names, *(f"recent {outcome}" for outcome in records), "no recent record", "period")
    return np.column_stack([x, *recent, lacks, at]).astype(float), names


def _usable(x: np.ndarray, joins: np.ndarray) -> np.ndarray:
    """Columns that are no sum of columns before them and, where they have two values, have both often enough on both sides; shape (n_columns,)."""
    z = x - x.mean(axis=0)
    scale = z.std(axis=0)
    use = scale > CONSTANT
    low, high = x.min(axis=0), x.max(axis=0)
    for column in np.flatnonzero(use & ((x == low) | (x == high)).all(axis=0)):
        at_high = x[:, column] == high[column]
        use[column] = min(np.count_nonzero((at_high == side) & (joins == event)) for side in (True, False) for event in (True, False)) >= FEWEST
    _, r = np.linalg.qr(np.where(use, z / np.where(use, scale, 1.0), 0.0))
    return use & (np.abs(np.diag(r)) > COLLINEAR * np.sqrt(len(x)))


def _predicted(panel: Panel, fit: BinaryFit, centre: Mapping[str, float], covariates: Sequence[str], records: Sequence[str]) -> np.ndarray:
    """Chances for all units at risk, period by period; 0 elsewhere."""
    at_risk, chance = _at_risk(panel), np.zeros((len(panel), len(panel.periods)))
    for column in np.flatnonzero(at_risk.any(axis=0)):
        units = np.flatnonzero(at_risk[:, column])
        x, names = _design(panel, units, np.full(len(units), column), covariates, records, full=True)
        place = {name: number for number, name in enumerate(names)}
        known = [x[:, place[name]] if name in place else np.zeros(len(units)) for name in fit.names[1:]]
        known = [np.where(np.isfinite(values), values, centre[name]) for name, values in zip(fit.names[1:], known, strict=True)]
        x = np.array(known).reshape(len(known), len(units)).T          # of no columns too
        chance[units, column] = LINKS[fit.link].probability(fit.predict(x))
    return chance
