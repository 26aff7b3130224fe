"""The content of one report: protected numbers and computed sentences, put in the order of the release's fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import CONFIDENTIAL, Ledger, decimals, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import (
    BalanceLine,
    BesideCouncils,
    Check,
    Council,
    EventPoint,
    EventStudy,
    FlowLine,
    OutcomeResult,
    Overlap,
    Placebo,
    ReportContent,
    Shown,
    Study,
    TableContent,
    Titles,
    Trend,
    TrendLine,
    Warned,
)
from evaluation.disclosure.rules import PEOPLE
from evaluation.disclosure.whose import ALL
from evaluation.findings import beside, several_tests, spread, subgroups, texts
from evaluation.findings.families_behind import present_populations
from evaluation.findings.numbers import change_unit_of
from evaluation.findings.payment import payment_results
from evaluation.findings.populations import PopulationNumbers
from evaluation.findings.present import Nouns, lower_first, present
from evaluation.findings.strength import BALANCED, Evidence, rate
from evaluation.findings.study import BaseRow, EventRow, OutcomeStudy, Scope
from evaluation.findings.summary import Context, listed, summarise, words
from evaluation.findings.value import NO_VALUE, present_value
from evaluation.findings.worth import Worth
from evaluation.matching.matcher import Matcher
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import FlowStep, Panel
from evaluation.payment_by_results.numbers import PaymentNumbers
from evaluation.plan import Plan

BINS = 12
REASONS = {
    "outside_caliper": "no similar comparison unit within the caliper",
    "no_comparison_in_stratum": "no comparison unit with the same exact characteristics",
    "stratum_missing": "an exact characteristic is not known",
    "covariate_missing": "a characteristic that groups are compared on is not known",
    "no_comparison_left": "all similar comparison units were used up",
    "outside_common_support": "nobody on the other side had a score like it",
    "trimmed": "the probability of joining was outside the plan's bounds",
    "not_selected": "left out so that both groups are alike",
    "cannot_be_balanced": "no weighting of comparison units resembles its group",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that the content of one report is made from."""

    plan: Plan
    dictionary: Dictionary
    study: Study
    panel: Panel
    matcher: Matcher
    estimator: object
    sample: MatchedSample  # all places together: balance and overlap are shown for it
    scope: Scope
    studies: tuple[OutcomeStudy, ...]
    nouns: Nouns
    context: Context
    evidence: Evidence
    tables: tuple[TableContent, ...] = ()
    tests: tuple[several_tests.OutcomeTest, ...] = ()
    payment: PaymentNumbers | None = None
    populations: PopulationNumbers | None = None
    warnings: tuple[Warned, ...] = ()
    limits: tuple[str, ...] = ()
    worth: Worth | None = None


def assemble(inputs: Inputs, ledger: Ledger) -> ReportContent:
    """Protect and word everything for one report."""
    many = inputs.nouns.many
    results = tuple(
        with_note(present(study.numbers, ledger, inputs.nouns), may_chart(study, many, ledger.profile.threshold), ledger.profile.threshold, many)
        for study in inputs.studies
    )
    shown = [(study, result) for study, result in zip(inputs.studies, results, strict=True) if result.status == "estimated"]
    charted = [pair for pair in shown if may_chart(pair[0], inputs.nouns.many, ledger.profile.threshold)]
    strength = rate(inputs.evidence)
    for point in strength.points:
        ledger.said(point.reason, what=f"strength: {point.criterion}", population=inputs.scope.code)
    scope, value = inputs.scope, present_value(inputs.worth, results, ledger, inputs.nouns)
    paid = None if inputs.payment is None else payment_results(inputs.payment, ledger, scope)
    labels = tuple(result.label for _, result in shown)
    found = inputs.populations
    behind, ways, why_missing = (None, (), ()) if found is None else present_populations(found, labels, ledger, inputs.nouns)
    summary = summarise(results, strength, inputs.context, NO_VALUE if value is None else value.sentence, ledger=ledger)
    return ReportContent(
        study=inputs.study,
        council=Council(code=scope.code, name=scope.name, region=scope.region, area=scope.area, area_members=scope.area_members),
        summary=summary if paid is None else summary.model_copy(update={"payment_by_results": paid.sentence}),
        strength=strength,
        outcomes=results,
        flow=flow(inputs, ledger),
        balance=balance(inputs, ledger),
        overlap=overlap(inputs, ledger),
        event_studies=tuple(event_study(study, result, inputs, ledger) for study, result in charted if study.events),
        trends=tuple(trend(study, result, inputs, ledger) for study, result in charted if study.lines),
        placebos=tuple(placebo(study, result, ledger) for study, result in shown if study.placebo is not None),
        beside=tuple(beside_others(inputs, shown, ledger)),
        checks=(*checks(shown, ledger), *ways),
        warnings=inputs.warnings,
        tables=(
            *base_table(charted, inputs.nouns, ledger, whole=len(charted) == len(shown)),  # a base is a period too: not where none may be shown
            *other_table(shown, inputs.nouns, ledger),
            *several_tests.table(inputs.tests, shown, len(inputs.plan.outcomes.all), ledger, one_of_many=own_effects(inputs)),
            *subgroups.tables(shown, inputs.nouns, ledger),
            *spread.table(shown, inputs.plan, ledger, inputs.scope),
            *inputs.tables,
            *why_missing,
        ),
        methods=(
            *texts.methods(
                inputs.plan, inputs.dictionary, inputs.matcher, inputs.estimator, [study.numbers.effect for study, _ in shown], inputs.panel.notes
            ),
            *origins(inputs, ledger),
        ),
        limits=inputs.limits,
        glossary=texts.GLOSSARY,
        titles=titles(inputs, shown),
        payment=paid,
        populations=behind,
        value=value,
    )


