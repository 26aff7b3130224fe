"""Bad input at the command line: exit code 2, what, where and how to mend, no traceback, no value of a row."""

from __future__ import annotations

import datetime as dt
import sys

import pytest
import yaml

from evaluation import cli
from evaluation.locations import project_file
from tests.pipeline.conftest import small_plan

CANARY = "Zyzzyva"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command line; gives exit code and everything printed."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["evaluation", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return end.value.code or 0, told.out + told.err

    return run


def refused(answer: tuple[int, str], *words: str) -> None:
    """Exit code 2, every word said, no traceback, no planted value."""
    code, told = answer
    assert code == 2 and "Traceback" not in told and CANARY not in told
    for word in words:
        assert word in told, told


def edit(path, change) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def replace_in_line(number: int, column: int, value: str):
    """A change of one cell; line 0 is the heading."""

    def change(text: str) -> str:
        lines = text.split("\n")
        cells = lines[number].split(",")
        cells[column] = value
        lines[number] = ",".join(cells)
        return "\n".join(lines)

    return change


def repeat_first(text: str) -> str:
    """The first row once more, with another last value."""
    lines = text.rstrip("\n").split("\n")
    cells = lines[1].split(",")
    return "\n".join([*lines, ",".join([*cells[:-1], "1" if cells[-1] != "1" else "2"])]) + "\n"


def test_a_clean_delivery_passes(command, delivery):
    assert command("check", delivery)[0] == 0


def test_a_missing_folder(command, tmp_path):
    refused(command("check", tmp_path / "nowhere"), "nowhere", "Mend")


def test_a_missing_file(command, spoilt):
    (spoilt / "people.csv").unlink()
    refused(command("check", spoilt), "people", "mend")


def test_an_empty_file(command, spoilt):
    (spoilt / "offences.csv").write_text("", encoding="utf-8")
    refused(command("check", spoilt), "offences", "empty")


def test_a_missing_column(command, spoilt):
    edit(spoilt / "families.csv", lambda text: text.replace("council_code", "kouncil_kode", 1))
    refused(command("check", spoilt), "families", "council_code")


def test_a_wrong_type(command, spoilt):
    edit(spoilt / "attendance.csv", replace_in_line(1, 2, CANARY))
    refused(command("check", spoilt), "attendance", "wrong_type")


def test_an_unknown_council(command, spoilt):
    edit(spoilt / "families.csv", replace_in_line(1, 1, "E99999999"))
    refused(command("check", spoilt), "families", "council")


def test_a_duplicate_key(command, spoilt):
    edit(spoilt / "attendance.csv", repeat_first)
    refused(command("check", spoilt), "attendance", "duplicate")


def test_an_orphan_person(command, spoilt):
    edit(spoilt / "people.csv", replace_in_line(1, 1, f"F{CANARY}"))
    refused(command("check", spoilt), "people", "orphan")


def test_a_plan_with_a_misspelt_key(command, tmp_path):
    path = small_plan(tmp_path, lambda plan: plan.update(seeed=1))
    refused(command("plan", "check", path), "`seeed` is not a key of a plan", "did you mean `seed`")
    refused(command("run", path, "--out", tmp_path / "runs"), "seeed")
    assert not (tmp_path / "runs").exists()


def test_a_plan_with_unknown_names_tells_all_of_them(command, tmp_path):
    path = small_plan(tmp_path, lambda plan: (plan["outcomes"].update(secondary=["any_offense"]), plan["data"].update(families={"E99999999": 10})))
    refused(command("plan", "check", path), "any_offense", "did you mean 'any_offence'", "E99999999")


def test_a_missing_plan(command, tmp_path):
    refused(command("plan", "check", tmp_path / "none.yml"), "There is no plan at")


@pytest.mark.parametrize("asked, words", [("E99999999", "no council with this code"), ("Wirral", "E08000015")])
def test_an_unknown_council_on_the_command_line(command, tmp_path, asked, words):
    refused(command("run", small_plan(tmp_path), "--council", asked, "--out", tmp_path / "runs"), words)


def test_a_missing_folder_of_published_data(command, tmp_path, monkeypatch):
    monkeypatch.setenv("EVALUATION_OPEN_DATA", str(tmp_path / "nowhere"))
    refused(command("run", project_file("studies/community_budgets_2011/plan.yml"), "--out", tmp_path / "runs"), "school_absence", "Mend")


