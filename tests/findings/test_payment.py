"""Payment by results in words and protected numbers: computed from the numbers, never an effect, and nothing small in it."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.payment import payment_results
from evaluation.findings.study import Scope
from evaluation.locations import project_file
from evaluation.models.effects import Estimate
from evaluation.payment_by_results import read_framework
from evaluation.payment_by_results.agreement import Agreement
from evaluation.payment_by_results.fees import Payment
from evaluation.payment_by_results.fieller import fieller
from evaluation.payment_by_results.numbers import Group, PaymentNumbers
from evaluation.payment_by_results.shares import Shares

NAN = float("nan")
MINUS = "\N{MINUS SIGN}"
SCOPE = Scope(code="E06000022", name="Bath", region="", area="", area_members=(), words="In Bath,", sample=None, counts={})


def estimate(value: float, half: float, n: int = 120) -> Estimate:
    return Estimate(
        estimate=value, std_error=half / 2, lower=value - half, upper=value + half, df=100, p_value=0.5, n_treated=n, n_comparison=n,
        clusters="matched sets", n_clusters=n, method="by hand",
    )  # fmt: skip


def shares(p1: float, p0: float, half: float = 0.02, fewest: int = 40, n: int = 120) -> Shares:
    return Shares(
        programme=estimate(p1, half, n), comparison=estimate(p0, half, n), difference=estimate(p1 - p0, half, n),
        ratio=fieller(p0, p1, np.diag([(half / 2) ** 2] * 2), 2.0), fewest=fewest, joined=p0 - 0.05, n_lost=20,
    )  # fmt: skip


def numbers(first: Shares | None = None, **changed) -> PaymentNumbers:
    groups = () if first is None else (Group(label="All families", kind="all", shares=first, n_official=150, n_attached=200),)
    return PaymentNumbers(**{
        "framework": read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml"),
        "problems": ("schooling", "youth_offending", "asb", "work"), "claim_within": 4, "missing": "not_judged", "fee_by": "attachment",
        "n_claimed": 150, "n_attached": 200, "n_eligible": 560, "target": 215, "n_problem": 120, "n_known": 130, "n_result": 60,
        "by_route": {"a": 50, "c": 10}, "n_aged_out": 12, "n_left": 0, "n_missing": 0, "by_criteria": (10, 50, 120, 20),
        "paid": Payment(attachment=281_234.0, results=61_999.0, n_attached=150, n_results=60, outside=50, by_year={"2012/13": 343_233.0}),
        "agreement": Agreement(both=50, claimed_only=40, recomputed_only=10, neither=30), "groups": groups, "n_matched": 90, "n_matchable": 110,
        "balance": 0.05,
    } | changed)  # fmt: skip


def release(found: PaymentNumbers):
    return payment_results(found, Ledger(profile=RULES["ten_five"]), SCOPE)


def table(found, key: str) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in next(one for one in found.tables if one.id == key).rows}


def test_both_shares_stand_on_page_one_with_what_can_be_said_of_their_difference():
    text = release(numbers(shares(0.48, 0.45, half=0.06))).sentence
    assert "Within a year of joining, 48 of every 100 matched programme families met the rule" in text
    assert "so did 45 of every 100 similar families" in text
    assert f"(no difference could be detected: {MINUS}3" in text
    assert "A result is a claim, not an effect." in text


@pytest.mark.parametrize(("p1", "p0", "says"), [(0.60, 0.40, "fewer)"), (0.40, 0.60, "more)")])
def test_a_difference_is_told_in_its_direction(p1, p0, says):
    (low, high), sentence = (18, 22), release(numbers(shares(p1, p0))).sentence
    assert f"(likely between {low} and {high} {says}" in sentence


def test_how_many_would_have_met_it_anyway_is_the_ratio_of_the_printed_shares():
    found = release(numbers(shares(0.484, 0.455)))                      # printed 48 and 46: 95.8, where the ratio itself is 94.0
    line = found.shares[0]
    ratio = 100 * line.comparison.estimate.value / line.programme.estimate.value
    assert line.anyway.estimate.text == f"{ratio:.0f}"
    assert line.difference.estimate.value == line.programme.estimate.value - line.comparison.estimate.value
    assert f"Of every 100 results, about {line.anyway.estimate.text} (between" in found.sentence and "nobody can say which" in found.sentence


def test_more_results_without_the_programme_than_with_it_are_said_to_be_so():
    text = release(numbers(shares(0.40, 0.44))).sentence
    assert "For every 100 results with the programme, similar families had 110 without it" in text and "anyway" not in text


def test_a_ratio_without_bounds_is_not_given():
    found = release(numbers(shares(0.05, 0.04, half=0.08)))
    assert found.shares[0].anyway.estimate.text == "[x]" and "cannot be said" in found.sentence


@pytest.mark.parametrize("hidden", [shares(0.5, 0.4, fewest=9), shares(0.5, 0.4, n=9)])
def test_small_groups_are_not_shown_and_the_page_says_why(hidden):
    found = release(numbers(hidden))
    assert found.status == "not_shown" and "not shown here, because fewer than 10" in found.sentence
    line = found.shares[0]
    assert {side.estimate.text for side in (line.programme, line.comparison, line.difference, line.anyway)} == {"[c]"}
    assert not re.search(r"\d+ of every 100", found.sentence + found.title)
    assert found.title == "How many similar families met the rule cannot be shown"


def test_a_sample_that_cannot_be_made_is_told_with_its_reason():
    found = release(numbers(None, reason="No treated unit has a comparison unit that satisfies the plan."))
    assert found.status == "not_shown" and "satisfies the plan" in found.sentence


def test_claims_attached_eligible_and_target_are_four_counts_with_three_rates():
    rows = table(release(numbers(shares(0.48, 0.45))), "payment_four")
    assert rows["Families with a claim"] == ("150", "[z]")
    assert rows["Families attached to the programme"] == ("200", "75%")
    assert rows["Families found eligible, whether they joined or not"] == ("560", "27%")
    assert rows["Target"] == ("215", "70%")


def test_claims_may_pass_the_target():
    assert table(release(numbers(shares(0.48, 0.45), target=100)), "payment_four")["Target"] == ("100", "150%")


def test_without_claims_the_recomputed_results_stand_in_and_are_named_so():
    found = release(numbers(shares(0.48, 0.45), n_claimed=None, agreement=None))
    assert "Families with a result, recomputed (no claims were delivered)" in table(found, "payment_four")
    assert not any(one.id == "payment_agreement" for one in found.tables)
    assert any("no claims were delivered" in note for note in found.notes)


def test_amounts_have_two_figures_and_are_hidden_where_few_stand_behind_them():
    rows = table(release(numbers(shares(0.48, 0.45))), "payment_money")
    assert (rows["Attachment fees"], rows["Result fees"], rows["Both"]) == (("280,000",), ("62,000",), ("340,000",))
    few = numbers(shares(0.48, 0.45), paid=Payment(attachment=20_000.0, results=3_000.0, n_attached=12, n_results=4, outside=0, by_year={}))
    assert table(release(few), "payment_money")["Result fees"] == table(release(few), "payment_money")["Both"] == ("[c]",)


def test_without_results_both_fees_are_those_of_attachment():
    nobody = Payment(attachment=133_333.0, results=0.0, n_attached=50, n_results=0, outside=0, by_year={"2012/13": 133_333.0})
    assert table(release(numbers(shares(0.48, 0.45), paid=nobody)), "payment_money") == {
        "Attachment fees": ("130,000",), "Result fees": ("0",), "Both": ("130,000",)}


def test_where_claims_were_made_by_other_rules_the_table_says_by_which():
    note = next(one for one in release(numbers(shares(0.48, 0.45), claims_by="the rules of 2010")).tables if one.id == "payment_agreement").notes[0]
    assert "Claims were made by the rules of 2010, results here by Troubled Families payment by results, 2012 to 2015." in note


def test_agreement_is_shown_with_the_share_that_agrees():
    one = next(one for one in release(numbers(shares(0.48, 0.45))).tables if one.id == "payment_agreement")
    assert one.rows == (("Claimed", "50", "40"), ("Not claimed", "10", "30"))
    assert "62% of the families" in one.notes[0]                        # 80 of 130, from counts to the nearest 5


def test_the_rules_name_what_the_records_lack():
    rows = table(release(numbers(shares(0.48, 0.45))), "payment_rules")
    assert rows["Progress to work"][1].endswith("Not here. They lack: who volunteered or joined such provision is in no record delivered")
    assert ". Here in part. They lack: " in rows["Children's schooling"][1] and rows["Out-of-work benefit"][1].endswith(". Here")


def test_recalled_numbers_are_named_in_the_notes():
    assert any("recalled and not confirmed" in note and "out-of-work benefit" in note for note in release(numbers(shares(0.48, 0.45))).notes)


def test_no_count_under_ten_is_in_any_table_or_sentence():
    small = numbers(shares(0.48, 0.45), n_claimed=7, n_result=9, by_route={"a": 6, "c": 3}, n_aged_out=1, n_left=2, n_missing=8, n_matched=9,
                    by_criteria=(4, 5, 6, 7), agreement=Agreement(both=3, claimed_only=4, recomputed_only=2, neither=5),
                    paid=Payment(attachment=1_234.0, results=567.0, n_attached=9, n_results=3, outside=4, by_year={}))  # fmt: skip
    found = release(small)
    cells = [cell for one in found.tables for row in one.rows for cell in row[1:]] + list(found.notes) + [found.sentence]
    assert not any(re.fullmatch(r"[1-9]", cell) for cell in cells)
    assert not any(re.search(r"\b[1-9] (programme )?families\b", cell) for cell in cells)


def test_every_number_of_the_page_is_in_the_ledger():
    ledger = Ledger(profile=RULES["ten_five"])
    found = payment_results(numbers(shares(0.48, 0.45)), ledger, SCOPE)
    kept = {entry.shown.text for entry in ledger.entries}
    line = found.shares[0]
    sides = (line.programme, line.comparison, line.difference, line.anyway)
    shown = [part.text for side in sides for part in (side.estimate, side.lower, side.upper)]
    assert {*shown, line.official.text, line.n_treated.text} <= kept


def test_nothing_on_the_page_calls_a_result_an_effect():
    found = release(numbers(shares(0.60, 0.40)))
    text = " ".join([found.title, found.sentence, found.basis, *found.notes])
    assert "effect of the programme" not in text and "impact" not in text
    assert "rests on matching alone" in found.basis and "does not use the trends before" in found.basis


def test_a_longer_time_for_claims_is_said():
    assert "Within two years of joining" in release(dataclasses.replace(numbers(shares(0.48, 0.45)), claim_within=8)).sentence


def test_a_small_council_is_told_what_all_places_together_show():
    whole = Group(label="All places of the study", kind="everywhere", shares=shares(0.50, 0.47), n_official=900, n_attached=2_000)
    small = numbers(shares(0.5, 0.4, n=9))
    found = release(dataclasses.replace(small, groups=(*small.groups, whole)))
    assert found.status == "not_shown" and found.title.startswith("All places together: 50 of every 100")
    assert "is not shown here, because fewer than 10" in found.sentence
    assert "In all places of the study together 50 of every 100 programme families met it, and 47 of every 100 similar families." in found.sentence


def test_a_table_without_any_number_is_left_out():
    small = numbers(shares(0.5, 0.4, n=9), agreement=Agreement(both=3, claimed_only=4, recomputed_only=2, neither=0))
    assert not any(one.id == "payment_agreement" for one in release(small).tables)


def test_how_low_the_share_could_be_for_something_hidden_is_told_from_the_printed_share():
    text = " ".join(release(numbers(shares(0.58, 0.45))).notes)
    assert "rather too high than too low" in text and "been a quarter or a half more common" in text
    assert "comparison share of 45 of every 100 (this report) would be no lower than 43 or 40 without it" in text      # 45 / 1.0417, 45 / 1.125


def test_a_share_that_is_not_shown_has_no_bound():
    text = " ".join(release(numbers(shares(0.58, 0.45, fewest=9))).notes)
    assert "rather too high than too low" in text and "no lower than" not in text


@pytest.mark.parametrize(("history", "says"), [(8, "had been and in what records said of the two years before. The same"), (0, "had been. The same")])
def test_the_basis_says_whether_earlier_records_were_matched_on(history, says):
    assert says in release(numbers(shares(0.5, 0.4), history=history)).basis
