"""Balance, sample sizes and overlap equal MatchIt's and cobalt's, given their own weights and sets: the matchers play no part here."""
from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from evaluation.matching.match import Match
from tests.matching.references import COVARIATES, FOLDER, candidates_for, discarded_of, reference, rows_of, score_of, subclass_of, weights_of

NAMES = sorted(path.stem for path in (FOLDER / "results").glob("*.json"))
MATCHED = [name for name in NAMES if name.startswith(tuple(COVARIATES)) and "nothing" not in name]
COBALT = [name for name in NAMES if name.startswith("cobalt_")]
MEASURES = {"Std. Mean Diff.": "smd", "Var. Ratio": "variance_ratio", "eCDF Mean": "ecdf_mean", "eCDF Max": "ks"}
DIGITS = 1e-10                 # the results are stored to 15 digits
ROUNDING = 1.5e-8              # of a difference in means: MatchIt takes less as 0, and then leaves differences and distances in the covariate's units
OVERLAP_DIGITS = 0.002          # cobalt estimates densities at 512 points of the range of each side, we at an eighth of a bandwidth


def match_of(ref: dict) -> Match:
    """The match that R found: its weights, and its pairs, subclasses or neither as sets. All covariates of the data, also those it did not use."""
    rows = candidates_for(ref)
    weights = weights_of(ref)
    x, names = rows.matrix(COVARIATES[ref["data"]])
    sides = _pairs(ref) if ref.get("pairs") and "subclass" not in ref else _subclasses(ref, weights, rows.treated)
    used = np.zeros(len(rows))
    for member, _ in sides:
        used += np.bincount(member, minlength=len(rows))
    (treated, treated_set), (comparison, comparison_set) = sides
    share = weights / np.maximum(used, 1)
    return Match(method=ref["call"], kind="pairs" if "pairs" in ref else "strata" if "subclass" in ref else "weights", estimand=ref["estimand"],
                 rows=rows, x=x, names=names, score=score_of(ref) if "distance" in ref else np.full(len(rows), np.nan), model=None,
                 treated=treated, treated_set=treated_set, treated_weight=share[treated], comparison=comparison, comparison_set=comparison_set,
                 comparison_weight=share[comparison], left_out=np.array([], dtype=int), reason=np.array([], dtype=int),
                 discarded=np.array(sorted(discarded_of(ref) if "discarded" in ref else []), dtype=int))


def _pairs(ref: dict) -> list:
    treated, comparison = (rows_of(ref, side) for side in zip(*ref["pairs"], strict=True))
    number = pd.factorize(comparison if ref["estimand"] == "ATC" else treated)[0]
    return [tuple(pd.DataFrame({"row": side, "set": number}).drop_duplicates().to_numpy().T) for side in (treated, comparison)]


def _subclasses(ref: dict, weights: np.ndarray, treated: np.ndarray) -> list:
    of = subclass_of(ref) if "subclass" in ref else np.where(weights > 0, 0, -1)
    return [(member, of[member]) for member in (np.flatnonzero((of >= 0) & side) for side in (treated, ~treated))]


def measured(match: Match, **asked) -> pd.DataFrame:
    """Our table, under MatchIt's names of covariates."""
    table = match.diagnostics(**asked)
    names = table["covariate"].str.replace(r"\[(.*)\]", r"\1", regex=True)
    return table.assign(covariate=names.where(table["type"] != "score", "distance")).set_index("covariate")


def stored(ref: dict, part: str) -> pd.DataFrame:
    table = pd.DataFrame(ref[part]).T.astype(float)
    return table[[not name.startswith("factor(") for name in table.index]]


