import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.entropy_balancing import EntropyBalancing, tilted
from evaluation.matching.inverse_probability import InverseProbability, crump_bounds, inverse_probability_weights
from evaluation.matching.matcher import KnownScore
from evaluation.matching.score import Score
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.references import COVARIATES, candidates_for, data_of, reference, weights_of
from tests.matching.valid import assert_valid_match, assert_valid_sample

R_GLM_STOPS = 1e-7             # R's glm leaves the probabilities of lalonde 3e-9 from the maximum, and p / (1 - p) several times that
BALANCED = 1e-9                # both run Newton to convergence
KINDS = (InverseProbability, EntropyBalancing)


def _proportional(ours, theirs, **tolerance):
    np.testing.assert_allclose(ours / ours.mean(), theirs / theirs.mean(), **tolerance)


def _with_base(ref):
    return data_of(ref["data"]).assign(base=data_of("lalonde")["educ"] + 1.0 if ref["data"] == "lalonde" else data_of("generated")["sw"])


# ---------------------------------------------------------------- inverse probability

@pytest.mark.parametrize("data", ["lalonde", "generated"])
@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE", "ATO", "ATM"])
def test_inverse_probability_weights_equal_weightit(data, estimand):
    ref = reference(f"weightit_{data}_ps_{estimand.lower()}")
    rows, theirs = candidates_for(ref), weights_of(ref)
    score = Score().fit(rows, *rows.matrix(COVARIATES[data]))
    np.testing.assert_allclose(inverse_probability_weights(score.probability, rows.treated, estimand), theirs, rtol=R_GLM_STOPS)
    match = InverseProbability(covariates=COVARIATES[data], estimand=estimand).match(rows)
    assert_valid_match(match)
    for side in (rows.treated, ~rows.treated):
        _proportional(match.raw_weights()[side], theirs[side], rtol=R_GLM_STOPS)


def test_inverse_probability_weights_with_sampling_weights_equal_weightit():
    ref = reference("weightit_generated_ps_att_sampling_weights")
    rows = candidates_for(ref)
    match = InverseProbability(covariates=COVARIATES["generated"]).match(rows)
    _proportional(match.raw_weights()[~rows.treated], weights_of(ref)[~rows.treated], rtol=R_GLM_STOPS)


def test_weights_by_hand():
    # poor: 1 of 2 joined, odds 1; not poor: 1 of 4, odds 1/3. They add up to 2, as the treated do
    table = pd.DataFrame({"joined": [1, 0, 1, 0, 0, 0], "poor": [1, 1, 0, 0, 0, 0]})
    rows = Candidates.of_table(table, treated="joined")
    match = InverseProbability(covariates=("poor",)).match(rows)
    np.testing.assert_allclose(match.raw_weights(), [1, 1, 1, 1 / 3, 1 / 3, 1 / 3], atol=1e-9)
    everyone = InverseProbability(covariates=("poor",), estimand="ATE").match(rows)
    np.testing.assert_allclose(everyone.raw_weights(), [2, 2, 4, 4 / 3, 4 / 3, 4 / 3], atol=1e-8)
    assert InverseProbability(covariates=("poor",)).match(rows).n_sets == 1


def test_rows_outside_the_bounds_are_trimmed_on_both_sides_with_their_reason():
    rows = Candidates.of_table(data_of("lalonde"), treated="treat")
    match = InverseProbability(covariates=COVARIATES["lalonde"], bounds=(0.05, 0.8)).match(rows)
    assert_valid_match(match)
    p = 1 / (1 + np.exp(-match.score))
    outside = (p < 0.05) | (p > 0.8)
    assert np.array_equal(match.raw_weights() == 0, outside)
    assert match.audit().set_index("outcome")["count"]["trimmed"] == (outside & rows.treated).sum()
    n_treated, n_comparison = (int((outside & side).sum()) for side in (rows.treated, ~rows.treated))
    assert match.notes == (f"{n_treated:,} treated and {n_comparison:,} comparison rows with a probability of joining outside 0.05 to 0.8 were left "
                           "out.",)


