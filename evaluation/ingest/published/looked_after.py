"""Outcomes of children looked after in England (DfE, 2008 to 2019), in the layouts in which each year was published.

A layout says where a file keeps its headings, its areas and its years; `looked_after_cells` turns any of the 29 files into one row per cell.
Only the offending tables feed the contract `council_year`: children looked after for at least 12 months, aged 10 and over, and how many of them were
convicted or cautioned. A year ending 31 March 2010 is labelled school year 2009/10. Regional and national figures are rounded to 10, council
figures to 5 from 2013; 5 or fewer children are suppressed.
"""
from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb
import pandas as pd

from evaluation.dictionary import Dictionary
from evaluation.errors import ContractError
from evaluation.ingest.published.opening import MARKS, Blank, Delivery, find_file, join_on, match_councils

PART = "looked_after"
NATION = "england"
REGIONS = frozenset({"north east", "north west", "yorks & the humber", "yorkshire and the humber", "east midlands", "west midlands",
                     "east of england", "london", "inner london", "outer london", "south east", "south west"})
DERIVED_OFFENDING, DERIVED_ABSENCE = "derived_offending_la_2010_2017.csv", "derived_cla_absence_la_2008_2012.csv"
AGED_10_PLUS = re.compile(r"10 or (over|older)|10plus|10over|10to17")
CONVICTED = re.compile(r"caution|convict")
ONE_SEX = re.compile(r"\b(boys|girls)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one published file keeps its headings, areas and years; columns and rows count from 0.

    Attributes
    ----------
    file, subject : str
    year : int or None
        Year ending 31 March of every value; None where the headings say it, column by column.
    headings : tuple of int
        Rows of the headings; all but the last stretch to the right until the next one.
    names : tuple of int
        Columns of the area's name; the first that is filled counts (council, then region, then country).
    gss, dfe : int or None
        Columns of the area's codes.
    first_value : int
        First column of figures.
    moved : tuple of (row, column, text)
        Headings that the publisher printed over the wrong column, put right.
    not_collected : tuple of int
        Years whose columns hold zeros although nothing was collected: missing, never zero.
    """

    file: str
    subject: Literal["offending", "absence", "exclusions"]
    names: tuple[int, ...]
    first_value: int
    year: int | None = None
    headings: tuple[int, ...] = (0,)
    gss: int | None = None
    dfe: int | None = None
    moved: tuple[tuple[int, int, str], ...] = ()
    not_collected: tuple[int, ...] = ()


def _numbered(file: str, subject: str, *, year: int | None = None, **more) -> Layout:
    """2010 and 2011: DfE number, name, figures."""
    return Layout(file=file, subject=subject, year=year, dfe=0, names=(1,), first_value=2, **more)


def _coded(file: str, subject: str, *, shift: int, year: int) -> Layout:
    """2015 to 2017 underlying data: GSS code, level, DfE number, name, figures."""
    return Layout(file=file, subject=subject, year=year, gss=shift, dfe=shift + 2, names=(shift + 3,), first_value=shift + 4)


def _regional(file: str, subject: str, *, year: int | None = None) -> Layout:
    """2012 underlying data: country, region, DfE number, GSS code, name, figures."""
    return Layout(file=file, subject=subject, year=year, dfe=4, gss=5, names=(6, 3, 1), first_value=7)


def _tidy(file: str, subject: str, *, year: int, first_value: int = 11) -> Layout:
    """2018 and 2019 underlying data: period, level, country, region, council, figures."""
    return Layout(file=file, subject=subject, year=year, dfe=7, gss=8, names=(9, 6, 4), first_value=first_value)


LAYOUTS: dict[str, Layout] = {layout.file: layout for layout in (
    _numbered("raw_2010__OC2_Final_V2.csv", "offending", year=2010),
    _numbered("raw_2010__Absence2009_10.csv", "absence", year=2010),
    _numbered("raw_2010__Absence_Final_V2.csv", "absence", year=2010),
    _numbered("raw_2010__Exclusions_Final_V2.csv", "exclusions", year=2010),
    _numbered("raw_2011__OC2.csv", "offending", year=2011),
    _numbered("raw_2011__Absence_LA.csv", "absence", not_collected=(2011,)),
    _numbered("raw_2011__Exclusions_LA.csv", "exclusions"),
    _regional("raw_2012__SFR32_2012_OC2_LA_Tables_UD.csv", "offending", year=2012),
    _regional("raw_2012__SFR32_2012_TableLA10_Exclusions_UD.csv", "exclusions"),
    _regional("raw_2012__SFR32_2012_TableLA11_Absence_UD.csv", "absence"),
    Layout(file="raw_2013__sheet4_oc21.csv", subject="offending", year=2013, headings=(4, 5), names=(0,), first_value=1),
    Layout(file="raw_2013__sheet9_excluded.csv", subject="exclusions", headings=(4, 5), names=(0,), first_value=1),
    Layout(file="raw_2013__sheet10_absence.csv", subject="absence", headings=(4, 5, 6), names=(0,), first_value=2,
           moved=((4, 52, "2013 (6 terms)"),)),
    Layout(file="raw_2014__sheet4_oc21.csv", subject="offending", year=2014, headings=(4, 5), names=(0,), first_value=1),
    Layout(file="raw_2014__sheet9_excluded.csv", subject="exclusions", headings=(4, 5, 6), names=(0,), first_value=1),
    Layout(file="raw_2014__sheet10_absence.csv", subject="absence", headings=(4, 5, 6), names=(0,), first_value=2),
    _coded("raw_2015__SFR34_OC22015.csv", "offending", shift=0, year=2015),
    Layout(file="raw_2015__sheet5_excluded.csv", subject="exclusions", headings=(5, 6, 7), gss=0, dfe=1, names=(2,), first_value=3),
    Layout(file="raw_2015__sheet6_absence.csv", subject="absence", headings=(5, 6, 7), gss=0, dfe=1, names=(2,), first_value=3),
    _coded("raw_2016__SFR41_OC22016.csv", "offending", shift=0, year=2016),
    Layout(file="raw_2016__sheet8_absence.csv", subject="absence", headings=(5, 6, 7), gss=0, dfe=1, names=(2,), first_value=3),
    Layout(file="raw_2016__sheet9_excluded.csv", subject="exclusions", headings=(5, 6), gss=0, dfe=1, names=(2,), first_value=3),
    _coded("raw_Post_2016_files__SFR50_OC22017.csv", "offending", shift=1, year=2017),
    _coded("raw_2017__SFR20_2018_Table5_Absence_UD.csv", "absence", shift=1, year=2017),
    _coded("raw_2017__SFR20_2018_Table6_Exclusions_UD.csv", "exclusions", shift=1, year=2016),
    _tidy("raw_2018__2018_CLA_outcomes_absence_final.csv", "absence", year=2018),
    _tidy("raw_2018__2018_CLA_outcomes_2017_exclusions_final.csv", "exclusions", year=2017),
    _tidy("raw_2019__2019_CLA_outcomes_absence_UD.csv", "absence", year=2019),
    _tidy("raw_2019__2019_CLA_outcomes_exclusions_UD.csv", "exclusions", year=2018, first_value=12),
)}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of figures: its heading without the year, the year it is of, and the contract's name for it ('' if it has none)."""

    index: int
    heading: str
    year: int
    measure: str = field(default="")


def looked_after_cells(folder: Path, file: str) -> pd.DataFrame:
    """Every figure of one published file, one row per cell.

    Parameters
    ----------
    folder : Path
        The folder of open data.
    file : str
        A name in `LAYOUTS`.

    Returns
    -------
    DataFrame
        `file`, `row` (line of the file), `level` ('national', 'regional', 'council'), `gss`, `dfe`, `area`, `year` (ending 31 March), `heading`
        (the publisher's, without the year), `measure` ('looked_after', 'looked_after_offending' or ''), `text` as printed, `value` (float; NaN where
        there is no number) and `reason` ('suppressed', 'not available', 'not applicable', 'range' for bands such as 90-99, '' for a number).
    """
    if file not in LAYOUTS:
        raise ContractError(f"A layout must be known for each published file of children looked after: {file!r} has none among {len(LAYOUTS)}. "
                            "Mend the name, or add the layout to evaluation/ingest/published/looked_after.py.")
    layout = LAYOUTS[file]
    rows = _rows(find_file(folder, PART, file))
    columns = _columns(layout, rows)
    cells = []
    for number, row in enumerate(rows[max(layout.headings) + 1:], start=max(layout.headings) + 2):
        area = next((row[index].strip() for index in layout.names if index < len(row) and row[index].strip()), "")
        filled = [column for column in columns if column.index < len(row) and row[column.index].strip()]
        if not area or not filled or row[0].strip() == "NULL":       # blank lines, footnotes, a total repeated below the table
            continue
        place = (file, number, _level(area), _cell(row, layout.gss), _cell(row, layout.dfe), area)
        cells += [(*place, column.year, column.heading, column.measure, row[column.index].strip(),
                   *_read(row[column.index], collected=column.year not in layout.not_collected)) for column in filled]
    return pd.DataFrame(cells, columns=["file", "row", "level", "gss", "dfe", "area", "year", "heading", "measure", "text", "value", "reason"])


def offending_cells(folder: Path) -> pd.DataFrame:
    """The cells of all offending tables that the contract knows: children aged 10 and over, and those convicted or cautioned."""
    files = [layout.file for layout in LAYOUTS.values() if layout.subject == "offending"]
    cells = pd.concat([looked_after_cells(folder, file) for file in files], ignore_index=True)
    return cells[cells["measure"] != ""].reset_index(drop=True)


def read_looked_after(con: duckdb.DuckDBPyConnection, folder: Path, dictionary: Dictionary) -> Delivery:
    """Council rows of the eight offending tables (2010 to 2017, from the raw files) as text rows of `council_year`."""
    cells = offending_cells(folder)
    councils = cells[cells["level"] == "council"]
    con.register("looked_after_cells", councils.assign(number=councils["text"].str.replace(",", "").where(councils["reason"] == "", None)))
    con.execute("""
        create or replace table looked_after_file as
        select gss, dfe, area, cast("year" as varchar) as "year", file as _file, cast("row" as varchar) as _row,
               any_value(number) filter (measure = 'looked_after') as looked_after,
               any_value(number) filter (measure = 'looked_after_offending') as looked_after_offending
        from looked_after_cells group by all""")
    labels = ["gss", "dfe", "area"]
    lookup = match_councils(con, "looked_after_file", labels, dictionary, lookup="looked_after_lookup")
    con.execute(f"""
        create or replace table looked_after_councils as
        select council_code, cast(cast("year" as integer) - 1 as varchar) || '/' || substr("year", 3, 2) as school_year, 'total' as school_type,
               cast(null as varchar) as year_breakdown, looked_after, looked_after_offending, _file, _row
        from looked_after_file as file left join {lookup} as known on {join_on(labels, 'file', 'known')} order by _file, cast(_row as integer)""")
    lines = cells.drop_duplicates(["file", "row"])
    aside = lines[lines["level"] != "council"].groupby("level").size()
    blanks = councils[councils["reason"] != ""].groupby(["measure", "reason"]).size()
    return Delivery(table="council_year", relation="looked_after_councils",
                    files=tuple((find_file(folder, PART, file), int(count)) for file, count in lines.groupby("file", sort=False).size().items()),
                    set_aside=tuple((f"{level} row, not a council", int(count)) for level, count in aside.items()),
                    blanks=tuple(Blank(column=column, reason=reason, count=int(count)) for (column, reason), count in blanks.items()))


def derived_offending(folder: Path) -> pd.DataFrame:
    """The tidied offending file as text: `area`, `gss`, `year`, `looked_after`, `looked_after_offending` (floats; NaN where it has none)."""
    frame = _frame(find_file(folder, PART, DERIVED_OFFENDING))
    return pd.DataFrame({"area": frame["la_name"].str.strip(), "gss": frame["la_code"], "year": frame["year"].astype(int),
                         "looked_after": pd.to_numeric(frame["looked_after_12m_aged_10plus"], errors="coerce"),
                         "looked_after_offending": pd.to_numeric(frame["convicted_or_cautioned"], errors="coerce")})


def derived_differences(folder: Path) -> pd.DataFrame:
    """Cells in which the tidied files say something else than the raw ones, and cells that only one of them has.

    Returns
    -------
    DataFrame
        `derived` (file), `year`, `area`, `heading`, `raw`, `tidied`, `difference` ('value', 'only raw', 'only tidied'); NaN = no number there.
    """
    offending = offending_cells(folder)
    tidied = derived_offending(folder).drop(columns="gss").melt(id_vars=["area", "year"], var_name="heading", value_name="tidied")
    raw = offending.rename(columns={"value": "raw"}).drop(columns="heading").rename(columns={"measure": "heading"})
    first = _differences(DERIVED_OFFENDING, raw, tidied)
    absence = looked_after_cells(folder, "raw_2012__SFR32_2012_TableLA11_Absence_UD.csv")
    frame = _frame(find_file(folder, PART, DERIVED_ABSENCE))
    headings = [heading for heading in absence["heading"].unique() if heading in frame]
    tidied = frame.assign(area=frame["la_name"].str.strip(), year=frame["year"].astype(int)).melt(
        id_vars=["area", "year"], value_vars=headings, var_name="heading", value_name="tidied")
    tidied["tidied"] = pd.to_numeric(tidied["tidied"], errors="coerce")
    raw = absence[absence["heading"].isin(headings)].rename(columns={"value": "raw"})
    return pd.concat([first, _differences(DERIVED_ABSENCE, raw, tidied)], ignore_index=True)


def _differences(file: str, raw: pd.DataFrame, tidied: pd.DataFrame) -> pd.DataFrame:
    """Compare two long tables cell by cell, by area name, year and heading."""
    keys = ["area", "year", "heading"]
    both = raw[[*keys, "raw"]].merge(tidied, on=keys, how="outer", indicator=True)
    kind = both["_merge"].astype(str).map({"left_only": "only raw", "right_only": "only tidied", "both": "value"})
    same = (both["raw"] == both["tidied"]) | (both["raw"].isna() & both["tidied"].isna())
    return both.assign(derived=file, difference=kind)[~same][["derived", "year", "area", "heading", "raw", "tidied", "difference"]]


def _rows(path: Path) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))
    except UnicodeDecodeError as problem:
        raise ContractError(f"{path.name} must be UTF-8 text: byte {problem.start} is not. "
                            "Mend it: download the file again from its publisher.") from None


