"""From a study's effects to an appraisal for one report: joint effects, whom they count for, when they fall, what was spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import Ledger
from evaluation.errors import DictionaryError, EstimationError, PlanError
from evaluation.findings.numbers import factor_of
from evaluation.findings.present import lower_first, why_hidden
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.findings.worth import Worth
from evaluation.locations import project_file
from evaluation.matching.sample import MatchedSample
from evaluation.models.clusters import cluster_names
from evaluation.models.descriptive import mean_changes
from evaluation.models.effects import Effects
from evaluation.models.joint import joint
from evaluation.models.summaries import average, chosen_cells
from evaluation.panel.status import exists_at
from evaluation.panel.types import Panel
from evaluation.payment_by_results.numbers import PaymentNumbers
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.fees import fees_of
from evaluation.pipeline.outcome_sets import OutcomeSets, fitted
from evaluation.plan import Plan
from evaluation.plan.worth import ValuePlan
from evaluation.simulate.streams import stream
from evaluation.value import (
    Assumptions,
    Calculator,
    Case,
    JointEffects,
    PriceBook,
    appraise,
    calculate,
    check_counted_once,
    read_price_book,
    swings,
)
from evaluation.value.timeline import financial_year_of, label_of

PUPILS = "persistent_absence"  # whose denominators are the pupils of a school or council
SESSIONS_A_YEAR = 380  # half days of a school year


def check_value(plan: Plan, dictionary: Dictionary) -> None:
    """Whether the plan's section `value` can be carried out, before any record is read.

    Raises
    ------
    PlanError
        An outcome has no conversion, something is valued twice, a price year is outside the deflators, or an agency is unknown.
    """
    if plan.value is None:
        return
    if unknown := [name for name in plan.value.outcomes if name not in plan.outcomes.all]:
        raise PlanError(f"value.outcomes names {', '.join(unknown)}, which the plan does not estimate: add it to outcomes, or take it out there.")
    book = read_price_book(project_file("data_dictionary"))
    check_counted_once(book, {name: kept.leave_out for name, kept in plan.value.outcomes.items()})
    if unknown := [name for name in plan.value.borne_by if name not in book.valuations.agencies]:
        raise PlanError(f"value.borne_by names {', '.join(unknown)}; agencies are {', '.join(book.valuations.agencies)}. Mend the plan.")
    if missing := [name for name in plan.value.outcomes if plan.unit not in dictionary.outcomes[name].sources]:
        raise PlanError(f"value.outcomes names {', '.join(missing)}, which is not measured by {plan.unit}. Take it out of the plan's `value`.")
    years = [plan.value.price_year, *(given.price_year for given in (plan.value.cost, plan.value.fees) if given is not None)]
    years += list(plan.value.cost.by_year) if plan.value.cost is not None else []
    try:
        for year in years:
            book.deflators.factor(year, plan.value.price_year)
    except DictionaryError as fault:
        raise PlanError(f"value: {fault}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for one report: the analysis, its scope, and the programme units in it."""

    analysis: Analysis
    scope: Scope
    valued: tuple[OutcomeStudy, ...]
    sets: OutcomeSets
    joined: np.ndarray  # entry columns of all programme units of the report, matched or not
    ledger: Ledger
    many: str
    payment: PaymentNumbers | None
    book: PriceBook

    @property
    def sample(self) -> MatchedSample | None:
        """All matched sets: the value is that of all matched units."""
        return self.sets.whole

    @property
    def plan(self) -> ValuePlan:
        """The plan's section `value`."""
        return self.analysis.plan.value

    def rounded(self, count: int) -> float:
        """A count of units as it may be shown."""
        return self.ledger.rounded(count, self.many)


