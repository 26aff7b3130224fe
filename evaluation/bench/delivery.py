"""What was delivered: rows checked, values missing, people linked, periods covered, and how much of each outcome was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.bench.study import Bench
from evaluation.bench.views import INK, Picture, View, drawing, table_of, titled
from evaluation.ingest.tables import CheckedTable, describe, describe_faults
from evaluation.panel.types import Panel
from evaluation.pipeline.receive import build_panel, of_pool
from evaluation.pipeline.receive import receive as receive_tables
from evaluation.pipeline.recipe import first_pool
from evaluation.showing import Face, Showing, face_of

NOTED = ("warn", "normalise")  # faults that are told, and nothing is taken away


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Received(Showing):
    """The tables of a delivery after their contracts."""

    study: Bench
    tables: Mapping[str, CheckedTable]

    def face(self) -> Face:
        """Rows in, kept, set aside and dropped."""
        table = describe(self.tables)
        rows, aside = int(table["rows_in"].sum()), int(table["quarantined"].sum())
        return face_of(f"{rows:,} rows received in {len(table)} tables; {aside:,} set aside because they broke their contract", table)


def receive(study: Bench) -> Received:
    """Check the delivery (or simulate one, where the plan says so) against the data dictionary; kept rows go to the study's room.

    Raises
    ------
    ContractError
        The delivery breaks its contract; the message holds every fault.
    """
    return Received(study=study, tables=receive_tables(study.plan, study.plan_folder, study.dictionary, study.room))

def faults(received: Received) -> View:
    """Every fault of the delivery: what must hold, how many rows, how to mend it."""
    found = [fault for table in received.tables.values() for fault in table.faults]
    broken = sum(fault.severity not in NOTED for fault in found)
    kept = f"No fault: every row kept its contract{f'; {len(found)} things to know' if found else ''}"
    return View(title=f"{broken} kinds of fault" if broken else kept, table=describe_faults(found).drop(columns="first_rows"))


def missing(received: Received) -> View:
    """Columns with missing values, most missing first. Many are meant to be (a date of leaving): `description` says what a column holds."""
    import duckdb

    rows = []
    with duckdb.connect() as con:
        for table in received.tables.values():
            about = received.study.dictionary.tables[table.name].columns if table.name in received.study.dictionary.tables else {}
            counts = con.execute("SELECT count(*), count(COLUMNS(*)) FROM read_parquet(?)", [str(table.path)]).df().iloc[0]
            for name, known in list(counts.items())[1:]:
                column = str(name).removeprefix("count(").removesuffix(")").strip('"')
                if known < counts.iloc[0]:
                    rows.append({"table": table.name, "column": column, "missing rows": int(counts.iloc[0] - known),
                                 "missing (%)": 100 * (1 - known / counts.iloc[0]), "description": getattr(about.get(column), "description", "")})
    rows.sort(key=lambda row: -row["missing (%)"])
    table = table_of(rows, ("table", "column", "missing rows", "missing (%)", "description"))
    return View(title=f"{len(rows)} columns have missing values" if rows else "No value is missing", table=table)


def linkage(received: Received) -> View:
    """Share of people found in each source among those sought, for families that join and others: a gap makes the groups unlike."""
    import duckdb

    study, names = received.study, ("links", "people", "families")
    columns = ("source", "joins", "people sought", "linked (%)", "people not sought")
    if not all(name in received.tables for name in names):
        return View(title="No linkage is told: units are no families, or `links` was not delivered", table=table_of([], columns))
    with duckdb.connect() as con:
        for name in names:
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{str(received.tables[name].path).replace(chr(39), 2 * chr(39))}')")
        table = con.execute(
            """SELECT source, entry_date IS NOT NULL AS joins, count(*) FILTER (status <> 'not_attempted') AS sought,
                      100 * avg((status = 'linked')::INT) FILTER (status <> 'not_attempted') AS linked,
                      count(*) FILTER (status = 'not_attempted') AS others
               FROM links JOIN (SELECT DISTINCT person_id, family_id FROM people) USING (person_id) JOIN families USING (family_id)
               WHERE ? = '' OR council_code = ? GROUP BY ALL ORDER BY source, joins DESC""",
            [study.council, study.council],
        ).df()
    table.columns = list(columns)
    wide = table.pivot(index="source", columns="joins", values="linked (%)")
    gaps = (wide[True] - wide[False]).abs() if {True, False} <= set(wide.columns) else pd.Series(dtype=float)
    words = f"; the groups are at most {gaps.max():.1f} percentage points apart ({gaps.idxmax()})" if len(gaps) else ""
    title = f"At least {table['linked (%)'].min():.0f}% of the people sought were linked to each source{words}"
    return View(title=title, table=table,
                notes=("Not sought: of an age that the source does not hold.",
                       "A family's outcome is missing, never zero, where a member it depends on is not linked."))


def coverage(received: Received) -> View:
    """From when to when each source is complete for the council (for all: the latest start and the earliest end)."""
    columns = ("source", "first day", "last day", "councils")
    if "source_coverage" not in received.tables:
        return View(title="No coverage is told: `source_coverage` was not delivered", table=table_of([], columns))
    frame = received.tables["source_coverage"].frame()
    if received.study.council:
        frame = frame[frame["council_code"] == received.study.council]
    table = frame.groupby("source").agg(first=("first_date", "max"), last=("last_date", "min"), councils=("council_code", "nunique")).reset_index()
    table = table.assign(first=table["first"].dt.strftime("%d %B %Y"), last=table["last"].dt.strftime("%d %B %Y"))
    title = f"{received.study.where.partition(',')[0]}: from when to when each source is complete"
    return View(title=title, table=table.set_axis(list(columns), axis=1), notes=("Past the last day an outcome is missing, never zero.",))


def panel(received: Received) -> Panel:
    """Units by periods, of the plan's first comparison pool where it has several."""
    plan = received.study.plan
    everyone = build_panel(received.tables, plan, received.study.dictionary)
    return of_pool(everyone, first_pool(plan, everyone)) if plan.comparison.pools else everyone


