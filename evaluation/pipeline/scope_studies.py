"""Every outcome of one report: the programme's effect with the area's own gap, or the effect on the council's own units."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evaluation.findings import spread
from evaluation.findings.numbers import factor_of
from evaluation.findings.study import GroupLine, OutcomeStudy, Scope
from evaluation.models.contrasts import outcome_array
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.area_words import ALL, few_events
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.outcome_sets import OutcomeSets
from evaluation.pipeline.scopes import in_council, members_of


def studies_of(analysis: Analysis, scope: Scope) -> tuple[OutcomeStudy, ...]:
    """Every outcome of one report, unprotected."""
    if analysis.plan.programme.assignment == "area":
        return tuple(area_study(analysis, scope, name) for name in analysis.plan.outcomes.all)
    return council_studies(analysis, scope)


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
        return replace(study, few_behind=True)
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
    """The council's own figures, on axis and scale of the chart: what was added up over its units where they carry a denominator, else their mean."""
    panel = analysis.sample.panel
    if not study.lines:
        return ()
    values, weights = outcome_array(panel, name)[inside], panel.denominators.get(name)
    weight = np.where(np.isfinite(values), 1.0 if weights is None else np.nan_to_num(weights[inside]), 0.0)
    total = weight.sum(axis=0)
    mean = np.divide((np.nan_to_num(values) * weight).sum(axis=0), total, out=np.full(len(total), np.nan), where=total > 0)
    by_label = dict(zip(panel.periods.labels(), mean * factor_of(study.numbers.outcome), strict=True))
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
    sets = analysis.sets_of(own)
    found = (study_outcome(analysis.estimating, analysis.dictionary.outcomes[name], sets, joined) for name in names)
    return tuple(replace(study, beside=analysis.studies[name].beside) for name, study in zip(names, found, strict=True))


def sets_in(analysis: Analysis, scope: Scope) -> OutcomeSets:
    """The sets behind each outcome of one report; those of all places where areas are judged together."""
    if scope.code == ALL or analysis.plan.programme.assignment == "area":
        return analysis.sets
    return analysis.sets_of(scope.sample)
