"""The studies of families: simulated at the published numbers, marked as such, and honest about what so many families can show."""

from __future__ import annotations

import pytest

from evaluation.locations import project_file
from evaluation.panel.places import ELSEWHERE
from evaluation.plan import read_plan
from tests.pipeline.studied import analysed, worded

PLANS = [f"studies/{name}.yml" for name in (
    "wandsworth_frp/plan", "troubled_families_2012/plan", "wirral/plan", "wirral/locality", "neighbourhood/plan", "bathnes_connecting_families/plan")]
BATH, WANDSWORTH, WIRRAL, BIRMINGHAM = "E06000022", "E09000032", "E08000015", "E08000025"


def joined(analysis) -> int:
    return int((analysis.panel.entry >= 0).sum())


def in_council(analysis, code: str) -> int:
    return int(((analysis.panel.entry >= 0) & (analysis.panel.units["council_code"] == code)).sum())


@pytest.fixture(scope="module")
def wandsworth(dictionary, tmp_path_factory):
    return analysed(PLANS[0], dictionary, tmp_path_factory.mktemp("wandsworth"))


@pytest.fixture(scope="module")
def wandsworth_report(wandsworth):
    return worded(wandsworth)[WANDSWORTH]


@pytest.fixture(scope="module")
def nation(dictionary, tmp_path_factory):
    """The national study with 900 families in place of 117,910."""
    few = {"data.joined": {BIRMINGHAM: 120, BATH: 40, "others": 740}}
    return analysed(PLANS[1], dictionary, tmp_path_factory.mktemp("nation"), few)


@pytest.fixture(scope="module")
def locality(dictionary, tmp_path_factory):
    return analysed(PLANS[3], dictionary, tmp_path_factory.mktemp("locality"))


@pytest.fixture(scope="module")
def bath(dictionary, tmp_path_factory):
    return analysed(PLANS[5], dictionary, tmp_path_factory.mktemp("bath"))


@pytest.mark.parametrize("path", PLANS)
def test_every_simulated_study_says_so_puts_no_effect_in_and_carries_published_figures_with_sources(path):
    plan = read_plan(project_file(path))
    assert plan.report.simulated and not any(plan.data.effects.values())
    assert plan.published and all(one.figure and one.source for one in plan.published)


def test_wandsworth_has_thirty_families_with_four_comparison_families_each_its_own_first(wandsworth):
    sample = wandsworth.sample
    assert joined(wandsworth) == in_council(wandsworth, WANDSWORTH) == 30
    assert len(sample.comparison_unit) <= 4 * 30 and sample.n_treated >= 25
    home = sample.panel.units["council_code"].to_numpy()[sample.comparison_unit] == WANDSWORTH
    assert home.mean() > 0.8


def test_wandsworths_page_one_says_that_not_even_a_complete_reduction_could_have_been_seen(wandsworth_report):
    page = wandsworth_report.summary
    assert "not even a complete reduction could have been detected" in page.could_have_seen
    assert page.paragraphs[0].startswith(
        "Records of the real families are not public: these are simulated at the published numbers, without any effect.")
    assert "one of the four main outcomes cannot be shown" in page.headline
    assert "cannot be told apart" in page.caveats[0]


def test_the_published_figures_reach_the_report_with_their_sources(wandsworth_report):
    table = next(table for table in wandsworth_report.tables if table.id == "published")
    assert ("Families on the programme in June 2012", "22 families, 90 members", "putneysw15.com, June 2012") in table.rows


def test_the_costs_that_were_published_are_in_the_records(wandsworth):
    costs = wandsworth.tables["programme_costs"].frame()
    assert costs.loc[costs["council_code"] == WANDSWORTH, "cost"].sum() == 588_000


def test_families_join_only_while_the_plan_says(wandsworth):
    entry, periods = wandsworth.panel.entry, wandsworth.panel.periods
    assert (entry[entry >= 0] >= periods.index("2011-Q4")).all() and (entry[entry >= 0] <= periods.index("2012-Q4")).all()


def test_bath_has_215_families_and_says_what_they_could_have_shown(bath):
    assert joined(bath) == 215
    content = worded(bath)[BATH]
    offending = next(outcome for outcome in content.outcomes if outcome.outcome == "any_offence")
    # domain.md, section 9: 8.1 points for 215 families an arm at a base of 10%, no clustering, no covariates; four quarters and three
    # comparison families each bring that down
    assert 2 < offending.detectable.value < 8.1
    assert offending.truth.value == 0


def test_programme_families_of_the_locality_live_there_and_none_of_its_others_is_compared(locality):
    units, sample = locality.panel.units, locality.sample
    assert joined(locality) == 50
    assert set(units["pool"]) == {ELSEWHERE, "the first locality"}
    assert set(sample.panel.units["pool"].to_numpy()[sample.comparison_unit]) == {ELSEWHERE}
    assert any("All programme families lived in the first locality" in text for text in worded(locality)[WIRRAL].summary.caveats)


def test_every_key_worker_of_wirral_has_ten_families(locality):
    caseload = locality.tables["families"].frame()["key_worker_caseload"].dropna()
    assert len(caseload) == 50 and set(caseload) == {10}


def test_the_nation_has_so_many_families_as_the_plan_says_in_152_councils(nation):
    assert joined(nation) == 900 and in_council(nation, BIRMINGHAM) == 120 and in_council(nation, BATH) == 40
    assert nation.panel.units["council_code"].nunique() == 152


def test_the_nation_and_a_council_have_a_report_each(nation):
    content = worded(nation, ("all", BATH))
    assert list(content) == ["all", BATH]
    assert content["all"].summary.headline.startswith("Among families who joined,") and content["all"].council.name == "All places together"
    assert content[BATH].summary.headline.startswith("In Bath and North East Somerset,")


def test_the_whole_plan_of_the_nation_adds_up_to_117910():
    plan = read_plan(project_file(PLANS[1]))
    assert sum(plan.data.joined.values()) == 117_910
