"""What each check found, in words, from its numbers. No share, count or estimate that a small group of people stands behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluation.dictionary import Outcome
from evaluation.disclosure.ledger import decimals, number
from evaluation.disclosure.rules import PEOPLE, rule_of
from evaluation.findings.numbers import TrendBefore, change_unit_of, factor_of, happens
from evaluation.findings.present import lower_first
from evaluation.findings.strength import near_limit
from evaluation.findings.texts import PERIOD_NOUN
from evaluation.models.checks import CheckResult
from evaluation.plan import Plan

MANY = {"family": "families", "person": "people", "school": "schools", "council": "councils", "small_area": "small areas"}
FEWEST_COUNCILS = 5  # below it, what one council's absence moves would tell its neighbours its own effect
LEAST_BREAKDOWN = 0.05  # below it a breakdown value is printed as none
MUCH_JOINED = 0.05  # share of the comparison weight that is left out from which on it matters (docs/records.md)
LEAST_GAMMA = 1.05  # below it, Gamma is printed as none
GUARDED = ("placebo_date", "placebo_outcome", "attrition")  # checks with a group of units of their own behind their numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a study speaks of one outcome's checks.

    Attributes
    ----------
    threshold : int
        Fewest people or families behind a number that may be shown; 0 for places and published statistics.
    placebos : tuple of Outcome
        Outcomes that the programme cannot move, in the plan's order.
    """

    outcome: Outcome
    one: str
    many: str
    period: str
    threshold: int
    placebos: tuple[Outcome, ...] = ()

    @classmethod
    def of(cls, plan: Plan, outcome: Outcome, placebos: Sequence[Outcome] = ()) -> Wording:
        """The wording of a plan's units, periods and disclosure profile."""
        many = MANY[plan.unit]
        threshold = rule_of(plan.disclosure.profile).threshold if many in PEOPLE else 0
        return cls(outcome=outcome, one=plan.unit, many=many, period=PERIOD_NOUN[plan.periods.kind], threshold=threshold, placebos=tuple(placebos))

    def hides(self, numbers: Mapping[str, float], *counts: str) -> bool:
        """Whether too few stand behind one of the groups; with something that happens to people, also too few to whom it did, or did not."""
        some_happen = any(happens(outcome) for outcome in (self.outcome, *self.placebos))
        asked = (*counts, *(["n_events"] if "n_events" in numbers and some_happen else []))
        return min(numbers[name] for name in asked) < self.threshold

    def periods(self, n: int) -> str:
        """'1 quarter', '8 quarters'."""
        return f"{n:.0f} {self.period}{'s' if n != 1 else ''}"


def value(raw: float, error: float, outcome: Outcome, *, signed: bool = True) -> str:
    """A number on the printed scale, to two figures of its standard error."""
    factor = factor_of(outcome)
    return number(raw * factor, decimals(error * factor), signed=signed).text


def with_range(numbers: Mapping[str, float], outcome: Outcome) -> str:
    """'+0.6 percentage points (95% interval -0.5 to +1.7)'."""
    shown, low, high = (value(numbers[name], numbers["std_error"], outcome) for name in ("estimate", "lower", "upper"))
    return f"{shown} {change_unit_of(outcome)} (95% interval {low} to {high})"


def would_show(numbers: Mapping[str, float], outcome: Outcome) -> str:
    """What a test of this size would usually have found."""
    least = value(numbers["detectable"], numbers["std_error"], outcome, signed=False)
    return f"A difference of {least} {change_unit_of(outcome)} or more would usually have shown."


def about(share: float, n: float, threshold: int) -> str:
    """A share of `n` units in coarse words, which tells no group smaller than the threshold.

    >>> about(0.137, 500, 10), about(0.01, 500, 10), about(0.999, 500, 10), about(0.03, 100, 10), about(0.3, 12, 10), about(0.004, 150, 0)
    ('about 15%', 'under 5%', 'over 95%', 'under 10%', 'at most half', 'under 5%')
    """
    if not threshold and share in (0.0, 1.0):
        return "none" if share == 0.0 else "all"
    if n < 2 * threshold:
        return "at most half" if share <= 0.5 else "more than half"
    edge = max(5, 5 * math.ceil(20 * threshold / n))
    few, rest = (share < 0.05, share > 0.95) if edge == 5 else (share * n < threshold, (1 - share) * n < threshold)
    return f"under {edge}%" if few else f"over {100 - edge}%" if rest else f"about {5 * round(20 * share)}%"


