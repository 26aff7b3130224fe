"""What an independent reviewer found wrong, and how it is right."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import CommonSupportError, EvaluationError, PlanError
from evaluation.matching import MATCHERS, Candidates, CoarsenedExact, FullMatching, NearestNeighbour, Score
from evaluation.matching.matcher import KnownScore
from evaluation.models import MatchedDiD, by_council, overall
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.valid import assert_valid_sample


def weighted_panel(**changes):
    """Two treated units of different councils and weights in one exact stratum, two comparison units."""
    y = np.zeros((6, 4))
    y[0, 2:], y[1, 2:] = 1.0, 3.0
    return panel_of([2, 2, -1, -1, -1, -1], {"y": y}, councils=["A", "B", "C", "C", "C", "C"], w=[2.0, 1.0, 1.0, 3.0, 1.0, 1.0],
                    x=[0.0, 0.0, 0.0, 0.0, 1.0, 1.0], **changes)


def test_a_councils_effect_is_the_mean_of_its_own_treated_whatever_their_weights():
    sample = MATCHERS["exact"](covariates=("x",), sampling_weights="w").fit(weighted_panel())
    effects = MatchedDiD(base=-1, window=(-2, 1), anticipation=0).fit(sample, "y")
    found = by_council(effects, quarters=(0, 1)).set_index("council_code")["estimate"]
    assert found["A"] == pytest.approx(1.0) and found["B"] == pytest.approx(3.0)
    assert overall(effects, quarters=(0, 1)).estimate == pytest.approx((2 * 1 + 1 * 3) / 3)


@pytest.mark.parametrize("name", ["nearest_neighbour", "subclassification", "inverse_probability"])
def test_the_effect_on_some_treated_equals_that_of_a_sample_of_them(name):
    """Estimates and errors: in every cell the comparison rows' mean is that of the sets concerned."""
    panel = simulated_panel(600, councils=3, missing=0.05, seed=8)
    effects = MatchedDiD(base=-4, window=(-6, 4)).fit(sample := MATCHERS[name](covariates=("x",)).fit(panel), "y")
    council = panel.units["council_code"].to_numpy()
    table = by_council(effects, quarters=(1, 4), cohorts=None).set_index("council_code")
    assert len(table) == 3
    for code, row in table.iterrows():
        own = MatchedDiD(base=-4, window=(-6, 4)).fit(sample.keep(council[sample.treated_unit] == code), "y")
        alone = overall(own, quarters=(1, 4), cohorts=None)
        assert row["estimate"] == pytest.approx(alone.estimate, rel=1e-10)
        assert row["std_error"] == pytest.approx(alone.std_error, rel=2e-3)        # CR1's factor counts the clusters of all rows, or of some


def test_a_panels_balance_is_that_of_the_weights_its_effects_use():
    sample = MATCHERS["exact"](covariates=("x",), sampling_weights="w").fit(weighted_panel())
    line = sample.balance.set_index("covariate").loc["x"]
    weighted = np.average(sample.panel.units["x"].to_numpy()[sample.comparison_unit], weights=sample.comparison_weight)
    assert line["mean_treated"] == line["mean_comparison_after"] == weighted == 0.0


def test_rows_without_a_covariate_do_not_thin_out_their_period_before_matching():
    table = pd.DataFrame({"joined": [1, 1, 0, 0, 0], "x": [1.0, 2.0, 5.0, np.nan, np.nan]})
    match = NearestNeighbour(covariates=("x",), caliper=None, score=Score(scale="probability")).match(
        Candidates.of_table(table, treated="joined"), known=KnownScore(value=np.zeros(5)))
    assert match.before().tolist() == [1.0, 1.0, 2.0, 0.0, 0.0]


