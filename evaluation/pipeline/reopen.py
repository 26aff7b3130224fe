"""A finished run opened again: its plan with other choices, matched blind and estimated anew from the run's own tables.

The one engine of all that is exploratory: the commands `reestimate` and `curve`, and the researcher's notebook.

It reads checked rows, so it works inside the room only. Where a run lies, its outcomes were opened under its plan; matching by other choices still
sees no outcome after joining.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import yaml

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import EvaluationError, PlanError
from evaluation.ingest.tables import CheckedTable, Source
from evaluation.matching import MATCHERS
from evaluation.matching.sample import MatchedSample
from evaluation.models import ESTIMATORS
from evaluation.models.effects import Effects, Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import counts_from_a_base, matcher
from evaluation.pipeline.estimate import missing_estimate
from evaluation.pipeline.estimating import Estimating
from evaluation.pipeline.manifest import read_manifest
from evaluation.pipeline.match_step import SECTIONS as MATCH_SECTIONS
from evaluation.pipeline.outcome_sets import fitted, outcome_sets
from evaluation.pipeline.panel_step import SECTIONS as PANEL_SECTIONS
from evaluation.pipeline.panel_step import panel_of
from evaluation.pipeline.receive import check_names, receive
from evaluation.pipeline.recipe import match_blind
from evaluation.pipeline.run import GIVEN
from evaluation.plan import Plan
from evaluation.plan.methods import Estimator, Matching
from evaluation.plan.reading import read_content
from evaluation.runs.files import canonical, sha256
from evaluation.runs.step_cache import FOLDER as STEPS

MATCHED_BY = (*PANEL_SECTIONS, *MATCH_SECTIONS)  # sections of a plan that a match depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The headline of every outcome under one plan.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A finished run with its panel.

    Attributes
    ----------
    given : mapping
        The plan as it was given, without the defaults.
    panel : Panel
        Every unit of the plan, outcomes open.
    steps : Path or None
        Of results of steps that may be used again.
    kept : TemporaryDirectory or None
        Holds published tables that were read again, for as long as this is used.
    samples : dict
        Matches made since, by the sections of the plan that they depend on; a text is the reason why there is none.
    """

    folder: Path
    given: Mapping[str, object]
    plan: Plan
    dictionary: Dictionary
    tables: Mapping[str, CheckedTable]
    panel: Panel
    steps: Path | None = None
    kept: tempfile.TemporaryDirectory | None = field(default=None, repr=False)
    samples: dict[str, MatchedSample | str] = field(default_factory=dict, repr=False)

    def panel_for(self, plan: Plan) -> Panel:
        """The panel of a plan; the run's own where both need the same."""
        needs = [([getattr(one, name) for name in PANEL_SECTIONS], set(matcher(one).columns_used())) for one in (plan, self.plan)]
        return self.panel if needs[0] == needs[1] else panel_of(self.tables, plan, self.dictionary, self.steps)

    def sample(self, plan: Plan) -> MatchedSample:
        """The match of a plan, made blind to outcomes after joining; once for all plans that match alike.

        Raises
        ------
        EvaluationError
            Nobody can be matched.
        """
        content = plan.model_dump(mode="json")
        weighted = plan.comparison.on_later_entry != "censor"  # chances of joining are worked out up to the window's end
        key = sha256(canonical({name: content[name] for name in MATCHED_BY} | ({"window": content["estimator"]["window"]} if weighted else {})))
        if key not in self.samples:
            try:
                with tempfile.TemporaryDirectory(prefix="evaluation-sealed-") as room:
                    self.samples[key] = match_blind(plan, self.panel_for(plan), Path(room), tables=self.tables, kept=self.steps)
            except EvaluationError as fault:
                self.samples[key] = str(fault)
        found = self.samples[key]
        if isinstance(found, str):
            raise EvaluationError(found)
        return found

    def estimated(self, plan: Plan, *, council: str = "", outcomes: Sequence[str] = ()) -> Estimated:
        """Every outcome's headline (or of those named) under a plan, on all programme units or one council's; what cannot be has a reason instead."""
        asked = [self.dictionary.outcomes[name] for name in outcomes or plan.outcomes.all]
        there = [outcome for outcome in asked if plan.unit in outcome.sources]
        try:
            sample = of_council(self.sample(plan), council)
        except EvaluationError as fault:
            none = missing_estimate(str(fault))
            return Estimated(plan=plan, sample=None, estimates={one.name: none for one in there}, effects={}, reason=str(fault))
        estimating, estimates, effects = Estimating(plan=plan), {}, {}
        sets = outcome_sets(plan, there, replace(sample, match=None))  # nobody asks for the balance of each outcome's sets
        for outcome in there:
            own = sets.own[outcome.name]
            if own is None:
                estimates[outcome.name] = missing_estimate(sets.why_none())
                continue
            try:
                found = fitted(estimating, outcome, own)
            except EvaluationError as fault:
                estimates[outcome.name] = missing_estimate(str(fault))
                continue
            estimates[outcome.name], effects[outcome.name] = estimating.summarised(found), found
        return Estimated(plan=plan, sample=sample, estimates=estimates, effects=effects)

    def changed(self, changes: Mapping[str, object]) -> Plan:
        """The run's plan with other choices."""
        return changed_plan(self.given, changes, self.dictionary)


