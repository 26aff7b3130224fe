"""The command line: parse, call, exit code. Heavy libraries are imported inside the commands, so that `--help` is instant.

Exit codes: 0 done, 1 a fault of this program, 2 something the user can mend (the message says what, where and how).
"""
from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from evaluation.errors import EvaluationError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  context_settings={"max_content_width": 120},
                  help="Compare programme families with matched comparison families, and make a report for each council.")
plan_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check, lock, amend and compare a study's plan.")
app.add_typer(plan_app, name="plan")
link_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Link records to the roster on keyed hashes of names and birthdays.")
app.add_typer(link_app, name="link")

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
REFUSED = (*FULL, errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)

NoCache = Annotated[bool, typer.Option("--no-cache", help="Keep no results of costly steps, and use none.")]
PlanPath = Annotated[Path, typer.Argument(help="A study's plan, for example studies/demonstration/plan.yml.")]


@plan_app.command("check")
def plan_check(plan: PlanPath) -> None:
    """Read a plan, check every key, and say what it asks."""
    from evaluation.pipeline import check_plan

    for line in check_plan(plan):
        typer.echo(line)


@plan_app.command("lock")
def plan_lock(plan: PlanPath, signer: Annotated[str | None, typer.Option(help="Who signs; the user's name without it.")] = None) -> None:
    """Fix a complete plan before outcomes are seen: its hash, the time and who signed, beside the plan."""
    from evaluation.pipeline.locking import lock_plan

    for line in lock_plan(plan, signer=signer):
        typer.echo(line)


@plan_app.command("amend")
def plan_amend(plan: PlanPath,
               reason: Annotated[str, typer.Option(help="Why the plan is changed.")],
               outcomes_seen: Annotated[bool | None, typer.Option("--outcomes-seen/--outcomes-not-seen",
                                                                  help="Whether anybody had seen outcomes after joining; one of both must be said.")
                                        ] = None,
               signer: Annotated[str | None, typer.Option(help="Who signs; the user's name without it.")] = None) -> None:
    """Change a locked plan to what its file says now, with the reason; what is changed after outcomes were seen is labelled exploratory."""
    from evaluation.pipeline.locking import amend_plan

    for line in amend_plan(plan, reason=reason, outcomes_seen=outcomes_seen, signer=signer):
        typer.echo(line)


@plan_app.command("diff")
def plan_diff(plan: PlanPath) -> None:
    """How a plan differs from its lock, and the lock's history."""
    from evaluation.pipeline.locking import diff_plan

    for line in diff_plan(plan):
        typer.echo(line)


KeyPath = Annotated[Path | None, typer.Option("--key", help="The data officer's key file; else EVALUATION_LINKAGE_KEY holds the key.")]


@link_app.command("new-key")
def link_new_key(key: Annotated[Path, typer.Argument(help="A new file, which only you will be able to read.")]) -> None:
    """Write a new random key, for the data officer to give to whoever holds names."""
    from evaluation.pipeline.linking import make_key

    for line in make_key(key):
        typer.echo(line)


@link_app.command("keys")
def link_keys(clear: Annotated[Path, typer.Argument(help="The roster (with person_id) or records (with record_id), with names; CSV, Parquet.")],
              out: Annotated[Path, typer.Argument(help="The file of keys to write, for example police_keys.parquet.")],
              key: KeyPath = None) -> None:
    """Make keyed hashes of names, birthdays, postcodes and sex: what whoever links may see."""
    from evaluation.pipeline.linking import make_keys

    for line in make_keys(clear, out, key_file=key):
        typer.echo(line)


@link_app.command("records")
def link_records_command(
        roster: Annotated[Path, typer.Argument(help="Keys of the roster, made by `evaluation link keys`.")],
        source: Annotated[list[str], typer.Option("--source", help="A source and its keys, police=police_keys.parquet; repeatable.")],
        out: Annotated[Path, typer.Option("--out", help="Folder that stays inside: links, matches, rates.")] = Path("runs/link"),
        threshold: Annotated[float, typer.Option(help="Least probability of a link.", min=0.5, max=0.999999)] = 0.95,
        register: Annotated[list[str] | None, typer.Option("--register", help="A source that has a row of everybody it covers; repeatable. "
                                                                              "education and benefits without it.")] = None,
        seed: Annotated[int, typer.Option(help="Of the pairs from which chance agreement is counted.", min=0)] = 20261124) -> None:
    """Link police, school and benefit records to the roster; write the table `links` (needs the extra [linkage])."""
    from evaluation.pipeline.linking import link_records, named_files

    options = {"registers": tuple(register)} if register else {}
    for line in link_records(roster, named_files(source), out, threshold=threshold, seed=seed, **options):
        typer.echo(line)


