import pytest

from evaluation.errors import PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models.checks import CheckResult
from evaluation.pipeline.checking import balance_sentence
from evaluation.pipeline.choices import matcher
from evaluation.plan import read_plan
from tests.pipeline.conftest import small_plan


def chosen(folder, **matching):
    return matcher(read_plan(small_plan(folder, lambda plan: plan["matching"].update(matching))))


def test_the_plan_s_options_reach_the_matcher(tmp_path):
    spec = chosen(tmp_path, ratio=2, caliper=None, covariate_calipers={"n_children": 1.0}, covariate_caliper_unit="absolute", tiers=["council_code"])
    assert isinstance(spec, NearestNeighbour)
    assert (spec.ratio, spec.caliper, spec.covariate_calipers, spec.tiers) == (2, None, {"n_children": 1.0}, ("council_code",))
    assert {"n_children", "council_code", "has_child_5_15"} <= set(spec.columns_used())


@pytest.mark.parametrize(("option", "words"), [
    ({"calliper": 0.1}, r"`matching\.calliper` is no option of the method nearest_neighbour; did you mean `caliper`\?"),
    ({"ratio": "three"}, r"`matching\.ratio`: .*integer"),
    ({"ratio": 0}, r"`matching\.ratio` must be at least 1: it is 0\. Mend the plan\."),
    ({"caliper": -1}, r"`matching\.caliper` must be above 0"),
    ({"estimand": "ATE"}, r"Pairs have no average over everyone"),
    ({"estimand": "ATC"}, r"must be about those who joined"),
    ({"replacement": "maybe"}, r"`matching\.replacement`"),
    ({"caliper_unit": "feet"}, r"`matching\.caliper_unit`"),
    ({"nonsense": 1}, r"`matching\.nonsense` is no option of the method nearest_neighbour; it knows"),
])
def test_a_wrong_option_is_refused_with_the_way_to_mend_it(tmp_path, option, words):
    with pytest.raises(PlanError, match=words):
        chosen(tmp_path, **option)


@pytest.mark.parametrize(("largest", "over", "judged_by", "sentence"), [
    (0.05, 0, "standardised mean difference below 0.1",
     "Every characteristic is balanced after matching: the largest standardised difference is 0.05, under 0.1."),
    (0.15, 1, "standardised mean difference below 0.1",
     "1 characteristic differs by 0.1 or more standard deviations after matching; the largest difference is 0.15."),
    (0.05, 2, "standardised mean difference below 0.1, variance ratio from 0.5 to 2",
     "2 of 9 characteristics are not within the plan's limits after matching (standardised mean difference below 0.1, variance ratio from 0.5 to 2); "
     "the largest standardised difference is 0.05."),
])
def test_balance_is_told_against_the_plan_s_limits(largest, over, judged_by, sentence):
    found = CheckResult(name="balance", verdict="failed" if over else "passed", table=None, judged_by=judged_by,
                        numbers={"largest_after": largest, "n_over": over, "n": 9})
    assert balance_sentence(found) == sentence
