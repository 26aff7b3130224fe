"""The lessons' answers are known: nothing for the simulated families, the experiment's for LaLonde's people."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from evaluation import bench
from evaluation.bench.lessons import WINDOW, Crisis


@pytest.fixture(scope="module")
def lesson() -> Crisis:
    return bench.crisis()


def test_nothing_happens_to_the_families_of_the_lesson_and_before_and_after_says_otherwise(lesson):
    table = lesson.table.set_index("method")
    assert table.loc["before and after, those who joined", "says"] == "a fall: wrong"
    assert table.loc["matched, change from the last quarter before", "says"] == "a fall: wrong"
    assert table.loc["matched, change from 4 quarters before", "says"] == "no effect: right"
    assert set(lesson.plan.data.effects or {"": 0.0}.values()) <= {0.0} and "The truth is exactly 0" in lesson.face().text()


def test_a_drift_shifts_the_estimate_by_its_length_and_a_jump_by_itself(lesson):
    """From the base, 4 before, to the mean of quarters 1 to 4 are 6.5 quarters; a little less by treated families, who are fewer later on."""
    shift = bench.drift(lesson, slopes=(0.0, 1.0, 4.0)).table["shift of the estimate"]
    assert shift.iloc[0] == 0 and shift.iloc[2] == pytest.approx(4 * shift.iloc[1]) and shift.iloc[3] == pytest.approx(shift.iloc[2])
    assert shift.iloc[1] == pytest.approx(6.5, rel=0.01)


def test_the_test_sees_a_large_drift_never_a_jump_and_says_what_it_could_have_seen(lesson):
    found = bench.drift(lesson, slopes=(0.0, 0.5, 8.0))
    table = found.table
    assert table["trend before"].tolist() == ["passed", "passed", "failed", "passed"]
    assert table["p"].iloc[-1] == table["p"].iloc[0]  # a jump on joining leaves the periods before as they were
    assert table["found 4 times in 5"].nunique() <= 2 and f"{table['found 4 times in 5'].iloc[0]:.1f} a quarter" in found.notes[1]
    assert found.title.startswith("A drift of 0.5 a quarter passes the test")


def test_pictures_of_the_lessons_say_what_they_show(lesson):
    for made in (bench.plot_crisis(lesson), bench.plot_drift(bench.drift(lesson, slopes=(0.0, 8.0)))):
        assert made.png().startswith(b"\x89PNG") and any(character.isdigit() for character in made.alt)
    assert WINDOW == (-8, 8)


def test_the_experiments_answer_is_the_published_one_and_unmatched_groups_miss_it(open_data):
    """1,794 dollars: Dehejia and Wahba (1999), table 3, the subsample with earnings in 1974."""
    found = bench.lalonde()
    table = found.table
    randomised = table[table["method"].str.contains("randomised")].iloc[0]
    assert round(randomised["estimate"]) == 1794 and randomised["away from the experiment"] == 0
    away = table["away from the experiment"].abs()
    naive, matched = table["method"].str.contains("unmatched"), table["method"] == "matched, difference in levels"
    assert away[naive].min() > 5 * away[matched].max() and bench.plot_lalonde(found).png().startswith(b"\x89PNG")


def test_without_the_published_data_the_tour_goes_on(monkeypatch, tmp_path):
    monkeypatch.setenv("EVALUATION_OPEN_DATA", str(tmp_path / "nothing"))
    monkeypatch.setitem(sys.modules, "causaldata", None)  # which also holds them, where it is installed
    found = bench.lalonde()
    assert found.table.empty and "go on with the simulated families" in found.title
    assert bench.plot_lalonde(found).png().startswith(b"\x89PNG") and np.isfinite(len(found._repr_html_()))
