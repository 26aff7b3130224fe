"""A plan with other choices than the demonstration's: the table of base periods, and the rule on comparison families that join later."""

from __future__ import annotations

import pytest

from evaluation.errors import PlanError
from evaluation.models import MatchedDiD, overall
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


def test_a_plan_may_weight_the_comparison_families_that_have_not_joined(tmp_path, dictionary):
    path = small_plan(tmp_path, lambda plan: plan["comparison"].update(on_later_entry="weight"))
    analysis = evaluate(read_plan(path), tmp_path, dictionary, tmp_path, lambda text: None)
    found = analysis.studies["any_offence"].numbers.effect.estimate
    fits = (MatchedDiD(on_later_entry=rule).fit(analysis.sample, "any_offence") for rule in ("censor", "weight"))
    censored, weighted = (overall(one).estimate for one in fits)
    assert found == pytest.approx(weighted) and found != pytest.approx(censored)
    contents, *_ = release(analysis, (), analysis_hash="0" * 64)
    who = dict(next(iter(contents)).methods)["Who is compared"]
    assert "From their own later entry they are left out. The others then count by the inverse of their chance of not having joined" in who


def test_a_council_without_programme_families_is_refused_before_anything_is_matched(tmp_path, dictionary):
    said, path = [], small_plan(tmp_path)
    with pytest.raises(PlanError, match="E09000032: no programme families there in study small.*E06000022.*Mend --council"):
        evaluate(read_plan(path), tmp_path, dictionary, tmp_path, said.append, councils=("E06000022", "E09000032"))
    assert any(line.startswith("panel of") for line in said) and not any("matched" in line for line in said)
