"""The headline under other choices: each row equals a fit of its own."""
import dataclasses

import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, GroupTimeATT, MatchedDiD, MatchedLevels, UnmatchedDiD, overall
from evaluation.models.checks import Specification, other_estimates, other_matches, specification_curve
from tests.matching.panels import simulated_panel

MATCHER = NearestNeighbour(covariates=("x", "b"), ratio=2, exact=("b",))
QUARTERS = (0, 3)


@pytest.fixture(scope="module")
def check():
    sample = MATCHER.fit(simulated_panel(400, effect=-0.4))
    return CheckInput(sample=sample, estimator=MatchedDiD(), effects=MatchedDiD().fit(sample, "y"), quarters=QUARTERS)


def test_every_row_is_the_estimate_of_its_own_choice(check):
    table = specification_curve(check, other_estimates(check.estimator)).set_index("name")
    assert list(table.index) == ["the plan's", "base -1", "base -2", "base pre_mean", "levels", "unmatched"]
    wanted = {"the plan's": MatchedDiD(), "base -1": MatchedDiD(base=-1, anticipation=0), "base pre_mean": MatchedDiD(base="pre_mean"),
              "levels": MatchedLevels(), "unmatched": UnmatchedDiD()}
    for name, spec in wanted.items():
        found = overall(spec.fit(check.sample, "y"), quarters=QUARTERS)
        assert (table.loc[name, "estimate"], table.loc[name, "std_error"]) == (found.estimate, found.std_error)


def test_a_changed_matcher_matches_again_once_for_all_that_share_the_change(check, monkeypatch):
    fits = []
    own = NearestNeighbour.fit
    monkeypatch.setattr(NearestNeighbour, "fit", lambda self, panel: fits.append(self) or own(self, panel))
    wide = {"ratio": 4}
    table = specification_curve(check, [Specification(name="four", matcher=wide), Specification(name="four, levels", matcher=wide,
                                                                                                estimator=MatchedLevels())], matcher=MATCHER)
    assert len(fits) == 1 and fits[0].ratio == 4
    again = overall(MatchedDiD().fit(own(dataclasses.replace(MATCHER, ratio=4), check.sample.panel), "y"), quarters=QUARTERS)
    assert table["estimate"][1] == again.estimate


def test_other_matches_change_one_option_at_a_time():
    found = {one.name: one.matcher for one in other_matches(MATCHER)}
    assert found["ratio 5"] == {"ratio": 5} and "ratio 2" not in found and found["caliper 0.5"] == {"caliper": 0.5}
    assert found["not exact on b"] == {"exact": ()}


def test_what_cannot_be_estimated_is_a_row_with_its_reason(check):
    table = specification_curve(check, [Specification(name="again", matcher={"ratio": 4}),
                                        Specification(name="late base", estimator={"base": 3})])
    assert "was not given" in table["reason"][1] and "base" in table["reason"][2] and table["estimate"].isna().sum() == 2


def test_the_check_counts_who_agrees_with_the_plan(check):
    found = CHECKS["specifications"](check)
    others = found.table.iloc[1:]
    assert found.verdict == "information" and found.numbers["n"] == 5
    assert found.numbers["n_same_sign"] == (others["estimate"] < 0).sum()
    assert found.numbers["lowest"] == others["estimate"].min() and found.numbers["highest"] == others["estimate"].max()


def test_an_estimator_with_no_alternatives_is_not_testable(check):
    spec = GroupTimeATT(control="notyet")
    other = CheckInput(sample=check.sample, estimator=spec, effects=spec.fit(check.sample, "y"), quarters=QUARTERS)
    assert CHECKS["specifications"](other).verdict == "not testable"
