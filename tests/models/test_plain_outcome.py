import numpy as np
import pandas as pd
import pytest

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import NearestNeighbour
from evaluation.matching.candidates import Candidates
from evaluation.models.abadie_imbens import AbadieImbens
from evaluation.models.matched_outcome import MatchedOutcome
from evaluation.models.plain_outcome import GComputation, WeightedDifference
from tests.matching.references import COVARIATES, reference, weights_of
from tests.models.matches import pairs_match, small_table, stored_match, strata_match, weights_match

RTOL = 1e-8                     # the references have 15 digits; QR and sums in another order lose a few
OUTCOME = {"lalonde": "re78", "generated": "y"}
ONE_WAY = ("nn", "nn_ratio2", "nn_caliper", "full_att", "full_ate", "subclass_att", "cem_att")
TWO_WAY = ("nn_replace", "nn_replace_ratio3_caliper", "nn_reuse3")


def _regression(name, *, adjusted, cluster):
    data = name.split("_")[0]
    return WeightedDifference(covariates=COVARIATES[data] if adjusted else (), cluster=cluster).fit(stored_match(name), OUTCOME[data])


def _found_and_stored(name, adjusted, cluster):
    return _regression(name, adjusted=adjusted, cluster=cluster), reference(f"effect_{name}{'_adjusted' if adjusted else ''}")


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("name", [*(f"{data}_{spec}" for data in OUTCOME for spec in ONE_WAY), "generated_nn_sampling_weights"])
def test_errors_clustered_on_sets_or_units_equal_those_of_r(name, adjusted):
    found, stored = _found_and_stored(name, adjusted, "set")
    assert found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
    assert found.std_error == pytest.approx(stored["se"], rel=RTOL)
    assert found.n_clusters == stored["clusters"] and found.df == stored["clusters"] - 1 and found.clusters == "matched sets"
    by_unit, _ = _found_and_stored(name, adjusted, "unit")
    assert by_unit.std_error == pytest.approx(stored["se_hc1"], rel=RTOL) and by_unit.method.startswith("HC1 robust")


@pytest.mark.parametrize("adjusted", [False, True])
@pytest.mark.parametrize("name", [f"{data}_{spec}" for data in OUTCOME for spec in TWO_WAY])
def test_errors_clustered_two_ways_equal_those_of_r_where_rows_serve_several_sets(name, adjusted):
    found, stored = _found_and_stored(name, adjusted, "auto")
    assert found.method.startswith("CR1 two-way") and found.clusters == "units and matched sets"
    assert found.n_clusters == min(stored["sets"], stored["persons"]) and found.df == found.n_clusters - 1
    assert found.n_treated + found.n_comparison == stored["persons"]
    for cluster, key in (("auto", "se"), ("unit_and_set", "se"), ("set", "se_subclass"), ("unit", "se_person")):
        found, _ = _found_and_stored(name, adjusted, cluster)
        assert found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
        assert found.std_error == pytest.approx(stored[key], rel=RTOL)


@pytest.mark.parametrize("name", [f"{data}_{spec}" for data in OUTCOME for spec in ("nn", "full_att", "full_ate")])
def test_slopes_by_arm_give_the_average_effect_on_the_target_as_linear_g_computation_does(name):
    data, stored = name.split("_")[0], reference(f"effect_{name}_gcomputation")
    match = stored_match(name)
    difference = WeightedDifference(covariates=COVARIATES[data], slopes="by_arm", cluster="set").fit(match, OUTCOME[data])
    means = GComputation(covariates=COVARIATES[data], form="linear", cluster="set").fit(match, OUTCOME[data])
    for found in (difference, means.difference):
        assert found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
        assert found.std_error == pytest.approx(stored["se"], rel=RTOL)
    assert means.treated - means.comparison == pytest.approx(difference.estimate)


