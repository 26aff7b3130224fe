"""The appraisal: effects as draws times pounds per unit of effect, less what the programme cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.value.case import Case, Line, lines_of
from evaluation.value.draws import JointEffects
from evaluation.value.timeline import label_of

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Pounds with the 95% interval that the draws of effects give; negative is a loss."""

    mean: float
    lower: float
    upper: float

    def less(self, cost: float) -> Money:
        """The same less a cost that is known."""
        return Money(mean=self.mean - cost, lower=self.lower - cost, upper=self.upper - cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised:
    """What a programme's effects are worth.

    Attributes
    ----------
    case : Case
    effects : JointEffects
    lines : tuple of Line
    draws : ndarray, shape (n_draws, k)
        Effects, in the order of `effects.outcomes`.
    cost : float
        Discounted cost of delivery.
    """

    case: Case
    effects: JointEffects
    lines: tuple[Line, ...]
    draws: np.ndarray
    cost: float

    def gain(self, chosen: Callable[[Line], bool]) -> Money:
        """Benefits of the lines chosen; 0 where there is none."""
        rates = np.zeros(len(self.effects.outcomes))
        for line in self.lines:
            if chosen(line):
                rates[self.effects.outcomes.index(line.outcome)] += line.pounds
        return money(self.draws @ rates, float(self.effects.estimates @ rates))

    def benefit(self, lens: str = "fiscal") -> Money:
        """All benefits of a lens."""
        return self.gain(lambda line: line.counts_in(lens))

    def is_priced(self, lens: str) -> bool:
        """Whether the unit costs hold anything of a lens."""
        return any(line.counts_in(lens) for line in self.lines)

    def net(self, lens: str = "fiscal") -> Money:
        """Net present value: benefits less the cost of delivery."""
        return self.benefit(lens).less(self.cost)

    def ratio(self, lens: str = "fiscal") -> float:
        """Benefit-cost ratio: mean benefits over costs; NaN without costs."""
        return self.benefit(lens).mean / self.cost if self.cost > 0 else float("nan")

    def probability(self, lens: str = "fiscal") -> float:
        """Share of the draws in which benefits exceed costs."""
        rates = np.array([sum(line.pounds for line in self.lines if line.outcome == name and line.counts_in(lens)) for name in self.effects.outcomes])
        return float(np.mean(self.draws @ rates > self.cost))

    def cashable(self, ends: str = "share") -> Money:
        """Fiscal benefits that are money to spend elsewhere; `ends` 'low' or 'high' takes the ends of each class's share."""
        classes = self.case.book.valuations.cashable
        rates = np.zeros(len(self.effects.outcomes))
        for line in (line for line in self.lines if line.counts_in("fiscal")):
            rates[self.effects.outcomes.index(line.outcome)] += line.pounds * getattr(classes[line.part.cashable], ends)
        return money(self.draws @ rates, float(self.effects.estimates @ rates))

    def payback(self, lens: str = "fiscal") -> str | None:
        """The financial year at whose end mean benefits so far have repaid costs so far, for good; None where they never do."""
        stream, discounts = self.case.timeline(), self.case.discounts()
        effect = stream.unit_years * discounts
        gains = self.benefit(lens).mean * effect / effect.sum()
        ahead = np.cumsum(gains - stream.costs * discounts) >= 0
        if not ahead[-1]:
            return None
        behind = np.flatnonzero(~ahead)
        return label_of(stream.first + (int(behind[-1]) + 1 if len(behind) else 0))


def money(draws: np.ndarray, mean: float) -> Money:
    """A mean with the interval of its draws."""
    tail = 100 * (1 - LEVEL) / 2
    lower, upper = np.percentile(draws, [tail, 100 - tail])
    return Money(mean=mean, lower=float(lower), upper=float(upper))


def appraise(case: Case, effects: JointEffects, *, n_draws: int, rng: np.random.Generator) -> Appraised:
    """Value effects and set them against the cost.

    Parameters
    ----------
    n_draws : int
        At least 1,000, so that the ends of an interval stand on 25 draws or more.
    rng : Generator
        From the plan's seed.
    """
    return Appraised(case=case, effects=effects, lines=lines_of(case), draws=effects.draws(n_draws, rng), cost=cost_of(case))


def cost_of(case: Case) -> float:
    """Discounted cost of delivery."""
    return float(case.timeline().costs @ case.discounts())


def by_agency(appraised: Appraised, agencies: Sequence[str]) -> dict[str, Money]:
    """Fiscal benefits by agency."""
    return {name: appraised.gain(lambda line, name=name: line.agency == name and line.counts_in("fiscal")) for name in agencies}
