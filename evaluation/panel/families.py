"""The panel of families by quarter, from linked records. DuckDB joins and adds whole numbers; ratios are taken afterwards in numpy.

The rule of this module: an outcome is a number only where it could have been seen. A value is NaN, never zero, in a quarter in which
the family has nobody in the outcome's population, a member of it is not linked to the source, the source is not complete for the family's council
throughout, the family has moved away, or nothing is collected (the third quarter of school outcomes); `Panel.status` says which.
How records are joined is said in `room`, who counts in `membership`, what is seen in `observation`, what is counted in `measures`.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary, OutcomeSource
from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.nearest import did_you_mean
from evaluation.panel.covariates import fixed_covariates, varying_covariates
from evaluation.panel.measures import changes, count
from evaluation.panel.membership import members_there
from evaluation.panel.room import Room, open_room
from evaluation.panel.status import Status
from evaluation.panel.types import REQUIRED, Panel
from evaluation.periods import Periods

NEEDED = ("families", "people", "links", "source_coverage")
MATCHED_BY_DESIGN = ("entry_period", "pool")   # names a plan may give among covariates that are no columns of their own


def build_families(tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, periods: Periods, outcomes: Sequence[str],
                   councils: Sequence[str] | None = None, covariates: Iterable[str] = ()) -> Panel:
    """Families by quarter: outcomes, fixed covariates, and covariates known at the start of each quarter.

    Parameters
    ----------
    tables : name -> CheckedTable
        families, people, links, source_coverage and the tables of the outcomes; needs, other_support and addresses where delivered.
    periods : Periods
        Quarters.
    outcomes : names in `dictionary.outcomes`
    councils : codes, DfE codes or names, optional
        Families of these councils only; all by default.
    covariates : names, optional
        Covariates that must be there; all that the tables allow are made in any case.

    Returns
    -------
    Panel
        `entry` is the quarter of `entry_date`; a family that joined after the last period has none, one that joined before the first is left out.
        `eligible_from` is the quarter of `first_eligible_date`, negative where that lies before the first period: the family may serve as a
        comparison from the quarter after it. `eligible_to` is the last quarter in which the family lives in the council's area; that it joins
        is not in it: see `entry`.
        Fixed covariates describe the family on its first eligible date; NaN where nobody is recorded as a member on that day.
        Covariates by period are known on the quarter's first day: needs and support that began earlier and had not ended, criteria met by then.
        A family that has moved away (exit reason `moved`, or a last address that ended) is not observed from the quarter of the move on.

    Raises
    ------
    PlanError
        Periods are not quarters, or an outcome, council or covariate is not to be had.
    ContractError
        A table is missing, or no family is left.
    """
    sources = family_sources(tables, dictionary, periods, outcomes)
    with duckdb.connect() as con:
        room, units, flow = open_room(con, tables, dictionary, periods, councils)
        values, weights, status = {}, {}, {}
        for name, counted in count(room, sources):
            values[name], weights[name], status[name] = counted.value(sources[name]), counted.denominator, counted.status
            if sources[name].looks_back:
                early = sees_before_joining(units["entry"].to_numpy(), len(periods), sources[name].looks_back)
                values[name] = np.where(early, np.nan, values[name])
                status[name] = np.where(early & (status[name] == Status.OBSERVED), Status.LOOKS_BACK, status[name]).astype(np.int8)
        members = {name: members_there(room, source.members) for name, source in sources.items() if source.link_source}
        units = pd.concat([units, fixed_covariates(room)], axis=1)
        varying = varying_covariates(room, tables)
        notes, breaks = _notes(sources, varying), _breaks(room, dictionary, sources)
    _check_covariates(covariates, {*units.columns, *varying})
    return Panel(unit="family", periods=periods, units=units, outcomes={name: values[name] for name in sources},
                 denominators=_where_observed(weights, status), varying=varying, status={name: status[name] for name in sources}, members=members,
                 flow=flow, notes=notes, looks_back={name: source.looks_back for name, source in sources.items() if source.looks_back},
                 breaks=breaks)


def sees_before_joining(entry: np.ndarray, n_periods: int, looks_back: int) -> np.ndarray:
    """Where a family has joined and a value that looks back so many periods is not yet wholly about later ones; shape (n_units, n_periods)."""
    since = np.arange(n_periods) - entry[:, None]
    return (entry >= 0)[:, None] & (since >= 0) & (since <= looks_back)


def _where_observed(weights: Mapping[str, np.ndarray | None], status: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What outcomes are rates of, NaN where they are not observed; outcomes of the same children share one array."""
    made: dict[tuple[int, int], np.ndarray] = {}
    for name, weight in weights.items():
        key = id(weight), id(status[name])
        if weight is not None and key not in made:
            made[key] = np.where(status[name] == Status.OBSERVED, weight, np.nan)
    return {name: made[id(weight), id(status[name])] for name, weight in weights.items() if weight is not None}