def observed(panel: Panel, study: Bench) -> View:
    """Share of units and periods in which each outcome was seen: those that join and others, in the council."""
    inside, joins = study.inside(panel), panel.entry >= 0
    rows = [
        {"outcome": study.dictionary.outcomes[name].label, "joined: seen (%)": _seen(values[inside & joins]),
         "others: seen (%)": _seen(values[inside & ~joins])}
        for name, values in panel.outcomes.items()
    ]
    return View(title=f"{study.where.partition(',')[0]}: how much was seen", table=table_of(rows, rows[0] if rows else ("outcome",)),
                notes=("School outcomes are not collected in the third quarter of the calendar year.",) if panel.unit == "family" else ())


def plot_observed(panel: Panel, study: Bench) -> Picture:
    """Per cent of the council's units whose outcome was seen, by outcome and period: gaps, late starts and early ends of sources."""
    inside, labels = study.inside(panel), panel.periods.labels()
    share = np.array([100 * np.isfinite(values[inside]).mean(axis=0) for values in panel.outcomes.values()])
    names = [study.dictionary.outcomes[name].label for name in panel.outcomes]
    with drawing(10, 1.4 + 0.42 * len(names)) as (figure, panels):
        axes = panels[0, 0]
        axes.imshow(share, aspect="auto", cmap="Blues", vmin=0, vmax=120)
        for (row, column), value in np.ndenumerate(share):
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=8, color="white" if value > 75 else INK)
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=9)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        low = float(share[share > 0].min()) if (share > 0).any() else 0.0
        titled(figure, f"Per cent of units whose outcome was seen: {low:.0f} to {share.max():.0f} where it is collected")
    return Picture(figure=figure, alt=f"Shares seen of {len(names)} outcomes in {len(labels)} periods, from {low:.0f} to {share.max():.0f}%.")


def _seen(values: np.ndarray) -> float:
    return float(100 * np.isfinite(values).mean()) if values.size else float("nan")