def protected(name: str, result: CheckResult, wording: Wording) -> CheckResult:
    """A result, or that it is not testable where a small group of people stands behind its numbers."""
    numbers = result.numbers
    if name == "contamination" and "estimate" in numbers and wording.hides(numbers, "n_supported", "n_free"):
        return replace(result, verdict="information")             # what cannot be shown is not said to have passed or failed
    if name not in GUARDED or result.verdict == "not testable" or not wording.hides(numbers, "n_treated", "n_comparison"):
        return result
    return CheckResult(name=name, verdict="not testable", table=result.table, reason=f"too few {wording.many} stand behind it")


def balance_sentence(result: CheckResult) -> str:
    """Whether characteristics are alike enough, against the plan's limits."""
    largest, over, limits = near_limit(result.numbers["largest_after"], 0.1), int(result.numbers["n_over"]), result.judged_by
    only = limits.removeprefix("standardised mean difference below ")
    if "," not in limits and only != limits:
        if not over:
            return f"Every characteristic is balanced after matching: the largest standardised difference is {largest}, under {only}."
        return (
            f"{over} characteristic{'s differ' if over != 1 else ' differs'} by {only} or more standard deviations after matching; the largest"
            f" difference is {largest}."
        )
    what = "Every characteristic is" if not over else f"{over} of {result.numbers['n']:.0f} characteristics {'is' if over == 1 else 'are'} not"
    return f"{what} within the plan's limits after matching ({limits}); the largest standardised difference is {largest}."


def overlap_sentence(result: CheckResult, _: Wording) -> str:
    """How many programme units have a score within the range of the comparison units."""
    share = 100 * result.numbers["share_in_support"]
    words = "All" if share >= 99.95 else "Nearly all" if share >= 99 else f"About {5 * round(share / 5)}% of"
    return f"{words} programme units have a score inside the range of the comparison units."


def dip_sentence(result: CheckResult, wording: Wording) -> str:
    """Whether units were in crisis just before joining."""
    numbers, outcome = result.numbers, wording.outcome
    if not math.isfinite(numbers["estimate"]) or not math.isfinite(numbers["std_error"]):
        return "The periods just before joining could not be compared."
    if result.verdict == "passed":
        return f"No clear sign of a crisis just before joining: the gap moved by {with_range(numbers, outcome)}."
    shown = value(abs(numbers["estimate"]), numbers["std_error"], outcome, signed=False)
    return (
        f"Just before joining the gap {'rose' if numbers['estimate'] > 0 else 'fell'} by {shown} {change_unit_of(outcome)}: units join at a turning"
        " point. A comparison with the last period before joining would mistake the return to normal for an effect; the plan's base lies earlier."
    )


def power_of_trend(result: CheckResult, trend: TrendBefore, wording: Wording) -> str:
    """What the trend test could have missed, and what that would have put into the estimate; '' unless the test passed."""
    numbers, unit, factor = result.numbers, change_unit_of(wording.outcome), factor_of(wording.outcome)
    if trend.verdict != "passed" or not math.isfinite(numbers.get("bias_50", math.nan)):
        return ""
    named = ("slope_detectable_50", "bias_50", "bound")
    slope, bias, bound = (number(numbers[name] * factor, decimals(numbers[name] * factor)).text for name in named)
    return (
        f" Half of the time it would have missed a drift of {slope} {unit} from one {wording.period} to the next; gone on, it alone would make an"
        f" estimate of {bias}. All that is shown with 95% confidence (one-sided, so that 95% intervals reach further) is that no earlier gap was over"
        f" {bound}."
    )


def placebo_date_sentence(result: CheckResult, wording: Wording) -> str:
    """An effect at a date when there can be none."""
    start = f"With the start dated {wording.periods(result.numbers['shift'])} too early, no effect should be found"
    return f"{start}, {placebo_words(result, wording.outcome)}"