def open_run(run: Path, *, cache: bool = True) -> Opened:
    """Open a finished run.

    Parameters
    ----------
    cache : bool
        Whether the run's kept steps are used, and added to.

    Raises
    ------
    EvaluationError
        It is none, or has no tables.
    """
    run, dictionary = Path(run), load_dictionary()
    given = plan_given(run)
    plan = read_content(given, run / GIVEN)
    tables, kept = (published_again(run, plan, dictionary) if plan.data.kind == "open_statistics" else (tables_of_run(run), None))
    steps = run / STEPS if cache else None
    panel = panel_of(tables, plan, dictionary, steps)
    return Opened(folder=run, given=given, plan=plan, dictionary=dictionary, tables=tables, panel=panel, steps=steps, kept=kept)


def plan_given(run: Path) -> dict[str, object]:
    """The plan of a run as it was given, without the defaults filled in.

    Raises
    ------
    EvaluationError
        There is none.
    """
    path = Path(run) / GIVEN
    if not path.is_file():
        raise EvaluationError(f"{run} must be the folder of a finished run, with {GIVEN}, and is not. Give a folder like runs/<study>/<run id>.")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def changed_plan(given: Mapping[str, object], changes: Mapping[str, object], dictionary: Dictionary | None = None) -> Plan:
    """A plan with some keys changed (None takes one out). Options of another method than the one now named, and a base that it has not, are left out.

    Raises
    ------
    PlanError
        The plan that comes of it is refused.
    """
    content = yaml.safe_load(yaml.safe_dump(dict(given)))
    for key, value in changes.items():
        put(content, key, value)
    for section, kinds, known in (("matching", MATCHERS, Matching.model_fields), ("estimator", ESTIMATORS, Estimator.model_fields)):
        chosen = content.get(section, {})
        if f"{section}.method" in changes and chosen.get("method") in kinds:
            options = {one.name for one in fields(kinds[chosen["method"]])}
            content[section] = {key: value for key, value in chosen.items() if key in {*known} | options or f"{section}.{key}" in changes}
    method = content.get("estimator", {}).get("method", "matched_did")
    if method in ESTIMATORS and not counts_from_a_base(method) and "estimator.base" not in changes:
        content["estimator"].pop("base", None)
    plan = read_content(content, Path("the changed plan"))
    check_names(plan, dictionary or load_dictionary())
    return plan


def put(content: dict, key: str, value: object) -> None:
    """Set a key with dots; None takes it out."""
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


def published_again(run: Path, plan: Plan, dictionary: Dictionary) -> tuple[dict[str, CheckedTable], tempfile.TemporaryDirectory]:
    """Published statistics read again from where they are published to, and the folder that holds them.

    Raises
    ------
    EvaluationError
        They are not those of the run.
    """
    told, kept = read_manifest(run)["tables"], tempfile.TemporaryDirectory(prefix="evaluation-room-")
    tables = receive(plan, run, dictionary, Path(kept.name))
    if {one["content_hash"] for one in told.values()} - {table.content_hash for table in tables.values()}:
        raise EvaluationError(f"The published files must be those of {run.name}, and their content changed since. Bring them back, or run again.")
    return tables, kept


def tables_of_run(run: Path) -> dict[str, CheckedTable]:
    """The checked tables that a run kept.

    Raises
    ------
    EvaluationError
        One is not there.
    """
    told = read_manifest(run)["tables"]
    kept = {name: kept_at(run, name) for name in told}
    missing = [name for name, path in kept.items() if not path.is_file()]
    if missing:
        raise EvaluationError(f"{run} must hold its checked tables, and lacks {', '.join(missing)}. Run the study again.")
    return {name: table_of(name.partition("/")[0], kept[name], one) for name, one in told.items()}


def kept_at(run: Path, name: str) -> Path:
    """Where a run keeps a table: one of several sources of a contract (`council_year/exclusions`) has a folder of its own."""
    table, _, source = name.partition("/")
    return run / source / "tables" / f"{table}.parquet"


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


def of_council(sample: MatchedSample, council: str) -> MatchedSample:
    """A sample of one council's programme units; the whole where none is named.

    Raises
    ------
    PlanError
        None of them was matched.
    """
    if not council:
        return sample
    inside = sample.panel.units["council_code"].astype(str).map(lambda codes: council in codes.split("+")).to_numpy(dtype=bool)
    own = sample.keep(inside[sample.treated_unit], inside)
    if own is None:
        raise PlanError(f"--council {council}: no programme unit of this council was matched. Name another, or none for all together.")
    return own
