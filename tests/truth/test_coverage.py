"""The simulations of `benchmarks.coverage`: a small part of them holds here, and they would notice a wrong interval."""
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage.designs import FAMILIES, PLAIN, Design
from benchmarks.coverage.record import covers_enough, is_unbiased, record_of, size_holds
from benchmarks.coverage.runs import NUMBERS, runs_of
from benchmarks.coverage.worlds import EFFECT, ENTRIES, World, lasting

RUNS = 400
Z999 = 3.3                     # standard errors: 99.9% of chance
SMALL = {"effect": World(outcome="rate", treated=60), "null": World(outcome="count", treated=60, has_effect=False)}


@pytest.fixture(scope="module", params=list(SMALL))
def small(request):
    """Four hundred runs of sixty matched families, in a world that meets the assumption."""
    design = Design(name="families", world=SMALL[request.param], analyses={"matched 3:1": FAMILIES["matched 3:1"]})
    return design, runs_of(design, 0, RUNS)


def test_intervals_of_matched_families_hold_the_truth_as_often_as_they_say(small):
    design, done = small
    record = record_of("correctness", design, "matched 3:1", done)
    assert record.without == 0
    assert covers_enough(record), record.coverage
    assert is_unbiased(record), record.bias
    assert size_holds(record) in (True, None), record.rejects


def test_intervals_that_are_too_narrow_are_noticed(small):
    design, done = small
    at = {name: k for k, name in enumerate(NUMBERS)}
    x = np.array(done.numbers["matched 3:1"])
    for end in ("lower", "upper"):                                     # as if the standard error were 70% of itself
        x[:, at[end]] = x[:, at["estimate"]] + 0.7 * (x[:, at[end]] - x[:, at["estimate"]])
    narrow = runs_of(design, 0, 0)
    narrow.numbers["matched 3:1"], narrow.method["matched 3:1"] = list(x), ["narrow"] * RUNS
    narrow.reason["matched 3:1"], narrow.caution["matched 3:1"] = [""] * RUNS, [""] * RUNS
    assert covers_enough(record_of("correctness", design, "matched 3:1", narrow)) is False


def test_a_bias_of_half_a_standard_error_is_noticed(small):
    design, done = small
    record = record_of("correctness", design, "matched 3:1", done)
    assert is_unbiased(replace(record, bias=record.bias + 0.5)) is False


def test_runs_are_the_same_whatever_part_of_them_a_process_takes():
    design = Design(name="families", world=World(outcome="binary", treated=18), analyses={"group-time": PLAIN["group-time"]})
    parts = runs_of(design, 0, 2)
    parts.add(runs_of(design, 2, 4))
    assert parts.numbers == runs_of(design, 0, 4).numbers


@pytest.mark.parametrize("treated", [18, 60])
def test_as_many_families_join_as_a_world_says_at_its_dates(treated):
    entry = World(outcome="binary", treated=treated).draw(np.random.default_rng(1)).entry
    assert (entry >= 0).sum() == treated
    assert set(entry[entry >= 0]) == set(ENTRIES)


def test_a_family_shares_its_area_s_programme_where_areas_have_it():
    units = World(outcome="binary", treated=60, by_area=True).draw(np.random.default_rng(1)).units
    assert (units.groupby("area")["entry"].nunique() == 1).all()
    assert units.loc[units["entry"] >= 0, "area"].nunique() == 5


@pytest.mark.parametrize("outcome", ["binary", "count", "rate"])
def test_untreated_changes_are_parallel_and_the_effect_is_what_the_world_says(outcome):
    world = World(outcome=outcome, treated=3_000, shock=0.0, kind_trend=False)
    panel = world.draw(np.random.default_rng(2))
    y, joins = panel.outcomes["y"], panel.entry == ENTRIES[0]
    never = panel.entry < 0
    before = y[:, ENTRIES[0] - 4] - y[:, 0]                             # between two quarters without a programme
    after = y[:, ENTRIES[0] + 2] - y[:, ENTRIES[0] - 4]
    for change, truth in ((before, 0.0), (after, EFFECT[outcome])):
        error = np.sqrt(change[joins].var() / joins.sum() + change[never].var() / never.sum())
        assert abs(change[joins].mean() - change[never].mean() - truth) < Z999 * error


def test_a_lasting_state_is_distributed_as_a_fresh_one_and_fades():
    rng = np.random.default_rng(3)
    state = lasting(rng.random((20_000, 6)), 0.5, rng)
    assert state[:, 5].mean() == pytest.approx(0.5, abs=Z999 * np.sqrt(1 / 12 / 20_000))
    assert np.corrcoef(state[:, 3], state[:, 5])[0, 1] == pytest.approx(0.25, abs=Z999 / np.sqrt(20_000))     # 0.5 for each quarter
