"""Subgroups that a plan names: their labels, and what is refused."""

import numpy as np
import pytest

from evaluation.dictionary import load_dictionary
from evaluation.errors import PlanError
from evaluation.pipeline.receive import check_names
from evaluation.pipeline.subgroups import band, words_of
from evaluation.plan import read_plan
from evaluation.plan.question import SubgroupPlan
from tests.matching.panels import panel_of
from tests.pipeline.conftest import small_plan


@pytest.mark.parametrize(("value", "words"), [(4, "under 5"), (5, "5 to under 11"), (10.9, "5 to under 11"), (11, "11 and over")])
def test_a_value_falls_into_one_band(value, words):
    assert band(value, (5, 11)) == words


def test_groups_are_told_in_words_and_what_is_not_known_is_none():
    kind = np.array(["a", "b", None, "a"], dtype=object)
    panel = panel_of(np.full(4, -1), {"y": np.zeros((4, 3))}, yes=np.array([1.0, 0.0, np.nan, 1.0]), kind=kind)
    assert words_of(SubgroupPlan(column="yes"), panel) == ["yes", "no", None, "yes"]
    assert words_of(SubgroupPlan(column="kind"), panel) == ["a", "b", None, "a"]
    assert words_of(SubgroupPlan(column="yes", bands=(1,)), panel) == ["1 and over", "under 1", None, "1 and over"]


def test_a_column_that_does_not_exist_and_bands_out_of_order_are_refused(tmp_path):
    def asked(groups):
        return read_plan(small_plan(tmp_path, lambda plan: plan.update(subgroups=groups)))
    assert [one.column for one in asked(["lone_parent", {"column": "age_youngest", "bands": [5]}]).subgroups] == ["lone_parent", "age_youngest"]
    with pytest.raises(PlanError, match="'lone_parnt' is no column; did you mean 'lone_parent'"):
        check_names(asked(["lone_parnt"]), load_dictionary())
    with pytest.raises(PlanError, match=r"bands \[11.0, 5.0\] must rise"):
        asked([{"column": "age_youngest", "bands": [11, 5]}])
