"""Panels from published statistics: councils, schools and the people of an employment programme.

Councils are units in constant geography: where one council was replaced by others inside the data, old and new are added together over all
years, since their counts are additive. Which councils those are is read from the dictionary's successors, never written here.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary, OutcomeSource
from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.geography import Geography, constant_geography, names_of
from evaluation.panel.types import NEVER, FlowStep, Panel
from evaluation.periods import Periods

SCHOOL_TYPES = ("primary", "secondary", "special")
IMD_YEARS = (2007, 2010, 2015)
COVARIATES_OF_A_PLACE = ("london", "metropolitan")
PERSON_COVARIATES = ("age", "education", "black", "hispanic", "married", "no_degree")
YEARS_BEFORE = (1974, 1975)      # earnings known before the employment programme


def build_councils(tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, periods: Periods, outcomes: Sequence[str],
                   entry_of: Mapping[str, tuple[str, str]], covariates: Sequence[str] = (), school_type: str | None = None,
                   base: str | None = None) -> Panel:
    """Councils by school years.

    Parameters
    ----------
    tables : name -> CheckedTable
        All tables whose `name` is `council_year` are used together (absence, exclusions, children looked after); `deprivation` if there is one.
    periods : Periods of kind 'school_year'
    outcomes : names in the dictionary with a source for councils
    entry_of : council code -> (label of the first treated period, area)
        Councils not named are never treated; their area is the unit itself.
    covariates : names that the plan needs; refused if this builder does not make them
    school_type : 'primary', 'secondary' or 'special', in place of the outcome's own `where`
    base : label of the period from which size and mix of schools are taken; the first period by default

    Returns
    -------
    Panel
        Rates are ratios of sums; `denominators` hold the sums below. NaN where a council, or one of the councils added together, has no figure.
    """
    con = duckdb.connect()
    _open(con, tables, "council_year", keys=("council_code", "school_year", "school_type"))
    labels = _sql_list(periods.labels())
    codes = [code for (code,) in con.execute(f"select distinct council_code from council_year where school_year in ({labels})").fetchall()]
    if not codes:
        raise _nothing("council_year", periods)
    geography = constant_geography(codes, dictionary)
    units = _council_units(geography, dictionary)
    _register_members(con, geography, units)
    units = _assign(units, geography, entry_of, periods)
    units = units.join(_council_covariates(con, periods, len(units), base)).join(_deprivation(con, tables, len(units)))
    _require(units, covariates, "council")
    values, denominators = {}, {}
    for name in outcomes:
        source = _source(dictionary, name, "council", "council_year")
        where = f"school_type = '{school_type}'" if school_type else source.where or "true"
        values[name], below = _council_outcome(con, source, where, periods, len(units), name)
        if below is not None:
            denominators[name] = below
    breaks, break_notes = _breaks(con, "council_year", periods)
    of_year = f"Enrolments, their share in secondary schools and the number of schools are those of {periods.label(_base(base, periods))}."
    notes = (*geography.notes, *break_notes, of_year) + ((f"Figures are for {school_type} schools.",) if school_type else ())
    return Panel(unit="council", periods=periods, units=units, outcomes=values, denominators=denominators, notes=notes, breaks=breaks, flow=(
        FlowStep(step="received", reason="councils with published figures in these years", count=len(codes), of="councils"),
        FlowStep(step="kept", reason="units after reorganised councils were added together", count=len(units), of="councils")))


def build_schools(tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, periods: Periods, outcomes: Sequence[str],
                  entry_of: Mapping[str, tuple[str, str]], covariates: Sequence[str] = (), base: str | None = None) -> Panel:
    """Schools by school years; arguments as in `build_councils`.

    A school takes council and type from its last row inside the periods, the programme from its council. `school_type` counts 0 primary, 1 secondary,
    2 special. Size is that of the base period, by default that of the school's first row. NaN where a school has no row, or no possible session.
    A school that becomes an academy gets a new URN and keeps its number of establishment; in a reorganised council it is the other way round.
    Rows that share either are one school, named by its latest URN, unless that would give it two rows in one year.
    """
    con = duckdb.connect()
    _open(con, tables, "school_year", keys=("urn", "school_year"))
    con.execute(f"""create table rows as select *, cast(substr(school_year, 1, 4) as integer) - {periods.first} as period
                    from school_year where school_year in ({_sql_list(periods.labels())})""")
    n_numbers = _follow_schools(con)
    last = con.execute("""
        select school as unit_id, arg_max(council_code, period) as member, arg_max(school_type, period) as school_type, min(period) as eligible_from,
               max(period) as last_row
        from rows join schools using (urn) group by school order by school""").df()
    if last.empty:
        raise _nothing("school_year", periods)
    codes = [code for (code,) in con.execute("select distinct council_code from rows").fetchall()]
    geography = constant_geography(codes, dictionary)
    councils = _council_units(geography, dictionary)
    _register_members(con, geography, councils)
    councils = _assign(councils, geography, entry_of, periods).join(_deprivation(con, tables, len(councils)))
    home = councils.set_index("unit_id").loc[last["member"].map(geography.unit_of)].reset_index(drop=True)
    entry = home["entry"].to_numpy()
    units = pd.concat([last[["unit_id"]], home[["council_code", "council_name", "region", "area", "pool", "entry"]], pd.DataFrame({
        "eligible_from": last["eligible_from"].to_numpy(int),
        "eligible_to": np.where(entry == NEVER, last["last_row"], np.minimum(last["last_row"], entry - 1)).astype(int)}),
        home[[column for column in home if column in COVARIATES_OF_A_PLACE or column.startswith("imd_")]]], axis=1)
    units["school_type"] = last["school_type"].map({kind: float(number) for number, kind in enumerate(SCHOOL_TYPES)})
    for kind in SCHOOL_TYPES:
        units[f"school_type_{kind}"] = (last["school_type"] == kind).to_numpy(float)
    con.register("school_rows", pd.DataFrame({"school": units["unit_id"], "unit": np.arange(len(units))}))
    con.execute("create table school_units as select urn, unit from schools join school_rows using (school)")
    at = "arg_min({0}, period)" if base is None else f"any_value({{0}}) filter (period = {_base(base, periods)})"
    found = con.execute(f"""select unit, {at.format('enrolments')} as enrolments, {at.format('possible_sessions')} as possible_sessions
                            from rows join school_units using (urn) group by unit""").df()
    for name in ("enrolments", "possible_sessions"):
        units[f"log_{name}"] = _log(_scatter(len(units), found["unit"], found[name]))
    _require(units, covariates, "school")
    values, denominators = {}, {}
    for name in outcomes:
        values[name], below = _school_outcome(con, _source(dictionary, name, "school", "school_year"), periods, len(units), name)
        if below is not None:
            denominators[name] = below
    breaks, notes = _breaks(con, "rows", periods)
    (received,) = con.execute("select count(*) from rows").fetchone()
    flow = (FlowStep(step="received", reason="rows of published figures in these years", count=received, of="school-years"),
            FlowStep(step="kept", reason="schools with at least one row", count=len(units), of="schools"))
    if n_numbers > len(units):
        notes += (f"{n_numbers:,} school numbers are {len(units):,} schools: a school is followed when it becomes an academy and gets a new number.",)
    notes = (*geography.notes, *notes)
    return Panel(unit="school", periods=periods, units=units, outcomes=values, denominators=denominators, notes=notes, breaks=breaks, flow=flow)


def build_people(tables: Mapping[str, CheckedTable], dictionary: Dictionary, *, periods: Periods, outcomes: Sequence[str], entry: str,
                 covariates: Sequence[str] = ()) -> Panel:
    """People by years: participants of an employment programme and of comparison surveys.

    `entry` is the label of the first treated year of those who were offered the programme. A year without a survey is NaN for everybody.
    `pool` tells the experiment (treated and its own comparison group) from the surveys.
    """
    con = duckdb.connect()
    _open(con, tables, "participants", keys=("person_id",))
    _open(con, tables, "earnings_year", keys=("person_id", "year"))
    columns = ", ".join(f"cast({name} as double) as {name}" for name in PERSON_COVARIATES)
    people = con.execute(f"""select person_id as unit_id, '' as council_code, '' as area, pool, treated, {columns}
                             from participants order by person_id""").df()
    at = periods.index(entry)
    if not 0 <= at < len(periods):
        raise PlanError("The first treated period must lie inside the panel's periods "
                        f"{periods.labels()[0]} to {periods.labels()[-1]}: {entry} does not. Mend `programme.entry` or `periods` in the plan.")
    treated = people.pop("treated").to_numpy(bool)
    people.insert(4, "entry", np.where(treated, at, NEVER))
    people.insert(5, "eligible_from", 0)
    people.insert(6, "eligible_to", np.where(treated, at - 1, len(periods) - 1))
    con.register("person_units", pd.DataFrame({"person_id": people["unit_id"], "unit": np.arange(len(people))}))
    people = people.assign(age_squared=people["age"] ** 2, **_earnings_before(con, len(people)))
    _require(people, covariates, "person")
    values, surveyed = {}, np.zeros(len(periods), bool)
    for name in outcomes:
        source = _source(dictionary, name, "person", "earnings_year")
        found = con.execute(f"""
            select unit, cast("year" as integer) - {periods.first} as period, {source.multiply} * cast({source.column} as double) as value
            from earnings_year join person_units using (person_id)
            where cast("year" as integer) between {periods.first} and {periods.last} and ({source.where or 'true'})""").fetchnumpy()
        values[name] = _grid(len(people), len(periods), found["unit"], found["period"], found["value"])
        surveyed |= np.isfinite(values[name]).any(axis=0)
    silent = [periods.label(index) for index in np.flatnonzero(~surveyed)]
    notes = (f"Nothing was observed in {' and '.join(silent)}: those years are missing for everybody.",) if silent else ()
    flow = tuple(FlowStep(step="received", reason=f"people of the pool {pool}", count=int(count), of="people")
                 for pool, count in people.groupby("pool").size().items())
    return Panel(unit="person", periods=periods, units=people, outcomes=values, notes=notes, flow=flow)


def _earnings_before(con: duckdb.DuckDBPyConnection, n_people: int) -> dict[str, np.ndarray]:
    """Earnings of the years before the programme, and whether there were none; NaN where a year is missing."""
    columns = {}
    for year in YEARS_BEFORE:
        found = con.execute(f"""select unit, earnings from earnings_year join person_units using (person_id)
                                where cast("year" as integer) = {year}""").df()
        earnings = columns[f"earnings_{year}"] = _scatter(n_people, found["unit"], found["earnings"])
        columns[f"no_earnings_{year}"] = np.where(np.isnan(earnings), np.nan, earnings == 0)
    return columns


def _open(con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable], name: str, *, keys: Sequence[str]) -> None:
    """A table in the connection: the union of all checked tables of that contract, one row per key."""
    paths = sorted(str(table.path) for table in tables.values() if table.name == name)
    if not paths:
        raise ContractError(f"The table {name} must be among the delivered tables: there are {sorted({table.name for table in tables.values()})}. "
                            "Mend `data.tables` of the plan.")
    listed = f"read_parquet([{', '.join(_quote(path) for path in paths)}], union_by_name=true)"
    if len(paths) == 1:
        con.execute(f"create table {name} as select * from {listed}")
        return
    others = [row[0] for row in con.execute(f"describe select * from {listed}").fetchall() if row[0] not in keys and not row[0].startswith("_")]
    merged = ", ".join(f'max("{column}") as "{column}"' for column in others)     # each column comes from one source only
    con.execute(f"create table {name} as select {', '.join(keys)}, {merged} from {listed} group by {', '.join(keys)}")


def _source(dictionary: Dictionary, name: str, unit: str, table: str) -> OutcomeSource:
    """The outcome's source for a unit, or a `PlanError`: it is not available in published data."""
    if name not in dictionary.outcomes:
        raise PlanError(f"An outcome must be in the dictionary: {name!r} is not. "
                        "Mend `outcomes` in the plan, or add it to data_dictionary/outcomes.yml.")
    source = dictionary.outcomes[name].sources.get(unit)
    if source is None or source.table != table:
        raise PlanError(f"The outcome {name} is not available in published data for a {unit}. "
                        "Take it out of `outcomes`, or name its source in data_dictionary/outcomes.yml.")
    return source


