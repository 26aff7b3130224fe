"""Studies of programmes given to whole places: synthetic comparisons on published data, and small areas with placebo places."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.errors import PlanError
from evaluation.findings.study import PlaceboGap
from evaluation.locations import project_file
from evaluation.pipeline import placebo
from evaluation.pipeline.area_words import compared_of_areas, own_gap
from evaluation.pipeline.scope_studies import own_line, sets_in, studies_of
from evaluation.pipeline.scopes import joined_in, scopes_of
from evaluation.pipeline.value import people_array, worth_of
from evaluation.plan import read_plan
from tests.pipeline.studied import FEW_DRAWS, analysed, assert_answers_the_four_questions, worded

CHESHIRE_WEST, CHESHIRE_EAST, BIRMINGHAM, KENT = "E06000050", "E06000049", "E08000025", "E10000016"


@pytest.fixture(scope="module")
def places(open_data, dictionary, tmp_path_factory):
    return analysed("studies/whole_place/plan.yml", dictionary, tmp_path_factory.mktemp("places"))


@pytest.fixture(scope="module")
def neighbourhoods(dictionary, tmp_path_factory):
    """The study with a third of its families and few draws for each neighbourhood alone."""
    few = read_plan(project_file("studies/neighbourhood/plan.yml")).data.families
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placebo, "AREA_DRAWS", FEW_DRAWS)
        return analysed("studies/neighbourhood/plan.yml", dictionary, tmp_path_factory.mktemp("neighbourhoods"),
                        {"data.families": {code: number // 3 for code, number in few.items()}})


@pytest.fixture(scope="module")
def neighbourhood_reports(neighbourhoods):
    return worded(neighbourhoods, (BIRMINGHAM, KENT))


def test_four_areas_of_fifteen_councils_had_the_programme(places):
    units = places.panel.units
    inside = units[units["entry"] >= 0]
    assert inside["area"].nunique() == 4 and len(inside) == 15


def test_cheshire_west_has_a_past_of_its_own_from_its_schools(places):
    units = places.panel.units.set_index("unit_id")
    assert {CHESHIRE_WEST, CHESHIRE_EAST} <= set(units.index) and not any("+" in code for code in units.index)
    row = units.index.get_loc(CHESHIRE_WEST)
    assert np.isfinite(places.panel.outcomes["unauthorised_absence_rate"][row]).all()
    exclusions = places.panel.outcomes["fixed_exclusion_rate"][row]
    assert np.isnan(exclusions[:3]).all() and np.isfinite(exclusions[3:]).all()
    assert any("Cheshire West and Chester before they replaced Cheshire is that of their schools" in note for note in places.panel.notes)


def test_the_effect_and_its_interval_are_those_of_the_synthetic_study(places):
    numbers, average = places.studies["unauthorised_absence_rate"].numbers, places.placebos["unauthorised_absence_rate"].synthetic.average
    assert (numbers.effect.estimate, numbers.effect.lower, numbers.permutation_p) == (average.estimate, average.lower, average.p_value)
    assert numbers.detectable == pytest.approx((1.959964 + 0.841621) * average.std_error, rel=1e-5)


def test_the_gap_at_each_year_is_the_areas_mean_gap(places):
    study, result = places.studies["unauthorised_absence_rate"], places.placebos["unauthorised_absence_rate"].synthetic
    gap = dict(zip(result.effects.event_times, result.average_gap, strict=True))
    assert study.events and all(row.estimate == pytest.approx(gap[row.event_time]) for row in study.events)
    assert all(row.lower <= row.estimate <= row.upper for row in study.events)


def test_page_one_of_the_pilots_says_with_whom_they_are_compared_and_that_others_had_troubled_families(places):
    content = worded(places, ("all", CHESHIRE_WEST))
    for one in content.values():
        assert_answers_the_four_questions(one)
        assert "hold no claims of single families" in one.summary.payment_by_results
    page = content[CHESHIRE_WEST].summary
    assert page.headline.startswith("In the four programme areas together,")
    assert "a weighted mix of the other councils of England that together ran as it did before" in page.paragraphs[0]
    assert page.caveats[0].startswith("From April 2012 every council had Troubled Families")
    assert "six years before" in page.caveats[1]
    told = [study.subtitle for study in content["all"].event_studies] + [one.sentence for one in content[CHESHIRE_WEST].placebos]
    assert told and not any("matched" in text or "base period" in text for text in told)  # donors are weighted, and their gap is no change
    fit = next(table for table in content["all"].tables if table.id == "synthetic-fit")
    assert {row[0] for row in fit.rows} >= {"Unauthorised absence: Greater Manchester", "Fixed-period exclusion rate: Essex"}


def test_twelve_neighbourhoods_of_ten_councils_are_compared_by_small_areas(neighbourhoods):
    units = neighbourhoods.panel.units
    inside = units[units["entry"] >= 0]
    assert neighbourhoods.panel.unit == "small_area" and inside["area"].nunique() == 12 and inside["council_code"].nunique() == 10
    assert len(inside) == 24 and set(inside.loc[inside["council_code"] == BIRMINGHAM, "area"]) == {"Shard End", "Castle Vale", "Balsall Heath"}


def test_a_small_areas_value_is_the_mean_of_its_families(neighbourhoods):
    panel, tables = neighbourhoods.panel, neighbourhoods.tables
    area, column = panel.units["unit_id"].iloc[0], panel.periods.index("2013-Q1")
    incidents, stays = tables["asb_incidents"].frame(), tables["addresses"].frame()
    here = stays[(stays["from_date"] <= "2013-04-01")].sort_values("from_date").drop_duplicates("family_id", keep="last")
    families = set(here.loc[here["area_code"] == area, "family_id"])
    people = tables["people"].frame(["person_id", "family_id"])
    incidents["family_id"] = incidents["family_id"].fillna(incidents["person_id"].map(people.set_index("person_id")["family_id"]))
    in_quarter = incidents[(incidents["date"] >= "2013-01-01") & (incidents["date"] < "2013-04-01") & incidents["family_id"].isin(families)]
    observed = panel.denominators["asb_incidents"][0, column]
    assert 10 <= observed <= len(families)
    assert panel.outcomes["asb_incidents"][0, column] * observed == pytest.approx(len(in_quarter), abs=1e-9)


def test_the_line_of_a_neighbourhood_is_on_the_scale_of_the_lines_beside_it(neighbourhoods):
    panel, (scope,) = neighbourhoods.panel, scopes_of(neighbourhoods, [BIRMINGHAM])
    inside = (panel.units["council_code"] == BIRMINGHAM).to_numpy() & (panel.entry >= 0)
    for name, per in (("asb_incidents", 100.0), ("out_of_work_benefit", 1.0)):  # incidents a family, shown per 100; a share in per cent
        study = neighbourhoods.studies[name]
        (line,) = own_line(neighbourhoods, scope, study, name, inside)
        column, at = panel.periods.index("2013-Q1"), study.axis.index("2013-Q1")
        values, families = panel.outcomes[name][inside, column], panel.denominators[name][inside, column]
        assert line.values[at] == pytest.approx(per * (values * families).sum() / families.sum())


def test_incidents_of_one_neighbourhood_are_not_shown_where_few_stand_behind_them(neighbourhood_reports):
    content = neighbourhood_reports[KENT]
    assert not {"asb_incidents", "any_offence"} & {one.outcome for one in content.placebos}
    assert {len(trend.lines) for trend in content.trends if trend.outcome in ("asb_incidents", "any_offence")} == {2}
    told = {result.outcome: result.own_note for result in content.outcomes}
    assert {name for name, text in told.items() if not text} == {one.outcome for one in content.placebos}
    assert told["asb_incidents"] == (
        "This area's own figures are not shown, because too few incidents or families stand behind them in some quarter."
    )


def test_the_report_of_all_neighbourhoods_lacks_no_areas_line(neighbourhoods):
    assert not any(result.own_note for result in worded(neighbourhoods, ("all",))["all"].outcomes)


def test_neighbourhoods_answer_the_four_questions_and_say_that_no_rule_of_payment_is_applied(neighbourhood_reports):
    for content in neighbourhood_reports.values():
        assert_answers_the_four_questions(content)
        assert "applies no rule of payment" in content.summary.payment_by_results


def test_shares_of_small_areas_are_told_as_shares_of_families(neighbourhood_reports):
    page = neighbourhood_reports[BIRMINGHAM].summary
    assert not any("every 100 small areas" in text for text in page.findings)
    assert "Birmingham holds Balsall Heath, Castle Vale and Shard End" in page.paragraphs[0]


def test_placebo_places_are_drawn_inside_councils(neighbourhoods):
    null = neighbourhoods.placebos["asb_incidents"].programme
    assert null.n_failed == 0 and len(null.draws) == 19 and 1 / 20 <= null.p_value <= 1
    assert neighbourhoods.studies["asb_incidents"].numbers.truth == 0


# ---- page one ------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap, others", [(0.04, "areas without a programme differ as much"), (0.5, "few areas without a programme differ as much")])
def test_an_areas_own_gap_is_a_difference_from_its_comparison_and_not_its_change(dictionary, gap, others):
    outcome = dictionary.outcomes["unauthorised_absence_rate"]
    study = SimpleNamespace(
        numbers=SimpleNamespace(primary=True, outcome=outcome), placebo=PlaceboGap(area="Mere", gap=gap, lower=-0.34, upper=0.25, n_placebo=499)
    )
    told = own_gap(None, SimpleNamespace(area="Mere", code="E1"), [study], "councils", Ledger(profile=RULES["published"]))
    assert told.startswith(f"In this area by itself the change in unauthorised absence differed by +{gap:.2f} percentage points from that of its")
    assert f"its comparison councils; {others} (" in told


@pytest.mark.parametrize("synthetic, words", [(None, "not only with what they were before"), (1, "not only with what it was before")])
def test_the_comparison_is_with_others_and_not_only_with_the_time_before(synthetic, words):
    analysis = SimpleNamespace(placebos={"y": SimpleNamespace(synthetic=synthetic)})
    assert f", {words}, so that changes seen everywhere" in compared_of_areas(analysis, "councils", "73")


def test_a_design_whose_areas_are_all_pooled_is_told_to_pool_no_more(places, neighbourhood_reports):
    pages = [worded(places, (CHESHIRE_WEST,))[CHESHIRE_WEST].summary, neighbourhood_reports[KENT].summary]
    for page, areas in zip(pages, (4, 12), strict=True):
        (told,) = [step for step in page.next_steps if "a change of 10%" in step]
        assert told.startswith("This design cannot answer the question for ") and "areas to see" in told
        assert told.endswith(f"there are {areas} programme areas in the whole study.") and not any("pool" in step for step in page.next_steps)


def test_effects_whose_range_is_that_of_placebo_areas_are_said_in_words_to_have_no_price(places):
    told = worded(places, (CHESHIRE_WEST,))[CHESHIRE_WEST].summary.value
    assert told == (
        "No net value can be given, because how far off the effect on unauthorised absence may be is read from areas without a programme, which gives"
        " a range of it but none of money. What the programme cost is set against nothing."
    )


# ---- what the neighbourhoods were worth ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def neighbourhood_worth(neighbourhoods):
    """The appraisal behind the report of all neighbourhoods together."""
    (scope,) = scopes_of(neighbourhoods, ["all"])
    ledger = Ledger(profile=RULES["ten_five"])
    sets, studies = sets_in(neighbourhoods, scope), studies_of(neighbourhoods, scope)
    return worth_of(neighbourhoods, scope, sets, studies, joined_in(neighbourhoods, scope), ledger, "small areas")


def test_an_effect_on_small_areas_counts_for_the_families_behind_it(neighbourhoods, neighbourhood_worth):
    panel, sample, case = neighbourhoods.panel, neighbourhoods.sample, neighbourhood_worth.plain.case
    column = panel.periods.index("2013-Q2")
    families = panel.denominators["offences"][sample.treated_unit, column : column + 8]  # quarters 0 to 7
    assert len(sample.treated_unit) == neighbourhood_worth.units == 24
    assert case.people["offences"] == pytest.approx(np.nanmean(families)) and case.people["offences"] > 10
    # sessions of a term, times three terms a year, over the 380 sessions of a year
    sessions = panel.denominators["unauthorised_absence_rate"][sample.treated_unit, column : column + 8]
    assert case.people["unauthorised_absence_rate"] == pytest.approx(np.nanmean(sessions) * 3 / 380)
    assert case.timeline().unit_years.sum() == pytest.approx(24 * 2)  # eight quarters are two years


def test_the_money_of_small_areas_is_effect_times_families_times_price(neighbourhood_worth):
    # offences: incidents a family and quarter; four quarters a year, one incident each, 609 pounds in 2010/11 prices = 652.1865 in 2014/15 prices
    plain, case = neighbourhood_worth.plain, neighbourhood_worth.plain.case
    effect = plain.effects.estimates[plain.effects.outcomes.index("offences")]
    discounted = 24 * (1 + 1 / 1.035)  # one year of each area in 2013/14 and one in 2014/15
    by_hand = -effect * 4 * case.people["offences"] * 652.1865 * discounted
    assert plain.gain(lambda line: line.outcome == "offences").mean == pytest.approx(by_hand, rel=1e-5)


def test_the_cost_of_all_neighbourhoods_is_that_of_the_plan(neighbourhood_worth):
    # 420,000 a year in 2013/14 prices, index 98.6228 with 2014/15 = 100, the second year discounted
    assert neighbourhood_worth.adjusted.cost == pytest.approx(420_000 * 100 / 98.6228 * (1 + 1 / 1.035), rel=1e-6)
    assert neighbourhood_worth.fees == 0 and not neighbourhood_worth.fees_reason  # no payment by results for places


def test_a_neighbourhoods_report_tells_the_money_of_all_and_says_so(neighbourhood_reports):
    birmingham, kent = (neighbourhood_reports[code].value for code in (BIRMINGHAM, KENT))
    assert birmingham.status == "shown" and birmingham.net == kent.net
    assert "in all programme areas together, 2014/15 prices" in kent.sentence and kent.agencies_title.startswith("Council in all programme areas")
    assert any("The money is that of all places together, which are judged as one; no place alone is valued." in text for text in kent.findings)


def test_whom_small_areas_count_must_be_in_their_records(neighbourhoods):
    with pytest.raises(PlanError, match="permanent_exclusion_rate is valued by pupils, which the records of this study do not hold"):
        people_array(neighbourhoods.panel, "permanent_exclusion_rate", "pupils")