def own_effects(inputs: Inputs) -> bool:
    """Whether each report tests the effects on its own council."""
    return inputs.scope.code != "all" and inputs.plan.programme.assignment == "unit"


def beside_others(inputs: Inputs, shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], ledger: Ledger) -> Iterator[BesideCouncils]:
    """This council beside all others, for the main outcomes."""
    for study, result in shown:
        if result.primary and study.beside is not None:
            made = beside.of_council(study.beside, inputs.scope.code, study.numbers, result, ledger, inputs.nouns)
            if made is not None:
                yield made


def with_note(result: OutcomeResult, charted: bool, threshold: int, many: str) -> OutcomeResult:
    """Says why an estimated outcome has no charts, where that is so."""
    if charted or result.status != "estimated":
        return result
    return result.model_copy(
        update={"charts_note": f"Charts by period are not shown, because fewer than {threshold} {many} stand behind some of their points."}
    )


def may_chart(study: OutcomeStudy, many: str, threshold: int) -> bool:
    """Whether an outcome may be shown period by period: if one point must be hidden, the others and the means would tell it."""
    if many not in PEOPLE:
        return True
    behind = [int(count) for line in study.lines for count in line.behind] + [row.behind for row in study.events]
    return min(behind, default=threshold) >= threshold


def origins(inputs: Inputs, ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """Where comparison units were found, when nearby ones were sought first: shares of their weight, all places together.

    One share less than the whole tells what is left, so none is printed where a small group of people stands behind one.
    """
    sample, many = inputs.sample, inputs.nouns.many
    if sample.origin is None:
        return ()
    found = {}
    for origin in (*inputs.matcher.tiers, "elsewhere"):
        here = sample.origin == origin
        place = "elsewhere" if origin == "elsewhere" else f"the same {texts.in_label(inputs.dictionary, origin)}"
        found[place] = 100 * sample.comparison_weight[here].sum() / sample.comparison_weight.sum(), len(np.unique(sample.comparison_unit[here]))
    if any(0 < count and ledger.small(count, many) for _, count in found.values()):
        told = f"most from {max(found, key=lambda place: found[place][0])}"
    else:
        told = "; ".join(f"{ledger.keep('origin', place, number(share, 0)).text}% from {place}" for place, (share, _) in found.items())
    return (("Where comparison units were found", f"By weight, all places together: {told}."),)


def titles(inputs: Inputs, shown: Sequence[tuple[OutcomeStudy, OutcomeResult]]) -> Titles:
    """Findings that stand above the charts of the whole sample."""
    many, sample = inputs.nouns.many, inputs.sample
    share = sample.n_treated / max(int((sample.panel.entry >= 0).sum()), 1)
    worst = float(sample.balance["smd_after"].abs().max())
    seen = sum(result.verdict in ("better", "worse") for _, result in shown)
    drifting = sum(result.verdict == "explained_by_trend" for _, result in shown)
    return Titles(
        flow=(
            f"{'All' if share == 1 else 'Nearly all' if share >= 0.95 else 'Most' if share >= 0.5 else 'Less than half of the'} programme {many}"
            f" found similar {many}"
        ),
        balance=f"After matching, programme and comparison {many} {'are alike' if worst < BALANCED else 'still differ'} in what was measured",
        effects=effects_title(seen, drifting, len(shown), many),
    )


def flow(inputs: Inputs, ledger: Ledger) -> tuple[FlowLine, ...]:
    """From all units received to those analysed, with reasons; all places together, then this report's."""
    many, sample, whose = inputs.nouns.many, inputs.sample, inputs.nouns.whose

    def line(label: str, count: int, who: Population, reason: str = "", level: int = 0) -> FlowLine:
        return FlowLine(label=label, count=ledger.count(count, of=many, what=label, population=who), reason=reason, level=level)

    def whose_step(step: FlowStep) -> Population:
        return {"received": whose.received("flow"), "kept": whose.panel("flow")}.get(step.step) or whose.left(step.reason)

    lines = [
        line(
            "not used" if step.step == "dropped" else f"{step.reason[:1].upper()}{step.reason[1:]}",
            step.count,
            whose_step(step),
            step.reason if step.step == "dropped" else "",
            1 if step.step == "dropped" else 0,
        )
        for step in one_start(inputs.panel.flow)
        if step.of == many and (step.count or step.step != "dropped")
    ]
    joined = sample.n_treated + int(sample.panel.units.index.isin(sample.dropped["unit"]).sum())
    where = "in programme areas" if inputs.plan.programme.assignment == "area" else "that joined the programme"
    lines.append(line(f"{many.capitalize()} {where}", joined, whose.joined(ALL, "flow")))
    for reason, count in sample.dropped["reason"].value_counts(sort=False).sort_index().items():
        lines.append(line("not matched", int(count), whose.unmatched(reason), REASONS.get(reason, reason), 1))
    lines.append(line(f"Programme {many} matched", sample.n_treated, whose.matched(ALL, "flow")))
    return tuple(lines)


def effects_title(seen: int, drifting: int, n: int, many: str) -> str:
    """How many measured outcomes differ by more than chance; '' where none was measured."""
    if n == 0:
        return ""
    if n == 1:
        return f"The measured outcome {'differs' if seen else 'does not differ'} from similar {many} by more than chance"
    more = f"; {words(drifting)} more {'was' if drifting == 1 else 'were'} already changing before" if drifting else ""
    verb = "differs" if seen <= 1 else "differ"
    alone = ", each looked at alone" if seen else ""
    return f"{words(seen).capitalize()} of the {words(n)} measured outcomes {verb} from similar {many} by more than chance{alone}{more}"


def one_start(steps: Sequence[FlowStep]) -> tuple[FlowStep, ...]:
    """The steps with what was received in several parts (pools) added up to one."""
    received = [step for step in steps if step.step == "received"]
    if len(received) < 2:
        return tuple(steps)
    whole = replace(received[0], reason=f"{received[0].of} in the data, {len(received)} groups together", count=sum(step.count for step in received))
    return (whole, *(step for step in steps if step.step != "received"))


def balance(inputs: Inputs, ledger: Ledger) -> tuple[BalanceLine, ...]:
    """One line per covariate, before and after matching, all places together."""
    lines, many, sample = [], inputs.nouns.many, inputs.sample
    n_treated, n_comparison = sample.n_treated, len(np.unique(sample.comparison_unit))
    n_candidates = sample.candidates.loc[~sample.candidates["treated"], "unit"].nunique()
    for row in sample.balance.itertuples():

        def shown(value: float, digits: int = 2, covariate: str = row.covariate, what: str = "balance") -> Shown:
            return ledger.keep(what, covariate, number(float(value), digits))

        def mean(value: float, n: int, row: object = row) -> Shown:
            binary = not np.isfinite(row.variance_ratio_before)
            few = min(value * n, (1 - value) * n) < ledger.profile.threshold if binary else n < ledger.profile.threshold
            if many in PEOPLE and few:
                return ledger.keep("balance", row.covariate, CONFIDENTIAL)
            return shown(value, decimals(float(row.sd_treated) / 5) if np.isfinite(row.sd_treated) else 2, row.covariate)

        lines.append(
            BalanceLine(
                covariate=label_of(row.covariate, inputs.dictionary, inputs.plan),
                before=shown(row.smd_before),
                after=shown(row.smd_after),
                variance_ratio_before=shown(row.variance_ratio_before),
                variance_ratio_after=shown(row.variance_ratio_after),
                mean_treated=mean(row.mean_treated_matched, n_treated),
                mean_comparison_before=mean(row.mean_comparison_before, n_candidates),
                mean_comparison_after=mean(row.mean_comparison_after, n_comparison),
            )
        )
    return tuple(lines)


def scale_of(plan: Plan) -> str:
    """What the score measures."""
    score = plan.matching.score
    words = "probability" if score.scale == "probability" else "index" if score.model in ("cloglog", "probit") else "log odds"
    return f"{words} of joining"


def label_of(covariate: str, dictionary: Dictionary, plan: Plan) -> str:
    """A covariate in words; an outcome's history by the outcome's label."""
    if covariate in ("linear predictor", "probability"):
        return f"Score ({scale_of(plan)})"
    name, _, level = covariate.partition("[")
    if name in dictionary.covariates:
        return dictionary.covariates[name] + (f": {level.removesuffix(']')}" if level else "")
    for name, outcome in sorted(dictionary.outcomes.items(), key=lambda item: -len(item[0])):
        if covariate.startswith(name):
            return f"{outcome.label}, earlier periods"
    return covariate.replace("_", " ").capitalize()


def overlap(inputs: Inputs, ledger: Ledger) -> Overlap | None:
    """Shares of programme and comparison units by bin of the score."""
    candidates = inputs.sample.candidates[np.isfinite(inputs.sample.candidates["score"].to_numpy(dtype=float))]
    if candidates.empty:
        return None
    score = candidates["score"].to_numpy(dtype=float)
    treated = candidates["treated"].to_numpy(dtype=bool)
    edges = np.linspace(*np.quantile(score, [0.005, 0.995]), BINS + 1)
    bins, units = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, BINS - 1), candidates["unit"].to_numpy()
    shares = {}
    for name, chosen in (("programme", treated), ("comparison", ~treated)):
        within = [units[chosen & (bins == number)] for number in range(BINS)]  # a unit stands here once for each period in which it could join
        shares[name] = tuple(bar(len(rows), len(np.unique(rows)), int(chosen.sum()), inputs.nouns.many, name, ledger) for rows in within)
    covered = np.mean((score[treated] >= score[~treated].min()) & (score[treated] <= score[~treated].max()))
    words = "All" if covered == 1 else "Nearly all" if covered > 0.99 else "Most" if covered > 0.9 else "Not all"
    return Overlap(
        edges=tuple(float(edge) for edge in edges.round(2)),
        treated=shares["programme"],
        comparison=shares["comparison"],
        axis=f"Score: {scale_of(inputs.plan)} the programme",
        sentence=f"{words} programme {inputs.nouns.many} have comparison {inputs.nouns.many} with a score as low and as high as theirs.",
    )


