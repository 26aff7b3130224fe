import numpy as np
import pandas as pd
import pytest

from evaluation.errors import PlanError
from evaluation.matching.thresholds import Thresholds


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"covariate": ["age", "lone", "score"], "type": ["number", "binary", "score"], "mean_treated_matched": 1.0,
                         "mean_comparison_after": 1.1, "smd_after": [0.05, -0.02, 0.9], "variance_ratio_after": [1.2, np.nan, 9], "ks_after": 0.04,
                         "ecdf_mean_after": 0.01, "overlap_after": 0.97} | columns)


def test_covariates_within_every_limit_pass_and_the_score_is_not_judged():
    verdict = Thresholds(ks=0.05, ecdf_mean=0.02, overlap=0.9).judge(table())
    assert verdict.passed and (verdict.n_judged, verdict.n_within) == (2, 2) and len(verdict.table) == 0
    assert verdict.sentence == (
        "All 2 covariates are within the limits after matching (standardised mean difference below 0.1, variance ratio from 0.5 to 2, "
        "mean distance of distribution functions below 0.02, largest distance of distribution functions below 0.05, "
        "overlap of densities at least 0.9).")


def test_those_beyond_a_limit_are_listed_with_it():
    verdict = Thresholds().judge(table(smd_after=[0.11, -0.3, 0], variance_ratio_after=[2.5, np.nan, 1]))
    assert not verdict.passed and verdict.n_within == 0
    assert verdict.table.to_dict("list") == {
        "covariate": ["lone", "age", "age"], "measure": ["standardised mean difference"] * 2 + ["variance ratio"], "value": [-0.3, 0.11, 2.5],
        "limit": ["below 0.1", "below 0.1", "from 0.5 to 2"]}
    assert verdict.sentence.startswith("None of 2 covariates are") and verdict.sentence.endswith("Beyond them: lone; age.")


def test_bounds_of_the_variance_ratio_are_inside_and_that_of_the_difference_is_not():
    assert Thresholds().judge(table(variance_ratio_after=[2.0, np.nan, 1])).passed
    assert Thresholds().judge(table(variance_ratio_after=[0.5, np.nan, 1])).passed
    assert not Thresholds().judge(table(smd_after=[0.1, 0, 0])).passed


def test_a_difference_that_cannot_be_standardised_is_beyond_the_limit():
    assert Thresholds().judge(table(smd_after=[np.nan, 0, 0])).table["covariate"].tolist() == ["age"]


def test_a_stratum_without_matched_rows_on_both_sides_is_not_judged():
    by = table(mean_comparison_after=[np.nan, 1.0, 1.0], smd_after=[np.nan, 0.2, 0])
    by.insert(0, "council_code", "E1")
    verdict = Thresholds().judge(by)
    assert verdict.n_judged == 1 and verdict.sentence.startswith("None of 1 covariates by council code are")
    assert verdict.sentence.endswith("Beyond them: E1, lone.")


def test_a_long_list_is_cut_in_the_sentence_only():
    wide = pd.DataFrame({"covariate": [f"x{k}" for k in range(8)], "smd_after": 0.5, "variance_ratio_after": 1.0})
    verdict = Thresholds().judge(wide)
    assert verdict.sentence.endswith("Beyond them: x0; x1; x2; x3; x4 and 3 more.") and len(verdict.table) == 8


def test_no_limits_judge_nothing_beyond():
    verdict = Thresholds(smd=None, variance_ratio=None).judge(table())
    assert verdict.passed and "none are set" in verdict.sentence and list(verdict.table) == ["covariate", "measure", "value", "limit"]


@pytest.mark.parametrize("wrong", [{"smd": 0}, {"ks": 1.5}, {"overlap": -1}, {"variance_ratio": (2, 3)}, {"variance_ratio": (0.5,)}])
def test_limits_that_make_no_sense_are_refused(wrong):
    with pytest.raises(PlanError, match="Mend the thresholds"):
        Thresholds(**wrong)


def test_a_limit_on_what_the_table_does_not_hold_is_refused():
    with pytest.raises(PlanError, match="overlap"):
        Thresholds(overlap=0.9).judge(table().drop(columns="overlap_after"))
