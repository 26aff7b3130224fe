"""Studies of programmes given to whole places: synthetic comparisons on published data, and small areas with placebo places."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.locations import project_file
from evaluation.pipeline import placebo
from evaluation.plan import read_plan
from tests.pipeline.studied import FEW_DRAWS, analysed, worded

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
    page = content[CHESHIRE_WEST].summary
    assert page.headline.startswith("In the four programme areas together,")
    assert "a weighted mix of the other councils of England that together ran as it did before" in page.paragraphs[0]
    assert page.caveats[0].startswith("From April 2012 every council had Troubled Families")
    assert "six years before" in page.caveats[1]
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


def test_incidents_of_one_neighbourhood_are_not_shown_where_few_stand_behind_them(neighbourhood_reports):
    content = neighbourhood_reports[KENT]
    assert not {"asb_incidents", "any_offence"} & {one.outcome for one in content.placebos}
    assert {len(trend.lines) for trend in content.trends if trend.outcome in ("asb_incidents", "any_offence")} == {2}


def test_shares_of_small_areas_are_told_as_shares_of_families(neighbourhood_reports):
    page = neighbourhood_reports[BIRMINGHAM].summary
    assert not any("every 100 small areas" in text for text in page.findings)
    assert "Birmingham holds Balsall Heath, Castle Vale and Shard End" in page.paragraphs[0]


def test_placebo_places_are_drawn_inside_councils(neighbourhoods):
    null = neighbourhoods.placebos["asb_incidents"].programme
    assert null.n_failed == 0 and len(null.draws) == 19 and 1 / 20 <= null.p_value <= 1
    assert neighbourhoods.studies["asb_incidents"].numbers.truth == 0