def bar(count: int, behind: int, total: int, many: str, what: str, ledger: Ledger) -> Shown:
    """One bar of the overlap: a whole percentage; [c] where a small group of people stands behind it."""
    if ledger.small(behind, many):
        return ledger.keep("overlap", what, CONFIDENTIAL)
    return ledger.keep("overlap", what, number(100 * ledger.rounded(count, many) / max(ledger.rounded(total, many), 1), 0))


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
        subtitle=(
            f"Gap between programme and matched comparison {inputs.nouns.many}, less the gap in the base period,"
            f" {change_unit_of(study.numbers.outcome)}{counted_from(inputs.plan)}"
        ),
        points=tuple(point(row) for row in study.events),
        pre_trend=ledger.said(texts.trend_before(study.numbers, inputs.nouns), what="trend before", population=result.outcome),
        later_note=study.later_note,
    )


def counted_from(plan: Plan) -> str:
    """How the axis counts time, where it is not the calendar."""
    return "" if plan.programme.first_full_period else f"; {plan.periods.kind.replace('_', ' ')}s before and after joining"


def trend(study: OutcomeStudy, result: OutcomeResult, inputs: Inputs, ledger: Ledger) -> Trend:
    """Means of both groups by period."""
    whole = study.numbers.outcome.scale == "any" and inputs.nouns.many in PEOPLE
    digits = 0 if whole else decimals(study.numbers.effect.std_error)
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
        subtitle=result.measure + (f", {result.unit}" if study.numbers.outcome.scale == "count" else "") + counted_from(inputs.plan),
        periods=study.axis,
        lines=lines,
        marks=study.marks,
    )


