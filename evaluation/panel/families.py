"""The panel of families by quarter, from linked records. DuckDB joins and adds whole numbers; ratios are taken afterwards in numpy.

The rule of this module: an outcome is a number only where it could have been seen. A value is NaN, never zero, in a quarter in which
the family has nobody in the outcome's population, a member of it is not linked to the source, the source is not complete for the family's council
throughout, the family has moved away, or nothing is collected (the third quarter of school outcomes).
A person counts in the quarters that membership covers wholly, by the age at the start of the quarter.
"""
from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary, OutcomeSource
from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import NEVER, REQUIRED, FlowStep, Panel
from evaluation.periods import Periods, first_day, last_day

NEEDED = ("families", "people", "links", "source_coverage")
ALWAYS = 10_000          # a column beyond every panel: 'not ended yet'
MATCHED_BY_DESIGN = ("entry_period", "pool")   # names a plan may give among covariates that are no columns of their own

FIXED_SQL = """
SELECT f.u,
    count(*) FILTER (role = 'child' AND age < 18) AS n_children,
    count(*) FILTER (role = 'adult') AS n_adults,
    count(*) AS n_members,
    min(age) FILTER (role = 'child' AND age < 18) AS age_youngest,
    max(age) FILTER (role = 'child' AND age < 18) AS age_oldest_child,
    max(age) AS age_oldest,
    count(*) FILTER (sex = 'F') AS n_female,
    count(*) FILTER (sex IN ('F', 'M')) AS n_sex_known,
    max((sen <> 'none')::INTEGER) FILTER (role = 'child') AS any_sen,
    max((sen = 'statement')::INTEGER) FILTER (role = 'child') AS any_statement,
    max(free_school_meals::INTEGER) FILTER (role = 'child') AS any_fsm,
    min((ethnicity_group = 'white')::INTEGER) FILTER (ethnicity_group <> 'unknown') AS ethnicity_white
FROM fam f JOIN (
    SELECT m.*, f.u AS unit, (12 * year(f.first_eligible_date) + month(f.first_eligible_date) - 1 - m.birth) // 12 AS age
    FROM member m JOIN fam f USING (u)
    WHERE m.member_from <= f.first_eligible_date AND (m.member_to IS NULL OR m.member_to >= f.first_eligible_date)
) m ON m.unit = f.u
GROUP BY f.u ORDER BY f.u
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """An open connection with the tables `fam` (u: row of the family) and `member` (k: row of the membership), and the size of the panel.

    Attributes
    ----------
    unit : ndarray of int, shape (n_memberships,)
        Row of the family of each membership.
    cache : dict
        Counts of populations and coverage that several outcomes share.
    """

    con: duckdb.DuckDBPyConnection
    dictionary: Dictionary
    periods: Periods
    n_units: int
    council: np.ndarray
    seen_until: np.ndarray
    unit: np.ndarray
    cache: dict = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_units, len(self.periods)

    def columns(self, sql: str) -> dict[str, np.ndarray]:
        """A query's columns as plain arrays of whole numbers (the query leaves no missing value)."""
        return {name: np.asarray(values) for name, values in self.con.sql(sql).fetchnumpy().items()}


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
    sources = _sources(tables, dictionary, periods, outcomes)
    with duckdb.connect() as con:
        room, units, flow = _open_room(con, tables, dictionary, periods, councils)
        values, denominators = {}, {}
        for name, source in sources.items():
            values[name], denominator = _outcome(room, source)
            if denominator is not None:
                denominators[name] = denominator
        units = pd.concat([units, _fixed_covariates(room)], axis=1)
        varying = _varying_covariates(room, tables)
    _check_covariates(covariates, {*units.columns, *varying})
    return Panel(unit="family", periods=periods, units=units, outcomes=values, denominators=denominators, varying=varying, flow=flow,
                 notes=_notes(varying))


