"""What became of every unit of a panel in an estimate: nobody is dropped without a line."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.matching.sample import MatchedSample
from evaluation.models.contrasts import outcome_array
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel

IN_WORDS = {
    "estimated": "in the estimate",
    "no_base": "no base period in the panel (treated from the start, or too early for the base)",
    "no_comparison": "no comparison unit is left to compare with",
    "not_observed": "never observed at the base and at an event time",
    "not_estimable": "the covariates leave no estimate",
    "outside_periods": "event times lie outside the panel",
    "not_collected": "the outcome is not collected then",
    "looks_back": "the outcome would still be about the time before entry",
    "in_no_pair": "in no cell of its cohort: not observed at both dates of any, without weight, or lacking a covariate",
    "one_unit": "in the estimate, alone in its cohort: its cells have no error of their own",
}


def ledger(effects: Effects, data: Panel | MatchedSample) -> pd.DataFrame:
    """Units of the panel by what became of them in an estimate.

    Parameters
    ----------
    data : Panel or MatchedSample
        What the effects were fitted to.

    Returns
    -------
    DataFrame
        `arm` ('treated', 'comparison'), `cohort` (entry column; -1 for the never treated), `fate` (a word for code), `reason` (in words), `n_units`.
        Its counts add up to the units of the panel.

    Notes
    -----
    A panel holds one entry per unit: treatment is absorbing. A unit that leaves the programme, or joins again, stays treated from its first entry
    (the effect of having been offered support); one that moves keeps the council of its row. Counts are for the room: small ones never leave it.
    """
    panel = data if isinstance(data, Panel) else data.panel
    seen = np.isfinite(outcome_array(panel, effects.outcome)).any(axis=1)
    left_out = _left_out(data) if isinstance(data, MatchedSample) else {}
    entry = panel.entry
    fates = np.full(len(panel), "", dtype=object)
    by_cohort = effects.cells.groupby("cohort")["status"].agg(list)
    for g in np.unique(entry):
        fates[entry == g] = _of_cohort(by_cohort[g]) if g in by_cohort.index else "in_no_cell" if g >= 0 else "compared"
    counted = pd.Series(entry[entry >= 0]).value_counts()
    alone = np.isin(entry, counted.index[counted == 1]) & (fates == "estimated")
    fates[alone] = "one_unit"
    fates[np.isin(fates, ("estimated", "compared")) & ~_enters(effects, len(panel))] = "in_no_pair"
    fates[~seen] = "never_seen"
    if isinstance(data, MatchedSample):
        fates = _of_matched(data, fates, left_out)
    table = pd.DataFrame({"arm": np.where(entry >= 0, "treated", "comparison"), "cohort": entry, "fate": fates}).value_counts().rename("n_units")
    table = table.reset_index().sort_values(["arm", "cohort", "fate"], ascending=[False, True, True], ignore_index=True)
    table.insert(3, "reason", [reason_in_words(fate) for fate in table["fate"]])
    return table


def reason_in_words(fate: str) -> str:
    """A fate as a sentence may print it."""
    others = {"compared": "may serve as a comparison unit", "in_no_cell": "its cohort has no cell in the estimate", "never_seen": "never observed",
              "not_used": "may have served as a comparison unit and was not chosen", "used": "a comparison unit of at least one set"}
    return {**IN_WORDS, **others}.get(fate, fate.replace("_", " "))


def _enters(effects: Effects, n_units: int) -> np.ndarray:
    """Units with weight or influence in some cell."""
    effects, used = effects.each_unit(), np.zeros(n_units, dtype=bool)
    rows = (effects.influence != 0).any(axis=1)
    if effects.row_weight is not None:
        rows |= (effects.row_weight != 0).any(axis=1)
    used[effects.rows["unit"].to_numpy()[rows]] = True
    return used


def _of_cohort(status: list[str]) -> str:
    """The one word that says what became of a cohort, from the status of its cells."""
    inside = [one for one in status if one not in ("outside_periods", "base", "not_collected", "looks_back")]
    if "estimated" in inside:
        return "estimated"
    return max(sorted(set(inside)), key=inside.count) if inside else "outside_periods"


def _left_out(sample: MatchedSample) -> dict[int, str]:
    return dict(zip(sample.dropped["unit"], sample.dropped["reason"], strict=True))


def _of_matched(sample: MatchedSample, fates: np.ndarray, left_out: dict[int, str]) -> np.ndarray:
    """Fates of a matched sample: what matching did with a unit comes first."""
    out = np.where(sample.panel.entry >= 0, "not_matched", "not_used").astype(object)
    out[np.unique(sample.comparison_unit)] = "used"
    for unit, reason in left_out.items():
        out[unit] = reason
    matched = np.unique(sample.treated_unit)
    out[matched] = fates[matched]
    return out
