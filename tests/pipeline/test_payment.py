"""Payment by results from plan to release: what the plan may say, and what stands in a council's content and in a small council's."""

from __future__ import annotations

import json

import pytest
import yaml

from evaluation.disclosure.release import ReportContent
from evaluation.errors import PlanError
from evaluation.locations import project_file
from evaluation.pipeline.recipe import framework_of
from evaluation.plan import read_plan


@pytest.fixture
def planned(tmp_path):
    """The demonstration's plan with another payment_by_results."""

    def planned(asked):
        content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
        content["payment_by_results"] = asked
        path = tmp_path / "plan.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return read_plan(path)

    return planned


@pytest.fixture(scope="module")
def contents(small_run):
    return {path.stem: ReportContent.read(path) for path in (small_run[0] / "contents").glob("*.json")}


def test_a_name_alone_is_the_framework_as_it_is_written(planned):
    assert planned("troubled_families_2012") == planned({"framework": "troubled_families_2012"})
    assert framework_of(planned("troubled_families_2012")).claim_within.whole == 4


def test_a_plan_may_set_target_fee_year_time_and_missing(planned):
    plan = planned({"framework": "troubled_families_2012", "target": {"E06000022": 215}, "result_fee_year": "claim", "claim_within": 6,
                    "missing": "neutral", "history": 4})
    found = framework_of(plan)
    assert (found.claim_within.whole, found.claim_within.source, plan.payment_by_results.target["E06000022"]) == (6, "the plan", 215)
    assert (plan.payment_by_results.history, planned("troubled_families_2012").payment_by_results.history) == (4, 0)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"framework": "troubled_families_2012", "target": 0}, "a target is a number of families above 0, not 0"),
        ({"framework": "troubled_families_2012", "result_fee_year": "exit"}, "payment_by_results.result_fee_year"),
        ({"framework": "troubled_families_2012", "claim_within": 0}, "payment_by_results.claim_within"),
        ({"framework": "troubled_families_2012", "history": -1}, "payment_by_results.history"),
        ({"framework": "troubled_families_2012", "tagret": 5}, "did you mean `target`"),
        ({"target": 5}, "`payment_by_results.framework` is missing"),
    ],
)
def test_a_wrong_plan_for_payment_is_refused_with_the_key(planned, asked, says):
    with pytest.raises(PlanError) as found:
        planned(asked)
    assert says in str(found.value)


def test_every_report_of_families_has_its_page_and_page_one_its_sentence(contents):
    for content in contents.values():
        assert content.payment is not None
        assert content.summary.payment_by_results == content.payment.sentence


def test_a_council_of_twenty_families_is_shown_nothing_of_its_own(contents):
    page = contents["E06000017"].payment
    assert page.status == "not_shown" and "not shown here" in page.sentence
    assert all(line.programme.estimate.text == "[c]" for line in page.shares if line.kind != "everywhere")


def test_all_places_together_say_the_same_in_every_report(contents):
    together = {json.dumps([line.model_dump() for line in content.payment.shares if line.kind == "everywhere"], sort_keys=True)
                for content in contents.values()}
    assert len(together) == 1


def test_the_column_beside_each_outcome_still_has_its_simple_rate(contents):
    absence = next(result for result in contents["E06000022"].outcomes if result.outcome == "unauthorised_absence_rate")
    assert "A success is unauthorised absence under 15%" in absence.payment_by_results_note


def test_an_unknown_framework_or_council_is_named_before_anything_is_read(planned, dictionary):
    from evaluation.pipeline.receive import check_names

    with pytest.raises(PlanError) as found:
        check_names(planned({"framework": "troubled_families_2013", "target": {"E0600022": 5}}), dictionary)
    assert "did you mean 'troubled_families_201" in str(found.value) and "did you mean 'E06000022'" in str(found.value)
