"""What remains of the headline when trends were not quite parallel (HonestDiD)."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.errors import EvaluationError
from evaluation.models.checks.given import (
    CheckInput,
    CheckResult,
    at_event_time,
    conclusion,
    covariance_between,
    headline,
    headline_cells,
    held_out,
    not_testable,
)
from evaluation.models.effects import Estimate
from evaluation.models.honest import EventPath, HonestInterval, relative_magnitudes, smoothness

MULTIPLES = (0.0, 0.5, 1.0, 2.0)          # of the largest step before, and of the largest bend before
AS_BEFORE = 1.0


def honest(given: CheckInput) -> CheckResult:
    """How far may trends have parted before the headline includes zero? Robust intervals of Rambachan and Roth, with breakdown values.

    For information: no Mbar is right for all, and with few units the largest step before is mostly noise. Table: `restriction` ('relative' or
    'smooth'), `bound`, `lower`, `upper`. Numbers: `lower`, `upper` (steps after the base as large as the largest before: Mbar = 1), `breakdown`
    (largest Mbar at which zero is excluded; NaN at none, inf always), `breakdown_smooth` (largest bend per period), `step_before`, `bend_before`
    (largest estimated before), `excludes_zero` (1 where the headline's own interval does, else 0), `headline_error`, `n_before`.

    Notes
    -----
    Only periods before the base that did not enter the score; after entry every period to the headline's last. A bound on a step grows with its
    length, so a base far before entry leaves the trends more room. The headline's own weights by treated units; the joint covariance clustered as
    the headline's and scaled to its standard error, with its degrees of freedom.

    References
    ----------
    Rambachan and Roth (2023), DOI 10.1093/restud/rdad018.
    """
    whole = headline(given)
    if given.effects.base is None or given.effects.row_weight is None:
        return not_testable("honest", "the estimator has no single base period before entry")
    if not np.isfinite(whole.std_error):
        return not_testable("honest", whole.reason or "the headline has no interval")
    path = _path(given, whole)
    if isinstance(path, str):
        return not_testable("honest", path)
    try:
        relative = relative_magnitudes(path, MULTIPLES, df=whole.df)
        smooth = smoothness(path, _bends(path), df=whole.df) if len(path.before) > 1 else None
    except (EvaluationError, np.linalg.LinAlgError):
        return not_testable("honest", "too few clusters for so many periods together")
    return _judged(whole, path, relative, smooth)


def _path(given: CheckInput, whole: Estimate) -> EventPath | str:
    """The event study of the headline's cohorts, or why there is none."""
    before = {e: part for e, part in held_out(given).items() if e < given.effects.base}
    times = [int(e) for e in given.effects.event_times if 0 <= e <= given.quarters[1]]
    after = {e: part for e in times if not (part := at_event_time(given, e)).reason and part.contribution.any()}
    cells = given.effects.cells[headline_cells(given)]
    share = cells.groupby("event_time")["weight"].sum() / cells["weight"].sum()
    weights = np.array([float(share.get(e, 0.0)) for e in after])
    if not before:
        return "no held-out period before the base was observed"
    if not np.isclose(weights.sum(), 1.0):
        return "some periods of the headline have no effect of their own"
    parts = [*before.values(), *after.values()]
    v, _ = covariance_between(given, parts)
    own = np.concatenate([np.zeros(len(before)), weights])
    spread = float(own @ v @ own)
    if np.linalg.matrix_rank(v) < len(parts) or not spread > 0:
        return f"too few clusters for {len(parts)} periods together"
    return EventPath(before=np.array(list(before)), after=np.array(list(after)), base=given.effects.base, weights=weights,
                     estimates=np.array([part.value for part in parts]), covariance=v * (whole.std_error**2 / spread))


def _bends(path: EventPath) -> tuple[float, ...]:
    """Bounds on bends, as multiples of the largest bend before."""
    return tuple(multiple * float(np.abs(path.bends_before()).max()) for multiple in MULTIPLES)


def _judged(whole: Estimate, path: EventPath, relative: HonestInterval, smooth: HonestInterval | None) -> CheckResult:
    kinds = [relative] if smooth is None else [relative, smooth]
    table = pd.concat([pd.DataFrame({"restriction": kind.restriction, "bound": kind.bounds, "lower": kind.lower, "upper": kind.upper})
                       for kind in kinds], ignore_index=True)
    at = MULTIPLES.index(AS_BEFORE)
    numbers = {"lower": float(relative.lower[at]), "upper": float(relative.upper[at]), "breakdown": float(relative.breakdown),
               "breakdown_smooth": float("nan") if smooth is None else float(smooth.breakdown), "step_before": relative.seen_before,
               "bend_before": float("nan") if smooth is None else smooth.seen_before, "excludes_zero": abs(conclusion(whole)),
               "headline_error": whole.std_error, "n_before": len(path.before)}
    return CheckResult(name="honest", verdict="information", table=table, numbers=numbers)
