"""What values show of themselves: small, honest, and never a family."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import CHECKS, CheckInput, MatchedDiD, by_subgroup, overall
from evaluation.panel.types import Panel
from evaluation.periods import Periods
from evaluation.showing import MOST_ROWS, Face, face_of, written

WINDOW = {"base": -2, "window": (-4, 3), "anticipation": 0}


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Two hundred families called FAMILY-000 to FAMILY-199, of whom 60 join in the fifth or sixth of ten quarters: 2 more after."""
    rng, n, n_periods = np.random.default_rng(3), 200, 10
    entry = np.where(np.arange(n) < 60, 4 + np.arange(n) % 2, -1)
    y = rng.normal(10, 1, (n, n_periods)) + 2.0 * ((entry >= 0)[:, None] & (np.arange(n_periods) >= entry[:, None]))
    units = pd.DataFrame(
        {
            "unit_id": [f"FAMILY-{i:03d}" for i in range(n)],
            "council_code": "E1",
            "area": "E1",
            "pool": "",
            "entry": entry,
            "eligible_from": -1,
            "eligible_to": n_periods - 1,
            "x": rng.normal(0, 1, n),
        }
    )
    return Panel(unit="family", periods=Periods.between("2011-Q1", "2013-Q2", kind="quarter"), units=units, outcomes={"absence": y})


@pytest.fixture(scope="module")
def values(panel) -> dict[str, object]:
    sample = NearestNeighbour(covariates=("x",), ratio=1).fit(panel)
    effects = MatchedDiD(**WINDOW).fit(sample, "absence")
    given = CheckInput(sample=sample, estimator=MatchedDiD(**WINDOW), effects=effects, quarters=(1, 2))
    return {
        "panel": panel,
        "sample": sample,
        "match": sample.match,
        "effects": effects,
        "estimate": overall(effects, quarters=(1, 2)),
        "check": CHECKS["balance"](given),
        "subgroups": by_subgroup(effects, np.where(np.arange(200) % 3 == 0, "a", "b"), quarters=(1, 2)),
    }


NAMES = ("panel", "sample", "match", "effects", "estimate", "check", "subgroups")


@pytest.mark.parametrize("name", NAMES)
def test_a_value_shows_a_table_and_words_and_no_family(values, name):
    shown, told = values[name]._repr_html_(), repr(values[name])
    assert shown.count("<table") == 1 and shown.count("</tr>") >= 2 and told
    assert len(shown) < 8_000 and len(told) < 4_000
    assert "FAMILY" not in shown + told and "array(" not in shown + told


def test_the_sample_shows_the_balance_it_holds_and_how_many_were_matched(values):
    text, sample = values["sample"].face().text(), values["sample"]
    assert text.startswith(f"{sample.n_treated} of 60 treated units matched in {sample.n_sets} sets")
    assert written(sample.balance["smd_after"].iloc[0]) in text


def test_the_effects_show_the_mean_over_cohorts_weighted_by_treated_units(values):
    cells = values["effects"].cells
    there = cells[(cells["event_time"] == 1) & (cells["status"] == "estimated")]
    wanted = np.average(there["estimate"], weights=there["weight"])
    row = next(row for row in values["effects"].face().rows if row[0] == "1")
    assert row[1] == written(float(wanted)) and row[2] == written(int(there["n_treated"].sum()))


def test_an_estimate_tells_its_interval_in_one_line_and_its_reason_where_there_is_none(values):
    from evaluation.pipeline.estimate import missing_estimate

    found = values["estimate"]
    assert f"{written(found.lower)} to {written(found.upper)}" in repr(found) and "\n" not in repr(found)
    assert repr(missing_estimate("no family was left")) == "<Estimate: none, because no family was left>"
    assert "none, because no family was left" in missing_estimate("no family was left")._repr_html_()


def test_a_check_that_cannot_be_made_says_why(values):
    from evaluation.models.checks.given import not_testable

    assert not_testable("pre_trend", "no period is left").face().title == "Pre trend: not testable: no period is left"


def test_the_same_effect_in_subgroups_is_not_told_from_their_own_intervals(values):
    notes = values["subgroups"].face().notes
    assert notes[0].startswith("Test that these effects are the same: p ") and "does not say whether it differs" in notes[1]


def test_texts_are_escaped_and_long_tables_cut_with_a_count():
    table = pd.DataFrame({"name": [f"<b>{i}</b>" for i in range(MOST_ROWS + 7)], "value": 1.5})
    face = face_of("A & B", table)
    assert "&lt;b&gt;0&lt;/b&gt;" in face.html() and "<b>" not in face.html() and "A &amp; B" in face.html()
    assert "... and 7 more rows" in face.text() and face.html().count("<tr>") == MOST_ROWS + 1


@pytest.mark.parametrize(
    "value, text",
    [(-0.00001, "0.0000"), (1234567, "1,234,567"), (-0.5, "\u22120.500"), (float("inf"), "no limit"), (None, ""), (np.bool_(False), "no")],
)
def test_how_a_value_is_written(value, text):
    assert written(value) == text


def test_columns_of_numbers_stand_flush_right():
    face = Face(title="t", columns=("a", "b"), rows=(("x", "1"), ("yy", "\u221223")))
    assert face.text().splitlines()[1:] == ["a     b", "x     1", "yy  \u221223"]
