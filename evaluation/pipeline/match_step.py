"""The match of a plan as a step that is kept: another estimator, outcome test or check matches nothing anew.

A matcher is handed a panel without outcomes after joining, so what is kept holds none either.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evaluation.ingest.tables import CheckedTable
from evaluation.matching.files import load_sample, save_sample
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import matcher
from evaluation.pipeline.panel_step import panel_made_from
from evaluation.plan import Plan
from evaluation.runs.files import file_sha256
from evaluation.runs.manifest import code_hash
from evaluation.runs.step_cache import cached

SECTIONS = ("comparison", "matching", "seed")  # of the plan, that a match depends on beside those of its panel
FOLDERS = ("matching", "plan")  # of code that makes a match, and single files
CODE = ("periods.py", "pipeline/match_step.py", "pipeline/choices.py", "pipeline/receive.py", "pipeline/recipe.py", "pipeline/sealing.py")


def match_of(plan: Plan, unseen: Panel, tables: Mapping[str, CheckedTable], folder: Path | None) -> MatchedSample:
    """The match of a plan on a panel whose outcomes after joining are sealed, from `folder` where it lies there, made from the same.

    Parameters
    ----------
    tables : mapping
        What the panel was made from.
    folder : Path or None
        Of kept steps; None keeps nothing.
    """
    spec = matcher(plan)
    if folder is None:
        return spec.fit(unseen)
    return cached(folder, "match", match_made_from(plan, tables), lambda: spec.fit(unseen), save=save_sample,
                  load=lambda place: load_sample(place, unseen, spec))


def match_made_from(plan: Plan, tables: Mapping[str, CheckedTable]) -> dict[str, object]:
    """All that a match depends on besides the versions of packages: its code, its sections of the plan, and all that its panel depends on."""
    content, code = plan.model_dump(mode="json"), Path(__file__).parents[1]
    return {
        "code": {"matching": code_hash([code / name for name in FOLDERS])} | {name: file_sha256(code / name) for name in CODE},
        "plan": {name: content[name] for name in SECTIONS},
        "panel": panel_made_from(plan, tables),
    }