def trend_title(study: OutcomeStudy, result: OutcomeResult) -> str:
    """Which way both groups moved from the base period to the periods of the headline."""
    if study.moves in ((-1, -1), (1, 1)):
        return f"{result.label} {'fell' if study.moves[0] < 0 else 'rose'} in both groups from the base period to the periods after"
    verb = {-1: "fell", 0: "did not move", 1: "rose"}
    return f"{result.label} {verb[study.moves[0]]} in the programme group and {verb[study.moves[1]]} in the comparison group"


def checks(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], ledger: Ledger) -> tuple[Check, ...]:
    """Every check once: those that say the same of several outcomes (balance, overlap) are one line that names them."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for study, result in shown:
        for line in study.checks:
            sentence = ledger.said(line.sentence, what=f"check: {line.name}", population=result.label)
            found.setdefault((line.name, line.verdict, sentence), []).append(result.label)
    return tuple(
        Check(
            name=name,
            outcome="All outcomes" if len(outcomes) == len(shown) > 1 else listed([outcomes[0], *map(lower_first, outcomes[1:])]),
            verdict=verdict,
            sentence=sentence,
            outcomes=tuple(outcomes),
        )
        for (name, verdict, sentence), outcomes in found.items()
    )


def placebo(study: OutcomeStudy, result: OutcomeResult, ledger: Ledger) -> Placebo:
    """The area's own gap in the light of placebo areas."""
    gap = study.placebo
    digits = decimals((gap.upper - gap.lower) / 4)
    values = [ledger.keep("placebo", result.outcome, number(value, digits, signed=True)) for value in (gap.gap, gap.lower, gap.upper)]
    inside = gap.lower <= gap.gap <= gap.upper
    unit = change_unit_of(study.numbers.outcome)
    return Placebo(
        outcome=result.outcome,
        label=result.label,
        gap=values[0],
        lower=values[1],
        upper=values[2],
        n_placebo=gap.n_placebo,
        title=f"This area's gap in {lower_first(result.label)} is {'within' if inside else 'outside'} what chance alone gives",
        sentence=(
            f"{gap.area} changed by {values[0].text} {unit} against its matched comparison councils. Of {gap.n_placebo:,} placebo areas of the same"
            f" size that had no programme, 95% lie between {values[1].text} and {values[2].text}. "
            + (
                "A gap of this size is what places without a programme show too."
                if inside
                else "Few places without a programme show a gap of this size; that alone does not make it the programme's effect."
            )
        ),
    )


