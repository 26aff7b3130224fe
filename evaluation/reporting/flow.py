"""Full pages: which blocks stand before a chart or table that does not fit on its page, and how much air fills the last page.

A report is set once; what moving blocks and more or less air would do is reckoned from the places at which they stand, and looked at on pages set
anew. Only the printed edition asks for this; the web page keeps the order in which blocks are given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from evaluation.reporting.blocks import Block, Bullets, Contents, Definitions, Figure, Heading, Paragraph, Table
from evaluation.reporting.pages import MOST_EMPTY, TORN, Pages, Setting, Tried, length_of, too_empty

MOVES = 4  # how often blocks are moved before charts that do not fit
LAST_AIRS = tuple(n / 100 for n in sorted(range(60, 181), key=lambda n: abs(n - 100)))  # of a report's last part, the most usual first
NEAR = 0.045  # air that is nearer to another has been tried
SURE = (0.75, 0.92)  # how full the last page is to be by reckoning, which may be off by some lines
# shares of the text area of a page
SOME_LINES, SOME_ROWS = 0.04, 0.1  # what of a text or table that may be broken stands on its first page at least
SPACE = 0.02  # the space below a block, which is not needed at the foot of a page
LINE, LEADING, ROW = 0.021, 0.0033, 0.0124  # a line of text, and the air above a line and around a row
BETWEEN = {Table: 0.015, Figure: 0.02, Heading: 0.021, Paragraph: 0.005, Bullets: 0.005, Definitions: 0.005}  # the air around a block


def rearranged(found: Tried, known: Sequence[Tried], whole: Collection[Block]) -> Setting:
    """A setting whose pages are full enough by reckoning, or the fullest: charts moved behind what follows, and air that fills the last page.

    Parameters
    ----------
    found : Tried
        What is reckoned from.
    known : sequence of Tried
        All that has been tried: another setting is found, and reckoning is corrected by how far it missed the nearest of them.
    whole : collection of Block
        Those that are not broken over pages.
    """
    order, shares = found.setting.order, found.shares
    page_of = {block: page for block, (page, _) in zip(order, found.pages.starts, strict=True)}
    sizes = sizes_of(order, found.pages)

    def reckoned(order: Sequence[Block], last_air: float) -> tuple[float, ...]:
        return flowed(order, stretched(sizes, order, last_air - found.setting.last_air), found.pages, whole)[0]

    missed = {one.setting.last_air: one.length - length_of(reckoned(one.setting.order, one.setting.last_air)) for one in known}
    for _ in range(MOVES):
        moved = (pulled(order, page, page_of) for page in too_empty(shares[:-1]))
        other = next((one for one in moved if one != order), order)
        if other == order:
            break
        order = other
        shares, page_of = flowed(order, sizes, found.pages, whole)

    def how_bad(air: float) -> tuple[float, float]:
        shares, nearest = reckoned(order, air), min(missed, key=lambda one: abs(one - air))
        filled = (length_of(shares) + missed[nearest]) % 1
        return max((*shares[:-1], MOST_EMPTY)), max(SURE[0] - filled, filled - SURE[1], 0.0)

    spent = [one.setting.last_air for one in known if one.setting.order == order]
    airs = [air for air in LAST_AIRS if all(abs(air - one) > NEAR for one in spent)]
    good = next((air for air in airs if how_bad(air) == (MOST_EMPTY, 0.0)), None)
    return replace(found.setting, order=order, last_air=min(airs, key=how_bad) if good is None else good)


def sizes_of(order: Sequence[Block], pages: Pages) -> dict[Block, float]:
    """Shares of a text area that blocks take, with the space below them; what was left white at the foot of pages is no block's."""
    before = [0.0, *accumulate(1 - share for share in pages.shares)]
    at = [*(before[page - 1] + down for page, down in pages.starts), before[-1]]
    below = [SPACE if down <= 0 else 0.0 for _, down in (*pages.starts[1:], (0, 0.0))]
    return {block: max(at[n + 1] - at[n] + below[n], 0.0) for n, block in enumerate(order)}


def stretched(sizes: Mapping[Block, float], order: Sequence[Block], more: float) -> dict[Block, float]:
    """Sizes of blocks where those of the last part have so much more air."""
    first = next((n for n, block in enumerate(order) if isinstance(block, Heading) and block.last_part), len(order))
    return {**sizes, **{block: sizes[block] + more * air_in(block, sizes[block]) for block in order[first:]}}


def air_in(block: Block, size: float) -> float:
    """How much of a block's size is air, where that is as usual: the space around it, and between its lines or rows."""
    between = next((space for kind, space in BETWEEN.items() if isinstance(block, kind)), 0.0)
    return between + (ROW * (len(block.rows) + 1) if isinstance(block, Table) else 0.0 if isinstance(block, Figure) else LEADING * size / LINE)


def flowed(
    order: Sequence[Block], sizes: Mapping[Block, float], pages: Pages, whole: Collection[Block]
) -> tuple[tuple[float, ...], dict[Block, int]]:
    """How empty pages would be, and on which each block would begin, were blocks set in this order; nothing before the first chapter moves."""
    first = next((n for n, block in enumerate(order) if isinstance(block, Contents)), -1) + 1
    page_of = {block: page for block, (page, _) in zip(order[:first], pages.starts[:first], strict=True)}
    page, used = pages.starts[first]
    shares = [0.0] * (page - 1)
    for block, least in zip(order[first:], together(order[first:], sizes, whole), strict=True):
        if used + least > 1:
            shares.append(1 - min(used, 1.0))
            used = 0.0
        page_of[block] = len(shares) + 1
        used += sizes[block]
        while used > 1 + SPACE:
            shares.append(TORN)
            used -= 1 - TORN
    return (*shares, max(1 - used, 0.0)), page_of


def together(order: Sequence[Block], sizes: Mapping[Block, float], whole: Collection[Block]) -> list[float]:
    """How much of each block, and of what may not be parted from it, must have room on the page on which it begins."""
    found, below = [], 0.0
    for block in reversed(order):
        size, some = sizes[block], SOME_ROWS if isinstance(block, Table) else SOME_LINES
        below = size - SPACE if block in whole else size + below if isinstance(block, Heading) else min(size, some)
        found.append(below)
    return found[::-1]


def pulled(blocks: Sequence[Block], page: int, page_of: Mapping[Block, int]) -> tuple[Block, ...]:
    """The blocks with text and tables that follow a chart or table moved before it, where it left a page too empty.

    Charts keep their order among charts, and tables theirs among tables; nothing moves beyond its heading.

    Parameters
    ----------
    page : int
        The page that is too empty.
    page_of : mapping of Block to int
        Page on which each table and chart begins.
    """
    at = next((i for i, block in enumerate(blocks) if isinstance(block, Figure | Table) and page_of.get(block) == page + 1), None)
    if at is None:
        return tuple(blocks)
    last = at + 1
    while last < len(blocks) and _may_move(blocks[last], past=blocks[at]):
        last += 1
    return (*blocks[:at], *blocks[at + 1 : last], blocks[at], *blocks[last:])


def _may_move(block: Block, *, past: Block) -> bool:
    return isinstance(block, Paragraph | Bullets | Definitions) or (isinstance(block, Table) and isinstance(past, Figure))

