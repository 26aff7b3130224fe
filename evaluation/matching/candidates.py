"""Candidate rows: what every matcher starts from. One row per unit of a plain table, or per unit and entry period at risk.

`Candidates.of_table` reads a table; `risk_sets.py` makes candidates from a panel. How they are matched is the matchers' business.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, PlanError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Rows that may be matched.

    Attributes
    ----------
    treated : ndarray of bool, shape (n,)
    period : ndarray of int, shape (n,)
        Entry period of the row's risk set; 0 everywhere for a plain table. Rows are only ever matched inside one period.
    unit : ndarray of int, shape (n,)
        Which unit a row is of; a unit at risk in several entry periods has several rows.
    id : ndarray of int, shape (n,)
        Place of the row's unit in the order of identifiers: settles ties, so that the order of rows never matters.
    weights : ndarray, shape (n,)
        Sampling weights; 1 where there are none.
    column : function of a name to ndarray, shape (n,)
        A named column as at each row's period.
    columns : tuple of str
        Names that `column` knows.
    history : function of (outcome, window) to ndarray, shape (n,), or None
        Mean of an earlier outcome; None for a plain table.
    label : function of a period to str
    """

    treated: np.ndarray
    period: np.ndarray
    unit: np.ndarray
    id: np.ndarray
    weights: np.ndarray
    column: Callable[[str], np.ndarray]
    columns: tuple[str, ...] = ()
    history: Callable[[str, tuple[int, int]], np.ndarray] | None = None
    label: Callable[[int], str] = str

    @classmethod
    def of_table(cls, table: pd.DataFrame, *, treated: str, id: str | None = None, weights: str | None = None) -> Candidates:
        """Candidates of a plain table: one row per unit, one period.

        Parameters
        ----------
        table : DataFrame, one row per unit
        treated : str
            Column of True and False, or of 1 and 0; nothing missing.
        id : str, optional
            Column of identifiers, each once; they settle ties. Without it the index does.
        weights : str, optional
            Column of sampling weights, above 0.

        Raises
        ------
        PlanError
            A column is not there, or does not hold what it must.
        CommonSupportError
            Everyone is treated, or nobody is.

        Examples
        --------
        >>> rows = Candidates.of_table(pd.DataFrame({"joined": [1, 0, 0], "age": [30.0, 31.0, 50.0]}), treated="joined")
        >>> len(rows), rows.column("age").tolist()
        (3, [30.0, 31.0, 50.0])
        """
        def column(name: str) -> np.ndarray:
            if name not in table:
                raise PlanError(f"A column named in `matching` must be in the table: {name!r} is not. The table has {', '.join(map(str, table))}.")
            return table[name].to_numpy()

        flag = _flag(column(treated), treated)
        identity = pd.Index(table.index if id is None else column(id))
        if not identity.is_unique:
            raise PlanError(f"Every row of a table to be matched must be another unit: {int(identity.duplicated().sum()):,} of {len(table):,} "
                            f"identifiers in {'the index' if id is None else repr(id)} stand more than once. Mend the table, or name another `id`.")
        w = np.ones(len(table)) if weights is None else np.asarray(column(weights), dtype=float)
        if not (np.isfinite(w).all() and (w > 0).all()):
            raise PlanError(f"Sampling weights must be numbers above 0: {int((~(np.isfinite(w) & (w > 0))).sum()):,} of {len(w):,} in {weights!r} "
                            "are not. Mend the column.")
        n = len(table)
        return cls(treated=flag, period=np.zeros(n, dtype=np.int64), unit=np.arange(n), id=place_in_order(identity), weights=w, column=column,
                   columns=tuple(map(str, table)))

    def __len__(self) -> int:
        return len(self.treated)

    def keep(self, rows: np.ndarray) -> Candidates:
        """The rows where a mask is true, or at the places given."""
        here, before = self, self.history
        return Candidates(treated=self.treated[rows], period=self.period[rows], unit=self.unit[rows], id=self.id[rows], weights=self.weights[rows],
                          column=lambda name: here.column(name)[rows], columns=self.columns, label=self.label,
                          history=None if before is None else lambda outcome, window: before(outcome, window)[rows])

    def matrix(self, names: Sequence[str], *, full: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
        """Named columns as numbers, shape (n, n_columns), and the names of the columns made; NaN where missing.

        A text or categorical column becomes an indicator for each level but the first, or for every level where `full`; they are named
        `column[level]`.
        """
        columns, labels = [], []
        for name in names:
            values = self.column(name)
            if is_numeric(values):
                columns.append(np.asarray(values, dtype=float))
                labels.append(name)
                continue
            code, levels = pd.factorize(values, sort=True)
            for k in range(0 if full else 1, len(levels)):
                columns.append(np.where(code < 0, np.nan, code == k))
                labels.append(f"{name}[{levels[k]}]")
        return (np.column_stack(columns) if columns else np.empty((len(self), 0))), tuple(labels)

    def of_formula(self, formula: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Columns of the right-hand side of a formula ('age + age**2 + C(area)'), without the intercept, and their names; NaN where missing.

        Raises
        ------
        PlanError
            The formula cannot be read, or names a column that is not there.
        """
        from formulaic import Formula
        from formulaic.errors import FormulaicError

        try:
            parsed = Formula(formula)
            table = pd.DataFrame({str(name): self.column(str(name)) for name in sorted(map(str, parsed.required_variables))},
                                 index=range(len(self)))
            design = parsed.get_model_matrix(table, na_action="ignore")
        except (FormulaicError, ValueError, TypeError, SyntaxError) as fault:
            raise PlanError(f"`matching.score.formula` cannot be read: {formula!r} ({type(fault).__name__}). Write the right-hand side only, such as "
                            "'age + I(age**2) + C(area)'.") from fault
        if "Intercept" in design:
            design = design.drop(columns="Intercept")
        return np.asarray(design, dtype=float), tuple(map(str, design.columns))


def is_numeric(values: np.ndarray) -> bool:
    """Whether a column holds numbers or True and False, rather than text or categories."""
    return getattr(values.dtype, "kind", "O") in "iufb"


def place_in_order(identity: pd.Index) -> np.ndarray:
    """Place of each identifier in their order; shape (n,)."""
    if identity.is_monotonic_increasing:
        return np.arange(len(identity))
    place = np.empty(len(identity), dtype=np.int64)
    place[np.argsort(identity.to_numpy(), kind="stable")] = np.arange(len(identity))
    return place


def _flag(values: np.ndarray, name: str) -> np.ndarray:
    """The treatment column as True and False."""
    if pd.isna(values).any():
        raise PlanError(f"The column of treatment must not have gaps: {int(pd.isna(values).sum()):,} of {len(values):,} in {name!r} are missing. "
                        "Mend the column.")
    if not is_numeric(values) or not np.isin(values, (0, 1)).all():
        raise PlanError(f"The column of treatment must hold True and False, or 1 and 0: {name!r} holds other values. Mend the column.")
    flag = np.asarray(values).astype(bool)
    if flag.all() or not flag.any():
        raise CommonSupportError(f"Matching needs treated rows and others: {int(flag.sum()):,} of {len(flag):,} are treated in {name!r}. "
                                 "Add comparison rows, or name another column.")
    return flag
