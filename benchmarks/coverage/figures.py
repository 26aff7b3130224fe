"""Drawings for the documentation: SVG, the same bytes from the same numbers."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.coverage.record import LEVEL, Record, bound
from benchmarks.coverage.tables import NAMES
from benchmarks.coverage.trap import BASES, MATCHINGS, SELECTIONS

INK, MUTED, RULE = "#0b0c0c", "#505a5f", "#b1b4b6"
LOOK = {-1: ("#F46A25", "o"), -2: ("#801650", "s"), -4: ("#12436D", "D"), "pre_mean": ("#28A197", "^")}
SIZES_SHOWN = {"binary": ("#12436D", "D"), "count": ("#F46A25", "o"), "rate": ("#28A197", "^")}
SETTINGS = {"svg.hashsalt": "evaluation", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "axes.edgecolor": RULE,
            "axes.labelcolor": INK, "xtick.color": MUTED, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False}
WHO_JOINS = {"level": "by level", "dip": "by the last quarter", "both": "by both", "none": "by neither"}


def draw_trap(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Bias of every base and matching, a panel for each kind of selection."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    at = {(row["number"], row["selection"]): row["mean"] for row in rows}
    lines = [("before/after", {"": "before/after"}), *((NAMES[name], {base: f"{name}, base {base}" for base in BASES}) for name in MATCHINGS)]
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        axes = figure.subplots(1, len(SELECTIONS), sharex=True, sharey=True)
        for axis, selection in zip(axes, SELECTIONS, strict=True):
            axis.axvline(0, color=INK, linewidth=1)
            axis.set_title(f"families join\n{WHO_JOINS[selection]}", fontsize=10, color=INK)
            for place, (_, keys) in enumerate(lines):
                for k, (base, key) in enumerate(keys.items()):
                    colour, mark = LOOK.get(base, (MUTED, "X"))
                    offset = 0.0 if len(keys) == 1 else 0.16 * (k - 1.5)
                    axis.plot(at[key, selection], place + offset, mark, color=colour, markersize=6)
            axis.grid(axis="x", color=RULE, linewidth=0.5)
        axes[0].set_yticks(range(len(lines)), [name for name, _ in lines])
        axes[0].invert_yaxis()
        marks = [axes[0].plot([], [], mark, color=colour, label=f"base {base}" if base != "pre_mean" else "base the mean before")[0]
                 for base, (colour, mark) in LOOK.items()]
        figure.legend(handles=marks, loc="outside upper center", ncols=4, frameon=False)
        figure.supxlabel("Bias (the true effect is 0; standard deviation of the outcome 1.4)", fontsize=10, color=INK)
        _save(figure, path)


def draw_coverage(records: Sequence[Record], path: Path) -> None:
    """Coverage with its 99.9% Monte Carlo bounds by analysis and size, under an effect."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = [record for record in records if record.effect != 0]
    names, sizes = list(dict.fromkeys(r.analysis for r in shown)), list(dict.fromkeys(r.treated for r in shown))
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        axes = figure.subplots(1, len(sizes), sharex=True, sharey=True, squeeze=False)[0]
        for axis, size in zip(axes, sizes, strict=True):
            axis.axvspan(94, 96, color="#f3f2f1", zorder=0)
            axis.axvline(100 * LEVEL, color=INK, linewidth=1)
            axis.set_title(f"{size:,} treated\nfamilies", fontsize=10, color=INK)
            for record in (r for r in shown if r.treated == size and r.n_intervals):
                k = list(SIZES_SHOWN).index(record.outcome)
                colour, mark = SIZES_SHOWN[record.outcome]
                room = 100 * bound(record.coverage, record.n_intervals)
                axis.errorbar(100 * record.coverage, names.index(record.analysis) + 0.2 * (k - 1), xerr=room, fmt=mark, color=colour, markersize=5,
                              linewidth=1)
            axis.grid(axis="x", color=RULE, linewidth=0.5)
        axes[0].set_yticks(range(len(names)), names)
        axes[0].invert_yaxis()
        marks = [axes[0].plot([], [], mark, color=colour, label=outcome)[0] for outcome, (colour, mark) in SIZES_SHOWN.items()]
        figure.legend(handles=marks, loc="outside upper center", ncols=3, frameon=False)
        figure.supxlabel("Share of 95% intervals that hold the true effect, per cent, with 99.9% Monte Carlo bounds", fontsize=10, color=INK)
        _save(figure, path)


def _save(figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")
