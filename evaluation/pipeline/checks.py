"""The commands that check and prepare: a plan, a delivery, a simulated delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evaluation.dictionary import load_dictionary
from evaluation.errors import ContractError, EvaluationError
from evaluation.periods import Periods
from evaluation.plan import read_plan


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
    yield f"  disclosure  {plan.disclosure.profile}"
    for name in plan.outcomes.all:
        outcome = dictionary.outcomes[name]
        there = "" if plan.unit in outcome.sources else f"   not available for units of kind {plan.unit}: the report will say so"
        yield f"  {'primary  ' if name in plan.outcomes.primary else 'secondary'}   {outcome.label}{there}"
    if plan.periods.kind == "quarter" and plan.programme.first_full_period is None:
        first, last = complete_entry_periods(plan)
        yield (
            f"  complete    entry cohorts {periods.label(first)} to {periods.label(last)} have a complete window for the headline"
            if first <= last
            else "  complete    no entry cohort has a complete window for the headline: lengthen the periods or move the base"
        )


def complete_entry_periods(plan) -> tuple[int, int]:
    """First and last entry column with the base and all headline event times inside the periods."""
    from evaluation.pipeline.choices import base_of

    return -base_of(plan), len(plan.resolved_periods()) - 1 - plan.estimator.headline.event_times[1]


def check_data(folder: Path, *, tables: tuple[str, ...] = ()) -> Iterator[str]:
    """Check delivered tables and say what was found.

    Raises
    ------
    ContractError
        With every fault of every file: when a file had to be rejected, and when rows had to be quarantined.
    """
    import tempfile

    from evaluation.ingest.reading import receive_extracts
    from evaluation.ingest.tables import describe
    from evaluation.pipeline.receive import NEEDED, OF_OUTCOMES

    with tempfile.TemporaryDirectory() as room:
        checked = receive_extracts(Path(folder), load_dictionary(), room=Path(room), tables=tables or None)
    yield from describe(checked).to_string(index=False).splitlines()
    for words, names in (("needed by every study of families", NEEDED), ("needed where a plan asks for what they hold", OF_OUTCOMES)):
        missing = [name for name in names if name not in checked and (not tables or name in tables)]
        if missing:
            yield f"  not delivered, {words}: {', '.join(missing)}"
    faults = [fault for table in checked.values() for fault in table.faults]
    yield from (f"  warning: {fault.text()}" for fault in faults if fault.severity == "warn")
    broken = [fault for fault in faults if fault.severity == "quarantine"]
    if broken:
        raise ContractError(
            f"{len(broken)} rule(s) of the contracts are broken; the rows would be quarantined:\n"
            + "\n".join(f"  - {fault.text()}" for fault in broken),
            tuple(broken),
        )
    yield "Every row satisfies its contract."


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