@pytest.mark.parametrize("spec", ["nn", "nn_ratio2", "full_att", "full_ate"])
def test_risk_difference_and_risk_ratio_equal_those_of_r(spec):
    stored = reference(f"effect_generated_yb_{spec}_gcomputation")
    found = GComputation(covariates=COVARIATES["generated"], cluster="set").fit(stored_match(f"generated_{spec}"), "yb")
    assert (found.treated, found.comparison) == pytest.approx((stored["risk_treated"], stored["risk_comparison"]), rel=RTOL)
    for part, value, error in ((found.difference, "estimate", "se"), (found.log_ratio, "log_risk_ratio", "log_risk_ratio_se")):
        assert part.estimate == pytest.approx(stored[value], rel=RTOL)
        assert part.std_error == pytest.approx(stored[error], rel=RTOL)
    assert found.ratio[0] == pytest.approx(found.treated / found.comparison)


@pytest.mark.parametrize("name", [f"{data}_{spec}" for data in OUTCOME for spec in ("ps_att", "ps_ate", "ebal_att_moments1")])
def test_errors_after_weighting_equal_robust_ones_that_take_the_weights_as_known(name):
    data, stored = name.split("_")[0], reference(f"effect_weightit_{name}")
    match = weights_match(stored_match(f"{data}_nn").rows, weights_of(reference(f"weightit_{name}")), estimand="ATE" if "ate" in name else "ATT")
    found = WeightedDifference().fit(match, OUTCOME[data])
    n = len(match.rows)
    assert found.clusters == "units" and found.estimate == pytest.approx(stored["estimate"], rel=RTOL)
    assert found.std_error == pytest.approx(stored["se_hc0"] * np.sqrt(n / (n - 2)), rel=RTOL)


def test_the_difference_and_its_error_are_those_worked_out_by_hand():
    """Pairs (5, 3), (9, 4), (7, 6): differences 2, 5, 1, mean 8/3. Residuals add up in each pair to its difference less the mean, over 3 pairs:
    sum of squares (4 + 49 + 25) / 9 = 26/3; over 3 squared; times G/(G-1) = 3/2 and (n-1)/(n-k) = 5/4."""
    rows = small_table([1, 1, 1, 0, 0, 0], y=[5.0, 9.0, 7.0, 3.0, 4.0, 6.0])
    found = WeightedDifference().fit(pairs_match(rows, [0, 1, 2], [3, 4, 5]), "y")
    assert found.estimate == pytest.approx(8 / 3)
    assert found.std_error == pytest.approx(np.sqrt(26 / 3 / 9 * 3 / 2 * 5 / 4))
    assert (found.n_treated, found.n_comparison, found.n_clusters, found.df) == (3, 3, 3, 2)


def test_a_risk_ratio_without_covariates_is_that_of_the_two_by_two_table():
    """Risks 3/4 and 1/4: difference 1/2, ratio 3, odds ratio 9; log errors by units sqrt(1/3 - 1/4 + 1 - 1/4) but for the factor n/(n-2)."""
    rows = small_table([1] * 4 + [0] * 4, ill=[1, 1, 1, 0, 1, 0, 0, 0])
    found = GComputation(cluster="unit").fit(pairs_match(rows, [0, 1, 2, 3], [4, 5, 6, 7]), "ill")
    assert (found.difference.estimate, found.ratio[0], np.exp(found.log_odds_ratio.estimate)) == pytest.approx((0.5, 3.0, 9.0))
    assert found.log_ratio.std_error == pytest.approx(np.sqrt((1 / 3 - 1 / 4 + 1 - 1 / 4) * 8 / 6))
    assert found.log_odds_ratio.std_error == pytest.approx(np.sqrt((1 / 3 + 1 + 1 + 1 / 3) * 8 / 6))


@pytest.mark.parametrize("name", ["lalonde_nn_ratio2", "lalonde_full_ate", "generated_nn_sampling_weights"])
def test_entries_carry_the_weights_of_the_match_where_no_row_serves_two_sets(name):
    match = stored_match(name)
    data = MatchedOutcome.of(match, OUTCOME[name.split("_")[0]])
    assert data.weight == pytest.approx(match.weights()[data.unit])


@pytest.fixture(scope="module")
def reused():
    return stored_match("generated_nn_replace")


def test_a_constant_added_to_the_outcome_changes_nothing_and_a_scale_scales_it(reused):
    y = reused.rows.column("y")
    for spec in (WeightedDifference(covariates=("x1", "grp")), AbadieImbens(covariates=("x1", "grp"))):
        plain, moved = spec.fit(reused, y), spec.fit(reused, 100 - 3 * y)
        assert moved.estimate == pytest.approx(-3 * plain.estimate) and moved.std_error == pytest.approx(3 * plain.std_error)


