"""Whose reports are made, and what each says: the programme's effect with the area's own gap, or the council's own effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from evaluation.disclosure.ledger import Ledger, decimals, number
from evaluation.disclosure.release import Study, TableContent, Warned
from evaluation.disclosure.rules import PEOPLE, rule_of
from evaluation.disclosure.whose import Whose
from evaluation.errors import PlanError
from evaluation.findings import several_tests, spread
from evaluation.findings.content import Inputs, depends_on_base, may_chart
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.findings.present import Nouns, lower_first, why_hidden
from evaluation.findings.several_tests import OutcomeTest
from evaluation.findings.strength import Evidence
from evaluation.findings.study import GroupLine, OutcomeStudy, Scope
from evaluation.findings.summary import Context, listed, words
from evaluation.models.contrasts import outcome_array
from evaluation.models.level_regression import level_regression
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.area_words import (
    ALL,
    area_caveats,
    caveats_of_plan,
    compared_of_areas,
    few_events,
    locality_caveats,
    locality_limits,
    own_gap,
    verdicts_of,
    who_of_areas,
)
from evaluation.pipeline.choices import estimator, matcher
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.known import effects_simulated, published_table, simulated_caveats, simulated_sentence
from evaluation.pipeline.payment import payment_of
from evaluation.pipeline.populations import populations_of
from evaluation.pipeline.several_tests import tests_of
from evaluation.pipeline.synthetic import fit_table
from evaluation.pipeline.value import worth_of

BY_SETS = ("matched_did", "matched_levels", "lagged_outcome")  # estimators whose units are those of matched sets
NOUNS = {
    "family": ("family", "families"),
    "person": ("person", "people"),
    "school": ("school", "schools"),
    "council": ("council", "councils"),
    "small_area": ("small area", "small areas"),
}


def scopes_of(analysis: Analysis, councils: Sequence[str]) -> tuple[Scope, ...]:
    """A scope for every council with programme units (those asked for, or all); one scope 'all' where units have no council.

    Raises
    ------
    PlanError
        A council was asked for that has no programme units in the study.
    """
    units = analysis.sample.panel.units
    treated = units["entry"].to_numpy() >= 0
    present = sorted(set(members_of(units["council_code"][treated])))
    if present == [""] or not present:
        return (scope_of(analysis, ALL),)
    together = (ALL,) if analysis.plan.programme.together else ()
    wanted = tuple(councils) or together + (analysis.plan.programme.councils or tuple(present))
    unknown = [code for code in wanted if code not in (*present, ALL)]
    if unknown:
        raise PlanError(
            f"{', '.join(unknown)}: no programme {NOUNS[analysis.plan.unit][1]} there in study {analysis.plan.study}. "
            f"Councils with programme units: {', '.join(present[:12])}{' ...' if len(present) > 12 else ''}."
        )
    return tuple(scope_of(analysis, code) for code in wanted)


def present_nowhere(units: pd.DataFrame) -> bool:
    """Whether the units have no council."""
    return not (units["council_code"].astype(str) != "").any()


def n_places(units: pd.DataFrame) -> int:
    """Places to which the programme was assigned."""
    return int(units["area"][units["entry"] >= 0].nunique())


def members_of(codes: Sequence[str]) -> list[str]:
    """Single council codes; councils added together carry codes joined by '+'."""
    return [part for code in codes for part in str(code).split("+")]


def in_council(analysis: Analysis, code: str) -> np.ndarray:
    """Units of one council, shape (n_units,)."""
    codes = analysis.sample.panel.units["council_code"]
    return codes.isin([joined for joined in codes.unique() if code in str(joined).split("+")]).to_numpy(dtype=bool)


def scope_of(analysis: Analysis, code: str) -> Scope:
    """The scope of one report."""
    sample, plan = analysis.sample, analysis.plan
    units, many = sample.panel.units, NOUNS[plan.unit][1]
    if code == ALL:
        joined = int((units["entry"] >= 0).sum())
        return Scope(
            code=ALL,
            name=plan.programme.name if present_nowhere(units) else "All places together",
            region="",
            area="",
            area_members=(),
            words=(
                f"Among {many} who joined,"
                if plan.programme.assignment == "unit"
                else f"In the {words(n_places(units))} programme areas together,"
            ),
            sample=sample,
            counts={"joined": joined, "matched": sample.n_treated, "comparison": len(np.unique(sample.comparison_unit))},
        )
    council = analysis.dictionary.councils[code]
    inside = in_council(analysis, code)
    by_area = plan.programme.assignment == "area"
    areas = sorted(set(units["area"][inside & (units["entry"].to_numpy() >= 0)])) if by_area else []
    area, chosen = listed(areas), units["area"].isin(areas).to_numpy() if by_area else inside
    own = sample.keep(chosen[sample.treated_unit], None if by_area else inside)
    members = (
        tuple(analysis.dictionary.councils[member].name for member in sorted(set(members_of(units["council_code"][chosen]))))
        if by_area
        else (council.name,)
    )
    n_areas = units["area"][units["entry"] >= 0].nunique()
    return Scope(
        code=code,
        name=council.name,
        region=council.region,
        area=area,
        area_members=members,
        words=f"In the {words(n_areas)} programme areas together," if by_area else f"In {council.name},",
        sample=own,
        counts={
            "joined": int((chosen & (units["entry"].to_numpy() >= 0)).sum()),
            "matched": own.n_treated if own else 0,
            "comparison": len(np.unique(own.comparison_unit)) if own else 0,
        },
    )


def studies_of(analysis: Analysis, scope: Scope) -> tuple[OutcomeStudy, ...]:
    """Every outcome of one report, unprotected."""
    if analysis.plan.programme.assignment == "area":
        return tuple(area_study(analysis, scope, name) for name in analysis.plan.outcomes.all)
    return council_studies(analysis, scope)


def whose_of(analysis: Analysis, scope: Scope) -> Whose:
    """The populations of one report, for the audit."""
    units = analysis.sample.panel.units
    members = units["unit_id"][place_of(analysis, scope) & (units["entry"].to_numpy() >= 0)] if "unit_id" in units else ()
    by_sets = analysis.plan.estimator.method in BY_SETS
    return Whose(code=scope.code, matching=analysis.plan.hash()[:8], members=tuple(members), by_sets=by_sets)


def inputs_of(analysis: Analysis, scope: Scope, studies: tuple[OutcomeStudy, ...], ledger: Ledger, analysis_hash: str) -> Inputs:
    """Everything the content of one report is made from."""
    plan = analysis.plan
    one, many = NOUNS[plan.unit]
    payment, tests = payment_of(analysis.payment, plan, scope), tests_of(analysis, scope, studies)
    nouns = Nouns(
        one=one,
        many=many,
        started=plan.programme.started,
        scope=scope.code,
        published=plan.data.kind == "open_statistics",
        whose=whose_of(analysis, scope),
    )
    return Inputs(
        plan=plan,
        dictionary=analysis.dictionary,
        study=study_of(analysis, nouns, ledger, analysis_hash),
        panel=analysis.panel,
        matcher=matcher(plan),
        estimator=estimator(plan),
        sample=analysis.sample,
        scope=scope,
        studies=studies,
        nouns=nouns,
        context=context_of(analysis, scope, studies, nouns, ledger, tests),
        evidence=evidence_of(analysis, scope, studies),
        tests=tests,
        tables=(
            *benchmark_table(analysis, ledger, many),
            *fit_table(analysis.placebos, {name: analysis.dictionary.outcomes[name].label for name in analysis.placebos}, ledger),
            *published_table(analysis, scope, ledger),
        ),
        payment=payment,
        populations=populations_of(analysis.populations, plan, analysis.dictionary, analysis.sample, scope, place_of(analysis, scope)),
        warnings=(*analysis.warnings, *level_warnings(analysis, ledger), *base_warning(studies, ledger.profile.threshold, many)),
        limits=limits_of(analysis, nouns),
        worth=worth_of(analysis, scope, studies, joined_in(analysis, scope), ledger, many, payment=payment),
    )


def place_of(analysis: Analysis, scope: Scope) -> np.ndarray:
    """Units of a report's place, all of them where it is on all places; shape (n_units,)."""
    return np.ones(len(analysis.sample.panel), dtype=bool) if scope.code == ALL else in_council(analysis, scope.code)


