"""The before/after reading of the same records, as savings calculators make it: shown as a contrast, never as a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.value.case import Case, lines_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculator:
    """Fiscal pounds of one year's before/after change, and how much of it families outside the programme had too.

    Attributes
    ----------
    gross : float
        Change of programme families, before to after, times unit costs.
    comparison : float
        The same for their matched comparison families over the same periods.
    net : float
        The effect times unit costs.
    """

    gross: float
    comparison: float
    net: float

    @property
    def crisis(self) -> float:
        """What is left: programme families joined at a crisis, and the year before was not their usual one; the effect takes an earlier base."""
        return self.gross - self.comparison - self.net


def calculate(case: Case, programme: np.ndarray, comparison: np.ndarray, effects: np.ndarray, outcomes: tuple[str, ...]) -> Calculator:
    """Value before/after changes at the prices and numbers of a case, without scaling down for optimism.

    Parameters
    ----------
    programme, comparison, effects : ndarray, shape (k,)
        After less before of both groups, and the effect, in each outcome's own unit.
    """
    rates = np.zeros(len(outcomes))
    for line in lines_of(case.assuming(adjusted=False)):
        if line.counts_in("fiscal"):
            rates[outcomes.index(line.outcome)] += line.pounds
    return Calculator(gross=float(rates @ programme), comparison=float(rates @ comparison), net=float(rates @ effects))
