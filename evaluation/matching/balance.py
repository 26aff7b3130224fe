"""Balance before and after matching, and overlap of the scores. Numbers only: limits are in `thresholds.py`, pictures in `plots.py`."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from evaluation.matching.distributions import (
    cell_moments,
    cell_sums,
    dot,
    ecdf_gaps,
    overlap_coefficient,
    pair_distance,
    reference_bandwidth,
    signed_shares,
)

COLUMNS = ("covariate", "mean_treated", "mean_treated_matched", "mean_comparison_before", "mean_comparison_after", "sd_treated", "smd_before",
           "smd_after", "variance_ratio_before", "variance_ratio_after")
NO_SPREAD = 1e-10              # a deviation this small beside the values themselves is rounding
WORKERS = 2                    # columns at a time; sorting runs outside Python's lock
FEW_ROWS = 20_000              # below, a second worker costs more than it brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A column whose balance is shown.

    Attributes
    ----------
    name : str
    values : function to ndarray, shape (n_rows,)
        Makes the column when it is its turn: all of them together may not fit in memory.
    column : str
        The text column of which this is a level; '' for a column of numbers.
    is_score : bool
    """

    name: str
    values: Callable[[], np.ndarray]
    column: str = ""
    is_score: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two sides of rows with weights before and after, sorted by side and stratum.

    Attributes
    ----------
    place : ndarray of int, shape (n,)
        Row of each; the treated come first.
    bounds : ndarray of int, shape (2 * n_strata + 1,)
        First place of each cell: the treated of each stratum, then the comparison rows of each.
    weights : tuple of ndarray, shape (n,)
        Before and after.
    estimand : str
        Decides whose deviation differences are divided by.
    stratum : ndarray of int, shape (n,), or None
        None for the sample as a whole.
    """

    place: np.ndarray
    bounds: np.ndarray
    weights: tuple[np.ndarray, np.ndarray]
    estimand: str = "ATT"
    stratum: np.ndarray | None = None

    @classmethod
    def of(cls, treated: np.ndarray, *, before: np.ndarray, after: np.ndarray, estimand: str = "ATT", use: np.ndarray | None = None,
           stratum: np.ndarray | None = None, n_strata: int = 1) -> Sides:
        """Sort rows.

        Parameters
        ----------
        treated, before, after : ndarray, shape (n_rows,)
        use : ndarray of bool, shape (n_rows,), optional
            Rows that count; all of them without.
        stratum : ndarray of int, shape (n_rows,), optional
            From 0 to `n_strata` - 1.
        """
        use = np.ones(len(treated), dtype=bool) if use is None else use
        place = np.concatenate([np.flatnonzero(treated & use), np.flatnonzero(~treated & use)])
        cell = (~treated[place]).astype(np.int64)
        if stratum is not None:
            cell = cell * n_strata + stratum[place]
            order = np.argsort(cell, kind="stable")
            place, cell = place[order], cell[order]
        return cls(place=place, bounds=np.searchsorted(cell, np.arange(2 * n_strata + 1)), weights=(before[place], after[place]), estimand=estimand,
                   stratum=None if stratum is None else stratum[place].astype(np.int16 if n_strata < 2**15 else np.int32))

    @property
    def n_strata(self) -> int:
        """Number of strata; 1 for the sample as a whole."""
        return len(self.bounds) // 2

    @property
    def n_treated(self) -> int:
        """Number of treated rows."""
        return int(self.bounds[self.n_strata])

    def cells(self) -> Iterator[tuple[slice, slice]]:
        """The treated and the comparison rows of each stratum."""
        for k in range(self.n_strata):
            yield tuple(slice(self.bounds[i], self.bounds[i + 1]) for i in (k, k + self.n_strata))


def with_products(terms: Sequence[Term], *, squares: bool, interactions: bool) -> list[Term]:
    """Columns and, on request, the squares of those that are not binary, and the products of each two that are not levels of one text column.

    Scores are neither squared nor multiplied, and stay last.
    """
    plain, scores = [term for term in terms if not term.is_score], [term for term in terms if term.is_score]
    more = []
    if squares:
        more += [Term(name=f"{a.name} squared", values=lambda a=a: a.values().astype(float) ** 2) for a in plain
                 if not is_binary(_known(a.values()))]
    if interactions:
        more += [Term(name=f"{a.name} * {b.name}", values=lambda a=a, b=b: a.values() * b.values().astype(float))
                 for a, b in combinations(plain, 2) if not a.column or a.column != b.column]
    return plain + more + scores


def _known(x: np.ndarray) -> np.ndarray:
    return x[np.isfinite(x)]


def balance_table(x: np.ndarray, names: Sequence[str], *, treated: np.ndarray, before: np.ndarray, after: np.ndarray,
                  estimand: str = "ATT") -> pd.DataFrame:
    """Standardised mean differences and variance ratios, one row per covariate.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_covariates)
        Candidate rows of all entry periods.
    treated : ndarray of bool, shape (n_rows,)
    before, after : ndarray, shape (n_rows,)
        Weights of the rows before matching (see `risk_set_weights`) and after (1 for a matched treated row, the sum of its pair weights for a
        comparison row, 0 for a row that is not used).
    estimand : str
        See `deviation`.

    Returns
    -------
    DataFrame
        Columns of `MatchedSample.balance`, and `mean_treated_matched`. Both differences are divided by the same standard deviation (see `deviation`),
        so that a difference falls only when means draw nearer. Variance ratios are NaN for a binary covariate.

    Notes
    -----
    A binary covariate (0 and 1 only) has variance p (1 - p), with no n - 1; another has the weighted variance with the factor
    sum w / ((sum w)^2 - sum w^2), which is 1 / (n - 1) for equal weights. MatchIt's and cobalt's conventions.
    """
    sides = Sides.of(treated, before=before, after=after, estimand=estimand)
    terms = [Term(name=name, values=lambda j=j: x[:, j]) for j, name in enumerate(names)]
    return full_table(terms, sides, distributions=False)[list(COLUMNS)]


def full_table(terms: Sequence[Term], sides: Sides, *, distributions: bool = True, overlap: bool = False,
               sets: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None = None) -> pd.DataFrame:
    """Every measure of balance, one row per stratum and column.

    Parameters
    ----------
    distributions : bool
        Whether to compare distribution functions: one sort per column.
    overlap : bool
        Whether to add the overlap of densities, the slowest measure.
    sets : four arrays, optional
        Treated members (rows) and their sets, comparison members and their sets, for the distance inside sets; for a table without strata.

    Returns
    -------
    DataFrame
        `stratum` (its number), `covariate`, `type` (score, binary or number), then those of `COLUMNS`, `sd` (what differences are divided by, of the
        whole sample), and on request `ecdf_mean_*` and `ks_*` (see `ecdf_gaps`), `overlap_*` (see `overlap_coefficient`), each before and after, and
        `pair_distance` (mean absolute difference inside sets, over `sd`). NaN where a side has no weight.

    Notes
    -----
    Columns are worked on two at a time; each is finished by one worker, so that numbers do not depend on how many there are.
    """
    measures = _Measures.of(sides, distributions=distributions, overlap=overlap, sets=sets)
    if len(sides.place) < FEW_ROWS:
        lines = [measures.line(term) for term in terms]
    else:
        with ThreadPoolExecutor(WORKERS) as pool:
            lines = list(pool.map(measures.line, terms))
    if not lines:
        return pd.DataFrame({name: np.empty(0) for name in ("stratum", "covariate", "type", *COLUMNS[1:], "sd")})
    stratum = np.repeat(np.arange(sides.n_strata), len(terms))
    return pd.DataFrame({"stratum": stratum} | {name: np.column_stack([np.broadcast_to(one[name], sides.n_strata) for one in lines]).ravel()
                                                for name in lines[0]})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measures:
    """What is measured of each column, with all that columns have in common."""

    sides: Sides
    sums: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]    # of weights and of their squares in each cell, before and after
    shares: np.ndarray | None
    overlap: bool
    sets: tuple | None

    @classmethod
    def of(cls, sides: Sides, *, distributions: bool, overlap: bool, sets: tuple | None) -> _Measures:
        sums = tuple(cell_sums(w, sides.bounds) for w in sides.weights)
        scales = [signed_shares(total.reshape(2, -1)) for total, _ in sums]
        shares = np.column_stack([w * np.repeat(scale.ravel(), np.diff(sides.bounds)) for w, scale in zip(sides.weights, scales, strict=True)]) \
            if distributions else None
        return cls(sides=sides, sums=sums, shares=shares, overlap=overlap, sets=sets)

    def line(self, term: Term) -> dict[str, object]:
        """Measures of one column; each a number, or one per stratum."""
        column = term.values()
        x = column[self.sides.place].astype(float, copy=False)
        binary = is_binary(x)
        means, ratio, spread, sd, size = self._moments(x, binary)
        gap = means[:, 0] - means[:, 1]
        line = {"covariate": term.name, "type": "score" if term.is_score else "binary" if binary else "number",
                "mean_treated": means[0, 0], "mean_treated_matched": means[1, 0], "mean_comparison_before": means[0, 1],
                "mean_comparison_after": means[1, 1], "sd_treated": spread, "sd": sd,
                **_twice("smd", standardised(gap, sd, size=size)), **_twice("variance_ratio", ratio)}
        if self.shares is not None:
            mean, largest = (np.abs(gap), np.abs(gap)) if binary else self._gaps(x, np.isfinite(gap))
            line |= _twice("ecdf_mean", mean) | _twice("ks", largest)
        if self.overlap:
            line |= _twice("overlap", np.maximum(1 - np.abs(gap), 0.0) if binary else self._overlaps(x, np.isfinite(gap)))
        if self.sets is not None:
            treated, treated_set, comparison, comparison_set = self.sets
            apart = pair_distance(column[treated].astype(float), treated_set, column[comparison].astype(float), comparison_set)
            line["pair_distance"] = standardised(apart, sd, size=size)
        return line

    def _moments(self, x: np.ndarray, binary: bool) -> tuple[np.ndarray, np.ndarray, float, float, float]:
        """Means (time, side, stratum), ratios of variances (time, stratum); of the whole sample the treated's deviation, that which divides, and the
        largest absolute value."""
        sides, whole = self.sides, np.array([0, self.sides.n_treated, len(x)])
        found = [cell_moments(x, w, sides.bounds, binary=binary, sums=sums) for w, sums in zip(sides.weights, self.sums, strict=True)]
        means, variances = (np.stack([moment[k].reshape(2, -1) for moment in found]) for k in (0, 1))
        before = found[0][1] if sides.stratum is None else cell_moments(x, sides.weights[0], whole, binary=binary)[1]
        size = float(max(x.max(initial=0.0), -x.min(initial=0.0)))
        sd = deviation(np.sqrt(before), sides.estimand, pooled=lambda: pooled_deviation(x, sides.weights[0], whole, binary=binary), size=size)
        ratio = np.full(means[:, 0].shape, np.nan)
        if not binary:
            np.divide(variances[:, 0], variances[:, 1], out=ratio, where=variances[:, 1] > (NO_SPREAD * size) ** 2)
        return means, ratio, float(np.sqrt(before[0])), sd, size

    def _gaps(self, x: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and largest gap between distribution functions, shape (2, n_strata); NaN where a side has no weight (`known` false)."""
        return tuple(np.where(known, gap, np.nan) for gap in ecdf_gaps(x, self.shares, self.sides.stratum, n_strata=self.sides.n_strata))

    def _overlaps(self, x: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Overlap of densities, shape (2, n_strata); the bandwidth is that of the stratum's smaller side, all rows counting alike."""
        found = np.full(known.shape, np.nan)
        for k, (rows, others) in enumerate(self.sides.cells()):
            if known[:, k].any():
                bandwidth = reference_bandwidth(min(x[rows], x[others], key=len))
                found[:, k] = [overlap_coefficient(x[rows], x[others], w[rows], w[others], bandwidth=bandwidth) for w in self.sides.weights]
        return found


def _twice(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{name}_before": values[0], f"{name}_after": values[1]}


def deviation(spread: np.ndarray, estimand: str, *, pooled: Callable[[], float], size: float) -> float:
    """The standard deviation that differences of one column are divided by, before and after alike; NaN without any spread.

    Of the treated before matching for the effect on the treated (ATT), of the comparison rows for that on those (ATC), the root of the mean of both
    variances otherwise (ATE, ATO, ATM). Where that is 0, the pooled deviation inside the sides.

    Parameters
    ----------
    spread : ndarray, shape (2,)
        Deviation of the treated and of the comparison rows before matching.
    pooled : function to float
    size : float
        Largest absolute value of the column, beside which a deviation may be mere rounding.
    """
    if estimand in ("ATT", "ATC"):
        sd = float(spread[0 if estimand == "ATT" else 1])
    else:
        sd = float(np.sqrt((spread**2).mean()))
    if not sd > NO_SPREAD * size:
        sd = pooled()
    return sd if sd > NO_SPREAD * size else float("nan")


def pooled_deviation(x: np.ndarray, weights: np.ndarray, bounds: np.ndarray, *, binary: bool) -> float:
    """Standard deviation about each side's own mean, sides counting by their weight. Parameters as `cell_moments`, with two cells."""
    mean, variance = cell_moments(x, weights, bounds, binary=binary)
    share = weights / weights.sum()
    if binary:
        return float(np.sqrt(np.nansum(variance * np.add.reduceat(share, bounds[:-1]))))
    return float(np.sqrt(dot(share, (x - np.repeat(mean, np.diff(bounds))) ** 2) / (1 - dot(share, share))))


def standardised(difference: np.ndarray | float, sd: float, *, size: float) -> np.ndarray:
    """A difference over a standard deviation. Without spread (`sd` NaN), 0 where there is no difference but rounding, and NaN where there is one."""
    difference = np.asarray(difference, dtype=float)
    return difference / sd if np.isfinite(sd) else np.where(abs(difference) <= NO_SPREAD * size, 0.0, np.nan)


def risk_set_weights(entry: np.ndarray, treated: np.ndarray, sampling: np.ndarray | None = None) -> np.ndarray:
    """Weights before matching: 1 for a treated row; a comparison row's entry period counts as much as its treated units do; times sampling weights.

    The comparison rows of an entry period share the number of its treated rows equally. Without this, periods late in the study, with few treated
    units and as many candidates, would decide what the comparison group looks like.
    """
    w = np.ones(len(treated)) if sampling is None else sampling
    code = np.unique(entry, return_inverse=True)[1] if np.any(entry) else np.zeros(len(entry), dtype=np.int64)
    n_treated, n_comparison = np.bincount(code, weights=w * treated), np.bincount(code, weights=w * ~treated)
    share = np.divide(n_treated, n_comparison, out=np.zeros(len(n_treated)), where=n_comparison > 0)
    return w * np.where(treated, 1.0, share[code])


def weighted_variance(x: np.ndarray, weights: np.ndarray) -> float:
    """Weighted variance; p (1 - p) for a binary covariate; NaN without weight, or for a single row."""
    return float(cell_moments(x, weights, np.array([0, len(x)]), binary=is_binary(x))[1][0])


def is_binary(x: np.ndarray) -> bool:
    """Whether a covariate takes the values 0 and 1 only."""
    few = x[:1000]
    return bool(((few == 0) | (few == 1)).all()) and bool(((x == 0) | (x == 1)).all())


def overlap_histogram(score: np.ndarray, treated: np.ndarray, weights: np.ndarray | None = None, *, bins: int = 20) -> pd.DataFrame:
    """Shares of treated and comparison rows by bin of the score.

    Returns
    -------
    DataFrame, one row per bin
        `low`, `high`, `treated`, `comparison` (shares that sum to 1 each), `n_treated`, `n_comparison` (rows). Bins are of equal width over the
        middle 99.8% of the scores; the outer bins take what lies beyond.
    """
    weights = np.ones(len(score)) if weights is None else weights
    low, high = np.quantile(score, [0.001, 0.999])
    edges = np.linspace(low, high if high > low else low + 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, bins - 1)
    table = {"low": edges[:-1], "high": edges[1:]}
    counts = {}
    for name, rows in (("treated", treated), ("comparison", ~treated)):
        total = np.bincount(place[rows], weights=weights[rows], minlength=bins)
        table[name] = total / total.sum()
        counts[f"n_{name}"] = np.bincount(place[rows], minlength=bins)
    return pd.DataFrame({**table, **counts})


def common_support_share(score: np.ndarray, treated: np.ndarray) -> float:
    """Share of treated rows whose score lies inside the range of the comparison rows' scores."""
    low, high = score[~treated].min(), score[~treated].max()
    return float(((score[treated] >= low) & (score[treated] <= high)).mean())
