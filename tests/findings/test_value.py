"""Value for money in words: what may be shown, what is said beside it, and that printed sums add up."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.findings.pounds import Pounds, pounds, step_for
from evaluation.findings.value import NO_VALUE, present_value
from evaluation.findings.value_tables import three_figures
from evaluation.findings.worth import Worth
from evaluation.value import Money, appraise
from tests.findings.worths import FAMILIES, plan, results, worth
from tests.value.cases import case, effects

MINUS = "\N{MINUS SIGN}\N{WORD JOINER}"


@pytest.fixture
def ledger():
    return Ledger(profile=RULES["ten_five"])


def amount(text: str) -> float:
    """Pounds as printed -> a number."""
    return -float(re.sub(r"[^\d.]", "", text)) if "\N{MINUS SIGN}" in text else float(re.sub(r"[^\d.]", "", text))


def test_a_plan_without_value_has_no_section_and_page_one_says_so(dictionary, ledger):
    assert present_value(None, results(dictionary, ledger), ledger, FAMILIES) is None
    assert "Not part of this study's plan" in NO_VALUE


@pytest.mark.parametrize("status, words", [("not_shown", "Not shown, because few."), ("not_estimated", "No net value can be given, because few.")])
def test_without_an_appraisal_there_is_a_reason_and_no_number(dictionary, ledger, status, words):
    found = present_value(Worth(plan=plan(), status=status, reason="few"), results(dictionary, ledger), ledger, FAMILIES)
    assert found.status == status and found.sentence == words
    assert found.net is None and found.lenses is None and found.agencies == () and found.swings == () and found.contrast is None


def test_without_a_value_the_cost_is_said_to_be_set_against_nothing_where_there_is_one(dictionary, ledger):
    known = Worth(plan=plan(), status="not_estimated", reason="few", cost_words="The cost is known.")
    told = present_value(known, results(dictionary, ledger), ledger, FAMILIES).sentence
    assert told == "No net value can be given, because few. What the programme cost is set against nothing."


@pytest.mark.parametrize("together, whose", [(True, " in all programme areas together"), (False, "")])
def test_the_money_of_all_places_is_called_theirs_in_the_report_of_one(dictionary, ledger, together, whose):
    found = present_value(worth(together=together), results(dictionary, ledger), ledger, FAMILIES)
    assert f"){whose}, 2014/15 prices: effects worth" in found.sentence
    assert found.agencies_title.startswith(f"Council{whose}: pays £")


def test_page_one_tells_the_net_value_with_its_range_and_what_could_not_be_detected(dictionary, ledger):
    found = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES)
    # offences 11,640 and benefit 14,408 of benefits, 122,946 of cost: see tests/value/test_known_answer.py
    assert found.sentence.startswith("Net cost to the public purse £97,000 (likely £")
    assert "effects worth £26,000, cost £123,000. One of two effects are not detectable." in found.sentence
    assert "2014/15 prices" in found.sentence and "cost the public purse more than its effects were worth" in found.title
    assert "No effect on out-of-work benefits could be detected, so that part may be nothing." in found.findings


def test_no_benefit_is_claimed_of_effects_that_cannot_be_told_from_none(dictionary, ledger):
    cheap = case(costs={"2012/13": (1_000.0, "2014/15")})
    found = present_value(worth(given=cheap), results(dictionary, ledger, (-5.0, 8.0), (-2.0, 3.0)), ledger, FAMILIES)
    assert "None of the two effects is detectable." in found.sentence
    assert "No effect valued here could be detected, so the benefits may be nothing." in found.findings


def test_a_gap_that_was_moving_before_is_not_the_programmes_money(dictionary, ledger):
    found = present_value(worth(), results(dictionary, ledger, verdict="failed"), ledger, FAMILIES)
    assert "The gap in one was moving before the programme." in found.sentence
    assert any("that money is not the programme's to claim" in text for text in found.findings)


@pytest.mark.parametrize(
    "cost, words, title",
    [
        (1_000.0, "Net gain to the public purse £", "worth more to the public purse than the programme cost"),
        (26_000.0, "Net gain or cost to the public purse ", "for the public purse; seen from society as a whole they were worth less"),
        (400_000.0, "Net cost to the public purse £", "cost the public purse more"),
    ],
)
def test_the_title_follows_the_range_of_the_net_value(dictionary, ledger, cost, words, title):
    narrow = case(costs={"2012/13": (cost, "2014/15")})
    known = effects(errors=(0.002, 0.15))
    adjusted, plain = (appraise(one, known, n_draws=2_000, rng=np.random.default_rng(1)) for one in (narrow, narrow.assuming(adjusted=False)))
    made = dataclasses.replace(worth(given=narrow), adjusted=adjusted, plain=plain)
    found = present_value(made, results(dictionary, ledger), ledger, FAMILIES)
    assert found.sentence.startswith(words) and title in found.title
    society = next(row[4] for row in found.lenses.rows if row[0].startswith("Society"))
    assert ("seen from society" in found.title) == ("cannot be told" in found.title and society.count(MINUS) == 2), "as the row for society says"


def test_a_title_that_cannot_tell_says_nothing_of_a_society_that_cannot_either(dictionary, ledger):
    wide = case(costs={"2012/13": (12_000.0, "2014/15")})
    assert present_value(worth(given=wide), results(dictionary, ledger), ledger, FAMILIES).title.endswith("cannot be told")


def test_a_loss_is_told_as_a_loss(dictionary, ledger):
    found = present_value(worth(0.05, 2.0), results(dictionary, ledger, (5.0, 4.0), (2.0, 3.0)), ledger, FAMILIES)
    assert "effects that lost it another £26,000, cost £123,000" in found.sentence
    losses = [text for text in found.findings if text.startswith("The estimate is a loss for number of proven offences (")]
    assert len(losses) == 1 and "losses count as gains do" in losses[0]
    (row,) = [row for row in found.outcomes.rows if row[0].startswith("Number of proven offences")]
    assert "(worse)" in row[0] and row[2].startswith("\N{MINUS SIGN}") and row[6].startswith(MINUS)


def test_printed_benefits_less_printed_cost_are_the_printed_net_value(dictionary, ledger):
    # benefits of 26,048 less a cost of 122,520 are 96,472: nearest to 96,000, but 26,000 less 123,000 are printed
    given = case(costs={"2012/13": (122_520.0, "2014/15")})
    found = present_value(worth(given=given), results(dictionary, ledger), ledger, FAMILIES)
    for row in (row for row in found.lenses.rows if row[1] != "[x]"):
        assert amount(row[1]) - amount(row[2]) == amount(row[3]), row
        assert row[5] == pounds(amount(row[1]) / amount(row[2]), 2)
    assert amount(found.net.estimate.text) == found.net.estimate.value == -97_000


def test_the_contrast_adds_up_and_its_first_line_is_no_result(dictionary, ledger):
    found = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES).contrast
    gross, comparison, crisis, net, scaled, cost, claimed, left = (amount(row[1]) for row in found.rows)
    assert gross == comparison + crisis + net and claimed == gross - cost and left == scaled - cost
    assert 0 < scaled < net < gross and "is not a result of this study" in found.notes[0]


def test_views_are_apart_and_what_has_no_price_says_so(dictionary, ledger):
    found = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES).lenses
    by_name = {row[0]: row[1:] for row in found.rows}
    assert by_name["People and business (economic)"] == ("[x]",) * 6
    assert amount(by_name["Society as a whole (social)"][0]) < amount(by_name["Public purse (fiscal)"][0])
    assert amount(by_name["Public purse, effects not scaled down"][0]) > amount(by_name["Public purse (fiscal)"][0])
    assert "never added together" in found.notes[0]
    only = present_value(worth(plan=plan(lens=["social"])), results(dictionary, ledger), ledger, FAMILIES).lenses
    assert [row[0] for row in only.rows] == ["Society as a whole (social)"]


def test_cash_is_a_part_of_gains_only(dictionary, ledger):
    gains = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES).lenses.notes[1]
    assert gains.startswith("Of what the effects are worth to the public purse, £") and gains.endswith("the rest frees time and places of services.")
    losses = present_value(worth(0.05, 2.0), results(dictionary, ledger, (5.0, 4.0), (2.0, 3.0)), ledger, FAMILIES).lenses.notes[1]
    assert losses.startswith(f"Gains and losses of cash come to {MINUS}£") and "the rest" not in losses


def test_cost_and_benefits_are_told_for_one_family(dictionary, ledger):
    told = present_value(worth(given=case(unmatched=50.0), unmatched=50.0), results(dictionary, ledger), ledger, FAMILIES).findings
    # 123,000 over 150 families that joined; 26,000 over 100 matched ones
    assert "The programme cost £800 for each of the families that joined; its effects are worth £300 for each matched family." in told


def test_fees_move_money_between_levels_of_government_and_change_no_total(dictionary, ledger):
    plain = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES)
    paid = present_value(worth(fees=50_000.0), results(dictionary, ledger), ledger, FAMILIES)
    assert plain.net == paid.net and plain.lenses == paid.lenses
    fees = {line.label: line.fees.value for line in paid.agencies}
    assert fees["Council"] == 50_000 and fees["Central government grants"] == -50_000 and sum(fees.values()) == 0
    assert sum(line.net.value for line in paid.agencies) == pytest.approx(sum(line.net.value for line in plain.agencies))


def test_the_council_bears_the_cost_unless_the_plan_shares_it_out(dictionary, ledger):
    shared = worth(plan=plan(borne_by={"council": 0.6, "government": 0.4}))
    lines = {line.label: line for line in present_value(shared, results(dictionary, ledger), ledger, FAMILIES).agencies}
    assert (lines["Council"].pays.value, lines["Central government grants"].pays.value) == (74_000, 49_000)
    assert lines["Police"].pays.value == 0 and lines["Police"].gains.estimate.value == 4_000


def test_every_cost_is_cited_with_code_edition_and_price_year(dictionary, ledger):
    left_out = worth(given=case(outcomes={"offences": ("CR8.0.2",), "out_of_work_benefit": ()}))
    found = present_value(left_out, results(dictionary, ledger), ledger, FAMILIES)
    cited = {row[0].split(" (")[0]: row[4] for row in found.outcomes.rows}
    assert cited["Number of proven offences"] == "CR8.0 without CR8.0.2, 2010/11 prices"
    assert cited["Out-of-work benefits"] == "E&E1.0, E&E2.0 and E&E3.0, 2012/13 prices"
    assert "GMCA unit cost database v1.4" in found.outcomes.notes[0] and "September 2019" in found.sources[1]
    assert re.search(r"file [0-9a-f]{12}", found.sources[0])


def test_what_families_without_a_match_get_is_told_and_not_how_many_they_are(dictionary, ledger):
    for unmatched in (0.0, 5.0, 25.0):
        made = worth(given=case(unmatched=unmatched), unmatched=unmatched)
        told = " ".join(present_value(made, results(dictionary, ledger), ledger, FAMILIES).findings)
        assert ("The families without a match get none" in told) == (unmatched > 0)
    same = worth(given=case(unmatched=25.0), unmatched=25.0, plan=plan(unmatched_share=0.5))
    assert "are given 50% of the effect, as the plan says" in " ".join(present_value(same, results(dictionary, ledger), ledger, FAMILIES).findings)


def test_every_pound_of_the_section_is_in_the_ledger(dictionary, ledger):
    found = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES)
    told = {entry.shown.text for entry in ledger.entries}
    tables = (found.lenses, found.contrast)
    cells = [cell for table in tables for row in table.rows for cell in row[1:]] + [row[6] for row in found.outcomes.rows]
    printed = {text for cell in [*cells, found.agencies_title, *found.findings] for text in re.findall(rf"(?:{MINUS})?£[\d,.]*\d", cell)}
    assert printed - told == set() and len(printed) > 15


@pytest.mark.parametrize("half, step", [(0.0, 1_000), (900.0, 1_000), (180_000.0, 1_000), (2_500_000.0, 10_000), (48_000_000.0, 100_000)])
def test_money_is_rounded_to_three_figures_of_its_uncertainty_and_never_finer_than_a_thousand(half, step):
    assert step_for(Money(mean=0.0, lower=-half, upper=half)) == step


def test_a_sum_that_rounds_to_zero_says_so(ledger):
    purse = Pounds(ledger=ledger, population="E1", step=1_000.0)
    assert [purse.one("x", value).text for value in (0.0, 400.0, -400.0, 600.0, -1_600.0)] == ["£0", "[low]", "[low]", "£1,000", f"{MINUS}£2,000"]
    assert [entry.what for entry in ledger.entries] == ["x"] * 5


@pytest.mark.parametrize(
    "value, text", [(0.0, "0.0"), (4.234, "4.2"), (83.94, "83.9"), (145.4, "145"), (12_345.0, "12,300"), (-4.26, "\N{MINUS SIGN}4.3"), (0.03, "0.0")]
)
def test_units_avoided_have_three_figures(value, text):
    assert three_figures(value).text == text


def told(dictionary, ledger, **changed) -> str:
    return " ".join(present_value(worth(**changed), results(dictionary, ledger), ledger, FAMILIES).findings)


def test_where_fees_come_from_is_told_with_the_sum_of_the_table(dictionary, ledger):
    text = told(dictionary, ledger, fees=50_000.0, fees_source="as the plan gives them (claims paid)", fees_by_rules=61_400.0, fees_gap=True)
    assert "Payment-by-results fees of £50,000 (2014/15 prices) are as the plan gives them (claims paid). On these records £61,000 would be" in text
    assert "by the framework's rules, whose schedule has no fee for some of the years in which families joined." in text
    assert "no benefit and no cost holds them" in text
    assert "fees" not in told(dictionary, ledger)
    assert "No payment-by-results fees stand in who pays and who gains: few." in told(dictionary, ledger, fees_reason="few")


def test_a_place_judged_together_with_others_says_whose_the_money_is(dictionary, ledger):
    assert "no place alone is valued" in told(dictionary, ledger, together=True) and "no place alone" not in told(dictionary, ledger)


def test_cash_is_told_with_what_it_is_at_either_end_of_the_assumption(dictionary, ledger):
    # payments 13,158.24 cash in full (low end 0.9); probation and prison 2,470.06 of offences at 0.25 (none, all); the rest 0 (none, a quarter)
    note = present_value(worth(), results(dictionary, ledger), ledger, FAMILIES).lenses.notes[1]
    assert note.startswith("Of what the effects are worth to the public purse, £14,000 is cash that could be spent elsewhere (£12,000 if")


@pytest.mark.parametrize("many, words", [("families", "at least 80 degrees of freedom"), ("councils", "with 114 degrees of freedom")])
def test_degrees_of_freedom_count_no_family(dictionary, ledger, many, words):
    """Clusters less one would be the exact number of families behind an effect."""
    one = worth()
    of_114 = dataclasses.replace(one, adjusted=dataclasses.replace(one.adjusted, effects=dataclasses.replace(one.adjusted.effects, df=114.0)))
    found = present_value(of_114, results(dictionary, ledger), ledger, dataclasses.replace(FAMILIES, many=many))
    assert words in found.sources[-1]
