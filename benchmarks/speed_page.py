"""docs/speed.md from stored results: how fast effects are, beside whom, and how the cost grows.

    python benchmarks/models.py --growth --json docs/results/speed_growth.json
    python benchmarks/models.py --families 1000000 --json docs/results/speed_peers.json
    python benchmarks/speed_page.py
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
TARGETS = {"group-time, no covariates": 1.5, "group-time, doubly robust, two covariates": 6.0, "two-way fixed effects": 1.0}

PAGE = """# Speed and memory of effects

Whole public calls from a panel in memory (families by 20 quarters, 150 councils, seed {seed}) to an estimate with its error, each alone in a
process on 2 cores; best of three for ours, once for the others. Peak memory is what the call adds. Made by `python benchmarks/models.py` and
`python benchmarks/speed_page.py`; nothing is typed in.

## {families:,} families, beside other libraries

{peers}

## How the cost grows

Seconds by number of families, and the power of the number of families with which the cost grows from 20,000 on (1: in proportion).

{growth}
"""


def read(name: str) -> dict:
    """A stored result."""
    return json.loads((DOCS / "results" / name).read_text(encoding="utf-8"))


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def in_words(result: Mapping[str, object]) -> str:
    """Seconds and memory."""
    return str(result["failed"]) if "failed" in result else f"{result['seconds']:.2f} s, {result['peak_mb']:,.0f} MB"


def peers_table(found: Mapping[str, Mapping[str, Mapping[str, object]]]) -> str:
    """Every task: target, ours, the others with how many times as long they take."""
    lines = [row(["task", "target", "ours", "others"]), row(["---"] * 4)]
    for task, by in found.items():
        ours = by["ours"]
        others = []
        for who, result in by.items():
            if who != "ours":
                times = "" if {"failed"} & {*result, *ours} else f" ({result['seconds'] / ours['seconds']:.0f} times)"
                others.append(f"{who}: {in_words(result)}{times}")
        lines.append(row([task, f"{TARGETS[task]:g} s" if task in TARGETS else "", in_words(ours), "; ".join(others)]))
    return "\n".join(lines)


def growth_table(found: Mapping[str, object], sizes: list[int]) -> str:
    """Seconds of every task at every size, and the power."""
    lines = [row(["task", *(f"{size:,}" for size in sizes), "power"]), row(["---"] * (len(sizes) + 2))]
    for task, by in found.items():
        cells = [f"{by['seconds'][str(size)]:.3f}" if str(size) in by["seconds"] else "" for size in sizes]
        lines.append(row([task, *cells, f"{by['slope']:.2f}"]))
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    peers, growth = read("speed_peers.json"), read("speed_growth.json")
    text = PAGE.format(seed=peers["seed"], families=peers["families"], peers=peers_table(peers["tasks"]),
                       growth=growth_table(growth["tasks"], growth["families"]))
    (DOCS / "speed.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