@app.command()
def match(plan: PlanPath) -> None:
    """Match only, and show how alike the groups are; no outcome after joining is opened, so that a plan can be settled before it is locked."""
    from evaluation.pipeline.blind import match_only

    for line in match_only(plan):
        typer.echo(line)


@app.command()
def methods(name: Annotated[str | None, typer.Argument(help="A matcher, estimator or check, for its options.")] = None) -> None:
    """What a plan may ask for: matchers, estimators and checks, and their options."""
    from evaluation.pipeline import describe_methods

    for line in describe_methods(name):
        typer.echo(line)


@app.command()
def check(data: Annotated[Path, typer.Argument(help="A folder with the delivered tables (CSV, Parquet or XLSX).")],
          table: Annotated[list[str] | None, typer.Option("--table", help="Check this table only; may be repeated.")] = None,
          report: Annotated[bool, typer.Option("--report", help="Write a page on its quality, and a sheet of faults for the room.")] = False,
          room: Annotated[Path | None, typer.Option("--room", help="Folder that stays inside: tables, rows set aside, the register.")] = None,
          ) -> None:
    """Check delivered tables against the data dictionary: rows kept and quarantined, every fault, how to mend it."""
    from evaluation.pipeline import check_data

    for line in check_data(data, tables=tuple(table or ()), report=report, room=room):
        typer.echo(line)


@app.command()
def dictionary(table: Annotated[str | None, typer.Argument(help="A table, for its columns, codes and rules.")] = None) -> None:
    """What a delivery must hold: the tables, or one table's columns, types, codes and rules."""
    from evaluation.pipeline import describe_dictionary

    for line in describe_dictionary(table):
        typer.echo(line)


@app.command()
def simulate(out: Annotated[Path, typer.Argument(help="The folder to write the tables to; it must not exist or be empty.")],
             families: Annotated[int, typer.Option(help="Number of families, spread unevenly over the councils.", min=1)] = 5_000,
             councils: Annotated[int, typer.Option(help="Number of councils.", min=1, max=152)] = 10,
             first: Annotated[str, typer.Option(help="First quarter.")] = "2011-Q1",
             last: Annotated[str, typer.Option(help="Last quarter.")] = "2015-Q4",
             seed: Annotated[int, typer.Option(help="Root of all random numbers.", min=0)] = 20261124) -> None:
    """Write simulated, linked records of families with a known effect."""
    from evaluation.pipeline import write_simulated

    for line in write_simulated(out, families=families, councils=councils, first=first, last=last, seed=seed):
        typer.echo(line)


@app.command()
def run(plan: PlanPath,
        council: Annotated[list[str] | None, typer.Option("--council", help="Make this council's report only (GSS code); may be repeated.")] = None,
        out: Annotated[Path, typer.Option("--out", help="Folder for runs.")] = Path("runs"),
        workers: Annotated[int, typer.Option(help="Reports made at the same time.", min=1)] = 2,
        no_cache: NoCache = False) -> None:
    """From records to reports: everything a plan asks."""
    from evaluation.pipeline import run_study

    summary = run_study(plan, councils=tuple(council or ()), out=out, workers=workers, say=typer.echo, cache=not no_cache)
    raise typer.Exit(0 if summary.complete else 1)


@app.command()
def batch(plan: PlanPath,
          council: Annotated[list[str] | None, typer.Option("--council", help="Make this council's report only (GSS code); may be repeated.")] = None,
          out: Annotated[Path, typer.Option("--out", help="Folder for runs.")] = Path("runs"),
          workers: Annotated[int, typer.Option(help="Reports made at the same time.", min=1)] = 2,
          scheduler: Annotated[str | None, typer.Option(help="Make the reports on the workers of this Dask scheduler (tcp://host:port).")] = None,
          resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted batch: make only what is missing.")] = False,
          seconds: Annotated[float, typer.Option(help="Time that one report may take.", min=1)] = 900,
          memory: Annotated[float, typer.Option(help="GB of memory that one report's processes may hold each (Linux).", min=0.2)] = 4,
          no_cache: NoCache = False) -> None:
    """All reports of a plan in a folder of their own, that can be interrupted and gone on with: for many councils, overnight."""
    from evaluation.pipeline import run_batch
    from evaluation.runs.runner import Limits

    summary = run_batch(plan, councils=tuple(council or ()), out=out, workers=workers, resume=resume, scheduler=scheduler, cache=not no_cache,
                        limits=Limits(seconds=seconds, memory=int(memory * 1e9)), say=typer.echo)
    raise typer.Exit(summary.exit_code)


