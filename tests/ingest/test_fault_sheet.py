"""The sheet of faults has the values that no message has: which row, what stood there, why, and what to do; nothing in it is a formula."""
from __future__ import annotations

import openpyxl

from evaluation.ingest import fault_sheet
from evaluation.ingest.fault_sheet import escaped, write_fault_sheet
from evaluation.ingest.reading import inspect_extracts
from tests.faults.case import corpus_dictionary
from tests.faults.writing import SPELLS, raw, text_of


def sheet_of(folder, **files: bytes) -> dict[str, list[tuple]]:
    for name, content in files.items():
        raw(f"{name}.csv", content)(folder)
    dictionary = corpus_dictionary()
    found = inspect_extracts(folder, dictionary, room=folder / "room")
    book = openpyxl.load_workbook(write_fault_sheet(found.tables, folder / "room", found.faults, dictionary))
    return {sheet.title: [row for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}


def test_every_row_set_aside_is_listed_with_its_value(tmp_path):
    rows = sheet_of(tmp_path, events=b"event_id,DATE\nE1,2012-02-31\nE2,42097\nE3,2012-01-31\n")["Faults"]
    assert [row[:5] for row in rows] == [("events.csv", 2, "date", "2012-02-31", "no_such_date"),
                                         ("events.csv", 3, "date", "42097 (would be 2015-04-03)", "excel_serial")]
    assert all("calendar" in row[5] or "serial" in row[5] for row in rows) and all(row[6] for row in rows)


def test_a_broken_rule_shows_every_column_that_it_names(tmp_path):
    rows = sheet_of(tmp_path, spells=text_of(SPELLS, [("P1", "jsa", "2012-05-01", "2012-04-01")]).encode())["Faults"]
    assert rows[0][2:5] == ("in_order", "end_date: 2012-04-01; start_date: 2012-05-01", "rule_broken")


def test_a_ragged_row_shows_its_line_and_a_refused_table_is_listed(tmp_path):
    rows = sheet_of(tmp_path, events=b"event_id,date\nE1,2012-01-31,x,y\nE2,8.0\n", pupils=b"pupil_id,upn\nS1,8.01E+12\n")["Faults"]
    assert ("events.csv", 2, None, "E1,2012-01-31,x,y", "ragged_row") in [row[:5] for row in rows]
    assert ("pupils.csv", 2, "upn", "8.01E+12", "digits_lost") in [row[:5] for row in rows]


def test_values_missing_for_a_reason_are_listed(tmp_path):
    rows = sheet_of(tmp_path, figures=b"line_id,sessions\nL1,c\nL2,z\nL3,120\n")["Missing for a reason"]
    assert rows == [("figures", "figures.csv", 2, "sessions", "suppressed"), ("figures", "figures.csv", 3, "sessions", "not_applicable")]


def test_no_cell_is_a_formula_and_none_breaks_the_sheet():
    assert [escaped(text) for text in ("=1+1", "+1", "-1", "@x", "\tx", "a=b", "a\x00b")] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "a=b", "a\ufffdb"]


def test_a_sheet_that_would_be_too_long_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(fault_sheet, "MOST", 2)
    rows = sheet_of(tmp_path, events=b"event_id,date\n" + b"".join(b"E%d,soon\n" % n for n in range(5)))["Faults"]
    assert len(rows) == 3 and rows[-1][0].startswith("More than 2 rows")
