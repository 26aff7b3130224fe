"""Rows of families are found in every carrier; a report's own charts and tables are none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pikepdf
import pytest

from evaluation.disclosure import drawings
from evaluation.disclosure.carriers import READERS
from evaluation.disclosure.drawings import vertices
from evaluation.disclosure.rows import rows_of_data
from evaluation.disclosure.scan import scan
from evaluation.errors import DisclosureError

sys.path.insert(0, str(Path(__file__).parent))

from planted_rows import CARRIERS, FEW, PACKED, values  # noqa: E402

ANY = frozenset(READERS)


def rng_of(carrier: str, turn: int = 0) -> np.random.Generator:
    return np.random.default_rng([turn, list(CARRIERS).index(carrier)])


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_rows_of_families_are_held_and_not_told(carrier, tmp_path):
    rows = values(rng_of(carrier))
    path = CARRIERS[carrier](tmp_path, rows)
    with pytest.raises(DisclosureError) as found:
        scan([path], (), allowed=ANY)
    assert not any(f"{one:g}" in str(found.value).split() for one in rows)


@pytest.mark.parametrize("carrier", PACKED)
def test_packed_numbers_are_held_from_a_small_council_on(carrier, tmp_path):
    path = CARRIERS[carrier](tmp_path, values(rng_of(carrier, 1), 2 * FEW if carrier == "address of data" else FEW))
    with pytest.raises(DisclosureError, match="rows of data"):
        scan([path], (), allowed=ANY)


def test_rows_are_planted_in_more_than_twenty_carriers():
    assert len(CARRIERS) >= 50


@pytest.mark.parametrize("carrier", ["line of a drawing", "circles", "pdf, markers", "pdf, a chart of matplotlib", "csv"])
def test_as_many_points_as_there_are_periods_are_no_rows(carrier, tmp_path):
    path = CARRIERS[carrier](tmp_path, values(rng_of(carrier, 2), 40))
    assert rows_of_data(path) == []


@pytest.mark.parametrize("carrier", [one for one in CARRIERS if one.startswith("pdf")])
def test_lines_of_a_page_are_those_that_a_reading_of_everything_finds(carrier, tmp_path, monkeypatch):
    path = CARRIERS[carrier](tmp_path, values(rng_of(carrier, 4), 40))
    with pikepdf.open(path) as document:
        of_drawing = [list(drawings.figures(page)) for page in document.pages]
        monkeypatch.setattr(drawings, "DRAWN", "")
        assert of_drawing == [list(drawings.figures(page)) for page in document.pages]
    assert any(of_drawing) or carrier not in ("pdf, markers", "pdf, a chart of matplotlib")


def test_a_chart_may_hold_a_point_for_each_council(tmp_path):
    path = CARRIERS["circles"](tmp_path, values(rng_of("circles", 3), 152))
    assert rows_of_data(path, points=152) == [] and rows_of_data(path) != []


def test_a_kind_of_file_that_may_not_leave_is_held_whatever_it_holds(tmp_path):
    path = tmp_path / "chart.svg"
    path.write_text("<svg></svg>", encoding="utf-8")
    with pytest.raises(DisclosureError, match="files of type .svg may not leave"):
        scan([path], ())


def test_a_printed_number_beside_its_value_is_no_row_of_data(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"value": float(at), "text": str(at), "symbol": ""} for at in range(500)]), encoding="utf-8")
    assert rows_of_data(path) == []


@pytest.mark.parametrize("path, n", [("M0 0L1 1 2 2", 3), ("M0,0h1v1z", 3), ("m0 0c1 1 2 2 3 3", 2), ("1,2 3,4", 2), ("", 0)])
def test_points_of_a_line_are_counted(path, n):
    assert vertices(path) == n


def test_many_short_tables_of_years_are_no_rows_and_long_ones_are(tmp_path):
    def page(tables: int, rows: int) -> Path:
        table = "<table>" + "".join(f"<tr><td>{2000 + year}</td><td>{year / 7:.3f}</td></tr>" for year in range(rows)) + "</table>"
        path = tmp_path / f"{tables}-{rows}.html"
        path.write_text(f"<html><body>{table * tables}</body></html>", encoding="utf-8")
        return path

    assert rows_of_data(page(8, 13)) == []
    assert rows_of_data(page(4, 20)) == rows_of_data(page(1, 61)) == ["more than 60 numbers in a row"]


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_release_of_many_councils_is_no_row_of_data_and_rows_inside_one_are(tmp_path):
    """Each council's part of results.json is looked at by itself; keys that are no council's are units."""
    report = {"seed": 1, "strength": {"score": 2}, "outcomes": [{"n_periods": 8, "effect": {"value": 3.5, "text": "+3.5"}}]}
    councils = {f"E{number:08d}": report for number in range(6_000_001, 6_000_151)} | {"all": report}
    assert rows_of_data(written(tmp_path / "results.json", {"reports": councils})) == []
    inside = councils | {"E06000022": report | {"gaps": [float(one) for one in range(70)]}}
    assert rows_of_data(written(tmp_path / "inside.json", {"reports": inside})) == [drawings.ARRAY]
    for shape in ("F{:07d}", "F{:08d}", "E01{:06d}"):  # families, and small areas
        units = {shape.format(number): report for number in range(150)}
        assert rows_of_data(written(tmp_path / "units.json", {"reports": units})) == [drawings.ARRAY], shape