def joined_in(analysis: Analysis, scope: Scope) -> np.ndarray:
    """Rows of the panel of all programme units that a report speaks about, matched or not; all places where areas are judged together."""
    joined = analysis.sample.panel.entry >= 0
    whole = scope.code == ALL or analysis.plan.programme.assignment == "area"
    return np.flatnonzero(joined if whole else joined & in_council(analysis, scope.code))


def area_study(analysis: Analysis, scope: Scope, name: str) -> OutcomeStudy:
    """The programme's effect over all areas, with this area's own line, placebo gap and size."""
    study = analysis.studies[name]
    if study.numbers.status != "estimated":
        return study
    if scope.code == ALL:
        return with_average_size(analysis, study, name)
    study = replace(study, beside=None)  # a council's report has its area beside placebo areas
    inside = in_council(analysis, scope.code)
    if analysis.plan.unit == "small_area":
        inside = inside & (analysis.sample.panel.entry >= 0)
    if few_events(analysis, name, inside):
        return study
    total, per_pupil = size_of(analysis, name, inside)
    line = own_line(analysis, scope, study, name, inside)
    placebo = analysis.placebos[name].of_area(scope.area) if name in analysis.placebos else None
    most = most_of(analysis, name)
    return replace(study, lines=(*study.lines, *line), placebo=placebo, denominator=total, per_pupil=per_pupil, most=most)


