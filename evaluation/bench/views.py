"""What a cell of a notebook shows: a table with its words, or a picture with its alternative text. For those inside only."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from evaluation.reporting.fonts import FAMILY, FILES, font_file
from evaluation.showing import Face, Showing, face_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, RULE, SOFT = "#0b0c0c", "#505a5f", "#b1b4b6", "#f3f2f1"
BLUE, ORANGE, GREY, PINK, TURQUOISE = "#12436D", "#F46A25", "#3D3D3D", "#801650", "#28A197"
DPI = 110


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class View(Showing):
    """A table of aggregates under its title.

    Attributes
    ----------
    title : str
        The finding, where there is one.
    table : DataFrame
        As computed, for going on with.
    notes : tuple of str
    """

    title: str
    table: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    def face(self) -> Face:
        """Every row."""
        return face_of(self.title, self.table, notes=self.notes)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Picture:
    """A figure that shows itself in any notebook, whatever the backend.

    Attributes
    ----------
    figure : matplotlib Figure
        For changing or saving it.
    alt : str
        What it shows, in words.
    """

    figure: Figure
    alt: str

    def png(self) -> bytes:
        """The picture as PNG."""
        out = io.BytesIO()
        with _style():
            self.figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
        return out.getvalue()

    def __repr__(self) -> str:
        return f"<Picture: {self.alt}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, object], dict[str, object]]:
        return {"image/png": self.png(), "text/plain": repr(self)}, {"image/png": {"alt": self.alt}}


@contextmanager
def drawing(width: float, height: float, *, rows: int = 1, columns: int = 1, share_x: bool = False) -> Iterator[tuple[Figure, np.ndarray]]:
    """An empty figure in inches and its panels, shape (rows, columns), in the looks of the reports."""
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width, height), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=share_x)
        for axes in panels.ravel():
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_axisbelow(True)
        yield figure, panels


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib
    from matplotlib.font_manager import fontManager

    known = {entry.fname for entry in fontManager.ttflist}
    for weight in FILES:
        if str(font_file(weight)) not in known:
            fontManager.addfont(font_file(weight))
    style = {"font.family": [FAMILY], "font.size": 11, "axes.edgecolor": RULE, "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED,
             "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": "#dee0e2", "axes.titlelocation": "left",
             "axes.titlesize": 11, "axes.titlecolor": INK, "figure.facecolor": "white", "axes.unicode_minus": True, "legend.frameon": False}
    with matplotlib.rc_context(style):
        yield


def titled(figure: Figure, words: str) -> None:
    """A title flush left; it wraps."""
    figure.suptitle(words, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK, wrap=True)


def keyed(figure: Figure, axes: Axes, *, columns: int = 4) -> None:
    """The key, below the panels."""
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=columns)


def blank_rest(panels: np.ndarray, used: int) -> list:
    """The panels that are used; the others are taken away."""
    every = list(panels.ravel())
    for axes in every[used:]:
        axes.set_axis_off()
    return every[:used]


def table_of(rows: Sequence[dict[str, object]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame that has its columns even when there is no row."""
    return pd.DataFrame(rows, columns=list(columns))
