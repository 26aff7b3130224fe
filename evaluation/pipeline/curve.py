"""The specification curve of a run: its headline under every choice of a grid, and one test of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.errors import EvaluationError
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.models.clusters import cluster_names
from evaluation.models.curve_test import CurveTest, curve_test
from evaluation.models.families_of_tests import draws_of
from evaluation.models.inference import chosen_cells
from evaluation.models.joint import joint
from evaluation.models.summaries import average
from evaluation.pipeline.auditors_pack import TRIED
from evaluation.pipeline.estimate import missing_estimate
from evaluation.pipeline.reestimate import as_json, grid_of, interval
from evaluation.pipeline.reopen import Estimated, open_run
from evaluation.runs.files import canonical, sha256, write_whole
from evaluation.simulate.streams import stream

Say = Callable[[str], object]


def curve(run: Path, grid: Path, *, say: Say, cache: bool = True) -> Path:
    """The specification curve of a finished run; gives the file with every specification in full.

    Raises
    ------
    EvaluationError
        The run has no tables, or the grid names what is no key of a plan. A specification that cannot be estimated is a line with its reason.
    """
    choices, opened = grid_of(grid), open_run(run, cache=cache)
    dictionary, plan = opened.dictionary, opened.plan
    plans = [opened.changed(changes) for changes in choices]
    found: list[tuple[dict, Estimated]] = [({}, opened.estimated(plan))]
    for number, (changes, other) in enumerate(zip(choices, plans, strict=True), start=1):
        found.append((changes, opened.estimated(other)))
        say(f"  {number}/{len(choices)} {in_words(changes)}")
    tests = {}
    for name in found[0][1].estimates:
        outcome = dictionary.outcomes[name]
        tests[name] = test_of(name, [one for _, one in found[1:]], plan.seed, plan.programme.assignment)
        say(f"\n{outcome.label}, exploratory ({change_unit_of(outcome)}; the plan's: {interval(found[0][1].estimates[name], factor_of(outcome))})")
        for line in lines_of(name, found, factor_of(outcome), tests[name]):
            say(line)
    content = {
        "exploratory": True,
        "plan_hash": plan.hash(),
        "specifications": [
            {"changes": changes, "outcomes": {name: as_json(estimate) for name, estimate in one.estimates.items()}} for changes, one in found
        ],
        "tests": {name: None if test is None else {field: getattr(test, field) for field in test.__slots__} for name, test in tests.items()},
    }
    path = write_whole(opened.folder / TRIED / f"curve-{sha256(canonical([plan.hash(), choices]))[:12]}.json", canonical(content) + b"\n")
    say(f"\nExploratory: every specification is shown and none is picked. In full, unrounded and for those inside: {path}")
    return path


def in_words(changes: Mapping[str, object]) -> str:
    """A specification in one line."""
    return ", ".join(f"{key.rsplit('.', 1)[-1] if not key.endswith('.method') else key} {value}" for key, value in changes.items()) or "the plan's"


def lines_of(name: str, found: Sequence[tuple[dict, Estimated]], factor: float, test: CurveTest | None) -> list[str]:
    """One outcome's curve, from the lowest estimate to the highest, and its test."""
    rows = [(in_words(changes), one.estimates.get(name, missing_estimate("the plan changed leaves it out"))) for changes, one in found]
    known = sorted((row for row in rows if np.isfinite(row[1].estimate)), key=lambda row: row[1].estimate)
    lines = [f"  {words[:70]:<70} {interval(estimate, factor):>32}" for words, estimate in known]
    lines += [f"  {words[:70]:<70} not estimated: {estimate.reason}" for words, estimate in rows if not np.isfinite(estimate.estimate)]
    return [*lines, f"  {test_in_words(test, factor)}"]


def test_in_words(test: CurveTest | None, factor: float) -> str:
    """The joint test in one line; the median on the printed scale."""
    if test is None:
        return "no joint test: fewer than two specifications have an estimate and share their units"
    return (
        f"joint test over {test.n} specifications: median {test.median * factor:+.3f} (p {test.p_median:.3f}); {test.n_same_sign_significant} of"
        f" one sign significant (p {test.p_share:.3f}); mean z {test.mean_z:+.2f} (p {test.p_mean_z:.3f})"
    )


def test_of(name: str, found: Sequence[Estimated], seed: int, assignment: str) -> CurveTest | None:
    """The joint test of one outcome: draws over the units (areas, where the programme was assigned to areas) that all specifications share."""
    clusters = "area" if assignment == "area" else "unit"
    parts = {}
    for number, one in enumerate(found):
        if name not in one.effects or not np.isfinite(one.estimates[name].estimate):
            continue
        effects = one.effects[name]
        effects = effects.at(cluster_names(effects, clusters, assignment))
        cells = chosen_cells(effects, quarters=one.plan.estimator.headline.event_times, cohorts="complete")
        parts[str(number)] = (effects, average(effects, cells))
    if len(parts) < 2:
        return None
    try:
        together = joint(parts, clusters=clusters, assignment=assignment)
        return curve_test(together.values, together.std_errors(), draws_of(together, rng=stream(seed, f"curve {name}")))
    except EvaluationError:
        return None