@pytest.mark.parametrize("spec", [WeightedDifference(covariates=("x1", "grp"), slopes="by_arm"), AbadieImbens(covariates=("x1", "grp"))])
def test_the_order_of_rows_does_not_matter(spec):
    match = stored_match("generated_nn_replace")
    order = np.random.default_rng(1).permutation(len(match.rows))
    place = np.argsort(order)
    shuffled = pairs_match(match.rows.keep(order), place[match.treated[match.comparison_set]], place[match.comparison],
                           covariates=COVARIATES["generated"])
    one, two = spec.fit(match, "y"), spec.fit(shuffled, "y")
    assert (two.estimate, two.std_error) == pytest.approx((one.estimate, one.std_error))


def test_the_column_and_its_values_give_the_same_and_nothing_is_changed(reused):
    y = reused.rows.column("y").copy()
    assert WeightedDifference().fit(reused, "y") == WeightedDifference().fit(reused, y)
    assert (y == reused.rows.column("y")).all()


def test_the_effect_on_the_comparison_rows_averages_over_them():
    """Slope of y on x is 1 among the treated and 0 among the others: the effect at x is x, so 3 over the comparison rows, 2 over the treated."""
    rows = small_table([1, 1, 1, 0, 0, 0], x=[1.0, 2.0, 3.0, 2.0, 3.0, 4.0], y=[1.0, 2.0, 3.0, 0.0, 0.1, 0.0])
    spec = WeightedDifference(covariates=("x",), slopes="by_arm")
    for estimand, pairs, effect in (("ATC", ([3, 4, 5], [0, 1, 2]), 3.0), ("ATT", ([0, 1, 2], [3, 4, 5]), 2.0)):
        assert spec.fit(pairs_match(rows, *pairs, estimand=estimand), "y").estimate == pytest.approx(effect, abs=0.05)


def test_covariates_that_determine_each_other_are_left_out_and_named():
    match = stored_match("generated_nn")
    rows = match.rows
    table = small_table(rows.treated, x1=rows.column("x1"), grp=rows.column("grp"), twice=2 * rows.column("x1") + 1, one=np.full(len(rows), 0.1),
                        y=rows.column("y"))
    again = pairs_match(table, match.treated[match.comparison_set], match.comparison)
    plain, found = (WeightedDifference(covariates=names).fit(again, "y") for names in (("x1", "grp"), ("x1", "grp", "twice", "one")))
    assert (found.estimate, found.std_error) == pytest.approx((plain.estimate, plain.std_error))
    assert "twice, one left out" in found.method and "left out" not in plain.method


def test_rows_without_an_outcome_stop_the_estimate_or_take_their_set_out():
    y = [5.0, 9.0, 7.0, 3.0, 4.0, np.nan, 100.0]
    rows = small_table([1, 1, 1, 0, 0, 0, 0], y=y, z=[1.0, np.nan, 1.0, 1.0, 2.0, 1.0, 1.0])
    match = pairs_match(rows, [0, 1, 2], [3, 4, 5])
    with pytest.raises(EstimationError, match="1 of 6 lack one"):
        WeightedDifference().fit(match, "y")
    with pytest.raises(EstimationError, match="2 of 6 lack one"):
        WeightedDifference(covariates=("z",)).fit(match, "y")
    found = WeightedDifference(missing="complete_sets").fit(match, "y")
    assert found.estimate == pytest.approx(3.5) and found.n_treated == 2 and "1 of 3 sets left out" in found.method
    with pytest.raises(EstimationError, match="No set is complete"):
        WeightedDifference(missing="complete_sets").fit(match, np.full(7, np.nan))


