"""Unit costs, deflators and discount rates: against their publishers' files, hand values, and what is refused."""

from __future__ import annotations

import csv
import json
import re

import pytest

from evaluation.errors import DictionaryError, PlanError
from evaluation.locations import project_file
from evaluation.value import check_counted_once, read_price_book
from evaluation.value.deflators import read_deflators
from evaluation.value.discounting import read_discount_rates
from evaluation.value.unit_costs import COLUMNS, read_unit_costs
from evaluation.value.valuations import read_valuations
from tests.value.cases import BOOK

AGENCIES, CLASSES = ("council", "police", "nhs"), ("now", "none")
GOOD = dict(
    code="X1", part_of="", item="Something", unit="Per incident", value="100", price_year="2012/13", agencies="police=0.5;council=0.5",
    covers="things", kind="resource", cashable="now", lens="fiscal", edition="Book v1", source="Somebody", note="",
)  # fmt: skip


def unit_costs(folder, *rows: dict):
    path = folder / "unit_costs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return read_unit_costs(path, agencies=AGENCIES, classes=CLASSES)


def test_a_cost_is_read_with_its_parts_and_cited_with_code_edition_and_price_year(tmp_path):
    whole = {**GOOD, "agencies": "", "covers": ""}
    parts = [{**GOOD, "code": f"X1.{n}", "part_of": "X1", "value": value} for n, value in ((1, "60"), (2, "40.4"))]
    cost = unit_costs(tmp_path, whole, *parts).by_code["X1"]
    assert [part.code for part in cost.parts] == ["X1.1", "X1.2"] and cost.cited() == "X1 (Book v1, 2012/13 prices)"
    assert cost.parts[0].agencies == {"police": 0.5, "council": 0.5} and not cost.parts[0].transfer


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"price_year": ""}, r"X1: price_year must be a financial year like 2005/06; it is 'empty'.*leave the cost out"),
        ({"price_year": "2012/14"}, "X1: price_year must be a financial year"),
        ({"value": "-5"}, "X1: value must be 0 or more pounds; it is '-5'. A saving is a negative effect"),
        ({"value": "much"}, "X1: value must be 0 or more pounds; it is 'much'"),
        ({"agencies": "polic=1"}, "X1: 'polic' is no agency; did you mean 'police'"),
        ({"agencies": "police=0.5;council=0.4"}, r"X1: shares of agencies .* add up to 0.9"),
        ({"agencies": "police=1.5;council=-0.5"}, "X1: shares of agencies must lie between 0 and 1"),
        ({"agencies": ""}, "X1: has neither parts nor agencies, so nobody bears it"),
        ({"kind": "gift"}, "X1: kind must be resource or transfer; it is 'gift'"),
        ({"cashable": "soon"}, "X1: cashable must be one of now, none; it is 'soon'"),
        ({"lens": "moral"}, "X1: lens must be one of fiscal, economic, social; it is 'moral'"),
        ({"covers": ""}, "X1: covers must say what the money is for"),
        ({"edition": ""}, "X1: edition and source must be named"),
        ({"part_of": "X9"}, "X1: is part of X9, which is not there"),
    ],
)
def test_a_wrong_unit_cost_is_refused_with_what_where_and_how_to_mend(tmp_path, changed, words):
    with pytest.raises(DictionaryError, match=f"(?s)data_dictionary/unit_costs.csv: .*{words}"):
        unit_costs(tmp_path, {**GOOD, **changed})


def test_every_fault_is_told_at_once_and_a_code_stands_once(tmp_path):
    with pytest.raises(DictionaryError, match=r"(?s)2 thing\(s\) to mend.*X1: price_year.*X2: value"):
        unit_costs(tmp_path, {**GOOD, "price_year": ""}, {**GOOD, "code": "X2", "value": "-1"})
    with pytest.raises(DictionaryError, match="X1: stands 2 times"):
        unit_costs(tmp_path, GOOD, GOOD)


