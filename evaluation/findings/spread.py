"""How thinly an effect is spread: a few dozen families among tens of thousands of pupils.

Turns the smallest detectable effect of a council-wide rate into what each family helped would have had to change,
and compares it with all that a family could have changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger, number
from evaluation.disclosure.release import OutcomeResult, TableContent
from evaluation.findings.numbers import change_unit_of
from evaluation.findings.present import lower_first
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.plan import Plan
from evaluation.plan.question import Helped

THINGS = {"possible_sessions": "sessions missed", "enrolments": "persistently absent children"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Per family helped, in one period.

    Attributes
    ----------
    needed : float
        What each family helped would have had to change for the effect to be detectable: sessions or children.
    whole : float
        All that a family could have changed: its children's whole problem.
    here : float
        The fall in the report's council, in the outcome's unit, had every helped family's whole problem ended there.
    most : float
        The mean fall, in the same unit, had it ended in every council: what is asked of the programme's effect, which is a mean over councils.
    detectable : float
        The programme's smallest detectable effect, in the same unit.
    """

    needed: float
    whole: float
    here: float
    most: float
    detectable: float
    unit: str
    things: str

    @property
    def enough_here(self) -> bool:
        """Whether ending the whole problem of every helped family would have moved the council's own rate by what is detectable."""
        return self.detectable <= self.here

    @property
    def could_be_seen(self) -> bool:
        """Whether ending it in every council would have been detectable: the programme's question, not one council's."""
        return self.detectable <= self.most


def spread(
    detectable: float, most: float, denominator: float, per_pupil: float, helped: Helped, *, outcome: str, unit: str, things: str
) -> Spread | None:
    """The detectable effect per family helped.

    Parameters
    ----------
    detectable : float
        Smallest detectable effect of the programme, percentage points.
    most : float
        See `most_possible`.
    denominator : float
        Sessions or pupils in the council in the period.
    per_pupil : float
        Sessions (or 1) of one pupil in the period: what a family's children have in all.
    """
    level = helped.problem_level.get(outcome)
    if level is None or not all(math.isfinite(value) for value in (detectable, most, denominator, per_pupil)):
        return None
    whole = level / 100 * helped.children_of_school_age * per_pupil
    return Spread(
        needed=detectable / 100 * denominator / helped.families,
        whole=whole,
        here=100 * whole * helped.families / denominator if denominator else math.nan,
        most=most,
        detectable=detectable,
        unit=unit,
        things=things,
    )


def most_possible(denominators: Sequence[float], per_pupils: Sequence[float], helped: Helped, outcome: str) -> float:
    """Mean over councils of the fall in the rate had every helped family's whole problem ended, points; NaN where it does not apply."""
    level = helped.problem_level.get(outcome, math.nan)
    falls = [
        level * helped.children_of_school_age * each * helped.families / total
        for total, each in zip(denominators, per_pupils, strict=True)
        if total > 0 and math.isfinite(each)
    ]
    return sum(falls) / len(falls) if falls else math.nan


def sentence(found: Spread, label: str, helped: Helped, place: str) -> str:
    """The comparison in words, from rounded numbers."""
    needed, whole = number(found.needed, 0 if found.needed >= 10 else 1).text, number(found.whole, 0 if found.whole >= 10 else 1).text
    digits = 3 if found.detectable < 0.1 else 2 if found.detectable < 10 else 0
    here, most, least = (number(value, digits).text for value in (found.here, found.most, found.detectable))
    start = (
        f"How many families were helped is not published. If it was {helped.families} in each council, {helped.basis}, each in {place} would have had"
        f" to account for {needed} fewer {found.things} a year for an effect on {lower_first(label)} to show (their whole problem: about {whole})."
    )
    if found.enough_here != found.could_be_seen:
        return (
            f"{start} Had every family's problem ended, the rate there would have moved by {here} {found.unit} and the mean of all councils, on"
            f" which an effect is judged, by {most}; {least} was needed."
        )
    ended = f"that would have moved the rate there by {here} {found.unit}; {least} was needed"
    if found.could_be_seen:
        return f"{start} An effect could only have been seen if most of every family's problem had ended: {ended}."
    return f"{start} It could not have been seen even if every family's problem had ended: {ended}."


def cell(found: Spread) -> str:
    """Whether it could be seen, in short: as the sentence says it."""
    if found.enough_here != found.could_be_seen:
        return "yes, though not from here alone" if found.could_be_seen else "no: enough here, too little in the mean of all"
    return "yes, if most of it ended" if found.could_be_seen else "no"


def place_of(scope: Scope) -> str:
    """Whose families are spoken of: those of the report's council, or of one of average size."""
    return "a council of average size" if scope.code == "all" else scope.name


def of_study(study: OutcomeStudy, plan: Plan) -> Spread | None:
    """The spread of one outcome in one report; None where it does not apply."""
    if plan.programme.helped is None or study.numbers.status != "estimated":
        return None
    source = study.numbers.outcome.sources.get(plan.unit)
    return spread(
        study.numbers.detectable,
        study.most,
        study.denominator,
        study.per_pupil,
        plan.programme.helped,
        outcome=study.numbers.outcome.name,
        unit=change_unit_of(study.numbers.outcome),
        things=THINGS.get(source.denominator, source.denominator) if source else "",
    )


def table(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], plan: Plan, ledger: Ledger, scope: Scope) -> tuple[TableContent, ...]:
    """What each helped family would have had to change, per outcome."""
    rows = []
    for study, result in shown:
        if (found := of_study(study, plan)) is not None:
            cells = [
                ledger.keep("per family helped", result.outcome, number(value, 0 if value >= 10 else 1)).text for value in (found.needed, found.whole)
            ]
            rows.append((f"{result.label} ({found.things})", *cells, cell(found)))
    if not rows:
        return ()
    helped = plan.programme.helped
    return (
        TableContent(
            id="per-family",
            title="What each family helped would have had to change for the effect to be seen",
            columns=("Outcome", "Needed per family", "Whole problem of a family", "Could it be seen?"),
            rows=tuple(rows),
            notes=(
                (
                    f"For {place_of(scope)}, if {helped.families} families were helped, with {helped.children_of_school_age:g} children of school age"
                    f" each. {helped.source[:1].upper()}{helped.source[1:]}."
                ),
                (
                    "The whole problem of a family is its children's absence at the level stated in the plan. It could be seen where ending it moves"
                    " the rate by what is needed, in the council spoken of and, since the effect is a mean, in the mean of all councils."
                ),
            ),
        ),
    )
