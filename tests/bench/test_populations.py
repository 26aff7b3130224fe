"""Families behind the numbers at the bench: of this council's cohort, and the same that its report says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation import bench
from evaluation.matching.existing import complete_sets
from evaluation.panel.windows import support_of


def test_support_and_exits_are_those_of_the_councils_joiners(panel, received, study):
    table, exits = bench.support(panel, received).table, bench.exits(panel, received).table
    n = len(study.joined(panel))
    assert set(table["joined"]) == {n} and exits["families"].sum() == n > 0
    assert "Plan completed" in exits["end of support"].tolist() and "no reason given" in exits["end of support"].tolist()
    whole = support_of(received.tables, panel)
    inside = np.isin(whole.unit, study.joined(panel))
    assert exits.set_index("end of support").loc["Plan completed", "families"] == (whole.reason[inside] == "completed").sum()


def test_complete_sets_count_the_councils_own_and_judge_balance_over_all(own, matched, study):
    found = bench.complete(own, matched, study)
    absence = found.table.set_index("outcome").loc["Unauthorised absence"]
    assert absence["programme units"] == complete_sets(own, "unauthorised_absence_rate").n_treated < own.n_treated
    whole = complete_sets(matched, "unauthorised_absence_rate").balance["smd_after"]
    assert abs(absence["largest difference after (SD)"]) == whole.abs().max()
    assert f"{absence['programme units']:,} are behind unauthorised absence" in found.title


def test_those_left_out_are_told_apart_where_the_match_is_kept(matched, own, study):
    table = bench.unlike(matched, study).table
    assert (table["n_left_out"] <= len(matched.dropped)).all() and table["smd"].abs().is_monotonic_decreasing
    assert bench.unlike(own, study).table.empty and "give the whole match" in bench.unlike(own, study).title


def test_reasons_for_missing_values_add_up_to_every_quarter(own, study):
    table = bench.why_missing(own, study).table
    assert table.drop(columns=["outcome", "group"]).sum(axis=1).tolist() == pytest.approx([100.0] * len(table))
    assert table["group"].tolist() == ["programme", "comparison"] * 2
    assert (table.set_index("outcome").loc["Unauthorised absence", "nothing is collected in this quarter"] > 0).all()


def test_ways_are_shares_of_the_councils_own_matched_families(own, received):
    table = bench.ways(own, received).table
    assert len(table) == 4 and (table["programme families"] <= len(np.unique(own.treated_unit))).all()
    assert table["comparison (%)"].dropna().between(0, 100).all()


def test_other_units_are_told_that_they_are_no_families(panel, own, received, study):
    people = replace(panel, unit="person", status={}, members={})
    sample = replace(own, panel=replace(own.panel, unit="person", status={}, members={}))
    views = (bench.support(people, received), bench.exits(people, received), bench.complete(sample, sample, study), bench.why_missing(sample, study),
             bench.ways(sample, received))
    assert all(view.title == "Not told: the units are no families" and view.table.empty for view in views)