def test_simulated_records_cannot_be_passed_off_as_real_ones(command, delivery, tmp_path):
    def change(plan):
        plan["data"], plan["report"]["simulated"] = {"kind": "extracts", "folder": str(delivery)}, False

    refused(command("run", small_plan(tmp_path, change), "--out", tmp_path / "runs"), "simulated records", "report.simulated: true")


def test_a_run_whose_data_break_the_contract_leaves_nothing_under_a_final_name(command, spoilt, tmp_path):
    edit(spoilt / "families.csv", lambda text: text.replace("council_code", "kouncil_kode", 1))
    plan = yaml.safe_load(project_file("studies/demonstration/plan.yml").read_text(encoding="utf-8"))
    plan["data"] = {"kind": "extracts", "folder": str(spoilt)}
    path = tmp_path / "plan.yml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    refused(command("run", path, "--out", tmp_path / "runs"), "families", "council_code")
    left = sorted((tmp_path / "runs" / "demonstration").iterdir())
    assert [folder.suffix for folder in left] == [".failed"] and not list(left[0].rglob("*.html"))


def extracts_plan(folder, delivery):
    """A plan for real records in `delivery`, for the quarters of the simulated delivery."""

    def change(plan):
        plan["data"] = {"kind": "extracts", "folder": str(delivery)}
        plan["periods"] = {"kind": "quarter", "first": "2011-Q1", "last": "2013-Q4"}
        plan["report"]["simulated"] = True
        plan["payment_by_results"] = None

    return small_plan(folder, change)


RUINED = {
    "missing file": (lambda folder: (folder / "people.csv").unlink(), "people"),
    "empty file": (lambda folder: (folder / "offences.csv").write_text("", encoding="utf-8"), "offences"),
    "missing column": (lambda folder: edit(folder / "families.csv", lambda text: text.replace("council_code", "kouncil_kode", 1)), "council_code"),
}


@pytest.mark.parametrize("name", RUINED)
def test_a_run_on_a_ruined_delivery_is_refused_and_leaves_only_a_failed_folder(command, spoilt, tmp_path, name):
    ruin, word = RUINED[name]
    ruin(spoilt)
    refused(command("run", extracts_plan(tmp_path, spoilt), "--out", tmp_path / "runs"), word, "Not done.")
    left = list((tmp_path / "runs" / "small").iterdir())
    assert [folder.suffix for folder in left] == [".failed"] and not list(left[0].rglob("*.html"))


def test_a_run_refused_twice_in_the_same_second_is_refused_twice(command, spoilt, tmp_path, monkeypatch):
    class Noon(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 24, 12, tzinfo=tz)

    monkeypatch.setattr("evaluation.pipeline.run.dt.datetime", Noon)
    (spoilt / "people.csv").unlink()
    path = extracts_plan(tmp_path, spoilt)
    for _ in range(2):
        refused(command("run", path, "--out", tmp_path / "runs"), "people")
    assert len(list((tmp_path / "runs" / "small").glob("*.failed"))) == 2


def test_canaries_planted_in_every_text_column_are_never_said(command, spoilt):
    for name, number in (("families", 0), ("people", 0), ("people", 4), ("attendance", 1), ("offences", 2), ("asb_incidents", 1), ("links", 2)):
        edit(spoilt / f"{name}.csv", replace_in_line(2, number, CANARY))
    refused(command("check", spoilt), "families", "people", "attendance", "offences", "asb_incidents", "links")


def test_a_plan_that_points_to_a_folder_that_is_not_there(command, tmp_path):
    refused(command("run", extracts_plan(tmp_path, tmp_path / "nowhere"), "--out", tmp_path / "runs"), "nowhere")


def test_a_council_without_programme_families_cannot_have_a_report(command, spoilt, tmp_path):
    path = extracts_plan(tmp_path, spoilt)
    refused(command("run", path, "--council", "E10000019", "--out", tmp_path / "runs"), "E10000019", "no programme families")


def test_a_folder_that_is_no_run(command, tmp_path):
    refused(command("report", tmp_path), "not a finished run")


def test_simulating_into_a_full_folder_is_refused(command, delivery):
    refused(command("simulate", delivery, "--families", 10), "must be a new or an empty folder")
