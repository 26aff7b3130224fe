"""The notebooks for those inside run to their end on small data, by the same runner as the report's, and show what they promise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evaluation.errors import ReportError
from evaluation.locations import project_file
from evaluation.runs.notebooks import declared_parameters, execute_notebook


def shown(path: Path) -> list[tuple[str, dict]]:
    """(source, data) of every cell that shows something."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [("".join(cell["source"]), output["data"]) for cell in cells for output in cell.get("outputs", ()) if "data" in output]


def executed(name: str, folder: Path, **parameters: object) -> list[tuple[str, dict]]:
    return shown(execute_notebook(project_file(f"notebooks/{name}.ipynb"), folder / f"{name}.ipynb", parameters, failed=folder / "failed"))


@pytest.mark.slow
def test_the_cohort_notebook_goes_from_a_delivery_to_findings(plan_path, run, tmp_path):
    given = {"plan_path": str(plan_path), "council": "E06000022", "cohort": "2012-Q1 to 2014-Q4", "delivery": str(run / "delivery")}
    cells = executed("cohort_evaluation", tmp_path, **given)
    pictures = [data for _, data in cells if "image/png" in data]
    assert len(pictures) == 8 and all("Picture: " in "".join(data["text/plain"]) for data in pictures)
    tables = {source.splitlines()[-1]: "".join(data["text/html"]) for source, data in cells if "text/html" in data}
    assert "Bath and North East Somerset" in tables["found"] and "set aside" in tables["received"]
    assert "Anti-social behaviour incidents" in tables["bench.checks(found)"]
    assert "removed" in "".join(cells[-1][1]["text/plain"])


@pytest.mark.slow
def test_the_researchers_notebook_shows_old_and_new_and_the_curve(run, tmp_path):
    cells = executed("reestimate", tmp_path, run=str(run), changes="matching.caliper: 0.1", grid="matching.ratio: [1, 3], estimator.base: [-4, -3]")
    text = "\n".join("".join(data["text/plain"]) for _, data in cells)
    assert "Exploratory, changed: matching.caliper: 0.1" in text and "4 specifications from" in text and "The plan's: " in text
    assert sum("image/png" in data for _, data in cells) == 1


@pytest.mark.slow
def test_the_tour_needs_no_data_of_ours(tmp_path):
    cells = executed("methods_tour", tmp_path, families=1200)
    assert sum("image/png" in data for _, data in cells) == 3
    assert any("The truth is exactly 0" in "".join(data["text/plain"]) for _, data in cells)


def test_a_fault_of_the_evaluators_own_making_is_told_whole(plan_path, tmp_path):
    with pytest.raises(ReportError, match="PlanError: `cohort` must name periods of the plan"):
        executed("cohort_evaluation", tmp_path, plan_path=str(plan_path), cohort="spring")


def test_the_researchers_notebook_must_be_told_which_run(tmp_path):
    with pytest.raises(ReportError, match="run has no value"):
        executed("reestimate", tmp_path)


def test_every_command_of_the_page_about_notebooks_names_a_notebook_and_its_parameters():
    page = project_file("docs/notebooks.md").read_text(encoding="utf-8")
    commands = re.findall(r"papermill (notebooks/\w+\.ipynb) \S+(.*)", page)
    assert len(commands) >= 4
    for name, rest in commands:
        assert set(re.findall(r"-r (\w+) ", rest)) <= set(declared_parameters(project_file(name)))
    assert {path.name for path in project_file("notebooks").glob("*.ipynb")} == set(re.findall(r"^\| `(\w+\.ipynb)`", page, flags=re.MULTILINE))


def test_the_script_of_the_page_about_notebooks_calls_what_there_is():
    from evaluation import bench

    page = project_file("docs/notebooks.md").read_text(encoding="utf-8")
    called = set(re.findall(r"bench\.(\w+)\(", page))
    assert called and all(callable(getattr(bench, name)) for name in called)
