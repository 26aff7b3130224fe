"""Coarsened exact matching: covariates are cut into bins, and rows that agree on every bin are compared, as whole cells or in pairs."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.candidates import Candidates, is_numeric
from evaluation.matching.cells import cells_of, refuse_constant, sets_of_cells, values_of
from evaluation.matching.coordinates import WORDS, coordinates_of
from evaluation.matching.matcher import Matcher
from evaluation.matching.options import refuse
from evaluation.matching.problem import Problem, Sets
from evaluation.matching.search.distances import KINDS, Kind
from evaluation.matching.search.pairing_on_coordinates import pair_on_coordinates
from evaluation.matching.subclassification import quantile_cuts

UNCUT = "exact"
Cut = int | str | Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarsenedExact(Matcher):
    """Rows that agree on the bins of all covariates, inside entry periods; everyone else is left out.

    Numbers are cut into bins; text, and numbers with two values, are matched as they are unless they are grouped.

    Attributes
    ----------
    cutpoints : int, str or mapping of column to one of them or to a list of numbers
        How numbers are cut: a number of bins of equal width between the smallest and the largest value (1: the column is not matched on, only shown
        in the balance table); 'sturges', 'scott' or 'fd', which choose such a number; 'q4', 'q5', ... for quantiles; 'exact' for no cutting; or the
        cut points themselves. A value equal to a cut point falls above it. Columns that a mapping does not name are cut by 'sturges'.
    grouping : mapping of column to lists of its values
        Values that count as one. Those in no list stay as they are.

    Notes
    -----
    Bins are made from all complete rows of both sides and of all entry periods. Weights: for the effect on the treated, 1 and
    n_treated / n_comparison of the cell; for the effect on all, n / n_side. Checked against MatchIt 4.7.2, whose 0 is 'exact' here.

    References
    ----------
    Iacus, King and Porro (2012), DOI 10.1093/pan/mpr013.
    Sturges (1926), DOI 10.1080/01621459.1926.10502161; Scott (1979), DOI 10.1093/biomet/66.3.605; Freedman and Diaconis (1981),
    DOI 10.1007/BF01025868 (numbers of bins, as R's `nclass`).

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "age": [30, 20, 50, 52, 38]})
    >>> found = CoarsenedExact(covariates=("age",), cutpoints={"age": [25, 40]}).match(Candidates.of_table(table, treated="joined"))
    >>> found.subclass().tolist()
    [0, -1, 1, 1, 0]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    KIND: ClassVar[str] = "strata"
    cutpoints: Cut | Mapping[str, Cut] = "sturges"
    grouping: Mapping[str, Sequence[Sequence[object]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        check_coarsening(self, self.cutpoints, self.grouping)

    def uses_score(self) -> bool:
        return False

    def solve(self, problem: Problem) -> Sets:
        """Cells of equal bins inside strata."""
        return sets_of_cells(problem, coarse_cells(problem, self.covariates, self.cutpoints, self.grouping), self.estimand)

    def in_words(self) -> str:
        return f"coarsened exact matching on {coarsening_words(self)}, {self.common_words()[1]}"

    def plain_method(self) -> str:
        return f"Units are compared with units that fall into the same bands {coarsening_words(self)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarsenedPairs(CoarsenedExact):
    """Pairs of near rows inside the cells of coarsened exact matching; each row is used once.

    Equal numbers of both sides in every cell, at the price of rows: for tests and tables that need pairs. Whole cells keep more.

    Attributes
    ----------
    distance : 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        On all covariates, before they are cut; see `whitened`.
    order : 'closest', 'farthest' or 'data'
        Which pair is made first: the nearest of all, the farthest, or that of the focal row with the smallest identifier.

    Notes
    -----
    MatchIt's `k2k`, against which pairs were checked (version 4.7.2); its order is that of the rows unless told otherwise.

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "age": [30, 26, 50, 52, 38]})
    >>> found = CoarsenedPairs(covariates=("age",), cutpoints={"age": [25, 40]}).match(Candidates.of_table(table, treated="joined"))
    >>> found.pairs()[["treated", "comparison"]].to_numpy().tolist()
    [[2, 3], [0, 1]]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC")
    KIND: ClassVar[str] = "pairs"
    distance: Kind = "mahalanobis"
    order: Literal["closest", "farthest", "data"] = "closest"

    def __post_init__(self) -> None:
        CoarsenedExact.__post_init__(self)
        refuse(self.distance not in KINDS, f"`matching.distance` must be {', '.join(KINDS[:-1])} or {KINDS[-1]}: it is {self.distance!r}.")
        refuse(self.order not in ("closest", "farthest", "data"), f"`matching.order` must be closest, farthest or data: it is {self.order!r}.")

    def solve(self, problem: Problem) -> Sets:
        """The nearest pairs inside cells of equal bins."""
        cell = coarse_cells(problem, self.covariates, self.cutpoints, self.grouping)
        z = coordinates_of(problem, self.covariates, self.distance, n_history=len(self.history))
        pairs = pair_on_coordinates(replace(problem, stratum=cell), z, first=problem.rows.id, ratio=1,
                                    by_distance={"closest": 1, "farthest": -1, "data": 0}[self.order])
        return Sets.of_pairs(pairs)

    def in_words(self) -> str:
        how = {"closest": "nearest pairs first", "farthest": "farthest pairs first", "data": "in the order of identifiers"}[self.order]
        return (f"1:1 pairs without replacement by {WORDS[self.distance]} distance ({how}) inside the cells of "
                f"{CoarsenedExact.in_words(self)}")

    def plain_method(self) -> str:
        return f"Each unit is paired with the most similar unused unit among those that fall into the same bands {coarsening_words(self)}."


def check_coarsening(spec: Matcher, cutpoints: object, grouping: Mapping[str, object]) -> None:
    """Refuse what cannot be cut."""
    refuse(not spec.covariates, "`matching.covariates` of coarsened exact matching must name at least one column.")
    refuse(spec.formula is not None, "`matching.formula` is for a score: coarsened exact matching has none.")
    by_name = cutpoints if isinstance(cutpoints, Mapping) else {"every column": cutpoints}
    for name, cut in by_name.items():
        refuse(not _is_cut(cut), "`matching.cutpoints` must be a number of bins from 1 up, sturges, scott, fd, q and a number from 2 up, exact, or a "
               f"list of finite cut points: {name!r} has {cut!r}.")
    for field_name, named in (("cutpoints", cutpoints if isinstance(cutpoints, Mapping) else ()), ("grouping", grouping)):
        strange = [name for name in named if name not in spec.covariates and not name.startswith("history of ")]
        refuse(bool(strange), f"`matching.{field_name}` must name covariates: {', '.join(map(repr, strange))} is not one.")
    both = [name for name in grouping if isinstance(cutpoints, Mapping) and name in cutpoints]
    refuse(bool(both), f"A column is either cut or grouped: {', '.join(map(repr, both))} stands in `matching.cutpoints` and `matching.grouping`.")
    for name, groups in grouping.items():
        members = [] if isinstance(groups, str) or any(isinstance(group, str) for group in groups) else [one for group in groups for one in group]
        refuse(not members or len(set(members)) < len(members),
               f"`matching.grouping` must hold lists of values, each value once: {name!r} does not.")


def _is_cut(cut: object) -> bool:
    if isinstance(cut, str):
        return cut in (*RULES, UNCUT) or (cut[:1] == "q" and cut[1:].isdigit() and int(cut[1:]) >= 2)
    if isinstance(cut, int | np.integer):
        return not isinstance(cut, bool) and cut >= 1
    numbers = isinstance(cut, Sequence | np.ndarray) and len(cut) > 0 and all(isinstance(one, int | float | np.number) for one in cut)
    return numbers and bool(np.isfinite(cut).all())


def coarsening_words(spec: Matcher) -> str:
    """The covariates and how they are cut, as a methods section may print it."""
    def said(cut: object) -> str:
        words = {"sturges": "bins by Sturges' rule", "scott": "bins by Scott's rule", "fd": "bins by the Freedman-Diaconis rule", UNCUT: "not cut"}
        if isinstance(cut, str):
            return words.get(cut) or f"{cut[1:]} quantile groups"
        return f"{cut} bins" if isinstance(cut, int | np.integer) else f"cut at {', '.join(f'{one:g}' for one in cut)}"
    by_name = spec.cutpoints if isinstance(spec.cutpoints, Mapping) else {}
    rest = "bins by Sturges' rule" if isinstance(spec.cutpoints, Mapping) else said(spec.cutpoints)
    own = "".join(f"; {name}: {said(cut)}" for name, cut in by_name.items())
    grouped = "".join(f"; {name}: values grouped" for name in spec.grouping)
    first, last = spec.history_window
    names = (*spec.covariates, *(f"history of {name} over event times {first} to {last}" for name in spec.history))
    return f"({', '.join(names)}; numbers in {rest}{own}{grouped})"


def coarse_cells(problem: Problem, covariates: Sequence[str], cutpoints: object, grouping: Mapping[str, Sequence[Sequence[object]]]) -> np.ndarray:
    """One integer per combination of stratum and bins, without gaps; -1 where the stratum is; shape (n,)."""
    refuse_constant(problem, covariates)
    codes = []
    for name in (*covariates, *(one for one in problem.names if one.startswith("history of "))):
        cut = cutpoints.get(name, "sturges") if isinstance(cutpoints, Mapping) else cutpoints
        if name in grouping:
            codes.append(_grouped(problem.rows, name, grouping[name]))
        elif name in problem.names:
            codes.append(binned(values_of(problem, name), cut))
        else:
            refuse(isinstance(cutpoints, Mapping) and name in cutpoints,
                   f"`matching.cutpoints` must name columns of numbers: {name!r} is not one. Use `matching.grouping` for it.")
            codes.append(pd.factorize(values_of(problem, name), sort=True)[0])
    return cells_of(problem.stratum, codes)


def binned(x: np.ndarray, cut: Cut) -> np.ndarray:
    """Bin of each value, from 0 up; shape (n,). Two values stay two, whatever the cut, unless it gives the points."""
    if not isinstance(cut, str | int | np.integer):
        points = np.asarray(cut, dtype=float)
    elif isinstance(cut, str) and cut.startswith("q"):
        points = quantile_cuts(x, np.arange(1, int(cut[1:])) / int(cut[1:]))
    elif cut == UNCUT or (cut != 1 and len(pd.unique(x)) <= 2):
        return pd.factorize(x, sort=True)[0]
    else:
        points = np.linspace(x.min(), x.max(), (RULES[cut](x) if isinstance(cut, str) else int(cut)) + 1)[1:-1]
    return np.searchsorted(np.unique(points), x, side="right")


def sturges(x: np.ndarray) -> int:
    """Number of bins by Sturges' rule."""
    return int(np.ceil(np.log2(len(x)) + 1))


def scott(x: np.ndarray) -> int:
    """Number of bins by Scott's rule."""
    spread = np.sqrt(np.sort(x).var(ddof=1))                   # added up in one order, whatever that of the rows
    return _bins_of_width(x, 3.5 * spread * len(x) ** (-1 / 3))


def freedman_diaconis(x: np.ndarray) -> int:
    """Number of bins by the Freedman-Diaconis rule, from values to 5 digits; from wider quantiles where the quartiles agree (as R's `nclass.FD`)."""
    short = _to_digits(x, 5)
    for share in 1 / 2.0 ** np.arange(2, 10):                  # 1/4, 1/8, ... 1/512
        low, high = quantile_cuts(short, [share, 1 - share])
        if high > low:
            return _bins_of_width(x, (2.0 if share == 1 / 4 else 1 / (1 - 2 * share)) * (high - low) * len(x) ** (-1 / 3))
    return scott(x)


RULES: Mapping[str, Callable[[np.ndarray], int]] = {"sturges": sturges, "scott": scott, "fd": freedman_diaconis}


def _bins_of_width(x: np.ndarray, width: float) -> int:
    return max(1, int(np.ceil((x.max() - x.min()) / width))) if width > 0 else 1


def _to_digits(x: np.ndarray, digits: int) -> np.ndarray:
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(np.where(x == 0, 1.0, x)))))
    return np.where(x == 0, 0.0, np.round(x * scale) / scale)


def _grouped(rows: Candidates, name: str, groups: Sequence[Sequence[object]]) -> np.ndarray:
    """Codes of a column where the values of each group count as one; shape (n,)."""
    values = rows.column(name)
    code, levels = pd.factorize(values, sort=True)
    place = {level: k for k, level in enumerate(levels)}
    absent = [one for group in groups for one in group if one not in place]
    if absent:
        raise PlanError(f"`matching.grouping` must name values that are there: {len(absent)} of those of {name!r} are not. "
                        f"{'They are numbers in the table. ' if is_numeric(values) and isinstance(absent[0], str) else ''}Mend the plan.")
    number = np.arange(len(levels))
    for group in groups:
        number[[place[one] for one in group]] = place[group[0]]
    return number[code]