def _sources(tables: Mapping[str, CheckedTable], dictionary: Dictionary, periods: Periods, outcomes: Sequence[str]) -> dict[str, OutcomeSource]:
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
    needed = dict.fromkeys([*NEEDED, *(source.table for source in sources.values())])
    missing = [name for name in needed if name not in tables]
    if missing:
        raise ContractError(f"A panel of families needs the tables {', '.join(needed)}: {', '.join(missing)} missing. "
                            "Deliver them, or take the outcomes made from them out of the plan.")
    return sources


# ---- the room: families and memberships as whole numbers -----------------------

def _open_room(con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable], dictionary: Dictionary, periods: Periods,
               councils: Sequence[str] | None) -> tuple[Room, pd.DataFrame, tuple[FlowStep, ...]]:
    for name, table in tables.items():
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{str(table.path).replace(chr(39), 2 * chr(39))}')")
    codes = None if councils is None else [dictionary.resolve_council(council).code for council in councils]
    chosen = "true" if codes is None else "council_code IN (" + ", ".join(f"'{code}'" for code in codes) + ")"
    _make_tables(con, periods, chosen, with_addresses="addresses" in tables)
    frame = con.sql(f"""SELECT family_id, council_code, coalesce(col(entry_date), {ALWAYS}) AS entry, col(first_eligible_date) AS eligible, seen_until
        FROM fam ORDER BY u""").df()
    if frame.empty:
        raise ContractError("A panel needs at least one family: none is left after leaving out other councils and families that joined before "
                            f"{periods.label(0)}. Mend `periods` or `programme.councils` in the plan, or deliver the families.")
    entry, seen_until, last = frame["entry"].to_numpy(), frame["seen_until"].to_numpy(), len(periods) - 1
    council = frame["council_code"].to_numpy().astype(str)
    region = {code: dictionary.councils[code].region if code in dictionary.councils else "" for code in np.unique(council)}
    units = pd.DataFrame({"unit_id": frame["family_id"].astype(str), "council_code": council, "area": council, "pool": "",
                          "region": [region[code] for code in council],
                          "entry": np.where(entry <= last, entry, NEVER), "eligible_from": frame["eligible"].to_numpy().astype(np.int64),
                          "eligible_to": np.minimum(seen_until, last).astype(np.int64)})
    received, asked = (con.sql(f"SELECT count(*) FROM families WHERE {where}").fetchall()[0][0] for where in ("true", chosen))
    flow = [FlowStep(step="received", reason="families delivered", count=received, of="families")]
    if councils is not None:
        flow.append(FlowStep(step="dropped", reason="of councils outside the study", count=received - asked, of="families"))
    flow.append(FlowStep(step="dropped", reason=f"joined before {periods.label(0)}, the first quarter", count=asked - len(units), of="families"))
    flow.append(FlowStep(step="kept", reason="families in the panel", count=len(units), of="families"))
    unit = np.asarray(con.sql("SELECT u FROM member ORDER BY k").fetchnumpy()["u"])
    room = Room(con=con, dictionary=dictionary, periods=periods, n_units=len(units), council=council, seen_until=seen_until, unit=unit)
    return room, units, tuple(flow)