def test_the_misprint_of_the_edition_is_refused_because_its_parts_do_not_add_up(tmp_path):
    # nursing care: 7,778 a week is printed where the parts 533.83 and 109.79 add up to 643.62
    whole = {**GOOD, "code": "SS8.0", "value": "7778", "agencies": "", "covers": ""}
    parts = [
        {**GOOD, "code": "SS8.0.1", "part_of": "SS8.0", "value": "533.83", "agencies": "council=1"},
        {**GOOD, "code": "SS8.0.2", "part_of": "SS8.0", "value": "109.79", "agencies": "nhs=1"},
    ]
    with pytest.raises(DictionaryError, match=r"SS8.0: its 2 parts must add up to 7,778.00 pounds within 1; they add up to 643.62"):
        unit_costs(tmp_path, whole, *parts)


def test_parts_in_the_prices_of_another_year_are_refused(tmp_path):
    with pytest.raises(DictionaryError, match="its parts must stand in its own price year 2012/13"):
        unit_costs(tmp_path, {**GOOD, "agencies": ""}, {**GOOD, "code": "X1.1", "part_of": "X1", "price_year": "2010/11"})


def test_every_shipped_cost_equals_the_edition(open_data):
    with (open_data / "unit_costs" / "gmca_unit_costs_v1_4.csv").open(encoding="utf-8") as file:
        edition = {row["code"]: row for row in csv.DictReader(file)}
    ours = list(csv.DictReader(project_file("data_dictionary/unit_costs.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["code"] for row in ours if row["code"] not in edition] == ["CR8.0.1"]  # derived, and its note says so
    for row in (row for row in ours if row["code"] in edition):
        assert (float(row["value"]), row["price_year"]) == (float(edition[row["code"]]["cost_gbp"]), edition[row["code"]]["price_year"]), row["code"]


def test_the_edition_holds_no_economic_or_social_value_for_any_cost_though_labels_name_them(open_data):
    """Every cost whose label says economic is the sum of its fiscal parts but for rounding: nothing is left for people and business."""
    with (open_data / "unit_costs" / "gmca_unit_costs_v1_4.csv").open(encoding="utf-8") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}  # some codes stand twice, alike
    ours = {row["code"] for row in csv.DictReader(project_file("data_dictionary/unit_costs.csv").read_text(encoding="utf-8").splitlines())}
    labelled = [code for code, row in rows.items() if "economic" in row["description"].lower() and re.fullmatch(r"\D+\d+\.\d+", code)]
    left, police = {}, "CR8.0"  # the file lacks the police's part of an average crime: 227.93
    for code in labelled:
        parts = [float(row["cost_gbp"]) for name, row in rows.items() if re.fullmatch(re.escape(code) + r"\.\d+", name)]
        if parts and code != police:
            left[code] = float(rows[code]["cost_gbp"]) - sum(parts)
    assert {"E&E1.0", "E&E2.0", "E&E3.0", "E&S2.0", "CR2.0"} <= left.keys() & ours
    assert max(abs(pounds) for pounds in left.values()) <= 1.01
    assert {part.lens for cost in BOOK.costs.by_code.values() for part in cost.parts} == {"fiscal"}


def test_a_part_of_another_lens_stands_beside_a_cost_and_is_not_added_to_it(tmp_path):
    whole = {**GOOD, "agencies": "", "covers": ""}
    parts = [{**GOOD, "code": "X1.1", "part_of": "X1"}, {**GOOD, "code": "X1.2", "part_of": "X1", "value": "900", "lens": "economic"}]
    cost = unit_costs(tmp_path, whole, *parts).by_code["X1"]
    assert (cost.value, [(part.value, part.lens) for part in cost.parts]) == (100, [(100, "fiscal"), (900, "economic")])
    with pytest.raises(DictionaryError, match="X1: its 1 parts must add up to 100.00 pounds within 1; they add up to 90.00"):
        unit_costs(tmp_path, whole, {**parts[0], "value": "90"}, parts[1])


def test_the_known_values_of_the_edition_are_there():
    by_code = BOOK.costs.by_code
    assert (by_code["E&S1.0"].value, by_code["E&S1.0"].price_year) == (1_509, "2005/06")
    assert [round(part.value) for part in by_code["E&S1.0"].parts] == [706, 52, 424, 328]
    assert [part.transfer for part in by_code["E&E1.0"].parts] == [True, False]


def test_every_shipped_deflator_equals_the_named_release(open_data):
    with (open_data / "unit_costs" / "hmt_gdp_deflators_september_2019.csv").open(encoding="utf-8") as file:
        release = {row["financial_year"].replace("-", "/"): float(row["index_2014_15_is_100"]) for row in csv.DictReader(file)}
    assert "September 2019" in BOOK.deflators.release and len(BOOK.deflators.sha256) == 64
    assert BOOK.deflators.index == {year: release[year] for year in BOOK.deflators.index}


def test_prices_are_moved_by_the_ratio_of_the_indices():
    assert BOOK.deflators.factor("2005/06", "2014/15") == pytest.approx(100 / 83.4190)
    assert BOOK.price({"E&S1.0": 1.0}, "2014/15") == pytest.approx(1_509.33 * 1.198768, abs=0.01)  # parts: 706 + 52 + 423.5 + 327.83
    assert BOOK.price({"E&S1.0": 1.0}, "2014/15", ["E&S1.0.3"]) == pytest.approx((1_509.33 - 423.5) * 1.198768, abs=0.01)
    with pytest.raises(DictionaryError, match=r"A price year must be one of 1990/91 to 2023/24.*'1985/86' is not"):
        BOOK.deflators.factor("1985/86", "2014/15")


@pytest.mark.parametrize(
    "years, factor",
    [
        (0, 1.0),
        (1, 0.966184),  # 1 / 1.035
        (10, 0.708919),  # 1 / 1.035^10
        (30, 0.356278),  # 1 / 1.035^30
        (31, 0.345901),  # 1 / 1.035^30 / 1.03
        (35, 0.307329),  # 1 / 1.035^30 / 1.03^5
        (80, 0.083271),  # 1 / 1.035^30 / 1.03^45 / 1.025^5
    ],
)
def test_a_year_is_discounted_at_the_rate_of_its_own_segment(years, factor):
    assert BOOK.discounts.factor(years) == pytest.approx(factor, abs=5e-7)


def test_the_schedule_is_the_green_books(open_data):
    published = json.loads((open_data / "unit_costs" / "green_book_discount_rates.json").read_text(encoding="utf-8"))["schedule"]
    ours = [(part.first, part.last, part.rate) for part in BOOK.discounts.segments]
    assert ours == [(part["years_from"], part["years_to"], part["rate"]) for part in published]


@pytest.mark.parametrize("rows", ["0,30,0.035,x\n32,,0.03,x\n", "0,30,0.035,x\n", "0,,1.5,x\n", "1,,0.03,x\n"])
def test_a_schedule_with_gaps_or_odd_rates_is_refused(tmp_path, rows):
    path = tmp_path / "discount_rates.csv"
    path.write_text("years_from,years_to,rate,source\n" + rows, encoding="utf-8")
    with pytest.raises(DictionaryError, match="must run from year 0 without gap or overlap"):
        read_discount_rates(path)


def test_deflators_of_two_releases_or_with_odd_years_are_refused(tmp_path):
    path = tmp_path / "gdp_deflators.csv"
    path.write_text("financial_year,index,release\n2013/14,99,A\n2014/15,100,B\n", encoding="utf-8")
    with pytest.raises(DictionaryError, match=r"it names 2 release\(s\)"):
        read_deflators(path)
    path.write_text("financial_year,index,release\n2013-14,99,A\n2014/15,0,A\n", encoding="utf-8")
    with pytest.raises(DictionaryError, match="2013-14, 2014/15"):
        read_deflators(path)


# ---- valuations ----------------------------------------------------------------------------------------------------------------------------------


def test_every_valued_outcome_is_in_the_dictionary_at_the_cost_that_it_names(dictionary):
    for name, valuation in BOOK.valuations.outcomes.items():
        assert name in dictionary.outcomes and valuation.note, name
        assert dictionary.outcomes[name].unit_cost in (None, *valuation.codes()), name


def test_events_are_counted_as_often_a_year_as_they_are_collected_and_shares_once(dictionary):
    for name, valuation in BOOK.valuations.outcomes.items():
        outcome = dictionary.outcomes[name]
        source = outcome.sources.get("family") or outcome.sources["council"]
        events = source.kind in ("count_events", "any_event")
        assert valuation.measured == (1.0 if outcome.scale == "count" else 0.01), name
        assert valuation.times_a_year == ((len(source.calendar) or 4) if events else 1), name


def test_an_outcome_without_a_conversion_is_refused():
    with pytest.raises(PlanError, match="'adult_in_work' has none.*value.outcomes"):
        BOOK.valuation("adult_in_work")
    with pytest.raises(PlanError, match="did you mean 'offences'"):
        BOOK.valuation("offence")


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("grade: 4\n", "grade: 9\n", "the grade of .* is none of 1, 2, 3, 4, 5, 6"),
        ("{E&E1.0: 0.34,", "{E&E1.0: 0.54,", "amounts must be above 0 and add up to 1; they add up to 1.2"),
        ("{value: 7.6, low: 3.8,", "{value: 7.6, low: 8.8,", "7.6 must lie between its ends 8.8 and 7.6"),
        ("    grade: 3\n", "    grade: 3\n    colour: red\n", "colour: Extra inputs"),
    ],
)
def test_wrong_valuations_are_refused(tmp_path, old, new, words):
    text = project_file("data_dictionary/values.yml").read_text(encoding="utf-8")
    path = tmp_path / "values.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DictionaryError, match=f"(?s)data_dictionary/values.yml.*{words}"):
        read_valuations(path)