@pytest.mark.parametrize("name", MATCHED)
def test_balance_equals_matchits(name):
    ref = reference(name)
    ours = measured(match_of(ref))
    for part, when in (("balance_all", "before"), ("balance_matched", "after")):
        theirs = stored(ref, part)
        assert set(theirs.index) <= set(ours.index) and ("distance" in theirs.index) == ("distance" in ref)
        found = ours.loc[theirs.index]
        means = {"before": ("mean_treated", "mean_comparison_before"), "after": ("mean_treated_matched", "mean_comparison_after")}[when]
        for label, column in zip(("Means Treated", "Means Control"), means, strict=True):
            np.testing.assert_allclose(found[column], theirs[label], rtol=DIGITS, atol=DIGITS)
        raw = (theirs["Means Treated"] - theirs["Means Control"]).abs() < ROUNDING
        for label, column in MEASURES.items():
            np.testing.assert_allclose(found[f"{column}_{when}"][~raw], theirs[label][~raw], rtol=DIGITS, atol=DIGITS, err_msg=label)
            np.testing.assert_allclose(found[f"{column}_{when}"][raw], theirs[label][raw], rtol=DIGITS, atol=ROUNDING, err_msg=label)


@pytest.mark.parametrize("name", [name for name in MATCHED if reference(name).get("pairs") or "subclass" in reference(name)])
def test_the_pair_distance_equals_matchits(name):
    ref = reference(name)
    theirs = stored(ref, "balance_matched")
    ours = measured(match_of(ref), pair_distances=True).loc[theirs.index]
    raw = (theirs["Means Treated"] - theirs["Means Control"]).abs() < ROUNDING
    ours["pair_distance"] *= np.where(raw, ours["sd"], 1.0)
    known = theirs["Std. Pair Dist."].notna()           # MatchIt gives none after subclassification
    assert known.all() or "subclass" in name
    np.testing.assert_allclose(ours["pair_distance"][known], theirs["Std. Pair Dist."][known], rtol=DIGITS, atol=DIGITS)


@pytest.mark.parametrize("name", MATCHED)
def test_sample_sizes_equal_matchits(name):
    ref = reference(name)
    theirs = pd.DataFrame(ref["nn"])
    ours = match_of(ref).sample_sizes()
    labels = {"All (ESS)": "all (effective)", "All": "all", "Matched (ESS)": "matched (effective)", "Matched": "matched", "Unmatched": "unmatched",
              "Discarded": "discarded"}
    for label, line in labels.items():
        assert ours.loc[line, ["comparison", "treated"]].to_numpy() == pytest.approx(theirs[label][["Control", "Treated"]].to_numpy(), rel=DIGITS)


@pytest.mark.parametrize("name", COBALT)
def test_differences_ks_and_overlap_equal_cobalts(name):
    cobalt = json.loads((FOLDER / "results" / f"{name}.json").read_text())
    theirs = pd.DataFrame(cobalt["balance"]).T
    theirs = theirs[theirs["M.0.Un"].notna()].astype(float)
    theirs.index = theirs.index.str.replace("_", "", regex=False)
    ref = reference(cobalt["name"])
    ours = measured(match_of(ref), overlap=True)
    theirs = theirs.loc[[one for one in theirs.index if one in ours.index]]
    assert len(theirs) >= 8
    ours = ours.loc[theirs.index]
    for ending, when in (("Un", "before"), ("Adj", "after")):
        np.testing.assert_allclose(ours[f"smd_{when}"], theirs[f"Diff.{ending}"], atol=ROUNDING)
        np.testing.assert_allclose(ours[f"ks_{when}"], theirs[f"KS.{ending}"], atol=DIGITS)
        np.testing.assert_allclose(ours[f"variance_ratio_{when}"], theirs[f"V.Ratio.{ending}"], rtol=DIGITS)
        np.testing.assert_allclose(ours[f"overlap_{when}"], 1 - theirs[f"OVL.{ending}"], atol=OVERLAP_DIGITS)
    labels = {"Unadjusted": "all (effective)", "Adjusted": "matched (effective)"} | {"All (ESS)": "all (effective)",
                                                                                    "Matched (ESS)": "matched (effective)"}
    sizes = match_of(ref).sample_sizes()
    for label, line in labels.items():
        if label in cobalt["ess"]:
            found = cobalt["ess"][label]
            assert sizes.loc[line].tolist() == pytest.approx([found["Treated"], found["Control"]], rel=DIGITS)
