"""Full pages: how empty a page is, which blocks may stand before a chart or table that does not fit on it, and how much air fills the last one.

Only the printed edition asks for this; the web page keeps the order in which blocks are given.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.reporting.blocks import Block, Bullets, Definitions, Figure, Paragraph, Table

TEXT_AREA = (24 / 297, 280 / 297)  # of a page's height: between header and footer
PAPER = 200  # grey, of 255: lighter than this is paper
MOST_EMPTY = 0.31  # of the text area: a third is promised, whether measured to the foot of letters or of frames
LEAST_AIR, MOST_AIR = 0.6, 1.8  # between rows, lines and headings of a report's last part, times the usual
FULL = (0.86, 0.97, 0.72)  # of the last page: what the air is chosen for
NEAR = 0.004  # air that is nearer to another has been tried
STRETCH = 1.5  # pages more with twice the air: a first guess


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
    """A setting, its source, and how empty its pages are."""

    setting: Setting
    made: str
    shares: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The share of the emptiest page but the last."""
        return max(self.shares[:-1], default=0.0)

    @property
    def length(self) -> float:
        """Pages, the last one as far as it is full."""
        return len(self.shares) - self.shares[-1]


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


def air_for(known: Sequence[tuple[float, float]]) -> float:
    """How much air of the last part would fill the last page, as near to the usual as can be.

    Parameters
    ----------
    known : sequence of (float, float)
        Air and the report's length in pages, the last page as far as it is full; the usual air first.
    """
    usual = known[0][1]
    slopes = [(length - usual) / (air - 1) for air, length in known[1:] if (length - usual) * (air - 1) > 0]
    slope = slopes[-1] if slopes else STRETCH
    found = (1 + (n + full - usual) / slope for full in FULL for n in range(math.floor(usual) - 2, math.ceil(usual) + 2))
    spent = [air for air, _ in known]
    left = [air for air in found if LEAST_AIR <= air <= MOST_AIR and min(abs(air - one) for one in spent) > NEAR]
    return min(left, key=lambda air: abs(air - 1), default=1 + (MOST_AIR - 1) * len(spent) / 6)


def pulled(blocks: Sequence[Block], page: int, page_of: Mapping[str, int]) -> tuple[Block, ...]:
    """The blocks with text and tables that follow a chart or table moved before it, where it left a page too empty.

    Charts keep their order among charts, and tables theirs among tables; nothing moves beyond its heading.

    Parameters
    ----------
    page : int
        The page that is too empty.
    page_of : mapping of str to int
        Page on which each table and chart begins.
    """
    at = next((i for i, block in enumerate(blocks) if isinstance(block, Figure | Table) and page_of.get(block.id) == page + 1), None)
    if at is None:
        return tuple(blocks)
    last = at + 1
    while last < len(blocks) and _may_move(blocks[last], past=blocks[at]):
        last += 1
    return (*blocks[:at], *blocks[at + 1 : last], blocks[at], *blocks[last:])


def _may_move(block: Block, *, past: Block) -> bool:
    return isinstance(block, Paragraph | Bullets | Definitions) or (isinstance(block, Table) and isinstance(past, Figure))