def worth_of(
    analysis: Analysis,
    scope: Scope,
    sets: OutcomeSets,
    studies: Sequence[OutcomeStudy],
    joined: np.ndarray,
    ledger: Ledger,
    many: str,
    *,
    payment: PaymentNumbers | None = None,
) -> Worth | None:
    """What the effects of one report are worth; None where the plan does not ask.

    Parameters
    ----------
    sets : OutcomeSets
        The report's, on the panel of all places.
    joined : ndarray of int
        Rows of the panel of all programme units of the report.
    payment : PaymentNumbers, optional
        What payment-by-results rules give the report's families: for who pays and who gains.
    """
    if analysis.plan.value is None:
        return None
    asked = Asked(
        analysis=analysis,
        scope=scope,
        valued=tuple(study for study in studies if study.numbers.outcome.name in analysis.plan.value.outcomes),
        sets=sets,
        joined=analysis.sample.panel.entry[joined],
        ledger=ledger,
        many=many,
        payment=payment,
        book=read_price_book(project_file("data_dictionary")),
    )
    if reason := next((why for study in asked.valued if (why := hidden_of(study, ledger.profile.threshold, many))), ""):
        return Worth(plan=asked.plan, status="not_shown", reason=reason)
    if asked.sample is None:
        return Worth(plan=asked.plan, status="not_estimated", reason=f"none of the programme {asked.many} here could be matched")
    costs, words = costs_of(asked)
    unvalued = {"plan": asked.plan, "status": "not_estimated", "cost_words": words if costs else ""}
    if reason := why_not(asked):
        return Worth(**unvalued, reason=reason)
    if not costs:
        return Worth(**unvalued, reason="what the programme cost here is not known")
    try:
        return appraised(asked, costs, words)
    except EstimationError:  # its message is for programmers
        return Worth(**unvalued, reason="how many the effects count for, or how far off all of them may be together, could not be worked out")


def hidden_of(study: OutcomeStudy, threshold: int, many: str) -> str:
    """Why a valued outcome may not be shown, with its name where the reason speaks of what happened; '' where it may."""
    reason = why_hidden(study.numbers, threshold, many)
    return f"for {lower_first(study.numbers.outcome.label)}, {reason}" if reason.startswith("it ") else reason


def why_not(asked: Asked) -> str:
    """Why the effects cannot be put into money, for a council to read; '' where they can."""
    lacking = [
        lower_first(study.numbers.outcome.label)
        for study in asked.valued
        if study.numbers.status != "estimated" or study.numbers.effect is None or not math.isfinite(study.numbers.effect.lower)
    ]
    if lacking:
        return f"the effect on {lacking[0]} could not be estimated"
    ranged = [lower_first(study.numbers.outcome.label) for study in asked.valued if not study.numbers.effect.df > 0]
    if ranged:
        return f"how far off the effect on {ranged[0]} may be is read from areas without a programme, which gives a range of it but none of money"
    return ""


def appraised(asked: Asked, costs: dict[str, tuple[float, str]], words: str) -> Worth:
    """The appraisal of one report."""
    case, effects = case_of(asked, costs), joint_effects(asked)
    by_area, seed = asked.analysis.plan.programme.assignment == "area", asked.analysis.plan.seed
    name = f"value of {'all' if by_area else asked.scope.code}"  # one money, one interval, in every report of places judged together
    adjusted, plain = (
        appraise(one, effects, n_draws=asked.plan.draws, rng=stream(seed, name)) for one in (case, case.assuming(adjusted=False))
    )
    fees = fees_of(
        asked.plan, asked.payment, share=share_of_programme(asked)[0], book=asked.book, first=case.timeline().first, ledger=asked.ledger
    )
    return Worth(
        plan=asked.plan,
        status="shown",
        adjusted=adjusted,
        plain=plain,
        swings=swings(case, effects),
        calculator=contrast(asked, case, effects),
        units=float(case.weights.sum()),
        unmatched=case.unmatched,
        cost_words=words,
        fees=fees.pounds,
        fees_source=fees.source,
        fees_reason=fees.reason,
        fees_by_rules=fees.by_rules,
        fees_gap=fees.gap,
        together=by_area and asked.scope.code != "all",
    )


