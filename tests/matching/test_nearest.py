import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import Candidates, NearestNeighbour
from evaluation.matching.matcher import KnownScore
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.valid import assert_valid_match, assert_valid_sample

OPTIONS = {
    "default": {},
    "one": {"ratio": 1, "caliper": None},
    "without replacement": {"replacement": False},
    "three, without": {"ratio": 3, "replacement": False},
    "three, without a caliper": {"ratio": 3, "replacement": False, "caliper": None},
    "reuse": {"ratio": 2, "reuse_max": 2},
    "smallest": {"replacement": False, "order": "smallest"},
    "data": {"ratio": 2, "replacement": False, "order": "data"},
    "random": {"ratio": 2, "replacement": False, "order": "random", "seed": 3},
    "closest": {"ratio": 2, "replacement": False, "order": "closest"},
    "closest, reuse": {"ratio": 2, "reuse_max": 2, "order": "closest"},
    "farthest": {"ratio": 2, "replacement": False, "order": "farthest"},
    "shared ties": {"ties": "share"},
    "covariate calipers": {"replacement": False, "covariate_calipers": {"x": 0.3, "z": -1.0}, "covariate_caliper_unit": "absolute"},
    "closest in a covariate caliper": {"ratio": 2, "replacement": False, "order": "closest", "covariate_calipers": {"z": 2.0},
                                       "covariate_caliper_unit": "absolute"},
    "a covariate caliper, with replacement": {"covariate_calipers": {"z": 2.0}, "covariate_caliper_unit": "absolute"},
    "anti-exact": {"ratio": 2, "replacement": False, "anti_exact": ("area",)},
}
each_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)


