"""Index of Multiple Deprivation by council (2007, 2010, 2015) and the register of councils that takes lower-tier districts to their county.

The published scores are on the lower-tier councils of 2021 and carry no populations. A council of 2012/13 takes, in this order: its own score;
the plain mean of the districts whose register entry names it as county; the plain mean of the councils that replaced it.
"""
from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.published.opening import Delivery, find_file, open_text, resolve

YEARS = (2007, 2010, 2015)
REGISTER_COLUMNS = ["local-authority-code", "nice-name", "gss-code", "start-date", "end-date", "replaced-by", "nation", "local-authority-type",
                    "county-la", "former-gss-codes"]


def council_register(folder: Path) -> pd.DataFrame:
    """The register of English councils, past and present, as text: one row per council, columns as published with '_' for '-'."""
    con = duckdb.connect()
    open_text(con, "register", find_file(folder, "la_codes", "uk_local_authorities_future.csv"), REGISTER_COLUMNS)
    frame = con.execute("select * exclude (_file, _row) from register where nation = 'England'").df()
    return frame.rename(columns=lambda name: name.replace("-", "_"))


def upper_tier_councils(folder: Path) -> pd.DataFrame:
    """The 152 upper-tier councils of 2012/13 as text: `region_code`, `region_name`, `old_la_code`, `new_la_code`, `la_name`."""
    con = duckdb.connect()
    columns = ["region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
    open_text(con, "upper_tier", find_file(folder, "la_codes", "upper_tier_england_2012_13_from_absence.csv"), columns)
    return con.execute("select * exclude (_file, _row) from upper_tier").df()


def read_deprivation(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """Scores of the councils of 2012/13 as text rows of `deprivation`; `_row` is the line of the (first) district used."""
    members = council_members(folder, dictionary)
    con.register("deprivation_members", members)
    files, parts = [], []
    for year in YEARS:
        path = find_file(folder, "imd", f"imd{year}_england_ltla21.csv")
        files.append((path, open_text(con, f"imd_{year}", path, ["ltla21_code", "Score"])))
        parts.append(f"""
            select m.council_code, '{year}' as "year", cast(cast(avg(cast(s."Score" as decimal(18, 12))) as decimal(18, 6)) as varchar) as score,
                   any_value(s._file) as _file, cast(min(cast(s._row as integer)) as varchar) as _row
            from deprivation_members as m join imd_{year} as s on s.ltla21_code = m.district_code group by all""")
    con.execute(f"create or replace table deprivation_councils as select * from ({' union all '.join(parts)}) order by council_code, \"year\"")
    (kept,) = con.execute("select count(*) from deprivation_councils").fetchone()
    return Delivery(table="deprivation", relation="deprivation_councils", files=tuple(files),
                    set_aside=(("district averaged into its county or shared by councils", sum(rows for _, rows in files) - kept),))


def council_members(folder: Path, dictionary: Dictionary) -> pd.DataFrame:
    """Which scored district stands for which council: `council_code`, `district_code`, `how` ('itself', 'districts', 'successors')."""
    register = council_register(folder)
    con = duckdb.connect()
    open_text(con, "imd", find_file(folder, "imd", f"imd{YEARS[0]}_england_ltla21.csv"), ["ltla21_code", "Score"])
    scored = {code for (code,) in con.execute("select ltla21_code from imd").fetchall()}
    gss = dict(zip(register["local_authority_code"], register["gss_code"], strict=True))
    rows, without = [], []
    for council in upper_tier_councils(folder).itertuples():
        code = resolve((council.new_la_code, council.old_la_code, council.la_name), dictionary)
        entry = register[register["gss_code"] == council.new_la_code]
        found = _members(council.new_la_code, entry, register, scored, gss)
        if code is None or not found:
            without.append(council.la_name)
        rows += [(code, district, how) for district, how in found]
    if without:
        raise ContractError("Every council must have a deprivation score, directly or through its districts: "
                            f"{len(without)} have none ({'; '.join(without[:5])}). "
                            "Mend `county-la` or `replaced-by` in la_codes/uk_local_authorities_future.csv, or data_dictionary/councils.csv.")
    return pd.DataFrame(rows, columns=["council_code", "district_code", "how"])


def _members(code: str, entry: pd.DataFrame, register: pd.DataFrame, scored: set[str], gss: dict[str, str]) -> list[tuple[str, str]]:
    """Scored districts of one council and how they were found."""
    if code in scored:
        return [(code, "itself")]
    if entry.empty:
        return []
    districts = register.loc[register["county_la"] == entry["local_authority_code"].iloc[0], "gss_code"]
    inside = sorted(scored & set(districts))
    if inside:
        return [(district, "districts") for district in inside]
    after = [gss.get(name, "") for name in re.split(r"[,\s]+", entry["replaced_by"].iloc[0] or "") if name]
    return [(district, "successors") for district in sorted(scored & set(after))]