def test_an_outcome_that_has_no_effect_to_estimate_is_refused():
    rows = small_table([1, 1, 0, 0], y=[1.0, 2.0, 3.0, 4.0], same=[2, 2, 2, 2], words=list("abcd"), ill=[1, 1, 0, 1])
    match = pairs_match(rows, [0, 1], [2, 3])
    for outcome, words in (("same", "must vary"), ("words", "must be numbers"), (np.ones(3), "one value for each of the 4 rows")):
        with pytest.raises(EstimationError, match=words):
            WeightedDifference().fit(match, outcome)
    with pytest.raises(EstimationError, match="0 and 1"):
        GComputation().fit(match, "y")
    with pytest.raises(EstimationError, match="all 2 matched treated rows"):
        GComputation().fit(match, "ill")
    with pytest.raises(PlanError, match="nowhere"):
        WeightedDifference().fit(match, "nowhere")


def test_covariates_that_decide_a_binary_outcome_are_refused():
    rows = small_table([1] * 4 + [0] * 4, ill=[1, 1, 0, 0] * 2, x=[3.0, 4.0, 1.0, 2.0] * 2)
    with pytest.raises(EstimationError, match="separation"):
        GComputation(covariates=("x",), slopes="common").fit(pairs_match(rows, range(4), range(4, 8)), "ill")


def test_a_match_without_comparison_rows_is_refused():
    rows, none = small_table([1, 1, 0], y=[1.0, 2.0, 3.0]), np.empty(0, dtype=int)
    empty = pairs_match(rows, none, none)
    for spec in (WeightedDifference(), GComputation(form="linear"), AbadieImbens()):
        with pytest.raises(CommonSupportError, match="no treated row"):
            spec.fit(empty, "y")


def test_one_cluster_or_no_spread_gives_a_reason_and_no_interval():
    rows = small_table([1, 1, 0, 0], y=[1.0, 2.0, 0.0, 1.0])
    for match, cluster, reason in (
            (pairs_match(rows, [0], [2]), "auto", "one cluster"), (strata_match(rows, [0, -1, 0, 0]), "auto", "one treated cluster"),
            (strata_match(rows, [0, 0, 0, 0]), "set", "one cluster"), (pairs_match(rows, [0, 1], [2, 3]), "set", "error of zero")):
        found = WeightedDifference(cluster=cluster).fit(match, "y")
        assert reason in found.reason and np.isnan(found.std_error) and np.isnan(found.lower) and found.method == "none" and found.estimate > 0


def test_a_ratio_of_means_below_zero_is_not_given():
    rows = small_table([1, 1, 0, 0], y=[1.0, 2.0, 0.0, -1.0])
    found = GComputation(form="linear", cluster="unit").fit(pairs_match(rows, [0, 1], [2, 3]), "y")
    assert found.difference.estimate == pytest.approx(2.0) and np.isnan(found.log_ratio.estimate) and "above 0" in found.log_ratio.reason


@pytest.mark.parametrize(("options", "words"), [({"slopes": "both"}, "slopes"), ({"cluster": "council"}, "cluster"), ({"missing": "drop"}, "missing"),
                                                ({"covariates": "x1"}, "must be a list")])
def test_options_that_are_none_are_refused(options, words):
    for spec in (WeightedDifference, GComputation):
        with pytest.raises(PlanError, match=words):
            spec(**options)
    with pytest.raises(PlanError, match="form"):
        GComputation(form="probit")


def test_sets_are_no_clusters_where_everyone_is_weighted():
    rows = small_table([1, 1, 0, 0], y=[1.0, 2.0, 0.0, 1.5])
    with pytest.raises(PlanError, match="weights everyone"):
        WeightedDifference(cluster="set").fit(weights_match(rows, np.ones(4)), "y")


def test_methods_are_said_in_words():
    assert WeightedDifference().in_words() == "difference in weighted means"
    assert WeightedDifference(covariates=("x1",), slopes="by_arm").in_words().endswith("on treatment, x1, with slopes by arm")
    assert "logit" in GComputation().in_words() and "no bias correction" in AbadieImbens().in_words()



RUNS, FIRST_SEED, EFFECT = 400, 5000, 1.0
NEAR_95 = 3 * np.sqrt(0.05 * 0.95 / RUNS)             # three binomial standard deviations
ON, OF = ("x1", "x2"), ("x1", "x2", "x1_squared")     # what is matched on, and what the outcome is linear in
METHODS = {
    "difference": WeightedDifference(), "adjusted": WeightedDifference(covariates=OF), "by arm": WeightedDifference(covariates=OF, slopes="by_arm"),
    "sets only": WeightedDifference(cluster="set"), "units only": WeightedDifference(cluster="unit"),
    "abadie": AbadieImbens(), "abadie corrected": AbadieImbens(covariates=ON), "abadie by score": AbadieImbens(variance="score"),
    "abadie constant": AbadieImbens(variance="constant"), "risk": GComputation(), "risk adjusted": GComputation(covariates=ON)}


