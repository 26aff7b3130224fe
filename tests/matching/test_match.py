from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import PlanError
from evaluation.matching import MATCHERS, Candidates, NearestNeighbour
from evaluation.matching.balance import COLUMNS, weighted_variance
from evaluation.matching.risk_sets import candidates_of
from evaluation.matching.score import Score
from evaluation.matching.thresholds import Thresholds
from tests.matching.panels import simulated_panel

COVARIATES = ("age", "lone", "area")


def families(n=400, seed=2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, lone, area = rng.normal(30, 6, n), rng.integers(0, 2, n), rng.choice(["east", "north", "west"], n)
    joined = rng.random(n) < 1 / (1 + np.exp(2.2 - 0.08 * (age - 30) - 0.7 * lone - 0.5 * (area == "west")))
    return pd.DataFrame({"joined": joined, "age": age, "lone": lone, "area": area, "council": rng.choice(["E1", "E2", "E3"], n),
                         "sampling": rng.uniform(0.5, 2, n)})


@pytest.fixture(scope="module")
def match():
    return NearestNeighbour(covariates=COVARIATES, replacement=False, ratio=1).match(Candidates.of_table(families(), treated="joined"))


def test_the_table_of_every_fit_has_its_columns_and_agrees_with_the_full_one(match):
    short, full = match.balance(), match.diagnostics()
    assert tuple(short) == COLUMNS
    assert short["covariate"].tolist() == ["age", "lone", "area[north]", "area[west]", "linear predictor"]
    shared = full.set_index("covariate").loc[short["covariate"], list(COLUMNS[1:])].reset_index()
    pd.testing.assert_frame_equal(short, shared, check_exact=True)


def test_a_text_column_shows_every_level(match):
    table = match.diagnostics()
    assert table["covariate"].tolist() == ["age", "lone", "area[east]", "area[north]", "area[west]", "linear predictor"]
    assert table["type"].tolist() == ["number", "binary", "binary", "binary", "binary", "score"]
    shares = table.set_index("covariate").loc[["area[east]", "area[north]", "area[west]"]]
    assert shares[["mean_treated", "mean_comparison_before", "mean_treated_matched", "mean_comparison_after"]].sum().to_numpy() == pytest.approx(1)


def test_a_score_on_the_probability_is_called_so():
    score = Score(scale="probability")
    match = NearestNeighbour(covariates=COVARIATES, score=score).match(Candidates.of_table(families(), treated="joined"))
    assert match.balance()["covariate"].iloc[-1] == "probability"


def test_squares_and_products_are_added_before_the_score(match):
    table = match.diagnostics(squares=True, interactions=True)
    names = table["covariate"].tolist()
    assert names[5] == "age squared" and names[-1] == "linear predictor" and "age * area[west]" in names
    assert "area[east] * area[west]" not in names and "lone squared" not in names
    treated = match.rows.treated
    age = match.x[:, 0]
    assert table.set_index("covariate").loc["age squared", "mean_treated"] == pytest.approx((age[treated] ** 2).mean())


def test_balance_by_council_is_measured_in_deviations_of_all(match):
    table, whole = match.diagnostics(by="council"), match.diagnostics()
    assert list(table.columns[:2]) == ["council", "covariate"] and table["council"].unique().tolist() == ["E1", "E2", "E3"]
    age = table[table["covariate"] == "age"].set_index("council")
    assert age["sd"].tolist() == [whole["sd"].iloc[0]] * 3
    here, treated, x = match.rows.column("council") == "E2", match.rows.treated, match.x[:, 0]
    assert age.loc["E2", "smd_before"] == pytest.approx((x[here & treated].mean() - x[here & ~treated].mean()) / x[treated].std(ddof=1))
    assert age.loc["E2", "mean_comparison_after"] == pytest.approx(np.average(x[here & ~treated], weights=match.raw_weights()[here & ~treated]))


def test_rows_without_a_council_are_in_no_councils_balance():
    table = families()
    table.loc[::3, "council"] = None
    match = NearestNeighbour(covariates=COVARIATES).match(Candidates.of_table(table, treated="joined"))
    found = match.diagnostics(by="council")
    age = found[(found["council"] == "E1") & (found["covariate"] == "age")].iloc[0]
    assert age["mean_treated"] == pytest.approx(table.query("council == 'E1' and joined")["age"].mean())
    assert found["council"].unique().tolist() == ["E1", "E2", "E3"]
    assert age["sd"] == pytest.approx(table.query("joined")["age"].std())       # of the whole sample, those without a council among it


def test_balance_by_set_compares_the_members_of_each_set(match):
    table = match.diagnostics(by="set")
    assert table["sd"].iloc[0] == match.diagnostics()["sd"].iloc[0]
    score = table[table["type"] == "score"].set_index("set")
    pairs = match.pairs().set_index("set")
    assert (score["mean_treated"] - score["mean_comparison_after"]).abs().to_numpy() == pytest.approx(pairs["distance"].loc[score.index].to_numpy())


def test_balance_by_set_is_refused_where_rows_are_in_several():
    match = NearestNeighbour(covariates=COVARIATES, replacement=True, ratio=3).match(Candidates.of_table(families(), treated="joined"))
    with pytest.raises(PlanError, match="in one set"):
        match.diagnostics(by="set")


def test_a_stratum_that_is_no_column_and_distances_by_stratum_are_refused(match):
    with pytest.raises(PlanError, match="'town' is not one of joined"):
        match.diagnostics(by="town")
    with pytest.raises(PlanError, match="by 'council'"):
        match.diagnostics(by="council", pair_distances=True)
    with pytest.raises(PlanError, match="of a weighting"):
        replace(match, kind="weights").diagnostics(pair_distances=True)


def test_the_pair_distance_of_the_score_is_the_mean_of_the_pairs_over_its_deviation(match):
    line = match.diagnostics(pair_distances=True).set_index("covariate").loc["linear predictor"]
    assert line["pair_distance"] == pytest.approx(match.pairs()["distance"].mean() / match.score[match.rows.treated].std(ddof=1))


def test_sampling_weights_count_before_and_after():
    table = families()
    rows = Candidates.of_table(table, treated="joined", weights="sampling")
    match = NearestNeighbour(covariates=COVARIATES).match(rows)
    line, treated, w = match.diagnostics().iloc[0], rows.treated, table["sampling"].to_numpy()
    age = table["age"].to_numpy()
    after = match.raw_weights() * w
    assert line["mean_comparison_before"] == pytest.approx(np.average(age[~treated], weights=w[~treated]))
    assert line["mean_comparison_after"] == pytest.approx(np.average(age[~treated], weights=after[~treated]))
    assert line["sd"] == pytest.approx(np.sqrt(weighted_variance(age[treated], w[treated])))
    sizes = match.sample_sizes()
    assert sizes.loc["all (effective)", "comparison"] == pytest.approx(w[~treated].sum() ** 2 / (w[~treated] ** 2).sum())


def test_before_matching_risk_sets_count_as_their_treated_units_do():
    rows = candidates_of(simulated_panel(300))
    match = NearestNeighbour(covariates=("x", "b")).match(rows)
    x, period = rows.column("x"), rows.period
    periods = np.unique(period[rows.treated])
    by_hand = np.average([x[(period == s) & ~rows.treated].mean() for s in periods], weights=[(rows.treated & (period == s)).sum() for s in periods])
    assert match.diagnostics()["mean_comparison_before"].iloc[0] == pytest.approx(by_hand)


def test_rows_that_lack_a_covariate_are_in_no_measure():
    table = families()
    table.loc[::7, "age"] = np.nan
    match = NearestNeighbour(covariates=COVARIATES).match(Candidates.of_table(table, treated="joined"))
    found = match.diagnostics(squares=True, interactions=True, overlap=True, pair_distances=True)
    assert found.drop(columns=["variance_ratio_before", "variance_ratio_after"]).notna().all(axis=None)
    assert found["mean_treated"].iloc[1] == pytest.approx(table.dropna(subset="age").query("joined")["lone"].mean())
    assert "lone squared" not in found["covariate"].tolist()


def test_every_row_is_matched_unmatched_or_discarded(match):
    sizes = match.sample_sizes()
    assert (sizes.loc["matched"] + sizes.loc["unmatched"] + sizes.loc["discarded"] == sizes.loc["all"]).all()
    assert sizes.loc["matched", "treated"] == match.n_sets == sizes.loc["matched (effective)", "treated"]


def test_a_match_without_covariates_and_score_has_an_empty_table(match):
    bare = replace(match, x=match.x[:, :0], names=(), score=np.full(len(match.rows), np.nan))
    assert len(bare.balance()) == 0 and tuple(bare.balance()) == COLUMNS
    assert Thresholds().judge(bare.diagnostics()).passed


def test_what_a_notebook_prints_is_one_line():
    table = pd.DataFrame({"joined": [1, 1, 0, 0], "x": [1.0, 2.0, 1.0, 3.0]})
    rows = Candidates.of_table(table, treated="joined")
    assert repr(rows) == "<Candidates: 4 rows, 2 treated, 1 entry period>"
    match = MATCHERS["exact"](covariates=("x",)).match(rows)
    assert repr(match).startswith("<Match: 1 of 2 treated rows in 1 set (strata, ATT); exact matching")
    sample = MATCHERS["nearest_neighbour"](covariates=("x",)).fit(simulated_panel(100))
    assert repr(sample).startswith("<MatchedSample: ") and "\n" not in repr(sample)