def _make_tables(con: duckdb.DuckDBPyConnection, periods: Periods, chosen: str, *, with_addresses: bool) -> None:
    """The tables `fam` and `member`, and how days become columns: col, from_col (first that begins on or after), to_col (last that ends by)."""
    con.execute(f"CREATE MACRO col(d) AS CAST(4 * year(d) + quarter(d) - 1 - {periods.first} AS INTEGER)")
    con.execute("CREATE MACRO from_col(d) AS col(d) + (d <> date_trunc('quarter', d))::INTEGER")
    con.execute("CREATE MACRO to_col(d) AS col(d + 1) - 1")
    left = "SELECT NULL::VARCHAR AS family_id, NULL::DATE AS left_on WHERE false"
    if with_addresses:
        left = "SELECT family_id, CASE WHEN bool_or(to_date IS NULL) THEN NULL ELSE max(to_date) END AS left_on FROM addresses GROUP BY family_id"
    con.execute(f"""CREATE TABLE fam AS
        SELECT row_number() OVER (ORDER BY family_id) - 1 AS u, * FROM (
            SELECT f.*, coalesce(to_col(least(left_on, CASE WHEN exit_reason = 'moved' THEN exit_date END)), {ALWAYS}) AS seen_until
            FROM families f LEFT JOIN ({left}) USING (family_id)
            WHERE {chosen} AND coalesce(col(entry_date), 0) >= 0)
        ORDER BY family_id""")
    con.execute("""CREATE TABLE member AS
        SELECT row_number() OVER (ORDER BY u, person_id) - 1 AS k, * FROM (
            SELECT f.u, p.person_id, p.role, p.sex, p.sen, p.free_school_meals, p.ethnicity_group, p.member_from, p.member_to,
                   12 * CAST(substr(birth_month, 1, 4) AS INTEGER) + CAST(substr(birth_month, 6, 2) AS INTEGER) - 1 AS birth
            FROM people p JOIN fam f USING (family_id))
        ORDER BY u, person_id""")


