"""Deliveries read as text: every form of file, every way to be wrong, and always the same account of rows."""
from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation.dictionary import load_dictionary
from evaluation.errors import ContractError, EvaluationError
from evaluation.ingest.csv_files import Recoded
from evaluation.ingest.reading import receive_extracts

CANARY = "QZX9CANARY"
FAMILIES = ("family_id,council_code,first_eligible_date,entry_date,exit_date,exit_reason,referral_reason,criterion_crime_asb_date,"
            "criterion_education_date,criterion_work_date,key_worker_caseload\n")
PEOPLE = "person_id,family_id,member_from,member_to,birth_month,sex,role,sen,free_school_meals,ethnicity_group\n"
SPELLS = "person_id,start_date,end_date\n"


def families(n: int = 40) -> str:
    return FAMILIES + "".join(f"F{i:02d},E06000022,2011-04-01,,,,education,,,,\n" for i in range(n))


def people(n: int = 40) -> str:
    return PEOPLE + "".join(f"P{i:02d},F{i:02d},2011-04-01,,1980-05,F,adult,,,white\n" for i in range(n))


def spells(n: int = 40) -> str:
    return SPELLS + "".join(f"P{i:02d},2012-01-01,\n" for i in range(n))


@pytest.fixture
def delivery(tmp_path) -> Path:
    """Forty families of one adult, each with one spell in employment."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name, text in (("families", families()), ("people", people()), ("employment_spells", spells())):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def receive(dictionary, tmp_path):
    return lambda folder, **options: receive_extracts(folder, dictionary, room=tmp_path / "room", **options)


@pytest.fixture
def refused(receive):
    """refused(folder) -> the error's message, after making sure that it is one that says how to mend."""
    def run(folder, **options) -> str:
        with pytest.raises(ContractError) as error:
            receive(folder, **options)
        assert error.value.faults or "Mend" in str(error.value)
        return str(error.value)
    return run


UNUSUAL = ("family_of_one", "family_without_child", "missing_optional")      # as the forty families are, by design


def reasons(tables) -> set[tuple]:
    """Every fault but what was understood in another form, and what the made-up families are warned of."""
    return {(fault.table, fault.reason, fault.column, fault.count, fault.first_rows) for table in tables.values() for fault in table.faults
            if fault.severity != "normalise" and fault.reason not in UNUSUAL}


def test_a_delivery_is_read_and_accounted_for(delivery, receive):
    tables = receive(delivery)
    assert [(name, table.rows_in, table.rows_kept) for name, table in tables.items()] == [
        ("employment_spells", 40, 40), ("families", 40, 40), ("people", 40, 40)]
    assert reasons(tables) == set()
    source = tables["people"].sources[0]
    assert (source.label, source.bytes, source.rows) == ("people.csv", (delivery / "people.csv").stat().st_size, 40)


def test_csv_parquet_and_workbook_give_the_same_content(delivery, receive, dictionary):
    first = receive(delivery)
    for name in ("families", "people", "employment_spells"):
        path = delivery / f"{name}.csv"
        if name == "people":
            book = openpyxl.Workbook()
            for line in path.read_text().splitlines():
                book.active.append([cell or None for cell in line.split(",")])
            book.save(delivery / "people.xlsx")
        else:     # typed by DuckDB's own reader, so that dates and numbers arrive as such
            duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '{delivery / name}.parquet'")
        path.unlink()
    second = receive(delivery)
    assert {name: table.content_hash for name, table in first.items()} == {name: table.content_hash for name, table in second.items()}


def test_a_workbook_with_real_dates_is_understood(delivery, receive):
    import datetime as dt

    (delivery / "employment_spells.csv").unlink()
    book = openpyxl.Workbook()
    book.active.append(["person_id", "start_date", "end_date"])
    book.active.append(["P01", dt.date(2012, 1, 1), None])
    book.active.append(["P02", dt.datetime(2012, 1, 1), "2012-05-01"])
    book.save(delivery / "employment_spells.xlsx")
    assert receive(delivery)["employment_spells"].rows_kept == 2


