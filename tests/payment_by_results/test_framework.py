"""Frameworks as they are written down: every number has a source, and wrong rules are refused with what, where and how to mend it."""

from __future__ import annotations

import pytest
import yaml

from evaluation.errors import DictionaryError
from evaluation.locations import project_file
from evaluation.payment_by_results import read_framework

FOLDER = project_file("data_dictionary") / "payment_by_results"
NAMES = ("bathnes_outcomes_plan", "supporting_families_2022", "troubled_families_2012", "troubled_families_2015")


@pytest.fixture
def spoilt(tmp_path):
    """The framework of 2012 with a change, as a file; what reading it says."""

    def spoilt(change):
        content = yaml.safe_load((FOLDER / "troubled_families_2012.yml").read_text(encoding="utf-8"))
        change(content)
        path = tmp_path / "spoilt.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        with pytest.raises(DictionaryError) as found:
            read_framework(path)
        return str(found.value)

    return spoilt


def numbers_in(node):
    """Every mapping with a value, below a node of a YAML file."""
    if isinstance(node, dict):
        if "value" in node:
            yield node
        for part in node.values():
            yield from numbers_in(part)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_framework_says_where_it_comes_from(name):
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert all(number["source"] for number in numbers_in(content))
    assert all(year["source"] for year in content["fees"]["years"].values())
    assert all(number.get("recalled") for number in numbers_in(content) if str(number["source"]).startswith("recalled"))


@pytest.mark.parametrize("name", NAMES)
def test_frameworks_that_come_with_the_project_can_be_read(name):
    found = read_framework(FOLDER / f"{name}.yml")
    assert found.framework == name and found.claimable


def test_no_framework_is_left_out_of_these_tests():
    assert sorted(path.stem for path in FOLDER.glob("*.yml")) == sorted(NAMES)


def test_numbers_are_read_as_written():
    found = read_framework(FOLDER / "troubled_families_2012.yml")
    assert found.problems["youth_offending"].falls_by.value * 100 == 33             # not 33.000000000000004
    assert found.fees.paid_share.value * 6 == 5


def test_what_is_recalled_is_named():
    recalled = read_framework(FOLDER / "troubled_families_2012.yml").recalled()
    assert "only_applying" in recalled and "problems.work.by_benefit.jsa.weeks" in recalled
    assert not any(place.startswith("eligibility") for place in recalled)


def test_the_criteria_of_2012_and_of_2022():
    first, last = (read_framework(FOLDER / f"{name}.yml") for name in ("troubled_families_2012", "supporting_families_2022"))
    assert (len(first.criteria), first.eligibility.automatic.whole, first.eligibility.discretionary.whole) == (3, 3, 2)
    assert (len(last.criteria), last.eligibility.automatic.whole) == (10, 3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f["problems"]["schooling"]["terms"].pop("source"), "`problems.schooling.schooling.terms.source` is missing; every number says"),
        (lambda f: f["problems"]["schooling"].update(terms=3), "a number needs its source"),
        (lambda f: f["problems"]["asb"]["falls_by"].update(value=1.6), "must be a share above 0 and up to 1, not 1.6"),
        (lambda f: f["problems"]["asb"]["over"].update(value=0), "must be a whole number of 1 or more, not 0"),
        (lambda f: f["problems"]["schooling"]["absence_from"].update(value="many"), "is written like 15, 0.33 or 5/6, not 'many'"),
        (lambda f: f["routes"]["a"]["problems"].append("debt"), "routes.a names debt, which is no problem of this framework"),
        (lambda f: f["criteria"]["work"].update(problems=["wrok"]), "criteria.work names wrok"),
        (lambda f: f["eligibility"]["automatic"].update(value=4), "eligibility asks for 4 criteria and there are 3"),
        (lambda f: f["eligibility"]["automatic"].update(value=1), "cannot ask for more than the automatic one"),
        (lambda f: f["fees"]["years"]["2012/13"].update(attachment=-5), "fees.years.2012/13.attachment"),
        (lambda f: f["fees"]["years"]["2012/13"]["results"].update(a=-700), "the fee of route a must be 0 or more, not -700"),
        (lambda f: f["fees"]["years"]["2012/13"]["results"].update(c=900), "come to 4,100 pounds, above the maximum of 4,000"),
        (lambda f: f["fees"]["years"]["2012/13"]["results"].update(d=1), "names d, which is no route"),
        (lambda f: f["problems"]["progress_to_work"].update(available="green"), "write `available: red`"),
        (lambda f: f["problems"]["asb"].pop("lacking"), "`available: amber` needs `lacking`"),
        (lambda f: f["problems"]["work"]["by_benefit"].pop("other"), "needs an entry `other`"),
        (lambda f: f["problems"]["work"]["by_benefit"]["jsa"]["weeks"].update(value=31), "31 weeks in work cannot lie within 30 weeks"),
        (lambda f: f.update(fee=4000), "`fee` is not a key of a framework here"),
        (lambda f: f["routes"]["a_b"].update(adds_to="z"), "routes.a_b.adds_to names z, which is no route"),
        (lambda f: f["results"]["asb_incidents"].pop("share"), "the rule falls_by needs `share`"),
    ],
)
def test_a_wrong_rule_is_refused_with_where_it_is_and_what_must_hold(spoilt, change, says):
    text = spoilt(change)
    assert says in text and "data_dictionary/payment_by_results/spoilt.yml" in text and "Mend the file" in text


def test_several_faults_are_told_together(spoilt):
    def change(framework):
        framework["problems"]["asb"]["over"].update(value=0)
        framework["problems"]["schooling"].pop("terms")

    assert "2 thing(s) to mend" in spoilt(change)


def test_a_file_that_is_no_yaml_names_the_line(tmp_path):
    path = tmp_path / "broken.yml"
    path.write_text("framework: [\n", encoding="utf-8")
    with pytest.raises(DictionaryError, match="line 2: this is not YAML"):
        read_framework(path)


def test_claims_count_for_a_route_by_its_codes_and_those_of_what_is_paid_on_top_of_it():
    national, own = (read_framework(FOLDER / f"{name}.yml") for name in ("troubled_families_2012", "bathnes_outcomes_plan"))
    assert (national.codes_of("a"), national.codes_of("a_b"), national.codes_of("c")) == (("a", "a_b"), ("a_b",), ("c",))
    assert (own.codes_of("progress"), own.codes_of("employment")) == (("a", "a_b"), ("c",))
