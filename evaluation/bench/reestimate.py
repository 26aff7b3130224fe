"""A finished run opened again: other choices beside the plan's. Exploratory by nature; nothing is written.

The run's checked rows are read from its own folder, so this works inside the room only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pydantic import ValidationError

from evaluation.bench.study import Bench, asked_for, council_code
from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import EvaluationError, PlanError
from evaluation.findings.numbers import change_unit_of, factor_of, scaled
from evaluation.ingest.tables import CheckedTable
from evaluation.matching import MATCHERS
from evaluation.matching.sample import MatchedSample
from evaluation.models import ESTIMATORS
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import counts_from_a_base, matcher, with_later_entry
from evaluation.pipeline.estimate import Estimating, missing_estimate
from evaluation.pipeline.receive import build_panel, check_names, of_pool, receive
from evaluation.pipeline.recipe import first_pool
from evaluation.plan import Estimator, Matching, Plan, in_words
from evaluation.showing import Face, Showing, face_of, written

MAY_CHANGE = ("matching", "estimator", "comparison")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reopened(Showing):
    """A finished run with its panel, and the plan's own sample of the council looked at."""

    folder: Path
    study: Bench
    panel: Panel
    sample: MatchedSample

    def face(self) -> Face:
        """The study, and what the plan's own choices made of it."""
        return face_of(f"Run {self.folder.name} of {self.study.plan.study}: {self.study.where}", self.study.choices(), notes=(repr(self.panel),))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reestimated(Showing):
    """The plan's choices and others, side by side.

    Attributes
    ----------
    changes : key of the plan -> value
    table : DataFrame
        One row per outcome: both estimates with their intervals.
    samples : DataFrame
        One row per choice: matched units, effective size, largest difference after matching.
    """

    changes: Mapping[str, object]
    table: pd.DataFrame
    samples: pd.DataFrame

    def face(self) -> Face:
        """Both headlines, and how well each sample is matched."""
        lines = (
            f"{row.choice}: {row.matched:,} of {row.joined:,} matched, {row.effective:,.0f} comparison units of equal weight, largest difference "
            f"after matching {row.worst:.2f}." for row in self.samples.itertuples()
        )
        return face_of(f"Changed: {changes_in_words(self.changes)}", self.table,
                       notes=(*lines, "Exploratory: the plan's estimate stays the one that is reported."))


def open_run(run: str | Path, *, council: str = "all") -> Reopened:
    """Open a finished run.

    Parameters
    ----------
    run : path
        Folder runs/<study>/<run id>, with the `tables` that it kept.
    council : str
        GSS code or name; 'all' for all places together.

    Raises
    ------
    PlanError
        The folder is no finished run.
    """
    folder = Path(run).expanduser()
    if not (folder / "plan.yml").is_file() or not (folder / "contents").is_dir():
        raise PlanError(f"{folder.name or 'The folder'} must be the folder of a finished run, with plan.yml, tables and contents: it is not. "
                        "Give a folder like runs/<study>/<run id>.")
    dictionary = load_dictionary()
    plan = validated(yaml.safe_load((folder / "plan.yml").read_text(encoding="utf-8")), {})
    study = Bench(plan=plan, dictionary=dictionary, plan_folder=folder, room=folder, council=council_code(council, dictionary))
    panel = _panel(folder, plan, dictionary)
    return Reopened(folder=folder, study=study, panel=panel, sample=with_later_entry(plan, matcher(plan).fit(panel)))


def reestimated(run: Reopened, changes: str | Mapping[str, object], *, outcomes: str = "all") -> Reestimated:
    """The plan's headline beside the one with other choices.

    Parameters
    ----------
    changes : str or mapping
        Keys of the plan with dots and their new values: 'matching.caliper: 0.1, estimator.base: -3'. Options that a newly named method does not
        have are dropped.
    outcomes : str
        Names with commas between; 'all' for those of the plan.

    Raises
    ------
    PlanError
        A change that the plan does not allow, with the nearest right name.
    """
    asked = changes_of(changes)
    other = changed(run.study.plan, asked, run.study.dictionary)
    new = sample_of(run, other)
    names = asked_for(outcomes, run.study.plan)
    table = pd.DataFrame([_side_by_side(run, other, new, name) for name in names])
    return Reestimated(changes=asked, table=table, samples=pd.DataFrame([_about("The plan's", run, run.sample), _about("Changed", run, new)]))


def changes_of(words: str | Mapping[str, object]) -> dict[str, object]:
    """Changes as a mapping, from words as they stand in a plan.

    Examples
    --------
    >>> changes_of("matching.caliper: 0.1, matching.exact: [council_code]")
    {'matching.caliper': 0.1, 'matching.exact': ['council_code']}
    """
    try:
        found = yaml.safe_load("{" + words + "}") if isinstance(words, str) else dict(words)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or not found or not all(str(name).partition(".")[0] in MAY_CHANGE and "." in str(name) for name in found):
        raise PlanError(f"Changes must be keys of the plan's {', '.join(MAY_CHANGE)} with their values, such as 'matching.caliper: 0.1, "
                        f"estimator.base: -3': {words!r} is not.")
    return found


