"""One row per programme family: problems and criteria at entry, result, route, when, fee, and what it stands on. It stays in the room."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.payment_by_results.fees import FeeBy, fee_of_results, fee_years
from evaluation.payment_by_results.numbers import PaymentStudy
from evaluation.payment_by_results.results import NONE


def by_family(study: PaymentStudy, *, fee_by: FeeBy) -> pd.DataFrame:
    """What the framework says of every programme family.

    Returns
    -------
    DataFrame, one row per family that joined, in the order of the panel
        `family_id`, `council_code`, `joined` (quarter); `problem_<name>` and `criterion_<name>` (1, 0, missing where the records do not show it);
        `result` ('yes', 'no', 'not known'), `route`, `claimed_in` (quarter at whose end it counts); `attachment_fee`, `result_fee` in pounds before
        the paid share and the cap (missing outside the schedule's years); `aged_out`, `left_family`, `missing_records` (what a result stands on);
        `claim_delivered` (quarter of the council's own claim) and `claim_route` where claims were delivered.
    """
    found, rules, panel = study.attached, study.rules, study.panel
    names = rules.framework.claimable
    met = found.met > 0
    years = fee_years(rules.framework, found.start, panel.periods)
    columns = {
        "family_id": panel.units["unit_id"].to_numpy()[found.unit],
        "council_code": panel.units["council_code"].to_numpy()[found.unit],
        "joined": labels(study, found.start),
        **{f"problem_{name}": values for name, values in found.applies.items()},
        **{f"criterion_{name}": met_criterion(study, criterion.problems) for name, criterion in rules.framework.criteria.items()},
        "result": np.where(met, "yes", np.where(found.known, "no", "not known")),
        "route": [None if route == NONE else names[route] for route in found.route],
        "claimed_in": np.where(met, labels(study, found.start + found.met), None),
        "attachment_fee": [np.nan if year is None else float(year.attachment) for year in years],
        "result_fee": fee_of_results(rules.framework, found, panel.periods, by=fee_by),
        "aged_out": found.aged_out,
        "left_family": found.left,
        "missing_records": found.missing,
    }
    if study.claims is not None:
        claim = study.claims.column[found.unit]
        columns |= {"claim_delivered": np.where(claim >= 0, labels(study, claim), None),
                    "claim_route": np.where(claim >= 0, study.claims.route[found.unit], None)}
    return pd.DataFrame(columns)


def labels(study: PaymentStudy, columns: np.ndarray) -> np.ndarray:
    """Quarters by label."""
    return np.array([study.panel.periods.label(column) for column in columns], dtype=object)


def met_criterion(study: PaymentStudy, problems: tuple[str, ...]) -> np.ndarray:
    """Whether any problem of a criterion was there; NaN where the records do not show it, or hold none of them."""
    there = [study.attached.applies[name] for name in problems if name in study.rules.problems]
    if not there:
        return np.full(len(study.attached), np.nan)
    return np.where(np.any([values == 1 for values in there], axis=0), 1.0, np.where(np.isnan(there).any(axis=0), np.nan, 0.0))
