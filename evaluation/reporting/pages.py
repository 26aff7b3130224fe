"""How blocks are set on pages, and how empty the pages are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from evaluation.reporting.blocks import Block

TEXT_AREA = (24 / 297, 280 / 297)  # of a page's height: between header and footer
# shares of the text area
MOST_EMPTY = 0.31  # a third is promised, whether measured to the foot of letters or of frames
TORN = 0.02  # what stays white where a block is broken over pages, in the mean
TOP = 0.01  # what begins above this begins its page


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How the blocks of a report are set on pages.

    Attributes
    ----------
    order : tuple of Block
    air, last_air : float
        Times the usual space between rows, charts and headings; of the report, and of its last part.
    apart : bool
        Whether page one stands alone; else the contents follow on it.
    """

    order: tuple[Block, ...]
    air: float
    last_air: float = 1.0
    apart: bool = True


@dataclass(frozen=True, kw_only=True)
class Pages:
    """A report as it was set.

    Attributes
    ----------
    number : int
    starts : tuple of (int, float)
        Page, from 1, and the share of its text area above each block, in the order in which they were set.
    ends : tuple of (int, float)
        The same of the last line or the frame of each block that is text, a table or a chart.
    """

    number: int
    starts: tuple[tuple[int, float], ...]
    ends: tuple[tuple[int, float], ...]

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """The share of each page's text area that is white at its bottom; a page whose last block goes on overleaf is full."""
        foot, top = [0.0] * (self.number + 1), [1.0] * (self.number + 2)
        for page, down in self.ends:
            foot[page] = max(foot[page], down)
        for page, down in self.starts:
            top[page] = min(top[page], down)
        goes_on = (top[page + 1] > TOP for page in range(1, self.number))
        return (*(TORN if on else 1 - foot[page] for page, on in enumerate(goes_on, start=1)), 1 - foot[self.number])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A setting, and its pages."""

    setting: Setting
    pages: Pages

    @property
    def shares(self) -> tuple[float, ...]:
        """How empty its pages are."""
        return self.pages.shares

    @property
    def worst(self) -> float:
        """The share of the emptiest page but the last."""
        return max(self.shares[:-1], default=0.0)

    @property
    def length(self) -> float:
        """Pages, the last one as far as it is full."""
        return length_of(self.shares)


def length_of(shares: Sequence[float]) -> float:
    """Pages, the last one as far as it is full."""
    return len(shares) - shares[-1]


def too_empty(shares: Sequence[float]) -> list[int]:
    """Numbers of the pages that are emptier than they may be, from 1."""
    return [n for n, share in enumerate(shares, start=1) if share > MOST_EMPTY]
