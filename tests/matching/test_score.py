import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.matching.candidates import Candidates
from evaluation.matching.propensity import LINKS, fit_binary, fit_logit
from evaluation.matching.risk_sets import candidates_of
from evaluation.matching.score import FLOOR, SCORE_DECIMALS, Score
from tests.matching.panels import simulated_panel
from tests.matching.references import COVARIATES, data_of

TABLE = data_of("generated")
ROWS = Candidates.of_table(TABLE, treated="treat", id="id")
X, NAMES = ROWS.matrix(COVARIATES["generated"])
BOOSTED = {"model": "GradientBoostingClassifier", "options": {"n_estimators": 20, "subsample": 0.5}}


@pytest.mark.parametrize("link", list(LINKS))
def test_a_link_is_matched_on_its_linear_predictor_or_its_probability(link):
    known = fit_binary(X, ROWS.treated, names=NAMES, link=link)
    for scale, value in (("linear", known.linear_predictor), ("probability", known.probability)):
        score = Score(model=link, scale=scale)
        fit = score.fit(ROWS, X, NAMES)
        np.testing.assert_array_equal(fit.value, np.round(value, SCORE_DECIMALS))
        np.testing.assert_array_equal(fit.probability, known.probability)
        np.testing.assert_allclose(score.probability_of(fit.value), fit.probability, atol=1e-10)
        assert fit.model.table()["covariate"].tolist() == ["intercept", *NAMES]


def test_entry_periods_have_effects_of_their_own_in_any_model():
    rows = candidates_of(simulated_panel(300))
    x, names = rows.matrix(["x"])
    model = Score().fit(rows, x, names).model
    periods = np.unique(rows.period)
    indicators = (rows.period[:, None] == periods[1:]).astype(float)
    expected = fit_logit(np.column_stack([x, indicators]), rows.treated, names=[str(k) for k in range(len(periods))])
    np.testing.assert_allclose(model.coefficients, expected.coefficients, atol=1e-8)
    assert model.names[2] == f"enters {rows.label(periods[1])}"
    assert np.isfinite(Score(**BOOSTED).fit(rows, x, names).value).all()


def test_a_classifier_gives_log_odds_of_probabilities_kept_off_zero_and_one():
    fit = Score(model="DecisionTreeClassifier").fit(ROWS, X, NAMES)
    assert fit.probability.min() == pytest.approx(FLOOR) and fit.probability.max() == pytest.approx(1 - FLOOR)
    np.testing.assert_allclose(fit.value, np.log(fit.probability / (1 - fit.probability)), atol=1e-9)
    assert fit.model is None


def test_an_unpenalised_logistic_regression_of_scikit_learn_is_the_logit():
    fit = Score(model="LogisticRegression", options={"C": np.inf, "tol": 1e-10}).fit(ROWS, X, NAMES)
    np.testing.assert_allclose(fit.value, Score().fit(ROWS, X, NAMES).value, atol=1e-5)


def test_a_classifier_depends_on_its_seed_and_not_on_the_order_of_rows():
    fit = Score(**BOOSTED, seed=1).fit(ROWS, X, NAMES)
    order = np.random.default_rng(0).permutation(len(ROWS))
    shuffled = Candidates.of_table(TABLE.iloc[order].reset_index(drop=True), treated="treat", id="id")
    np.testing.assert_allclose(Score(**BOOSTED, seed=1).fit(shuffled, X[order], NAMES).value, fit.value[order], atol=1e-9)
    assert not np.allclose(Score(**BOOSTED, seed=2).fit(ROWS, X, NAMES).value, fit.value)


def test_a_classifier_does_not_depend_on_units_of_measurement():
    known = Score(model="LogisticRegression").fit(ROWS, X, NAMES).value
    np.testing.assert_allclose(Score(model="LogisticRegression").fit(ROWS, X * 1000 + 5, NAMES).value, known, atol=1e-6)