def with_average_size(analysis: Analysis, study: OutcomeStudy, name: str) -> OutcomeStudy:
    """The programme's study with the size of its average council, for saying how thinly an effect is spread."""
    most = most_of(analysis, name)
    if not math.isfinite(most):
        return study
    treated = analysis.sample.panel.entry >= 0
    total, per_pupil = size_of(analysis, name, treated)
    n_councils = len(set(members_of(analysis.sample.panel.units["council_code"][treated])))
    return replace(study, denominator=total / n_councils, per_pupil=per_pupil, most=most)


def size_of(analysis: Analysis, name: str, inside: np.ndarray) -> tuple[float, float]:
    """Sessions or pupils behind an outcome's rate in some units at the headline, and those of one pupil; NaN where the panel does not hold them."""
    panel = analysis.sample.panel
    column = panel.periods.index(str(analysis.plan.programme.first_full_period))
    denominators, pupils = panel.denominators.get(name), panel.denominators.get("persistent_absence")
    if denominators is None or pupils is None:
        return math.nan, math.nan
    total, heads = float(np.nansum(denominators[inside, column])), float(np.nansum(pupils[inside, column]))
    return total, total / heads if heads else math.nan


def most_of(analysis: Analysis, name: str) -> float:
    """The programme's effect on an outcome had every helped family's whole problem ended in every council; NaN where the plan does not say."""
    if analysis.plan.programme.helped is None:
        return math.nan
    units = analysis.sample.panel.units
    codes = sorted(set(members_of(units["council_code"][units["entry"] >= 0])))
    sizes = [size_of(analysis, name, in_council(analysis, code)) for code in codes]
    return spread.most_possible([total for total, _ in sizes], [each for _, each in sizes], analysis.plan.programme.helped, name)


def own_line(analysis: Analysis, scope: Scope, study: OutcomeStudy, name: str, inside: np.ndarray) -> tuple[GroupLine, ...]:
    """The council's own figures, on the axis of the chart: what was added up over its units where they carry a denominator, else their mean."""
    panel = analysis.sample.panel
    if not study.lines:
        return ()
    values, weights = outcome_array(panel, name)[inside], panel.denominators.get(name)
    weight = np.where(np.isfinite(values), 1.0 if weights is None else np.nan_to_num(weights[inside]), 0.0)
    total = weight.sum(axis=0)
    mean = np.divide((np.nan_to_num(values) * weight).sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0)
    by_label = dict(zip(panel.periods.labels(), mean, strict=True))
    on_axis = np.array([by_label.get(label, math.nan) for label in study.axis])
    name = scope.area if panel.unit == "small_area" else scope.name
    return (GroupLine(name=name, values=on_axis, behind=np.full(len(study.axis), int(inside.sum()))),)