def _follow_schools(con: duckdb.DuckDBPyConnection) -> int:
    """The table `schools` (URN -> latest URN of the same school); returns the number of URNs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    known = [row[0] for row in con.execute("describe rows").fetchall()]
    number = "school_number" if "school_number" in known else "null"
    pairs = con.execute(f"select urn, coalesce({number}, 'urn ' || urn) as number, max(period) as last from rows group by all order by all").df()
    urns, urn = np.unique(pairs["urn"].to_numpy(str), return_inverse=True)
    numbers, establishment = np.unique(pairs["number"].to_numpy(str), return_inverse=True)
    size = len(urns) + len(numbers)
    _, group = connected_components(coo_array((np.ones(len(pairs)), (urn, len(urns) + establishment)), shape=(size, size)), directed=False)
    con.register("followed", pd.DataFrame({"urn": pairs["urn"], "last": pairs["last"], "family": group[urn]}))
    con.execute("""
        create table schools as
        with named as (select urn, family, max(last) as last from followed group by urn, family),
             latest as (select family, arg_max(urn, (last, urn)) as school from named group by family),
             twice as (select distinct family from (select family, period from rows join named using (urn) group by all having count(*) > 1))
        select urn, case when family in (from twice) then urn else school end as school from named join latest using (family)""")
    return len(urns)


def _council_units(geography: Geography, dictionary: Dictionary) -> pd.DataFrame:
    """One row per unit of constant geography, sorted by id, with its name and region."""
    rows = []
    for unit, members in sorted(geography.members.items()):
        councils = [dictionary.councils[code] for code in members]
        regions = " and ".join(sorted({council.region for council in councils}))
        london = float(any("london" in council.region.lower() for council in councils))
        metropolitan = float(any(council.type == "metropolitan_district" for council in councils))
        rows.append((unit, unit, names_of(members, dictionary), regions, london, metropolitan))
    return pd.DataFrame(rows, columns=["unit_id", "council_code", "council_name", "region", *COVARIATES_OF_A_PLACE])


def _register_members(con: duckdb.DuckDBPyConnection, geography: Geography, units: pd.DataFrame) -> None:
    """The table `members`: council code, row of its unit, whether it is a council of before, councils after in the unit."""
    row = {unit: index for index, unit in enumerate(units["unit_id"])}
    rows = [(code, row[unit], code in geography.before, len(geography.members[unit])) for code, unit in geography.unit_of.items()]
    con.register("members", pd.DataFrame(rows, columns=["council_code", "unit", "is_before", "n_after"]))


def _assign(units: pd.DataFrame, geography: Geography, entry_of: Mapping[str, tuple[str, str]], periods: Periods) -> pd.DataFrame:
    """Columns `area`, `pool`, `entry`, `eligible_from`, `eligible_to` from the programme's councils, before the covariates."""
    starts = _starts(geography, entry_of)
    columns = {unit: periods.index(start) for unit, (start, _) in starts.items()}
    early = [unit for unit, column in columns.items() if column < 0]
    if early:
        raise PlanError("The programme must begin inside or after the panel's periods: "
                        f"{len(early)} of {len(columns)} begin before {periods.labels()[0]}. Mend `periods` or `programme` in the plan.")
    entry = np.array([column if (column := columns.get(unit, NEVER)) < len(periods) else NEVER for unit in units["unit_id"]])
    area = [starts[unit][1] if unit in starts else unit for unit in units["unit_id"]]
    fixed = units[[name for name in units if name in COVARIATES_OF_A_PLACE]]
    placed = units.drop(columns=list(fixed)).assign(area=area, pool="", entry=entry, eligible_from=0)
    return placed.assign(eligible_to=np.where(entry == NEVER, len(periods), entry) - 1).join(fixed)


