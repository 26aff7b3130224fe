"""Candidate rows: what every matcher starts from. One row per unit of a plain table, or per unit and entry period at risk.

`Candidates.of_table` reads a table; `risk_sets.py` makes candidates from a panel. How they are matched is the matchers' business.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import CommonSupportError, PlanError

NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty")       # what pandas calls objects that are numbers
DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period")
MOST_LEVELS = 1000             # of a text column that is a covariate
FEW_ROWS = 20                  # up to so many rows, each may have a text of its own


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
            if isinstance(table[name], pd.DataFrame):
                raise PlanError(f"A column named in `matching` must be in the table once: {name!r} is there {table[name].shape[1]} times. Mend the "
                                "table.")
            return table[name].to_numpy()

        def covariate(name: str) -> np.ndarray:
            if name == treated:
                raise PlanError(f"`matching` must not use the column of treatment: it names {name!r}. Take it out.")
            return column(name)

        flag = _flag(column(treated), treated)
        identity = pd.Index(table.index if id is None else column(id))
        if not identity.is_unique:
            raise PlanError(f"Every row of a table to be matched must be another unit: {int(identity.duplicated().sum()):,} of {len(table):,} "
                            f"identifiers in {'the index' if id is None else repr(id)} stand more than once. Mend the table, or name another `id`.")
        w = np.ones(len(table)) if weights is None else sampling_weights(column(weights), weights)
        n = len(table)
        return cls(treated=flag, period=np.zeros(n, dtype=np.int64), unit=np.arange(n), id=place_in_order(identity), weights=w, column=covariate,
                   columns=tuple(map(str, table)))

    def __len__(self) -> int:
        return len(self.treated)

    def __repr__(self) -> str:
        n = len(np.unique(self.period))
        return f"<Candidates: {len(self):,} rows, {int(self.treated.sum()):,} treated, {n:,} entry period{'s' * (n != 1)}>"

    def keep(self, rows: np.ndarray) -> Candidates:
        """The rows where a mask is true, or at the places given."""
        here, before = self, self.history
        return Candidates(treated=self.treated[rows], period=self.period[rows], unit=self.unit[rows], id=self.id[rows], weights=self.weights[rows],
                          column=lambda name: here.column(name)[rows], columns=self.columns, label=self.label,
                          history=None if before is None else lambda outcome, window: before(outcome, window)[rows])

    def matrix(self, names: Sequence[str], *, full: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
        """Named columns as numbers, shape (n, n_columns) and stored by column, and the names of the columns made; NaN where missing.

        A text or categorical column becomes an indicator for each level but the first, or for every level where `full`; they are named
        `column[level]`. A text column with one level keeps that one, so that it can be named as constant.

        Raises
        ------
        PlanError
            A column holds dates, or more levels than could be covariates.
        """
        columns = [column for name in names for column in _columns_of(self.column(name), name, full)]
        lines = np.empty((len(columns), len(self)))
        for line, (_, values, level, gaps) in zip(lines, columns, strict=True):
            line[:] = values if level is None else values == level
            line[gaps] = np.nan
        labels = tuple(label for label, *_ in columns)
        twice = sorted({label for label in labels if labels.count(label) > 1}) if len(set(labels)) < len(labels) else []
        if twice:
            raise PlanError(f"Covariates must have names of their own: {', '.join(twice)} would stand twice. Name each column once, and rename a "
                            "column that is called like the level of another.")
        return lines.T, labels

    def of_formula(self, formula: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Columns of the right-hand side of a formula, without the intercept, and their names; shape (n, n_columns).

        Read by formulaic: 'age + I(age**2) + area + age:area'; text and `C(column)` become indicators of all levels but the first; `log`, `exp`,
        `poly`, `bs`, `center` and `scale` are known. A row is NaN where a column that the formula names is missing there; transforms are fitted
        without such rows. It is NaN as well where a transform has no value (the log of 0).

        Raises
        ------
        PlanError
            The formula cannot be read, has a left-hand side or takes the intercept out, names a column that is not there, raises a single column
            to a power outside `I()` (which a formula reads as the column itself), or would depend on the order of rows.
        """
        from formulaic import Formula, SimpleFormula
        from formulaic.errors import FormulaicError

        table = pd.DataFrame({name: _formula_column(self.column(name), name) for name in formula_columns(formula)}, index=range(len(self)))
        complete = ~table.isna().to_numpy().any(axis=1)
        try:
            parsed = Formula(formula)
            if not isinstance(parsed, SimpleFormula):
                raise _unread(formula, "it has several parts")
            with np.errstate(all="ignore"):
                design = parsed.get_model_matrix(table[complete], na_action="ignore", context={})
        except (FormulaicError, ValueError, TypeError, SyntaxError, AttributeError) as fault:
            raise _unread(formula, type(fault).__name__) from fault
        if "Intercept" not in design:
            raise _unread(formula, "a score has an intercept: take `0 +` or `- 1` out")
        design = design.drop(columns="Intercept")
        if complete.all():
            values = design.to_numpy(dtype=float)
        else:
            values = np.full((design.shape[1], len(self)), np.nan).T
            values[complete] = design.to_numpy(dtype=float)
        undefined = ~np.isfinite(values)
        return np.where(undefined, np.nan, values) if undefined.any() else values, tuple(map(str, design.columns))