def _frame(path: Path) -> pd.DataFrame:
    rows = _rows(path)
    return pd.DataFrame(rows[1:], columns=rows[0])


def _columns(layout: Layout, rows: Sequence[Sequence[str]]) -> list[_Column]:
    """The columns of figures with heading and year."""
    if len(rows) <= max(layout.headings) + 1:
        raise ContractError(f"{layout.file} must hold headings on line {max(layout.headings) + 1} and figures below: it has {len(rows)} lines. "
                            "Mend it: download the file again from its publisher.")
    width = max(len(row) for row in rows)
    parts = [[""] * width for _ in layout.headings]
    for level, index in enumerate(layout.headings):
        printed = {column: text.strip() for column, text in enumerate(rows[index]) if text.strip()}
        printed.update({column: text for row, column, text in layout.moved if row == index})
        stretch, current = level < len(layout.headings) - 1, ""
        for column in range(width):
            current = printed.get(column, current if stretch else "")
            parts[level][column] = current
    columns = [_column(layout, index, " ".join(filter(None, (row[index] for row in parts)))) for index in range(layout.first_value, width)]
    found = [column for column in columns if column is not None]
    if not found or (layout.subject == "offending" and not {"looked_after", "looked_after_offending"} <= {column.measure for column in found}):
        raise ContractError(f"{layout.file} must have the headings of its published layout down to line {max(layout.headings) + 1} "
                            "(in an offending table: children aged 10 and over, and those convicted or cautioned): they are not there. "
                            "Mend the file, or its layout in evaluation/ingest/published/looked_after.py.")
    return found


