"""Which assumptions the result hangs on: the fiscal net present value at the low and the high end of each, the others as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evaluation.value.appraisal import LEVEL, cost_of
from evaluation.value.case import Case, lines_of
from evaluation.value.draws import JointEffects


@dataclass(frozen=True, slots=True, kw_only=True)
class Swing:
    """Net present value at both ends of one assumption.

    Attributes
    ----------
    kind : str
        'effect', 'price', 'number', 'optimism', 'persistence', 'unmatched' or 'cost'.
    outcome : str
        The outcome that it concerns; '' where all.
    low, high : str
        The ends in words.
    at_low, at_high : float
        Pounds.
    """

    kind: str
    outcome: str
    low: str
    high: str
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """How far the result moves."""
        return abs(self.at_high - self.at_low)


def net_of(case: Case, estimates: np.ndarray, outcomes: tuple[str, ...]) -> float:
    """Fiscal net present value at given effects."""
    effect = dict(zip(outcomes, estimates, strict=True))
    return float(sum(line.pounds * effect[line.outcome] for line in lines_of(case) if line.counts_in("fiscal"))) - cost_of(case)


def swings(case: Case, effects: JointEffects) -> tuple[Swing, ...]:
    """One swing for every assumption that has two ends, the widest first."""
    at = effects.estimates

    def swing(kind: str, outcome: str, words: tuple[str, str], low: Case, high: Case) -> Swing:
        ends = (net_of(one, at, effects.outcomes) for one in (low, high))
        return Swing(kind=kind, outcome=outcome, low=words[0], high=words[1], at_low=next(ends), at_high=next(ends))

    found = [*effect_swings(case, effects)]
    found += [swing(*described) for described in assumption_ends(case)]
    return tuple(sorted((one for one in found if one.width > 0), key=lambda one: -one.width))


def effect_swings(case: Case, effects: JointEffects) -> Iterator[Swing]:
    """Each effect at both ends of its 95% interval."""
    half = effects.std_errors * float(stdtrit(effects.df, 0.5 + LEVEL / 2))
    for j, outcome in enumerate(effects.outcomes):
        ends = [effects.estimates + sign * half * (np.arange(len(half)) == j) for sign in (-1, 1)]
        low, high = (net_of(case, end, effects.outcomes) for end in ends)
        yield Swing(kind="effect", outcome=outcome, low="lower end of its 95% interval", high="upper end", at_low=low, at_high=high)


def assumption_ends(case: Case) -> Iterator[tuple[str, str, tuple[str, str], Case, Case]]:
    """Kind, outcome, words and both cases of every assumption."""
    book = case.book.valuations
    for outcome in case.outcomes:
        valuation = case.book.valuation(outcome)
        mixes = ({**case.assumptions.mixes, outcome: mix or valuation.costs} for mix in (valuation.costs_low, valuation.costs_high))
        low, high = (case.assuming(mixes=mix) for mix in mixes)
        yield "price", outcome, (listed(valuation.costs_low), listed(valuation.costs_high)), low, high
        number = valuation.number
        low, high = (case.assuming(numbers={**case.assumptions.numbers, outcome: end}) for end in (number.low, number.high))
        yield "number", outcome, (f"{number.low:g}", f"{number.high:g}"), low, high
    worst = max(book.optimism.grades, key=lambda grade: book.optimism.grades[grade])
    words = f"{100 * book.optimism.grades[worst]:.0f}% off", "no adjustment"
    yield "optimism", "", words, case.assuming(grade=worst), case.assuming(adjusted=False)
    lasting = book.persistence
    low, high = (case.assuming(persistence_years=years) for years in (lasting.low, lasting.high))
    yield "persistence", "", (f"{lasting.low} years", f"{lasting.high} years"), low, high
    if case.unmatched:
        low, high = (case.assuming(unmatched_share=share) for share in (book.unmatched.low, book.unmatched.high))
        yield "unmatched", "", ("no benefit", "the same as matched ones"), low, high
    low, high = (case.assuming(cost_times=times) for times in (book.programme_cost.low, book.programme_cost.high))
    yield "cost", "", (f"{book.programme_cost.low:.0%}", f"{book.programme_cost.high:.0%} of it"), low, high


def listed(mix: dict[str, float] | None) -> str:
    """Codes of a mix."""
    return " and ".join(mix or {})
