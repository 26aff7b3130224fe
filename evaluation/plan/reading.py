"""A plan read from its file and checked; every fault of it in words."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from evaluation.errors import PlanError
from evaluation.plan.faults import all_in_words
from evaluation.plan.whole import Plan


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises
    ------
    PlanError
        With every fault found: the key, what it must be, and the nearest right name for a misspelt key.
    """
    path = Path(path)
    if not path.is_file():
        raise PlanError(f"There is no plan at {path}. Give the path of a plan.yml, for example studies/demonstration/plan.yml.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise PlanError(f"{path}{line}: this is not YAML that can be read. Mend the indentation or quoting there.") from error
    if not isinstance(content, dict):
        raise PlanError(
            f"{path} must hold `key: value` lines; it holds {'nothing' if content is None else type(content).__name__}. Start from"
            " studies/demonstration/plan.yml."
        )
    return read_content(content, path)


def read_content(content: dict, where: Path) -> Plan:
    """Check the content of a plan.

    Raises
    ------
    PlanError
        As `read_plan`.
    """
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        faults = all_in_words(error.errors())
        raise PlanError(f"{where}: {len(faults)} thing(s) to mend in the plan:\n" + "\n".join(f"  - {fault}" for fault in faults)) from None
