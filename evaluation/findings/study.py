"""Everything about one outcome for one report, and about the report's scope: what `content.py` turns into a report's content.

Unprotected numbers on the printed scale; they stay in the room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.findings.beside import Beside
from evaluation.findings.numbers import OutcomeNumbers, change_unit_of
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Estimate
from evaluation.showing import Face, Showing, face_of


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One point of an event study."""

    event_time: int
    label: str
    phase: str  # 'before', 'base', 'left_out', 'after', 'later'
    estimate: float
    lower: float
    upper: float
    behind: int  # units behind the point, as disclosure control counts them (`units_behind`)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """Means of one group by period or event time; NaN where not observed."""

    name: str
    values: np.ndarray
    behind: np.ndarray  # units behind each value, as disclosure control counts them (`units_behind`)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRow:
    """The headline with a base, matched and unmatched; `is_plans` where it is the plan's own, whose matched estimate is the headline."""

    base: str
    matched: Estimate
    unmatched: Estimate
    is_plans: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """The effect over so many months after joining.

    Attributes
    ----------
    fewest : int or None
        Units with, or without, an occurrence in it, whichever is fewer, on either side; None where the outcome is no occurrence.
    """

    months: int
    estimate: Estimate
    fewest: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEstimate:
    """The headline by another estimator or with another comparison group."""

    label: str
    estimate: Estimate
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboGap:
    """One area's gap beside gaps of placebo areas of the same size."""

    area: str
    gap: float
    lower: float
    upper: float
    n_placebo: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupStudy:
    """Effects by the groups of one characteristic, on the printed scale.

    Attributes
    ----------
    fewest : tuple of int
        Units with, or without, an occurrence, whichever is fewer, behind each group; a large number where the outcome is no occurrence.
    p_value : float
        Test that all groups have the same effect; NaN where it cannot be made.
    """

    label: str
    groups: tuple[str, ...]
    estimates: tuple[Estimate, ...]
    fewest: tuple[int, ...]
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """A check in words."""

    name: str
    verdict: str  # 'passed', 'failed', 'not testable', 'information'
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OutcomeStudy(Showing):
    """One outcome in one report."""

    numbers: OutcomeNumbers
    events: tuple[EventRow, ...] = ()
    axis: tuple[str, ...] = ()  # labels of the periods of `lines`
    lines: tuple[GroupLine, ...] = ()
    marks: tuple[tuple[int, str], ...] = ()
    moves: tuple[int, int] = (0, 0)  # sign of the programme's and the comparison's change from the base to the headline
    bases: tuple[BaseRow, ...] = ()
    others: tuple[OtherEstimate, ...] = ()
    windows: tuple[WindowRow, ...] = ()
    placebo: PlaceboGap | None = None
    few_behind: bool = False  # the area's own figures are withheld, because few incidents stand behind some period of them
    checks: tuple[CheckLine, ...] = ()
    denominator: float = float("nan")  # sessions or pupils of the council at the headline, for saying how thinly an effect is spread
    most: float = float("nan")  # the programme's effect had every helped family's whole problem ended
    per_pupil: float = float("nan")  # of these, those of one pupil
    later_note: str = ""
    beside: Beside | None = None
    subgroups: tuple[SubgroupStudy, ...] = ()

    def face(self) -> Face:
        """The change, the effect and its interval, which never stand for each other, and the checks' verdicts counted."""
        numbers, effect = self.numbers, self.numbers.effect
        if effect is None:
            return Face(title=f"{numbers.outcome.label}: {numbers.status.replace('_', ' ')}", notes=(numbers.reason,) if numbers.reason else ())
        row = {"before": numbers.before, "after": numbers.after, "before and after change": numbers.after - numbers.before,
               "effect": effect.estimate, "lower": effect.lower, "upper": effect.upper, "smallest effect shown": numbers.detectable,
               "programme units": effect.n_treated, "comparison units": effect.n_comparison}
        told = ", ".join(f"{count} {verdict}" for verdict, count in Counter(line.verdict for line in self.checks).items())
        return face_of(f"{numbers.outcome.label} ({change_unit_of(numbers.outcome)})", pd.DataFrame([row]),
                       notes=(f"Checks: {told}." if told else "", "Not protected: for those inside."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose report it is.

    Attributes
    ----------
    code : str
        GSS code, or 'all'.
    sample : MatchedSample or None
        Matched sets that the report speaks about; None when there are none.
    counts : name -> int
        'joined', 'matched', 'comparison' units.
    """

    code: str
    name: str
    region: str
    area: str
    area_members: tuple[str, ...]
    words: str  # 'In Bath and North East Somerset'
    sample: MatchedSample | None
    counts: Mapping[str, int]