def council_studies(analysis: Analysis, scope: Scope) -> tuple[OutcomeStudy, ...]:
    """The effects on this council's own programme units, from a panel of its units and those they are compared with: the nation is left behind."""
    names = analysis.plan.outcomes.all
    if scope.code == ALL:
        return tuple(analysis.studies[name] for name in names)
    inside = in_council(analysis, scope.code)
    own = None if scope.sample is None else scope.sample.within(inside)
    panel = analysis.sample.panel.keep(inside) if own is None else own.panel
    joined = np.flatnonzero((panel.entry >= 0) & (panel.units["council_code"].isin(analysis.sample.panel.units["council_code"][inside].unique())))
    found = (study_outcome(analysis.estimating, analysis.dictionary.outcomes[name], own, joined) for name in names)
    return tuple(replace(study, beside=analysis.studies[name].beside) for name, study in zip(names, found, strict=True))


def study_of(analysis: Analysis, nouns: Nouns, ledger: Ledger, analysis_hash: str) -> Study:
    """The study in words, hashes and versions."""
    from evaluation.runs.manifest import versions

    plan = analysis.plan
    return Study(
        name=plan.study,
        title=plan.title,
        question=plan.question,
        programme=plan.programme.name,
        unit=nouns.one,
        unit_plural=nouns.many,
        simulated=plan.report.simulated,
        date=plan.report.date,
        reference=plan.report.reference,
        sources=sources_of(analysis),
        disclosure_rule=ledger.profile.sentence,
        plan_hash=plan.hash(),
        analysis_hash=analysis_hash,
        seed=plan.seed,
        versions=versions(),
        source_line=source_line(analysis),
    )


def source_line(analysis: Analysis) -> str:
    """The short source under a chart: publishers, or owners of the records."""
    plan = analysis.plan
    if plan.data.kind == "simulated":
        return "simulated records, no real family"
    if plan.data.kind == "open_statistics":
        publishers = dict.fromkeys(
            sentence.split(",")[0] for sentence in sources_of(analysis) if sentence.startswith(("Department", "Ministry", "LaLonde"))
        )
        return f"published statistics ({'; '.join(publishers)}), our calculations"
    owners = dict.fromkeys(analysis.dictionary.tables[name].owner for name in sorted(analysis.tables) if name in analysis.dictionary.tables)
    return f"linked records ({'; '.join(owners)}), our calculations"


def sources_of(analysis: Analysis) -> tuple[str, ...]:
    """Where the data come from, one sentence each."""
    if analysis.plan.data.kind == "simulated":
        effect = "a known effect" if effects_simulated(analysis.plan) else "no effect of the programme"
        return (
            f"Simulated records of families with {effect}, drawn from the data dictionary and published profiles. No record is of a real family.",
        )
    if analysis.plan.data.kind == "open_statistics":
        from evaluation.ingest.open_statistics import SOURCES

        return tuple(SOURCES[name] for name in analysis.plan.data.tables)
    return tuple(
        f"{analysis.dictionary.tables[name].title}: {analysis.dictionary.tables[name].owner}."
        for name in sorted(analysis.tables)
        if name in analysis.dictionary.tables
    )


