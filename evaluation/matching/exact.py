"""Exact matching: rows that agree on every covariate are compared."""
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.matching.cells import refuse_constant, sets_of_cells
from evaluation.matching.matcher import Matcher, strata_of
from evaluation.matching.options import refuse
from evaluation.matching.problem import Problem, Sets


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactMatching(Matcher):
    """Rows that agree on all covariates, inside entry periods; everyone else is left out.

    For few columns with few values. Numbers agree when they agree to 8 decimals.

    Notes
    -----
    Weights: for the effect on the treated, 1 and n_treated / n_comparison of the cell; for the effect on all, n / n_side. Checked against
    MatchIt 4.7.2.

    References
    ----------
    Ho, Imai, King and Stuart (2007), DOI 10.1093/pan/mpl013.

    Examples
    --------
    >>> from evaluation.matching.candidates import Candidates
    >>> import pandas as pd
    >>> table = pd.DataFrame({"joined": [1, 0, 1, 0, 0], "area": ["a", "a", "b", "c", "a"]})
    >>> found = ExactMatching(covariates=("area",)).match(Candidates.of_table(table, treated="joined"))
    >>> found.raw_weights().tolist(), found.audit()["outcome"].tolist()
    ([1.0, 0.5, 0.0, 0.0, 0.5], ['asked for', 'matched', 'no_comparison_in_stratum'])
    """

    ESTIMANDS: ClassVar[tuple[str, ...]] = ("ATT", "ATC", "ATE")
    KIND: ClassVar[str] = "strata"

    def __post_init__(self) -> None:
        Matcher.__post_init__(self)
        refuse(not self.covariates, "`matching.covariates` of exact matching must name at least one column.")
        refuse(self.formula is not None, "`matching.formula` is for a score: exact matching has none.")
        refuse(bool(self.history), "`matching.history` is for a score: exact matching has none.")

    def uses_score(self) -> bool:
        return False

    def solve(self, problem: Problem) -> Sets:
        """Cells of equal covariates inside strata."""
        refuse_constant(problem, self.covariates)
        return sets_of_cells(problem, strata_of(problem.rows, (*self.exact, *self.covariates), missing=self.missing_key), self.estimand)

    def in_words(self) -> str:
        return f"exact matching on {', '.join(name.replace('_', ' ') for name in self.covariates)}, {self.common_words()[1]}"

    def plain_method(self) -> str:
        return "Units are compared with units that have the very same values."
