"""A finished run with another choice: matched and estimated again from the run's own tables, old and new side by side. Always exploratory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import EvaluationError, PlanError
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.ingest.tables import CheckedTable, Source
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects, Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import counts_from_a_base, estimator, matcher, with_later_entry
from evaluation.pipeline.estimate import Estimating, missing_estimate
from evaluation.pipeline.manifest import read_manifest
from evaluation.pipeline.receive import build_panel, check_names
from evaluation.pipeline.recipe import main_comparison
from evaluation.pipeline.run import GIVEN
from evaluation.plan import Plan, read_content
from evaluation.runs.files import canonical, sha256, write_whole

Say = Callable[[str], object]
MOST = 500  # specifications of one curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The headline of every outcome under one plan, all places together.

    Attributes
    ----------
    estimates : outcome name -> Estimate
        On the scale of the arrays; no number where it cannot be estimated, with the reason.
    effects : outcome name -> Effects
        What they were made from.
    """

    plan: Plan
    sample: MatchedSample | None
    estimates: Mapping[str, Estimate]
    effects: Mapping[str, Effects]
    reason: str = ""

    @property
    def worst_balance(self) -> float:
        """Largest absolute standardised mean difference after matching; NaN without a match."""
        return float("nan") if self.sample is None else float(self.sample.balance["smd_after"].abs().max())


def reestimate(run: Path, *, settings: Sequence[str], council: str | None = None, say: Say) -> Path:
    """Match and estimate a finished run again under other choices, and show both; gives the file with both in full.

    Parameters
    ----------
    settings : sequence of 'key=value'
        Keys of the plan with dots, as `matching.caliper=0.1`; an empty value takes a key out.
    council : str, optional
        Effects on the programme units of this council alone.

    Raises
    ------
    EvaluationError
        The run has no tables, a key is not one of a plan, or the new plan is refused.
    """
    run, given = Path(run), plan_given(Path(run))
    if not settings:
        raise PlanError("Say what to change, for example --set matching.caliper=0.1.")
    changes = dict(parsed(setting) for setting in settings)
    dictionary = load_dictionary()
    plan, other = read_content(given, run / GIVEN), changed_plan(given, changes)
    tables = tables_of_run(run)
    panel = build_panel(tables, plan, dictionary)
    check_council(council, panel)
    old, new = (estimated(one, panel_for(one, plan, panel, tables, dictionary), dictionary, council) for one in (plan, other))
    for line in side_by_side(old, new, changes, dictionary):
        say(line)
    name = f"{sha256(canonical([other.model_dump(mode='json'), council]))[:12]}.json"
    content = {
        "exploratory": True,
        "changes": changes,
        "council": council or "all",
        "plan_hash": {"old": plan.hash(), "new": other.hash()},
        "outcomes": {outcome: {"old": as_json(old.estimates[outcome]), "new": as_json(new.estimates[outcome])} for outcome in old.estimates},
    }
    path = write_whole(run / "reestimates" / name, canonical(content) + b"\n")
    say(f"Exploratory: not in the plan of the run. In full, unrounded and for those inside: {path}")
    return path


def plan_given(run: Path) -> dict[str, object]:
    """The plan of a run as it was given, without the defaults filled in.

    Raises
    ------
    EvaluationError
        There is none.
    """
    path = run / GIVEN
    if not path.is_file():
        raise EvaluationError(f"{run} must be a finished run with its plan, {GIVEN}, and is not. Give a folder like runs/<study>/<run id>.")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


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


def changed_plan(given: Mapping[str, object], changes: Mapping[str, object]) -> Plan:
    """A plan with some keys changed; a base that the plan gave is left out where the new method has none.

    Raises
    ------
    PlanError
        The plan that comes of it is refused.
    """
    content = yaml.safe_load(yaml.safe_dump(dict(given)))
    for key, value in changes.items():
        *sections, last = key.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise PlanError(f"--set {key}: `{section}` of the plan has no keys of its own. See data_dictionary and studies for its form.")
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    method = changes.get("estimator.method")
    if method is not None and "estimator.base" not in changes and known_method(str(method)) and not counts_from_a_base(str(method)):
        content["estimator"].pop("base", None)
    plan = read_content(content, Path("the changed plan"))
    check_names(plan, load_dictionary())
    return plan


