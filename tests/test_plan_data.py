"""Sections of a plan about data and places: what is refused, and in which words."""
from __future__ import annotations

import pytest
import yaml

from evaluation.errors import PlanError
from evaluation.locations import project_file
from evaluation.plan import Plan, read_plan

BATH, SALFORD = "E06000022", "E08000006"


@pytest.fixture
def changed(tmp_path):
    """A function that reads the demonstration plan with other sections."""
    base = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))

    def read(**sections) -> Plan:
        content = {name: {**old, **sections.get(name, {})} if isinstance(old, dict) else sections.get(name, old) for name, old in base.items()}
        path = tmp_path / "plan.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return read_plan(path)
    return read


@pytest.mark.parametrize(("data", "words"), [
    ({"families": {BATH: 100}, "joined": {SALFORD: 5}}, "must name councils of `families`: not so for E08000006"),
    ({"families": {BATH: 100}, "joined": {BATH: 101}}, "must not be more than the `families`"),
    ({"families": 100, "joined": 101}, "not so for all together"),
    ({"families": {BATH: 100}, "joined": {BATH: -1}}, "0 or more families"),
    ({"families": 100, "joined": {"others": 50}}, "leave `families` out"),
    ({"families": 100, "costs": {BATH: {"2012/13": 5}}}, "`costs` and their `costs_source` stand together"),
    ({"families": 100, "costs": {BATH: {"2012/13": -1}}, "costs_source": "minutes"}, "0 or more pounds: not so for E06000022 2012/13"),
    ({"families": 100, "caseload": [9, 3]}, "caseload"),
    ({"families": 100, "joinig": {"first": "2012-Q1", "last": "2012-Q4"}}, "did you mean `joining`"),
    ({"families": 100, "split_by_schools": True}, "for open statistics"),
])
def test_data_that_cannot_be_simulated_are_refused(changed, data, words):
    with pytest.raises(PlanError, match=words):
        changed(data=data)


def test_numbers_of_joining_families_are_for_simulated_records(changed):
    with pytest.raises(PlanError, match="only simulated data take families, joined"):
        changed(data={"kind": "extracts", "folder": "here", "families": 100, "joined": 5})


@pytest.mark.parametrize(("places", "words"), [
    ([{"name": "Here", "councils": [BATH, SALFORD], "small_areas": 2}], "small areas lie in one council: Here names 2"),
    ([{"name": "Here", "councils": [BATH], "small_areas": 0}], "must be at least one"),
    ([{"name": "Here", "councils": []}], "at least 1"),
])
def test_places_that_cannot_be_are_refused(changed, places, words):
    with pytest.raises(PlanError, match=words):
        changed(programme={"places": places})


def test_a_number_of_small_areas_stands_for_areas_of_simulated_records_only(tmp_path):
    content = yaml.safe_load(project_file("studies/wirral/locality.yml").read_text(encoding="utf-8"))
    content["data"] = {"kind": "extracts", "folder": "here"}
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(PlanError, match="give the codes of the areas"):
        read_plan(tmp_path / "plan.yml")


def test_small_areas_need_an_assignment_by_area_and_places(changed):
    with pytest.raises(PlanError, match="small areas need programme.assignment: area"):
        changed(unit="small_area")


def test_a_published_figure_is_kept_as_it_reads(changed):
    plan = changed()
    assert plan.published == ()
    plan = Plan.model_validate({**plan.model_dump(), "published": [{"what": "Families", "figure": 117910, "source": "DCLG"}]})
    assert plan.published[0].figure == "117,910"


@pytest.mark.parametrize(("beside", "words"), [
    ({"by": "2013-Q3"}, "`by` says to when is counted: name what in `beside`"),
    ({"beside": "joined", "by": "2033-Q3"}, "`by` must be a quarter of the periods: 2033-Q3 is not"),
    ({"beside": "visits"}, "joined"),
])
def test_a_published_figure_stands_beside_what_can_be_counted(tmp_path, beside, words):
    content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    content["published"] = [{"what": "Families", "figure": 5, "source": "DCLG", **beside}]
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(PlanError, match=words):
        read_plan(tmp_path / "plan.yml")


@pytest.mark.parametrize(("beside", "given", "words"), [
    ("claims", {"payment_by_results": None}, "claims and results are counted by payment_by_results, which this plan has not"),
    ("joined", {"unit": "person"}, "only families are counted beside a published figure"),
])
def test_a_count_beside_a_published_figure_needs_families_and_for_claims_a_framework(tmp_path, beside, given, words):
    content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8")) | given
    content["published"] = [{"what": "Families", "figure": 5, "source": "DCLG", "beside": beside}]
    (tmp_path / "plan.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(PlanError, match=words):
        read_plan(tmp_path / "plan.yml")
