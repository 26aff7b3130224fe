"""A cover, charts and tables of a size that tests choose."""

from __future__ import annotations

from evaluation.reporting.blocks import Cover, Figure, Table

COVER = Cover(title="T", council="C", question="Q?", date="2026-11-24", reference="R", stem="s", simulated=False)


def figure(id: str, height: int = 300) -> Figure:
    size = f'width="482" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 482 {height}"><rect {size}/></svg>'
    table = Table(id=id.replace("fig", "data"), title="D", columns=("Who", "N"), rows=(("a", "1"),))
    return Figure(id=id, title="T", subtitle="S", alt="A chart of a number that is 1 in this example of a chart.", source="S.", svg=svg, data=table)


def table(id: str, rows: int) -> Table:
    return Table(id=id, title="T", columns=("Who", "N"), rows=tuple((f"row {n}", str(n)) for n in range(rows)))
