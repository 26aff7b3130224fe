"""Plans: what is refused, and in which words."""
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from evaluation.errors import PlanError
from evaluation.locations import project_file
from evaluation.plan import read_plan
from evaluation.plan.reading import read_content

STUDIES = sorted(project_file("studies").glob("*/*.yml"))


@pytest.fixture
def changed(tmp_path):
    """A function that writes the demonstration plan with changes and reads it."""
    base = yaml.safe_load((project_file("studies") / "demonstration" / "plan.yml").read_text(encoding="utf-8"))

    def read(change):
        content = yaml.safe_load(yaml.safe_dump(base))
        change(content)
        path = tmp_path / "plan.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return read_plan(path)
    return read


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_study_has_a_plan_that_is_valid(path):
    plan = read_plan(path)
    assert len(plan.resolved_periods()) > 1 and len(plan.hash()) == 64


def test_a_misspelt_key_is_refused_with_the_right_name(changed):
    with pytest.raises(PlanError, match=r"`comparison\.candidate` is not a key of a plan; did you mean `candidates`\?"):
        changed(lambda plan: plan["comparison"].update(candidate="never_joined"))


def test_a_missing_key_is_named(changed):
    with pytest.raises(PlanError, match="`seed` is missing"):
        changed(lambda plan: plan.pop("seed"))


def test_every_fault_is_told_at_once(changed):
    with pytest.raises(PlanError, match=r"2 thing\(s\) to mend") as fault:
        changed(lambda plan: (plan.pop("seed"), plan["estimator"].update(base=0)))
    assert "`estimator.base`" in str(fault.value)


def test_a_base_inside_matched_history_is_refused_unless_the_plan_allows_it(changed):
    def history(plan, allow):
        plan["matching"]["score"].update(history=["any_offence"], history_window=[-8, -3])
        plan["estimator"]["allow_matched_base"] = allow
    with pytest.raises(PlanError, match="regression to the mean is then built into the effect"):
        changed(lambda plan: history(plan, False))
    assert changed(lambda plan: history(plan, True)).estimator.allow_matched_base


def test_a_base_inside_the_anticipation_is_refused(changed):
    with pytest.raises(PlanError, match="before the 4 period"):
        changed(lambda plan: plan["estimator"].update(anticipation=4))


def test_a_date_is_written_in_one_way(changed):
    with pytest.raises(PlanError, match=r"`report\.date`: write the day as 2026-11-24, not '24\.11\.2026'"):
        changed(lambda plan: plan["report"].update(date="24.11.2026"))


def test_simulated_data_must_be_marked(changed):
    with pytest.raises(PlanError, match=r"set report\.simulated: true"):
        changed(lambda plan: plan["report"].update(simulated=False))


def test_records_of_families_cannot_use_the_profile_of_open_statistics(changed):
    with pytest.raises(PlanError, match="need ten_five"):
        changed(lambda plan: plan["disclosure"].update(profile="published"))


def test_weights_for_later_entry_are_refused_where_areas_join(changed):
    def weighted(plan, assignment):
        plan["comparison"]["on_later_entry"] = "weight"
        plan["programme"]["assignment"] = assignment
    with pytest.raises(PlanError, match=r"on_later_entry: weight is for units that join one by one, .* write censor"):
        changed(lambda plan: weighted(plan, "area"))
    assert changed(lambda plan: weighted(plan, "unit")).comparison.on_later_entry == "weight"


@pytest.mark.parametrize("text, words", [("", "it holds nothing"), ("a: [1", "not YAML"), ("- 1", "it holds list")])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text, words):
    path = tmp_path / "plan.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=words):
        read_plan(path)


def test_a_missing_plan_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(PlanError, match="There is no plan at"):
        read_plan(tmp_path / "none.yml")


def test_the_hash_changes_with_a_choice_and_not_with_the_order_of_keys(changed):
    same = changed(lambda plan: plan.update(dict(reversed(list(plan.items())))))
    assert same.hash() == changed(lambda plan: None).hash() != changed(lambda plan: plan["matching"].update(ratio=2)).hash()


@pytest.mark.parametrize("change, told", [
    ({"unit": "famly"}, r"`unit` must be one of family, person, .*, and is not; did you mean `family`\?"),
    ({"disclosure": {"profile": "ten_fiv"}}, r"1 thing\(s\) to mend .*\n  - `disclosure\.profile` must be one of .*; did you mean `ten_five`\?$"),
])
def test_a_misspelt_word_is_told_once_with_the_words_there_are(change, told):
    content = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8")) | change
    with pytest.raises(PlanError, match=told):
        read_content(content, project_file("studies"))
