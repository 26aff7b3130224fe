"""A report's source, set so that no page is too empty: settings are reckoned, tried and looked at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from evaluation.reporting.blocks import Block, numbering
from evaluation.reporting.flow import rearranged
from evaluation.reporting.pages import MOST_EMPTY, Setting, Tried, too_empty
from evaluation.reporting.typesetting import pages_of
from evaluation.reporting.typst_source import kept_whole, source, typst_of

AIR = (1.0, 0.9, 1.1)  # times the usual space between rows, charts and headings, tried in this order until no page is too empty
TRIES = 4  # how often a report is set anew to fill its pages, and again to fill its last one


def settled(blocks: Sequence[Block]) -> str:
    """The source of a setting whose pages are full enough, or of the best that was found.

    Page one stands alone unless it has little to say. What follows a chart that does not fit on its page may stand before it, and the last part of a
    report has more or less air between its rows and headings, so that the last page is full too.
    """
    numbers = numbering(tuple(blocks))
    told = {block: typst_of(block, numbers) for block in blocks}
    whole = frozenset(filter(kept_whole, blocks))

    def made(setting: Setting, with_places: bool) -> str:
        return source(setting.order, told=told, air=setting.air, last_air=setting.last_air, apart=setting.apart, with_places=with_places)

    def tried(setting: Setting) -> Tried:
        return Tried(setting=setting, pages=pages_of(made(setting, True)))

    best, apart = None, True
    for air in AIR:
        first = tried(Setting(order=tuple(blocks), air=air, apart=apart))
        if apart and first.shares[0] > MOST_EMPTY and len(first.shares) > 1:
            apart = False
            first = tried(replace(first.setting, apart=apart))
        found = with_full_pages(tried, whole, first)
        best = found if best is None or found.worst < best.worst else best
        if best.worst <= MOST_EMPTY:
            break
    return made(with_full_last_page(tried, whole, best).setting, False)


def with_full_pages(tried: Callable[[Setting], Tried], whole: Collection[Block], first: Tried) -> Tried:
    """A setting with blocks moved before charts that do not fit, so that every page but the last is full enough; the best of those tried."""
    best, found, known = first, first, [first]
    for _ in range(TRIES):
        if not too_empty(found.shares[:-1]):
            break
        other = rearranged(found, known, whole)
        if other.order == found.setting.order:
            break
        found = tried(other)
        known.append(found)
        best = min(best, found, key=lambda one: one.worst)
    return best


def with_full_last_page(tried: Callable[[Setting], Tried], whole: Collection[Block], first: Tried) -> Tried:
    """A setting whose last page is full enough too, by the air of the report's last part; the best of those tried where that cannot be reached."""
    best, known, enough = first, [first], max(MOST_EMPTY, first.worst)
    for _ in range(TRIES):
        if max(best.shares) <= enough:
            break
        known.append(tried(rearranged(first, known, whole)))
        best = min(best, known[-1], key=lambda one: max(one.shares))
    return best