def placebo_outcome_sentence(result: CheckResult, wording: Wording) -> str:
    """Effects on outcomes that the programme cannot move: the one that differs most clearly."""
    outcome = wording.placebos[int(result.numbers["place"])]
    what = lower_first(outcome.label) + (f" (of {len(wording.placebos)} placebo outcomes the least alike)" if len(wording.placebos) > 1 else "")
    return f"No effect on {what} should be found, {placebo_words(result, outcome)}"


def placebo_words(result: CheckResult, outcome: Outcome) -> str:
    """What was found where nothing should be."""
    found = with_range(result.numbers, outcome)
    if result.verdict == "passed":
        return f"and none is clear: {found}. {would_show(result.numbers, outcome)}"
    return f"yet the same method finds {found}: the groups differ in more than the programme, and the estimate may hold some of that."


def councils_sentence(result: CheckResult, wording: Wording) -> str:
    """Whether the headline rests on one council; how far one moves it, where that tells no council's own number."""
    numbers = result.numbers
    n, changes = int(numbers["n_councils"]), int(numbers["n_changes"])
    factor = factor_of(wording.outcome)
    moves = f"{number(numbers['largest_move'] * factor, decimals(numbers['headline_error'] * factor)).text} {change_unit_of(wording.outcome)}"
    shown = n >= FEWEST_COUNCILS or not wording.threshold
    if numbers["n_without"]:
        return "The estimate rests on one council: without it nothing could be estimated."
    if result.verdict == "passed":
        much = f" and moves the estimate by {moves} at most" if shown else ""
        return f"Leaving out any one of the {n} councils changes nothing in what can be said{much}."
    which = "one of the councils" if changes == 1 else f"any one of {changes} of the {n} councils"
    return f"The conclusion rests on single councils: without {which} it would be another{f'; the estimate moves by up to {moves}' if shown else ''}."


def contamination_sentence(result: CheckResult, wording: Wording) -> str:
    """What became of the comparison units after the index date."""
    numbers, many = result.numbers, wording.many
    joined = about(numbers["share_joined"], numbers["n_comparison"], wording.threshold)
    told = f"Of the weight of the comparison {many}, {joined} was left out because they had joined by then"
    if not math.isfinite(numbers["share_supported"]):
        return f"{told}; whether they had other support is not recorded.{of_joining(numbers, wording)}"
    told += f"; of the rest, {about(numbers['share_supported'], numbers['n_comparison'], wording.threshold)} had other support"
    if "estimate" not in numbers or wording.hides(numbers, "n_supported", "n_free"):
        return f"{told}. Too few {many} stand on one side to show whether that matters.{of_joining(numbers, wording)}"
    differs = f"the effect differs by {with_range(numbers, wording.outcome)}"
    if result.verdict == "failed":
        return f"{told}. Where none had it, {differs}: the comparison is not with {many} left alone.{of_joining(numbers, wording)}"
    shown = would_show(numbers, wording.outcome)
    return f"{told}. No clear sign that it matters: where none had it, {differs}. {shown}{of_joining(numbers, wording)}"


def of_joining(numbers: Mapping[str, float], wording: Wording) -> str:
    """What leaving out those that join may do, where it is much."""
    if numbers["share_joined"] < MUCH_JOINED or numbers["share_joined"] * numbers["n_comparison"] < wording.threshold:
        return ""
    return (
        f" So many joining matters if {wording.many} join because things get worse: those still compared with then had fewer troubles, and the effect"
        " looks worse than it is."
    )


def attrition_sentence(result: CheckResult, wording: Wording) -> str:
    """Whether one arm was lost from sight more often, and what that could do."""
    many, bounds = wording.many, bounds_of_loss(result, wording)
    if result.verdict == "passed":
        return f"About as many programme as comparison {many} were lost from sight afterwards ({result.judged_by}).{bounds}"
    more, other = ("programme", "comparison") if result.numbers["estimate"] > 0 else ("comparison", "programme")
    return f"More {more} than {other} {many} were lost from sight afterwards, by more than chance: the shares may differ by over 5 points.{bounds}"


