"""A finished run opened again in a notebook: other choices beside the plan's. Exploratory by nature; nothing is written.

The work is that of `pipeline.reopen`, as for the commands; here it becomes tables. It reads rows, so it works inside the room only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from evaluation.bench.study import Bench, asked_for, council_code, found
from evaluation.dictionary import load_dictionary
from evaluation.errors import PlanError
from evaluation.findings.numbers import change_unit_of, factor_of, scaled
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Estimate
from evaluation.panel.types import Panel
from evaluation.pipeline import reopen
from evaluation.pipeline.estimate import missing_estimate
from evaluation.pipeline.recipe import main_comparison
from evaluation.plan import Plan
from evaluation.showing import Face, Showing, face_of, written

MAY_CHANGE = ("matching", "estimator", "comparison")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reopened(Showing):
    """A finished run with its panel, and the plan's own sample of the council looked at; `engine` matches and estimates."""

    folder: Path
    study: Bench
    panel: Panel
    sample: MatchedSample
    engine: reopen.Opened

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
        return face_of(f"Exploratory, changed: {changes_in_words(self.changes)}", self.table,
                       notes=(*lines, "Exploratory: the plan's estimate stays the one that is reported."))


def open_run(run: str | Path, *, council: str = "all") -> Reopened:
    """Open a finished run.

    Parameters
    ----------
    run : path
        Folder runs/<study>/<run id>, with the `tables` that it kept; seen from here, or from the project's root.
    council : str
        GSS code or name; 'all' for all places together.

    Raises
    ------
    PlanError
        The folder is no finished run.
    """
    if not str(run).strip():
        raise PlanError("`run` names no run yet. Put the folder of a finished one into the first cell: `evaluation run` names it at its end, "
                        "such as runs/<study>/<run id>.")
    folder = found(run)
    if not (folder / "plan.yml").is_file() or not (folder / "contents").is_dir():
        raise PlanError(f"{folder.name or 'The folder'} must be the folder of a finished run, with plan.yml, tables and contents: it is not. "
                        "Give a folder like runs/<study>/<run id>.")
    engine, code = reopen.open_run(folder), council_code(council, load_dictionary())
    study = Bench(plan=engine.plan, dictionary=engine.dictionary, plan_folder=folder, room=folder, council=code)
    panel = main_comparison(engine.plan, engine.panel)
    return Reopened(folder=folder, study=study, panel=panel, sample=engine.sample(engine.plan), engine=engine)


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
    asked, names = changes_of(changes), asked_for(outcomes, run.study.plan)
    other = run.engine.changed(asked)
    sample = run.engine.sample(other)
    old, new = (run.engine.estimated(plan, council=run.study.council, outcomes=names) for plan in (run.study.plan, other))
    table = pd.DataFrame([_side_by_side(run, headline_of(run, old, name), headline_of(run, new, name), name) for name in names])
    return Reestimated(changes=asked, table=table, samples=pd.DataFrame([_about("The plan's", run, run.sample), _about("Changed", run, sample)]))


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


def value_in(plan: Plan, name: str) -> object:
    """What a plan says under a key with dots; None where it says nothing."""
    place: object = plan.model_dump(mode="json")
    for key in name.split("."):
        place = place.get(key) if isinstance(place, dict) else None
    return place


def changes_in_words(changes: Mapping[str, object]) -> str:
    """Changes as they would stand in a plan."""
    return "; ".join(f"{name}: {value if not isinstance(value, list) else ', '.join(map(str, value))}" for name, value in changes.items())


def headline_of(run: Reopened, found: reopen.Estimated, name: str) -> Estimate:
    """The headline of one outcome on the printed scale; no number where there is none, with the reason."""
    estimate = found.estimates.get(name, missing_estimate("not available for these units"))
    return scaled(estimate, factor_of(run.study.dictionary.outcomes[name]))


def _side_by_side(run: Reopened, old: Estimate, new: Estimate, name: str) -> dict[str, object]:
    outcome = run.study.dictionary.outcomes[name]
    return {"outcome": outcome.label, "unit": change_unit_of(outcome), "plan's": old.estimate, "plan's interval": _interval(old),
            "changed": new.estimate, "changed interval": _interval(new), "difference": new.estimate - old.estimate, "reason": new.reason}


def _about(choice: str, run: Reopened, sample: MatchedSample) -> dict[str, object]:
    inside = run.study.inside(run.panel)
    joined = int((inside & (run.panel.entry >= 0)).sum())
    own = sample.keep(inside[sample.treated_unit], inside)
    return {"choice": choice, "matched": own.n_treated if own else 0, "joined": joined, "effective": own.effective_sample_size() if own else 0.0,
            "worst": float(sample.balance["smd_after"].abs().max())}


def _interval(found: Estimate) -> str:
    return f"{written(found.lower)} to {written(found.upper)}" if np.isfinite(found.lower) else "none"
