"""Page one of programmes given to areas, and of those whose families all lived in one: who, compared with whom, what to take care of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals, number
from evaluation.disclosure.rules import rule_of
from evaluation.findings import spread
from evaluation.findings.numbers import change_unit_of
from evaluation.findings.present import lower_first, verdict, why_hidden
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.findings.summary import listed, words
from evaluation.panel.places import ELSEWHERE
from evaluation.pipeline.analysis import Analysis
from evaluation.plan import Plan

ALL = "all"
FEW_BEFORE = 10  # years: a comparison weighted to fewer is easily had by chance


def who_of_areas(analysis: Analysis, scope: Scope, n_areas: int, councils: str) -> str:
    """What began where and when, and what of it was this council's."""
    programme, small = analysis.plan.programme, analysis.plan.unit == "small_area"
    others = [member for member in scope.area_members if member != scope.name]
    own = scope.area.count(",") + scope.area.count(" and ") + 1 if small else 1
    which = (
        ""
        if scope.code == ALL
        else f"; {scope.name} holds {scope.area if own > 1 else f'one of them, {scope.area}'}"
        if small
        else f"; {scope.name} was one of them"
        if not others
        else f"; {scope.name} was part of one of them, with {listed(others) if len(others) < 5 else f'{len(others)} other councils'}"
    )
    name = programme.name[:1].upper() + programme.name[1:]
    return (
        f"{name} began in {programme.started} in {words(n_areas)} areas ({councils} councils){which}. Areas were chosen as a whole, so the effect is"
        " judged for all together."
    )


def compared_of_areas(analysis: Analysis, many: str, comparison: str) -> str:
    """With whom areas are compared: matched units, or a weighted mix of donors."""
    synthetic = next((found.synthetic for found in analysis.placebos.values() if found.synthetic is not None), None)
    whom, were = (
        (f"Their {many} are compared with {comparison} similar {many} that had not started", "they were")
        if synthetic is None
        else (f"Each area is compared with a weighted mix of the other {many} of England that together ran as it did before", "it was")
    )
    return f"{whom}, not only with what {were} before, so that changes seen everywhere are not credited to the programme."


def caveats_of_plan(plan: Plan) -> tuple[str, ...]:
    """What a plan wants page one to say."""
    return (plan.programme.caveat,) if plan.programme.caveat else ()


def synthetic_caveats(analysis: Analysis) -> tuple[str, ...]:
    """How little a close fit to few periods vouches for."""
    results = [found.synthetic for found in analysis.placebos.values() if found.synthetic is not None]
    fitted = [int(years) for result in results for years in result.areas["n_before"] if years]
    if not fitted or max(fitted) >= FEW_BEFORE:
        return ()
    fewest, most = min(fitted), max(fitted)
    years = f"year{'' if most == 1 else 's'}"
    span = f"{words(most)} {years} before" if fewest == most else f"{words(fewest)} to {words(most)} {years} before, by outcome and area"
    return (
        f"The mix of councils reproduces the {span}; so few are easily reproduced by chance, which says little about the years that follow.",
    )


def few_events(analysis: Analysis, name: str, inside: np.ndarray) -> bool:
    """Whether few incidents or families stand behind a period of some small areas: what is shown of one neighbourhood could point to a family."""
    panel, threshold = analysis.sample.panel, rule_of(analysis.plan.disclosure.profile).threshold
    if panel.unit != "small_area" or not threshold:
        return False
    outcome = analysis.dictionary.outcomes[name]
    values, families = panel.outcomes[name][inside], panel.denominators[name][inside]
    events = np.nansum(values / outcome.sources[panel.unit].multiply * families, axis=0)
    seen = np.isfinite(values).any(axis=0)
    rest = np.nansum(families, axis=0) - events if outcome.scale == "any" else events
    return bool(seen.any()) and float(np.minimum(events, rest)[seen].min()) < threshold


def verdicts_of(studies: Sequence[OutcomeStudy], threshold: int, many: str) -> tuple[str, ...]:
    """Verdicts of the main outcomes that page one tells."""
    shown = [study.numbers for study in studies if study.numbers.primary and study.numbers.status == "estimated"]
    return tuple(verdict(numbers) for numbers in shown if not why_hidden(numbers, threshold, many))


def one_locality(plan: Plan) -> str:
    """Name of the place of small areas in which all programme families lived; '' where there is no such place, or more than one."""
    places = [place.name for place in plan.programme.places if place.small_areas is not None]
    return places[0] if len(places) == 1 else ""


def locality_caveats(plan: Plan) -> tuple[str, ...]:
    """That all programme families lived in one place, where that is so."""
    name = one_locality(plan)
    return (f"All programme families lived in {name}: what else changed there is in the estimate and not in its interval.",) if name else ()


def locality_limits(plan: Plan) -> tuple[str, ...]:
    """Who is not among the comparison families, because the programme may reach them too."""
    if not one_locality(plan) or ELSEWHERE not in plan.comparison.pools:
        return ()
    return (
        f"Families living in {one_locality(plan)} who did not join are not among the comparison families, because they may feel the programme too;"
        " whether they did is not estimated.",
    )


def own_gap(analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy], many: str, ledger: Ledger) -> str:
    """The area's own gap in the first main outcome, beside what chance gives: its change less that of those it is compared with, not its change."""
    study = next((study for study in studies if study.numbers.primary and study.placebo is not None), None)
    if study is None:
        hidden = analysis.plan.unit == "small_area" and scope.code != ALL
        return f"What happened in {scope.area} alone is not shown: too few incidents stand behind it." if hidden else ""
    gap, unit = study.placebo, change_unit_of(study.numbers.outcome)
    digits = decimals((gap.upper - gap.lower) / 4)
    own, low, high = (ledger.keep("own gap", scope.area, number(value, digits, signed=True)) for value in (gap.gap, gap.lower, gap.upper))
    others, name = "areas" if low.value <= own.value <= high.value else "few areas", lower_first(study.numbers.outcome.label)
    return (
        f"In this area by itself the change in {name} differed by {own.text} {unit} from that of its comparison {many}; {others} without a programme"
        f" differ as much ({low.text} to {high.text})."
    )


def area_caveats(analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy], ledger: Ledger) -> tuple[str, ...]:
    """How thinly the effect is spread, and how few periods are clean."""
    plan, found = analysis.plan, list(caveats_of_plan(analysis.plan))
    found += synthetic_caveats(analysis)
    for study in studies:
        if (per_family := spread.of_study(study, plan)) is not None and study.numbers.primary:
            told = spread.sentence(per_family, study.numbers.outcome.label, plan.programme.helped, spread.place_of(scope))
            found.append(ledger.said(told, what="how thinly the effect is spread", population=scope.code))
            break
    if plan.programme.later_start_elsewhere is not None:
        found.append(
            f"Only {plan.programme.first_full_period} can be used: the programme began part-way through the period before, and from"
            f" {plan.programme.later_start_elsewhere} all councils had a programme of this kind."
        )
    return tuple(found)