def _starts(geography: Geography, entry_of: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Unit -> (label of the first treated period, area); councils added together must agree."""
    absent = sorted(code for code in entry_of if code not in geography.unit_of)
    if absent:
        raise PlanError(f"Every council of the programme must have published figures: {len(absent)} have none ({', '.join(absent[:5])}). "
                        "Mend `programme` of the plan, or the delivery.")
    starts: dict[str, set[tuple[str, str]]] = {}
    for code, start in entry_of.items():
        starts.setdefault(geography.unit_of[code], set()).add(tuple(start))
    for unit, found in starts.items():
        replaced = any(code in geography.before and geography.unit_of[code] == unit for code in entry_of)
        if len(found) > 1 or not (replaced or all(code in entry_of for code in geography.members[unit])):
            raise PlanError(f"Councils added together must enter together: those of {unit} do not. Mend `programme` of the plan.")
    return {unit: next(iter(found)) for unit, found in starts.items()}


def _council_covariates(con: duckdb.DuckDBPyConnection, periods: Periods, n_units: int, base: str | None) -> pd.DataFrame:
    """Size and mix of schools in the base period; NaN where no school of that type reports."""
    found = con.execute(f"""
        select unit, sum(enrolments) filter (school_type = 'total') as enrolments, sum(possible_sessions) filter (school_type = 'total') as sessions,
               sum(enrolments) filter (school_type = 'secondary') as secondary, sum(enrolments) filter (school_type = 'special') as special,
               sum(schools) filter (school_type = 'total') as schools
        from council_year join members using (council_code)
        where school_year = '{periods.label(_base(base, periods))}' and enrolments is not null group by unit""").df()
    column = {name: _scatter(n_units, found["unit"], found[name]) for name in found.columns if name != "unit"}
    return pd.DataFrame({"log_enrolments": _log(column["enrolments"]), "log_possible_sessions": _log(column["sessions"]),
                         "share_secondary": column["secondary"] / column["enrolments"], "share_special": column["special"] / column["enrolments"],
                         "n_schools": column["schools"]})


def _deprivation(con: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable], n_units: int) -> pd.DataFrame:
    """Deprivation of each unit (`imd_2007`, ...): plain mean over the councils added together; no columns without the table."""
    if not any(table.name == "deprivation" for table in tables.values()):
        return pd.DataFrame(index=range(n_units))
    _open(con, tables, "deprivation", keys=("council_code", "year"))
    columns = {}
    for year in IMD_YEARS:
        found = con.execute(f"""select unit, avg(score) as score from deprivation join members using (council_code)
                                where cast("year" as integer) = {year} group by unit having count(*) = any_value(n_after)""").df()
        columns[f"imd_{year}"] = _scatter(n_units, found["unit"], found["score"])
    return pd.DataFrame(columns)


def _council_outcome(con: duckdb.DuckDBPyConnection, source: OutcomeSource, where: str, periods: Periods, n_units: int,
                     name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and denominators of one outcome: ratio of sums over the councils of a unit, NaN unless every one of them has a figure."""
    above, below = _ratio(source, name)
    found = con.execute(f"""
        with rows as (select unit, is_before, n_after, cast(substr(school_year, 1, 4) as integer) - {periods.first} as period,
                             {above} as above, {below} as below
                      from council_year join members using (council_code) where school_year in ({_sql_list(periods.labels())}) and ({where}))
        select unit, period, cast(sum(above) as double) as above, cast(sum(below) as double) as below from rows
        where above is not null or below is not null group by unit, period
        having count(*) = count(above) and count(*) = count(below)
           and (bool_or(is_before) or count(*) filter (not is_before) = any_value(n_after))""").fetchnumpy()
    return _rates(found, source, n_units, len(periods))


def _school_outcome(con: duckdb.DuckDBPyConnection, source: OutcomeSource, periods: Periods, n_units: int,
                    name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and denominators of one outcome by school and year."""
    above, below = _ratio(source, name)
    found = con.execute(f"""select unit, period, cast({above} as double) as above, cast({below} as double) as below
                            from rows join school_units using (urn) where ({source.where or 'true'})""").fetchnumpy()
    return _rates(found, source, n_units, len(periods))


def _ratio(source: OutcomeSource, name: str) -> tuple[str, str]:
    """SQL above and below the line; a plain value has 1 below."""
    if source.kind == "ratio_of_sums":
        return source.numerator, source.denominator
    if source.kind == "value":
        return source.column, "1"
    raise PlanError(f"The outcome {name} must be a ratio of sums or a value in published tables: it is {source.kind!r}. "
                    "Mend data_dictionary/outcomes.yml.")


def _rates(found: Mapping[str, np.ndarray], source: OutcomeSource, n_units: int, n_periods: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Arrays of rates and of what they are rates of; NaN where nothing was possible."""
    above = _grid(n_units, n_periods, found["unit"], found["period"], found["above"])
    below = _grid(n_units, n_periods, found["unit"], found["period"], found["below"])
    below[~(below > 0)] = np.nan
    rates = source.multiply * above / below
    return rates, below if source.kind == "ratio_of_sums" else None


def _breaks(con: duckdb.DuckDBPyConnection, table: str, periods: Periods) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...]]:
    """Columns in which the year begins to be counted over another number of half terms, and a sentence for each."""
    years = con.execute(f"""select school_year, min(year_breakdown), max(year_breakdown) from {table}
                            where year_breakdown is not null and school_year in ({_sql_list(periods.labels())}) group by 1 order by 1""").fetchall()
    mixed = [year for year, least, most in years if least != most]
    if mixed:
        raise ContractError(f"All rows of a school year must cover the same half terms: those of {', '.join(mixed)} do not. Mend the delivery.")
    breaks, notes = [], []
    for (before, was, _), (year, now, _) in zip(years, years[1:], strict=False):
        if was != now:
            breaks.append((periods.index(year), f"absence is counted over {now} half terms from {year}, over {was} to {before}"))
            notes.append(f"Absence covers {was} half terms to {before} and {now} from {year}: levels are not comparable across that break.")
    return tuple(breaks), tuple(notes)


