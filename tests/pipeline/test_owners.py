"""Owners of the data and their rules of what may leave: the strictest wins, whatever a plan would like."""

from __future__ import annotations

import pytest

from evaluation.disclosure.rules import RULES, rule_of
from evaluation.errors import PlanError
from evaluation.locations import project_file
from evaluation.pipeline.owners import check_owners, laxer
from evaluation.pipeline.receive import check_names
from evaluation.plan import read_plan
from evaluation.plan.leaving import DisclosurePlan

STUDIES = sorted(path for path in project_file("studies").glob("*/*.yml"))


def with_rule(*names: str, study: str = "demonstration"):
    plan = read_plan(project_file(f"studies/{study}/plan.yml"))
    return plan.model_copy(update={"disclosure": DisclosurePlan(profile=names)})


def test_every_rule_that_a_contract_names_is_known_and_national_owners_have_one(dictionary):
    named = {table.name: table.profile for table in dictionary.tables.values() if table.profile}
    assert set(named.values()) <= set(RULES)
    of_work = dict.fromkeys(("benefit_spells", "employment_spells"), "dwp_statxplore")
    assert named == dict.fromkeys(("attendance", "exclusions"), "dfe_legacy") | of_work | {"offences": "moj"}


@pytest.mark.parametrize("name", ["opensafely", "nhs_hes", "dfe_legacy", "ons_srs"])
def test_a_laxer_rule_than_an_owners_is_refused_with_whose_and_what_to_name(dictionary, name):
    with pytest.raises(PlanError) as refused:
        check_names(with_rule(name), dictionary)
    told = str(refused.value)
    assert f"{name} is laxer than" in told and "Department for Work and Pensions (benefit_spells): dwp_statxplore." in told
    assert "under 10" in told and f"profile: [{name}, " in told and "dwp_statxplore" in told.rsplit("profile: [", 1)[1]


@pytest.mark.parametrize("names", [("ten_five",), ("dwp_statxplore", "opensafely"), ("nhs_hes", "ten_five"), ("mhclg",)])
def test_rules_as_strict_as_the_owners_are_taken(dictionary, names):
    check_owners(with_rule(*names), dictionary)


def test_what_is_named_on_being_refused_is_taken(dictionary):
    check_owners(with_rule("opensafely", "dwp_statxplore", "moj"), dictionary)


def test_published_statistics_are_not_asked(dictionary):
    check_owners(with_rule("published", study="community_budgets_2011"), dictionary)


def test_a_rule_is_laxer_where_it_shows_smaller_counts_or_rounds_less():
    assert laxer(rule_of("opensafely"), rule_of("ten_five")) and laxer(rule_of("ons_srs"), rule_of("ten_five"))
    assert not laxer(rule_of("ten_five"), rule_of("ons_srs")) and not laxer(rule_of("moj"), rule_of("ten_five"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_study_is_as_strict_as_its_owners(dictionary, path):
    check_owners(read_plan(path), dictionary)
