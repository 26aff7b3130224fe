"""Which method stands behind a standard error, an interval and a test: one pure decision, with its reasons in words.

The steps were set by simulation (sizes of nominal 5% tests in per cent, 1,500 runs each, Monte Carlo error 0.6; clusters of unequal sizes, lognormal
with spread 0.8, intra-cluster correlation 0.1; ranges over 10, 20, 50 and 150 clusters; first with one effect for all, then with cluster effects that
make the treated clusters' variance 3 times the others').

====================  ===========  ===========  ===========  ===========  ===========  ===========
clusters in the       CR1,         CR2,         CR3,         wild,        random-      the same,
smaller arm           t(G - 1)     Satterthw.   Satterthw.   restricted   isation      studentised
====================  ===========  ===========  ===========  ===========  ===========  ===========
2, one effect         23 - 44      0.0 - 1.7    0.0 - 0.4    0.0 - 2.0    4.5 - 5.5    3.9 - 5.5
2, unequal            31 - 47      1.2 - 3.3    0.3 - 1.4    0.1 - 5.1    11 - 23      8.4 - 10
3 and 4, one effect   13 - 31      1.9 - 5.3    0.5 - 2.1    0.1 - 6.1    4.2 - 5.5    4.1 - 5.4
3 and 4, unequal      15 - 35      3.5 - 6.7    1.3 - 3.3    0.5 - 9.3    7.7 - 22     5.4 - 9.7
5 to 8, one effect    10 - 22      3.9 - 6.8    1.5 - 3.7    4.2 - 5.7    3.6 - 5.8    3.4 - 5.7
5 to 8, unequal       12 - 24      6.1 - 7.7    2.5 - 4.5    5.7 - 7.5    5.7 - 23     5.8 - 8.8
12 to 20, one effect  7.7 - 11     4.7 - 5.9    3.4 - 4.5    4.9 - 5.8    4.1 - 5.7    4.5 - 5.5
12 to 20, unequal     7.4 - 12     5.3 - 6.5    4.1 - 4.9    4.8 - 5.3    7.2 - 19     4.9 - 6.2
====================  ===========  ===========  ===========  ===========  ===========  ===========

So CR1 is too small even with 20 treated of 50 and is used for places only where there are too many for anything else; CR2 from 12 in the smaller arm;
CR3, which never exceeds 5, from 5 to 11; below 5 the studentised randomisation test, flagged. The plain randomisation test needs one effect for all.

Families in matched sets (8,000 runs each; binary outcomes of 5 to 30%, difference-in-differences of shares, counts of variance 3 and 9 times the
mean; no effect or a halved rate; 18 to 300 sets; 1 or 3 comparison families): the t interval of set differences covers 89 to 99, least where few
treated families had an event. Johnson's correction, sign flips and the studentised bootstrap were no better. With fewer than 5 such families,
twice the largest squared contribution is added to the variance (`padded_variance`): binary outcomes and shares are then covered 93.8 to 100 (92.6 in
one design), counts 92.2 to 99, below 94 only where very skewed counts were halved, one comparison family each.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError, PlanError

Regime = Literal["families", "areas"]
Error = Literal["CR1", "CR1_padded", "CR2", "CR3", "none"]
Test = Literal["t", "randomisation", "none"]
Standing = Literal["reliable", "flagged", "none"]
FEW = 5                        # clusters in the smaller arm below which only reassignment tests
SOME = 12                      # from which CR2 holds its size
PLENTY = 20                    # from which the wild bootstrap beside it tells nothing more
MANY = 1_000                   # clusters beyond which CR1 is as good and CR2 is slow
FEW_SETS = 10                  # sets below which a t interval rests on very little
FEW_EVENTS = 5                 # treated families with an event below which it is too short
SMALLEST_SIZE = 20             # assignments below which no p value reaches 5%
ERROR_IN_WORDS = {
    "CR1": "cluster-robust standard errors (CR1) with t on clusters less one degrees of freedom",
    "CR1_padded": "cluster-robust standard errors (CR1), enlarged because few treated families had an event",
    "CR2": "bias-reduced cluster-robust standard errors (CR2) with Satterthwaite degrees of freedom",
    "CR3": "jackknife cluster-robust standard errors (CR3) with Satterthwaite degrees of freedom",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The method for one number.

    Attributes
    ----------
    error : 'CR1', 'CR1_padded', 'CR2', 'CR3' or 'none'
        Behind the standard error and the interval.
    test : 't', 'randomisation' or 'none'
        Behind the p value.
    beside : tuple of str
        Also to be reported: 'wild' (`WildBootstrap`), 'randomisation' (`RandomisationInference`, studentised for areas, within sets for families).
    standing : 'reliable', 'flagged' or 'none'
        Whether the headline may carry the interval; must say 'not reliably testable' beside it; or may carry none.
    words : str
        For the methods section: which and why.
    """

    error: Error
    test: Test
    beside: tuple[str, ...]
    standing: Standing
    words: str


