"""Who stands behind the numbers of a report on families: how long supported, in whose population, unlike whom, and what may have reached whom.

Unprotected numbers of one report; `families_behind` makes its content from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from evaluation.panel.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownOut:
    """Programme families with a member in a population when they joined, and those whose last one had grown out of it by the headline's end.

    Attributes
    ----------
    members, label : str
        Name of the population, and in words.
    everywhere : (int, int)
        Both counts for all places together.
    """

    members: str
    label: str
    n_existing: int
    n_grown: int
    everywhere: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSets:
    """The sets behind an outcome: those in which it exists on both sides.

    Attributes
    ----------
    members, whom : str
        Name of the outcome's population, and the population in words; '' and the family itself where it needs no member.
    smd : float
        Largest standardised difference after matching among all such sets of the study, and `covariate`, in which it is; NaN where there is none.
    """

    outcome: str
    label: str
    members: str
    whom: str
    smd: float
    covariate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Quarters of the headline in which an outcome was observed for one arm, and why it was not in the others.

    Attributes
    ----------
    quarters, families : Status -> int
        Pairs of family and quarter, and different families behind them.
    n_families : int
        Different families of the arm.
    """

    label: str
    arm: Literal["programme", "comparison"]
    quarters: Mapping[Status, int]
    families: Mapping[Status, int]
    n_families: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationNumbers:
    """All of one report, unprotected.

    Attributes
    ----------
    headline : (int, int)
        First and last quarter after joining that the effects speak about.
    windows, exits : DataFrame
        As `panel.windows.exposures` and `exits` make them, of this report's programme families; `reasons` are the exits' words by code.
    median_days : float
        Of support; NaN where over half of the families were still supported.
    left_out : DataFrame
        As `matching.left_out_table` makes it, of all places together, with a column `label`; empty where nobody was left out.
    n_left_out : int
        Programme families of all places without a match.
    seen, seen_everywhere : tuple of Seen
        Of this report's matched families, and of those of all places, in the same order; none of this report where nobody is matched.
    ways, ways_everywhere : DataFrame
        As `panel.spillover` makes them, of this report's matched families (empty where there are none), and of those of all places.
    together : bool
        Whether the report is one on all places.
    """

    headline: tuple[int, int]
    n_joined: int
    n_matched: int
    n_comparison: int
    n_joined_everywhere: int
    windows: pd.DataFrame
    exits: pd.DataFrame
    reasons: Mapping[str, str]
    median_days: float
    grown_out: tuple[GrownOut, ...]
    complete: tuple[CompleteSets, ...]
    left_out: pd.DataFrame
    n_left_out: int
    seen: tuple[Seen, ...]
    seen_everywhere: tuple[Seen, ...]
    ways: pd.DataFrame
    ways_everywhere: pd.DataFrame
    together: bool
