"""The panel of a plan as a step that is kept: a change of a matcher's option or of an estimator makes no panel anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluation.dictionary import Dictionary
from evaluation.ingest.tables import CheckedTable
from evaluation.locations import project_file
from evaluation.panel.files import load_panel, save_panel
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.receive import build_panel
from evaluation.plan import Plan
from evaluation.runs.files import file_sha256
from evaluation.runs.manifest import code_hash
from evaluation.runs.step_cache import cached

SECTIONS = ("unit", "periods", "data", "programme", "outcomes")  # of the plan, that a panel depends on
FOLDERS = ("panel", "dictionary", "plan")  # of code that makes a panel, and single files
CODE = ("frozen.py", "periods.py", "pipeline/receive.py", "pipeline/choices.py")


def panel_of(tables: Mapping[str, CheckedTable], plan: Plan, dictionary: Dictionary, folder: Path | None) -> Panel:
    """The panel of a plan, from `folder` where it lies there, made from the same.

    Parameters
    ----------
    folder : Path or None
        Of kept steps; None keeps nothing.
    """
    if folder is None:
        return build_panel(tables, plan, dictionary)
    return cached(folder, "panel", panel_made_from(plan, tables), lambda: build_panel(tables, plan, dictionary), save=save_panel, load=load_panel)


def panel_made_from(plan: Plan, tables: Mapping[str, CheckedTable]) -> dict[str, object]:
    """All that a panel depends on besides the versions of packages: code and dictionary, sections of the plan, the content of every table."""
    content = plan.model_dump(mode="json")
    return {
        "code": code_of_step(),
        "plan": {name: content[name] for name in SECTIONS},
        "covariates": list(matcher(plan).columns_used()),
        "tables": {name: table.content_hash for name, table in sorted(tables.items())},
    }


def code_of_step() -> dict[str, str]:
    """Hashes of the code that makes a panel, and of the dictionary."""
    code = Path(__file__).parents[1]
    folders = code_hash([*(code / name for name in FOLDERS), project_file("data_dictionary")])
    return {"panel": folders} | {name: file_sha256(code / name) for name in CODE}
