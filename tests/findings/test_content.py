"""The content of a report: what each chart and table may show, and the titles that stand above them."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import OutcomeResult
from evaluation.disclosure.rules import RULES
from evaluation.findings import compared, content, other_estimates, over_time
from evaluation.findings.numbers import OutcomeNumbers, TrendBefore
from evaluation.findings.present import Nouns, present
from evaluation.findings.study import BaseRow, CheckLine, EventRow, GroupLine, OutcomeStudy, PlaceboGap
from evaluation.findings.texts import adjusted_sentence, trend_before
from evaluation.locations import project_file
from evaluation.matching import NearestNeighbour
from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import FlowStep, Panel
from evaluation.plan import Plan, read_plan
from tests.findings.estimates import estimate
from tests.matching.panels import simulated_panel

MINUS = "\N{MINUS SIGN}"
FAMILIES = Nouns(one="family", many="families", started="April 2012", scope="E1", published=False)
COUNCILS = Nouns(one="council", many="councils", started="April 2011", scope="E1", published=True)


def trend(verdict: str = "passed", **changed) -> TrendBefore:
    base = dict(verdict=verdict, n_periods=3, p_value=0.5, drift_p=0.5, slope=0.31, slope_detectable=1.24, adjusted=None)
    return TrendBefore(**{**base, **changed})


def event(event_time: int, behind: int = 200) -> EventRow:
    return EventRow(event_time=event_time, label=f"{event_time}", phase="after", estimate=1.0, lower=0.0, upper=2.0, behind=behind)


@pytest.fixture
def study(dictionary):
    """A function that makes one outcome's study: -5 points with an interval from -7 to -3 unless said otherwise."""

    def made(outcome: str = "out_of_work_benefit", value: float = -5.0, half: float = 2.0, trend_before=None, **changed) -> OutcomeStudy:
        numbers = OutcomeNumbers(
            outcome=dictionary.outcomes[outcome], primary=True, status="estimated", effect=estimate(value, half), before=48.0, after=40.0,
            n_before_after=200, comparison_level=45.0, detectable=3.0, trend=trend_before or trend(), fewest=60,
        )  # fmt: skip
        return OutcomeStudy(numbers=numbers, **changed)

    return made


@pytest.fixture
def ledger():
    return Ledger(profile=RULES["ten_five"])


def shown(ledger: Ledger, *studies: OutcomeStudy, nouns: Nouns = FAMILIES) -> list[tuple[OutcomeStudy, OutcomeResult]]:
    return [(study, present(study.numbers, ledger, nouns)) for study in studies]


@pytest.mark.parametrize("behind, charted", [(10, True), (9, False), (0, False)])
def test_an_outcome_is_charted_only_if_enough_families_stand_behind_every_point(study, ledger, behind, charted):
    line = GroupLine(name="Programme families", values=np.array([1.0, 2.0]), behind=np.array([200, behind]))
    assert over_time.may_chart(study(lines=(line,)), FAMILIES.many, ledger.profile.threshold) is charted
    assert over_time.may_chart(study(events=(event(1), event(2, behind))), FAMILIES.many, ledger.profile.threshold) is charted
    assert over_time.may_chart(study(lines=(line,)), COUNCILS.many, ledger.profile.threshold)


def test_an_outcome_without_charts_says_why(study, ledger):
    result = shown(ledger, study())[0][1]
    assert over_time.with_note(result, True, 10, "families").charts_note == ""
    assert "fewer than 10 families stand behind some of their points" in over_time.with_note(result, False, 10, "families").charts_note


@pytest.mark.parametrize("count, text", [(9, "[c]"), (1, "[c]"), (0, "0"), (12, "10"), (100, "100")])
def test_a_bar_of_the_overlap_tells_no_small_group(ledger, count, text):
    # 12 families are rounded to 10, of 100
    assert compared.bar(count, count, 100, "families", "programme", ledger).text == text
    assert ledger.entries[-1].shown.text == text


def test_parts_of_what_was_received_are_one_start():
    steps = [
        FlowStep(step="received", reason="people in psid1", count=7, of="people"),
        FlowStep(step="received", reason="people in cps1", count=5, of="people"),
        FlowStep(step="kept", reason="people in the panel", count=12, of="people"),
    ]
    assert [(step.reason, step.count) for step in compared.one_start(steps)] == [
        ("people in the data, 2 groups together", 12),
        ("people in the panel", 12),
    ]
    assert compared.one_start(steps[1:]) == tuple(steps[1:])