def bounds_of_loss(result: CheckResult, wording: Wording) -> str:
    """The estimate had those lost more often all been extreme; not where nobody was, or where the extremes are those of a few units."""
    numbers = result.numbers
    if not math.isfinite(numbers["headline_error"] + numbers["bound_lower"]) or not numbers["n_trimmed"] >= max(wording.threshold, 1):
        return ""
    low, high = (value(numbers[side], numbers["headline_error"], wording.outcome) for side in ("bound_lower", "bound_upper"))
    where = f"between {low} and {high}" if low != high else f"at {low}"
    return f" Had the further ones lost all been extreme, the estimate would lie {where} {change_unit_of(wording.outcome)}."


def concentration_sentence(result: CheckResult, wording: Wording) -> str:
    """Whether the comparison rests on a few units."""
    numbers = result.numbers
    worth = about(numbers["ess_ratio"], numbers["n_comparison"], wording.threshold)
    if result.verdict == "passed":
        return f"No comparison {wording.one} carries over 5% of the weight. The weights leave the strength of {worth} of them."
    return f"One comparison {wording.one} carries over 5% of the weight: what happened to it moves the estimate."


def honest_sentence(result: CheckResult, wording: Wording) -> str:
    """How far trends may have parted before the headline says nothing."""
    numbers = result.numbers
    if not numbers["excludes_zero"]:
        return "The interval includes zero even if both groups would have moved alike: there is no finding that a departure could undo."
    step = value(numbers["step_before"], numbers["headline_error"], wording.outcome, signed=False)
    seen = f"its largest earlier step ({step} {change_unit_of(wording.outcome)} from one {wording.period} to the next)"
    if not numbers["breakdown"] >= LEAST_BREAKDOWN:
        return f"Zero is excluded only if both groups would have moved alike, not if the gap had gone on moving by a part of {seen}."
    if math.isinf(numbers["breakdown"]):
        return f"Zero stays excluded however far the gap had gone on moving, measured by {seen}."
    return f"Zero stays excluded while the gap would have moved by at most {numbers['breakdown']:.1f} times {seen} at every step after the base."


def rosenbaum_sentence(result: CheckResult, wording: Wording) -> str:
    """How unlike in their odds of joining matched units would have to be."""
    gamma = result.numbers["gamma"]
    if not gamma >= LEAST_GAMMA:
        return f"Chance, or the least hidden difference between matched {wording.many}, could explain what was found."
    if math.isinf(gamma):
        return f"No hidden difference in the odds of joining between matched {wording.many} could explain what was found."
    return (
        f"Matched {wording.many} would have to differ {gamma:.1f} times in their odds of joining, through something that was not recorded, before"
        " chance could explain what was found."
    )


def e_value_sentence(result: CheckResult, wording: Wording) -> str:
    """How strong something unrecorded would have to be."""
    numbers = result.numbers
    if not numbers["excludes_zero"]:
        return "The interval includes zero: nothing unrecorded is needed to explain it."
    return (
        f"To explain the estimate away, something that was not recorded would have to be {numbers['e_value']:.1f} times as common among programme"
        f" {wording.many} and to make the outcome that many times as likely (or as rare), beyond what they were matched on;"
        f" {numbers['e_value_limit']:.1f} times would bring zero into the interval."
    )


def specifications_sentence(result: CheckResult, wording: Wording) -> str:
    """How the headline fares under other choices."""
    numbers, n = result.numbers, int(result.numbers["n"])
    low, high = (value(numbers[side], numbers["headline_error"], wording.outcome) for side in ("lowest", "highest"))
    direction, zero = (int(numbers[name]) for name in ("n_same_sign", "n_same_conclusion"))
    return (
        f"Under {n} other choice{'' if n == 1 else 's'} (base, levels instead of changes, no matching) the estimate lies between {low} and {high}"
        f" {change_unit_of(wording.outcome)}. {part_of(direction, n)} {'shares' if direction <= 1 else 'share'} the plan's direction;"
        f" {lower_first(part_of(zero, n))} {'agrees' if zero <= 1 else 'agree'} with it on whether zero is excluded."
    )


def part_of(part: int, whole: int) -> str:
    """'All 5', 'None', '3 of 5'; 'It' where there is but one."""
    return "None" if part == 0 else "It" if whole == 1 else f"All {whole}" if part == whole else f"{part} of {whole}"
