"""Regression to the mean is where the design says it is, and the documentation shows what was stored."""
import json

import numpy as np
import pytest

from benchmarks.coverage.pages import DOCS, PAGE, blocks, filled, read_json
from benchmarks.coverage.trap import SELECTIONS, design_agrees, one_run

FEW = 4
SD_OF_A_RUN = 0.06             # of the slowest to settle: one comparison family for each, base -4
FEW_BOUND = 3.3 * SD_OF_A_RUN / np.sqrt(FEW)
STORED = [suite for suite in PAGE if (DOCS / "results" / f"{suite}.json").is_file()]


@pytest.fixture(scope="module")
def both():
    """A few runs in which level and last quarter bring families in."""
    runs = [one_run("both", number) for number in range(FEW)]
    return {name: np.mean([run[name] for run in runs]) for name in runs[0]}


def test_the_default_is_right_and_the_dip_test_warns(both):
    assert both["default"] == pytest.approx(0, abs=FEW_BOUND)
    assert both["default, dip failed"] == 1


def test_the_base_before_entry_takes_the_dip_for_an_effect_matched_or_not(both):
    assert both["unmatched, base -1"] < -0.4
    assert both["slow, base -1"] < -0.4


def test_matching_on_history_with_the_base_inside_it_builds_the_return_in_and_level_regression_foretells_it(both):
    assert both["history option"] == pytest.approx(0.19, abs=FEW_BOUND)
    assert both["history option, expected"] == pytest.approx(both["history option"], abs=FEW_BOUND)


def test_stored_results_reproduce_the_table_of_the_design():
    rows = read_json(DOCS / "results" / "trap.json")["rows"]
    assert {row["selection"] for row in rows} == set(SELECTIONS)
    for name, selection, there, here, room in design_agrees(rows):
        assert abs(there - here) <= room, (name, selection, there, here)


@pytest.mark.parametrize("suite", STORED)
def test_the_documentation_shows_the_stored_results(suite):
    page = (DOCS / PAGE[suite]).read_text(encoding="utf-8")
    assert filled(page, blocks(read_json(DOCS / "results" / f"{suite}.json"))) == page


def test_a_page_without_its_marker_is_refused():
    with pytest.raises(ValueError, match="<!-- trap -->"):
        filled("no marker here", {"trap": "table"})


@pytest.mark.parametrize("suite", STORED)
def test_stored_results_name_their_command_and_versions_and_no_date(suite):
    stored = json.loads((DOCS / "results" / f"{suite}.json").read_text(encoding="utf-8"))
    assert set(stored) == {"suite", "command", "versions", "rows"}