def is_numeric(values: np.ndarray) -> bool:
    """Whether a column holds numbers or True and False, rather than text or categories."""
    return getattr(values.dtype, "kind", "O") in "iufb"


def numbers_of(values: np.ndarray, name: str) -> np.ndarray | None:
    """A column as floats, NaN where missing; None where it holds text or categories.

    Whole numbers and True and False with gaps arrive as objects: they are numbers.
    """
    if is_numeric(values):
        return np.asarray(values, dtype=float)
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in DATES:
        raise PlanError(f"A covariate must be numbers or categories: {name!r} holds dates or times. Derive a number from it, such as an age.")
    if kind not in NUMBERS:
        return None
    return pd.Series(values, dtype=object).convert_dtypes().to_numpy(dtype=float, na_value=np.nan)


def formula_columns(formula: str) -> tuple[str, ...]:
    """Columns that a formula names, in order of the alphabet; those inside stateful transforms such as `center(age)` as well.

    Raises
    ------
    PlanError
        See `Candidates.of_formula`.
    """
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser
    from formulaic.transforms import TRANSFORMS

    try:
        tokens = list(DefaultFormulaParser().get_tokens(formula))
    except (FormulaicError, SyntaxError) as fault:
        raise _unread(formula, type(fault).__name__) from fault
    names = set()
    for before, token in zip([None, *tokens], tokens, strict=False):
        kind = token.kind.value if token.kind else ""
        if token.token in ("**", "^") and kind == "operator" and before is not None and before.kind.value in ("name", "python"):
            raise _unread(formula, f"a power of one column is that column itself: write I({before.token}**2)")
        if kind == "name":
            names.add(token.token)
        elif kind == "python":
            names |= _names_in(token.token, formula)
    return tuple(sorted(names - set(TRANSFORMS)))


def place_in_order(identity: pd.Index) -> np.ndarray:
    """Place of each identifier in their order; shape (n,)."""
    if identity.is_monotonic_increasing:
        return np.arange(len(identity))
    if identity.hasnans or pd.api.types.infer_dtype(identity, skipna=True).startswith("mixed"):
        raise PlanError("Identifiers must all be known, and all be text or all be numbers: they settle ties by their order. Mend the column of "
                        "identifiers.")
    place = np.empty(len(identity), dtype=np.int64)
    place[np.argsort(identity.to_numpy(), kind="stable")] = np.arange(len(identity))
    return place


def sampling_weights(values: np.ndarray, name: str) -> np.ndarray:
    """A column of sampling weights as floats.

    Raises
    ------
    PlanError
        It holds something other than numbers above 0.
    """
    w = numbers_of(values, name)
    wrong = len(values) if w is None else int((~(np.isfinite(w) & (w > 0))).sum())
    if wrong:
        raise PlanError(f"Sampling weights must be numbers above 0: {wrong:,} of {len(values):,} in {name!r} are not. Mend the column.")
    return w


def _names_in(expression: str, formula: str) -> set[str]:
    """Columns that a Python expression inside a formula uses, quoted ones as they are."""
    from formulaic.transforms import TRANSFORMS

    quoted = re.findall(r"`([^`]+)`", expression)
    try:
        nodes = list(ast.walk(ast.parse(re.sub(r"`[^`]+`", "_", expression), mode="eval")))
    except SyntaxError as fault:
        raise _unread(formula, type(fault).__name__) from fault
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if "__" in expression or called - (set(TRANSFORMS) - {"lag", "hashed"}):         # the first depends on the order of rows
        raise _unread(formula, f"{expression} has no transform that is known")
    return ({node.id for node in nodes if isinstance(node, ast.Name)} - called | set(quoted)) - {"_"}


def _columns_of(values: np.ndarray, name: str, full: bool) -> list[tuple[str, np.ndarray, int | None, np.ndarray]]:
    """What a named column becomes: label, numbers or codes, the level that is indicated, and rows where it is missing (known for codes)."""
    none = np.empty(0, dtype=np.int64)
    numbers = numbers_of(values, name)
    if numbers is not None:
        return [(name, numbers, None, none)]
    code, levels = pd.factorize(values, sort=True)
    _refuse_many_levels(name, len(levels), len(code))
    gaps = np.flatnonzero(code < 0) if code.min(initial=0) < 0 else none
    return [(f"{name}[{levels[k]}]", code, k, gaps) for k in range(0 if full or len(levels) == 1 else 1, len(levels))]


def _formula_column(values: np.ndarray, name: str) -> np.ndarray:
    """A column as a formula sees it: numbers with NaN for what is not finite, or text."""
    numbers = numbers_of(values, name)
    if numbers is None or values.dtype.kind in "iu":
        return values
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _unread(formula: str, why: str) -> PlanError:
    return PlanError(f"`matching.score.formula` cannot be read: {formula!r} ({why}). Write the right-hand side only, such as "
                     "'age + I(age**2) + C(area)'.")


def _refuse_many_levels(name: str, n: int, n_rows: int) -> None:
    if n_rows > FEW_ROWS and 2 * n > n_rows:
        raise PlanError(f"A covariate in text must group rows: {name!r} has {n:,} values in {n_rows:,} rows, as identifiers have. Take it out.")
    if n > MOST_LEVELS:
        raise PlanError(f"A covariate in text must have at most {MOST_LEVELS:,} values: {name!r} has {n:,}. Match exactly on it, or group its "
                        "values.")


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
