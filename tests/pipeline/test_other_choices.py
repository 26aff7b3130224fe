"""A plan with other choices than the demonstration's: the table of base periods says only what was estimated."""

from __future__ import annotations

import pytest

from evaluation.pipeline.recipe import evaluate, release
from evaluation.plan import read_plan
from tests.pipeline.conftest import small_plan


@pytest.mark.parametrize(("estimator", "n_bases"), [({"base": -4, "anticipation": 2}, 4), ({"method": "group_time"}, 0)])
def test_every_base_that_can_be_moved_has_a_row_of_its_own(tmp_path, dictionary, estimator, n_bases):
    path = small_plan(tmp_path, lambda plan: plan.update(estimator={"permutations": 0} | estimator))
    contents, *_ = release(evaluate(read_plan(path), tmp_path, dictionary, tmp_path, lambda text: None), (), analysis_hash="0" * 64)
    content = next(content for content in contents if content.council.code == "E06000022")
    rows = [row for table in content.tables if table.id == "base-periods" for row in table.rows if row[0].startswith("Unauthorised absence: ")]
    assert any(outcome.effect is not None for outcome in content.outcomes)
    assert len(rows) == n_bases == len({row[1] for row in rows})
