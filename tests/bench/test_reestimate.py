"""A finished run opened again gives its own numbers; other choices give theirs; nothing of the plan is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation import bench
from evaluation.bench.reestimate import changes_of, value_in
from evaluation.disclosure.release import ReportContent
from evaluation.errors import PlanError
from evaluation.pipeline.reopen import changed_plan
from evaluation.plan import read_plan


def test_an_opened_run_gives_the_numbers_that_it_released(run):
    printed = {result.outcome: result for result in ReportContent.read(run / "contents" / "E06000022.json").outcomes}
    council = bench.open_run(run, council="E06000022")
    same = bench.reestimated(council, {"matching.caliper": 0.2}, outcomes="asb_incidents").table.iloc[0]
    shown = printed["asb_incidents"].effect
    assert round(same["plan's"], len(shown.estimate.text.partition(".")[2])) == shown.estimate.value
    assert same["difference"] == 0 and same["plan's interval"] == same["changed interval"]


def test_a_change_of_base_is_the_estimator_with_that_base(opened):
    from evaluation.models import MatchedDiD, overall

    row = bench.reestimated(opened, "estimator.base: -3", outcomes="asb_incidents").table.iloc[0]
    spec = MatchedDiD(base=-3, window=(-8, 8), anticipation=1)
    wanted = overall(spec.fit(opened.sample, "asb_incidents"), quarters=(1, 4)).estimate * 100
    assert row["changed"] == pytest.approx(wanted) and row["difference"] == pytest.approx(wanted - row["plan's"])


def test_a_narrower_caliper_matches_fewer_and_both_sizes_are_told(opened):
    found = bench.reestimated(opened, "matching.caliper: 0.01", outcomes="asb_incidents")
    plan, other = found.samples["matched"]
    assert other < plan <= found.samples["joined"].iloc[0]
    assert f"{other:,} of" in found.face().text() and "Exploratory" in found.face().text()


@pytest.mark.parametrize("changes", ["matching.method: entropy_balancing", "estimator.method: group_time", "estimator.method: matched_levels"])
def test_a_new_method_leaves_the_old_ones_options_behind(opened, changes):
    row = bench.reestimated(opened, changes, outcomes="asb_incidents").table.iloc[0]
    assert np.isfinite(row["changed"]) and row["changed"] != row["plan's"]


@pytest.mark.parametrize(
    "changes, told",
    [
        ("matching.calipr: 0.1", "did you mean `caliper`"),
        ("matching.method: nearest_neighbor", "did you mean 'nearest_neighbour'"),
        ("estimator.base: -1", "before the 1 period"),
        ("matching.score.covariates: [n_childrn]", "did you mean 'n_children'"),
        ("seed: 3", "Changes must be keys"),
        ("outcomes.primary: [asb_incidents]", "Changes must be keys"),
        ("", "Changes must be keys"),
        ("matching.caliper: [", "Changes must be keys"),
        ("estimator.method: group_time, estimator.base: -3", "`estimator.base` is no option"),
    ],
)
def test_what_no_plan_may_say_is_refused_with_the_nearest_right_name(opened, changes, told):
    with pytest.raises(PlanError, match=told):
        bench.reestimated(opened, changes, outcomes="asb_incidents")


def test_the_plan_itself_is_never_changed(opened):
    before = opened.study.plan.hash()
    opened.engine.changed({"matching.caliper": 0.5, "matching.score.covariates": ["n_children"]})
    assert opened.study.plan.hash() == before


def test_a_plan_whose_method_has_no_base_can_be_opened_from_its_canonical_copy(plan_path):
    plan = read_plan(plan_path)
    content = plan.model_dump(mode="json")
    content["estimator"]["method"] = "group_time"
    from evaluation.pipeline.choices import estimator

    assert type(estimator(changed_plan(content, {}))).__name__ == "GroupTimeATT"


def test_a_curve_holds_every_combination_once_in_order_with_the_plans_own_marked(opened):
    found = bench.curve(opened, "matching.ratio: [1, 3], estimator.base: [-4, -3]", outcome="asb_incidents")
    assert len(found.table) == 4 and found.table["estimate"].is_monotonic_increasing
    (own,) = found.table[found.table["plan"]].itertuples()
    assert (own[1], own[2]) == (3, -4)
    assert own.estimate == pytest.approx(bench.reestimated(opened, "matching.ratio: 3", outcomes="asb_incidents").table["plan's"].iloc[0])
    assert found.title.startswith("Anti-social behaviour incidents: 4 specifications from ") and found.title.endswith("(exploratory)")


def test_a_curve_is_tested_as_one_with_the_test_of_the_command(opened):
    from evaluation.pipeline.curve import test_in_words, test_of

    found = bench.curve(opened, "matching.ratio: [1, 3], estimator.base: [-4, -3]", outcome="asb_incidents")
    each = [opened.engine.estimated(opened.engine.changed({"matching.ratio": ratio, "estimator.base": base}), outcomes=("asb_incidents",))
            for ratio in (1, 3) for base in (-4, -3)]
    wanted = test_in_words(test_of("asb_incidents", each, opened.study.plan.seed, "unit"), 100)
    assert found.together == wanted and wanted.startswith("joint test over 4 specifications") and "Joint test" in found.face().text()


def test_other_choices_are_matched_without_outcomes_after_joining(opened, monkeypatch):
    from evaluation.matching import NearestNeighbour
    from evaluation.pipeline.sealing import sealed_cells

    seen, fit = [], NearestNeighbour.fit

    def watched(self, panel):
        seen.append(any(np.isfinite(values[sealed_cells(panel)]).any() for values in panel.outcomes.values()))
        return fit(self, panel)

    monkeypatch.setattr(NearestNeighbour, "fit", watched)
    sample = opened.engine.sample(opened.engine.changed({"matching.ratio": 2, "matching.caliper": 0.31}))
    assert seen == [False] and any(np.isfinite(values[sealed_cells(sample.panel)]).any() for values in sample.panel.outcomes.values())


def test_a_grid_without_the_plans_own_choice_gains_it(opened):
    found = bench.curve(opened, {"estimator.base": [-3]}, outcome="asb_incidents")
    assert sorted(found.table["estimator.base"]) == [-4, -3] and found.table["plan"].sum() == 1


def test_a_specification_that_matches_nobody_stays_in_the_table_with_its_reason(opened):
    found = bench.curve(opened, {"matching.exact": [["council_code", "has_child_5_15"], ["age_oldest", "n_members", "n_needs", "share_female"]],
                                 "matching.caliper": [0.0001, 0.2]}, outcome="asb_incidents")
    assert len(found.table) == 4
    assert all(row.reason for row in found.table.itertuples() if not np.isfinite(row.estimate))


def test_a_grid_beyond_what_anyone_can_read_is_refused(opened):
    with pytest.raises(PlanError, match="500 specifications or fewer: this grid has 600"):
        bench.curve(opened, {"matching.caliper": [k / 1000 for k in range(1, 601)]}, outcome="asb_incidents")


def test_the_picture_of_a_curve_has_its_title_as_words(opened):
    found = bench.curve(opened, "estimator.base: [-4, -3]", outcome="asb_incidents")
    made = bench.plot_curve(found)
    assert made.png().startswith(b"\x89PNG") and found.title in made.alt


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(PlanError, match="must be the folder of a finished run"):
        bench.open_run(tmp_path)


def test_changes_are_read_as_they_stand_in_a_plan(opened):
    assert changes_of({"matching.ratio": 2}) == {"matching.ratio": 2}
    assert value_in(opened.study.plan, "matching.score.model") == "logit" and value_in(opened.study.plan, "matching.nothing.here") is None
