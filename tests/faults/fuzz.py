"""Spoil files at random and receive them: no crash, no row lost, no value said. `python -m tests.faults.fuzz --minutes 10`.

Each example is a small table in one of several forms (CSV in an encoding, workbook, Parquet) into which pieces are pasted, bytes flipped, columns
and rows cut or repeated. Hypothesis chooses; the first example that fails is printed as small as it can be made, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import sys
import tempfile
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from openpyxl.utils.exceptions import IllegalCharacterError

from evaluation.dictionary import Dictionary
from evaluation.errors import EvaluationError
from evaluation.ingest.reading import receive_extracts
from tests.faults.case import corpus_dictionary, unbalanced

CANARY = "QZXCANARY"
TABLES = {
    "events": ["event_id,person_id,date,note", "QZXE{i},QZXP{i},2012-01-{d:02d},words"],
    "spells": ["person_id,kind,start_date,end_date", "QZXP{i},jsa,2012-01-{d:02d},2012-02-{d:02d}"],
    "pupils": ["pupil_id,upn,nino,nhs_number,postcode,urn,lsoa", "QZXS{i},H801200001001,AB123456C,9434765919,BA1 1AA,100{d:03d},E01000001"],
    "persons": [
        "person_id,family_id,first_name,surname,birth_date,sex,postcode,member_from,member_to",
        "QZXP{i},QZXF{i},Ann,QZX,2001-05-{d:02d},F,AB1 2CD,2011-01-01,",
    ],
    "figures": ["line_id,council_code,school_year,sessions,rate,money,employed", "QZXL{i},E06000022,2014/15,120,12.5,3.50,Y"],
}
MARKS = ("", ",", ",,,", '"', '""', "\n", "\r", "\r\n", ";", "\t", " ", "\0", "\ufeff", "\u00e9", "\u200b", "\u00a0", "\U0001f600", "\x1a", "\x85",
         "\u2028", "\u3000")
DAYS = ("2012-02-30", "30/02/2012", "12/25/2012", "42097", "01/02/15", "9999-12-31", "0001-01-01", "2012-01-01T23:00:00Z", "2015")
CODES = ("NULL", "N/A", "*", "c", "[c]", "..", "-", "E06000058", "E06000060", "800", "W06000015", "true", "00000000", "AAAAAAA", "SEP-12",
         "Total,,", "Source: x")
NUMBERS = ("1e9", "1e400", "-1e400", "nan", "inf", "9" * 40, "8.01E+12", "1,234", "\u00a35", "5%", "(3)", "-1", "#REF!")
HOSTILE = ("=1+1", "@SUM(1)", "'", "\\", "{{x}}", "<b>", "%s", "../..", "x" * 3_000, CANARY, f",{CANARY},", f"\n{CANARY},{CANARY}\n")
PIECES = (*MARKS, *DAYS, *CODES, *NUMBERS, *HOSTILE)
CUTS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 40), st.sampled_from(PIECES)), max_size=6)
FLIPS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), max_size=4)
PLAIN = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.text(max_size=8))
CELLS = st.one_of(st.sampled_from(PIECES), PLAIN)
NAMES = st.sampled_from(sorted(TABLES))
ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "latin-1"])
PLACED = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8), CELLS), max_size=6)
EXAMPLES = st.one_of(
    st.tuples(st.just("csv"), NAMES, CUTS, FLIPS, ENCODINGS),
    st.tuples(st.just("xlsx"), NAMES, PLACED, FLIPS, st.booleans()),
    st.tuples(st.just("parquet"), NAMES, st.lists(CELLS, min_size=3, max_size=12), FLIPS, st.booleans()),
)


def rows_of(name: str, count: int = 12) -> list[str]:
    """The heading and good rows of a table."""
    heading, row = TABLES[name]
    return [heading, *(row.format(i=number, d=number + 1) for number in range(count))]


def spoilt_csv(name: str, cuts: list, flips: list, encoding: str) -> bytes:
    """A CSV with pieces pasted in and bytes flipped."""
    text = "\n".join(rows_of(name)) + "\n"
    for start, length, piece in cuts:
        place = start * len(text) // 1000
        text = text[:place] + piece + text[place + length :]
    return flipped(text.encode(encoding, errors="replace"), flips)


def flipped(content: bytes, flips: list) -> bytes:
    """Bytes with some of them set anew."""
    made = bytearray(content)
    for start, value in flips if made else ():
        made[start * (len(made) - 1) // 1000] = value
    return bytes(made)


def spoilt_workbook(name: str, changes: list, flips: list, damage: bool) -> bytes:
    """A workbook with cells of any type in any place, and perhaps damaged bytes."""
    book = openpyxl.Workbook()
    for row in rows_of(name):
        book.active.append(row.split(","))
    for row, column, value in changes:
        cell = book.active.cell(row + 1, column + 1)
        try:
            cell.value = value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
        except (ValueError, TypeError, IllegalCharacterError):  # what no workbook can hold
            cell.value = CANARY
    out = io.BytesIO()
    try:
        book.save(out)
    except (ValueError, TypeError, OverflowError):
        return b""
    return flipped(out.getvalue(), flips) if damage else out.getvalue()


def spoilt_parquet(name: str, cells: list, flips: list, damage: bool) -> bytes:
    """A Parquet file whose first column has any type, and perhaps damaged bytes."""
    heading, *rows = (row.split(",") for row in rows_of(name, len(cells)))
    columns = {column: [row[number] for row in rows] for number, column in enumerate(heading)}
    kind = next((type(cell) for cell in cells if cell is not None), str)
    columns[heading[-1]] = [cell if type(cell) is kind else None for cell in cells]
    out = io.BytesIO()
    try:
        pa.parquet.write_table(pa.table(columns), out)
    except (pa.ArrowException, OverflowError, ValueError):
        return b""
    return flipped(out.getvalue(), flips) if damage else out.getvalue()


@lru_cache
def dictionaries() -> dict[str, Dictionary]:
    """For every table, the corpus's dictionary with that table alone."""
    known = corpus_dictionary()
    return {name: known.model_copy(update={"tables": {name: known.tables[name]}}) for name in TABLES}