def context_of(
    analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy], nouns: Nouns, ledger: Ledger, tests: Sequence[OutcomeTest]
) -> Context:
    """What page one needs besides the outcomes."""
    plan, sample = analysis.plan, analysis.sample
    by_area = plan.programme.assignment == "area"
    n_areas = int(sample.panel.units["area"][sample.panel.entry >= 0].nunique())

    whose = nouns.whose
    places = {"joined": whose.joined(), "matched": whose.matched(), "comparison": whose.compared()}

    def shown(count: int, what: str) -> str:
        value = ledger.count(count, of=nouns.many, what=what, population=places.get(what, scope.code))
        small = value.symbol == "[c]" and ledger.small(count, nouns.many)  # what the audit withholds may be any number: [c] stands for it
        return f"fewer than {ledger.profile.threshold}" if small else value.text

    comparison = shown(len(np.unique(sample.comparison_unit)) if by_area else scope.counts["comparison"], "comparison")
    if by_area:
        councils = shown(len(set(members_of(sample.panel.units["council_code"][sample.panel.entry >= 0]))), "councils")
        who, compared = who_of_areas(analysis, scope, n_areas, councils), compared_of_areas(analysis, scope, nouns.many, comparison)
        return Context(
            programme=plan.programme.name,
            nouns=nouns,
            scope=scope.words,
            who=simulated_sentence(plan) + who,
            compared_with=compared,
            n_effective=n_areas,
            effective_noun="areas",
            extra_caveats=area_caveats(analysis, scope, studies),
            own=own_gap(analysis, scope, studies, ledger),
            n_available=len(sample.panel) if plan.unit == "small_area" else int(sample.panel.units["council_code"].nunique()),
            available_noun="small areas in the whole study" if plan.unit == "small_area" else "councils in England",
        )
    place = "" if scope.code == ALL else f" in {scope.name}"
    who = (
        f"{shown(scope.counts['joined'], 'joined').capitalize()} {nouns.many}{place} joined {plan.programme.name} ({plan.programme.started}); "
        f"{shown(scope.counts['matched'], 'matched')} of them could be matched."
    )
    compared = (
        f"They are compared with {comparison} similar {nouns.many} that had not joined by then, not with themselves before: {nouns.many} often join"
        " at a crisis, and some recover without help."
    )
    n = int(ledger.rounded(scope.counts["matched"], nouns.many))
    return Context(
        programme=plan.programme.name,
        nouns=nouns,
        scope=scope.words,
        who=simulated_sentence(plan) + who,
        compared_with=compared,
        n_effective=n,
        effective_noun=f"programme {nouns.many}",
        anchor=anchor_of(analysis, ledger),
        extra_caveats=(
            *caveats_of_plan(plan),
            *several_tests.caveats(tests, studies, ledger.profile.threshold, nouns.many),
            *simulated_caveats(plan, verdicts_of(studies, ledger.profile.threshold, nouns.many)),
            *locality_caveats(plan),
            *(warned.sentence for warned in base_warning(studies, ledger.profile.threshold, nouns.many)),
        ),
        n_available=int(ledger.rounded(int((sample.panel.entry >= 0).sum()), nouns.many)),
        available_noun=f"{nouns.many} in the whole study",
    )


def anchor_of(analysis: Analysis, ledger: Ledger) -> str:
    """What the experiment says beside the main estimate."""
    randomised = next((row for row in analysis.benchmark if row.pool == analysis.plan.comparison.experiment), None)
    main = analysis.studies[analysis.plan.outcomes.primary[0]].numbers.effect
    if randomised is None or main is None:
        return ""
    digits = decimals(main.std_error)
    gap = main.estimate - randomised.estimate.estimate
    inside = main.lower <= randomised.estimate.estimate <= main.upper
    many = NOUNS[analysis.plan.unit][1]
    if any(ledger.small(min(one.n_treated, one.n_comparison), many) for one in (main, randomised.estimate)):
        return ""
    measured_by = ledger.derived(randomised.estimate.estimate, 0, what="the experiment's effect", population=randomised.pool, signed=True).text
    distance = ledger.derived(abs(gap), digits, what="distance from the experiment", population="page one").text
    return (
        f"An experiment measured the same effect: {measured_by}. The matched estimate lands"
        f" {distance} {'above' if gap > 0 else 'below'} it; its 95% interval {'includes' if inside else 'does not include'} the"
        " experiment's figure."
    )


