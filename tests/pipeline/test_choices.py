import pytest

from evaluation.errors import PlanError
from evaluation.matching import NearestNeighbour
from evaluation.models.checks import CheckResult
from evaluation.pipeline.checking import balance_sentence, near_entry
from evaluation.pipeline.choices import base_of, matcher
from evaluation.pipeline.choices import estimator as chosen_estimator
from evaluation.plan import Plan, read_plan
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


def _estimators(folder, estimator, seconds=()):
    def change(plan):
        plan["estimator"].update(estimator)
        plan["second_estimators"] = list(seconds)
    plan = read_plan(small_plan(folder, change))
    return [chosen_estimator(plan), *(chosen_estimator(plan, second) for second in plan.second_estimators)]


def test_an_estimator_takes_its_own_options_and_those_of_the_plan_that_it_shares(tmp_path):
    main, two_way, group_time = _estimators(tmp_path, {"base": -3}, ["two_way", {"method": "group_time", "control": "notyet", "base": "varying"}])
    assert (main.base, main.window, main.anticipation) == (-3, (-8, 8), 1)
    assert two_way.quarters == (1, 4) and two_way.anticipation == 1
    assert (group_time.control, group_time.base, group_time.window) == ("notyet", "varying", (-8, 8))


def test_a_wrong_option_of_an_estimator_is_refused_with_the_way_to_mend_it(tmp_path):
    with pytest.raises(PlanError, match=r"`estimator\.bass` is no option of the method matched_did; did you mean `base`"):
        _estimators(tmp_path, {"bass": -3})
    with pytest.raises(PlanError, match=r"`second_estimators\.contol` is no option of the method group_time; did you mean `control`"):
        _estimators(tmp_path, {}, [{"method": "group_time", "contol": "never"}])
    with pytest.raises(PlanError, match=r"`estimator\.control` must be one of never, notyet|second_estimators\.control"):
        _estimators(tmp_path, {}, [{"method": "group_time", "control": "everyone"}])


def test_the_rule_on_later_entry_reaches_the_estimators_that_know_it_and_no_other(tmp_path):
    def weighted(**estimator):
        def change(plan):
            plan["comparison"]["on_later_entry"] = "weight"
            plan["estimator"].update(estimator)
            plan["second_estimators"] = ["matched_levels", "lagged_outcome"]
        return read_plan(small_plan(tmp_path, change))
    plan = weighted()
    levels, lagged = (chosen_estimator(plan, second) for second in plan.second_estimators)
    assert chosen_estimator(plan).on_later_entry == levels.on_later_entry == "weight" and not hasattr(lagged, "on_later_entry")
    with pytest.raises(PlanError, match=r"`comparison\.on_later_entry: weight` is for matched_did and matched_levels: .*lagged_outcome"):
        chosen_estimator(weighted(method="lagged_outcome"))


def test_a_base_that_the_method_does_not_have_is_refused_and_its_own_is_used(tmp_path):
    with pytest.raises(PlanError, match=r"`estimator\.base` is no option of the method two_way.*Take it out"):
        _estimators(tmp_path, {"method": "two_way", "base": -3})

    def without(plan):
        plan["estimator"] = {"method": "two_way", "anticipation": 1}
    plan = read_plan(small_plan(tmp_path, without))
    assert chosen_estimator(plan).anticipation == 1 and base_of(plan) == -2 and near_entry(plan) == (-1,)
    assert chosen_estimator(Plan.model_validate_json(plan.canonical())) == chosen_estimator(plan)