def base_table(
    shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger, *, whole: bool = True
) -> tuple[TableContent, ...]:
    """The headline with other base periods, matched and unmatched, side by side; `whole` where no outcome is left out."""
    rows = []
    for study, result in shown:
        digits = decimals(study.numbers.effect.std_error)
        for row in study.bases:
            cells = [
                ledger.interval(estimate, of=nouns.many, digits=digits, what=f"base {row.base}", population=result.outcome)
                for estimate in (row.matched, row.unmatched)
            ]
            rows.append((f"{result.label}: base {row.base}", *(words_of(cell) for cell in cells)))
    if not rows:
        return ()
    return (
        TableContent(
            id="base-periods",
            title=base_title([study for study, _ in shown], whole),
            columns=("Outcome and base", "Matched", "Unmatched"),
            rows=tuple(rows),
            notes=(
                "Estimate with 95% interval. Large differences between bases near the start are a sign of families joining at a crisis.",
                "Unmatched: all candidates at risk are the comparison.",
            ),
        ),
    )


def depends_on_base(study: OutcomeStudy) -> bool:
    """Whether another base gives an interval that leaves the plan's estimate out, or one that says something else about zero."""
    effect = study.numbers.effect

    def differs(row: BaseRow) -> bool:
        low, high = row.matched.lower, row.matched.upper
        return np.isfinite(low) and (not low <= effect.estimate <= high or (low <= 0 <= high) != (effect.lower <= 0 <= effect.upper))

    return any(differs(row) for row in study.bases)


def base_title(studies: Sequence[OutcomeStudy], whole: bool) -> str:
    """Whether the base period matters, as a title."""
    names = [lower_first(study.numbers.outcome.label) for study in studies if depends_on_base(study)]
    if names:
        return f"The estimate depends on the base period for {listed(names)}"
    return f"The estimate does not depend on the base period{'' if whole else ' for the outcomes shown here'}"


def words_of(cell: object) -> str:
    """An interval in one table cell."""
    return cell.estimate.text if cell.estimate.value is None else f"{cell.estimate.text} ({cell.lower.text} to {cell.upper.text})"


def other_table(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger) -> tuple[TableContent, ...]:
    """The headline by other estimators and comparison groups."""
    rows = []
    for study, result in shown:
        for other in study.others:
            digits = decimals(study.numbers.effect.std_error)
            cell = ledger.interval(other.estimate, of=nouns.many, digits=digits, what=other.label, population=result.outcome)
            rows.append((f"{result.label}: {lower_first(other.label)}", words_of(cell), other.note or other.estimate.reason))
    if not rows:
        return ()
    columns = ("Outcome and estimator", "Estimate (95% interval)", "Note")
    if not any(row[2] for row in rows):
        columns, rows = columns[:2], [row[:2] for row in rows]
    return (TableContent(id="other-estimates", title="Other estimates of the same effect", columns=columns, rows=tuple(rows)),)
