"""The notebook is thin, and running it leaves a whole report or nothing."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.errors import ReportError
from evaluation.locations import project_file
from evaluation.runs.notebooks import COUNCIL_REPORT, check_parameters, declared_parameters, execute_notebook, render_report
from tests.reporting.sample import SAMPLES

SECRET = "F0012345"
NOTEBOOKS = sorted(project_file("notebooks").glob("*.ipynb"))
LOGIC = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.If,
    ast.IfExp,
    ast.Try,
    ast.With,
    ast.comprehension,
    ast.BinOp,
)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def statements(path: Path) -> list[ast.stmt]:
    return [line for cell in cells(path, "code") for line in ast.parse("".join(cell["source"])).body]


def write_notebook(folder: Path, *sources: str) -> Path:
    made = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None, "id": f"c{n}"}
        for n, source in enumerate(sources)
    ]
    made[0]["metadata"]["tags"] = ["parameters"]
    path = folder / "source.ipynb"
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    path.write_text(json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_committed_without_outputs(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None


def test_there_is_a_notebook_for_councils_evaluators_researchers_and_learners():
    assert [path.stem for path in NOTEBOOKS] == ["cohort_evaluation", "council_report", "methods_tour", "reestimate"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_carries_no_trace_of_who_ran_it_and_where(path):
    whole = json.loads(path.read_text(encoding="utf-8"))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert whole["metadata"] == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert all(cell["metadata"] in ({}, {"tags": ["parameters"]}) and "attachments" not in cell for cell in whole["cells"])
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_step_of_a_notebook_is_one_call(path):
    """At most one line that assigns and one that shows, after the import; shown is a name or a call, never an expression worked out in the cell."""
    for cell in cells(path, "code"):
        if "parameters" not in cell["metadata"].get("tags", ()):
            lines = [line for line in ast.parse("".join(cell["source"])).body if not isinstance(line, ast.ImportFrom)]
            assert len(lines) <= 3 and all(isinstance(line, ast.Assign) for line in lines[:-1])
            assert all(isinstance(line.value, ast.Call | ast.Name | ast.Attribute) for line in lines)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_holds_no_logic(path):
    found = [type(node).__name__ for line in statements(path) for node in ast.walk(line) if isinstance(node, LOGIC)]
    calls = [
        node.func.attr for line in statements(path) for node in ast.walk(line) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert found == [] and not {"merge", "groupby", "apply", "query"} & set(calls)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_imports_from_evaluation_only(path):
    for line in statements(path):
        assert not isinstance(line, ast.Import)
        assert not isinstance(line, ast.ImportFrom) or line.module.split(".")[0] == "evaluation"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_declares_its_parameters_with_types(path):
    assert declared_parameters(path)


def test_a_cell_of_the_council_report_shows_one_section():
    shown = cells(project_file(COUNCIL_REPORT), "code")[2:]
    for cell in shown:
        (line,) = ast.parse("".join(cell["source"])).body
        assert isinstance(line, ast.Expr) and isinstance(line.value, ast.Call)
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+\(content\)", ast.unparse(line))


def test_the_notebook_shows_the_sections_that_the_tests_of_the_blocks_look_at():
    from tests.reporting.sample import SECTIONS

    shown = [ast.unparse(ast.parse("".join(cell["source"]))) for cell in cells(project_file(COUNCIL_REPORT), "code")[2:]]
    assert shown == [f"{section.__module__.split('.')[-1]}.{section.__name__}(content)" for section in SECTIONS]


def test_what_a_user_can_mend_is_shown_below_the_cell_without_a_traceback(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_cell("from evaluation import bench; bench.open_run('')")
    told = capsys.readouterr()
    assert "Not done. `run` names no run yet." in told.out + told.err and "Traceback" not in told.out + told.err
    InteractiveShell.clear_instance()


def test_a_notebook_opened_by_hand_finds_what_the_root_holds_and_says_what_its_first_cell_lacks(monkeypatch):
    from evaluation.bench.study import found
    from evaluation.reporting import council

    monkeypatch.chdir(project_file("notebooks"))
    assert found("studies/demonstration/plan.yml").samefile(project_file("studies/demonstration/plan.yml"))
    with pytest.raises(ReportError, match="contents/<council>.json"):
        council.read("")
    with pytest.raises(ReportError, match="no_such.json is not"):
        council.read("runs/no_such.json")


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("release") / "content.json"
    SAMPLES["family"]().write(path)
    return path


def test_two_runs_make_the_same_bytes_under_the_names_of_study_and_council(release, tmp_path):
    first, second = (render_report(release, tmp_path / name) for name in ("one", "two"))
    assert first.html.name == "demonstration_E06000099_simulated.html" and first.pdf.name == "demonstration_E06000099_simulated.pdf"
    names = sorted(path.name for path in first.html.parent.iterdir())
    assert names == [f"demonstration_E06000099_simulated.{ending}" for ending in ("html", "ods", "pdf", "xlsx")]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    assert max(first.seconds, second.seconds) < 30


def test_the_report_of_a_notebook_equals_the_one_made_from_its_blocks(release, tmp_path):
    from evaluation.reporting import html, pdf
    from tests.reporting.sample import blocks_from

    made, blocks = render_report(release, tmp_path), blocks_from(SAMPLES["family"]())
    assert made.html.read_text(encoding="utf-8") == html.document(blocks) and made.pdf.read_bytes() == pdf.document(blocks)


def test_a_missing_release_leaves_no_report_and_says_what_to_mend(tmp_path):
    with pytest.raises(ReportError, match="cell 2 raised ReportError: The release of a report must be there: nowhere.json is not"):
        render_report(tmp_path / "nowhere.json", tmp_path / "out", failed=tmp_path / "failed")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "failed").iterdir()] == ["nowhere.ipynb"]  # a batch keeps one copy for each council


def test_a_failing_notebook_goes_to_a_private_folder_and_its_error_shows_no_row(tmp_path):
    source = write_notebook(tmp_path, 'code: str = ""', f'raise ValueError("family {SECRET} has no birth month")')
    with pytest.raises(ReportError, match="cell 2 raised ValueError") as told:
        execute_notebook(source, tmp_path / "out" / "done.ipynb", {"code": "E1"}, failed=tmp_path / "failed")
    assert SECRET not in str(told.value) and "Traceback" not in str(told.value)
    assert told.value.__cause__ is None and told.value.__context__ is None
    kept = tmp_path / "failed" / "done.ipynb"
    assert SECRET in kept.read_text() and list((tmp_path / "out").iterdir()) == []
    if os.name == "posix":
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700 and stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_without_a_private_folder_no_copy_of_a_failed_notebook_is_kept(tmp_path):
    source = write_notebook(tmp_path, 'code: str = ""', "1 / 0")
    with pytest.raises(ReportError, match="No copy was kept"):
        execute_notebook(source, tmp_path / "out" / "done.ipynb", {"code": "E1"})
    assert list((tmp_path / "out").iterdir()) == []


def test_a_cell_that_hangs_is_stopped(tmp_path):
    source = write_notebook(tmp_path, 'code: str = ""', "import time; time.sleep(60)")
    with pytest.raises(ReportError, match="longer than 1 seconds"):
        execute_notebook(source, tmp_path / "done.ipynb", {"code": "E1"}, cell_seconds=1)


def test_a_kernel_that_dies_is_told_apart(tmp_path):
    source = write_notebook(tmp_path, 'code: str = ""', "import os; os._exit(1)")
    with pytest.raises(ReportError, match="kernel died"):
        execute_notebook(source, tmp_path / "done.ipynb", {"code": "E1"})


def test_the_kernel_is_this_interpreter_and_reads_no_start_up_file_of_the_user(tmp_path, monkeypatch):
    profile = tmp_path / "home" / ".ipython" / "profile_default" / "startup"
    profile.mkdir(parents=True)
    (profile / "start.py").write_text("raise SystemExit('read')")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "home" / ".ipython"))
    source = write_notebook(tmp_path, 'code: str = ""', "import sys, evaluation\nprint(sys.executable)")
    done = execute_notebook(source, tmp_path / "done.ipynb", {"code": "E1"})
    assert cells(done, "code")[-1]["outputs"][0]["text"] == [f"{sys.executable}\n"]


@pytest.mark.parametrize(
    "given, told",
    [
        ({"content_path": "x", "seed": 1}, "seed is not among them"),
        ({"content_path": 7}, "content_path must be str, not int"),
        ({}, "content_path has no value"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_before_anything_runs(given, told):
    with pytest.raises(ReportError, match=told):
        check_parameters(declared_parameters(project_file(COUNCIL_REPORT)), given, "council_report.ipynb")


def test_a_whole_number_is_not_taken_for_a_truth_value():
    with pytest.raises(ReportError, match="must be bool, not int"):
        check_parameters({"draft": ("bool", True)}, {"draft": 1}, "any.ipynb")


@pytest.mark.parametrize("source", ["code = ''", "code: str = ''\nprint(code)", "code: list = []", ""])
def test_a_parameters_cell_without_plain_types_is_refused(tmp_path, source):
    with pytest.raises(ReportError, match="tagged 'parameters'"):
        declared_parameters(write_notebook(tmp_path, source))


def test_the_kernel_of_a_report_loads_no_model_and_no_frame_library():
    heavy = ("pandas", "statsmodels", "scipy", "duckdb", "sklearn", "matplotlib", "typst")
    code = f"import sys; from evaluation.reporting import council; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(project_file("notebooks").parent)}
    )
    assert done.stdout.strip() == "[]", done.stderr