@pytest.mark.parametrize(
    "moves, words",
    [
        ((-1, -1), "Out-of-work benefits fell in both groups from the base period to the periods after"),
        ((1, 1), "Out-of-work benefits rose in both groups from the base period to the periods after"),
        ((-1, 1), "Out-of-work benefits fell in the programme group and rose in the comparison group"),
        ((0, -1), "Out-of-work benefits moved neither clearly up nor down in the programme group and fell in the comparison group"),
    ],
)
def test_the_title_of_a_trend_tells_how_each_group_moved(study, ledger, moves, words):
    made = study(moves=moves)
    assert over_time.trend_title(made, shown(ledger, made)[0][1]) == words


def test_checks_that_say_the_same_of_every_outcome_are_one_line(study, ledger):
    balance = CheckLine(name="Balance", verdict="passed", sentence="All alike.")
    one = study(checks=(balance, CheckLine(name="Trend before", verdict="passed", sentence="No drift.")))
    two = study("adult_in_work", checks=(balance,))
    assert [(check.name, check.outcome) for check in content.checks(shown(ledger, one, two), ledger)] == [
        ("Balance", "All outcomes"),
        ("Trend before", one.numbers.outcome.label),
    ]


def test_a_check_that_says_the_same_of_some_outcomes_names_them(study, ledger):
    line = CheckLine(name="Trend before", verdict="not testable", sentence="Not testable.")
    made = [study(checks=(line,)), study("adult_in_work", checks=(line,)), study("offences")]
    (check,) = content.checks(shown(ledger, *made), ledger)
    first, second = (one.numbers.outcome.label for one in made[:2])
    assert check.outcomes == (first, second) and check.outcome == f"{first} and {second[0].lower()}{second[1:]}"


@pytest.mark.parametrize("gap, words", [(0.5, "within what chance alone gives"), (3.0, "outside what chance alone gives")])
def test_an_areas_own_gap_is_told_beside_placebo_areas_and_never_as_an_effect(study, ledger, gap, words):
    made = study(placebo=PlaceboGap(area="Mere", gap=gap, lower=-2.0, upper=2.0, n_placebo=499))
    told = over_time.placebo(made, shown(ledger, made, nouns=COUNCILS)[0][1], "councils", ledger)
    assert words in told.title and f"95% lie between {MINUS}2.0 and +2.0" in told.sentence
    assert ("does not make it the programme's effect" in told.sentence) == (gap > 2) == told.outside


@pytest.mark.parametrize("gap, outside", [(2.04, False), (-2.04, False), (2.06, True), (-2.06, True)])
def test_a_gap_lies_outside_if_it_does_as_printed(study, ledger, gap, outside):
    made = study(placebo=PlaceboGap(area="Mere", gap=gap, lower=-2.0, upper=2.0, n_placebo=499))  # one decimal: from -2.0 to +2.0
    assert over_time.placebo(made, shown(ledger, made, nouns=COUNCILS)[0][1], "councils", ledger).outside is outside


def test_an_areas_own_gap_is_to_units_of_the_study_whether_one_council_or_four_make_the_area(study, ledger):
    made = study(placebo=PlaceboGap(area="Mere, Ford and Combe", gap=0.5, lower=-2.0, upper=2.0, n_placebo=499))
    told = over_time.placebo(made, shown(ledger, made, nouns=COUNCILS)[0][1], "small areas", ledger).sentence
    assert told.startswith("Mere, Ford and Combe changed by +0.5 percentage points against the comparison small areas. Of 499 placebo areas")
    assert "its " not in told and "council" not in told


BASES = {
    "the same conclusion": (BaseRow(base="1", matched=estimate(-4.5, 2.0), unmatched=estimate(-9, 1)), False),
    "an interval without the plan's estimate": (BaseRow(base="1", matched=estimate(-9.0, 2.0), unmatched=estimate(-5, 2)), True),
    "an interval with zero in it": (BaseRow(base="1", matched=estimate(-3.0, 4.0), unmatched=estimate(-5, 2)), True),
    "no interval": (BaseRow(base="1", matched=estimate(math.nan, 1.0), unmatched=estimate(-5, 2)), False),
}


@pytest.mark.parametrize("name", BASES)
def test_the_estimate_depends_on_the_base_if_another_one_would_conclude_otherwise(study, ledger, name):
    row, depends = BASES[name]
    made = study(bases=(row,))
    assert other_estimates.depends_on_base(made) is depends
    title = other_estimates.base_table(shown(ledger, made), FAMILIES, ledger)[0].title
    assert title == f"The estimate {'depends on the base period for out-of-work benefits' if depends else 'does not depend on the base period'}"
    left_out = other_estimates.base_table(shown(ledger, made), FAMILIES, ledger, whole=False)[0].title
    assert left_out == title + ("" if depends else " for the outcome shown here")


