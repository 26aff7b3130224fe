"""Effects where there can be none: an entry date moved back, and outcomes that the programme cannot move."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.errors import EvaluationError
from evaluation.matching.sample import MatchedSample
from evaluation.models.checks.given import (
    OF_ESTIMATE,
    SIZE,
    CheckInput,
    CheckResult,
    fewest_events,
    has_base,
    not_testable,
    of_estimate,
    summarised,
)
from evaluation.models.effects import Effects, Estimate
from evaluation.models.multiplicity import holm
from evaluation.models.power import minimum_detectable_effect


def placebo_date(given: CheckInput, *, shift: int | None = None) -> CheckResult:
    """The headline as if entry had been earlier, on periods before the true entry only: it should be zero.

    Numbers: `estimate`, `std_error`, `lower`, `upper`, `p_value`, `detectable` (80% power), `shift` (periods that entry was moved), `first`, `last`
    (true event times that stand for the headline's), `n_treated`, `n_comparison`, `n_events` (fewest units with, or without, an outcome above 0
    then, or at the base).

    Parameters
    ----------
    shift : int, optional
        Periods. By default the fewest that put the whole headline before the anticipation and before the periods set aside near entry, where a dip
        would pass for an effect; where no entry cohort reaches back so far, the fewest that put it before the anticipation.

    Notes
    -----
    The matched sets stay; they are followed from the earlier date with the plan's base, which moves too. Nothing from the anticipation on is read.
    Entry cohorts without the periods for it are left out, so other units stand behind it than behind the headline.
    """
    spec, name = given.estimator, "placebo_date"
    if not hasattr(spec, "window") or not hasattr(spec, "anticipation") or spec.window is None:
        return not_testable(name, "the estimator has no window of event times to move")
    if shift is not None:
        return _with_shift(given, shift)
    near = min((e for e in given.set_aside if e < 0), default=-spec.anticipation)
    far, least = (given.quarters[1] + 1 + ahead for ahead in (max(spec.anticipation, -near), spec.anticipation))
    found = _with_shift(given, far)
    return _with_shift(given, least) if found.verdict == "not testable" and least < far else found


def _with_shift(given: CheckInput, shift: int) -> CheckResult:
    spec, name = given.estimator, "placebo_date"
    times = range(given.quarters[0] - shift, given.quarters[1] - shift + 1)
    if times[-1] >= -spec.anticipation:
        return not_testable(name, f"an entry {shift} periods earlier leaves the headline's periods after the true start of the anticipation")
    if used := sorted({*times, *(e - shift for e in _base_times(spec))} & set(given.matched_history)):
        return not_testable(name, f"the periods it needs entered the score (from {-used[0]} to {-used[-1]} before entry)")
    try:
        effects = _fitted_before(given, shift)
        found = None if effects is None else summarised(given, effects)
    except EvaluationError:
        found = None
    if found is None or not np.isfinite(found.std_error):
        why = found.reason if found is not None and np.isfinite(found.estimate) else ""
        return not_testable(name, why or f"no entry period has enough earlier periods to move entry back by {shift}")
    events = fewest_events(given.sample, given.effects.outcome, times, *([e - shift for e in base] for base in _base(spec)))
    numbers = _placebo_numbers(found) | {"shift": shift, "first": times[0], "last": times[-1], "n_events": events}
    return CheckResult(name=name, verdict="failed" if found.p_value < SIZE else "passed", table=pd.DataFrame([numbers]), numbers=numbers)


def placebo_outcome(given: CheckInput) -> CheckResult:
    """The headline of outcomes that the programme cannot move, as the plan names them: it should be zero.

    Fails where one of them differs from zero at 5% after Holm's correction. Table: one row per outcome. Numbers: `n`, `smallest_p` (after the
    correction), and of the outcome with it `place` (which it is), `estimate`, `std_error`, `lower`, `upper`, `p_value`, `detectable` (80% power),
    `n_treated`, `n_comparison`, `n_events` (fewest units with, or without, that outcome above 0 over the headline or at the base).
    """
    name = "placebo_outcome"
    if not given.placebo_outcomes:
        return not_testable(name, "the plan names no outcome that the programme cannot move")
    found = {outcome: _of_outcome(given, outcome, calendar) for outcome, calendar in given.placebo_outcomes.items()}
    table = pd.DataFrame([{"outcome": outcome} | _placebo_numbers(one) for outcome, one in found.items() if one is not None])
    if table.empty or not np.isfinite(table["p_value"]).any():
        return not_testable(name, "no outcome that the programme cannot move could be estimated", table)
    table = table.assign(holm=holm(table["p_value"].to_numpy()))
    worst = table.loc[table["holm"].idxmin()]
    numbers = {"n": len(found), "smallest_p": float(worst["holm"]), "place": list(found).index(worst["outcome"])}
    numbers |= {key: float(worst[key]) for key in (*OF_ESTIMATE, "detectable", "n_treated", "n_comparison")}
    numbers["n_events"] = fewest_events(given.sample, worst["outcome"], range(given.quarters[0], given.quarters[1] + 1), *_base(given.estimator))
    complete = len(table) == len(found) and bool(np.isfinite(table["p_value"]).all())
    if not complete and worst["holm"] >= SIZE:
        return not_testable(name, "some of the outcomes that the programme cannot move could not be estimated", table)
    return CheckResult(name=name, verdict="failed" if worst["holm"] < SIZE else "passed", table=table, numbers=numbers)


def _base_times(spec: object) -> range:
    """Event times that an estimator compares with."""
    if not has_base(spec):
        return range(0)
    return range(spec.base, spec.base + 1) if isinstance(spec.base, int) else range(spec.window[0], -spec.anticipation)


def _base(spec: object) -> list[range]:
    """The base as a window of event times; none where an estimator has none."""
    return [times] if (times := _base_times(spec)) else []


def _placebo_numbers(found: Estimate) -> dict[str, float]:
    return of_estimate(found) | {"detectable": minimum_detectable_effect(found.std_error, found.df), "n_treated": found.n_treated,
                                 "n_comparison": found.n_comparison}


def _of_outcome(given: CheckInput, outcome: str, calendar: tuple[int, ...]) -> Estimate | None:
    try:
        return summarised(given, given.estimator.fit(given.sample, outcome, calendar=calendar))
    except EvaluationError:
        return None


def _fitted_before(given: CheckInput, shift: int) -> Effects | None:
    """The effects with entry `shift` periods earlier and every value from the anticipation on taken away; None where no set is left."""
    spec = given.estimator
    has_sets = given.effects.has_sets
    sample = _sets_moved(given.sample, shift) if has_sets else _panel_moved(given.sample, shift, spec.anticipation, given.effects.outcome)
    if sample is None:
        return None
    spec = replace(spec, window=(spec.window[0], shift - spec.anticipation - 1))
    return spec.fit(sample, given.effects.outcome, calendar=given.calendar)


def _sets_moved(sample: MatchedSample, shift: int) -> MatchedSample | None:
    """Sets whose members are followed from an earlier period; the window ends before anything is read that came after."""
    part = sample.keep(sample.treated_entry >= shift)
    return None if part is None else replace(part, set_entry=part.set_entry - shift)


def _panel_moved(sample: MatchedSample, shift: int, anticipation: int, outcome: str) -> MatchedSample | None:
    """Units that join earlier, with nothing observed from the anticipation of their true entry on; those with no period before are left out."""
    panel, entry = sample.panel, sample.panel.entry
    y = np.asarray(panel.outcomes[outcome], dtype=float)
    late = (entry >= 0)[:, None] & (np.arange(y.shape[1]) >= entry[:, None] - anticipation)
    gone = (entry >= 0) & (entry <= shift)
    y = np.where(late | gone[:, None], np.nan, y)
    units = panel.units.assign(entry=np.where(entry >= 0, np.maximum(entry - shift, 0), entry))
    candidates = sample.candidates.assign(entry=sample.candidates["entry"] - shift)
    candidates = candidates[candidates["entry"] >= 0].reset_index(drop=True)
    if gone[entry >= 0].all() or candidates.empty:
        return None
    return replace(sample, panel=replace(panel, units=units, outcomes={outcome: y}), candidates=candidates, match=None)