def family_sources(tables: Mapping[str, CheckedTable], dictionary: Dictionary, periods: Periods, outcomes: Sequence[str]) -> dict[str, OutcomeSource]:
    """Where each outcome of families comes from; every fault of the request is raised here."""
    if periods.kind != "quarter":
        raise PlanError(f"Family records make quarters: the plan's periods are of kind {periods.kind}. Where: periods.kind. Write `quarter`.")
    sources = {}
    for name in outcomes:
        outcome = dictionary.outcomes.get(name)
        if outcome is None or "family" not in outcome.sources:
            known = [known for known, entry in dictionary.outcomes.items() if "family" in entry.sources]
            raise PlanError(f"An outcome of families is one of {', '.join(known)}: {name!r} is not. Where: outcomes. "
                            "Mend the name, or give it a source for families in data_dictionary/outcomes.yml.")
        sources[name] = outcome.sources["family"]
    needed = dict.fromkeys([*NEEDED, *(source.table for source in sources.values()),
                            *("addresses" for source in sources.values() if source.by_address)])
    missing = [name for name in needed if name not in tables]
    if missing:
        raise ContractError(f"A panel of families needs the tables {', '.join(needed)}: {', '.join(missing)} missing. "
                            "Deliver them, or take the outcomes made from them out of the plan.")
    return sources


def _check_covariates(covariates: Iterable[str], known: set[str]) -> None:
    for name in covariates:
        if name not in known and name not in MATCHED_BY_DESIGN:
            hint = f"; {close}" if (close := did_you_mean(name, known)) else ""
            raise PlanError(f"A covariate of families is one of {', '.join(sorted(known - set(REQUIRED)))}: {name!r} is not{hint}. "
                            "Where: matching. Mend the name, or deliver the table it is made from.")


def _breaks(room: Room, dictionary: Dictionary, sources: Mapping[str, OutcomeSource]) -> tuple[tuple[int, str], ...]:
    """Where the threshold of an outcome changes inside the panel, in words."""
    return tuple((column, f"{dictionary.outcomes[name].label} counts from {threshold:.0%} of sessions missed on")
                 for name, source in sources.items() for column, threshold in changes(room, source) if 0 < column < len(room.periods))


def _notes(sources: Mapping[str, OutcomeSource], varying: Mapping[str, object]) -> tuple[str, ...]:
    notes = ["A family may serve as a comparison from the quarter after it became eligible until it moves away or joins.",
             "A person counts in the quarters that membership of the family covers wholly, by age at the start of the quarter.",
             "A family's value is missing in a quarter in which a member it depends on is not linked to the source, or the source is not complete."]
    if any(source.by_address for source in sources.values()):
        notes.append("An incident known only by its address counts to the family living there on the day; where several live there, to each of them.")
    return tuple(notes) if "n_needs" in varying else (*notes, "No table of needs was delivered: families are not compared on needs.")