def receive(example: tuple) -> str:
    """Receive one spoilt file: 'refused' or 'received'; raises where anything but a refusal comes of it, a row is lost or a value said."""
    kind, name, change, flips, how = example
    content = {"csv": spoilt_csv, "xlsx": spoilt_workbook, "parquet": spoilt_parquet}[kind](name, change, flips, how)
    with tempfile.TemporaryDirectory() as room:
        folder = Path(room) / "delivery"
        folder.mkdir()
        (folder / f"{name}.{kind}").write_bytes(content)
        try:
            tables = receive_extracts(folder, dictionaries()[name], room=Path(room) / "room")
        except EvaluationError as error:
            assert "CANARY" not in str(error) + repr(getattr(error, "faults", ())), "a value is said"
            return "refused"
        assert not unbalanced(tables), unbalanced(tables)
        said = "".join(fault.text() for fault in tables[name].faults)
        assert "CANARY" not in said, "a value is said"
        marked = [fault for fault in tables[name].faults if fault.severity == "quarantine"]
        assert bool(marked) == bool(tables[name].rows_quarantined)
        if tables[name].quarantine:
            assert (
                duckdb.execute("SELECT count(*) FROM read_parquet(?) WHERE len(_reasons) = 0", [str(tables[name].quarantine)]).fetchall()[0][0] == 0
            )
        return "received"


def explore(minutes: float, first_seed: int) -> int:
    """Try new examples until the time is over; how many came to what."""
    end, counts, number = time.monotonic() + 60 * minutes, Counter(), first_seed
    while time.monotonic() < end:

        @seed(number)
        @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False)
        @given(example=EXAMPLES)
        def try_hundred(example):
            if time.monotonic() < end:
                counts[f"{example[0]} {receive(example)}"] += 1

        try_hundred()
        number += 1
    total = sum(counts.values())
    sys.stdout.write(
        f"files spoilt {total:,} (seeds {first_seed} to {number - 1})   "
        + "   ".join(f"{what} {count:,}" for what, count in sorted(counts.items()))
        + "   crashes 0   rows lost 0   values said 0\n"
    )
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    explore(asked.minutes, asked.seed)