def benchmark_table(analysis: Analysis, ledger: Ledger, many: str) -> tuple[TableContent, ...]:
    """How far each comparison group lands from the experiment."""
    from evaluation.pipeline.benchmark import POOL_WORDS

    if not analysis.benchmark:
        return ()
    truth = analysis.benchmark[0].estimate.estimate
    rows = []
    for row in analysis.benchmark:
        cell = ledger.interval(row.estimate, of=many, digits=0, what="benchmark", population=row.pool)
        distance, worst = "the anchor", "[z]"
        if row is not analysis.benchmark[0]:
            away = row.estimate.estimate - truth if cell.estimate.value is not None else math.nan
            distance = ledger.derived(away, 0, what=f"distance, {row.method}", population=row.pool, signed=True).text
        if math.isfinite(row.worst_smd):
            worst = ledger.derived(row.worst_smd, 2, what=f"imbalance, {row.method}", population=row.pool).text
        rows.append(
            (f"{POOL_WORDS.get(row.pool, row.pool)}: {row.method}", cell.estimate.text, f"{cell.lower.text} to {cell.upper.text}", distance, worst)
        )
    return (
        TableContent(
            id="benchmark",
            title="How far each comparison lands from the experiment",
            columns=("Comparison group and method", "Estimate", "95% interval", "Distance from the experiment", "Largest imbalance after matching"),
            rows=tuple(rows),
            notes=(
                (
                    "Imbalance: standardised mean difference of the worst covariate; under 0.1 is the aim. Where several people are equally near, the"
                    " one with the smaller identifier is taken; another order gives other estimates."
                ),
            ),
        ),
    )


def evidence_of(analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy]) -> Evidence:
    """What the strength rating looks at."""
    many, threshold = NOUNS[analysis.plan.unit][1], rule_of(analysis.plan.disclosure.profile).threshold
    measured = [
        study.numbers
        for study in studies
        if study.numbers.primary and study.numbers.status == "estimated" and not why_hidden(study.numbers, threshold, many)
    ]
    shares = [
        numbers.detectable / abs(numbers.comparison_level)
        for numbers in measured
        if numbers.comparison_level and math.isfinite(numbers.comparison_level)
    ]
    by_area, sample = analysis.plan.programme.assignment == "area", analysis.sample
    joined = int((sample.panel.entry >= 0).sum()) if by_area else scope.counts["joined"]
    matched = sample.n_treated if by_area else scope.counts["matched"]
    if many in PEOPLE:  # a band of the true share beside rounded counts would tell small ones: it is computed from what is printed
        ledger = Ledger(profile=rule_of(analysis.plan.disclosure.profile))
        joined, matched = (0 if ledger.small(count, many) else int(ledger.rounded(count, many)) for count in (joined, matched))
    return Evidence(
        many=many,
        randomised=False,
        detectable_share=max((share for share in shares if math.isfinite(share)), default=math.nan),
        worst_smd=float(sample.balance["smd_after"].abs().max()),
        matched_share=min(matched / joined, 1.0) if joined and (matched or many not in PEOPLE) else math.nan,
        trends=tuple(numbers.trend.verdict for numbers in measured if numbers.trend is not None),
        n_places=int(sample.panel.units["area"][sample.panel.entry >= 0].nunique()) if by_area else None,
    )


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
    """Main outcomes whose headline depends on the base period."""
    found = [
        study
        for study in studies
        if study.numbers.primary and study.numbers.effect is not None and not why_hidden(study.numbers, threshold, many) and depends_on_base(study)
    ]
    if not found:
        return ()
    names = [lower_first(study.numbers.outcome.label) for study in found]
    charted = [may_chart(study, many, threshold) for study in found]
    where = " (see the table of bases)" if all(charted) else "" if any(charted) else "; figures by base are not shown, as few stand behind some"
    return (
        Warned(
            code="BASE_PERIOD",
            sentence=(
                f"The estimate depends on the base period for {listed(names)}: with another base the conclusion would differ{where}."
            ),
        ),
    )


def has_outsiders(analysis: Analysis) -> bool:
    """Whether some set compares units of different councils."""
    sample = analysis.sample
    code = np.unique(sample.panel.units["council_code"].to_numpy(dtype=str), return_inverse=True)[1]
    one = np.empty(sample.n_sets, dtype=np.int64)
    one[sample.treated_set] = code[sample.treated_unit]
    members = ((sample.treated_unit, sample.treated_set), (sample.comparison_unit, sample.comparison_set))
    return any(bool((code[unit] != one[sets]).any()) for unit, sets in members)


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