def known_method(name: str) -> bool:
    """Whether there is an estimator of this name."""
    from evaluation.models import ESTIMATORS

    return name in ESTIMATORS


def tables_of_run(run: Path) -> dict[str, CheckedTable]:
    """The checked tables that a run kept.

    Raises
    ------
    EvaluationError
        One is not there.
    """
    told = read_manifest(run)["tables"]
    missing = [name for name in told if not (run / "tables" / f"{name}.parquet").is_file()]
    if missing:
        raise EvaluationError(f"{run} must hold its checked tables, and lacks {', '.join(missing)}. Run the study again.")
    return {name: table_of(name, run / "tables" / f"{name}.parquet", one) for name, one in told.items()}


def table_of(name: str, path: Path, told: Mapping[str, object]) -> CheckedTable:
    """A checked table from what the manifest says of it."""
    return CheckedTable(
        name=name,
        path=path,
        rows_in=told["rows_in"],
        rows_kept=told["rows_kept"],
        rows_quarantined=told["rows_quarantined"],
        rows_dropped=told["rows_dropped"],
        dropped=(("as the run's contract says", told["rows_dropped"]),),
        sources=tuple(Source(label=one["label"], sha256=one["sha256"], bytes=one["bytes"], rows=0) for one in told["sources"]),
        content_hash=told["content_hash"],
    )


def panel_for(plan: Plan, first: Plan, panel: Panel, tables: Mapping[str, CheckedTable], dictionary: Dictionary) -> Panel:
    """The panel of a plan; that of the first one again where both need the same."""
    needs = [(one.periods, one.outcomes, set(matcher(one).columns_used())) for one in (plan, first)]
    return panel if needs[0] == needs[1] else build_panel(tables, plan, dictionary)


def estimated(plan: Plan, panel: Panel, dictionary: Dictionary, council: str | None = None) -> Estimated:
    """Every outcome's headline under a plan; what cannot be matched or estimated has a reason instead."""
    outcomes = [dictionary.outcomes[name] for name in plan.outcomes.all if plan.unit in dictionary.outcomes[name].sources]
    try:
        sample = of_council(with_later_entry(plan, matcher(plan).fit(main_comparison(plan, panel))), council)
    except EvaluationError as fault:
        none = missing_estimate(str(fault))
        return Estimated(plan=plan, sample=None, estimates={one.name: none for one in outcomes}, effects={}, reason=str(fault))
    estimating, estimates, effects = Estimating(plan=plan), {}, {}
    for outcome in outcomes:
        try:
            found = estimator(plan).fit(sample, outcome.name, calendar=outcome.sources[plan.unit].calendar)
        except EvaluationError as fault:
            estimates[outcome.name] = missing_estimate(str(fault))
            continue
        estimates[outcome.name], effects[outcome.name] = estimating.summarised(found), found
    return Estimated(plan=plan, sample=sample, estimates=estimates, effects=effects)


def check_council(council: str | None, panel: Panel) -> None:
    """Whether a council has programme units.

    Raises
    ------
    PlanError
        It has none.
    """
    if council is not None and not ((panel.units["council_code"] == council).to_numpy() & (panel.entry >= 0)).any():
        raise PlanError(f"--council {council}: this council has no programme unit in the run. Name another, or none for all together.")


def of_council(sample: MatchedSample, council: str | None) -> MatchedSample:
    """A sample of one council's programme units.

    Raises
    ------
    PlanError
        None of them was matched.
    """
    if council is None:
        return sample
    inside = (sample.panel.units["council_code"] == council).to_numpy()
    own = sample.keep(inside[sample.treated_unit], inside)
    if own is None:
        raise PlanError(f"--council {council}: no programme unit of this council was matched. Name another, or none for all together.")
    return own


def side_by_side(old: Estimated, new: Estimated, changes: Mapping[str, object], dictionary: Dictionary) -> Iterator[str]:
    """Old and new in lines."""
    yield "changed: " + ", ".join(f"{key} = {value}" for key, value in changes.items())
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
