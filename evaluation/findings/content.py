"""The content of one report: protected numbers and computed sentences, put in the order of the release's fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import BesideCouncils, Check, Council, OutcomeResult, ReportContent, Titles
from evaluation.findings import beside, reach, several_tests, spread, subgroups, texts, windows
from evaluation.findings.compared import balance, flow, origins, overlap
from evaluation.findings.families_behind import present_populations
from evaluation.findings.inputs import Inputs
from evaluation.findings.other_estimates import base_table, other_table
from evaluation.findings.over_time import event_study, may_chart, placebo, trend, with_note, with_own_note
from evaluation.findings.payment import payment_results
from evaluation.findings.present import lower_first, present
from evaluation.findings.strength import BALANCED, rate
from evaluation.findings.study import OutcomeStudy
from evaluation.findings.summary import listed, printed_share, summarise, words
from evaluation.findings.value import NO_VALUE, present_value


def assemble(inputs: Inputs, ledger: Ledger) -> ReportContent:
    """Protect and word everything for one report."""
    many, threshold = inputs.nouns.many, ledger.profile.threshold
    noted = [
        with_note(present(study.numbers, ledger, inputs.nouns), may_chart(study, many, threshold), threshold, many)
        for study in inputs.studies
    ]
    results = tuple(with_own_note(result, study, inputs.plan) for result, study in zip(noted, inputs.studies, strict=True))
    shown = [(study, result) for study, result in zip(inputs.studies, results, strict=True) if result.status == "estimated"]
    charted = [pair for pair in shown if may_chart(pair[0], many, threshold)]
    strength = rate(replace(inputs.evidence, detectable_share=printed_share(results, inputs.evidence.detectable_share)))
    for point in strength.points:
        ledger.said(point.reason, what=f"strength: {point.criterion}", population=inputs.scope.code)
    scope, value = inputs.scope, present_value(inputs.worth, results, ledger, inputs.nouns)
    paid = None if inputs.payment is None else payment_results(inputs.payment, ledger, scope)
    found = inputs.populations
    behind, ways, why_missing = (None, (), ()) if found is None else present_populations(found, results, ledger, inputs.nouns)
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
        placebos=tuple(placebo(study, result, many, ledger) for study, result in shown if study.placebo is not None),
        beside=tuple(beside_others(inputs, shown, ledger)),
        checks=(*checks(shown, ledger), *ways),
        warnings=inputs.warnings,
        tables=(
            *base_table(charted, inputs.nouns, ledger, whole=len(charted) == len(shown)),  # the base is a period too
            *windows.table(charted, inputs.nouns, ledger),  # as are windows: not where single periods may not be shown
            *other_table(shown, inputs.nouns, ledger),
            *several_tests.table(
                inputs.tests, shown, len(inputs.plan.outcomes.all), ledger, charted=charted, one_of_many=own_effects(inputs)
            ),
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
            *reach.whom_needed(found, inputs.nouns),
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