def choose(regime: Regime, *, n_treated: int, n_clusters: int, n_events: int | None = None, reused: bool = False, adjusted: bool = False) -> Choice:
    """The method for a number with so many clusters.

    Parameters
    ----------
    regime : 'families' or 'areas'
        What the programme was assigned to: families within councils, or areas (councils) as wholes.
    n_treated, n_clusters : int
        Clusters with treated units, and all that enter the number. With families these are treated families and matched sets (or families).
    n_events : int, optional
        With families and an outcome that is mostly zero: treated families whose outcome (or change) is not zero.
    reused : bool
        Whether a comparison family serves several sets.
    adjusted : bool
        Whether the number has no sums by cluster from which CR2 and CR3 can be made (covariates, unweighted rows).

    Raises
    ------
    PlanError
        Another regime, or counts that cannot be.

    Notes
    -----
    Thresholds and what they rest on are in the module's docstring. The steps follow MacKinnon, Nielsen and Webb (2023),
    DOI 10.1016/j.jeconom.2022.04.001, except that CR1 has no step of its own for few places.

    Examples
    --------
    >>> choose("areas", n_treated=6, n_clusters=40).error, choose("areas", n_treated=3, n_clusters=40).test
    ('CR3', 'randomisation')
    """
    if regime not in ("families", "areas"):
        raise PlanError(f"`assignment` must be families or areas: it is {regime!r}. Mend the plan.")
    if not 0 <= n_treated <= n_clusters or (n_events is not None and n_events < 0):
        raise PlanError(f"Treated clusters must be among all clusters: they are {n_treated:,} of {n_clusters:,}. Mend the call.")
    return _families(n_clusters, n_events, reused) if regime == "families" else _areas(n_treated, n_clusters, adjusted)


def padded_variance(contributions: np.ndarray) -> float:
    """CR1 variance with twice the largest squared contribution of a cluster added: for events so few that the sample cannot show their spread.

    Parameters
    ----------
    contributions : ndarray, shape (n_clusters,)
        Sums of a number's influence over each cluster; the CR1 variance is n / (n - 1) times the sum of their squares.

    Notes
    -----
    As if two more sets had been seen, as far out as the farthest: with 0 or 1 differences the two pseudo-observations of Agresti and Min (2005),
    DOI 10.1002/sim.1781, without moving the estimate.
    """
    c = np.asarray(contributions, dtype=float)
    if len(c) < 2 or not np.isfinite(c).all():
        raise EstimationError("A variance needs finite contributions of two clusters or more: there are not. Look at the sets.")
    return float(len(c) / (len(c) - 1) * ((c**2).sum() + 2 * (c**2).max()))


def _families(n: int, n_events: int | None, reused: bool) -> Choice:
    if n < 2:
        return Choice(error="none", test="none", beside=(), standing="none", words="One matched set gives no measure of uncertainty.")
    rare, tiny = n_events is not None and n_events < FEW_EVENTS, n < FEW_SETS
    error: Error = "CR1_padded" if rare else "CR1"
    why = ", by set and by comparison family, since comparison families serve several sets" if reused else ", by matched set"
    words = f"Families were assigned within councils, so intervals are from {ERROR_IN_WORDS[error]}{why}. They hold for these councils."
    if tiny:
        words += f" With fewer than {FEW_SETS} sets the number is not reliably testable."
    elif rare:
        words += f" With fewer than {FEW_EVENTS} treated families with an event the number is not reliably testable."
    return Choice(error=error, test="t", beside=() if reused or n > MANY else ("randomisation",), standing="flagged" if tiny or rare else "reliable",
                  words=words)


def _areas(n_treated: int, n: int, adjusted: bool) -> Choice:
    smaller = min(n_treated, n - n_treated)
    if smaller == 0:
        return Choice(error="none", test="none", beside=(), standing="none",
                      words="All areas are in one arm: what happened in them cannot be told from what the programme did.")
    if smaller < FEW:
        return _by_reassignment(n_treated, n, smaller, adjusted)
    few = smaller < SOME
    error: Error = "CR1" if adjusted or n > MANY else "CR3" if few else "CR2"
    because = {"CR1": "since the estimate adjusts for covariates" if adjusted else "of which there are many",
               "CR3": "which do not understate the error with so few areas in one arm", "CR2": "which allow for areas that are few or unequal"}[error]
    flagged = adjusted and few
    words = f"Whole areas were assigned, so intervals are from {ERROR_IN_WORDS[error]}, by area, {because}."
    if flagged:
        words += f" With fewer than {SOME} areas in one arm these are too short: the number is not reliably testable."
    beside = () if smaller >= PLENTY or n > MANY else ("randomisation",) if adjusted else ("wild",)
    return Choice(error=error, test="t", beside=beside, standing="flagged" if flagged else "reliable", words=words)


def _by_reassignment(n_treated: int, n: int, smaller: int, adjusted: bool) -> Choice:
    ways = math.comb(n, n_treated)
    words = (f"Whole areas were assigned and one arm has fewer than {FEW}, so the test asks how often another choice of areas, had any been as "
             "likely, would have given as large an effect; the number is not reliably testable.")
    if ways < SMALLEST_SIZE:
        words += f" There are {ways:,} such choices, too few for any effect to be distinguished at 5%."
    if smaller == 1:
        return Choice(error="none", test="randomisation", beside=(), standing="none", words=words + " One area gives no standard error.")
    return Choice(error="CR1" if adjusted else "CR3", test="randomisation", beside=(), standing="flagged", words=words)