def table_of(seed, n=240, decimals=1):
    """A table with ties in the score, and the score."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"unit_id": rng.permutation(n), "x": np.round(rng.normal(size=n), decimals), "z": rng.integers(0, 8, n).astype(float),
                          "area": rng.choice(list("pqr"), n), "key": rng.choice(["a", "b", "c", "d", None], n)})
    table["joined"] = rng.random(n) < 1 / (1 + np.exp(1 - table["x"]))
    return table


def match_of(table, *, width=0.5, **options):
    spec = NearestNeighbour(covariates=("x",), **options)
    width = width if spec.caliper is not None else float("inf")
    return spec.match(Candidates.of_table(table, treated="joined", id="unit_id"), known=KnownScore(value=table["x"].to_numpy(), width=width))


def named_pairs(match, table):
    pairs, name = match.pairs(), table["unit_id"].to_numpy()
    return set(zip(name[pairs["treated"]].tolist(), name[pairs["comparison"]].tolist(), np.round(pairs["weight"], 12).tolist(), strict=True))


@each_option
def test_a_valid_sample_comes_out_and_the_panel_stays_as_it_was(options):
    panel = simulated_panel(missing=0.1)
    panel = panel_of(panel.entry, panel.outcomes, unit="family", councils=panel.units["council_code"], areas=panel.units["area"],
                     eligible_from=panel.units["eligible_from"], x=panel.units["x"], b=panel.units["b"], z=np.arange(len(panel)) % 7.0)
    before = panel.units.copy(), panel.outcomes["y"].copy()
    assert_valid_sample(NearestNeighbour(covariates=("x",), **options).fit(panel))
    assert panel.units.equals(before[0]) and np.array_equal(panel.outcomes["y"], before[1], equal_nan=True)


@each_option
@pytest.mark.parametrize("estimand", ["ATT", "ATC"])
def test_a_match_is_valid_and_its_reasons_add_up(options, estimand):
    table = table_of(1)
    match = match_of(table, exact=("key",), estimand=estimand, **options)
    assert_valid_match(match)
    audit = match.audit().set_index("outcome")["count"]
    focal = table["joined"] == (estimand == "ATT")
    assert audit["asked for"] == audit.drop("asked for").sum() == focal.sum()
    assert audit["stratum_missing"] == (focal & table["key"].isna()).sum()


@each_option
def test_the_order_of_rows_does_not_matter(options):
    table = table_of(2)
    shuffled = table.sample(frac=1.0, random_state=5).reset_index(drop=True)
    found = named_pairs(match_of(table, exact=("key",), **options), table)
    assert found == named_pairs(match_of(shuffled, exact=("key",), **options), shuffled) != set()


@each_option
@pytest.mark.parametrize("seed", range(3))
def test_exact_keys_equal_the_loop_over_strata_on_the_same_score(options, seed):
    """Ratios that vary are not among the options: they are shared out over all treated rows, as in MatchIt."""
    table = table_of(seed)
    apart, rows = set(), Candidates.of_table(table, treated="joined", id="unit_id")
    spec = NearestNeighbour(covariates=("x",), **options)
    for key in "abcd":
        part = np.flatnonzero(table["key"] == key)
        match = spec.match(rows.keep(part), known=KnownScore(value=table["x"].to_numpy()[part], width=0.5 if spec.caliper else float("inf")))
        apart |= named_pairs(match, table.iloc[part])
    assert named_pairs(match_of(table, exact=("key",), **options), table) == apart


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(list(OPTIONS)), width=st.sampled_from([0.0, 0.1, 0.3]), least=st.sampled_from([1.0, 3.0]))
def test_no_caliper_is_ever_violated(seed, name, width, least):
    """A comparison in units of the column: the widths are whole, so that nothing hangs on a last digit."""
    table = table_of(seed)
    options = {**OPTIONS[name], "covariate_calipers": {"z": 2.0, "unit_id": -least}, "covariate_caliper_unit": "absolute", "anti_exact": ("area",),
               "caliper": 0.2}
    try:
        match = match_of(table, exact=("key",), width=width, **options)
    except CommonSupportError:
        return
    i, j = (match.pairs()[side].to_numpy() for side in ("treated", "comparison"))
    gap = {name: np.abs(table[name].to_numpy()[i] - table[name].to_numpy()[j]) for name in ("x", "z", "unit_id")}
    assert gap["x"].max() <= width and gap["z"].max() <= 2.0 and gap["unit_id"].min() > least
    assert (table["area"].to_numpy()[i] != table["area"].to_numpy()[j]).all() and (table["key"].to_numpy()[i] == table["key"].to_numpy()[j]).all()


def test_nearest_units_are_found_by_hand():
    # x of the treated 1 and 3; of the others 0.8, 1.3, 2.9, 9: the two nearest are (0.8, 1.3) and (2.9, 1.3). The score is increasing in x.
    panel = panel_of([2, 2, -1, -1, -1, -1], x=[1.0, 3.0, 0.8, 1.3, 2.9, 9.0])
    sample = NearestNeighbour(covariates=("x",), ratio=2, caliper=None).fit(panel)
    assert_valid_sample(sample)
    assert {s: sorted(sample.comparison_unit[sample.comparison_set == s]) for s in (0, 1)} == {0: [2, 3], 1: [3, 4]}
    assert sample.comparison_weight.tolist() == [0.5] * 4
    assert sample.effective_sample_size() == pytest.approx(2.0**2 / (0.5**2 + 1 + 0.5**2))


def test_without_replacement_no_unit_is_used_twice_in_an_entry_period_but_may_serve_others():
    sample = NearestNeighbour(covariates=("x",), ratio=2, replacement=False).fit(simulated_panel())
    used = np.column_stack([sample.comparison_entry, sample.comparison_unit])
    assert len(np.unique(used, axis=0)) == len(used)
    assert len(np.unique(sample.comparison_unit)) < len(used)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), caliper=st.sampled_from([0.02, 0.1, 0.5]), replacement=st.booleans())
def test_the_caliper_is_never_violated(seed, caliper, replacement):
    sample = NearestNeighbour(covariates=("x", "b"), caliper=caliper, replacement=replacement).fit(simulated_panel(150, seed=seed))
    assert_valid_sample(sample)
    score = sample.candidates.set_index(["unit", "entry"])["score"]
    assert sample.caliper_width == pytest.approx(caliper * sample.candidates["score"].std())
    at = sample.comparison_entry
    gap = (score.loc[list(zip(sample.treated_unit[sample.comparison_set], at, strict=True))].to_numpy()
           - score.loc[list(zip(sample.comparison_unit, at, strict=True))].to_numpy())
    assert (np.abs(gap) <= sample.caliper_width).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), replacement=st.booleans())
def test_the_order_of_units_does_not_matter(seed, replacement):
    panel = simulated_panel(120, seed=seed)
    order = np.random.default_rng(seed).permutation(len(panel))
    units = panel.units.iloc[order].reset_index(drop=True)
    shuffled = panel_of(units["entry"], {"y": panel.outcomes["y"][order]}, unit="family", ids=units["unit_id"],
                        eligible_from=units["eligible_from"], councils=units["council_code"], x=units["x"], b=units["b"])

    def pairs(which):
        sample = NearestNeighbour(covariates=("x",), exact=("b",), replacement=replacement).fit(which)
        ids = which.units["unit_id"].to_numpy()
        return set(zip(ids[sample.treated_unit[sample.comparison_set]], ids[sample.comparison_unit], strict=True))
    assert pairs(panel) == pairs(shuffled)


def test_units_that_cannot_be_matched_are_left_out_with_their_reason():
    # U0 has no x; U1 has no stratum key; U2 is alone in stratum 'b'; U3 lies far away; U4 is matched
    x = [np.nan, 0.0, 0.0, 50.0, 0.1, *np.linspace(-1, 1, 12), 2.0]
    key = ["a", None, "b", "a", "a", *["a"] * 12, "a"]
    panel = panel_of([2, 2, 2, 2, 2, *[-1] * 13], x=x, key=key)
    sample = NearestNeighbour(covariates=("x",), exact=("key",), caliper=0.05).fit(panel)
    assert_valid_sample(sample)
    assert sample.dropped["reason"].tolist() == ["covariate_missing", "stratum_missing", "no_comparison_in_stratum", "outside_caliper"]
    assert sample.notes == ("1 of 18 candidate rows lack a covariate and were left out (x 1).",)


def test_an_entry_period_without_candidates_is_left_out_and_does_not_spoil_the_score():
    panel = panel_of([1, 3, 3, -1, -1, -1, -1], x=[0.0, 0.2, 1.0, 0.5, 0.1, 1.2, -1.0], eligible_from=[0, 0, 0, 2, 2, 2, 2],
                     eligible_to=[0, 0, 0, 3, 3, 3, 3])
    sample = NearestNeighbour(covariates=("x",), caliper=None).fit(panel)
    assert_valid_sample(sample)
    assert sample.dropped[["unit", "reason"]].to_numpy().tolist() == [[0, "no_comparison_in_stratum"]]


def test_nobody_matched_is_an_error_that_says_how_to_mend_it():
    panel = panel_of([2, 2, -1, -1], x=[1.0, 5.0, 1.5, 0.2], key=["a", "a", "b", "b"])
    with pytest.raises(CommonSupportError, match=r"\(2 no comparison in stratum\)\. Take columns out of `matching.exact`"):
        NearestNeighbour(covariates=("x",), exact=("key",)).fit(panel)


def test_a_score_without_covariates_is_refused():
    with pytest.raises(EstimationError, match="at least one covariate"):
        NearestNeighbour().fit(simulated_panel(50))


@pytest.mark.parametrize("wrong", [
    {"ratio": 0}, {"caliper": 0.0}, {"exact": "council_code"}, {"history_window": (-3, 0)}, {"order": "best"}, {"ties": "all"}, {"reuse_max": 0},
    {"reuse_max": 2, "replacement": False}, {"ties": "share", "replacement": False}, {"ties": "share", "reuse_max": 2}, {"ratio_range": (1, 2, 3)},
    {"ratio_range": (0, 5)}, {"ratio_range": (3, 5)}, {"ratio_range": (1, 3)}, {"ratio_range": (1.5, 4.5)},
    {"ratio": 1, "ratio_range": (1, 3)}, {"estimand": "ATE"}, {"exact": ("b",), "anti_exact": ("b",)}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        NearestNeighbour(covariates=("x",), **wrong)


def test_a_unit_is_used_as_often_as_allowed_and_no_more():
    used = [np.bincount(match_of(table_of(4), ratio=2, **options).comparison).max()
            for options in ({"replacement": False}, {"reuse_max": 1}, {"reuse_max": 2}, {"reuse_max": 3})]
    assert used == [1, 1, 2, 3]
    table = table_of(4)
    assert named_pairs(match_of(table, reuse_max=1), table) == named_pairs(match_of(table, replacement=False), table)
    assert named_pairs(match_of(table, reuse_max=1000), table) == named_pairs(match_of(table), table)


def test_the_mean_ratio_is_kept_where_it_varies():
    table = table_of(6, n=2000, decimals=6)
    match = match_of(table, ratio=2, ratio_range=(1, 4), caliper=None, replacement=False)
    n = int(table["joined"].sum())
    sizes = np.bincount(match.comparison_set)
    assert set(sizes) <= {1, 2, 3, 4} and match.n_sets == n and sizes.sum() == 2 * n
    x = table["x"].to_numpy()[match.treated[np.argsort(match.treated_set)]]
    assert x[sizes == 1].min() >= x[sizes > 1].max()


def test_treated_units_are_sought_from_the_smallest_score_up_for_the_effect_on_the_others():
    table = table_of(7)
    found = {order: named_pairs(match_of(table, estimand="ATC", ratio=1, replacement=False, order=order), table)
             for order in ("auto", "smallest", "largest")}
    assert found["auto"] == found["smallest"] != found["largest"]


def test_a_unit_used_nearby_is_no_longer_left_when_it_is_sought_further_off():
    # A and B stand at 0 with one comparison unit in A's council: A takes it, and for B nobody is left though one was within reach
    table = pd.DataFrame({"unit_id": [0, 1, 2], "x": [0.0, 0.0, 0.1], "council": ["A", "B", "A"], "joined": [True, True, False]})
    match = match_of(table, ratio=1, replacement=False, tiers=("council",))
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 2, "matched": 1, "no_comparison_left": 1}


def test_a_covariate_caliper_is_a_share_of_the_deviation_of_rows_that_are_not_discarded():
    table = table_of(8)
    table.loc[table.index[:3], ["x", "z"]] = 50.0
    match = NearestNeighbour(covariates=("x",), covariate_calipers={"z": 0.5}, discard="both", ratio=1, replacement=False).match(
        Candidates.of_table(table, treated="joined", id="unit_id"))
    kept = np.setdiff1d(np.arange(len(table)), match.discarded)
    z = table["z"].to_numpy()
    pairs = match.pairs()
    assert len(match.discarded) and np.abs(z[pairs["treated"]] - z[pairs["comparison"]]).max() <= 0.5 * z[kept].std(ddof=1)


def test_the_options_are_said_in_words():
    def words(**options):
        return NearestNeighbour(covariates=("x",), ratio=2, **options).in_words()
    assert words() == ("2:1 nearest-neighbour matching with replacement on the linear predictor of a logit of entry (x), a caliper of 0.2 standard "
                       "deviations of the linear predictor, exact on entry period")
    assert "matching without replacement, in a random order (seed 4) on" in words(replacement=False, order="random", seed=4)
    assert words(reuse_max=3, ratio_range=(1, 4)).startswith(
        "1:1 to 4:1 (mean 2:1) nearest-neighbour matching with replacement (each unit at most 3 times) on")
    assert "with replacement (equally near units share) on" in words(ties="share")
    assert words(caliper=None, covariate_calipers={"x": -1}, anti_exact=("area_code",)).endswith(
        "no caliper on the score, and more than 1 standard deviations of x, different area code, exact on entry period")


def test_used_event_times_are_those_of_the_history():
    assert NearestNeighbour(covariates=("x",)).used_event_times() == ()
    assert NearestNeighbour(covariates=("x",), history=("y",), history_window=(-4, -3)).used_event_times() == (-4, -3)