def test_row_numbers_are_those_of_the_file(delivery, receive):
    lines = spells().splitlines(keepends=True)
    lines[10] = "P09,2012-02-31,\n"                      # row 11 as a spreadsheet counts
    lines[20] = "\n"                                      # a blank row
    lines[30] = "P29\n"                                   # a row cut off
    lines[32] = "P31,2012-01-01,,,\n"                     # a row too long
    lines[39] = "P38,soon,\n"
    (delivery / "employment_spells.csv").write_text("".join(lines))
    with pytest.raises(ContractError):
        receive(delivery)                                 # 4 of 39 are more than 5%
    (delivery / "employment_spells.csv").write_text("".join(lines) + "".join(f"P{i:02d},2013-01-01,\n" for i in range(40)) + "".join(
        f"P{i:02d},2014-01-01,\n" for i in range(10)))
    table = receive(delivery)["employment_spells"]
    assert reasons({"": table}) == {("employment_spells", "no_such_date", "start_date", 1, (11,)),
                                    ("employment_spells", "wrong_type", "start_date", 1, (40,)),
                                    ("employment_spells", "ragged_row", "", 2, (31, 33)), ("employment_spells", "blank_rows", "", 1, (21,))}
    assert (table.rows_in, table.rows_kept, table.rows_quarantined, table.rows_dropped) == (90, 85, 4, 1)
    lines = duckdb.execute("SELECT _row, _line FROM read_parquet(?) WHERE _line IS NOT NULL ORDER BY 1", [str(table.quarantine)]).fetchall()
    assert lines == [(31, "P29"), (33, "P31,2012-01-01,,,")]


def test_a_line_break_inside_quotes_is_one_row(delivery, receive):
    (delivery / "other_support.csv").write_text('family_id,service,start_date,end_date\nF01,"Parenting,\nevenings",2012-01-01,\nF02,x,bad,\n'
                                                + "".join(f"F{i:02d},y,2012-01-01,\n" for i in range(38)))
    table = receive(delivery)["other_support"]
    assert reasons({"": table}) == {("other_support", "wrong_type", "start_date", 1, (3,))}
    assert "Parenting,\nevenings" in set(table.frame()["service"])


def test_a_quarantined_family_takes_its_people_and_their_spells_with_it(delivery, receive):
    (delivery / "families.csv").write_text(families().replace("F07,E06000022", "F07,Atlantis"))
    tables = receive(delivery)
    assert reasons(tables) == {("families", "unknown_council", "council_code", 1, (9,)), ("people", "orphan_key", "family_id", 1, (9,)),
                               ("employment_spells", "orphan_key", "person_id", 1, (9,))}


# ---- encodings and line ends

@pytest.mark.parametrize("encoding, warned", [("utf-8", False), ("utf-8-sig", False), ("utf-16", True), ("cp1252", True)])
def test_encodings_are_understood_and_said(delivery, receive, encoding, warned):
    text = "family_id,service,start_date,end_date\n" + "".join(f"F{i:02d},Siân’s group,2012-01-01,\n" for i in range(9))
    (delivery / "other_support.csv").write_bytes(text.encode(encoding))
    table = receive(delivery)["other_support"]
    assert set(table.frame()["service"]) == {"Siân’s group"}
    assert [fault.reason for fault in table.faults if fault.reason != "open_spell"] == (["encoding"] if warned else [])


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_ends_do_not_matter(delivery, receive, newline):
    (delivery / "employment_spells.csv").write_bytes(spells().replace("\n", newline).encode())
    assert receive(delivery)["employment_spells"].rows_kept == 40


def test_mixed_encodings_are_refused_with_the_byte(delivery, refused):
    rows = "family_id,service,start_date,end_date\nF01,Siân,2012-01-01,\n".encode() + b"F02,Si\xe2n,2012-01-01,\n"
    (delivery / "other_support.csv").write_bytes(rows)
    message = refused(delivery)
    assert "[encoding] other_support" in message and "from byte 66 on" in message     # 38 bytes of heading, 22 of the first row, 6 of 'F02,Si'


def test_utf16_without_its_mark_is_refused_with_a_guess(delivery, refused):
    (delivery / "employment_spells.csv").write_bytes(spells().encode("utf-16-le"))
    assert "looks like UTF-16 without its mark" in refused(delivery)