def test_tiers_are_refused_for_the_effect_on_all():
    with pytest.raises(PlanError, match="`matching.tiers` is for the effect on one side"):
        FullMatching(covariates=("x",), estimand="ATE", tiers=("council",))


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_caliper_on_a_count_does_not_hang_on_the_order_of_rows(order):
    n = 100_010
    table = pd.DataFrame({"count": np.repeat([0, 1, 2], [60_000, 40_000, 10]), "x": np.arange(n) / n, "joined": np.arange(n) % 50 == 0}).iloc[order]
    match = NearestNeighbour(covariates=("x",), covariate_calipers={"count": 1}, ratio=1).match(
        Candidates.of_table(table.reset_index(drop=True), treated="joined"), known=KnownScore(value=table["x"].to_numpy()))
    assert len(match.treated) == 2001


@pytest.mark.parametrize("name", ["entry", "eligible_to", "unit_id"])
def test_what_could_not_be_known_then_is_refused(name):
    with pytest.raises(PlanError, match="must be known when a unit could have joined"):
        NearestNeighbour(covariates=("x", name)).fit(simulated_panel(50))


def test_two_columns_of_one_name_are_refused():
    table = pd.DataFrame({"joined": [1, 0, 0], "g": ["a", "b", "c"], "g[b]": [0.1, 0.2, 0.3]})
    with pytest.raises(PlanError, match=r"g\[b\] would stand twice"):
        CoarsenedExact(covariates=("g", "g[b]")).match(Candidates.of_table(table, treated="joined"))
    with pytest.raises(PlanError, match="is there 2 times"):
        CoarsenedExact(covariates=("g",)).match(Candidates.of_table(pd.concat([table, table[["g"]]], axis=1), treated="joined"))


@pytest.mark.parametrize("name", list(MATCHERS))
def test_a_covariate_that_nobody_has_is_named(name):
    table = pd.DataFrame({"joined": [1, 0, 0, 1], "x": [np.nan] * 4})
    with pytest.raises(CommonSupportError, match=r"none of the 2 treated rows has \(of 4 rows these lack: x 4\)"):
        MATCHERS[name](covariates=("x",)).match(Candidates.of_table(table, treated="joined"))


def test_a_caliper_column_with_gaps_leaves_rows_out_for_that_reason():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"joined": [1, 0] * 20, "x": rng.normal(size=40), "z": np.arange(40.0)})
    table.loc[[0, 3], "z"] = np.nan
    table.loc[5, "z"] = np.inf
    match = NearestNeighbour(covariates=("x",), covariate_calipers={"z": 3}, caliper=None).match(Candidates.of_table(table, treated="joined"))
    assert match.audit().set_index("outcome")["count"]["covariate_missing"] == 1
    assert match.notes == ("3 of 40 candidate rows lack a covariate and were left out (z 3).",)


def test_a_key_that_is_missing_everywhere_is_told():
    table = pd.DataFrame({"joined": [1, 0, 0, 1], "x": [0.1, 0.2, 0.3, 0.25], "key": [None] * 4})
    with pytest.raises(CommonSupportError, match=r"\(2 stratum missing\)\. Take the columns that are not known out of `matching.exact`"):
        NearestNeighbour(covariates=("x",), exact=("key",)).match(Candidates.of_table(table, treated="joined"))


@pytest.mark.parametrize("near", [(0.3, 0.2), (0.4, 0.3), (1.1, 1.0)])
def test_a_calipers_bound_is_inside_whatever_the_last_digits(near):
    table = pd.DataFrame({"joined": [1, 0], "z": near, "x": near}).assign(x=[0.0, 0.0])
    table = pd.concat([table, pd.DataFrame({"joined": [0], "z": [9.0], "x": [0.0]})], ignore_index=True)
    match = NearestNeighbour(covariates=("x",), covariate_calipers={"z": 0.1}, covariate_caliper_unit="absolute", caliper=None).match(
        Candidates.of_table(table, treated="joined"), known=KnownScore(value=np.zeros(3)))
    assert match.comparison.tolist() == [1]