def test_a_base_with_few_families_behind_it_is_not_shown(study, ledger):
    made = study(bases=(BaseRow(base="1", matched=estimate(-4.0, 2.0, n=9), unmatched=estimate(-4.0, 2.0)),))
    row = other_estimates.base_table(shown(ledger, made), FAMILIES, ledger)[0].rows[0]
    assert row[1:] == ("[c]", f"{MINUS}4.0 ({MINUS}6.0 to {MINUS}2.0)")


def test_every_cell_of_the_base_table_was_made_by_the_ledger(study, ledger):
    made = study(bases=(BaseRow(base="1", matched=estimate(-4.0, 2.0), unmatched=estimate(-6.0, 2.0)),))
    results = shown(ledger, made)
    kept = len(ledger.entries)
    other_estimates.base_table(results, FAMILIES, ledger)
    new = {entry.shown.text for entry in ledger.entries[kept:]}
    assert {f"{MINUS}4.0", f"{MINUS}6.0", f"{MINUS}2.0", f"{MINUS}8.0"} <= new


def test_counts_of_outcomes_in_the_title_of_effects_agree_in_number(study, ledger, panel_and_sample):
    def title(*studies: OutcomeStudy) -> str:
        return content.titles(panel_and_sample, shown(ledger, *studies)).effects

    null, seen, drifting = study(value=-1.0), study("adult_in_work", value=5.0), study(trend_before=trend("failed"))
    assert title() == ""
    assert title(null) == "The measured outcome does not differ from similar families by more than chance"
    assert title(null, null) == "None of the two measured outcomes differs from similar families by more than chance"
    alone = "by more than chance, each looked at alone"       # the table of all tests may say that with all of them counted none does
    assert title(null, seen) == f"One of the two measured outcomes differs from similar families {alone}"
    assert title(seen, seen) == f"Two of the two measured outcomes differ from similar families {alone}"
    assert title(null, drifting).endswith("; one more was already changing before")
    assert title(drifting, drifting).endswith("; two more were already changing before")


@dataclasses.dataclass(frozen=True)
class Chosen:
    """Those parts of `Inputs` that tables of the whole sample look at."""

    nouns: Nouns
    panel: Panel
    sample: MatchedSample
    plan: Plan
    dictionary: Dictionary
    matcher: Matcher | None = None


@pytest.fixture(scope="module")
def panel_and_sample(dictionary):
    panel = simulated_panel(n=300)
    panel = dataclasses.replace(panel, flow=(FlowStep(step="received", reason="families delivered", count=303, of="families"),))
    sample = NearestNeighbour(covariates=("x", "b")).fit(panel)

    return Chosen(nouns=FAMILIES, panel=panel, sample=sample, plan=read_plan(project_file("studies/demonstration/plan.yml")), dictionary=dictionary)


def test_the_flow_goes_from_received_to_matched_in_protected_counts(panel_and_sample, ledger):
    sample = panel_and_sample.sample
    lines = compared.flow(panel_and_sample, ledger)
    assert [line.label for line in lines] == [
        "Families delivered",
        "Families that joined the programme",
        "not matched",
        "Programme families matched",
    ]
    joined, matched, dropped = int((sample.panel.entry >= 0).sum()), sample.n_treated, len(sample.dropped)
    assert matched + dropped == joined and 0 < dropped < 10
    assert [line.count.text for line in lines] == ["305", str(5 * round(joined / 5)), "[c]", str(5 * round(matched / 5))]
    assert lines[2].reason == "no similar comparison unit within the caliper" and lines[2].level == 1


def test_balance_hides_the_mean_of_a_characteristic_that_few_families_have(panel_and_sample, ledger):
    sample = panel_and_sample.sample
    rare = sample.balance.set_index("covariate")
    rare.loc["b", "mean_treated_matched"] = 9 / sample.n_treated  # nine families have it
    rare.loc["b", "mean_comparison_after"] = 0.5
    lines = compared.balance(dataclasses.replace(panel_and_sample, sample=dataclasses.replace(sample, balance=rare.reset_index())), ledger)
    line = next(line for line in lines if line.covariate == "B")
    assert line.mean_treated.symbol == "[c]" and line.mean_comparison_after.text.startswith("0.5") and line.after.value is not None