def test_crump_bounds_keep_the_rows_with_the_least_variance():
    rng = np.random.default_rng(2)
    p = np.round(rng.beta(0.5, 0.8, 300), 3).clip(0.001, 0.999)
    sampling = rng.uniform(0.5, 2, 300)
    low, high = crump_bounds(p, sampling)

    def variance(inside):
        return (sampling / (p * (1 - p)))[inside].sum() / sampling[inside].sum() ** 2
    best = min(variance((p >= a) & (p <= 1 - a)) for a in np.unique(np.minimum(p, 1 - p)))
    assert variance((p >= low) & (p <= high)) == pytest.approx(best) and low == pytest.approx(1 - high) and low > 0


def test_crump_bounds_keep_everyone_where_probabilities_are_alike():
    assert crump_bounds(np.linspace(0.4, 0.6, 50), np.ones(50)) == (0.0, 1.0)


def test_truncated_weights_are_set_to_their_quantile():
    rows = Candidates.of_table(data_of("lalonde"), treated="treat")
    whole, cut = (InverseProbability(covariates=COVARIATES["lalonde"], truncate=q).match(rows) for q in (None, 0.9))
    w = whole.raw_weights()[~rows.treated]
    _proportional(cut.raw_weights()[~rows.treated], np.minimum(w, np.quantile(w, 0.9)), rtol=1e-9)
    assert "weights above" in cut.notes[0] and "0.9 quantile" in cut.method


def test_strata_left_without_a_side_are_reported_as_such():
    # 'a' has both sides; 'b' never had a comparison row; all comparison rows of 'c' are trimmed
    table = pd.DataFrame({"joined": [1, 0, 1, 1, 0], "s": list("aabcc"), "x": 0.0})
    spec = InverseProbability(covariates=("x",), score=Score(scale="probability"), exact=("s",), bounds=(0.1, 0.9))
    match = spec.match(Candidates.of_table(table, treated="joined"), known=KnownScore(value=np.array([0.5, 0.5, 0.5, 0.5, 0.01])))
    assert_valid_match(match)
    assert match.audit()["outcome"].tolist() == ["asked for", "matched", "no_comparison_in_stratum", "no_comparison_left"]


def test_a_known_score_is_taken_back_to_the_probability_of_its_model():
    rows = Candidates.of_table(data_of("generated"), treated="treat")
    for score in (Score(), Score(scale="probability"), Score(model="cloglog")):
        spec = InverseProbability(covariates=COVARIATES["generated"], score=score)
        match = spec.match(rows)
        np.testing.assert_allclose(spec.match(rows, known=KnownScore(value=match.score)).raw_weights(), match.raw_weights(), rtol=1e-7)


def test_a_row_that_did_what_had_no_chance_is_refused():
    table = pd.DataFrame({"joined": [1, 0, 1, 0], "x": 0.0})
    with pytest.raises(EstimationError, match="1 of 4 rows did what the model gives no chance"):
        InverseProbability(covariates=("x",), score=Score(scale="probability")).match(
            Candidates.of_table(table, treated="joined"), known=KnownScore(value=np.array([0.5, 1.0, 0.5, 0.5])))


# ---------------------------------------------------------------- entropy balancing

@pytest.mark.parametrize("name, options", [
    *((f"{data}_ebal_att_moments{k}", {"moments": k}) for data in ("lalonde", "generated") for k in (1, 2, 3)),
    *((f"{data}_ebal_ate", {"estimand": "ATE"}) for data in ("lalonde", "generated")),
    *((f"{data}_ebal_att_base_weights", {"base_weights": "base"}) for data in ("lalonde", "generated")),
    ("generated_ebal_att_sampling_weights", {}),
])
def test_entropy_balancing_equals_weightit(name, options):
    ref = reference(f"weightit_{name}")
    weights = "sw" if "sampling" in name else None
    rows, theirs = Candidates.of_table(_with_base(ref), treated="treat", weights=weights), weights_of(ref)
    match = EntropyBalancing(covariates=COVARIATES[ref["data"]], **options).match(rows)
    for side in (rows.treated, ~rows.treated):
        _proportional(match.raw_weights()[side], theirs[side], rtol=BALANCED, atol=BALANCED)
    assert match.notes[0].startswith("Entropy balancing brought every mean within ")


def test_entropy_balancing_by_hand():
    # age 30 and 50 joined: mean 40, mean square 1700; of 20, 40, 60 the shares 1/8, 3/4, 1/8 have both
    table = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "age": [30.0, 50.0, 20.0, 40.0, 60.0]})
    match = EntropyBalancing(covariates=("age",), moments=2).match(Candidates.of_table(table, treated="joined"))
    np.testing.assert_allclose(match.raw_weights(), [1, 1, 0.25, 1.5, 0.25], atol=1e-9)


