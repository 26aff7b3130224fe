"""How a value shows itself at a prompt and in a notebook: a title, one small table, a few lines. Aggregates only, never a row of a family.

What a value says of itself is written where it is defined; how that looks, here. Nothing is drawn: pictures are made by `bench` and `reporting`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a value shows.

    Attributes
    ----------
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
        Already written out; the first cell of each row names it.
    notes : tuple of str
    """

    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """As lines of text."""
        shown = [self.columns, *self.rows[:MOST_ROWS]] if self.columns else []
        widths = [max(len(row[j]) for row in shown) for j in range(len(self.columns))]
        numeric = self._numeric()
        lines = [
            "  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, numeric, strict=True)).rstrip()
            for row in shown
        ]
        return "\n".join([self.title, *lines, *self._left_out(), *self.notes])

    def html(self) -> str:
        """As a small table that takes its looks from the notebook."""
        align = ["" if number else ' style="text-align:left"' for number in self._numeric()]
        head = "".join(f"<th{a}>{html.escape(name)}</th>" for name, a in zip(self.columns, align, strict=True))
        lines = ("".join(f"<td{a}>{html.escape(cell)}</td>" for cell, a in zip(row, align, strict=True)) for row in self.rows[:MOST_ROWS])
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        table = f'<table class="dataframe"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>' if self.columns else ""
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in (*self._left_out(), *self.notes))
        return f"<div><p><strong>{html.escape(self.title)}</strong></p>{table}{notes}</div>"

    def _numeric(self) -> list[bool]:
        return [j > 0 and all(_is_number(row[j]) for row in self.rows) for j in range(len(self.columns))]

    def _left_out(self) -> tuple[str, ...]:
        more = len(self.rows) - MOST_ROWS
        return (f"... and {more:,} more rows",) if more > 0 else ()


class Showing:
    """Gives a value its `repr` and its looks in a notebook from one `face`. Frozen dataclasses with it say `repr=False`."""

    __slots__ = ()

    def face(self) -> Face:
        """What the value shows of itself."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.face().text()

    def _repr_html_(self) -> str:
        return self.face().html()


def face_of(title: str, table: pd.DataFrame, *, notes: Sequence[str] = (), names: dict[str, str] | None = None) -> Face:
    """The face of a table of aggregates; columns renamed by `names`."""
    columns = tuple((names or {}).get(name, str(name).replace("_", " ")) for name in table.columns)
    cells = [[written(value) for value in column] for column in _columns(table)]
    return Face(title=title, columns=columns, rows=tuple(zip(*cells, strict=True)), notes=tuple(note for note in notes if note))


def written(value: object) -> str:
    """A value as a person reads it: whole numbers with separated thousands, others to three figures, nothing for what is missing.

    Examples
    --------
    >>> [written(value) for value in (12345, 0.12345, -3.14159, 1234.5, float("nan"), True, "north")]
    ['12,345', '0.123', '−3.14', '1,234', '', 'yes', 'north']
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or type(value).__name__ in ("bool", "bool_"):
        return "yes" if value else "no"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return "" if math.isnan(number) else ("\u2212" if number < 0 else "") + "no limit"
    if number == int(number):
        text = f"{abs(number):,.0f}"
    else:
        places = min(max(2 - math.floor(math.log10(abs(number))), 0), 4)
        text = f"{abs(number):,.{places}f}"
    return ("\u2212" if number < 0 and any(digit in "123456789" for digit in text) else "") + text


def _columns(table: pd.DataFrame) -> Iterable[Sequence[object]]:
    return (table.iloc[:, j].tolist() if table.iloc[:, j].dtype != float else list(table.iloc[:, j]) for j in range(table.shape[1]))


def _is_number(text: str) -> bool:
    return not text or text.lstrip("+\u2212(\u00a3")[:1].isdigit()
