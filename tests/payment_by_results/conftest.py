"""The framework of 2012, and how it is applied to records that can be checked by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluation.locations import project_file
from evaluation.panel.families import build_families
from evaluation.payment_by_results import read_framework
from evaluation.payment_by_results.reading import read_facts
from evaluation.payment_by_results.results import Rules

sys.path.insert(0, str(Path(__file__).parent))

from small_records import BATH, PERIODS, SOURCES, TABLES, checked  # noqa: E402


@pytest.fixture
def framework():
    return read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml")


@pytest.fixture
def apply(tmp_path, dictionary, framework):
    """Rows of tables -> (panel, rules, results of every family that joined)."""

    def apply(*, unlinked=(), under=framework, coverage_ends="2014-03-31", missing="not_judged", **rows):
        rows = {name: rows.get(name, []) for name in TABLES}
        people = dict.fromkeys(row["person_id"] for row in rows["people"])
        rows["links"] = [{"person_id": p, "source": s, "status": "not_linked" if (p, s) in unlinked else "linked"} for p in people for s in SOURCES]
        covered = {"council_code": BATH, "first_date": "2010-09-01", "last_date": coverage_ends}
        rows["source_coverage"] = [{"source": source} | covered for source in (*SOURCES, "asb")]
        tables = {name: checked(tmp_path, dictionary, name, rows[name]) for name in rows}
        panel = build_families(tables, dictionary, periods=PERIODS, outcomes=("any_asb",))
        needs = tuple(problem.needs for problem in under.problems.values() if problem.kind == "need")
        rules = Rules(framework=under, facts=read_facts(tables, panel, needs), missing=missing)
        joined = (panel.entry >= 0).nonzero()[0]
        return panel, rules, rules.results(joined, panel.entry[joined], panel.entry)

    return apply