@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_means_agree_in_every_stratum_and_overall_with_sampling_weights(estimand):
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"x": rng.normal(size=400), "b": rng.integers(0, 2, 400), "s": rng.choice(list("pqr"), 400), "w": rng.uniform(0.5, 2, 400)})
    table["joined"] = rng.random(400) < 1 / (1 + np.exp(1 - table["x"]))
    match = EntropyBalancing(covariates=("x", "b"), exact=("s",), estimand=estimand).match(Candidates.of_table(table, treated="joined", weights="w"))
    total = match.raw_weights() * table["w"]
    target = {"ATT": table["joined"], "ATC": ~table["joined"], "ATE": table["joined"] | True}[estimand]
    for rows in (table["s"] == "p", table["s"] == "q", table["s"] != ""):
        for name in ("x", "b"):
            goal = np.average(table[name][rows & target], weights=table["w"][rows & target])
            for side in (table["joined"], ~table["joined"]):
                assert np.average(table[name][rows & side], weights=total[rows & side]) == pytest.approx(goal, abs=1e-9)


def test_collinear_and_constant_columns_change_nothing():
    table = data_of("generated").assign(twice=lambda d: 2 * d["x1"] - 3, none=1.0)
    rows = Candidates.of_table(table, treated="treat")
    plain, more = (EntropyBalancing(covariates=names).match(rows).raw_weights() for names in (("x1", "x2"), ("x1", "x2", "twice", "none")))
    np.testing.assert_allclose(more, plain, atol=1e-9)


def test_squares_of_two_valued_columns_are_not_balanced_twice():
    from evaluation.matching.entropy_balancing import Terms
    x = np.column_stack([np.arange(6.0), [0, 1, 0, 1, 0, 1]])
    assert Terms.of(x, np.arange(6) < 3, ("a", "b"), 3).names == ("a", "b", "a squared", "a cubed")


def test_a_mean_beyond_every_comparison_row_is_named_with_how_near_it_came():
    table = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "x": [1.0, 2.0, 1.0, 2.0, 1.5], "far": [9.0, 8.0, 1.0, 2.0, 3.0]})
    with pytest.raises(CommonSupportError, match=r"Out of reach: 'far'; the nearest came within \d+ standard deviations"):
        EntropyBalancing(covariates=("x", "far")).match(Candidates.of_table(table, treated="joined"))


def test_a_set_that_cannot_be_balanced_is_left_out_with_that_reason():
    table = pd.DataFrame({"joined": [1, 0, 0, 1, 1, 0, 0], "s": list("aaabbbb"), "x": [1.0, 0.0, 2.0, 9.0, 8.0, 1.0, 2.0]})
    match = EntropyBalancing(covariates=("x",), exact=("s",)).match(Candidates.of_table(table, treated="joined"))
    assert_valid_match(match)
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 3, "matched": 1, "cannot_be_balanced": 2}
    assert match.notes[1] == ("1 of 2 sets of entry period and exact keys, with 2 rows whose effect is wanted, could not be balanced ('x').")


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), whole=st.booleans())
def test_balance_is_reached_just_where_some_weights_reach_it(seed, whole):
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(2, 30)), int(rng.integers(1, 5))
    z = rng.integers(-1, 2, size=(k, n)).astype(float) + rng.integers(-1, 2, size=(k, 1)) * 0.5 if whole else rng.normal(size=(k, n)) + 0.3
    if k > 1 and seed % 5 == 0:
        z[-1] = 2 * z[0]
    sides = np.block([[z, -np.ones((k, 1))], [-z, -np.ones((k, 1))]])
    least = linprog(np.append(np.zeros(n), 1), A_ub=sides, b_ub=np.zeros(2 * k), A_eq=np.append(np.ones(n), 0)[None], b_eq=[1]).fun
    found = tilted(z, np.ones(n))
    assert found.shares.sum() == pytest.approx(1)
    if least < 1e-8:
        assert np.abs(z @ found.shares).max() < 1e-6 and not found.blamed
    else:
        assert found.gap >= least - 1e-9 and found.blamed


