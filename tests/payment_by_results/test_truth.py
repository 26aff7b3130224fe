"""The matched comparison share against the records that would have been without the programme, and the sample that it rests on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.results_truth import COVARIATES, EFFECTS, ENTRY, NO_EFFECTS, RECORDS, Without, against_truth, one_run, selection, world
from evaluation.locations import project_file
from evaluation.matching import MATCHERS
from evaluation.payment_by_results import read_framework
from evaluation.payment_by_results.history import history_of
from evaluation.payment_by_results.matching import PATTERN, match_results
from evaluation.payment_by_results.shares import matched_shares

FAMILIES = 4_000
BOUND = 3.5  # standard errors
MATCHER = MATCHERS["nearest_neighbour"](covariates=COVARIATES, ratio=3, caliper=0.2, replacement=True, exact=("council_code",))


@pytest.fixture(scope="module")
def framework():
    return read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml")


@pytest.fixture(scope="module")
def worlds(framework, tmp_path_factory):
    """(panel, rules as records are, rules as they would have been, matched sample with results)."""
    folder = tmp_path_factory.mktemp("truth")
    panel, rules = world(framework, FAMILIES, 3, 11, EFFECTS, folder / "with")
    _, untreated = world(framework, FAMILIES, 3, 11, NO_EFFECTS, folder / "without")
    return panel, rules, Without.of(rules, untreated, panel.entry), match_results(MATCHER, panel, rules)


def gap_of(sample, values):
    """Standardised difference after matching of an array by family and column."""
    one, two = values[sample.treated_unit, sample.treated_entry], values[sample.comparison_unit, sample.comparison_entry]
    return abs(np.average(one, weights=sample.treated_weight) - np.average(two, weights=sample.comparison_weight)) / one.std(ddof=1)


def test_the_comparison_share_is_within_its_bound_of_the_truth(worlds):
    _, _, without, found = worlds
    shares = against_truth(found, without)
    assert abs(shares.difference.estimate) < BOUND * shares.difference.std_error


def test_weights_against_joining_lower_the_share_of_those_left(worlds):
    panel, rules, without, found = worlds
    weighted = match_results(MATCHER, panel, rules, weighted_by=RECORDS)
    assert found.staying is None and weighted.staying.shape == (len(found.sample.comparison_unit), rules.claim_within)
    assert (weighted.staying >= 1).all() and (np.diff(weighted.staying, axis=1) > -0.05).all()   # cut at its 99th percentile, claim by claim
    left, weighed = (against_truth(found, without, staying=one).comparison.estimate for one in (None, weighted.staying))
    assert weighed < left                                                                       # those who have not joined are better off


def test_the_page_shows_the_stored_runs():
    page = project_file("docs/payment_by_results.md").read_text(encoding="utf-8")
    few, recorded, usual = json.loads(project_file("docs/results/results_truth.json").read_text(encoding="utf-8")).values()
    for run in few:
        others = f"{run['weighted']:.1f} | {run['on_records']:.1f} | {run['truth']:.1f} | {run['comparison'] - run['truth']:+.1f} |"
        assert f"| {run['seed']} | {run['programme']:.1f} | {run['on_problems']:.1f} | **{run['comparison']:.1f}** | {others}" in page
    for run in (*recorded, *usual):
        shares = f"{run['matched']:,} | {run['programme']:.1f} | {run['comparison']:.1f} | {run['truth']:.1f}"
        assert f"| {run['seed']} | {shares} | {run['comparison'] - run['truth']:+.1f} ({run['std_error']:.2f}) | {run['z']:+.1f} |" in page
    assert all(abs(run["z"]) < BOUND for run in (*few, *recorded)) and all(run["z"] > BOUND for run in usual)


def test_a_programme_that_works_is_seen_beside_the_comparison(worlds):
    shares = matched_shares(worlds[3].sample, worlds[3].treated, worlds[3].comparison)
    assert shares.difference.lower > 0 and shares.ratio.upper < 1


def test_earlier_records_are_balanced_by_a_score_that_holds_them(worlds):
    panel, rules, _, found = worlds
    long = match_results(MATCHER, panel, rules, history=12)
    assert (found.history, long.history) == (0, 12)
    records = history_of(rules.facts, 12)
    gaps = [[gap_of(one.sample, records[name]) for name in records] for one in (long, found)]
    assert max(gaps[0]) < 0.1 and np.mean(gaps[0]) < 0.8 * np.mean(gaps[1])


def test_few_families_are_matched_without_earlier_records(worlds):
    panel, rules, _, _ = worlds
    joined = np.flatnonzero(panel.entry >= 0)
    few = panel.units.assign(entry=np.where(np.isin(np.arange(len(panel)), joined[:200]), panel.entry, -1))
    assert match_results(MATCHER, replace(panel, units=few), rules, history=12).history == 0


def test_members_of_a_set_had_the_same_problems_before_its_quarter(worlds):
    _, rules, _, found = worlds
    sample = found.sample
    of_set = np.full(sample.n_sets, np.nan)
    of_set[sample.treated_set] = sample.panel.varying[PATTERN][sample.treated_unit, sample.treated_entry]
    there = sample.panel.varying[PATTERN][sample.comparison_unit, sample.comparison_entry]
    np.testing.assert_array_equal(there, of_set[sample.comparison_set])
    assert (there > 0).all()
    for name in rules.problems:
        np.testing.assert_array_equal(found.comparison.applies[name], found.treated.applies[name][np.searchsorted(sample.treated_set,
                                                                                                                   sample.comparison_set)])


def test_no_set_begins_so_late_that_its_time_for_claims_runs_past_the_records(worlds):
    panel, rules, _, found = worlds
    assert found.sample.set_entry.max() + rules.claim_within < len(panel.periods)


def test_no_comparison_family_has_a_result_from_the_quarter_in_which_it_joins_on(worlds):
    panel, _, _, found = worlds
    joins = panel.entry[found.comparison.unit]
    later = joins > found.comparison.start
    assert later.any()
    assert (found.comparison.start + found.comparison.met < np.where(later, joins, len(panel.periods)))[found.comparison.met > 0].all()


def test_selection_by_what_records_hold_only_lasts_no_longer_than_asked():
    kept = dict(ENTRY)
    with selection("recorded"):
        assert ENTRY["crisis"] == 0
    assert kept == ENTRY


@pytest.mark.slow
@pytest.mark.parametrize("which", ["usual", "recorded"])
def test_the_comparison_share_is_within_its_bound_over_seeds(framework, tmp_path, which):
    with selection(which):
        found = [one_run(framework, families=8_000, councils=5, seed=seed, folder=tmp_path / f"{seed}") for seed in (21, 22, 23)]
    assert all(abs(one.z) < BOUND for one in found)
