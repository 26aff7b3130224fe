"""The matching estimator of Abadie and Imbens: differences inside matched sets, bias correction by regression, errors that allow for reuse.

For matching with replacement, where the bootstrap fails and clustering on sets alone is too small. Regressions of the outcome are in
`plain_outcome.py`.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import EstimationError
from evaluation.matching.match import Match
from evaluation.models.clusters import count_clusters
from evaluation.models.effects import Estimate
from evaluation.models.matched_outcome import outcome_of, refuse, refuse_constant, refuse_unknown, refuse_unmatched, with_interval
from evaluation.models.outcome_model import COLLINEAR, fit_outcome_model, independent_columns

Variance = Literal["covariates", "score", "constant"]
TIE = 1e-9                     # neighbours whose distances differ by less, as a share, are equally near


@dataclass(frozen=True, slots=True, kw_only=True)
class AbadieImbens:
    """Average difference between each focal row and the weighted mean of its matches, with errors that allow for rows used more than once.

    The estimand is that of the match: the effect on its treated ('ATT') or its comparison rows ('ATC'); with the mirrored match as well, the effect
    on all. Assumes that rows with the same covariates would have had the same outcome on average without the programme.

    Attributes
    ----------
    covariates : tuple of str
        Columns of the bias correction: a linear regression among the rows used as matches, weighted by their use, moves each match's outcome to
        the covariates of its focal row. Without any there is no correction. Columns that determine each other are left out, and `method` says so.
    variance : 'covariates', 'score' or 'constant'
        How the variance of the outcome about a row is found: from the nearest rows of the same side by Mahalanobis distance on the covariates that
        were matched on, or on the score; or as one number from the differences inside sets.
    neighbours : int
        Nearest rows of the same side, ties included. Their variance with the row itself (n - 1) is the row's.

    Notes
    -----
    With N focal rows, differences d_i and effect t, and K_i and K'_i the sums of a row's weights and of their squares over the sets that it serves
    as a match (weights of a set add up to 1): variance = [sum_i (d_i - t)^2 + sum_i (K_i^2 + 2 f_i K_i - K'_i) s_i^2] / N^2, where s_i^2 is the
    variance about row i, and f_i whether it is focal as well (effect on all). Ties shared in a set enter by their weights. The interval is from
    the normal. Without replacement the second sum is nothing, and the error is that of paired differences.
    Rows beyond a caliper are left out of all of it; R's `Match` counts them in N and in the first sum, with a difference of 0.
    Neighbours on many covariates take time (1,000,000 rows, 5,000 used more than once: 6 s on 5 covariates, 4 minutes on 20); on the score they
    take seconds.
    The score counts as known: the adjustment of Abadie and Imbens (2016) for its estimation is not made (it makes errors smaller for the effect on
    all, and may move them either way for the effect on the treated); `method` says so.

    References
    ----------
    Abadie and Imbens (2006), DOI 10.1111/j.1468-0262.2006.00655.x, theorems 6 and 7 (errors).
    Abadie and Imbens (2011), DOI 10.1198/jbes.2009.07333 (bias correction).
    Abadie and Imbens (2016), DOI 10.3982/ECTA11293 (estimated score).
    Abadie, Drukker, Herr and Imbens (2004), DOI 10.1177/1536867X0400400307 (variance from neighbours, constant variance).
    Checked against R: `Match` of Matching 4.10-8.
    """

    covariates: tuple[str, ...] = ()
    variance: Variance = "covariates"
    neighbours: int = 1

    def __post_init__(self) -> None:
        refuse(isinstance(self.covariates, str), f"`covariates` must be a list: it is the text {self.covariates!r}.")
        object.__setattr__(self, "covariates", tuple(self.covariates))
        refuse(self.variance not in Variance.__args__, f"`variance` must be one of {', '.join(Variance.__args__)}: it is {self.variance!r}.")
        refuse(self.neighbours < 1, f"`neighbours` must be at least 1: it is {self.neighbours}.")

    def fit(self, match: Match, outcome: str | np.ndarray, *, mirrored: Match | None = None) -> Estimate:
        """The effect and its interval.

        Parameters
        ----------
        match : Match of pairs
            One focal row in each set; ties may share it.
        outcome : str or ndarray, shape (n_rows,)
            A column of the match's rows, or one number for each of them. Rows that are not matched may lack it; they say nothing then.
        mirrored : Match of pairs, optional
            The match of the other side's rows among the same candidates, for the effect on all.

        Raises
        ------
        PlanError
            The match does not consist of pairs, has sampling weights, or `mirrored` is not its mirror; there are no covariates (no score) for the
            variance.
        EstimationError
            The outcome is not numbers, is the same in all matched rows, or is not known in some; a side has too few rows for the variance.
        CommonSupportError
            No comparison row is matched.
        """
        edges = Edges.of(match) if mirrored is None else Edges.joined(match, mirrored)
        y, (x, names) = outcome_of(match, outcome), match.rows.matrix(self.covariates)
        refuse_unknown(np.isfinite(y) & np.isfinite(x).all(axis=1), edges.rows())
        refuse_constant(y[edges.rows()])
        treated = match.rows.treated
        gap, left_out = _gaps(edges, y, x, treated)
        difference = edges.sums(gap)
        effect = float(difference.mean())
        reuse = edges.reuse(len(y))
        about = self._variance_about(match, y, edges, gap - effect, reuse > 0)
        variance = (np.sum((difference - effect) ** 2) + reuse @ about) / len(difference) ** 2
        n_treated, n_comparison = (count_clusters(match.rows.unit[side]) for side in edges.sides(treated))
        nan = float("nan")
        found = Estimate(estimate=effect, std_error=nan, lower=nan, upper=nan, df=nan, p_value=nan, n_treated=n_treated, n_comparison=n_comparison,
                         clusters="units", n_clusters=n_treated + n_comparison, method="none")
        method = "; ".join((self.in_words(), *(f"{names[k]} left out (constant, or a combination of others)" for k in left_out),
                            *(("score taken as known",) if np.isfinite(match.score).any() else ())))
        return with_interval(found, float(np.sqrt(variance)), df=float("inf"), method=method, size=float(np.abs(y[edges.rows()]).max()))

    def in_words(self) -> str:
        """The method as a methods section may print it."""
        nearest = f"the {self.neighbours} nearest rows" if self.neighbours > 1 else "the nearest row"
        variance = "constant variance" if self.variance == "constant" else f"variance from {nearest} of the same side by {self.variance}"
        return f"Abadie-Imbens, {'bias corrected' if self.covariates else 'no bias correction'}, {variance}"

    def _variance_about(self, match: Match, y: np.ndarray, edges: Edges, deviation: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Variance of the outcome about each row that is wanted, shape (n_rows,); 0 for others."""
        if self.variance == "constant":
            return np.where(wanted, edges.sums(deviation**2).mean() / 2, 0.0)
        points = match.x if self.variance == "covariates" else match.score[:, None]
        refuse(not np.isfinite(points).all(axis=1).any() or points.shape[1] == 0,
               f"`variance: {self.variance}` needs the {self.variance} that rows were matched on: this match has none. Ask for another.")
        known = np.isfinite(points).all(axis=1) & np.isfinite(y)
        to_sphere = sphering(points[known])
        out = np.zeros(len(y))
        for side in (match.rows.treated, ~match.rows.treated):
            if (asked := wanted & side).any():
                pool = known & side
                out[pool] = local_variance(points[pool], y[pool], asked[pool], to_sphere, neighbours=self.neighbours)
        return np.where(wanted, out, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Focal rows and the rows they are compared with.

    Attributes
    ----------
    focal : ndarray of int, shape (n_focal,)
        Row.
    other, place : ndarray of int, shape (n_edges,)
        Row, and the place in `focal` of the one it is compared with.
    weight : ndarray, shape (n_edges,)
        Adds up to 1 over the edges of each focal row.
    """

    focal: np.ndarray
    other: np.ndarray
    place: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, match: Match) -> Edges:
        """The pairs of a match, seen from the side that its estimand is about."""
        refuse_unmatched(match)
        refuse(match.kind != "pairs" or match.estimand not in ("ATT", "ATC"),
               f"This estimator needs a match of pairs for the effect on one side: it is one of {match.kind} ({match.estimand}). Match by nearest "
               "neighbours, or use WeightedDifference.")
        refuse(not (match.rows.weights == 1).all(), "This estimator knows no sampling weights: the match has some. Use WeightedDifference.")
        sides = ((match.treated, match.treated_set), (match.comparison, match.comparison_set, match.comparison_weight))
        if match.estimand == "ATC":
            sides = ((match.comparison, match.comparison_set), (match.treated, match.treated_set, match.treated_weight))
        (focal, focal_set), (other, sets, weight) = sides
        refuse(len(np.unique(focal_set)) < len(focal), "Every set must have one focal row: some have several. Use WeightedDifference.")
        place = np.full(match.n_sets, -1)
        place[focal_set] = np.arange(len(focal))
        total = np.bincount(sets, weights=weight, minlength=match.n_sets)
        return cls(focal=focal, other=other, place=place[sets], weight=weight / total[sets])

    @classmethod
    def joined(cls, match: Match, mirrored: Match) -> Edges:
        """The pairs of two matches of the same candidates, each about one side."""
        same = len(match.rows) == len(mirrored.rows) and (match.rows.treated == mirrored.rows.treated).all()
        refuse(not same or {match.estimand, mirrored.estimand} != {"ATT", "ATC"},
               f"The effect on all needs two matches of the same rows, one ATT and one ATC: they are {match.estimand} and {mirrored.estimand}, of "
               f"{len(match.rows):,} and {len(mirrored.rows):,} rows.")
        one, two = cls.of(match), cls.of(mirrored)
        return cls(focal=np.concatenate([one.focal, two.focal]), other=np.concatenate([one.other, two.other]),
                   place=np.concatenate([one.place, two.place + len(one.focal)]), weight=np.concatenate([one.weight, two.weight]))

    def rows(self) -> np.ndarray:
        """Rows of either kind, each once."""
        return np.unique(np.concatenate([self.focal, self.other]))

    def sides(self, treated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Treated and comparison rows, each once."""
        rows = self.rows()
        return rows[treated[rows]], rows[~treated[rows]]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of values of edges for each focal row, shape (n_focal,)."""
        return np.bincount(self.place, weights=self.weight * values, minlength=len(self.focal))

    def use(self, n: int) -> np.ndarray:
        """Sum of the weights with which each of n rows serves as a match."""
        return np.bincount(self.other, weights=self.weight, minlength=n)

    def reuse(self, n: int) -> np.ndarray:
        """What the variance about each of n rows is multiplied with: K^2 + 2 f K - K'."""
        use, squares = self.use(n), np.bincount(self.other, weights=self.weight**2, minlength=n)
        return np.maximum(use**2 + 2 * np.bincount(self.focal, minlength=n) * use - squares, 0.0)


def local_variance(points: np.ndarray, y: np.ndarray, wanted: np.ndarray, to_sphere: np.ndarray, *, neighbours: int) -> np.ndarray:
    """Variance (n - 1) of `y` over each row and the rows nearest to it, ties included.

    Parameters
    ----------
    points : ndarray, shape (n, k)
    y : ndarray, shape (n,)
    wanted : ndarray of bool, shape (n,)
    to_sphere : ndarray, shape (k, r)
        Distances are measured between rows of `points @ to_sphere`.
    neighbours : int

    Returns
    -------
    ndarray, shape (n,)
        NaN where not wanted.

    Raises
    ------
    EstimationError
        There are not that many other rows.

    Notes
    -----
    Rows that share all values are one place with counts and sums, so that many of them cost no more than one.
    """
    if len(y) <= neighbours:
        raise EstimationError(f"The variance about a row needs {neighbours:,} other rows of its side: there are {len(y) - 1:,}. Ask for fewer "
                              "`neighbours`, or for variance='constant'.")
    values, place = np.unique(points, axis=0, return_inverse=True)
    place, centred = place.reshape(-1), y - y.mean()
    moments = np.stack([np.bincount(place, weights=column, minlength=len(values)) for column in (np.ones(len(y)), centred, centred**2)])
    out = np.full(len(values), np.nan)
    asked = np.unique(place[wanted])
    out[asked] = _variance_near(values @ to_sphere, moments, asked, neighbours)
    return np.where(wanted, out[place], np.nan)


def sphering(points: np.ndarray) -> np.ndarray:
    """Matrix that makes Euclidean distances of Mahalanobis ones, by the covariance of all rows; shape (k, r). Constant directions count nothing."""
    scale = points.std(axis=0, ddof=1)
    scale = np.where(scale > COLLINEAR * np.abs(points).max(axis=0, initial=0.0), scale, np.inf)
    z = (points - points.mean(axis=0)) / scale
    values, vectors = np.linalg.eigh(z.T @ z / (len(points) - 1))
    used = values > COLLINEAR
    if not used.any():
        return np.zeros((points.shape[1], 1))
    return vectors[:, used] / np.sqrt(values[used]) / scale[:, None]


def _variance_near(at: np.ndarray, moments: np.ndarray, asked: np.ndarray, neighbours: int) -> np.ndarray:
    """Variance over each place asked for and those nearest, from the count, sum and sum of squares of every place."""
    from scipy.spatial import KDTree

    tree, out, left, k = KDTree(at), np.empty(len(asked)), np.arange(len(asked)), neighbours + 2
    while len(left):
        k = min(k, len(at))
        distance, near = tree.query(at[asked[left]], k=np.arange(1, k + 1))
        enough = np.cumsum(moments[0][near], axis=1) > neighbours
        radius = distance[np.arange(len(left)), enough.argmax(axis=1)] * (1 + TIE)
        sure = (enough[:, -1] & (distance[:, -1] > radius)) | (k == len(at))       # else one as near may lie beyond
        count, total, squares = (np.where(distance <= radius[:, None], moment[near], 0.0).sum(axis=1)[sure] for moment in moments)
        out[left[sure]] = np.maximum(squares - total**2 / count, 0.0) / (count - 1)
        left, k = left[~sure], 2 * k
    return out


def _gaps(edges: Edges, y: np.ndarray, x: np.ndarray, treated: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Treated less comparison outcome of each edge, matches moved to the covariates of their focal row; and the columns left out of it."""
    focal, use = edges.focal[edges.place], edges.use(len(y))
    moved, left_out = np.zeros(len(focal)), set()
    for side in (treated, ~treated):
        rows, here = np.flatnonzero(side & (use > 0)), side[edges.other]
        if x.shape[1] and here.any():
            slopes, kept = _slopes(x[rows], y[rows], use[rows])
            moved[here] = (x[focal[here]] - x[edges.other[here]])[:, kept] @ slopes
            left_out |= set(np.flatnonzero(~kept).tolist())
    sign = np.where(treated[focal], 1.0, -1.0)
    return sign * (y[focal] - y[edges.other] - moved), tuple(sorted(left_out))


def _slopes(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of a weighted regression on the columns that are no combination of others, and which these are."""
    kept = independent_columns(x, weights)
    centre, scale = x[:, kept].mean(axis=0), x[:, kept].std(axis=0)
    design = np.column_stack([np.ones(len(y)), (x[:, kept] - centre) / scale])
    model = fit_outcome_model(design, y, weights, form="linear", names=[""] * design.shape[1])
    return model.coefficients[1:] / scale, kept