def test_bars_of_the_overlap_add_up_to_all(panel_and_sample, ledger):
    found = compared.overlap(panel_and_sample, ledger)
    assert len(found.edges) == compared.BINS + 1 and list(found.edges) == sorted(found.edges)
    for bars in (found.treated, found.comparison):
        assert len(bars) == compared.BINS
        hidden = sum(bar.symbol == "[c]" for bar in bars)
        assert abs(sum(bar.value or 0 for bar in bars) - 100) <= compared.BINS + 9 * hidden  # whole percentages of rounded counts


def test_a_bar_counts_families_not_the_quarters_in_which_they_could_have_joined(panel_and_sample, ledger):
    # low scores: 3 comparison families at risk in 5 quarters each, 15 rows; high scores: 30 families in one quarter, and 30 that joined
    rows = [(unit, quarter, False, 0.0) for unit in range(3) for quarter in range(5)]
    rows += [(unit, 0, unit % 2 == 0, 12.0) for unit in range(3, 63)]
    candidates = pd.DataFrame(rows, columns=["unit", "entry", "treated", "score"])
    chosen = dataclasses.replace(panel_and_sample, sample=dataclasses.replace(panel_and_sample.sample, candidates=candidates))
    assert [bar.text for bar in compared.overlap(chosen, ledger).comparison] == ["[c]", *["0"] * 10, "67"]


@pytest.mark.parametrize(
    "changed, words",
    [
        ({}, "No difference found over 3 earlier periods: the gap changed by +0.3 "),
        ({"n_periods": 1}, "over 1 earlier period:"),
        ({"verdict": "failed"}, "were not moving alike over 3 earlier periods"),
        ({"verdict": "not testable", "reason": "No earlier period."}, "Not testable for out-of-work benefits. No earlier period."),
        ({"slope_detectable": math.nan}, "The power of the test could not be computed"),
    ],
)
def test_the_trend_before_is_told_with_the_power_of_its_test(study, changed, words):
    told = trend_before(study(trend_before=trend(**changed)).numbers, FAMILIES)
    assert words in told


def test_a_passed_trend_test_is_never_worded_as_proof(study):
    assert "a smaller drift could hide in it" in trend_before(study().numbers, FAMILIES)


@pytest.mark.parametrize("value, words", [(-1.0, "which includes zero"), (-9.0, "which excludes zero")])
def test_what_remains_if_the_drift_had_gone_on_is_told_with_its_interval(study, value, words):
    told = adjusted_sentence(study(trend_before=trend("failed", adjusted=estimate(value, 4.0))).numbers)
    assert "95% interval" in told and told.endswith(f"{words}.")
    assert adjusted_sentence(study().numbers) == ""


def test_every_reason_for_being_left_out_has_words():
    from evaluation.matching.problem import REASONS
    assert set(compared.REASONS) == set(REASONS[1:])


@pytest.fixture
def with_origins(panel_and_sample):
    """Inputs of families with given numbers of comparison members by origin."""
    def made(near, far):
        sample = panel_and_sample.sample
        n = len(sample.comparison_unit)
        origin = np.full(n, "elsewhere", dtype=object)
        units = np.unique(sample.comparison_unit)
        origin[np.isin(sample.comparison_unit, units[:near])] = "council_code"
        origin[np.isin(sample.comparison_unit, units[near:near + far])] = "region"
        matcher = NearestNeighbour(covariates=("x",), tiers=("council_code", "region"))
        return dataclasses.replace(panel_and_sample, matcher=matcher, sample=dataclasses.replace(sample, origin=origin))
    return made


def test_shares_by_place_add_up_and_are_weighted(with_origins, ledger):
    inputs = with_origins(40, 20)
    (name, text), = compared.origins(inputs, ledger)
    shares = [int(part.split("%")[0].split()[-1]) for part in text.split(";")]
    near = inputs.sample.comparison_weight[inputs.sample.origin == "council_code"].sum() / inputs.sample.comparison_weight.sum()
    assert abs(sum(shares) - 100) <= 1 and shares[0] == round(100 * near)


def test_no_share_is_printed_where_few_stand_behind_one_because_the_others_would_tell_it(with_origins, ledger):
    (_, text), = compared.origins(with_origins(40, 3), ledger)
    assert "%" not in text and text.startswith("By weight, all places together: most from ")


def test_nothing_is_said_without_tiers(panel_and_sample, ledger):
    assert compared.origins(panel_and_sample, ledger) == ()
