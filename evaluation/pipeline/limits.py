"""What a reader is warned of, and what the evaluation cannot say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals, number
from evaluation.disclosure.release import Warned
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.findings.other_estimates import moved_by_base, other_base_concludes_otherwise
from evaluation.findings.over_time import may_chart
from evaluation.findings.present import Nouns, lower_first, why_hidden
from evaluation.findings.study import OutcomeStudy
from evaluation.findings.summary import listed
from evaluation.models.level_regression import level_regression
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.area_words import locality_limits
from evaluation.pipeline.scopes import NOUNS


def level_warnings(analysis: Analysis, ledger: Ledger) -> tuple[Warned, ...]:
    """How far groups matched on earlier outcomes drift apart by themselves, for each outcome in the score."""
    score, found = analysis.plan.matching.score, []
    for name in score.history:
        outcome = analysis.dictionary.outcomes[name]
        drift, factor, unit = level_regression(analysis.sample, name, score.history_window), factor_of(outcome), change_unit_of(outcome)
        label = lower_first(outcome.label)
        many = NOUNS[analysis.plan.unit][1]
        if not math.isfinite(drift.gap) or ledger.small(min(drift.n_treated, drift.n_comparison), many):
            told = "How far is not shown: the groups' earlier means cannot be compared, or few stand behind them."
        else:
            digits = decimals(abs(drift.gap * factor) / 10)
            gap, expected = (
                ledger.keep("level regression", name, number(value * factor, digits, signed=True)).text if math.isfinite(value) else ""
                for value in (drift.gap, drift.expected)
            )
            share = ledger.keep("level regression", name, number(100 * drift.reliability, 0)).text if expected else ""
            told = f"Before matching, the programme's mean over that time differed from the others' by {gap} {unit}; " + (
                f"by the reliability of that mean ({share}%), about {expected} {unit} of any later difference is that return."
                if expected
                else "one period is too short to tell how much of it returns."
            )
        found.append(
            Warned(
                code="LEVEL_REGRESSION",
                sentence=(
                    f"The matching score takes in earlier {label}. Groups matched on a chance high or low return to their own level afterwards, and"
                    f" the estimate can be wrong by that return. {told}"
                ),
            )
        )
    return tuple(found)


def base_warning(studies: Sequence[OutcomeStudy], threshold: int, many: str) -> tuple[Warned, ...]:
    """Main outcomes for which another base concludes otherwise, and those for which it only moves the estimate."""
    otherwise, moved = by_base(studies, threshold, many)
    told = (
        (otherwise, "with another base the conclusion would differ"),
        (moved, "the interval with another base leaves the estimate out, though it says the same about zero"),
    )
    return tuple(
        Warned(
            code="BASE_PERIOD",
            sentence=(
                f"The estimate depends on the base period for {listed([lower_first(study.numbers.outcome.label) for study in found])}: {what}"
                f"{where_shown(found, threshold, many)}."
            ),
        )
        for found, what in told
        if found
    )


def by_base(studies: Sequence[OutcomeStudy], threshold: int, many: str) -> tuple[list[OutcomeStudy], list[OutcomeStudy]]:
    """Main outcomes for which another base concludes otherwise; those for which it only moves the estimate."""
    main = [study for study in studies if study.numbers.primary and study.numbers.effect is not None]
    main = [study for study in main if not why_hidden(study.numbers, threshold, many)]
    otherwise = [study for study in main if other_base_concludes_otherwise(study)]
    return otherwise, [study for study in main if moved_by_base(study) and study not in otherwise]


def base_caveat(studies: Sequence[OutcomeStudy], threshold: int, many: str) -> tuple[str, ...]:
    """The same in a sentence for page one; none where no base changes anything."""
    otherwise, moved = (listed([lower_first(study.numbers.outcome.label) for study in found]) for found in by_base(studies, threshold, many))
    told = [
        text
        for names, text in ((otherwise, f"the conclusion would differ for {otherwise}"), (moved, f"the estimate would move for {moved}"))
        if names
    ]
    return (f"With another base period {', and '.join(told)}.",) if told else ()


def where_shown(studies: Sequence[OutcomeStudy], threshold: int, many: str) -> str:
    """Where a reader finds the figures by base."""
    charted = [may_chart(study, many, threshold) for study in studies]
    return " (see the table of bases)" if all(charted) else "" if any(charted) else "; figures by base are not shown, as few stand behind some"


def limits_of(analysis: Analysis, nouns: Nouns) -> tuple[str, ...]:
    """What the evaluation cannot say."""
    plan = analysis.plan
    found = [
        f"The comparison rests on {nouns.many} that look alike in what was recorded; what was not recorded and differs is not removed.",
        f"The result speaks for programme {nouns.many} that could be matched, and for these places and years only.",
        *locality_limits(plan),
    ]
    if plan.value is None:
        found.append("Value for money is not part of this report: the plan does not ask for it.")
    if plan.programme.assignment == "unit" and has_outsiders(analysis):
        found.append(
            f"Some {nouns.many} are compared with {nouns.many} of other councils: what moves one council and not another is not in the intervals."
        )
    if plan.programme.later_start_elsewhere:
        found.append(f"From {plan.programme.later_start_elsewhere} there is no untreated comparison: nothing is said about longer effects.")
    if plan.unit in ("council", "school"):
        found.append(
            f"The figures are of all pupils of a {nouns.one}, not of the families helped. An effect on a few dozen families is spread over all of"
            " them."
        )
    return tuple(found)


def has_outsiders(analysis: Analysis) -> bool:
    """Whether some set compares units of different councils."""
    sample = analysis.sample
    code = np.unique(sample.panel.units["council_code"].to_numpy(dtype=str), return_inverse=True)[1]
    one = np.empty(sample.n_sets, dtype=np.int64)
    one[sample.treated_set] = code[sample.treated_unit]
    members = ((sample.treated_unit, sample.treated_set), (sample.comparison_unit, sample.comparison_set))
    return any(bool((code[unit] != one[sets]).any()) for unit, sets in members)