def case_of(asked: Asked, costs: dict[str, tuple[float, str]]) -> Case:
    """What is appraised: matched units by entry period, in a number that may be shown."""
    entries, counts = np.unique(asked.sample.treated_entry, return_counts=True)
    units, outcomes = asked.rounded(asked.sample.n_treated), [study.numbers.outcome for study in asked.valued]
    window = asked.analysis.estimating.headline
    return Case(
        book=asked.book,
        price_year=asked.plan.price_year,
        outcomes={outcome.name: asked.plan.outcomes[outcome.name].leave_out for outcome in outcomes},
        saves={outcome.name: -1 if outcome.direction == "lower_is_better" else 1 for outcome in outcomes},
        people={outcome.name: mean_people(asked.sample, outcome.name, asked.book.valuation(outcome.name).people, window) for outcome in outcomes},
        periods=asked.sample.panel.periods,
        entries=entries,
        weights=counts * units / counts.sum(),
        window=window,
        costs=costs,
        unmatched=max(asked.rounded(len(asked.joined)) - units, 0.0),
        assumptions=Assumptions(persistence_years=asked.plan.persistence_years, unmatched_share=asked.plan.unmatched_share),
    )


def joint_effects(asked: Asked) -> JointEffects:
    """Effects of one report in their own units, as reported, with their correlation from the influence functions.

    Raises
    ------
    EstimationError
        Their errors have no common clusters.
    """
    estimating, names = asked.analysis.estimating, tuple(study.numbers.outcome.name for study in asked.valued)
    found = [(study.numbers.effect, factor_of(study.numbers.outcome)) for study in asked.valued]
    errors = np.array([effect.std_error / factor for effect, factor in found])
    correlation, df = np.eye(len(names)), min(effect.df for effect, _ in found)
    if len(names) > 1:
        effects = [fitted(estimating, study.numbers.outcome, asked.sets.own[study.numbers.outcome.name]) for study in asked.valued]
        together = correlated(estimating, names, effects)
        scale = together.std_errors()
        correlation, df = together.covariance / np.outer(scale, scale), min(df, together.df)
    return JointEffects(
        outcomes=names, estimates=np.array([effect.estimate / factor for effect, factor in found]), std_errors=errors, correlation=correlation, df=df
    )


def correlated(estimating: Estimating, names: Sequence[str], effects: Sequence[Effects]):
    """Headlines of several outcomes with their joint covariance, on clusters that all of them have."""
    assignment = estimating.plan.programme.assignment
    kinds = {cluster_names(one, "auto", assignment) for one in effects}
    clusters = "auto" if len(kinds) == 1 else "unit_and_set"
    if kinds == {("unit",)}:
        effects = [one.each_unit() for one in effects]
    parts = {
        name: (one, average(one, chosen_cells(one, quarters=estimating.headline, cohorts="complete")))
        for name, one in zip(names, effects, strict=True)
    }
    return joint(parts, clusters=clusters, assignment=assignment)


def mean_people(sample: MatchedSample, outcome: str, people: str, window: tuple[int, int]) -> float:
    """What a matched programme unit counts as for an outcome: its mean children, pupils, adults or families over the window; as itself, 1.

    A family counts as itself where the outcome exists for it on joining: the effect is one on such families, and the value that of all matched ones.

    Raises
    ------
    PlanError
        The records do not hold whom the outcome counts.
    EstimationError
        They hold it for none of the matched units.
    """
    panel, values = sample.panel, people_array(sample.panel, outcome, people)
    if values is None:
        return float(exists_at(panel, outcome, sample.treated_unit, sample.treated_entry).mean()) if outcome in panel.members else 1.0
    columns = sample.treated_entry[:, None] + np.arange(window[0], window[1] + 1)
    inside = columns < len(panel.periods)
    picked = values[sample.treated_unit[:, None], np.minimum(columns, len(panel.periods) - 1)]
    seen = picked[inside & np.isfinite(picked)]
    if not seen.size:
        raise EstimationError(f"Whom an effect counts for must be known: {people} is missing for every matched programme unit. Deliver it.")
    return float(seen.mean())


