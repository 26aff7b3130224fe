"""A plan may name any matcher: the whole walk from records to the protected content of reports."""

from __future__ import annotations

import pytest

from evaluation.matching import MATCHERS
from evaluation.pipeline.recipe import evaluate, release
from evaluation.plan import read_plan
from tests.pipeline.conftest import small_plan

OPTIONS = {"exact": {"covariates": ["lone_parent", "any_sen"]}, "coarsened_exact": {"covariates": ["n_children", "lone_parent"]},
           "coarsened_pairs": {"covariates": ["n_children", "lone_parent"]}}


@pytest.fixture(scope="module")
def received(tmp_path_factory, dictionary):
    """The small study's records, received once."""
    from evaluation.pipeline.receive import receive

    folder = tmp_path_factory.mktemp("received")
    return receive(read_plan(small_plan(folder)), folder, dictionary, folder)


def test_where_comparison_units_were_found_is_told(tmp_path, dictionary, received, monkeypatch):
    def change(plan):
        plan["matching"] |= {"exact": ["has_child_5_15"], "tiers": ["council_code", "region"], "covariate_calipers": {"n_children": 1}}
        plan["outcomes"] = {"primary": plan["outcomes"]["primary"][:1]}
        plan["second_estimators"] = []
    plan = read_plan(small_plan(tmp_path, change))
    monkeypatch.setattr("evaluation.pipeline.recipe.receive", lambda *a: received)
    monkeypatch.setattr("evaluation.pipeline.recipe.truth_of", lambda *a: None)
    contents = release(evaluate(plan, tmp_path, dictionary, tmp_path, lambda text: None), (), analysis_hash="0" * 64)[0]
    methods = dict(contents[0].methods)
    assert any("other councils: what moves one council and not another is not in the intervals" in limit for limit in contents[0].limits)
    assert methods["Where comparison units were found"] == "By weight, all places together: most from the same council."     # few from elsewhere
    assert "Comparison units of the same council, then of the same region of England are sought first" in methods["Matching"]
    assert "They differ by at most 1 standard deviations in children in the family." in methods["Matching"]


@pytest.mark.parametrize("name", list(MATCHERS))
def test_a_report_s_content_comes_out_and_says_what_was_done(name, tmp_path, dictionary, received, monkeypatch):
    def change(plan):
        plan["matching"] = {"method": name, "exact": plan["matching"]["exact"], "score": plan["matching"]["score"] | OPTIONS.get(name, {})}
        plan["outcomes"] = {"primary": plan["outcomes"]["primary"][:1]}
        plan["second_estimators"] = []
    plan = read_plan(small_plan(tmp_path, change))
    monkeypatch.setattr("evaluation.pipeline.recipe.receive", lambda *a: received)
    monkeypatch.setattr("evaluation.pipeline.recipe.truth_of", lambda *a: None)
    analysis = evaluate(plan, tmp_path, dictionary, tmp_path, lambda text: None)
    content = next(content for content in release(analysis, (), analysis_hash="0" * 64)[0] if content.council.code == "E06000022")
    assert any(outcome.effect is not None for outcome in content.outcomes)
    assert not any("other councils" in limit for limit in content.limits)           # the plan is exact on the council
    matching = dict(content.methods)["Matching"]
    assert matching.startswith(analysis.sample.match.matcher.plain_method()) and "{" not in matching
    assert content.balance
    assert (content.overlap is None) != analysis.sample.match.matcher.uses_score()