@pytest.mark.parametrize("ids", [["a", 1, "b"], ["a", None, "b"]])
def test_identifiers_that_have_no_order_are_refused(ids):
    with pytest.raises(PlanError, match="Identifiers must all be known"):
        Candidates.of_table(pd.DataFrame({"joined": [1, 0, 0], "who": ids}), treated="joined", id="who")


@pytest.mark.parametrize("wrong", [{"ratio": "2"}, {"ratio": 1.5}, {"caliper": "0.2"}, {"seed": -1}, {"seed": None}, {"covariate_calipers": ["z"]},
                                   {"history_window": (-3,)}, {"reuse_max": 1.5}])
def test_options_of_the_wrong_kind_are_refused_in_words(wrong):
    with pytest.raises(EvaluationError, match=f"`matching.{next(iter(wrong))}`"):
        NearestNeighbour(covariates=("x",), **wrong)


def test_sampling_weights_in_text_are_refused():
    with pytest.raises(PlanError, match="Sampling weights must be numbers above 0: 3 of 3"):
        Candidates.of_table(pd.DataFrame({"joined": [1, 0, 0], "w": ["1", "2", "x"]}), treated="joined", weights="w")


def test_a_selection_is_not_called_balanced_where_nothing_says_how_far_apart_means_are():
    table = pd.DataFrame({"joined": [1, 0], "x": [0.0, 1.6]})
    with pytest.raises(CommonSupportError, match="needs a side on which x varies"):
        MATCHERS["cardinality"](covariates=("x",)).match(Candidates.of_table(table, treated="joined"))


def test_an_outcome_of_true_and_false_with_gaps_is_numbers():
    from evaluation.models import WeightedDifference

    moved = pd.array([True, False, None, True, True, True])
    table = pd.DataFrame({"joined": [1, 0, 1, 0, 1, 0], "x": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0], "moved": moved})
    match = MATCHERS["exact"](covariates=("x",)).match(Candidates.of_table(table, treated="joined"))
    assert WeightedDifference(missing="complete_sets").fit(match, "moved").estimate == pytest.approx(0.5)


def test_a_table_of_balance_by_a_column_of_its_own_name_is_refused():
    table = pd.DataFrame({"joined": [1, 0, 1, 0], "x": [1.0, 1.0, 2.0, 2.0], "type": list("abab")})
    match = MATCHERS["exact"](covariates=("x",)).match(Candidates.of_table(table, treated="joined"))
    with pytest.raises(PlanError, match="column 'type' of its own"):
        match.diagnostics(by="type")


def test_sampling_weights_of_a_panel_are_shared_out_inside_every_set():
    # treated rows of weights 2 and 1; comparison rows of weights 1 and 3 share those 3 as 0.75 and 2.25
    sample = MATCHERS["exact"](covariates=("x",), sampling_weights="w").fit(weighted_panel())
    assert sample.treated_weight.tolist() == [2.0, 1.0]
    assert dict(zip(sample.comparison_unit.tolist(), sample.comparison_weight.tolist(), strict=True)) == {2: 0.75, 3: 2.25}
    panel = simulated_panel(300, seed=3)
    panel = panel_of(panel.entry, panel.outcomes, unit="family", councils=panel.units["council_code"], eligible_from=panel.units["eligible_from"],
                     x=panel.units["x"], w=np.random.default_rng(3).uniform(0.5, 3.0, len(panel)))
    for name in ("nearest_neighbour", "full", "subclassification", "inverse_probability", "entropy_balancing"):
        sample = MATCHERS[name](covariates=("x",), sampling_weights="w").fit(panel)
        assert_valid_sample(sample)
        x, line = panel.units["x"].to_numpy(), sample.balance.set_index("covariate").loc["x"]
        assert line["mean_comparison_after"] == pytest.approx(np.average(x[sample.comparison_unit], weights=sample.comparison_weight))
        assert line["mean_treated_matched"] == pytest.approx(np.average(x[sample.treated_unit], weights=sample.treated_weight))