def test_sampling_weights_reach_a_classifier_or_are_refused():
    weighted = Candidates.of_table(TABLE, treated="treat", weights="sw")
    plain, heavy = (Score(model="LogisticRegression").fit(rows, X, NAMES).value for rows in (ROWS, weighted))
    assert not np.allclose(plain, heavy)
    with pytest.raises(PlanError, match="KNeighborsClassifier does not. Name another"):
        Score(model="KNeighborsClassifier").fit(weighted, X, NAMES)


def test_cross_fitting_scores_each_part_of_the_units_by_a_model_of_the_others():
    panel = simulated_panel(300)
    rows = candidates_of(panel)
    x, names = rows.matrix(["x", "b"])
    score = Score(folds=3, seed=5)
    fit = score.fit(rows, x, names)
    assert fit.model is None
    units, of = np.unique(rows.id, return_inverse=True)
    part = (np.random.default_rng(5).permutation(len(units)) % 3)[of]
    out = part == 1
    design = np.column_stack([x, (rows.period[:, None] == np.unique(rows.period)[1:]).astype(float)])
    other = fit_logit(design[~out], rows.treated[~out], names=[str(k) for k in range(design.shape[1])])
    np.testing.assert_allclose(fit.value[out], other.predict(design[out]), atol=1e-8)
    order = np.random.default_rng(1).permutation(len(rows))
    np.testing.assert_allclose(score.fit(rows.keep(order), x[order], names).value, fit.value[order], atol=1e-8)


def test_cross_fitting_keeps_a_flexible_classifier_from_knowing_the_answer():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=400), "joined": rng.random(400) < 0.4})
    rows = Candidates.of_table(table, treated="joined")
    seen, fair = (Score(model="RandomForestClassifier", options={"n_estimators": 30}, folds=folds).fit(rows, *rows.matrix(["x"])).probability
                  for folds in (1, 5))
    gap = [p[rows.treated].mean() - p[~rows.treated].mean() for p in (seen, fair)]
    assert gap[0] > 0.4 and abs(gap[1]) < 0.1


@pytest.mark.parametrize("wrong, why", [
    ({"model": "logitt"}, "Did you mean logit"), ({"model": "GradientBoosting"}, "Did you mean"), ({"scale": "log"}, "must be linear or probability"),
    ({"model": "LinearSVC"}, "must give probabilities"), ({"model": "VotingClassifier"}, "needs 'estimators'"),
    ({"model": "LogisticRegression", "options": {"max_itr": 5}}, "'max_itr' is not. Did you mean max_iter"),
    ({"options": {"C": 1.0}}, "the model logit has none"), ({"folds": 0}, "folds"),
])
def test_a_score_that_cannot_be_meant_is_refused_when_it_is_made(wrong, why):
    with pytest.raises(PlanError, match=why):
        Score(**wrong)


def test_an_option_of_a_wrong_size_is_refused_in_scikit_learns_words():
    with pytest.raises(PlanError, match="The 'C' parameter of LogisticRegression must be"):
        Score(model="LogisticRegression", options={"C": -1}).fit(ROWS, X, NAMES)


def test_a_classifier_that_does_not_settle_is_refused():
    with pytest.raises(EstimationError, match="MLPClassifier did not. Raise `max_iter`"):
        Score(model="MLPClassifier", options={"max_iter": 2}).fit(ROWS, X, NAMES)


@pytest.mark.parametrize("score, words", [
    (Score(), "the linear predictor of a logit of entry"), (Score(scale="probability"), "the probability of entry of a logit"),
    (Score(model="cloglog", folds=5), "the linear predictor of a complementary log-log model of entry, cross-fitted in 5 parts of the units"),
    (Score(model="LogisticRegression"), "coefficients shrunk by a penalty, C = 1"),
    (Score(model="LogisticRegression", options={"C": float("inf")}), "no penalty"),
    (Score(**BOOSTED), "n_estimators = 20, subsample = 0.5; standardised covariates; probabilities kept between 0.000001 and 0.999999"),
])
def test_it_says_what_it_is(score, words):
    assert words in score.in_words()
    assert score.in_plain_words().startswith("The score is the ")
