"""How blocks are set on pages, and how empty the pages are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.reporting.blocks import Block

TEXT_AREA = (24 / 297, 280 / 297)  # of a page's height: between header and footer
PAPER = 200  # grey, of 255: lighter than this is paper
MOST_EMPTY = 0.31  # of the text area: a third is promised, whether measured to the foot of letters or of frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How the blocks of a report are set on pages.

    Attributes
    ----------
    order : tuple of Block
    air, last_air : float
        Times the usual space between rows, charts and headings; of the report, and of its last part.
    """

    order: tuple[Block, ...]
    air: float
    last_air: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A setting, and how empty its pages are."""

    setting: Setting
    shares: tuple[float, ...]

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


def white_below(picture: bytes) -> float:
    """The share of a page's text area below its last mark; 1 where it has none."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as page:
        grey = page.convert("L")
    top, foot = (round(share * grey.height) for share in TEXT_AREA)
    marks = grey.crop((0, top, grey.width, foot)).point(lambda light: 255 * (light < PAPER)).getbbox()
    return 1.0 if marks is None else 1 - marks[3] / (foot - top)


def too_empty(shares: Sequence[float]) -> list[int]:
    """Numbers of the pages that are emptier than they may be, from 1."""
    return [n for n, share in enumerate(shares, start=1) if share > MOST_EMPTY]
