"""Charts of value for money: who gains and who pays, and how far each assumption moves the result. Protected numbers in, pictures and words out."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.disclosure.release import AgencyLine, Shown, SwingLine
from evaluation.reporting.canvas import BLUE, INK, MUTED, ORANGE, Drawing, chart, give_room, key_above, right_of, row_centres, svg_of
from evaluation.reporting.fonts import text_width, wrapped
from evaluation.reporting.words import in_words

NAMES, WIDE = 150.0, 230.0  # points for the names of rows, without and with what stands at the ends


def who_gains(lines: Sequence[AgencyLine]) -> Drawing:
    """One row an agency: what it gains to the right, what it pays to the left, fees where there are any, and its net beside it."""
    names, fees = [wrapped(line.label, NAMES - 12) for line in lines], any(line.fees.value for line in lines)
    ys, tall = row_centres([len(name) for name in reversed(names)], pad=18 if fees else 12)
    apart = 9 if fees else 3
    right = max(text_width(in_words(line.net), weight=700) for line in lines) + 20
    height = tall + 66
    with chart(height, left=NAMES, right=right, top=26, bottom=40) as (figure, axes):
        for y, line in zip(ys, reversed(lines), strict=True):
            _bar(axes, y + apart, line.gains.estimate, BLUE, "")
            _bar(axes, y, line.fees, MUTED, "||||")
            _bar(axes, y - apart, Shown(value=-(line.pays.value or 0.0), text=""), ORANGE, "////")
            axes.text(1, y, in_words(line.net), transform=right_of(axes, 8), va="center", weight="bold", color=INK)
        axes.axvline(0, color=INK, lw=1)
        axes.set_yticks(ys, ["\n".join(name) for name in reversed(names)], color=INK)
        axes.set_ylim(0, tall)
        give_room(axes, [number for line in lines for number in (line.gains.estimate.value, -(line.pays.value or 0.0), line.fees.value)] + [0.0])
        _in_thousands(axes)
        axes.set_xlabel("Thousand pounds: paid to the left, gained to the right; net in bold", color=MUTED, loc="right")
        passed = [("s", "white", MUTED, "Fees passed on")] if fees else []
        key_above(figure, height, NAMES, [("s", BLUE, BLUE, "Gains"), *passed, ("s", "white", ORANGE, "Pays for the programme")])
        svg = svg_of(figure, "value-agencies")
    told = "; ".join(
        f"{line.label} gains {in_words(line.gains.estimate)}, pays {in_words(line.pays)}"
        + (f", fees {in_words(line.fees)}" if line.fees.value else "")
        + f", net {in_words(line.net)}"
        for line in lines
    )
    return Drawing(svg, f"Bars for {len(lines)} agencies. {told}.")


def tornado(lines: Sequence[SwingLine], net: Shown) -> Drawing:
    """One row an assumption, the widest first: the net value at its low and at its high end, around the result."""
    names = [wrapped(f"{line.label}: {line.low} to {line.high}", WIDE - 12) for line in lines]
    ys, tall = row_centres([len(name) for name in reversed(names)], pad=10)
    height = tall + 66
    with chart(height, left=WIDE, right=20, top=26, bottom=40) as (figure, axes):
        for y, line in zip(ys, reversed(lines), strict=True):
            low, high = line.at_low.value or 0.0, line.at_high.value or 0.0
            axes.plot([low, high], [y, y], color=BLUE, lw=9, solid_capstyle="butt", zorder=2)
            axes.plot(low, y, "D", markerfacecolor="white", markeredgecolor=ORANGE, markeredgewidth=2, markersize=8, zorder=3)
            axes.plot(high, y, "o", markerfacecolor=BLUE, markeredgecolor="white", markeredgewidth=1.5, markersize=9, zorder=3)
        axes.axvline(net.value or 0.0, color=INK, lw=1, ls=(0, (3, 2)))
        axes.set_yticks(ys, ["\n".join(name) for name in reversed(names)], color=INK)
        axes.set_ylim(0, tall)
        give_room(axes, [number.value for line in lines for number in (line.at_low, line.at_high)] + [net.value])
        _in_thousands(axes)
        axes.set_xlabel(f"Net value, thousand pounds; dashed: the result, {in_words(net)}", color=MUTED, loc="right")
        key_above(figure, height, WIDE, [("D", "white", ORANGE, "Low end"), ("o", BLUE, BLUE, "High end")])
        svg = svg_of(figure, "value-tornado")
    told = "; ".join(f"{line.label} from {in_words(line.at_low)} to {in_words(line.at_high)}" for line in lines[:6])
    return Drawing(svg, f"Bars for {len(lines)} assumptions around a net value of {in_words(net)}. {told}.")


def _bar(axes, y: float, number: Shown, colour: str, hatch: str) -> None:
    if number.value:
        axes.barh(y, number.value, height=9, color="white" if hatch else colour, edgecolor=colour, hatch=hatch, lw=1.2, zorder=2)


def _in_thousands(axes) -> None:
    """Tick labels in thousands of pounds with a true minus."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{'' if value >= 0 else chr(0x2212)}{abs(value) / 1000:,.0f}")
