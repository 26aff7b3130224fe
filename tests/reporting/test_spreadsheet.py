"""The spreadsheet holds what the report holds, read by a reader that is not its writer."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from evaluation.disclosure.release import Shown, TableContent
from evaluation.reporting.blocks import Figure, Table, numbering
from evaluation.reporting.spreadsheet import FORMATS
from evaluation.reporting.words import SYMBOLS
from evaluation.reporting.workbook import SIMULATED, cell, columns_of, workbook
from tests.reporting.sample import SAMPLES, blocks_from


def read(made: bytes) -> dict[str, pd.DataFrame]:
    return pd.read_excel(io.BytesIO(made), sheet_name=None, header=None, engine="calamine")


def shown_in(thing: object) -> list[Shown]:
    """Every protected number of a release."""
    if isinstance(thing, Shown):
        return [thing]
    if isinstance(thing, tuple):
        return [one for part in thing for one in shown_in(part)]
    return [one for name in getattr(type(thing), "model_fields", ()) for one in shown_in(getattr(thing, name))]


@pytest.fixture(scope="session", params=sorted(FORMATS))
def made(request, content, blocks) -> bytes:
    return FORMATS[request.param](workbook(content, blocks))


@pytest.fixture(scope="session")
def sheets(made) -> dict[str, pd.DataFrame]:
    return read(made)


def header_row(sheet: pd.DataFrame) -> int:
    return int(sheet.index[sheet[0] == "This worksheet contains one table."][0]) + 1


def test_cover_contents_and_notes_come_first_and_every_table_and_chart_has_its_sheet(sheets, blocks):
    numbers = numbering(blocks)
    wanted = [numbers[block.id].replace(" ", "_") for block in blocks if isinstance(block, Table | Figure)]
    assert list(sheets) == ["Cover", "Contents", "Notes", *wanted]
    listed = sheets["Contents"]
    assert listed[0].tolist()[header_row(listed) + 1 :] == ["Notes", *wanted]


def test_a_sheet_holds_every_row_of_its_table_under_unique_headers_and_without_blank_cells(sheets, blocks):
    numbers = numbering(blocks)
    for block in blocks:
        if isinstance(block, Table | Figure):
            table = block.data if isinstance(block, Figure) else block
            sheet = sheets[numbers[block.id].replace(" ", "_")]
            at = header_row(sheet)
            assert sheet.iloc[at:].notna().all().all()
            assert sheet.iloc[at].is_unique and len(sheet.columns) >= len(table.columns)
            assert [str(name).lstrip("'") for name in sheet[0].tolist()[at + 1 :]] == [row[0].replace("\u00a0", " ") for row in table.rows]
            assert sheet.iloc[0, 0] == f"{numbers[block.id]}: {block.title}" and sheet.iloc[: at, 0].notna().all()


def test_every_number_of_the_release_stands_in_a_cell_as_that_number(sheets, content):
    numbers = {float(value) for sheet in sheets.values() for value in sheet.to_numpy().ravel() if isinstance(value, int | float)}
    wanted = [
        one.value
        for part in (content.outcomes, content.flow, content.balance, content.event_studies, content.trends, content.placebos)
        for one in shown_in(part)
        if one.value is not None
    ]
    assert len(wanted) > 40 or content.council.code == "E06000098"  # of whom nothing can be shown
    assert [value for value in wanted if value not in numbers] == []


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_where_a_number_is_hidden_its_symbol_stands_and_is_explained(ending):
    content = SAMPLES["held"]()
    sheets = read(FORMATS[ending](workbook(content, blocks_from(content))))
    used = {str(value) for sheet in sheets.values() for value in sheet.to_numpy().ravel()} & {symbol for symbol, _ in SYMBOLS}
    notes = sheets["Notes"].set_index(0)[1].to_dict()
    assert "[c]" in used and all(notes[f"Symbol {symbol}"] for symbol in used)


def test_simulated_data_say_so_on_every_sheet_and_real_data_on_none(sheets, content):
    told = [SIMULATED in sheet[0].tolist() for sheet in sheets.values()]
    assert told == [content.study.simulated] * len(sheets)


def test_the_bytes_depend_neither_on_the_process_nor_on_what_was_written_before(tmp_path):
    content = SAMPLES["council"]()
    content.write(tmp_path / "content.json")
    code = (
        "import hashlib, time\n"
        "from tests.reporting.sample import blocks_from\nfrom evaluation.disclosure.release import ReportContent\n"
        "from evaluation.reporting.spreadsheet import FORMATS\nfrom evaluation.reporting.workbook import workbook\n"
        "time.time = lambda: 1e9\ntime.localtime = lambda *_: time.gmtime(1e9)\n"
        f"content = ReportContent.read({str(tmp_path / 'content.json')!r})\n"
        "print([hashlib.sha256(write(workbook(content, blocks_from(content)))).hexdigest() for _ in range(2) for write in FORMATS.values()])"
    )
    root = str(Path(__file__).parents[2])
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": root})
    here = [hashlib.sha256(write(workbook(content, blocks_from(content)))).hexdigest() for _ in range(2) for write in FORMATS.values()]
    assert told.stdout.strip() == str(here), told.stderr


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_the_file_holds_no_time_of_writing_and_no_merged_cell(ending):
    content = SAMPLES["family"]()
    with zipfile.ZipFile(io.BytesIO(FORMATS[ending](workbook(content, blocks_from(content))))) as packed:
        assert {member.date_time for member in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        text = "".join(packed.read(name).decode() for name in packed.namelist())
    assert not re.search(r"dcterms:(created|modified)|creation-date|<dc:date>|mergeCell|columns-spanned", text)


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_a_text_that_begins_like_a_formula_stays_a_text(ending):
    evil = ("=HYPERLINK(\"https://example.org\";A1)", "+1+1", "-2+3", "@SUM(A1)", "=1")
    table = TableContent(id="evil", title="=Title", columns=("=Name", "@What"), rows=tuple((text, text) for text in evil), notes=("-note",))
    content = SAMPLES["council"]().model_copy(update={"tables": (table,)})
    book = workbook(content, blocks_from(content))
    made = FORMATS[ending](book)
    sheet = read(made)[next(sheet.name for sheet in book.sheets if sheet.header[:1] == ("'=Name",))]
    at = header_row(sheet)
    assert sheet.iloc[at].tolist() == ["'=Name", "'@What"]
    assert sheet[0].tolist()[at + 1 :] == sheet[1].tolist()[at + 1 :] == [f"'{text}" for text in evil]
    with zipfile.ZipFile(io.BytesIO(made)) as packed:
        text = "".join(packed.read(name).decode() for name in packed.namelist())
    assert not re.search(r"<f>|table:formula|HYPERLINK\(&quot;[^']*externalLink", text)


def test_openpyxl_finds_every_table_marked_and_numbers_with_their_decimals():
    from openpyxl import load_workbook

    content = SAMPLES["council"]()
    made = load_workbook(io.BytesIO(FORMATS[".xlsx"](workbook(content, blocks_from(content)))))
    assert all(len(page.tables) == (page.title != "Cover") for page in made)
    page = made["Table_1"]
    effect = next(row for row in page.iter_rows() if row[0].value == "Unauthorised absence")[3]
    assert (effect.value, effect.number_format, effect.font.name, effect.font.size) == (-0.18, "0.00", "Arial", 12)
    assert made["Contents"]["A4"].hyperlink.location == "'Notes'!A1" or made["Contents"]["A5"].hyperlink.location == "'Table_1'!A1"


@pytest.mark.parametrize(
    "text, value, digits, format_parts",
    [
        ("\u22120.30", -0.3, 2, (False, "", "")),
        ("+1,234", 1234.0, 0, (True, "", "")),
        ("45%", 45.0, 0, (False, "", "%")),
        ("\u2212\u00a31,200.50", -1200.5, 2, (True, "\u00a3", "")),
        ("0", 0.0, 0, (False, "", "")),
    ],
)
def test_a_printed_number_becomes_a_number_with_its_decimals(text, value, digits, format_parts):
    made = cell(text)
    assert (made.value, made.digits, (made.grouped, made.before, made.after)) == (value, digits, format_parts)


@pytest.mark.parametrize("text", ["[c]", "2011/12", "1 before", "\u22121.0 to 0.4", "12 or more", "1,2,x", "E06000022"])
def test_what_is_no_number_stays_a_text(text):
    assert cell(text).value is None and cell(text).text == text


def test_an_interval_becomes_three_numbers_and_its_symbol_stands_three_times():
    made = dict(columns_of("Effect (95% interval)", ["\u22120.3\u00a0(\u22121.0\u00a0to\u00a00.4)", "[c]", "1.2"]))
    assert [[one.value if one.value is not None else one.text for one in column] for column in made.values()] == [
        [-0.3, "[c]", 1.2],
        [-1.0, "[c]", "[z]"],
        [0.4, "[c]", "[z]"],
    ]


def test_a_column_of_words_among_which_one_looks_like_a_range_is_not_taken_apart():
    assert [name for name, _ in columns_of("When", ["1 to 2", "later"])] == ["When"]
