"""Makes councils.csv from the published registers of councils (facts, Open Government Licence); see SOURCES.md.

Run from the project root: python data_dictionary/build_councils.py FOLDER, where FOLDER holds la_codes and school_absence.
"""
from __future__ import annotations

import csv
import datetime as dt
import sys
from pathlib import Path

import pandas as pd

UPPER_TIER = ("UA", "CTY", "MD", "LBO", "CC")
TYPES = {"UA": "unitary", "CTY": "county", "MD": "metropolitan_district", "LBO": "london_borough", "CC": "london_borough"}
REGIONS = {"Yorkshire and The Humber": "Yorkshire and the Humber"}
FIRST_OF_2009 = dt.date(2009, 4, 1)
# The register dates five counties that became unitary in 2009 from that day; their area and DfE code did not change.
UNCHANGED_IN_2009 = {"E06000047", "E06000051", "E06000052", "E06000054", "E06000057"}
BEFORE_2009 = [
    {"gss_code": "DFE820", "dfe_code": "820", "name": "Bedfordshire", "aliases": "Bedfordshire (Pre LGR 2009);Bedfordshire County Council",
     "type": "county", "region": "East of England", "last_day": "2009-03-31", "successors": "E06000055;E06000056"},
    {"gss_code": "DFE875", "dfe_code": "875", "name": "Cheshire", "aliases": "Cheshire (Pre LGR 2009);Cheshire County Council",
     "type": "county", "region": "North West", "last_day": "2009-03-31", "successors": "E06000049;E06000050"},
]
MORE_ALIASES = {   # spellings of the published files that no register holds
    "E06000010": ["Kingston Upon Hull, City of", "Hull"],
    "E06000011": ["East Riding"],
    "E06000008": ["Blackburn and Darwin", "Blackburn with Darwin"],
    "E06000021": ["Stoke"],
    "E06000022": ["Bath & NE Somerset", "Bath & N E Somerset"],
    "E06000033": ["Southend"],
    "E06000035": ["Medway Towns"],
    "E06000055": ["Bedford Borough"],
    "E06000047": ["Durham"],
    "E06000019": ["Herefordshire, County of"],
    "E06000023": ["Bristol, City of", "Bristol City of"],
    "E06000060": ["Buckinghamshire UA"],
}
COLUMNS = ["gss_code", "dfe_code", "name", "aliases", "type", "region_code", "region", "first_day", "last_day", "successors"]


def build(folder: Path) -> list[dict[str, str]]:
    """Rows of councils.csv: the 152 of 2012/13, the two abolished in 2009 and those that came after."""
    register = pd.read_csv(folder / "la_codes" / "uk_local_authorities_future.csv", dtype=str, encoding="utf-8", encoding_errors="replace").fillna("")
    england = register[register["nation"] == "England"]
    upper = england[england["local-authority-type"].isin(UPPER_TIER)].set_index("gss-code")
    dfe = pd.read_csv(folder / "la_codes" / "upper_tier_england_2012_13_from_absence.csv", dtype=str).set_index("new_la_code")
    names = names_of(folder)
    code_of = dict(zip(england["local-authority-code"], england["gss-code"], strict=True))
    region_code = dict(zip(dfe["region_name"], dfe["region_code"], strict=True))
    rows = [{**row, "region_code": region_code[row["region"]], "first_day": ""} for row in BEFORE_2009]
    for code, entry in upper.iterrows():
        old = dfe.loc[code] if code in dfe.index else None
        region = old["region_name"] if old is not None else REGIONS.get(entry["region"], entry["region"])
        if region not in region_code:   # London is two regions in DfE files
            raise SystemExit(f"{code} has region {region!r}, which the DfE file does not know.")
        name = name_of(code, entry, old)
        rows.append({
            "gss_code": code, "dfe_code": "" if old is None else str(int(float(old["old_la_code"]))), "name": name,
            "aliases": ";".join(aliases_of(code, name, entry, old, names.get(entry["local-authority-code"], []))),
            "type": TYPES[entry["local-authority-type"]], "region_code": region_code[region], "region": region,
            "first_day": first_day(code, entry["start-date"]), "last_day": last_day(entry["end-date"]),
            "successors": ";".join(successors_of(entry, england, code_of)),
        })
    return sorted(rows, key=lambda row: row["gss_code"])


def names_of(folder: Path) -> dict[str, list[str]]:
    table = pd.read_csv(folder / "la_codes" / "lookup_name_to_registry.csv", dtype=str, encoding="utf-8", encoding_errors="replace").fillna("")
    return table.groupby("local-authority-code")["la-name"].apply(list).to_dict()


def name_of(code: str, entry: pd.Series, old: pd.Series | None) -> str:
    if code == "E06000010":
        return "Kingston upon Hull, City of"
    return (entry["nice-name"] if old is None else old["la_name"]).removeprefix("Pre-LGR 2019 ").removesuffix(" Council")


def aliases_of(code: str, name: str, entry: pd.Series, old: pd.Series | None, variants: list[str]) -> list[str]:
    found = [entry["official-name"], entry["nice-name"], *variants, *entry["former-gss-codes"].split(","), *MORE_ALIASES.get(code, [])]
    if old is not None:
        found.append(old["la_name"])
    keep: dict[str, str] = {}
    for text in (text.strip() for text in found):
        if text and "\ufffd" not in text and text.lower() != name.lower() and ";" not in text:
            keep.setdefault(text.lower(), text)
    return sorted(keep.values())


def first_day(code: str, start: str) -> str:
    """Blank where the council is older than the data (the register dates many from its own beginning in 2005)."""
    return start if start and dt.date.fromisoformat(start) >= FIRST_OF_2009 and code not in UNCHANGED_IN_2009 else ""


def last_day(end: str) -> str:
    """The register gives the last day for some and the day after for others."""
    if not end:
        return ""
    day = dt.date.fromisoformat(end)
    return (day - dt.timedelta(days=day.day == 1)).isoformat()


def successors_of(entry: pd.Series, england: pd.DataFrame, code_of: dict[str, str]) -> list[str]:
    """Councils that took over the area, those of a county's districts included (Christchurch left Dorset for Bournemouth's)."""
    if not entry["end-date"]:
        return []
    districts = england[(england["county-la"] == entry["local-authority-code"]) & (england["end-date"] == entry["end-date"])]
    found = {part for text in [entry["replaced-by"], *districts["replaced-by"]] for part in text.split(",") if part}
    upper = set(england.loc[england["local-authority-type"].isin(UPPER_TIER), "local-authority-code"])
    return sorted(code_of[part] for part in found & upper)


if __name__ == "__main__":
    target = Path(__file__).with_name("councils.csv")
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(build(Path(sys.argv[1])))
