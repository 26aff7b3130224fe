"""Published statistics through their contracts: names of sources in, checked tables out.

Which file holds what, and in which layout, is known in `published/`, one module per publisher's layout. Sources are told apart by name because
several of them fill the same contract (`council_year`); a row keeps the file and line it came from.
"""
from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.contracts import check_relation
from evaluation.ingest.published import absence, community_budgets, deprivation, exclusions, lalonde, looked_after
from evaluation.ingest.published.opening import Delivery
from evaluation.ingest.tables import CheckedTable, Fault, Source

Reader = Callable[[duckdb.DuckDBPyConnection, Path, Dictionary], Delivery]

READERS: Mapping[str, tuple[Reader, ...]] = {
    "school_absence": (absence.read_absence,),
    "schools": (absence.read_schools,),
    "exclusions": (exclusions.read_exclusions,),
    "looked_after": (looked_after.read_looked_after,),
    "imd": (deprivation.read_deprivation,),
    "lalonde": (lalonde.read_participants, lalonde.read_earnings),
    "community_budgets": (community_budgets.read_programme_areas,),
}

OGL = "Crown copyright, Open Government Licence v3"
SOURCES: Mapping[str, str] = {
    "school_absence": "Department for Education, Pupil absence in schools in England 2018/19: national, regional and council figures, 2006/07 to "
                      f"2018/19; {OGL}.",
    "schools": f"Department for Education, Pupil absence in schools in England 2018/19: every state-funded school, 2006/07 to 2018/19; {OGL}.",
    "exclusions": "Department for Education, Permanent and fixed-period exclusions in England: council figures, 2006/07 to 2016/17, "
                  f"tidied under the MIT licence; {OGL}.",
    "looked_after": "Department for Education, Outcomes for children looked after by local authorities in England, years to 31 March 2010 to 2017, "
                    f"each in the layout of its year; {OGL}.",
    "imd": "Ministry of Housing, Communities and Local Government, English Indices of Deprivation 2007, 2010 and 2015: average scores of "
           f"the councils of 2021, a county taking the plain mean of its districts; {OGL}.",
    "lalonde": "LaLonde (1986), as sampled by Dehejia and Wahba (1999): National Supported Work, PSID-1 and CPS-1, earnings of 1974, 1975 and 1978; "
               "distributed with GPL and MIT packages.",
    "community_budgets": "Facts from papers of the UK Parliament: the 28 councils of the 16 first-phase Community Budget areas, from April 2011; "
                         "Open Parliament Licence.",
}   # one sentence a source for the report: publisher, title, vintage, licence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A delivery and the source that it came from."""

    source: str
    delivery: Delivery


def receive_open_statistics(names: Sequence[str], dictionary: Dictionary, *, folder: Path, room: Path) -> dict[str, CheckedTable]:
    """Published sources, checked.

    Parameters
    ----------
    names : names in `READERS`
    folder : Path
        The folder of open data, one folder per source inside.
    room : Path
        Where checked and quarantined rows are written; one folder per source where several fill one contract.

    Returns
    -------
    dict of CheckedTable
        By table (`deprivation`, `school_year`, ...); where several sources fill one contract, by table and source (`council_year/exclusions`).
        Rows of a file that are no rows of the table (national totals) are counted as dropped, marks of suppression as faults of severity 'warn'.

    Raises
    ------
    ContractError
        An unknown source, a missing file or column, an unknown council, or a broken contract.
    """
    unknown = [name for name in names if name not in READERS]
    if unknown:
        raise ContractError(f"A source of published statistics must be one of {sorted(READERS)}: not so {unknown}. "
                            "Mend `data.tables` in the plan.")
    con = duckdb.connect()
    con.execute("set enable_progress_bar = false")
    read = [_Read(source=name, delivery=reader(con, Path(folder), dictionary)) for name in dict.fromkeys(names) for reader in READERS[name]]
    filled = [one.delivery.table for one in read]
    checked: dict[str, CheckedTable] = {}
    for one in read:
        alone = filled.count(one.delivery.table) == 1
        key = one.delivery.table if alone else f"{one.delivery.table}/{one.source}"
        checked[key] = _check(con, one.delivery, dictionary, room=Path(room) if alone else Path(room) / one.source, parents=checked)
    return checked


def _check(con: duckdb.DuckDBPyConnection, delivery: Delivery, dictionary: Dictionary, *, room: Path,
           parents: Mapping[str, CheckedTable]) -> CheckedTable:
    """One delivery through its contract, with what its reader set aside and blanked."""
    table = dictionary.tables[delivery.table]
    there = [row[0] for row in con.execute(f"describe {delivery.relation}").fetchall()]
    for name, variable in table.columns.items():
        if name not in there and variable.nullable:      # a column of the contract that another source fills
            con.execute(f'alter table {delivery.relation} add column "{name}" varchar')
    checked = check_relation(con, delivery.relation, table, sources=[_describe(path, rows) for path, rows in delivery.files],
                             room=room, dictionary=dictionary, parents=parents)
    con.execute(f"drop table {delivery.relation}")
    aside = sum(count for _, count in delivery.set_aside)
    notes = tuple(Fault(table=table.name, column=blank.column, reason=blank.reason.replace(" ", "_"), count=blank.count, severity="warn",
                        must_hold=f"the publisher gives no figure ({blank.reason}): missing, never zero", mend="Nothing to mend.")
                  for blank in delivery.blanks)
    return dataclasses.replace(checked, rows_in=checked.rows_in + aside, rows_dropped=checked.rows_dropped + aside,
                               dropped=(*checked.dropped, *delivery.set_aside), faults=(*checked.faults, *notes))


def _describe(path: Path, rows: int) -> Source:
    """A file's label, hash, size and rows."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Source(label=f"{path.parent.name}/{path.name}", sha256=digest, bytes=path.stat().st_size, rows=rows)
