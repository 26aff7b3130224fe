"""A finished run with another choice: matched and estimated again from the run's own tables, old and new side by side. Always exploratory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from evaluation.dictionary import Dictionary
from evaluation.errors import PlanError
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.auditors_pack import TRIED
from evaluation.pipeline.reopen import Estimated, changed_plan, open_run, plan_given
from evaluation.runs.files import canonical, sha256, write_whole

Say = Callable[[str], object]
MOST = 500  # specifications of one curve


def reestimate(run: Path, *, settings: Sequence[str], council: str | None = None, say: Say, cache: bool = True) -> Path:
    """Match and estimate a finished run again under other choices, and show both; gives the file with both in full.

    Parameters
    ----------
    settings : sequence of 'key=value'
        Keys of the plan with dots, as `matching.caliper=0.1`; an empty value takes a key out.
    council : str, optional
        Effects on the programme units of this council alone.
    cache : bool
        Whether the run's kept steps are used.

    Raises
    ------
    EvaluationError
        The run has no tables, a key is not one of a plan, or the new plan is refused.
    """
    if not settings:
        raise PlanError("Say what to change, for example --set matching.caliper=0.1.")
    changes = dict(parsed(setting) for setting in settings)
    other = changed_plan(plan_given(Path(run)), changes)
    opened = open_run(run, cache=cache)
    plan = opened.plan
    check_council(council, opened.panel)
    old, new = (opened.estimated(one, council=council or "") for one in (plan, other))
    for line in side_by_side(old, new, changes, opened.dictionary):
        say(line)
    name = f"{sha256(canonical([other.model_dump(mode='json'), council]))[:12]}.json"
    content = {
        "exploratory": True,
        "changes": changes,
        "council": council or "all",
        "plan_hash": {"old": plan.hash(), "new": other.hash()},
        "outcomes": {outcome: {"old": as_json(old.estimates[outcome]), "new": as_json(new.estimates[outcome])} for outcome in old.estimates},
    }
    path = write_whole(opened.folder / TRIED / name, canonical(content) + b"\n")
    say(f"Exploratory: not in the plan of the run. In full, unrounded and for those inside: {path}")
    return path


def parsed(setting: str) -> tuple[str, object]:
    """'matching.caliper=0.1' as a key and a value.

    Examples
    --------
    >>> parsed("matching.caliper=0.1"), parsed("estimator=two_way"), parsed("estimator.base=")
    (('matching.caliper', 0.1), ('estimator.method', 'two_way'), ('estimator.base', None))
    """
    key, equals, text = setting.partition("=")
    if not equals or not key.strip():
        raise PlanError(f"--set {setting}: write a key of the plan, = and a value, for example matching.caliper=0.1.")
    key = key.strip()
    return f"{key}.method" if key in ("estimator", "matching") else key, yaml.safe_load(text) if text.strip() else None


def check_council(council: str | None, panel: Panel) -> None:
    """Whether a council has programme units.

    Raises
    ------
    PlanError
        It has none.
    """
    if council is not None and not ((panel.units["council_code"] == council).to_numpy() & (panel.entry >= 0)).any():
        raise PlanError(f"--council {council}: this council has no programme unit in the run. Name another, or none for all together.")


def side_by_side(old: Estimated, new: Estimated, changes: Mapping[str, object], dictionary: Dictionary) -> Iterator[str]:
    """Old and new in lines."""
    yield "exploratory: changed " + ", ".join(f"{key} = {value}" for key, value in changes.items())
    yield f"{'':<34} {'old':>28} {'new':>28}"
    for name, one in (("matched programme units", "n_treated"), ("matched sets", "n_sets")):
        yield f"  {name:<32} {size(old, one):>28} {size(new, one):>28}"
    yield f"  {'largest difference left (smd)':<32} {old.worst_balance:>28.3f} {new.worst_balance:>28.3f}"
    for name in old.estimates:
        outcome = dictionary.outcomes[name]
        words = [interval(found.estimates.get(name), factor_of(outcome)) for found in (old, new)]
        yield f"  {outcome.label[:32]:<32} {words[0]:>28} {words[1]:>28}  {change_unit_of(outcome)}"
    for found in (old, new):
        reasons = {found.reason, *(one.reason for one in found.estimates.values())} - {""}
        yield from (f"  not estimated: {reason}" for reason in sorted(reasons))


def size(found: Estimated, name: str) -> str:
    """A size of a sample in words."""
    return "none" if found.sample is None else f"{getattr(found.sample, name):,}"


def interval(estimate: Estimate | None, factor: float) -> str:
    """An estimate with its interval in words."""
    if estimate is None or not np.isfinite(estimate.estimate):
        return "none"
    return f"{estimate.estimate * factor:+.3f} ({estimate.lower * factor:+.3f} to {estimate.upper * factor:+.3f})"


def as_json(estimate: Estimate) -> dict[str, object]:
    """An estimate for a file; null where there is no number."""
    numbers = {name: getattr(estimate, name) for name in ("estimate", "std_error", "lower", "upper", "p_value")}
    return {name: float(value) if np.isfinite(value) else None for name, value in numbers.items()} | {
        "n_treated": int(estimate.n_treated),
        "n_comparison": int(estimate.n_comparison),
        "reason": estimate.reason,
    }


def grid_of(path: Path) -> list[dict[str, object]]:
    """Every combination of the values that a grid names.

    Raises
    ------
    PlanError
        The file is no grid, or it has too many combinations.
    """
    if not Path(path).is_file():
        raise PlanError(f"There is no grid at {path}. Write a file with lines like `matching.caliper: [0.1, 0.2]`, and name it.")
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        content = None
    if not isinstance(content, dict) or not content or not all(isinstance(values, list) and values for values in content.values()):
        raise PlanError(f"{path} must hold lines like `matching.caliper: [0.1, 0.2]`: keys of the plan with lists of values. Mend the file.")
    n = int(np.prod([len(values) for values in content.values()]))
    if n > MOST:
        raise PlanError(f"{path} asks for {n:,} specifications, and a curve takes up to {MOST}. Take values out.")
    keys = [f"{key}.method" if key in ("estimator", "matching") else key for key in content]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*content.values())]
