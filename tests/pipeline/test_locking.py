"""Plans that are locked, amended and compared; and outcomes that stay sealed until a locked plan opens them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

from evaluation.errors import PlanError
from evaluation.findings.standing import PlanStanding, label
from evaluation.matching import MATCHERS
from evaluation.pipeline import match_step, recipe, sealing
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.locking import amend_plan, diff_plan, differences, lock_path, lock_plan, read_lock, record_opening, standing_of
from evaluation.pipeline.sealing import seal, sealed_cells, unseal
from evaluation.plan import read_plan
from tests.matching.panels import simulated_panel
from tests.pipeline.conftest import small_plan


@pytest.fixture
def locked(tmp_path):
    """A plan's path, locked."""
    path = small_plan(tmp_path, lambda plan: plan.pop("value", None))
    list(lock_plan(path, signer="A. Analyst"))
    return path


def change(path, edit) -> None:
    """Edit a plan's file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_lock_holds_the_hash_the_signer_and_the_whole_plan(locked):
    (entry,) = read_lock(locked)
    plan = read_plan(locked)
    assert (entry.plan_hash, entry.signer, entry.kind) == (plan.hash(), "A. Analyst", "locked")
    assert entry.plan == plan.model_dump(mode="json") and entry.time.endswith("Z")


def test_a_plan_that_is_not_complete_cannot_be_locked(tmp_path):
    path = small_plan(tmp_path, lambda plan: plan["matching"].update(method="nearest_neighbor"))
    with pytest.raises(PlanError, match="nearest_neighbour"):
        list(lock_plan(path))
    assert not lock_path(path).exists()


def test_a_plan_is_locked_once(locked):
    with pytest.raises(PlanError, match="evaluation plan amend"):
        list(lock_plan(locked))


def test_a_plan_that_stays_as_locked_is_confirmatory(locked):
    assert standing_of(locked, read_plan(locked)) == PlanStanding(locked=read_lock(locked)[0].time)


def test_a_plan_without_a_lock_is_fixed_by_its_run(tmp_path):
    path = small_plan(tmp_path)
    assert standing_of(path, read_plan(path)) == PlanStanding() and record_opening(path, read_plan(path)) == () and not lock_path(path).exists()


def test_an_outcome_added_or_made_primary_after_the_lock_is_exploratory_and_no_other(locked):
    change(locked, lambda plan: plan["outcomes"]["primary"].append("offences"))
    change(locked, lambda plan: plan["outcomes"].update(secondary=["fixed_exclusions", "temporary_accommodation"]))
    standing = standing_of(locked, read_plan(locked))
    assert standing.outcomes == ("offences", "temporary_accommodation") and not standing.whole
    assert [standing.is_exploratory(name) for name in ("offences", "any_offence")] == [True, False]


def test_another_caliper_makes_every_effect_exploratory_and_another_title_none(locked):
    change(locked, lambda plan: plan.update(title="Another title"))
    assert not standing_of(locked, read_plan(locked)).whole
    change(locked, lambda plan: plan["matching"].update(caliper=0.1))
    standing = standing_of(locked, read_plan(locked))
    assert standing.changes == ("matching.caliper",) and standing.is_exploratory("any_offence")


def test_an_amendment_before_outcomes_are_seen_is_confirmatory_and_one_after_is_exploratory_with_its_reason(locked):
    change(locked, lambda plan: plan["matching"].update(caliper=0.1))
    told = list(amend_plan(locked, reason="too wide", outcomes_seen=False, signer="A. Analyst"))
    assert any("matching.caliper: 0.2 -> 0.1" in line for line in told)
    assert not standing_of(locked, read_plan(locked)).whole
    record_opening(locked, read_plan(locked))
    change(locked, lambda plan: plan["matching"].update(ratio=1))
    list(amend_plan(locked, reason="one each is plainer", outcomes_seen=True))
    standing = standing_of(locked, read_plan(locked))
    assert standing.changes == ("matching.ratio",) and standing.reasons == ("one each is plainer",)
    assert "amended after outcomes had been seen" in "\n".join(diff_plan(locked))


def test_an_amendment_must_say_whether_outcomes_had_been_seen(locked):
    with pytest.raises(PlanError, match="Add --outcomes-not-seen or --outcomes-seen"):
        list(amend_plan(locked, reason="too wide", outcomes_seen=None))


def test_a_user_without_a_name_can_sign(locked, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    lock_path(locked).unlink()
    assert any("locked by unknown" in line for line in lock_plan(locked))


def test_after_outcomes_were_opened_nobody_can_say_that_they_were_not_seen(locked):
    record_opening(locked, read_plan(locked))
    record_opening(locked, read_plan(locked))
    assert [entry.kind for entry in read_lock(locked)] == ["locked", "outcomes opened"]
    change(locked, lambda plan: plan["matching"].update(caliper=0.1))
    with pytest.raises(PlanError, match="--outcomes-seen"):
        list(amend_plan(locked, reason="too wide", outcomes_seen=False))


@pytest.mark.parametrize("reason, edit, words", [("", 0.1, "must give its reason"), ("why", 0.2, "says what is locked already")])
def test_an_amendment_needs_a_reason_and_a_change(locked, reason, edit, words):
    change(locked, lambda plan: plan["matching"].update(caliper=edit))
    with pytest.raises(PlanError, match=words):
        list(amend_plan(locked, reason=reason, outcomes_seen=False))


@pytest.mark.parametrize(
    "alter",
    [
        lambda content: content["entries"][0].update(time="2011-01-01T00:00:00Z"),
        lambda content: content["entries"].pop(),
        lambda content: content["entries"][0]["plan"]["matching"].update(caliper=0.5),
        lambda content: content.pop("last"),
    ],
)
def test_a_lock_altered_by_hand_is_refused(locked, alter):
    record_opening(locked, read_plan(locked))
    content = json.loads(lock_path(locked).read_text(encoding="utf-8"))
    alter(content)
    lock_path(locked).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PlanError, match="Bring"):
        read_lock(locked)


def test_differences_name_keys_with_both_values_however_deep():
    assert differences({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4, "d": 3}, "e": 5}) == (("b.c", 2, 4), ("e", None, 5))


@pytest.fixture(scope="module")
def panel():
    return simulated_panel()


@pytest.fixture
def plan(tmp_path):
    return read_plan(small_plan(tmp_path))


def test_sealed_are_outcomes_from_joining_on_and_of_those_who_never_join_from_the_last_joining_on(panel):
    cells, last = sealed_cells(panel), panel.entry.max()
    for unit, entry in enumerate(panel.entry):
        first = entry if entry >= 0 else last
        assert cells[unit].tolist() == [column >= first for column in range(len(panel.periods))]


def test_a_sealed_panel_holds_no_outcome_after_joining_and_opens_to_the_same_values(panel, plan, tmp_path):
    unseen = seal(panel, plan, tmp_path)
    joined = panel.entry >= 0
    for values in unseen.outcomes.values():
        assert not np.isfinite(values[sealed_cells(panel)]).any()
        assert np.isfinite(values[joined]).any()  # history stays open
    opened = unseal(unseen, plan, tmp_path)
    for name, values in panel.outcomes.items():
        assert opened.outcomes[name].tobytes() == values.tobytes()


def test_another_plan_does_not_open_what_was_sealed(panel, plan, tmp_path):
    unseen = seal(panel, plan, tmp_path)
    with pytest.raises(PlanError, match="sealed under the plan"):
        unseal(unseen, plan.model_copy(update={"seed": 1}), tmp_path)


def test_a_sealed_file_that_was_altered_is_refused(panel, plan, tmp_path):
    unseen = seal(panel, plan, tmp_path)
    path = next((tmp_path / sealing.FOLDER).glob("*.npy"))
    np.save(path, np.load(path) + 1)
    with pytest.raises(PlanError, match=path.stem):
        unseal(unseen, plan, tmp_path)


def test_a_match_made_without_outcomes_is_the_match_made_with_them(panel, plan, tmp_path):
    spec = MATCHERS["nearest_neighbour"](covariates=("x",), history=("y",), history_window=(-4, -2), ratio=2)
    with_them, without = spec.fit(panel), spec.fit(seal(panel, plan, tmp_path))
    for name in ("treated_unit", "comparison_unit", "comparison_set", "comparison_weight"):
        assert getattr(with_them, name).tobytes() == getattr(without, name).tobytes()


def test_a_run_of_a_plan_changed_after_its_lock_says_so_in_every_output(small_run, tmp_path):
    from evaluation.disclosure.release import ReportContent

    content = ReportContent.read(small_run[0] / "contents" / "E06000022.json")
    whole = label(content, PlanStanding(locked="2026-11-29T08:00:00Z", changes=("matching.caliper",), reasons=("too wide",)))
    assert whole.summary.headline.startswith("Exploratory: in Bath") and whole.warnings[0].code == "EXPLORATORY"
    assert all("(exploratory)" in result.label and "exploratory" in result.title.lower() for result in whole.outcomes)
    assert all("exploratory" in chart.subtitle for chart in (*whole.event_studies, *whole.trends))
    assert "one thing (matching.caliper)" in whole.summary.caveats[0] and "Reason given: too wide." in whole.summary.caveats[0]
    part = label(content, PlanStanding(locked="x", outcomes=("adult_in_work",)))
    assert [result.outcome for result in part.outcomes if "(exploratory)" in result.label] == ["adult_in_work"]
    assert part.summary.headline == content.summary.headline and "is exploratory: not in the plan" in part.warnings[0].sentence
    assert label(content, PlanStanding(locked="x")) is content


def test_matching_alone_shows_balance_and_opens_nothing(tmp_path, monkeypatch):
    from evaluation.pipeline.blind import match_only

    for module in (sealing, recipe):
        monkeypatch.setattr(module, "unseal", lambda *given: pytest.fail("outcomes were opened"))
    told = "\n".join(match_only(small_plan(tmp_path)))
    assert "programme families matched with" in told and "n_children" in told and "No outcome after joining was opened" in told
    assert [path.name for path in tmp_path.iterdir()] == ["plan.yml"]


def test_the_matcher_of_a_plan_is_handed_a_panel_without_outcomes(tmp_path, plan, panel, monkeypatch):
    seen = {}

    class Watching:
        def fit(self, given):
            seen.update({name: np.isfinite(values[sealed_cells(given)]).any() for name, values in given.outcomes.items()})
            return matcher(plan).fit(given)

    monkeypatch.setattr(match_step, "matcher", lambda plan: Watching())
    monkeypatch.setattr(recipe, "seal", lambda everyone, plan, room: sealing.seal(everyone, plan, tmp_path / "room"))
    recipe.match_blind(plan, small_panel(plan, tmp_path), tmp_path / "room", tables={})
    assert seen and not any(seen.values())


def small_panel(plan, tmp_path):
    """The panel of the small study."""
    from evaluation.dictionary import load_dictionary
    from evaluation.pipeline.receive import build_panel, receive

    dictionary = load_dictionary()
    room = tmp_path / "received"
    room.mkdir()
    return build_panel(receive(plan, tmp_path, dictionary, room), plan, dictionary)
