"""Faults of data and models, each brought about in one council of a small study, or in its plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from evaluation.panel.types import Panel
from evaluation.pipeline import estimating
from tests.run_faults.case import OTHER, VICTIM, Tried, broken
from tests.run_faults.study import Told, of, run_study_with

Spoil = Callable[[Panel, np.ndarray], Panel | None]


def spoilt(change: Spoil, *, code: str | None = VICTIM, promise: Callable[[Told], dict[str, bool]] | None = None, **given: object):
    """The study with one council's families (or all) changed."""

    def attempt(folder: Path) -> Tried:
        def panel(whole: Panel) -> Panel:
            rows = np.ones(len(whole), dtype=bool) if code is None else of(whole, code)
            return change(whole, rows) or whole

        return tried(run_study_with(panel=panel, **given), promise)

    return attempt


def planned(promise: Callable[[Told], dict[str, bool]] | None = None, **plan: object):
    """The study with another plan."""

    def attempt(folder: Path) -> Tried:
        return tried(run_study_with(plan={name.replace("__", "."): value for name, value in plan.items()}), promise)

    return attempt


def tried(told: Told, promise: Callable[[Told], dict[str, bool]] | None) -> Tried:
    """What a study told about the faulty council."""
    said = told.said(VICTIM)
    kept = promise(told) if promise and VICTIM in told.contents else {}
    return Tried(states=told.states, said=said, complaints=broken({**kept, "no_standard_error_of_nought": not of_nought(told)}))


def of_nought(told: Told) -> list[str]:
    """Estimates that claim to be known without doubt."""
    return [
        f"{code} {one.outcome}"
        for code, content in told.contents.items()
        for one in content.outcomes
        if one.effect is not None and one.effect.lower.text == one.effect.upper.text and not one.effect.lower.symbol
    ]


def entries(panel: Panel) -> np.ndarray:
    """A copy of who joins when."""
    return panel.units["entry"].to_numpy().copy()


def with_entries(panel: Panel, entry: np.ndarray) -> Panel:
    """The panel with other times of joining."""
    return replace(panel, units=panel.units.assign(entry=entry))


def nothing_happens(panel: Panel, rows: np.ndarray) -> None:
    """An outcome that no family of the council ever has."""
    panel.outcomes["any_offence"][rows] = 0.0


def all_join_at_once(panel: Panel, rows: np.ndarray) -> Panel:
    """Every family that the council has left joins in one quarter: nobody is left to compare with."""
    entry = entries(panel)
    joined = entry >= 0
    entry[rows & joined] = 8
    return with_entries(panel, entry).keep(joined | ~rows)


def far_apart(panel: Panel, rows: np.ndarray) -> Panel:
    """Joined families are of a kind that no other family of the council is."""
    kind = np.where(rows[:, None], (panel.entry >= 0)[:, None], panel.varying["has_child_5_15"])
    return replace(panel, varying={**panel.varying, "has_child_5_15": kind.astype(float)})


def few(panel: Panel, rows: np.ndarray) -> Panel:
    """Eight joined families in the council."""
    joined = np.flatnonzero(rows & (panel.entry >= 0))
    keep = np.ones(len(panel), dtype=bool)
    keep[joined[8:]] = False
    return panel.keep(keep)


def separated(panel: Panel, rows: np.ndarray) -> Panel:
    """A covariate that says who joins."""
    return replace(panel, units=panel.units.assign(any_fsm=(panel.entry >= 0).astype(float)))


def collinear(panel: Panel, rows: np.ndarray) -> Panel:
    """Two covariates that are one."""
    return replace(panel, units=panel.units.assign(any_fsm=2.0 * panel.units["lone_parent"] + 1.0))


def lost_from_sight(panel: Panel, rows: np.ndarray) -> None:
    """Two joined families in three are not seen after joining."""
    for row in np.flatnonzero(rows & (panel.entry >= 0)):
        if row % 3:
            panel.outcomes["adult_in_work"][row, panel.entry[row] :] = np.nan


def one_quarter(panel: Panel, rows: np.ndarray) -> Panel:
    """All who join do so in one quarter."""
    entry = entries(panel)
    entry[rows & (entry >= 0)] = 10
    return with_entries(panel, entry)


def all_join_in_the_end(panel: Panel, rows: np.ndarray) -> Panel:
    """Nobody never joins: those who join last are compared until they do."""
    entry = entries(panel)
    late = np.flatnonzero(rows & (entry < 0))
    entry[late] = len(panel.periods) - 1
    return with_entries(panel, entry)


def joined_at_the_start(panel: Panel, rows: np.ndarray) -> Panel:
    """All joined families had joined when the records begin."""
    entry = entries(panel)
    entry[rows & (entry >= 0)] = 0
    return with_entries(panel, entry)


def another_order(panel: Panel, rows: np.ndarray) -> Panel:
    """The rows of families in another order."""
    order = np.random.default_rng(7).permutation(len(panel))
    arrays = ("outcomes", "denominators", "varying", "status", "members")
    moved = {name: {key: values[order] for key, values in getattr(panel, name).items()} for name in arrays}
    return replace(panel, units=panel.units.iloc[order].reset_index(drop=True), **moved)


def the_same_as_in_order(told: Told) -> dict[str, bool]:
    """Whether the contents are those of the rows as they came."""
    as_they_came = run_study_with()
    return {
        "same_contents": {code: one.model_dump_json() for code, one in told.contents.items()}
        == {code: one.model_dump_json() for code, one in as_they_came.contents.items()}
    }


def tests_nothing_before(told: Told) -> dict[str, bool]:
    """Whether a trend before is not called tested."""
    return {"says_that_the_trend_before_cannot_be_tested": "not testable" in told.said(VICTIM) or "cannot be tested" in told.said(VICTIM)}


def other_is_estimated(told: Told) -> dict[str, bool]:
    """Whether the neighbour has its estimate."""
    return {"the_neighbour_is_estimated": told.outcome(OTHER).status == "estimated"}


def early(panel: Panel, rows: np.ndarray) -> Panel:
    """All who join do so when only the base period lies before."""
    entry = entries(panel)
    entry[rows & (entry >= 0)] = 4
    return with_entries(panel, entry)


def much_alike(panel: Panel, rows: np.ndarray) -> Panel:
    """Every second joined family is like one and the same family that never joins."""
    like = np.flatnonzero(rows & (panel.entry < 0))[0]
    joined = np.flatnonzero(rows & (panel.entry >= 0))[::2]
    units, varying = panel.units.copy(), {name: values.copy() for name, values in panel.varying.items()}
    for name in ("n_children", "lone_parent", "any_fsm"):
        units.loc[joined, name] = units.loc[like, name]
    for values in varying.values():
        values[joined] = values[like]
    return replace(panel, units=units, varying=varying)


def one_area(panel: Panel, rows: np.ndarray) -> Panel:
    """The programme was given to one area, and all others are another."""
    return replace(panel, units=panel.units.assign(area=np.where(panel.entry >= 0, "A", "B")))


def of_areas(change: Spoil):
    """Standard errors by areas: of two areas there are none, and no interval is printed."""

    def attempt(folder: Path) -> Tried:
        real = estimating.overall
        with patch.object(estimating, "overall", lambda effects, **how: real(effects, **{**how, "assignment": "area"})):
            return spoilt(change, code=None)(folder)

    return attempt
