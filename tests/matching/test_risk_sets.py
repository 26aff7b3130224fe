import numpy as np
import pytest

from evaluation.errors import CommonSupportError, PlanError
from evaluation.matching.risk_sets import candidates_of, history_mean, risk_sets, values_at
from evaluation.matching.score import Score
from evaluation.matching.strata import strata_of
from tests.matching.panels import panel_of

#        U0 joins at 1, U1 at 2, U2 never, U3 never but eligible from 2 only, U4 never and gone after 1
ENTRY, FIRST, LAST = [1, 2, -1, -1, -1], [0, 0, 0, 2, 0], [3, 3, 3, 3, 1]


def _rows(panel, **how):
    rows = risk_sets(panel, **how)
    return [(int(u), int(s), bool(t)) for u, s, t in zip(rows.unit, rows.entry, rows.treated, strict=True)]


def test_a_later_joiner_is_a_candidate_until_it_joins():
    assert _rows(panel_of(ENTRY, eligible_from=FIRST, eligible_to=LAST)) == [
        (0, 1, True), (1, 1, False), (2, 1, False), (4, 1, False),
        (1, 2, True), (2, 2, False), (3, 2, False)]


def test_families_must_have_been_eligible_before_the_entry_period():
    families = panel_of(ENTRY, eligible_from=FIRST, eligible_to=LAST, unit="family")
    assert (3, 2, False) not in _rows(families)
    assert (3, 2, False) in _rows(families, eligibility="at")


def test_a_panel_without_entries_or_without_others_is_refused():
    with pytest.raises(CommonSupportError, match="No unit enters"):
        risk_sets(panel_of([-1, -1]))
    with pytest.raises(CommonSupportError, match="at risk beside the 2"):
        risk_sets(panel_of([1, 1]))


def test_varying_covariates_are_taken_at_the_entry_period():
    needs = np.arange(20.0).reshape(5, 4)
    panel = panel_of(ENTRY, eligible_from=FIRST, eligible_to=LAST, varying={"needs": needs}, fixed=[10.0, 11, 12, 13, 14])
    rows = risk_sets(panel)
    assert values_at(panel, rows, "needs").tolist() == [1, 5, 9, 17, 6, 10, 14]
    assert values_at(panel, rows, "fixed").tolist() == [10, 11, 12, 14, 11, 12, 13]
    with pytest.raises(PlanError, match="'nonsense' is not. The panel has"):
        values_at(panel, rows, "nonsense")


def test_history_is_the_mean_of_what_was_observed_in_its_window():
    y = np.array([[1.0, 3.0, 100.0, 100.0], [np.nan, 5.0, 100.0, 100.0], [np.nan, np.nan, 100.0, 100.0]])
    panel = panel_of([2, -1, -1], {"y": y})
    x = candidates_of(panel).history("y", (-5, -1))
    assert x.tolist()[:2] == [2.0, 5.0] and np.isnan(x[2])
    with pytest.raises(PlanError, match="'z' is not one of y"):
        history_mean(panel, risk_sets(panel), "z", (-5, -1))


def test_strata_keep_entry_periods_and_missing_keys_apart():
    panel = panel_of([1, 2, -1, -1], key=["a", "a", "a", None])
    rows = candidates_of(panel)
    code = strata_of(rows, ("key",))
    same = [(int(u), int(s)) for u, s, c in zip(rows.unit, rows.period, code, strict=True) if c == code[0]]
    assert same == [(0, 1), (1, 1), (2, 1)]
    assert code[rows.unit == 3].tolist() == [-1, -1]
    as_level = strata_of(rows, ("key",), missing="level")
    assert (as_level >= 0).all() and len(set(as_level)) == 4


def test_the_pooled_score_equals_a_logit_with_period_dummies():
    import statsmodels.api as sm
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    panel = panel_of(np.where(rng.random(300) < 0.3, rng.integers(1, 4, 300), -1), x=x)
    rows = candidates_of(panel)
    fit = Score().fit(rows, x[rows.unit][:, None], ["x"]).model
    dummies = (rows.period[:, None] == [2, 3]).astype(float)
    design = sm.add_constant(np.column_stack([x[rows.unit], dummies]))
    theirs = sm.GLM(rows.treated.astype(float), design, family=sm.families.Binomial()).fit(tol=1e-13)
    assert fit.names == ("intercept", "x", "enters 2011-Q3", "enters 2011-Q4")
    np.testing.assert_allclose(fit.coefficients, theirs.params, rtol=1e-8, atol=1e-8)


def test_the_pool_never_joined_leaves_out_later_joiners():
    panel = panel_of([1, 2, -1, -1])
    assert sorted(zip(*(a.tolist() for a in (lambda r: (r.entry, r.unit))(risk_sets(panel))), strict=True)) == [
        (1, 0), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    rows = risk_sets(panel, pool="never_joined")
    assert sorted(zip(rows.entry.tolist(), rows.unit.tolist(), strict=True)) == [(1, 0), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