@app.command()
def status(run: Annotated[Path, typer.Argument(help="A batch's folder: runs/<study>/batch-<hash>.")]) -> None:
    """How far a batch is, whether or not somebody works on it."""
    from collections import Counter

    from evaluation.pipeline import batch_status

    summary = batch_status(run)
    for state, count in sorted(Counter(state for _, state in summary.states).items()):
        typer.echo(f"  {count:>4} {state}")
    for code, fault in summary.failed:
        typer.echo(f"  {code:<10} {fault}")
    raise typer.Exit(0 if summary.complete else 1)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="A finished run: runs/<study>/<run id>.")],
           council: Annotated[list[str] | None, typer.Option("--council", help="This council's report only; may be repeated.")] = None,
           workers: Annotated[int, typer.Option(help="Reports made at the same time.", min=1)] = 2) -> None:
    """Make the reports of a finished run again, from its protected release alone."""
    from evaluation.pipeline import report_run

    summary = report_run(run, councils=tuple(council or ()), workers=workers, say=typer.echo)
    raise typer.Exit(0 if summary.complete else 1)


@app.command()
def reestimate(run: Annotated[Path, typer.Argument(help="A finished run or batch: runs/<study>/<run id>.")],
               settings: Annotated[list[str], typer.Option("--set", help="A key of the plan and its new value: matching.caliper=0.1; repeatable.")],
               council: Annotated[str | None, typer.Option("--council", help="Effects on this council's programme units alone.")] = None,
               no_cache: NoCache = False) -> None:
    """Another choice for a finished run: matched and estimated again, old and new side by side."""
    from evaluation.pipeline.reestimate import reestimate as again

    again(run, settings=tuple(settings), council=council, say=typer.echo, cache=not no_cache)


@app.command()
def curve(run: Annotated[Path, typer.Argument(help="A finished run or batch: runs/<study>/<run id>.")],
          grid: Annotated[Path, typer.Argument(help="A YAML file with lines like `matching.caliper: [0.1, 0.2]`.")],
          no_cache: NoCache = False) -> None:
    """The specification curve: the effect under every combination of a grid of choices, with a joint test."""
    from evaluation.pipeline.curve import curve as curve_of

    curve_of(run, grid, say=typer.echo, cache=not no_cache)


@app.command()
def pack(run: Annotated[Path, typer.Argument(help="A finished run or batch: runs/<study>/<run id>.")]) -> None:
    """A folder that may leave the room, to estimate again without a row: plan, code, covariances, tables, a simulated twin."""
    from evaluation.pipeline.pack import make_pack

    make_pack(run, say=typer.echo)


@app.command()
def verify(run: Annotated[Path, typer.Argument(help="A finished run or batch: runs/<study>/<run id>.")],
           workers: Annotated[int, typer.Option(help="Reports made at the same time.", min=1)] = 2) -> None:
    """Make a run again from its plan and data, and report every byte of its release that differs."""
    from evaluation.pipeline.verify import verify_run

    raise typer.Exit(0 if verify_run(run, workers=workers, say=typer.echo).same else 1)


def main() -> None:
    """Run the command line; what the user can mend is printed without a traceback, with exit code 2."""
    try:
        app()
    except EvaluationError as error:
        told = str(error)
    except OSError as fault:
        if fault.errno not in REFUSED and not (fault.errno == errno.ENOENT and is_named(fault.filename)):
            raise
        told = refused(fault)
    else:
        return
    print(f"Not done. {told}", file=sys.stderr)
    raise SystemExit(2)


def refused(fault: OSError) -> str:
    """A file or folder that cannot be used, in words."""
    words = {errno.EEXIST: "a file has that name", errno.ENOTDIR: "a file stands where a folder must be"}.get(fault.errno, os.strerror(fault.errno))
    mend = "Make room there, or name a folder on another disk" if fault.errno in FULL else "Name another place, or have its rights changed"
    return f"{fault.filename or 'A file'} must be a place that this command can use, and is not: {words}. {mend}."


def is_named(path: object) -> bool:
    """Whether a path lies where the user said, so that a missing folder is the user's to mend and none of the program's own."""
    return any(Path(word) in (Path(str(path)), *Path(str(path)).parents) for word in sys.argv[1:] if word.strip("./\\"))


if __name__ == "__main__":
    main()
