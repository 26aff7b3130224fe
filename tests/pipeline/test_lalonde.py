"""National Supported Work: an effect known from an experiment, and what matched comparison groups make of it."""

from __future__ import annotations

import pytest

from tests.pipeline.studied import contents


@pytest.fixture(scope="module")
def lalonde(open_data, dictionary, tmp_path_factory):
    return contents("studies/lalonde/plan.yml", dictionary, tmp_path_factory.mktemp("lalonde"))[0]


def test_the_experiment_and_the_naive_differences_are_exact(lalonde):
    table = {row[0]: row[1] for row in next(table for table in lalonde.tables if table.id == "benchmark").rows}
    naive = {name: text for name, text in table.items() if "matched," not in name.replace("unmatched", "")}
    assert sorted(naive.values()) == sorted(["+1,794", "\N{MINUS SIGN}8,498", "\N{MINUS SIGN}15,205"])


def test_the_report_says_how_far_each_comparison_lands_from_the_experiment(lalonde):
    rows = next(table for table in lalonde.tables if table.id == "benchmark").rows
    assert rows[0][3] == "the anchor" and len(rows) == 7 and all(row[3][0] in "+\N{MINUS SIGN}" for row in rows[1:])
    assert any("experiment measured the same effect" in text for text in lalonde.summary.paragraphs)
