"""Synthetic difference-in-differences: donors weighted as in a synthetic comparison, and periods before weighted to foretell those after.

Everything but the two sets of weights is shared with `synthetic_control.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.errors import PlanError
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects
from evaluation.models.matched_did import checked_window
from evaluation.models.synthetic_control import check_periods_before, effects_of
from evaluation.models.synthetic_series import Block, Donors, series_of
from evaluation.models.synthetic_weights import Discrepancy, nearest_in_hull, spread
from evaluation.panel.types import Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDiD:
    """Change of a treated area from a weighted mean of periods before, less the same change of weighted donors.

    Donor weights reproduce the area's course before entry up to a constant, drawn together by a ridge; period weights make the donors' past foretell
    their mean after entry, up to a constant. Assumes that what either set of weights leaves unbalanced averages out; nothing of the programme was
    felt before `anticipation`, nor by donors. Each treated area has its own weights.

    Attributes
    ----------
    donors : 'never' or 'notyet'
        As in `SyntheticControl`.
    window : (int, int)
        First and last event time. Period weights are made for the mean of all event times from 0 to its end.
    anticipation : int

    Notes
    -----
    The ridge of the donor weights is sqrt(members x periods after) times the variance of the donors' first differences before (eq. 5). Influence and
    `synthetic_study` are as with `SyntheticControl`. The exact minimum is taken, not the sparse near-minimum of the authors' program.

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), DOI 10.1257/aer.20190159, algorithm 1, eq. 4 to 6. Checked against R quadprog (exact) and
    synthdid 0.0.9 on stored results.
    """

    donors: Donors = "never"
    window: tuple[int, int] = (-8, 8)
    anticipation: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "window", checked_window(self.window, self.anticipation))
        if self.donors not in ("never", "notyet"):
            raise PlanError(f"`estimator.donors` must be one of never, notyet: it is {self.donors!r}. Mend the plan.")
        check_periods_before(self.window, self.anticipation)

    @property
    def covariates(self) -> tuple[str, ...]:
        """None: the weights look at the outcome alone."""
        return ()

    def fit(self, sample: MatchedSample | Panel, outcome: str, *, calendar: Sequence[int] = ()) -> Effects:
        """Gaps by entry cohort and event time; see `SyntheticControl.fit`."""
        return effects_of(series_of(self, sample, outcome, calendar=calendar))

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        whom = {"never": "never treated", "notyet": "not yet treated"}[self.donors]
        return f"synthetic difference-in-differences: {whom} donors weighted to the treated area's course, periods before weighted to those after"

    def weigh(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the donors, and of the event times before whose mean is taken off."""
        before = block.donors[:, block.before]
        noise = float(np.std(np.diff(before, axis=1), ddof=1))
        ridge = np.sqrt(block.n_members * max(int(block.after.sum()), 1)) * noise**2 / spread(before, demeaned=True) ** 2
        how = Discrepancy(demeaned=True, ridge=ridge, importance=np.empty(0))
        base = np.zeros(len(block.area))
        base[block.before] = period_weights(before, block.donors[:, block.after])
        return how.weights(block.area[block.before], before, block.x, block.donors_x), base


def period_weights(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Weights of periods before, 0 or more with sum 1, whose weighted mean comes nearest to the donors' mean after, up to a constant.

    Parameters
    ----------
    before, after : ndarray, shape (n_donors, n_before) and (n_donors, n_after)
        Equal weights where there is no period after.
    """
    if not after.shape[1]:
        return np.full(before.shape[1], 1 / before.shape[1])
    distance = before - after.mean(axis=1, keepdims=True)
    return nearest_in_hull((distance - distance.mean(axis=0)).T)