def people_array(panel: Panel, outcome: str, people: str) -> np.ndarray | None:
    """Whom an outcome counts, by unit and period; None where units count as themselves. A place counts the pupils or families behind its figures."""
    if people == "families" and panel.unit in ("family", "person"):
        return None
    if people in panel.varying:
        return panel.varying[people]
    if people in ("n_school_age", "pupils") and PUPILS in panel.denominators:
        return panel.denominators[PUPILS]
    below = panel.denominators.get(outcome)
    if below is not None and people == "n_school_age":  # sessions of a school year, or of one of its three terms
        return below * (3 if panel.periods.kind == "quarter" else 1) / SESSIONS_A_YEAR
    if below is not None and people != "pupils":
        return below
    raise PlanError(
        f"{outcome} is valued by {people}, which the records of this study do not hold. Add persistent_absence to the plan's outcomes (its pupils"
        " are counted), or take the outcome out of `value`."
    )


def contrast(asked: Asked, case: Case, effects: JointEffects) -> Calculator:
    """The before/after reading of the same records, for programme and comparison units alike."""
    first, last = asked.analysis.estimating.before_window()
    windows = range(first, last + 1), range(case.window[0], case.window[1] + 1)
    changes = [mean_changes(asked.sets.own[name], name, *windows) for name in effects.outcomes]
    programme, comparison = np.array(changes).T
    return calculate(case, programme, comparison, effects.estimates, effects.outcomes)


# ---- what was spent ------------------------------------------------------------------------------------------------------------------------------


def costs_of(asked: Asked) -> tuple[dict[str, tuple[float, str]], str]:
    """Cost of delivery by financial year, each with its price year, and where it comes from; empty where it is not known."""
    given = asked.plan.cost
    if given is None:
        return delivered_costs(asked)
    if given.by_year:
        share, of_all = share_of_programme(asked)
        words = f"The cost is from the plan ({given.source}{of_all})."
        return {year: (pounds * share, given.price_year) for year, pounds in given.by_year.items()}, words
    scale, costs = asked.rounded(len(asked.joined)) / len(asked.joined), {}
    for step in range(given.quarters):
        for column in asked.joined:
            year = label_of(financial_year_of(asked.sample.panel.periods, int(column) + step))
            costs[year] = costs.get(year, 0.0) + scale * given.per_family / given.quarters
    words = f"The cost is £{given.per_family:,.0f} for each of the {asked.many} that joined ({given.source})."
    return {year: (pounds, given.price_year) for year, pounds in costs.items()}, words


def share_of_programme(asked: Asked) -> tuple[float, str]:
    """A report's share of a sum for the whole programme: its share of the units that joined, from rounded counts; and that in words."""
    own, everyone = asked.rounded(len(asked.joined)), asked.rounded(int((asked.analysis.sample.panel.entry >= 0).sum()))
    return (1.0, "") if own == everyone else (own / everyone, f"; shared out by {asked.many} that joined")


def delivered_costs(asked: Asked) -> tuple[dict[str, tuple[float, str]], str]:
    """Cost of delivery from the table `programme_costs`: the years of the study, of the council or, where all places are judged together, of all."""
    import duckdb

    together = asked.scope.code == "all" or asked.analysis.plan.programme.assignment == "area"
    table, periods = asked.analysis.tables.get("programme_costs"), asked.sample.panel.periods
    if table is None:
        return {}, ""
    first, last = (label_of(financial_year_of(periods, column)) for column in (0, len(periods) - 1))
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT financial_year, coalesce(price_year, financial_year), sum(cost), list(DISTINCT council_code) FROM read_parquet($path) WHERE"
            " financial_year BETWEEN $first AND $last AND ($council = 'all' OR council_code = $council) GROUP BY ALL ORDER BY ALL",
            {"path": str(table.path), "first": first, "last": last, "council": "all" if together else asked.scope.code},
        ).fetchall()
    costs = {}
    for year, price_year, pounds, _ in rows:
        there = costs.get(year, (0.0, ""))[0]
        costs[year] = there + float(pounds) * asked.book.deflators.factor(price_year, asked.plan.price_year), asked.plan.price_year
    span = " to ".join(dict.fromkeys((min(costs), max(costs)))) if costs else ""
    published, councils = asked.analysis.plan.data, {code for *_, codes in rows for code in codes}
    source = f"as published: {published.costs_source}" if councils and councils <= set(published.costs) else "from the council's own figures"
    return costs, f"The cost is the full cost of delivery in {span}, {source}."
