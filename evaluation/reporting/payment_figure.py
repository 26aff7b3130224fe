"""The chart of the page on payment by results: shares that met the rule, with the programme and in the matched comparison group."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.disclosure.release import PaymentShare, ShownInterval
from evaluation.reporting.canvas import BLUE, INK, LINE, MUTED, ORANGE, WIDTH, Drawing, chart, right_of, row_centres, svg_of
from evaluation.reporting.fonts import text_width, wrapped
from evaluation.reporting.words import interval_in_words

BAR = 12.0  # points
LEFT = 156.0


def results(shown: Sequence[PaymentShare], *, plural: str) -> Drawing:
    """Pairs of bars with 95% intervals: programme above, matched comparison below and hatched; the numbers stand beside them."""
    names = [wrapped(line.label, LEFT - 12) for line in shown]
    right = max(text_width(interval_in_words(side)) for line in shown for side in (line.programme, line.comparison)) + 20
    ys, tall = row_centres([max(len(name), 2) for name in reversed(names)], pad=14)
    height = tall + 2 * LINE + 44
    with chart(height, left=LEFT, right=right, top=2 * LINE + 6, bottom=38) as (figure, axes):
        for y, line in zip(reversed(ys), shown, strict=True):
            _bar(axes, y + BAR / 2 + 1, line.programme, face=BLUE, hatch="")
            _bar(axes, y - BAR / 2 - 1, line.comparison, face="white", hatch="////")
        axes.set_yticks(list(reversed(ys)), ["\n".join(name) for name in names], color=INK)
        axes.set_ylim(0, tall)
        axes.set_xlim(0, 100)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.grid(axis="x")
        axes.set_xlabel(f"Of every 100 matched {plural}, how many met the rule", color=MUTED, loc="right")
        _keys(figure, height, plural)
        svg = svg_of(figure, "payment")
    told = "; ".join(
        f"{line.label}: programme {interval_in_words(line.programme)}, comparison {interval_in_words(line.comparison)}" for line in shown
    )
    return Drawing(svg, f"Bar chart of {len(shown)} kinds of {plural}, two bars each with 95% intervals, in every 100. {told}.")


def _bar(axes, y: float, share: ShownInterval, *, face: str, hatch: str) -> None:
    edge = BLUE if hatch == "" else ORANGE
    axes.barh(y, share.estimate.value, height=BAR, color=face, edgecolor=edge, hatch=hatch, lw=1.2)
    if share.lower.value is not None and share.upper.value is not None:
        axes.plot([share.lower.value, share.upper.value], [y, y], color=INK, lw=1.6, solid_capstyle="butt")
    axes.text(1, y, interval_in_words(share), transform=right_of(axes, 8), va="center_baseline", color=INK)


def _keys(figure, height: float, plural: str) -> None:
    """What the two bars are, above the plot."""
    from matplotlib.patches import Rectangle

    entries = ((BLUE, BLUE, "", f"Programme {plural}"), ("white", ORANGE, "////", f"Matched comparison {plural}"))
    for line, (face, edge, hatch, words) in enumerate(entries):
        y = height - 12 - line * LINE
        figure.add_artist(Rectangle((LEFT / WIDTH, (y - 5) / height), 20 / WIDTH, 10 / height, facecolor=face, edgecolor=edge, hatch=hatch, lw=1.2))
        figure.text((LEFT + 28) / WIDTH, y / height, words, va="center_baseline", color=INK)
