"""Does the headline rest on one council?"""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.models.checks.given import CheckInput, CheckResult, conclusion, headline, not_testable, of_estimate, summarised
from evaluation.models.checks.sets import has_sets, only_at, without_rows
from evaluation.models.effects import Effects


def leave_one_council_out(given: CheckInput) -> CheckResult:
    """Does the headline rest on one council? The estimate without each council's treated units in turn.

    Where assignment is by area, the council's units leave as comparisons too. Fails where the interval without some council says something else about
    zero than the headline's does. Table, for the inside only: `council_code` and the estimate without it. Numbers: `lowest`, `highest`,
    `largest_move` (from the headline, absolute), `n_councils` (left out in turn), `n_without` (of these, those without which nothing can be
    estimated), `n_sign_changes`, `n_changes` (other conclusions), `headline_error`.

    Notes
    -----
    Exact: every row of weights is formed again without the council, which equals fitting again on the sets that stay.
    """
    effects, name = given.effects, "leave_one_council_out"
    if not has_sets(effects):
        return not_testable(name, "the estimator has no matched sets that a council's units can be taken out of")
    effects = only_at(effects, range(given.quarters[0], given.quarters[1] + 1))
    councils = effects.rows["council_code"].to_numpy()
    treated = effects.rows["treated"].to_numpy()
    leaves = councils if given.assignment == "area" else np.where(treated, councils, None)
    places = sorted({place for place in leaves[(effects.row_weight > 0).any(axis=1)] if place is not None})
    if len(set(councils[treated])) < 2:
        return not_testable(name, "all treated units are of one council" if councils.any() else "the units have no council")
    whole = headline(given)
    rows = [{"council_code": place} | _without(given, effects, leaves == place) for place in places]
    table = pd.DataFrame(rows)
    found = table[np.isfinite(table["estimate"])]
    if found.empty or not np.isfinite(whole.lower):
        return not_testable(name, "nothing can be estimated without one of the councils" if found.empty else whole.reason, table)
    changes = int((found["conclusion"] != conclusion(whole)).sum())
    numbers = {"lowest": float(found["estimate"].min()), "highest": float(found["estimate"].max()),
               "largest_move": float((found["estimate"] - whole.estimate).abs().max()), "n_councils": len(table),
               "n_without": len(table) - len(found), "n_changes": changes, "headline_error": whole.std_error,
               "n_sign_changes": int((np.sign(found["estimate"]) != np.sign(whole.estimate)).sum())}
    verdict = "failed" if changes or len(found) < len(table) else "passed"
    return CheckResult(name=name, verdict=verdict, table=table.drop(columns="conclusion"), numbers=numbers)


def _without(given: CheckInput, effects: Effects, leaves: np.ndarray) -> dict[str, float]:
    found = summarised(given, without_rows(effects, leaves))
    return of_estimate(found) | {"n_treated": found.n_treated, "conclusion": conclusion(found)}
