"""What methods that make pairs share: the ratio, calipers on the score and on columns, columns that must differ, and looking nearby first."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from evaluation.matching.caliper import INSIDE, Unit, caliper_column, on_score_in_plain_words, on_score_in_words, width_of
from evaluation.matching.candidates import Candidates
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import as_tuple, check_above_zero, check_whole, check_widths, listed, refuse
from evaluation.matching.problem import Limit, Problem, Sets
from evaluation.matching.strata import cut_further


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMatcher(Matcher):
    """Options of methods that make pairs.

    Attributes
    ----------
    ratio : int
        Comparison units wanted per treated unit.
    caliper : float or None
        Largest distance on the score; the bound itself is inside.
    caliper_unit : 'sd' or 'absolute'
        Standard deviations (n - 1) of the score over all rows that are not discarded, or units of the score.
    covariate_calipers : mapping of column to width
        Largest distance on a named column; with a negative width rows must be farther apart than that.
    covariate_caliper_unit : 'sd' or 'absolute'
        Standard deviations (n - 1) of the column, or its own unit.
    anti_exact : tuple of str
        Columns on which matched rows must differ.
    tiers : tuple of str
        Columns inside whose values comparison units are sought first, nearest first ('council_code', 'region'); a treated unit without any is sought
        in the next, and at last everywhere.
    """

    ratio: int = 1
    caliper: float | None = 0.2
    caliper_unit: Unit = "sd"
    covariate_calipers: Mapping[str, float] = field(default_factory=dict)
    covariate_caliper_unit: Unit = "sd"
    anti_exact: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        for name in ("anti_exact", "tiers"):
            as_tuple(self, name)
        check_whole(self, "ratio", least=1)
        check_above_zero(self, "caliper")
        check_widths(self, "covariate_calipers")
        for name in ("caliper_unit", "covariate_caliper_unit"):
            refuse(getattr(self, name) not in ("sd", "absolute"), f"`matching.{name}` must be sd or absolute: it is {getattr(self, name)!r}.")
        both = sorted(set(self.exact) & set(self.anti_exact))
        refuse(bool(both), f"`matching.anti_exact` must not name a column of `matching.exact`: {', '.join(both)}.")
        refuse(self.estimand == "ATE" and bool(self.tiers), "`matching.tiers` is for the effect on one side: for ATE leave it out.")

    def reach(self, score: np.ndarray) -> float:
        return width_of(self.caliper, self.caliper_unit, score)

    def also_needed(self, rows: Candidates) -> tuple[np.ndarray, tuple[str, ...]]:
        names = tuple(self.covariate_calipers)
        return (np.column_stack([caliper_column(rows, name) for name in names]) if names else np.empty((len(rows), 0))), names

    def limits(self, rows: Candidates) -> tuple[tuple[Limit, ...], tuple[np.ndarray, ...]]:
        limits = []
        for name, width in self.covariate_calipers.items():
            values = caliper_column(rows, name)
            refuse(not ((values > values.min()) & (values < values.max())).any(),
                   f"`matching.covariate_calipers` must name columns of numbers with more than two values: {name!r} is not one. "
                   "Use `matching.exact` for it.")
            limits.append(Limit(name=name, values=values, width=width_of(width, self.covariate_caliper_unit, values) * (1 + INSIDE)))
        return tuple(limits), tuple(pd.factorize(rows.column(name))[0] for name in self.anti_exact)

    def solve_in_tiers(self, problem: Problem) -> tuple[Sets, np.ndarray | None]:
        """Match inside the nearest tier first; those left over in the next; at last everywhere."""
        if not self.tiers:
            return self.solve(problem), None
        parts, origins, left = [], [], problem.focal.copy()
        capacity = problem.capacity.copy()
        for tier in (*self.tiers, ""):
            near = problem.stratum if not tier else cut_further(problem.stratum, problem.rows.column(tier))
            use = np.flatnonzero(left | ~problem.focal)
            part = self.solve(replace(problem.keep(use), stratum=near[use], capacity=capacity[use]))
            reason = np.zeros(len(problem), dtype=np.int8)
            reason[use] = part.reason
            part = replace(part, focal=use[part.focal], other=use[part.other], reason=reason)
            left[part.focal] = False
            capacity -= np.bincount(part.other, minlength=len(problem))
            parts.append(part)
            origins.append(np.full(len(part.other), tier or "elsewhere", dtype=object))
            if not left.any():
                break
        return Sets.joined(parts), np.concatenate(origins)

    def columns_used(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*Matcher.columns_used(self), *self.covariate_calipers, *self.anti_exact, *self.tiers)))

    def plain_rules(self, label: Callable[[str], str]) -> list[str]:
        rules = Matcher.plain_rules(self, label)
        if self.caliper is not None and self.plain_caliper() not in self.plain_method():
            rules.append(f"Matched units are no further than {self.plain_caliper()} apart.")
        unit = " standard deviations" if self.covariate_caliper_unit == "sd" else ""
        for name, width in self.covariate_calipers.items():
            rules.append(f"They differ by {'at most' if width > 0 else 'more than'} {abs(width):g}{unit} in {label(name)}.")
        if self.anti_exact:
            rules.append(f"They differ in {listed([label(name) for name in self.anti_exact])}.")
        if self.tiers:
            near = ", then ".join(f"of the same {label(name)}" for name in self.tiers)
            rules.append(f"Comparison units {near} are sought first, and others only where there are none.")
        return rules

    def plain_caliper(self) -> str:
        """The caliper's width for a reader without statistics."""
        return on_score_in_plain_words(self.caliper, self.caliper_unit)

    def caliper_words(self) -> str:
        """The caliper as a methods section may print it."""
        deviations = "standard deviations " if self.covariate_caliper_unit == "sd" else ""
        near = "".join(f", and {'more than ' if width < 0 else ''}{abs(width):g} {deviations}of {name}"
                       for name, width in self.covariate_calipers.items())
        near += "".join(f"{', first' if k == 0 else ', then'} inside {name.replace('_', ' ')}" for k, name in enumerate(self.tiers))
        differ = f", different {', '.join(name.replace('_', ' ') for name in self.anti_exact)}" if self.anti_exact else ""
        if self.caliper is None:
            return f"no caliper on the score{near}{differ}" if near or differ else "no caliper"
        return f"{on_score_in_words(self.caliper, self.caliper_unit, self.score.scale)}{near}{differ}"
