"""The commands that check and prepare: a plan, a delivery, a simulated delivery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import ContractError, EvaluationError
from evaluation.periods import Periods
from evaluation.plan import Plan, read_plan

if TYPE_CHECKING:
    from evaluation.ingest.reading import Inspection
    from evaluation.ingest.tables import CheckedTable


def check_plan(path: Path) -> Iterator[str]:
    """Check a plan and say what it asks, line by line."""
    from evaluation.pipeline.choices import counts_from_a_base, matcher
    from evaluation.pipeline.locking import lock_in_words
    from evaluation.pipeline.receive import check_names

    plan, dictionary = read_plan(path), load_dictionary()
    check_names(plan, dictionary)
    periods = plan.resolved_periods()
    yield f"{path}: the plan is complete. Hash {plan.hash()}"
    yield f"  lock        {lock_in_words(path, plan)}"
    yield f"  asks        {plan.question}"
    yield f"  units       {plan.unit}, {len(periods)} periods from {plan.periods.first} to {plan.periods.last}"
    yield f"  data        {plan.data.kind.replace('_', ' ')}{', marked as simulated on every page' if plan.report.simulated else ''}"
    yield f"  matching    {matcher(plan).in_words()}"
    base = f"base {plan.estimator.base}" if counts_from_a_base(plan.estimator.method) else "its own base"
    yield f"  estimator   {plan.estimator.method}, {base}, headline event times {list(plan.estimator.headline.event_times)}"
    yield f"  disclosure  {', '.join(plan.disclosure.names)}"
    for name in plan.outcomes.all:
        outcome = dictionary.outcomes[name]
        there = "" if plan.unit in outcome.sources else f"   not available for units of kind {plan.unit}: the report will say so"
        yield f"  {'primary  ' if name in plan.outcomes.primary else 'secondary'}   {outcome.label}{there}"
    yield from presence_warnings(plan, dictionary)
    if plan.periods.kind == "quarter" and plan.programme.first_full_period is None:
        first, last = complete_entry_periods(plan)
        yield (
            f"  complete    entry cohorts {periods.label(first)} to {periods.label(last)} have a complete window for the headline"
            if first <= last
            else "  complete    no entry cohort has a complete window for the headline: lengthen the periods or move the base"
        )


def presence_warnings(plan: Plan, dictionary: Dictionary) -> Iterator[str]:
    """Where families may be matched with others who have nobody that an outcome needs: such sets are left out of its effects."""
    if plan.unit != "family" or plan.programme.assignment == "area":
        return
    needed: dict[str, list[str]] = {}
    for outcome in (dictionary.outcomes[name] for name in plan.outcomes.all if plan.unit in dictionary.outcomes[name].sources):
        population = dictionary.populations.get(outcome.sources[plan.unit].members or "")
        if population is not None and population.presence and population.presence not in plan.matching.exact:
            needed.setdefault(population.presence, []).append(outcome.label)
    for column, labels in needed.items():
        yield (
            f"  warning     matching.exact lacks {column} ({dictionary.covariates[column]}), which must be there on both sides of a matched set for:"
            f" {', '.join(labels)}. Sets with it on one side only are left out of their effects. Add {column} to matching.exact to keep such"
            " families."
        )


def complete_entry_periods(plan) -> tuple[int, int]:
    """First and last entry column with the base and all headline event times inside the periods."""
    from evaluation.pipeline.choices import base_of

    return -base_of(plan), len(plan.resolved_periods()) - 1 - plan.estimator.headline.event_times[1]


def check_data(folder: Path, *, tables: tuple[str, ...] = (), report: bool = False, room: Path | None = None) -> Iterator[str]:
    """Check delivered tables and say what was found, in its safe form.

    Parameters
    ----------
    report : bool
        Write `quality.html` and, with values, `faults.xlsx` into the room, whether or not the delivery is refused.
    room : Path, optional
        Where checked tables, rows set aside and the register of deliveries stay; a room of its own that is taken away without it, `runs/check` for
        a report.

    Raises
    ------
    ContractError
        With every fault of every file: when a file had to be rejected, and when rows had to be quarantined.
    """
    import tempfile

    if room is None and not report:
        with tempfile.TemporaryDirectory() as short:
            yield from check_in_room(Path(folder), Path(short), tables, register=None, report=False)
        return
    room = Path(room or Path("runs") / "check")
    yield from check_in_room(Path(folder), room, tables, register=room / "deliveries", report=report)


def check_in_room(folder: Path, room: Path, tables: tuple[str, ...], *, register: Path | None, report: bool) -> Iterator[str]:
    """Check a delivery in a room; see `check_data`."""
    from evaluation.ingest.reading import inspect_extracts
    from evaluation.ingest.tables import describe, reject
    from evaluation.pipeline.describe_dictionary import check_table

    dictionary = load_dictionary()
    for name in tables:
        check_table(name, dictionary)
    for old in ("quarantine", "blanks"):
        clear(room / old)
    found = inspect_extracts(folder, dictionary, room=room, tables=tables or None, register=register)
    if report:
        yield from write_reports(folder, room, found)
    if found.refused:
        raise reject(found.faults)
    yield from describe(found.tables).to_string(index=False).splitlines()
    yield from not_delivered(found.tables, tables)
    for severity, words in (("warn", "warning"), ("blank", "read as missing"), ("normalise", "understood")):
        yield from (f"  {words}: {fault.text()}" for fault in found.faults if fault.severity == severity)
    broken = [fault for fault in found.faults if fault.severity == "quarantine"]
    if broken:
        raise ContractError(
            f"{len(broken)} rule(s) of the contracts are broken; the rows would be quarantined:\n"
            + "\n".join(f"  - {fault.text()}" for fault in broken),
            tuple(broken),
        )
    yield "Every row satisfies its contract."


def not_delivered(found: Mapping[str, CheckedTable], tables: tuple[str, ...]) -> Iterator[str]:
    """Tables that studies need and that did not come."""
    from evaluation.pipeline.receive import NEEDED, OF_OUTCOMES

    for words, names in (("needed by every study of families", NEEDED), ("needed where a plan asks for what they hold", OF_OUTCOMES)):
        missing = [name for name in names if name not in found and (not tables or name in tables)]
        if missing:
            yield f"  not delivered, {words}: {', '.join(missing)}"


def write_reports(folder: Path, room: Path, found: Inspection) -> Iterator[str]:
    """The page without values and the sheet with them."""
    from evaluation.ingest.fault_sheet import write_fault_sheet
    from evaluation.reporting.quality import write_quality_page

    simulated = (folder / "_truth").exists() or (folder / "SIMULATED_DATA.txt").exists()
    page = write_quality_page(room / "quality.html", found.tables, found.faults, simulated=simulated)
    sheet = write_fault_sheet(found.tables, room, found.faults, load_dictionary())
    yield f"  page without values: {page}"
    yield f"  rows at fault with their values, for the room only: {sheet}"


def clear(folder: Path) -> None:
    """Take away what an earlier check left."""
    for path in folder.glob("*.parquet"):
        path.unlink()


def write_simulated(out: Path, *, families: int, councils: int, first: str, last: str, seed: int) -> Iterator[str]:
    """Write simulated records into an empty folder."""
    from evaluation.simulate import Simulation

    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise EvaluationError(
            f"{out} must be a new or an empty folder: it holds {len(list(out.iterdir()))} entries. Name another folder, or empty this one."
        )
    Simulation(families=families, councils=councils, periods=Periods.between(first, last, kind="quarter"), seed=seed).write(
        out, dictionary=load_dictionary()
    )
    (out / "SIMULATED_DATA.txt").write_text("The tables in this folder are simulated. No record is of a real family.\n", encoding="utf-8")
    for path in sorted(out.glob("*.parquet")):
        yield f"  {path.name:<28} {path.stat().st_size / 1e6:8.2f} MB"
    yield f"SIMULATED records of {families:,} families are in {out}. Check them with: evaluation check {out}"