def _simulated(seed, n=300):
    """Nearly half joins; the outcome bends in x1, the effect is 1; the risk of being ill rises by 5 to 15 points."""
    rng = np.random.default_rng(seed)
    x1, x2 = rng.normal(size=(2, n))
    joined = rng.random(n) < 1 / (1 + np.exp(0.3 - 0.9 * x1 - 0.5 * x2))
    y = 2 + x1 + x2 + 0.3 * x1**2 + EFFECT * joined + rng.normal(size=n)
    low, high = (1 / (1 + np.exp(-(start + 0.7 * x1 + 0.4 * x2))) for start in (-0.5, 0.1))
    ill = rng.random(n) < np.where(joined, high, low)
    return pd.DataFrame({"joined": joined, "x1": x1, "x2": x2, "x1_squared": x1**2, "y": y, "ill": ill.astype(int), "true": high - low})


@pytest.fixture(scope="module")
def simulated():
    """For each method with and without replacement: errors of its estimates, its standard errors, and whether its interval covers the truth."""
    found = {(replacement, name): [] for replacement in (False, True) for name in METHODS}
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        rows = Candidates.of_table(_simulated(seed), treated="joined")
        for replacement in (False, True):
            match = NearestNeighbour(covariates=ON, ratio=1, caliper=0.2, replacement=replacement).match(rows)
            for name, spec in METHODS.items():
                risk = isinstance(spec, GComputation)
                one, true = (spec.fit(match, "ill").difference, rows.column("true")[match.treated].mean()) if risk else (spec.fit(match, "y"), EFFECT)
                found[replacement, name].append((one.estimate - true, one.std_error, one.lower < true < one.upper))
    table = pd.DataFrame([(*key, np.mean(e), np.std(e), np.mean(s), np.mean(c)) for key, (e, s, c) in
                          ((key, zip(*values, strict=True)) for key, values in found.items())],
                         columns=["replacement", "method", "bias", "spread", "std_error", "covered"]).set_index(["replacement", "method"])
    print(table.round(3).to_string())
    return table


@pytest.mark.slow
@pytest.mark.parametrize(("replacement", "method"), [
    (False, "adjusted"), (False, "by arm"), (False, "risk adjusted"), (True, "adjusted"), (True, "by arm"),
    (True, "abadie"), (True, "abadie corrected"), (True, "abadie by score"), (True, "abadie constant"), (True, "risk"), (True, "risk adjusted")])
def test_intervals_cover_a_known_effect_about_nineteen_times_in_twenty(simulated, replacement, method):
    found = simulated.loc[(replacement, method)]
    assert abs(found["bias"]) < 3 * found["spread"] / np.sqrt(RUNS)
    assert found["covered"] == pytest.approx(0.95, abs=NEAR_95)
    assert found["std_error"] == pytest.approx(found["spread"], rel=0.12)      # the spread itself is known to 3.5%


@pytest.mark.slow
def test_clusters_of_sets_alone_are_too_sure_where_rows_serve_several_sets(simulated):
    wrong, right = simulated.loc[(True, "sets only")], simulated.loc[(True, "difference")]
    assert wrong["covered"] < 0.95 - 2 * NEAR_95 and wrong["std_error"] < 0.8 * wrong["spread"]
    assert right["covered"] > 0.95 - NEAR_95 and right["std_error"] > right["spread"]


@pytest.mark.slow
def test_what_a_caliper_leaves_unlike_biases_a_plain_difference_without_replacement(simulated):
    """Nearly half joins, so that partners are used up: the correction of covariates, not the error, is what mends it."""
    plain, adjusted = simulated.loc[(False, "difference")], simulated.loc[(False, "adjusted")]
    assert plain["bias"] > 5 * abs(adjusted["bias"]) and plain["covered"] < adjusted["covered"]
