"""Bad input at the command line: exit code 2, what, where and how to mend, no traceback, no value of a row."""

from __future__ import annotations

import datetime as dt

import openpyxl
import pytest
import yaml

from evaluation.locations import project_file
from tests.pipeline.conftest import small_plan

CANARY = "Zyzzyva"


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


def plant(folder) -> None:
    """Canaries everywhere: every identifier, every month of birth of a child, and one cell of every column of every table."""
    for path in sorted(folder.glob("*.csv")):
        lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
        heading = lines[0]
        for number, name in enumerate(heading):
            for row in lines[1:]:
                if name in ("person_id", "family_id"):
                    row[number] = row[number] and f"{CANARY}{row[number]}"
                elif name == "birth_month":
                    row[number] = BORN
        for number in range(len(heading)):
            if 3 + number < len(lines):
                lines[2 + number][number] = f"{CANARY}{number}"
        lines = [[*heading, f"{CANARY} Smith"], *([*row, CANARY] for row in lines[1:])]
        path.write_text("".join(",".join(row) + "\n" for row in lines), encoding="utf-8")


BORN = "1931-07"                # nobody's month of birth: a canary of its own
ROWS = ("tables", "quarantine", "blanks", "faults.xlsx")      # of a room, what may hold a value


def tell_tales(folder) -> list[str]:
    """Files under a folder, but for those of the room that may hold rows, that hold a canary, or bear one in their name."""
    files = [path for path in folder.rglob("*") if path.is_file() and not set(ROWS) & set(path.relative_to(folder).parts)]
    assert files
    said = {path: str(path.relative_to(folder)).encode() + path.read_bytes() for path in files}
    return [path.name for path, content in said.items() if CANARY.encode() in content or BORN.encode() in content]


def test_nothing_that_a_check_prints_or_writes_outside_the_rows_of_its_room_holds_a_value(command, spoilt, tmp_path):
    plant(spoilt)
    code, told = command("check", spoilt, "--report", "--room", tmp_path / "room")
    assert code == 2 and "Traceback" not in told and CANARY not in told and BORN not in told
    assert (tmp_path / "room" / "quality.html").is_file() and tell_tales(tmp_path / "room") == []
    assert any(CANARY in str(cell) for row in openpyxl.load_workbook(tmp_path / "room" / "faults.xlsx")["Faults"].values for cell in row)


def test_nothing_that_a_refused_run_prints_or_writes_outside_its_rows_holds_a_value(command, spoilt, tmp_path):
    plant(spoilt)
    code, told = command("run", extracts_plan(tmp_path, spoilt), "--out", tmp_path / "runs")
    assert code == 2 and "Traceback" not in told and CANARY not in told and BORN not in told
    left = next((tmp_path / "runs" / "small").iterdir())
    assert left.suffix == ".failed" and tell_tales(left) == []


def test_a_check_with_a_report_says_where_it_is_and_a_second_one_knows_the_first(command, delivery, tmp_path):
    code, told = command("check", delivery, "--report", "--room", tmp_path / "room")
    assert code == 0 and "quality.html" in told and "faults.xlsx" in told and "delivered_before" not in told
    page = (tmp_path / "room" / "quality.html").read_text(encoding="utf-8")
    assert "The delivery can be used" in page and "Linkage by pool" in page
    code, told = command("check", delivery, "--report", "--room", tmp_path / "room")
    assert code == 0 and told.count("[delivered_before]") == len(list(delivery.glob("*.csv")))


def test_the_dictionary_is_shown_whole_and_by_table(command):
    told = command("dictionary")
    assert told[0] == 0 and "families" in told[1] and "one row per proven offence" in told[1]
    told = command("dictionary", "people")
    assert told[0] == 0 and "member_from" in told[1] and "Female" in told[1] and "birth_month, sex must be the same" in told[1]
    refused(command("dictionary", "peple"), "did you mean 'people'")


def test_a_plan_that_points_to_a_folder_that_is_not_there(command, tmp_path):
    refused(command("run", extracts_plan(tmp_path, tmp_path / "nowhere"), "--out", tmp_path / "runs"), "nowhere")


def test_a_council_without_programme_families_cannot_have_a_report(command, spoilt, tmp_path):
    path = extracts_plan(tmp_path, spoilt)
    refused(command("run", path, "--council", "E10000019", "--out", tmp_path / "runs"), "E10000019", "no programme families")


def test_a_folder_that_is_no_run(command, tmp_path):
    refused(command("report", tmp_path), "not a finished run")


def test_simulating_into_a_full_folder_is_refused(command, delivery):
    refused(command("simulate", delivery, "--families", 10), "must be a new or an empty folder")
