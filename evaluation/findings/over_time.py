"""An outcome period by period: event study, means of both groups, placebo areas, and whether single periods may be shown."""

from __future__ import annotations

from evaluation.disclosure.ledger import Ledger, decimals, number
from evaluation.disclosure.release import EventPoint, EventStudy, OutcomeResult, Placebo, Trend, TrendLine
from evaluation.disclosure.rules import PEOPLE
from evaluation.findings import texts
from evaluation.findings.inputs import Inputs
from evaluation.findings.numbers import change_unit_of
from evaluation.findings.present import lower_first
from evaluation.findings.study import EventRow, OutcomeStudy
from evaluation.findings.texts import PERIOD_NOUN
from evaluation.plan import Plan


def may_chart(study: OutcomeStudy, many: str, threshold: int) -> bool:
    """Whether an outcome may be shown period by period: if one point must be hidden, the others and the means would tell it."""
    if many not in PEOPLE:
        return True
    behind = [int(count) for line in study.lines for count in line.behind] + [row.behind for row in study.events]
    return min(behind, default=threshold) >= threshold


def with_note(result: OutcomeResult, charted: bool, threshold: int, many: str) -> OutcomeResult:
    """Says why an estimated outcome has no charts, where that is so."""
    if charted or result.status != "estimated":
        return result
    return result.model_copy(
        update={"charts_note": f"Charts by period are not shown, because fewer than {threshold} {many} stand behind some of their points."}
    )


def with_own_note(result: OutcomeResult, study: OutcomeStudy, plan: Plan) -> OutcomeResult:
    """Says why an estimated outcome lacks the area's own line and gap, where that is so."""
    if not study.few_behind or result.status != "estimated":
        return result
    some = f"some {PERIOD_NOUN[plan.periods.kind]}"
    return result.model_copy(
        update={"own_note": f"This area's own figures are not shown, because too few incidents or families stand behind them in {some}."}
    )


def event_study(study: OutcomeStudy, result: OutcomeResult, inputs: Inputs, ledger: Ledger) -> EventStudy:
    """Points with intervals, the trend before in words."""
    digits = decimals(study.numbers.effect.std_error)

    def point(row: EventRow) -> EventPoint:
        values = [number(value, digits, signed=True) for value in (row.estimate, row.lower, row.upper)]
        kept = [ledger.keep("event study", f"{result.outcome}, {row.label}", value) for value in values]
        return EventPoint(event_time=row.event_time, label=row.label, phase=row.phase, estimate=kept[0], lower=kept[1], upper=kept[2])

    return EventStudy(
        outcome=result.outcome,
        label=result.label,
        title=result.title,
        subtitle=f"{gap_in_words(inputs)}, {change_unit_of(study.numbers.outcome)}{counted_from(inputs.plan)}",
        points=tuple(point(row) for row in study.events),
        pre_trend=ledger.said(texts.trend_before(study.numbers, inputs.nouns), what="trend before", population=result.outcome),
        later_note=study.later_note,
    )


def gap_in_words(inputs: Inputs) -> str:
    """The gap of an event study: from the base period, or to a weighted mix that ran alike before."""
    many = inputs.nouns.many
    if hasattr(inputs.estimator, "weigh"):
        return f"Gap between programme {many} and the weighted mix of comparison {many}"
    return f"Gap between programme and matched comparison {many}, less the gap in the base period"


def trend(study: OutcomeStudy, result: OutcomeResult, inputs: Inputs, ledger: Ledger) -> Trend:
    """Means of both groups by period."""
    whole = study.numbers.outcome.scale == "any" and inputs.nouns.many in PEOPLE
    digits = 0 if whole else decimals(study.numbers.effect.std_error)
    unit = f", {result.unit}" if study.numbers.outcome.scale == "count" else ""
    lines = tuple(
        TrendLine(
            name=line.name,
            values=tuple(
                ledger.level(float(value), n=int(behind), of=inputs.nouns.many, digits=digits, what="trend", population=line.name)
                for value, behind in zip(line.values, line.behind, strict=True)
            ),
        )
        for line in study.lines
    )
    return Trend(
        outcome=result.outcome,
        label=result.label,
        title=trend_title(study, result),
        subtitle=f"{result.measure}{unit}{counted_from(inputs.plan)}{other_lines(inputs)}",
        periods=study.axis,
        lines=lines,
        marks=study.marks,
    )


def other_lines(inputs: Inputs) -> str:
    """That the lines are not those behind the effect, where that is against a weighted mix."""
    return "; the effect is against a weighted mix of others, not against the nearest" if hasattr(inputs.estimator, "weigh") else ""


def trend_title(study: OutcomeStudy, result: OutcomeResult) -> str:
    """Which way both groups moved from the base period to the periods of the headline."""
    if study.moves in ((-1, -1), (1, 1)):
        return f"{result.label} {'fell' if study.moves[0] < 0 else 'rose'} in both groups from the base period to the periods after"
    verb = {-1: "fell", 0: "moved neither clearly up nor down", 1: "rose"}
    return f"{result.label} {verb[study.moves[0]]} in the programme group and {verb[study.moves[1]]} in the comparison group"


def counted_from(plan: Plan) -> str:
    """How the axis counts time, where it is not the calendar."""
    return "" if plan.programme.first_full_period else f"; {plan.periods.kind.replace('_', ' ')}s before and after joining"


def placebo(study: OutcomeStudy, result: OutcomeResult, many: str, ledger: Ledger) -> Placebo:
    """The area's own gap in the light of placebo areas."""
    gap = study.placebo
    digits = decimals((gap.upper - gap.lower) / 4)
    values = [ledger.keep("placebo", result.outcome, number(value, digits, signed=True)) for value in (gap.gap, gap.lower, gap.upper)]
    inside = values[1].value <= values[0].value <= values[2].value  # as printed: a gap shown as the end of the range lies in it
    unit = change_unit_of(study.numbers.outcome)
    return Placebo(
        outcome=result.outcome,
        label=result.label,
        gap=values[0],
        lower=values[1],
        upper=values[2],
        n_placebo=gap.n_placebo,
        outside=not inside,
        title=f"This area's gap in {lower_first(result.label)} is {'within' if inside else 'outside'} what chance alone gives",
        sentence=(
            f"{gap.area} changed by {values[0].text} {unit} against the comparison {many}. Of {gap.n_placebo:,} placebo areas of the same size that"
            f" had no programme, 95% lie between {values[1].text} and {values[2].text}. "
            + (
                "A gap of this size is what places without a programme show too."
                if inside
                else "Few places without a programme show a gap of this size; that alone does not make it the programme's effect."
            )
        ),
    )
