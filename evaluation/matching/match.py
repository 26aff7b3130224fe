"""A match: sets of candidate rows with weights, and for every row left out the reason. What follows for a panel is in `sample.py`."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaluation.errors import PlanError
from evaluation.matching.balance import COLUMNS, Sides, Term, full_table, risk_set_weights, with_products
from evaluation.matching.candidates import Candidates, is_numeric
from evaluation.matching.problem import REASONS
from evaluation.matching.propensity import BinaryFit
from evaluation.showing import Face, Showing, face_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Match(Showing):
    """Matched sets of candidate rows.

    Attributes
    ----------
    method : str
        In words that a methods section may print.
    kind : 'pairs', 'strata' or 'weights'
        What a set is: few rows found for each other, a cell of covariates, or everyone weighted.
    estimand : 'ATT', 'ATC', 'ATE', 'ATO' or 'ATM'
    rows : Candidates
        All that were given. Other integers here are places in it.
    x : ndarray, shape (n_rows, n_covariates); names : tuple of str
        Covariates; NaN where missing.
    score : ndarray, shape (n_rows,)
        NaN where a row has none.
    model : BinaryFit or None
    treated, treated_set : ndarray of int; treated_weight : ndarray
        Treated members of sets.
    comparison, comparison_set, comparison_weight
        Comparison members. Raw weights: inside every set both sides add up to the same, sampling weights apart.
    origin : ndarray of str, or None
        Where each comparison member was found, when nearby ones were sought first.
    left_out, reason : ndarray of int
        Rows that should have been matched and were not, and why (place in `REASONS`).
    discarded : ndarray of int
        Rows of either side outside common support.
    width : float
        Absolute caliper on the score; NaN without.
    notes : tuple of str
        What a reader must know about the candidates, in sentences.
    matcher : Matcher or None
        The spec that made it.
    shared : bool
        Whether members' weights hold the sampling weights already, shared out inside every set so that both sides add up (see `with_shared_weights`).
    """

    method: str
    kind: str
    estimand: str
    rows: Candidates
    x: np.ndarray
    names: tuple[str, ...]
    score: np.ndarray
    model: BinaryFit | None
    treated: np.ndarray
    treated_set: np.ndarray
    treated_weight: np.ndarray
    comparison: np.ndarray
    comparison_set: np.ndarray
    comparison_weight: np.ndarray
    left_out: np.ndarray
    reason: np.ndarray
    discarded: np.ndarray
    origin: np.ndarray | None = None
    width: float = float("nan")
    notes: tuple[str, ...] = ()
    matcher: object = None
    shared: bool = False

    def __repr__(self) -> str:
        wanted = "comparison" if self.estimand == "ATC" else "treated"
        n, of = len(np.unique(getattr(self, wanted))), int((self.rows.treated == (wanted == "treated")).sum())
        sets = f"{self.n_sets:,} set{'s' * (self.n_sets != 1)} ({self.kind}, {self.estimand})"
        return f"<Match: {n:,} of {of:,} {wanted} rows in {sets}; {self.method}>"

    def face(self) -> Face:
        """How many rows of each side there are, were matched, and what they are worth."""
        sizes = self.sample_sizes().round(0).reset_index(names="rows")
        return face_of(f"{self.n_sets:,} set{'s' * (self.n_sets != 1)} ({self.kind}, {self.estimand})", sizes,
                       notes=(f"Method: {self.method}.", *self.notes))

    @property
    def score_name(self) -> str:
        """What the score is called in tables of balance: a linear predictor, or a probability."""
        return "probability" if self.matcher is not None and self.matcher.score.scale == "probability" else "linear predictor"

    @property
    def n_sets(self) -> int:
        """Number of sets."""
        return int(self.treated_set.max()) + 1

    def raw_weights(self) -> np.ndarray:
        """Weight of each row over its sets, without sampling weights; 0 where it is in none; shape (n_rows,)."""
        n = len(self.rows)
        return (np.bincount(self.treated, weights=self.treated_weight, minlength=n)
                + np.bincount(self.comparison, weights=self.comparison_weight, minlength=n))

    def full_weights(self) -> np.ndarray:
        """Weight of each row over its sets, with sampling weights; shape (n_rows,)."""
        return self.raw_weights() if self.shared else self.raw_weights() * self.rows.weights

    def with_shared_weights(self) -> Match:
        """The match with sampling weights taken into its members' weights: inside every set the comparison members' add up to the treated ones'.

        What effects inside sets need; a plain table's weights multiply instead, as MatchIt's do.
        """
        if self.shared or (self.rows.weights == 1).all():
            return self
        treated, own = self.treated_weight * self.rows.weights[self.treated], self.comparison_weight * self.rows.weights[self.comparison]
        wanted, there = (np.bincount(sets, weights=weight, minlength=self.n_sets) for sets, weight in
                         ((self.treated_set, treated), (self.comparison_set, own)))
        return replace(self, treated_weight=treated, comparison_weight=own * (wanted / there)[self.comparison_set], shared=True)

    def weights(self) -> np.ndarray:
        """Weights for display and for weighted regressions: mean 1 among the matched rows of each side, times sampling weights; shape (n_rows,).

        MatchIt's normalisation: a comparison row of a 2:1 match shows 1, not 0.5.
        """
        raw = self.raw_weights()
        for side in (self.rows.treated, ~self.rows.treated):
            used = side & (raw > 0)
            raw[used] /= raw[used].mean()
        return raw if self.shared else raw * self.rows.weights

    def subclass(self) -> np.ndarray:
        """The set of each row; -1 where it is in none; shape (n_rows,). Only where no row is in two sets."""
        out = np.full(len(self.rows), -1, dtype=np.int64)
        out[self.treated] = self.treated_set
        out[self.comparison] = self.comparison_set
        return out

    def pairs(self) -> pd.DataFrame:
        """One row per member on the other side of a set with one focal row: `treated`, `comparison` (rows), `set`, `weight` of that member, and
        `distance` on the score."""
        sides = (self.treated, self.treated_set, self.treated_weight), (self.comparison, self.comparison_set, self.comparison_weight)
        (focal, focal_set, _), (other, other_set, weight) = sides[::-1] if self.estimand == "ATC" else sides
        one = np.full(self.n_sets, -1, dtype=np.int64)
        one[focal_set] = focal
        treated, comparison = (other, one[other_set]) if self.estimand == "ATC" else (one[other_set], other)
        return pd.DataFrame({"treated": treated, "comparison": comparison, "set": other_set, "weight": weight,
                             "distance": np.abs(self.score[treated] - self.score[comparison])})

    def before(self) -> np.ndarray:
        """Weights of rows before matching, for balance; see `risk_set_weights`; shape (n_rows,)."""
        complete = np.isfinite(self.x).all(axis=1)
        weights = np.zeros(len(self.rows))
        weights[complete] = risk_set_weights(*(part[complete] for part in (self.rows.period, self.rows.treated, self.rows.weights)))
        return weights

    def balance(self) -> pd.DataFrame:
        """Balance of the covariates and of the score, before and after: the measures that cost least, in the columns of `balance.COLUMNS`."""
        return full_table(self.terms(), self.sides(), distributions=False)[list(COLUMNS)]

    def diagnostics(self, *, by: str | None = None, squares: bool = False, interactions: bool = False, overlap: bool = False,
                    pair_distances: bool = False) -> pd.DataFrame:
        """Everything that is known of balance, before and after: see `full_table` for the measures.

        Every level of a text column has its row. Means before are weighted as in `before`; differences are divided by a deviation of the whole
        sample before matching, which `deviation` names, in strata as well.

        Parameters
        ----------
        by : str, optional
            A column of the candidates ('council_code'), or 'set': a row for each of its values and each covariate, and a first column of that name.
            Rows where it is missing are left out.
        squares, interactions : bool
            Whether to add the square of each covariate that is not binary, and the product of each two, levels of one text column apart.
        overlap : bool
            Whether to add the overlap of densities.
        pair_distances : bool
            Whether to add the mean distance between treated and comparison members of a set; not with `by`.

        Raises
        ------
        PlanError
            `by` is 'set' and rows are in several sets; `by` is no column; pair distances are asked for by stratum, or of a weighting.
        """
        if pair_distances and (by is not None or self.kind == "weights"):
            raise PlanError("Pair distances are those inside matched sets of the whole sample: they cannot be had "
                            f"{'of a weighting' if by is None else f'by {by!r}'}. Leave `pair_distances` out.")
        if by in ("covariate", "type", "deviation"):
            raise PlanError(f"A table of balance has a column {by!r} of its own. Rename the column that it is to be shown by.")
        terms = with_products(self.terms(every_level=True), squares=squares, interactions=interactions)
        sets = (self.treated, self.treated_set, self.comparison, self.comparison_set) if pair_distances else None
        if by is None:
            return full_table(terms, self.sides(), overlap=overlap, sets=sets).drop(columns="stratum")
        stratum, values = self._strata(by)
        table = full_table(terms, self.sides(stratum, len(values) + 1), overlap=overlap)[:len(values) * len(terms)]
        return table.assign(stratum=values[table["stratum"]]).rename(columns={"stratum": by})

    def sides(self, stratum: np.ndarray | None = None, n_strata: int = 1) -> Sides:
        """The rows whose balance is shown: those with a score, or where there is none, with complete covariates."""
        use = np.isfinite(self.score)
        use = use if use.any() else np.isfinite(self.x).all(axis=1)
        return Sides.of(self.rows.treated, before=self.before(), after=self.full_weights(), estimand=self.estimand, use=use,
                        stratum=stratum, n_strata=n_strata)

    def _strata(self, by: str) -> tuple[np.ndarray, np.ndarray]:
        """Number of each row's stratum, and what the strata are called; rows in none come last, without a name: they count for deviations only."""
        if by == "set":
            for members in (self.treated, self.comparison):
                if len(np.unique(members)) < len(members):
                    raise PlanError("Balance by set needs every row to be in one set: here rows are in several. Match without replacement, or leave "
                                    "`by` out.")
            code, values = self.subclass(), np.arange(self.n_sets)
        elif by in self.rows.columns:
            code, values = pd.factorize(self.rows.column(by), sort=True)
        else:
            raise PlanError(f"Balance can be shown by a column of the candidates, or by 'set': {by!r} is not one of "
                            f"{', '.join(self.rows.columns)}.")
        return np.where(code < 0, len(values), code), np.asarray(values)

    def terms(self, *, every_level: bool = False) -> list[Term]:
        """The columns whose balance is shown, the score last; of a text column all levels but the first, as in `names`, or every one."""
        terms, done = [], set()
        for j, name in enumerate(self.names):
            column = self._text_column(name) if every_level else None
            if column is None:
                terms.append(Term(name=name, values=lambda j=j: self.x[:, j]))
            elif column not in done:
                done.add(column)
                code, levels = pd.factorize(self.rows.column(column), sort=True)
                terms += [Term(name=f"{column}[{level}]", values=lambda code=code, k=k: code == k, column=column) for k, level in enumerate(levels)]
        if np.isfinite(self.score).any():
            terms.append(Term(name=self.score_name, values=lambda: self.score, is_score=True))
        return terms

    def _text_column(self, name: str) -> str | None:
        """The text column that an indicator such as 'area[north]' was made of; None for a column of numbers."""
        if name in self.rows.columns or not name.endswith("]"):
            return None
        found = [column for column in self.rows.columns if name.startswith(f"{column}[") and not is_numeric(self.rows.column(column))]
        return max(found, key=len, default=None)

    def audit(self) -> pd.DataFrame:
        """How many rows should have been matched, were, and were not for which reason: `outcome`, `count`; the counts add up."""
        return audit_table(len(self.left_out), self.reason, self._n_focal())

    def _n_focal(self) -> int:
        if self.estimand == "ATC":
            return len(np.unique(self.comparison))
        return len(np.unique(self.treated)) + (len(np.unique(self.comparison)) if self.estimand == "ATE" else 0)

    def effective_sample_size(self, side: str = "comparison") -> float:
        """Kish size of one side's rows by weight."""
        return kish_size(self.full_weights()[self.rows.treated == (side == "treated")])

    def sample_sizes(self) -> pd.DataFrame:
        """Rows by side; columns `treated`, `comparison`.

        All (by Kish size of the sampling weights, and counted), matched (by Kish size of all weights, and counted), unmatched, and discarded outside
        common support, which are not among the unmatched.
        """
        raw, treated = self.raw_weights(), self.rows.treated
        gone = np.zeros(len(treated), dtype=bool)
        gone[self.discarded] = True
        table = {}
        for name, side in (("treated", treated), ("comparison", ~treated)):
            table[name] = [kish_size(self.rows.weights[side]), int(side.sum()), self.effective_sample_size(name), int((side & (raw > 0)).sum()),
                           int((side & (raw == 0) & ~gone).sum()), int((side & gone).sum())]
        return pd.DataFrame(table, index=["all (effective)", "all", "matched (effective)", "matched", "unmatched", "discarded"])


def kish_size(weights: np.ndarray) -> float:
    """Effective sample size: (sum w)^2 / sum w^2, the number of equally weighted rows whose mean would be as precise.

    References
    ----------
    Kish, L. (1965), Survey Sampling, section 11.7; (1992), Journal of Official Statistics 8(2), 183-200.
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def audit_table(n_left_out: int, reason: np.ndarray, n_matched: int) -> pd.DataFrame:
    """Counts of what became of those who should have been matched."""
    count = np.bincount(reason, minlength=len(REASONS))
    rows = [("asked for", n_left_out + n_matched), ("matched", n_matched), *((REASONS[k], int(count[k])) for k in range(1, len(REASONS)) if count[k])]
    return pd.DataFrame(rows, columns=["outcome", "count"])


def reason_names(codes: Sequence[int] | np.ndarray) -> list[str]:
    """Names of reasons."""
    return [REASONS[code] for code in codes]