def test_weights_depart_least_from_base_weights():
    # any other weights with the same means have a larger relative entropy to the base
    rng = np.random.default_rng(1)
    z, base = rng.normal(size=(2, 12)), rng.uniform(0.5, 2, 12)
    base /= base.sum()
    w = tilted(z, base).shares
    null = np.linalg.svd(np.vstack([z, np.ones(12)]))[2][3:]
    for direction in null:
        for step in (1e-4, -1e-4):
            other = w + step * direction
            assert (other * np.log(other / base)).sum() > (w * np.log(w / base)).sum()


# ---------------------------------------------------------------- both

@pytest.mark.parametrize("kind", KINDS)
def test_every_entry_period_and_stratum_is_weighted_by_itself(kind):
    sample = kind(covariates=("x",), exact=("b",)).fit(simulated_panel(300))
    assert_valid_sample(sample)
    assert sample.kind == "weights" and sample.n_sets <= 2 * 6
    b = sample.panel.units["b"].to_numpy()
    first = np.unique(sample.treated_set, return_index=True)[1]
    assert (b[sample.comparison_unit] == b[sample.treated_unit[first]][sample.comparison_set]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_units_does_not_matter_to_weights(kind):
    panel = simulated_panel(200, seed=8)
    order = np.random.default_rng(8).permutation(len(panel))
    units = panel.units.iloc[order].reset_index(drop=True)
    shuffled = panel_of(units["entry"], {"y": panel.outcomes["y"][order]}, unit="family", ids=units["unit_id"], eligible_from=units["eligible_from"],
                        councils=units["council_code"], x=units["x"], b=units["b"])
    spec = kind(covariates=("x", "b"))
    one, other = (pd.Series(s.comparison_weight, index=[s.panel.units["unit_id"].to_numpy()[s.comparison_unit], s.comparison_entry]).sort_index()
                  for s in (spec.fit(panel), spec.fit(shuffled)))
    pd.testing.assert_series_equal(one, other, rtol=1e-8)


@pytest.mark.parametrize("kind, wrong, why", [
    (InverseProbability, {"bounds": (0.9, 0.1)}, "two probabilities, the lower first"), (InverseProbability, {"bounds": "crumb"}, "or crump"),
    (InverseProbability, {"bounds": (0.1,)}, "two probabilities"), (InverseProbability, {"truncate": 1.0}, "a quantile of the weights"),
    (EntropyBalancing, {"moments": 4}, "must be 1, 2 or 3"), (EntropyBalancing, {"tolerance": 0.0}, "above 0"),
    (EntropyBalancing, {"formula": "x + I(x**2)"}, "entropy balancing has none"), (EntropyBalancing, {"covariates": ()}, "at least one covariate"),
    (EntropyBalancing, {"estimand": "ATO"}, "must be ATT or ATC or ATE"), (EntropyBalancing, {"discard": "both"}, "needs a score"),
])
def test_a_wrong_option_is_refused_when_the_spec_is_made(kind, wrong, why):
    with pytest.raises(PlanError, match=why):
        kind(**{"covariates": ("x",), **wrong})


def test_base_weights_must_be_above_zero():
    table = data_of("generated").assign(base=0.0)
    with pytest.raises(PlanError, match="600 of 600 in 'base' are not"):
        EntropyBalancing(covariates=("x1",), base_weights="base").match(Candidates.of_table(table, treated="treat"))
    with pytest.raises(PlanError, match="'grp' is text"):
        EntropyBalancing(covariates=("x1",), base_weights="grp").match(Candidates.of_table(table, treated="treat"))


@pytest.mark.parametrize("spec, words", [
    (InverseProbability(covariates=("x",)), "weighting to those who joined by the inverse of the probability of entry of a logit (x), exact on"),
    (InverseProbability(covariates=("x",), estimand="ATO", bounds="crump"), "to the overlap of both sides by"),
    (InverseProbability(covariates=("x",), bounds=[0.01, 0.99]), "rows with a probability outside 0.01 to 0.99 left out"),
    (InverseProbability(covariates=("x",), truncate=0.99), "weights above their 0.99 quantile set to it"),
    (EntropyBalancing(covariates=("x",), moments=2, base_weights="size"),
     "entropy balancing of means and variances to those who joined (x), starting from size"),
])
def test_it_says_what_it_does(spec, words):
    assert words in spec.in_words()
    assert spec.in_plain_words().lower().split(",")[0].endswith("units are given weights")