def changed(plan: Plan, changes: Mapping[str, object], dictionary: Dictionary) -> Plan:
    """The plan with other choices, checked as every plan is."""
    found = validated(plan.model_dump(mode="json"), changes)
    check_names(found, dictionary)
    return found


def validated(content: dict, changes: Mapping[str, object]) -> Plan:
    """A plan from its content with changes; options that belong to another method, and a base that the method has not, are left out."""
    for name, value in changes.items():
        *path, last = name.split(".")
        place = content
        for key in path:
            place = place.setdefault(key, {})
        place[last] = value
    shared = (("matching", MATCHERS, set(Matching.model_fields)), ("estimator", ESTIMATORS, set(Estimator.model_fields)))
    for section, kinds, known in shared:
        chosen = content[section]
        if f"{section}.method" in changes and chosen["method"] in kinds:
            options = {one.name for one in fields(kinds[chosen["method"]])}
            content[section] = {key: value for key, value in chosen.items() if key in known | options or f"{section}.{key}" in changes}
    method = content["estimator"].get("method", "matched_did")
    if method in ESTIMATORS and not counts_from_a_base(method) and "estimator.base" not in changes:
        content["estimator"].pop("base", None)
    try:
        return Plan.model_validate(content)
    except ValidationError as fault:
        raise PlanError("The plan does not allow this:\n" + "\n".join(f"  - {in_words(one)}" for one in fault.errors())) from None


def value_in(plan: Plan, name: str) -> object:
    """What a plan says under a key with dots; None where it says nothing."""
    place: object = plan.model_dump(mode="json")
    for key in name.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place


def changes_in_words(changes: Mapping[str, object]) -> str:
    """Changes as they would stand in a plan."""
    return "; ".join(f"{name}: {value if not isinstance(value, list) else ', '.join(map(str, value))}" for name, value in changes.items())


def _panel(folder: Path, plan: Plan, dictionary: Dictionary) -> Panel:
    """From the run's checked rows; published statistics are read again from where they are published to."""
    with tempfile.TemporaryDirectory(prefix="evaluation-room-") as room:
        kept = plan.data.kind != "open_statistics"
        everyone = build_panel(_kept(folder) if kept else receive(plan, folder, dictionary, Path(room)), plan, dictionary)
    return of_pool(everyone, first_pool(plan, everyone)) if plan.comparison.pools else everyone


def _kept(folder: Path) -> dict[str, CheckedTable]:
    from pyarrow.parquet import read_metadata

    rows = {path.stem: (path, read_metadata(path).num_rows) for path in sorted((folder / "tables").glob("*.parquet"))}
    return {name: CheckedTable(name=name, path=path, rows_in=n, rows_kept=n, rows_quarantined=0, rows_dropped=0, content_hash="")
            for name, (path, n) in rows.items()}


def sample_of(run: Reopened, plan: Plan) -> MatchedSample:
    """The plan's own sample, matched again where its choices of whom to compare differ from the run's."""
    same = (plan.matching, plan.comparison) == (run.study.plan.matching, run.study.plan.comparison)
    return run.sample if same else with_later_entry(plan, matcher(plan).fit(run.panel))


def headline_of(run: Reopened, plan: Plan, sample: MatchedSample, name: str) -> Estimate:
    """The headline of one outcome, of the council looked at, on the printed scale; no number where there is none, with the reason."""
    outcome, estimating = run.study.dictionary.outcomes[name], Estimating(plan=plan)
    if plan.unit not in outcome.sources:
        return missing_estimate("not available for these units")
    inside = run.study.inside(run.panel)
    own = sample.keep(inside[sample.treated_unit], inside) if run.study.council else sample
    if own is None:
        return missing_estimate("no programme unit of the council was matched")
    try:
        effects = estimating.estimator().fit(own, name, calendar=outcome.sources[plan.unit].calendar)
        return scaled(estimating.summarised(effects), factor_of(outcome))
    except EvaluationError as fault:
        return missing_estimate(str(fault))


def _side_by_side(run: Reopened, other: Plan, new: MatchedSample, name: str) -> dict[str, object]:
    outcome = run.study.dictionary.outcomes[name]
    old, found = headline_of(run, run.study.plan, run.sample, name), headline_of(run, other, new, name)
    return {"outcome": outcome.label, "unit": change_unit_of(outcome), "plan's": old.estimate, "plan's interval": _interval(old),
            "changed": found.estimate, "changed interval": _interval(found), "difference": found.estimate - old.estimate, "reason": found.reason}


def _about(choice: str, run: Reopened, sample: MatchedSample) -> dict[str, object]:
    inside = run.study.inside(run.panel)
    joined = int((inside & (run.panel.entry >= 0)).sum())
    own = sample.keep(inside[sample.treated_unit], inside)
    return {"choice": choice, "matched": own.n_treated if own else 0, "joined": joined, "effective": own.effective_sample_size() if own else 0.0,
            "worst": float(sample.balance["smd_after"].abs().max())}


def _interval(found: Estimate) -> str:
    return f"{written(found.lower)} to {written(found.upper)}" if np.isfinite(found.lower) else "none"