def test_a_valuation_at_a_cost_that_is_not_there_is_refused(tmp_path):
    for name in ("values.yml", "unit_costs.csv", "gdp_deflators.csv", "discount_rates.csv"):
        text = project_file(f"data_dictionary/{name}").read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("{CR8.0: 1.0}", "{CR8.0.2: 1.0}"), encoding="utf-8")
    with pytest.raises(DictionaryError, match=r"values outcomes at CR8.0.2, which is not in unit_costs.csv \(a part of a cost is no cost\)"):
        read_price_book(tmp_path)


# ---- nothing twice -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "outcomes, words",
    [
        ({"unauthorised_absence_rate": (), "offences": ()}, "both pay for arrest, courts, custody, .*police, probation. Leave out E&S1.0.3"),
        ({"persistent_absence": ("E&S1.0.3",), "permanent_exclusion_rate": ("E&S2.0.3",)}, "both pay for alternative education, .*social services"),
        ({"offences": (), "any_offence": ()}, "offences and any_offence both pay for"),
        ({"unauthorised_absence_rate": ("E&S1.0.3",), "persistent_absence": ("E&S1.0.3",)}, "both pay for alternative education"),
        ({"offences": ("CR9",)}, "offences leaves out 'CR9', which is no part of its cost: CR8.0.1"),
    ],
)
def test_a_plan_that_values_a_thing_twice_is_refused_with_what_to_leave_out(outcomes, words):
    with pytest.raises(PlanError, match=f"(?s)must not count one saving twice.*{words}"):
        check_counted_once(BOOK, outcomes)


def test_a_plan_that_leaves_the_shared_part_out_is_taken():
    check_counted_once(BOOK, {"unauthorised_absence_rate": ("E&S1.0.3",), "offences": (), "asb_incidents": (), "out_of_work_benefit": ()})
    check_counted_once(BOOK, {"unauthorised_absence_rate": (), "offences": tuple(f"CR8.0.{n}" for n in range(1, 6))})
