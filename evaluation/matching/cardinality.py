"""Cardinality matching: the largest sample whose means agree as nearly as was asked for."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError
from evaluation.matching.balance import Sides, Term, full_table, risk_set_weights
from evaluation.matching.cells import refuse_constant, with_both_sides
from evaluation.matching.coordinates import WORDS, coordinates_of
from evaluation.matching.matcher import Estimand, Matcher
from evaluation.matching.options import as_tuple, refuse
from evaluation.matching.problem import (
    CANNOT_BE_BALANCED,
    COVARIATE_MISSING,
    MATCHED,
    NO_COMPARISON_IN_STRATUM,
    NOT_SELECTED,
    STRATUM_MISSING,
    Pairs,
    Problem,
    Sets,
)
from evaluation.matching.search.assignment import pair_by_assignment
from evaluation.matching.search.distances import KINDS, Kind
from evaluation.matching.search.selection import Program, Selection, equal_counts, largest_selection, least_excess, thinned


@dataclass(frozen=True, slots=True, kw_only=True)
class CardinalityMatching(Matcher):
    """The largest selection of rows in which the means of every covariate differ by no more than a tolerance: balance is stated, not hoped for.

    What is selected depends on whose effect is wanted. ATT: every treated row is kept, with as many comparison rows as resemble the treated;
    ATC: the other way round. ATE: from each side as many rows as resemble all. ATM: from both sides as many rows as resemble each other, `ratio`
    comparison rows for each treated one; the effect is then that on the treated who are selected, and on the treated only if all of them are.
    The selection of each entry period and exact stratum is one set.

    Attributes
    ----------
    tolerance : float
        Largest difference of means, in standard deviations before matching (those of the balance table).
    tolerances : mapping of column to float
        Other tolerances for some columns; a text column's holds for each of its levels.
    tolerance_unit : 'sd' or 'absolute'
        Whether tolerances are in standard deviations or in the units of the columns.
    ratio : int
        Comparison rows per treated row, for ATM only.
    within : 'stratum' or 'sample'
        Whether means must agree inside every entry period and exact stratum, or over all of them together, with the ratio kept in each (ATM only).
    fine : tuple of str
        Columns whose values must be as frequent on both sides, exactly (ATM only).
    gap : float
        How far from the largest the selection may be, as a share, before the search stops.
    time_limit : float
        Seconds for the search in all.

    Notes
    -----
    With `formula`, the means of its columns must agree (squares, products), rather than those of the covariates; `tolerances` then names them. How
    near to the largest a selection is, is said in the match's notes. Of rows that are alike, those with the smaller id are selected. With several
    entry periods one row may be selected in each. A stratum in which nothing keeps the tolerances is left out, with the reason
    'cannot_be_balanced'. Sizes of selections were checked against MatchIt 4.7.2 with HiGHS, whose cardinality matching (ratio 1) is ATM here, with
    the deviations of the treated.

    References
    ----------
    Zubizarreta, Paredes and Rosenbaum (2014), DOI 10.1214/13-AOAS713 (cardinality matching).
    Cohn and Zubizarreta (2022), DOI 10.1097/EDE.0000000000001517 (profile matching: ATT, ATC and ATE).
    Rosenbaum, Ross and Silber (2007), DOI 10.1198/016214506000001059 (fine balance).

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "age": [30, 29, 50, 52, 80]})
    >>> found = CardinalityMatching(covariates=("age",), tolerance=0.1).match(Candidates.of_table(table, treated="joined"))
    >>> found.raw_weights().tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    >>> found.notes
    ('2 of 3 comparison rows are selected: no selection that keeps the tolerances has more.',)
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE", "ATM")
    KIND: ClassVar[str] = "strata"
    tolerance: float = 0.05
    tolerances: Mapping[str, float] = field(default_factory=dict)
    tolerance_unit: Literal["sd", "absolute"] = "sd"
    ratio: int = 1
    within: Literal["stratum", "sample"] = "stratum"
    fine: tuple[str, ...] = ()
    gap: float = 0.005
    time_limit: float = 60.0

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        as_tuple(self, "fine")
        refuse(not (self.covariates or self.formula), "`matching.covariates` of cardinality matching must name at least one column.")
        for name, width in (("tolerance", self.tolerance), *((f"tolerances[{name!r}]", width) for name, width in self.tolerances.items())):
            refuse(not (np.isfinite(width) and width >= 0), f"`matching.{name}` must be a number from 0 up: it is {width}.")
        refuse(self.tolerance_unit not in ("sd", "absolute"), f"`matching.tolerance_unit` must be sd or absolute: it is {self.tolerance_unit!r}.")
        refuse(self.within not in ("stratum", "sample"), f"`matching.within` must be stratum or sample: it is {self.within!r}.")
        refuse(self.ratio < 1, f"`matching.ratio` must be at least 1: it is {self.ratio}.")
        for name, given in (("ratio", self.ratio != 1), ("within", self.within != "stratum"), ("fine", bool(self.fine))):
            refuse(given and self.estimand != "ATM", f"`matching.{name}` of cardinality matching goes with the estimand ATM, which selects from both "
                   f"sides: the estimand is {self.estimand}, which takes as many as balance allows.")
        refuse(not 0 <= self.gap < 1, f"`matching.gap` must be a share from 0 up and below 1: it is {self.gap}.")
        refuse(not self.time_limit > 0, f"`matching.time_limit` must be seconds above 0: it is {self.time_limit}.")

    def uses_score(self) -> bool:
        return False

    def columns_used(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*Matcher.columns_used(self), *self.fine)))

    def solve(self, problem: Problem) -> Sets:
        """One set of the rows selected in each stratum."""
        chosen = self.chosen(problem)
        return replace(Sets.of_strata(np.where(chosen.rows, problem.stratum, -1), problem.focal, self.estimand, chosen.reason), notes=chosen.notes)

    def chosen(self, problem: Problem) -> Chosen:
        """The rows selected, and why the others are not.

        Raises
        ------
        CommonSupportError
            No selection keeps the tolerances.
        """
        terms = self._terms(problem)
        groups = [pd.factorize(problem.rows.column(name), sort=True)[0] for name in self.fine]
        known = np.all([np.ones(len(problem), dtype=bool), *(code >= 0 for code in groups)], axis=0)
        can = with_both_sides(np.where(known, problem.stratum, -1), problem.focal)
        reason = np.select([problem.stratum < 0, ~known, ~can], [STRATUM_MISSING, COVARIATE_MISSING, NO_COMPARISON_IN_STRATUM], NOT_SELECTED)
        rows, parts, end = np.zeros(len(problem), dtype=bool), [], monotonic() + self.time_limit
        for k, part in enumerate(cut := self._parts(problem, can)):
            seconds = (end - monotonic()) / (len(cut) - k)
            found = [_selected(program, members, gap=self.gap, time_limit=seconds)
                     for members, program in self._programs(problem, terms, part, groups)]
            parts.append(tuple(selection for _, selection in found))
            if not all(selection.worth for _, selection in found):
                reason[part] = NOT_SELECTED if any(selection.is_timed_out for _, selection in found) else CANNOT_BE_BALANCED
                continue
            rows[part] = problem.focal[part] & (self.estimand in ("ATT", "ATC"))
            rows[np.concatenate([taken for taken, _ in found])] = True
        if parts and not rows.any():
            raise self._nothing(problem, terms, can, groups, parts)
        reason = np.where(rows | ~(problem.focal | (self.estimand == "ATE")), MATCHED, reason).astype(np.int8)
        return Chosen(rows=rows, reason=reason, notes=self._notes(problem, rows, reason, parts))

    def in_words(self) -> str:
        largest = {"ATT": "comparison rows that resemble the treated", "ATC": "treated rows that resemble the comparison rows",
                   "ATE": "rows of each side that resemble all",
                   "ATM": f"rows of both sides that resemble each other, {self.ratio} comparison for each treated row"}[self.estimand]
        unit = "standard deviations" if self.tolerance_unit == "sd" else "in the units of the columns"
        own = "".join(f", {name} {width:g}" for name, width in self.tolerances.items())
        where = "in every stratum" if self.within == "stratum" else "over all strata"
        fine = f", fine balance of {', '.join(self.fine)}" if self.fine else ""
        on, exact = self.common_words()
        return (f"cardinality matching: the largest selection of {largest} {on}, means within {self.tolerance:g} {unit}{own} {where}{fine}, {exact}")

    def plain_method(self) -> str:
        return "As many units are selected as keep the averages of both sides alike."

    def _terms(self, problem: Problem) -> Terms:
        """The columns whose means must agree, in standard deviations, and their tolerances on that scale."""
        if self.formula:
            x, names = problem.rows.of_formula(self.formula)
            owners = names
        else:
            refuse_constant(problem, self.covariates)
            x, names = problem.rows.matrix(self.covariates, full=True)
            owners = [next(column for column in self.covariates if name == column or name.startswith(f"{column}[")) for name in names]
        history = [k for k, name in enumerate(problem.names) if name.startswith("history of ")]
        x = np.column_stack([x, problem.x[:, history]])
        names, owners = (*names, *(problem.names[k] for k in history)), (*owners, *(problem.names[k] for k in history))
        strange = [name for name in self.tolerances if name not in names and name not in owners]
        refuse(bool(strange), f"`matching.tolerances` must name columns whose means are compared: {', '.join(map(repr, strange))} is not one.")
        return Terms.of(problem, x, names, estimand=self.estimand, unit=self.tolerance_unit,
                        tolerance=[self.tolerances.get(name, self.tolerances.get(owner, self.tolerance)) for name, owner in
                                   zip(names, owners, strict=True)])

    def _parts(self, problem: Problem, can: np.ndarray) -> list[np.ndarray]:
        """Rows that are selected from together, in the order of period and identifier: selections never hang on the order of rows."""
        rows = np.flatnonzero(can)
        rows = rows[np.lexsort((problem.rows.id[rows], problem.rows.period[rows]))]
        if self.within == "sample" or not len(rows):
            return [rows] if len(rows) else []
        by_stratum = rows[np.argsort(problem.stratum[rows], kind="stable")]
        return np.split(by_stratum, np.flatnonzero(np.diff(problem.stratum[by_stratum])) + 1)

    def _programs(self, problem: Problem, terms: Terms, part: np.ndarray, groups: Sequence[np.ndarray]) -> list[tuple[np.ndarray, Program]]:
        """What is selected from a part: rows, and what their selection must keep."""
        focal, x, w = problem.focal[part], terms.x[part], problem.rows.weights[part]
        if self.estimand == "ATM":
            refuse(bool((w != 1).any()), "`matching.estimand` ATM counts rows: it goes with no sampling weights. Use ATT.")
            codes = [problem.stratum[part], *(code[part] for code in groups)]
            centred = x - x[focal].mean(axis=0)
            return [(part, Program(gap=np.where(focal[:, None], -1.0, 1.0 / self.ratio) * centred, size=focal.astype(float),
                                   tolerance=terms.tolerance, equal=equal_counts(codes, np.where(focal, -float(self.ratio), 1.0)),
                                   most=np.ones(len(part), dtype=np.int64), worth=focal.astype(np.int64)))]
        whole = self.estimand == "ATE"
        target = np.average(x[focal | whole], weights=w[focal | whole], axis=0)
        return [(part[side], Program(gap=w[side, None] * (x[side] - target), size=w[side], tolerance=terms.tolerance / (2 if whole else 1),
                                     equal=equal_counts([], w[side]), most=np.ones(int(side.sum()), dtype=np.int64),
                                     worth=np.ones(int(side.sum()), dtype=np.int64))) for side in ([~focal, focal] if whole else [~focal])]

    def _notes(self, problem: Problem, rows: np.ndarray, reason: np.ndarray, parts: Sequence[Sequence[Selection]]) -> tuple[str, ...]:
        """How many are selected, how near to the most that could be, and what stood in the way, in sentences."""
        kept = [one for part in parts for one in part if all(other.worth for other in part)]
        if not kept:
            return ()
        worth, bound = sum(one.worth for one in kept), sum(one.bound for one in kept)
        counted = {"ATT": ~problem.focal, "ATC": ~problem.focal, "ATE": np.ones(len(rows), dtype=bool), "ATM": problem.focal}[self.estimand]
        what = {"ATT": "comparison rows", "ATC": "treated rows", "ATE": "rows", "ATM": "treated rows"}[self.estimand]
        most = "no selection that keeps the tolerances has more" if worth == bound else \
            f"the most that could be is {bound:,} at best, so {(bound - worth) / bound:.2%} may be missing"
        said = [f"{worth:,} of {int(counted.sum()):,} {what} are selected: {most}."]
        if self.estimand == "ATM":
            said.append("All treated rows are selected: the effect is that on the treated." if rows[problem.focal].all() else
                        "The effect is that on the treated rows that are selected, not on all.")
        if (failed := sum(not all(one.worth or one.is_timed_out for one in part) for part in parts)):
            said.append(f"In {failed:,} of {len(parts):,} strata no selection was found that keeps the tolerances: "
                        f"{int((reason == CANNOT_BE_BALANCED).sum()):,} rows whose effect is wanted are left out.")
        if (late := sum(one.is_timed_out for part in parts for one in part)):
            said.append(f"The time limit of {self.time_limit:g} seconds ended {late:,} of {sum(map(len, parts)):,} searches: another machine may "
                        "select otherwise.")
        return tuple(said)

    def _nothing(self, problem, terms, can, groups, parts) -> CommonSupportError:
        late = any(one.is_timed_out for part in parts for one in part)
        if len(parts) > 1 or late:
            return CommonSupportError(f"In none of {len(parts):,} strata a selection was found that keeps the tolerances"
                                      f"{' before the time limit' if late else ''}. Raise `matching.tolerance`{' or `matching.time_limit`' * late}, "
                                      "or take columns out of `matching.exact`.")
        found = [(*least_excess(program), program) for _, program in self._programs(problem, terms, self._parts(problem, can)[0], groups)]
        excess, columns, program = max(found, key=lambda one: one[0])
        if np.isnan(excess):
            return CommonSupportError("No value of `matching.fine` has rows of both sides in `matching.ratio`. Take columns out of `matching.fine`.")
        if not excess > 0:
            return CommonSupportError("No selection of whole rows was found that keeps the tolerances, though parts of rows would. Raise "
                                      "`matching.tolerance` a little, or lower `matching.ratio`.")
        sides = 2 if self.estimand == "ATE" else 1
        reached = ", ".join(f"{terms.names[j]!r} {(program.tolerance[j] + excess) * sides * terms.scale[j]:.2g}" for j in columns)
        unit = "in standard deviations" if self.tolerance_unit == "sd" else "in the units of the columns"
        return CommonSupportError(f"No selection of rows keeps the tolerances: the nearest leaves differences, {unit}, of {reached}. Raise "
                                  "`matching.tolerance`, or `matching.tolerances` for these columns.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardinalityPairs(CardinalityMatching):
    """The largest balanced selection of both sides, paired anew so that pairs are near: balance comes from the selection, likeness from the pairs.

    Attributes
    ----------
    distance : 'mahalanobis', 'robust_mahalanobis', 'scaled_euclidean' or 'euclidean'
        On the covariates; the total over pairs is made small. See `whitened`.

    References
    ----------
    Zubizarreta, Paredes and Rosenbaum (2014), DOI 10.1214/13-AOAS713, section 4.

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "age": [30, 52, 50, 29, 80]})
    >>> found = CardinalityPairs(covariates=("age",), tolerance=0.1).match(Candidates.of_table(table, treated="joined"))
    >>> found.pairs()[["treated", "comparison"]].to_numpy().tolist()
    [[0, 3], [2, 1]]
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATM",)
    KIND: ClassVar[str] = "pairs"
    estimand: Estimand = "ATM"
    distance: Kind = "mahalanobis"

    def __post_init__(self) -> None:
        CardinalityMatching.__post_init__(self)
        refuse(self.distance not in KINDS, f"`matching.distance` must be {', '.join(KINDS[:-1])} or {KINDS[-1]}: it is {self.distance!r}.")
        refuse(not self.covariates, "`matching.covariates` must name the columns on which pairs are near.")

    def solve(self, problem: Problem) -> Sets:
        """Nearest pairs of the rows selected, inside strata."""
        chosen = self.chosen(problem)
        rows = np.flatnonzero(chosen.rows)
        z = coordinates_of(problem, self.covariates, self.distance, n_history=len(self.history))
        pairs = pair_by_assignment(problem.keep(rows), z[rows], ratio=self.ratio)
        return replace(Sets.of_pairs(Pairs(focal=rows[pairs.focal], other=rows[pairs.other], reason=chosen.reason)), notes=chosen.notes)

    def in_words(self) -> str:
        return f"{CardinalityMatching.in_words(self)}; then pairs with the smallest total {WORDS[self.distance]} distance"

    def plain_method(self) -> str:
        return "As many units are selected as keep the averages of both sides alike, and then paired with the most similar of those selected."


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Rows selected (`rows`, shape (n,)), why others are not (`reason`, place in `REASONS`), and what must be said of it (`notes`)."""

    rows: np.ndarray
    reason: np.ndarray
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Columns whose means must agree.

    Attributes
    ----------
    names : tuple of str, length p
    x : ndarray, shape (n, p)
        Divided by `scale`.
    tolerance, scale : ndarray, shape (p,)
        Tolerances on that scale; what one of it is in the unit in which tolerances were given.
    """

    names: tuple[str, ...]
    x: np.ndarray
    tolerance: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, problem: Problem, x: np.ndarray, names: Sequence[str], *, estimand: str, unit: str, tolerance: Sequence[float]) -> Terms:
        """Divide columns by the deviations of the balance table, or by absolute tolerances; those that do not vary are left out."""
        rows = problem.rows.keep(by_id := np.lexsort((problem.rows.id, problem.rows.period)))
        before = risk_set_weights(rows.period, rows.treated, rows.weights)
        sides = Sides.of(rows.treated, before=before, after=before, estimand=estimand)
        table = full_table([Term(name=name, values=lambda j=j: x[by_id, j]) for j, name in enumerate(names)], sides, distributions=False)
        sd = table["sd"].to_numpy(dtype=float)
        varies = np.isfinite(sd) & (sd > 0)
        unknown = ~varies & (x.max(axis=0) > x.min(axis=0))
        if unknown.any():
            raise CommonSupportError(f"Balance in standard deviations needs a side on which {', '.join(np.array(names)[unknown])} varies: there is "
                                     f"none among {len(rows):,} rows. Add rows, or take the columns out of `matching.score.covariates`.")
        sd, width = sd[varies], np.asarray(tolerance, dtype=float)[varies]
        scale = sd if unit == "sd" else np.where(width > 0, width, sd)
        return cls(names=tuple(name for name, keep in zip(names, varies, strict=True) if keep), x=x[:, varies] / scale,
                   tolerance=width if unit == "sd" else width / scale, scale=np.ones(len(sd)) if unit == "sd" else scale)


def _selected(program: Program, rows: np.ndarray, *, gap: float, time_limit: float) -> tuple[np.ndarray, Selection]:
    """The rows of the largest selection; rows that are alike are counted together, and the first of them taken."""
    kind = _kinds(program)
    selection = largest_selection(thinned(program, kind), gap=gap, time_limit=time_limit)
    order = np.argsort(kind, kind="stable")
    start = np.searchsorted(kind[order], np.arange(len(selection.count)))
    rank = np.arange(len(kind)) - start[kind[order]]
    return rows[order[rank < selection.count[kind[order]]]], selection


def _kinds(program: Program) -> np.ndarray:
    """Number of the kind of each row, from 0 up in the order of their first rows: rows of a kind count alike in every way; shape (n,)."""
    n, kind, group = len(program.size), np.zeros(len(program.size), dtype=np.int64), program.equal.tocsc()
    codes = group.indices.reshape(n, len(group.indices) // n).T        # each row stands in one sum of every group
    for column in (*program.gap.T, program.size, program.worth, *codes):
        code = pd.factorize(column)[0]
        kind = pd.factorize(kind * (int(code.max(initial=0)) + 1) + code)[0]
    return kind
