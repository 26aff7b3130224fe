import numpy as np
import pandas as pd
import pytest

from evaluation.errors import PlanError
from evaluation.matching.candidates import Candidates, formula_columns

TABLE = pd.DataFrame({
    "joined": [1, 0, 1, 0, 1, 0], "age": [30.0, 20.0, np.nan, 50.0, 40.0, 35.0], "poor": [1, 0, 1, 1, 0, 0], "area": ["n", "s", "s", None, "e", "n"],
    "visits": pd.array([1, 2, None, 4, 5, 6], dtype="Int64"), "works": [True, None, False, True, True, False], "born": pd.Timestamp("2020-01-01"),
    "kind": pd.Categorical(list("ababab"), categories=list("abz")), "same": "x", "an odd name": [1.0, 2, 3, 4, 5, 6],
})
ROWS = Candidates.of_table(TABLE, treated="joined")


def test_text_becomes_an_indicator_of_each_level_but_the_first_and_a_gap_stays_a_gap():
    x, names = ROWS.matrix(["age", "area"])
    assert names == ("age", "area[n]", "area[s]")
    np.testing.assert_array_equal(x[:, 1:], [[1, 0], [0, 1], [0, 1], [np.nan, np.nan], [0, 0], [1, 0]])
    assert ROWS.matrix(["area"], full=True)[1] == ("area[e]", "area[n]", "area[s]")


def test_whole_numbers_and_yes_or_no_with_gaps_are_numbers():
    x, names = ROWS.matrix(["visits", "works"])
    assert names == ("visits", "works")
    np.testing.assert_array_equal(x, [[1, 1], [2, np.nan], [np.nan, 0], [4, 1], [5, 1], [6, 0]])


def test_a_category_nobody_has_makes_no_column_and_a_constant_text_is_kept_to_be_named():
    assert ROWS.matrix(["kind", "same"])[1] == ("kind[b]", "same[x]")


def test_no_columns_make_a_matrix_without_columns():
    x, names = ROWS.matrix([])
    assert x.shape == (6, 0) and names == ()


def test_dates_and_identifiers_are_no_covariates():
    with pytest.raises(PlanError, match="'born' holds dates or times. Derive a number"):
        ROWS.matrix(["born"])
    many = Candidates.of_table(pd.DataFrame({"joined": np.arange(1500) % 2, "id": [f"U{i}" for i in range(1500)]}), treated="joined")
    with pytest.raises(PlanError, match="'id' has 1,500"):
        many.matrix(["id"])


@pytest.mark.parametrize("formula, names", [
    ("age + area", ("age", "area[T.n]", "area[T.s]")),
    ("age + I(age**2)", ("age", "I(age ** 2)")),
    ("poor * age", ("poor", "age", "poor:age")),
    ("C(poor)", ("C(poor)[T.1]",)),
    ("log(age)", ("log(age)",)),
    ("center(age) + kind", ("center(age)", "kind[T.b]")),
    ("`an odd name` + I(`an odd name`**2)", ("an odd name", "I(`an odd name` ** 2)")),
    ("visits", ("visits",)),
])
def test_a_formula_gives_its_columns_and_a_gap_in_any_makes_the_row_a_gap(formula, names):
    x, labels = ROWS.of_formula(formula)
    assert labels == names and x.shape == (6, len(names))
    used = TABLE[list(formula_columns(formula))]
    np.testing.assert_array_equal(np.isnan(x).any(axis=1), used.isna().any(axis=1))
    np.testing.assert_array_equal(np.isnan(x).all(axis=1), used.isna().any(axis=1))


def test_transforms_of_a_formula_have_the_values_they_say():
    age = TABLE["age"].to_numpy()
    x, _ = ROWS.of_formula("I(age**2) + log(age) + center(age) + poor:age")
    np.testing.assert_allclose(x, np.column_stack([age**2, np.log(age), age - np.nanmean(age), age * TABLE["poor"]]))


def test_a_transform_without_a_value_is_a_gap():
    x, _ = ROWS.of_formula("log(poor)")
    np.testing.assert_array_equal(x[:, 0], [0, np.nan, 0, 0, np.nan, np.nan])


def test_a_formula_knows_its_columns_inside_transforms():
    assert formula_columns("a + center(b) + I(c**2) + log(`d e`) + C(f, contr.sum):g") == ("a", "b", "c", "d e", "f", "g")


@pytest.mark.parametrize("formula, why", [
    ("age +", "cannot be read"), ("age ~ poor", "several parts"), ("joined ~ age", "column of treatment"),
    ("age | poor", "several parts"), ("0 + age", "take `0 \\+` or `- 1` out"),
    ("age - 1", "take `0 \\+` or `- 1` out"), ("age**2", r"write I\(age\*\*2\)"), ("lag(age)", "no transform that is known"),
    ("I(__import__('os').getpid())", "no transform that is known"),
    ("age + nonsense", "'nonsense' is not"), ("scale(nonsense)", "'nonsense' is not"),
    ("ROWS", "'ROWS' is not"), ("unknown(age)", "no transform that is known"),
])
def test_a_formula_that_cannot_be_meant_is_refused(formula, why):
    with pytest.raises(PlanError, match=why):
        ROWS.of_formula(formula)