def test_a_last_row_without_line_break_is_a_warning(delivery, receive):
    (delivery / "employment_spells.csv").write_text(spells().rstrip("\n"))
    table = receive(delivery)["employment_spells"]
    assert [fault.reason for fault in table.faults if fault.severity == "warn"] == ["no_final_newline"] and table.rows_kept == 40


# ---- what is refused

@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_refused_by_name(delivery, refused, delimiter):
    (delivery / "people.csv").write_text(people().replace(",", delimiter))
    message = refused(delivery)
    assert "[wrong_delimiter] people" in message and f"looks like {delimiter!r}" in message


def test_a_missing_file_is_named_with_a_file_that_looks_like_it(delivery, refused):
    (delivery / "families.csv").rename(delivery / "famlies.csv")
    message = refused(delivery)
    assert "[missing_file] families" in message and "did you mean 'famlies'?" in message


def test_tables_asked_for_must_be_there(delivery, refused):
    message = refused(delivery, tables=["attendance", "offences"])
    assert "[missing_file] attendance" in message and "[missing_file] offences" in message


def test_only_tables_asked_for_and_their_parents_are_read(delivery, receive):
    assert set(receive(delivery, tables=["people"])) == {"people", "families"}


def test_a_folder_without_tables_and_no_folder_are_refused(tmp_path, refused):
    (tmp_path / "empty").mkdir()
    assert "[missing_file]" in refused(tmp_path / "empty")
    assert "'nowhere' is none" in refused(tmp_path / "nowhere")


def test_an_unknown_file_is_a_warning(delivery, receive):
    (delivery / "offenses.csv").write_text("a,b\n1,2\n")
    faults = [fault for table in receive(delivery).values() for fault in table.faults if fault.severity == "warn" and fault.reason not in UNUSUAL]
    assert [(fault.reason, fault.severity) for fault in faults] == [("unknown_file", "warn")] and "'offences'" in faults[0].text()


@pytest.mark.parametrize("content, reason", [
    (b"", "empty_file"), (SPELLS.encode(), "empty_file"), (b"person_id,start,end_date\nP01,2012-01-01,\n", "missing_column"),
    (b"P01,2012-01-01,\nP02,2012-01-01,\n", "missing_column"),
    (b"person_id,person_id,start_date,end_date\nP01,P01,2012-01-01,\n", "duplicate_column"),
    (SPELLS.encode() + b'"P01,2012-01-01,\nP02,2012-01-01,\n', "open_quote"), (b"\n\n", "missing_column")])
def test_a_file_that_is_no_such_table_is_refused(delivery, refused, content, reason):
    (delivery / "employment_spells.csv").write_bytes(content)
    assert f"[{reason}] employment_spells" in refused(delivery)


def test_an_open_quote_is_refused_with_its_line(delivery, refused):
    (delivery / "employment_spells.csv").write_text(spells().replace("P04,", '"P04,'))
    assert "look at line 6" in refused(delivery)


@pytest.mark.parametrize("suffix", ["parquet", "xlsx"])
def test_a_damaged_file_is_refused(delivery, refused, suffix):
    (delivery / "people.csv").unlink()
    (delivery / f"people.{suffix}").write_bytes(b"PAR1 not at all")
    assert "[unreadable_file] people" in refused(delivery)


def test_two_files_for_a_table_are_refused(delivery, refused):
    (delivery / "people.parquet").write_bytes(b"")
    assert "[two_files] people" in refused(delivery) and "people.csv, people.parquet" in refused(delivery)


def test_a_workbook_of_several_sheets_needs_one_named_after_the_table(delivery, receive, refused):
    (delivery / "employment_spells.csv").unlink()
    book = openpyxl.Workbook()
    book.active.append(["person_id", "start_date", "end_date"])
    book.active.append(["P01", "2012-01-01", None])
    book.create_sheet("Notes").append(["made by hand"])
    book.save(delivery / "employment_spells.xlsx")
    assert "it has 2" in refused(delivery)
    book.active.title = "employment_spells"
    book.save(delivery / "employment_spells.xlsx")
    assert receive(delivery)["employment_spells"].rows_kept == 1


def test_merged_cells_are_refused(delivery, refused):
    (delivery / "employment_spells.csv").unlink()
    book = openpyxl.Workbook()
    book.active.append(["person_id", "start_date", "end_date"])
    book.active.append(["P01", "2012-01-01", None])
    book.active.merge_cells("A2:A3")
    book.save(delivery / "employment_spells.xlsx")
    assert "cells must not be merged" in refused(delivery)


