"""One council's cohort of one plan, opened at the bench."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import PlanError
from evaluation.locations import seen
from evaluation.panel.types import Panel
from evaluation.pipeline.choices import base_of, estimator, matcher
from evaluation.pipeline.receive import check_names
from evaluation.plan import Plan, read_plan
from evaluation.plan.data import DataPlan
from evaluation.reporting.words import minus
from evaluation.showing import Face, Showing, face_of

KINDS = {"extracts": "records delivered", "simulated": "simulated records: no real family", "open_statistics": "published statistics"}
OWN_ROOM = "evaluation-room-"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Bench(Showing):
    """What is asked, of whom, and where the rows are kept.

    Attributes
    ----------
    plan : Plan
        With the delivery given, where one was.
    plan_folder : Path
    room : Path
        Private folder for checked rows.
    council : str
        GSS code; '' for all together.
    cohort : (str, str)
        First and last entry period; both '' for all.
    """

    plan: Plan
    dictionary: Dictionary
    plan_folder: Path
    room: Path
    council: str = ""
    cohort: tuple[str, str] = ("", "")

    @property
    def where(self) -> str:
        """Whose families, in words."""
        place = self.dictionary.councils[self.council].name if self.council else "All places together"
        first, last = self.cohort
        when = "" if not first else f", joined in {first}" if first == last else f", joined from {first} to {last}"
        return place + when

    def inside(self, panel: Panel) -> np.ndarray:
        """Units of the council, shape (n_units,)."""
        codes = panel.units["council_code"].astype(str)
        return codes.map(lambda joined: not self.council or self.council in joined.split("+")).to_numpy(dtype=bool)

    def entries(self, panel: Panel) -> np.ndarray:
        """Entry columns of the cohort."""
        if not self.cohort[0]:
            return np.arange(len(panel.periods))
        first, last = (panel.periods.index(label) for label in self.cohort)
        return np.arange(first, last + 1)

    def joined(self, panel: Panel) -> np.ndarray:
        """The cohort's programme units, matched or not: rows of the panel."""
        return np.flatnonzero(self.inside(panel) & np.isin(panel.entry, self.entries(panel)))

    def face(self) -> Face:
        """The question, and the choices that a reader must know."""
        return face_of(self.plan.question, self.choices())

    def choices(self) -> pd.DataFrame:
        """What was chosen: `what`, `choice`."""
        plan = self.plan
        first, last = plan.estimator.headline.event_times
        rows = [("Programme", f"{plan.programme.name}, {plan.programme.started}"), ("At this bench", self.where), ("Data", KINDS[plan.data.kind]),
                ("Periods", f"{plan.periods.first} to {plan.periods.last}"),
                ("Outcomes", ", ".join(self.dictionary.outcomes[name].label for name in plan.outcomes.all)),
                ("Who is compared", matcher(plan).in_words()),
                ("Estimator", estimator(plan).in_words()),
                ("Headline", minus(f"mean over event times {first} to {last}; base {base_of(plan)}")),
                ("Checks", ", ".join(plan.checks)),
                ("Plan's hash", plan.hash()[:12])]
        return pd.DataFrame(rows, columns=["what", "choice"])


def open_study(plan_path: str | Path, *, council: str = "all", cohort: str = "all", delivery: str | Path = "plan",
               room: str | Path = "temporary") -> Bench:
    """Open a plan for one council and cohort.

    Parameters
    ----------
    plan_path : path
        Seen from here, or from the project's root.
    council : str
        GSS code or name, or 'all'.
    cohort : str
        '2013-Q1', '2012-Q2 to 2013-Q1', or 'all'.
    delivery : path
        Folder of delivered tables, in place of the plan's own data; 'plan' keeps those.
    room : path
        Private folder for checked rows, which stay; 'temporary' makes one that `leave` removes.

    Raises
    ------
    PlanError
        The plan, the council or the cohort is not to be had.
    """
    path = found(plan_path)
    plan, dictionary = read_plan(path), load_dictionary()
    check_names(plan, dictionary)
    if str(delivery) != "plan":
        there = found(delivery)
        plan = plan.model_copy(update={"data": DataPlan(kind="extracts", folder=str(there.resolve()))})
    return Bench(plan=plan, dictionary=dictionary, plan_folder=path.parent, council=council_code(council, dictionary), cohort=_cohort(cohort, plan),
                 room=_room(room))


def leave(study: Bench) -> str:
    """Remove the rows that were kept in a room of the bench's own; a room that was named stays."""
    if study.room.name.startswith(OWN_ROOM):
        shutil.rmtree(study.room, ignore_errors=True)
        return "The rows kept for this bench are removed. Clear this notebook's outputs before you save it anywhere else."
    return f"Rows stay in {study.room.name}, which you named. Clear this notebook's outputs before you save it anywhere else."


def council_code(words: str, dictionary: Dictionary) -> str:
    """GSS code of a council given by code or name; '' for 'all'."""
    return "" if words == "all" else dictionary.resolve_council(words).code


def asked_for(words: str, plan: Plan) -> tuple[str, ...]:
    """Outcomes of the plan by name, with commas between; 'all' for every one.

    Raises
    ------
    PlanError
        One is not in the plan.
    """
    names = plan.outcomes.all if words == "all" else tuple(name.strip() for name in words.split(","))
    if unknown := [name for name in names if name not in plan.outcomes.all]:
        raise PlanError(f"Outcomes must be the plan's, {', '.join(plan.outcomes.all)}: {', '.join(map(repr, unknown))} is not.")
    return names


def found(path: str | Path) -> Path:
    """A file or folder, seen from here or from the project's root."""
    place = seen(path)
    if not place.exists() and not place.is_absolute():
        raise PlanError(f"{path} must be there, seen from this folder or from the project's root. Mend the path in the first cell.")
    return place


def _room(room: str | Path) -> Path:
    if str(room) == "temporary":
        return Path(tempfile.mkdtemp(prefix=OWN_ROOM))
    path = Path(room).expanduser()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(path, 0o700)
    return path


def _cohort(words: str, plan: Plan) -> tuple[str, str]:
    if words == "all":
        return "", ""
    first, _, last = (part.strip() for part in words.partition(" to "))
    periods = plan.resolved_periods()
    for label in (first, last or first):
        if label not in periods.labels():
            raise PlanError(f"`cohort` must name periods of the plan, {periods.label(0)} to {periods.label(len(periods) - 1)}, such as "
                            f"'{periods.label(4)}' or '{periods.label(4)} to {periods.label(7)}': {words!r} does not.")
    if periods.index(first) > periods.index(last or first):
        raise PlanError(f"`cohort` must run from an earlier to a later period: {words!r} does not.")
    return first, last or first