def _nothing(table: str, periods: Periods) -> ContractError:
    return ContractError(f"{table} must have rows between {periods.labels()[0]} and {periods.labels()[-1]}: there are none. "
                         "Mend `periods` of the plan, or the delivery.")


def _base(base: str | None, periods: Periods) -> int:
    """Column of the base period."""
    at = 0 if base is None else periods.index(base)
    if not 0 <= at < len(periods):
        raise PlanError(f"The base of the covariates must lie inside the panel's periods: {base} does not. Mend the plan.")
    return at


def _require(units: pd.DataFrame, covariates: Sequence[str], unit: str) -> None:
    """Refuse covariates that the panel does not have."""
    missing = [name for name in covariates if name not in units]
    if missing:
        there = [name for name in units if units[name].dtype.kind == "f"]
        raise PlanError(f"Every covariate of the plan must be a column of the {unit} panel: {missing} are not; it has {there}. "
                        "Mend `matching` of the plan.")


def _grid(n_units: int, n_periods: int, unit: np.ndarray, period: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Values placed in an array of units by periods; NaN elsewhere."""
    grid = np.full((n_units, n_periods), np.nan)
    grid[np.asarray(unit, int), np.asarray(period, int)] = np.ma.filled(np.ma.asarray(value, float), np.nan)
    return grid


def _scatter(n_units: int, unit: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Values placed in an array of units; NaN elsewhere."""
    return _grid(n_units, 1, unit, np.zeros(len(unit), int), np.asarray(value, float))[:, 0]


def _log(values: np.ndarray) -> np.ndarray:
    """Natural logarithm; NaN where there is nothing to take it of."""
    return np.log(np.where(values > 0, values, np.nan))


def _sql_list(labels: Sequence[str]) -> str:
    return ", ".join(_quote(label) for label in labels)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