def test_faults_of_all_files_are_in_one_error(delivery, refused):
    (delivery / "families.csv").write_text(families().replace("entry_date", "entry_day", 1))
    (delivery / "people.csv").write_text("")
    (delivery / "employment_spells.csv").write_text(spells().replace("2012-01-01", "soon"))
    message = refused(delivery)
    for part in ("[missing_column] families.entry_date", "[empty_file] people", "[wrong_type] employment_spells.start_date", "[too_many_faults]"):
        assert part in message


def test_an_error_leaves_no_table_of_the_refused_file(delivery, tmp_path, refused):
    (delivery / "employment_spells.csv").write_text(spells().replace("2012-01-01", "soon"))
    refused(delivery)
    assert not (tmp_path / "room" / "tables" / "employment_spells.parquet").exists()


# ---- whatever happens to a file

def mangle(text: str, cuts: list[tuple[int, int, str]]) -> str:
    """Replace pieces of a text, each given by where it starts (per mille), its length and what stands there instead."""
    for start, length, new in cuts:
        place = start * len(text) // 1000
        text = text[:place] + new + text[place + length:]
    return text


PIECES = st.sampled_from(["", ",", ",,", '"', '""', "\n", "\r\n", ";", "\t", " ", "\0", "\ufeff", "é", "P01,2012-01-01,\n", "\n\n", "2012-02-30",
                          "NULL", "=1+1", "1e9", CANARY, f",{CANARY},", f"\n{CANARY}\n", "\x1a", "'", "\u200b", "-", "{{x}}"])
CUTS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 40), PIECES), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cuts=CUTS, encoding=st.sampled_from(["utf-8", "utf-8", "cp1252", "utf-16", "latin-1"]))
def test_any_spoilt_file_is_accounted_for_or_refused_without_showing_a_value(cuts, encoding):
    dictionary = load_dictionary()
    dictionary = dictionary.model_copy(update={"tables": {"employment_spells": dictionary.tables["employment_spells"].model_copy(
        update={"max_quarantine_share": 0.5})}})
    content = mangle(spells(30), cuts).encode(encoding, errors="replace")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "employment_spells.csv").write_bytes(content)
        try:
            tables = receive_extracts(Path(folder), dictionary, room=Path(folder) / "room")
        except EvaluationError as error:
            assert "CANARY" not in str(error) + repr(getattr(error, "faults", ()))
            return
        table = tables["employment_spells"]
        assert table.rows_in == table.rows_kept + table.rows_quarantined + table.rows_dropped == table.sources[0].rows
        assert "CANARY" not in repr(table.faults)
        assert len(table.frame()) == table.rows_kept
        aside = 0 if table.quarantine is None else duckdb.execute("SELECT count(*) FROM read_parquet(?)", [str(table.quarantine)]).fetchone()[0]
        assert aside == table.rows_quarantined
        marked = [fault for fault in table.faults if fault.severity == "quarantine"]
        assert bool(marked) == bool(aside) and all(1 <= fault.count <= aside and len(fault.first_rows) == min(fault.count, 5) for fault in marked)


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(list(range(30))))
def test_the_order_of_rows_does_not_change_what_is_kept(order):
    dictionary = load_dictionary()
    dictionary = dictionary.model_copy(update={"tables": {"employment_spells": dictionary.tables["employment_spells"]}})
    lines = spells(30).splitlines(keepends=True)
    hashes = set()
    for rows in (lines[1:], [lines[1 + place] for place in order]):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "employment_spells.csv").write_text(lines[0] + "".join(rows))
            hashes.add(receive_extracts(Path(folder), dictionary, room=Path(folder) / "room")["employment_spells"].content_hash)
    assert len(hashes) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
def test_a_file_in_another_encoding_is_recoded_a_piece_at_a_time(tmp_path, encoding, chunk):
    path, text = tmp_path / "t.csv", "name,n\nSi\u00e2n\0,1\n\u00a3,2\n"
    path.write_bytes(text.encode(encoding))
    with Recoded(path, encoding, chunk=chunk) as file:
        assert file.read() == text.replace("\0", "").encode()