def spans(unit: np.ndarray, first: np.ndarray, last: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How many spans of columns `first` to `last` (both included) cover each unit and column; shape `shape`, whole numbers."""
    first, last = np.maximum(first, 0), np.minimum(last, shape[1] - 1)
    kept = first <= last
    width = shape[1] + 1
    change = (np.bincount(unit[kept] * width + first[kept], minlength=shape[0] * width)
              - np.bincount(unit[kept] * width + last[kept] + 1, minlength=shape[0] * width))
    return change.reshape(shape[0], width)[:, :-1].cumsum(axis=1)


# ---- outcomes -------------------------------------------------------------------

def _outcome(room: Room, source: OutcomeSource) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of an outcome, and what it is a rate of; NaN where it could not have been seen."""
    unseen = ~_seen(room, source)
    if source.kind in ("ratio_of_sums", "share_of_people"):
        top, bottom = _sums(room, source)
        value = source.multiply * np.divide(top, bottom, out=np.full(room.shape, np.nan), where=bottom > 0)
        value[unseen] = np.nan
        return value, np.where(np.isnan(value), np.nan, bottom)
    number = _spells(room, source) if source.kind == "any_spell" else _events(room, source)
    value = number.astype(float) if source.kind == "count_events" else (number > 0) * float(source.multiply)
    value[unseen] = np.nan
    return value, None


def _seen(room: Room, source: OutcomeSource) -> np.ndarray:
    """Whether each family's value could have been seen; shape (n_units, n_periods), bool."""
    quarters = (room.periods.first + np.arange(len(room.periods))) % 4 + 1
    seen = np.isin(quarters, source.calendar or (1, 2, 3, 4)) & (np.arange(len(room.periods)) <= room.seen_until[:, None])
    if source.coverage:
        seen &= _covered(room, source)
    if source.link_source:
        members, unlinked = _population(room, source.members, source.link_source)
        seen &= (members > 0) & (unlinked == 0)
    return seen


def _population(room: Room, members: str | None, link_source: str) -> tuple[np.ndarray, np.ndarray]:
    """Members of a population by family and quarter, and how many of them are not linked to a source."""
    key = ("population", members, link_source)
    if key not in room.cache:
        first, last, _ = _member_spans(room, members)
        linked = np.zeros(len(room.unit), dtype=bool)
        linked[room.columns(f"SELECT k FROM member JOIN links USING (person_id) WHERE source = '{link_source}' AND status = 'linked'")["k"]] = True
        room.cache[key] = (spans(room.unit, first, last, room.shape), spans(room.unit[~linked], first[~linked], last[~linked], room.shape))
    return room.cache[key]


def _member_spans(room: Room, members: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last column in which each membership counts in a population, and the last on whose first day it does.

    Kept as the table `in_<population>` (k, u, person_id, lo, hi, there) too.
    """
    name = f"in_{members or 'all_members'}"
    if name not in room.cache:
        population = room.dictionary.populations.get(members) if members else None
        low = 12 * (population.minimum_age or 0) if population else 0
        high = 12 * (population.maximum_age + 1) if population and population.maximum_age is not None else 12 * 200
        role = f"AND role = '{population.role}'" if population and population.role else ""
        # The first day of column c is month 3 * (periods.first + c); a member of `age` months then is in the population when low <= age < high.
        room.con.execute(f"""CREATE TABLE {name} AS
            SELECT k, u, person_id, lo, least(coalesce(to_col(member_to), {ALWAYS}), last) AS hi,
                   least(coalesce(col(member_to), {ALWAYS}), last) AS there
            FROM (SELECT *, greatest(from_col(member_from), CAST(ceil((birth + {low}) / 3) AS INTEGER) - {room.periods.first}) AS lo,
                         CAST(ceil((birth + {high}) / 3) AS INTEGER) - 1 - {room.periods.first} AS last
                  FROM member WHERE true {role})""")
        found = np.zeros((3, len(room.unit)), dtype=np.int64)
        found[1:] = -1                                                     # an empty span: outside the population
        rows = room.columns(f"SELECT k, lo, hi, there FROM {name}")
        found[:, rows["k"]] = rows["lo"], rows["hi"], rows["there"]
        room.cache[name] = tuple(found)
    return room.cache[name]


def _covered(room: Room, source: OutcomeSource) -> np.ndarray:
    """Whether a source is complete for the family's council throughout the quarter (for events by term, throughout the school term)."""
    key = ("coverage", source.coverage, source.by_term)
    if key not in room.cache:
        numbers = range(room.periods.first, room.periods.last + 1)
        first = np.array([_first_day(number, source.by_term) for number in numbers], dtype="datetime64[D]")
        last = np.array([_last_day(number, source.by_term) for number in numbers], dtype="datetime64[D]")
        rows = room.con.execute("SELECT council_code, first_date, last_date FROM source_coverage WHERE source = ? ORDER BY council_code",
                                [source.coverage]).fetchall()
        by_council = {code: (first >= np.datetime64(begins)) & (last <= np.datetime64(ends)) for code, begins, ends in rows}
        nothing = np.zeros(len(room.periods), dtype=bool)
        codes, place = np.unique(room.council.astype(str), return_inverse=True)
        room.cache[key] = np.array([by_council.get(code, nothing) for code in codes]).reshape(len(codes), -1)[place]
    return room.cache[key]


def _first_day(number: int, by_term: bool) -> dt.date:
    day = first_day(number, "quarter")
    return dt.date(day.year, 9, 1) if by_term and day.month == 10 else day


def _last_day(number: int, by_term: bool) -> dt.date:
    day = last_day(number, "quarter")
    return dt.date(day.year, 7, 31) if by_term and day.month == 6 else day


def _column_sql(room: Room, source: OutcomeSource) -> str:
    """The column of an event's row: of its school term, or of its day."""
    if source.column is None:
        year, first = "CAST(substr(term, 1, 4) AS INTEGER)", room.periods.first
        seasons = f"WHEN 'autumn' THEN 4 * {year} + 3 WHEN 'spring' THEN 4 * {year} + 4 WHEN 'summer' THEN 4 * {year} + 5"
        return f"CASE substr(term, 9) {seasons} END - {first}"
    if source.by_term:
        return f"col({source.column}) + CASE month({source.column}) WHEN 7 THEN -1 WHEN 9 THEN 1 WHEN 8 THEN NULL ELSE 0 END"
    return f"col({source.column})"


def _by_cell(room: Room, rows: str, *sums: str) -> list[np.ndarray]:
    """Sums of whole numbers by family and quarter over a query with the columns u and c."""
    added = ", ".join(f"CAST(sum({expression}) AS BIGINT) AS s{i}" for i, expression in enumerate(sums))
    n_columns = len(room.periods)
    found = room.columns(f"""SELECT u * {n_columns} + c AS cell, {added} FROM ({rows})
        WHERE c BETWEEN 0 AND {n_columns - 1} GROUP BY cell ORDER BY cell""")
    arrays = []
    for i in range(len(sums)):
        array = np.zeros(room.shape[0] * room.shape[1], dtype=np.int64)
        array[found["cell"]] = found[f"s{i}"]
        arrays.append(array.reshape(room.shape))
    return arrays


def _sums(room: Room, source: OutcomeSource) -> list[np.ndarray]:
    """Numerator and denominator: sessions added up, or children at or above the threshold and children with any session."""
    _member_spans(room, source.members)
    where = f"AND ({source.where})" if source.where else ""
    rows = f"""SELECT m.u, e.c, e.top, e.bottom FROM
        (SELECT person_id, {_column_sql(room, source)} AS c, {source.numerator} AS top, {source.denominator} AS bottom
         FROM {source.table} WHERE true {where}) e
        JOIN in_{source.members or 'all_members'} m USING (person_id) WHERE e.c BETWEEN m.lo AND m.hi"""
    if source.kind == "share_of_people":
        return _by_cell(room, rows, f"(bottom > 0 AND top >= {source.threshold!r} * bottom)::INTEGER", "(bottom > 0)::INTEGER")
    return _by_cell(room, rows, "top", "bottom")


def _events(room: Room, source: OutcomeSource) -> np.ndarray:
    """Number of events by family and quarter. An event that names the family counts there; else it counts where its person is a member."""
    _member_spans(room, source.members)
    where = f"AND ({source.where})" if source.where else ""
    of_member = f"""SELECT m.u, e.c FROM (SELECT *, {_column_sql(room, source)} AS c FROM {source.table} WHERE true {where}) e
        JOIN in_{source.members or 'all_members'} m USING (person_id) WHERE e.c BETWEEN m.lo AND m.hi"""
    if "family_id" not in room.dictionary.tables[source.table].columns:
        return _by_cell(room, of_member, "1")[0]
    of_family = f"SELECT f.u, {_column_sql(room, source)} AS c FROM {source.table} JOIN fam f USING (family_id) WHERE true {where}"
    on_the_day = f"""SELECT m.u, {_column_sql(room, source)} AS c FROM {source.table} e JOIN member m USING (person_id)
        WHERE e.family_id IS NULL AND e.{source.column} >= m.member_from AND (m.member_to IS NULL OR e.{source.column} <= m.member_to) {where}"""
    return _by_cell(room, f"{of_family} UNION ALL {on_the_day}", "1")[0]


def _spells(room: Room, source: OutcomeSource) -> np.ndarray:
    """Number of spells that touch each quarter, of members in the population."""
    _member_spans(room, source.members)
    where = f"AND ({source.where})" if source.where else ""
    rows = room.columns(f"""SELECT m.u, greatest(col(e.{source.column}), m.lo) AS a, least(coalesce(col(e.{source.end_column}), {ALWAYS}), m.hi) AS b
        FROM {source.table} e JOIN in_{source.members or 'all_members'} m USING (person_id) WHERE true {where}""")
    return spans(rows["u"], rows["a"], rows["b"], room.shape)


# ---- covariates -----------------------------------------------------------------

def _fixed_covariates(room: Room) -> pd.DataFrame:
    """Characteristics on the first eligible date, one row per family, floats."""
    found = room.con.sql(FIXED_SQL).df().set_index("u").astype(float).reindex(np.arange(room.n_units)).reset_index(drop=True)
    female, sex_known = found.pop("n_female"), found.pop("n_sex_known")
    found["share_female"] = (female / sex_known).where(sex_known > 0)
    somebody = found["n_members"].notna()
    found["lone_parent"] = ((found["n_adults"] == 1) & (found["n_children"] > 0)).astype(float).where(somebody)
    found["three_or_more_children"] = (found["n_children"] >= 3).astype(float).where(somebody)
    reasons = room.con.sql("SELECT coalesce(referral_reason, '') AS reason FROM fam ORDER BY u").df()["reason"]
    for code in room.dictionary.tables["families"].columns["referral_reason"].codes:
        if f"referral_{code}" in room.dictionary.covariates:
            found[f"referral_{code}"] = (reasons == code).astype(float).where(reasons != "")
    return found


def _varying_covariates(room: Room, tables: Mapping[str, CheckedTable]) -> dict[str, np.ndarray]:
    """Covariates known on the first day of each quarter; a table that was not delivered makes none."""
    varying = {}
    first, _, last = _member_spans(room, "school_age")
    varying["n_school_age"] = spans(room.unit, first, last, room.shape).astype(float)
    varying["has_child_5_15"] = (varying["n_school_age"] > 0).astype(float)
    first, _, last = _member_spans(room, "working_age_adults")
    varying["has_adult_working_age"] = (spans(room.unit, first, last, room.shape) > 0).astype(float)
    for name in ("crime_asb", "education", "work"):
        met = room.columns(f"SELECT u, from_col(criterion_{name}_date) AS a FROM fam WHERE criterion_{name}_date IS NOT NULL")
        varying[f"criterion_{name}"] = spans(met["u"], met["a"], np.full(len(met["u"]), ALWAYS), room.shape).astype(float)
    varying["n_criteria"] = sum(varying[f"criterion_{name}"] for name in ("crime_asb", "education", "work"))
    eligible = room.columns("SELECT col(first_eligible_date) AS c FROM fam ORDER BY u")["c"]
    waited = (np.arange(room.shape[1]) - eligible[:, None]).astype(float)
    varying["quarters_since_eligible"] = np.where(waited >= 0, waited, np.nan)
    if "needs" in tables:
        codes = room.dictionary.tables["needs"].columns["need"].codes
        by_need = {code: _open(room, f"SELECT u, start_date, end_date FROM needs JOIN fam USING (family_id) WHERE need = '{code}'") for code in codes}
        varying["n_needs"] = sum(by_need.values()).astype(float)
        for code, number in by_need.items():
            varying[f"{code}_need" if f"{code}_need" in room.dictionary.covariates else code] = (number > 0).astype(float)
    if "other_support" in tables:
        varying["any_other_support"] = (_open(room, "SELECT u, start_date, end_date FROM other_support JOIN fam USING (family_id)") > 0).astype(float)
    return varying


def _open(room: Room, rows: str) -> np.ndarray:
    """Number of dated spells that began before each quarter's first day and had not ended on it."""
    found = room.columns(f"SELECT u, col(start_date) + 1 AS a, coalesce(col(end_date), {ALWAYS}) AS b FROM ({rows})")
    return spans(found["u"], found["a"], found["b"], room.shape)


def _check_covariates(covariates: Iterable[str], known: set[str]) -> None:
    for name in covariates:
        if name not in known and name not in MATCHED_BY_DESIGN:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise PlanError(f"A covariate of families is one of {', '.join(sorted(known - set(REQUIRED)))}: {name!r} is not{hint}. "
                            "Where: matching. Mend the name, or deliver the table it is made from.")


def _notes(varying: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    notes = ("A family may serve as a comparison from the quarter after it became eligible until it moves away or joins.",
             "A person counts in the quarters that membership of the family covers wholly, by age at the start of the quarter.",
             "A family's value is missing in a quarter in which a member it depends on is not linked to the source, or the source is not complete.")
    return notes if "n_needs" in varying else (*notes, "No table of needs was delivered: families are not compared on needs.")