def _column(layout: Layout, index: int, printed: str) -> _Column | None:
    """A column of figures, or None where no heading stands above it."""
    years = re.findall(r"20[01]\d", printed)
    year = layout.year or (int(years[0]) if years else None)
    if not printed or year is None:
        return None
    heading = re.sub(r"\s+", " ", printed if layout.year else re.sub(rf"[_ ]*{year}[_ ]*", " ", printed, count=1)).strip()
    return _Column(index, heading, year, _measure(heading.lower()) if layout.subject == "offending" else "")


def _measure(heading: str) -> str:
    """The contract's name of an offending table's column, '' for the many other columns."""
    if ONE_SEX.search(heading) or "percentage" in heading:
        return ""
    if CONVICTED.search(heading):
        return "looked_after_offending"
    return "looked_after" if AGED_10_PLUS.search(heading) else ""


def _level(area: str) -> str:
    name = area.strip().lower()
    return "national" if name == NATION else "regional" if name in REGIONS else "council"


def _cell(row: Sequence[str], index: int | None) -> str:
    return row[index].strip() if index is not None and index < len(row) else ""


def _read(text: str, *, collected: bool) -> tuple[float, str]:
    """A figure and, where there is none, the reason."""
    plain = text.strip().replace(",", "")
    if not collected:
        return float("nan"), "not available"
    if plain in MARKS:
        return float("nan"), MARKS[plain]
    try:
        return float(plain), ""
    except ValueError:
        return float("nan"), "range" if re.fullmatch(r"[<>]?\d+(-\d+)?", plain) else "not a number"
