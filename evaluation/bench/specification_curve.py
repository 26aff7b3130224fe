"""The specification curve of a finished run: one outcome's headline under every combination of a stated grid. None of them is picked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.bench.reestimate import Reopened, changes_of, headline_of, value_in
from evaluation.bench.study import asked_for
from evaluation.bench.views import BLUE, INK, MUTED, ORANGE, RULE, Picture, drawing, keyed, titled
from evaluation.errors import PlanError
from evaluation.findings.numbers import change_unit_of, factor_of
from evaluation.models.effects import Estimate
from evaluation.pipeline.curve import test_in_words, test_of
from evaluation.pipeline.reestimate import MOST
from evaluation.pipeline.reopen import Estimated
from evaluation.plan import Plan
from evaluation.reporting.words import minus
from evaluation.showing import Face, Showing, face_of, written


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Curve(Showing):
    """One outcome's headline under every combination of choices.

    Attributes
    ----------
    outcome, unit : str
    choices : tuple of str
        Keys of the plan that vary.
    table : DataFrame
        A column for each choice, `estimate`, `lower`, `upper`, `n_treated`, `reason`, `plan` (whether it is the plan's own); sorted by estimate.
    together : str
        The joint test of the grid's specifications, in words.
    """

    outcome: str
    unit: str
    choices: tuple[str, ...]
    table: pd.DataFrame
    together: str = ""

    @property
    def title(self) -> str:
        """How far the answer depends on the choices."""
        known = self.table[np.isfinite(self.table["estimate"].to_numpy(dtype=float))]
        if known.empty:
            return f"{self.outcome}: no specification could be estimated"
        clear = int(((known["lower"] > 0) | (known["upper"] < 0)).sum())
        return (f"{self.outcome}: {len(known)} specifications from {written(known['estimate'].min())} to {written(known['estimate'].max())}; "
                f"{clear} exclude{'s' * (clear == 1)} zero (exploratory)")

    def face(self) -> Face:
        """Every specification, and the test of all together."""
        about = f"In {self.unit}. Exploratory: all were stated before they were run; none is picked."
        return face_of(self.title, self.table, notes=(about, f"{self.together[:1].upper()}{self.together[1:]}."))


def curve(run: Reopened, grid: str | Mapping[str, Sequence[object]], *, outcome: str) -> Curve:
    """One outcome's headline under every combination of a grid of choices, the plan's own among them.

    Parameters
    ----------
    grid : str or mapping
        Keys of the plan with dots and lists of values: 'matching.caliper: [0.1, 0.2], estimator.base: [-4, -3]'.
    outcome : str
        Name in the plan.

    Raises
    ------
    PlanError
        The grid holds something that no plan may say, or more than 500 combinations.
    """
    asked = {name: list(values) if isinstance(values, list | tuple) else [values] for name, values in changes_of(grid).items()}
    points = [dict(zip(asked, values, strict=True)) for values in itertools.product(*asked.values())]
    if len(points) > MOST:
        raise PlanError(f"A specification curve must have {MOST} specifications or fewer: this grid has {len(points):,}. Take values out of it.")
    (outcome,) = asked_for(outcome, run.study.plan)[:1]
    entry = run.study.dictionary.outcomes[outcome]
    own = {name: value_in(run.study.plan, name) for name in asked}
    found = [_estimated(run, run.engine.changed(point), outcome) for point in points]
    test = test_of(outcome, found, run.study.plan.seed, run.study.plan.programme.assignment)
    if own not in points:
        found.append(_estimated(run, run.study.plan, outcome))
        points.append(own)
    rows = [dict(point) | _numbers(headline_of(run, one, outcome)) for point, one in zip(points, found, strict=True)]
    table = pd.DataFrame(rows).assign(plan=[point == own for point in points])
    table = table.sort_values("estimate", kind="stable", ignore_index=True, na_position="last")
    words = test_in_words(test, factor_of(entry))
    return Curve(outcome=entry.label, unit=change_unit_of(entry), choices=tuple(asked), table=table, together=words)


def plot_curve(found: Curve) -> Picture:
    """The estimates in order with their intervals, and under each the choices that made it; the plan's own marked."""
    table = found.table[np.isfinite(found.table["estimate"].to_numpy(dtype=float))].reset_index(drop=True)
    levels = [(choice, value) for choice in found.choices for value in sorted(set(map(str, table[choice])), key=_in_order)]
    at, plan = np.arange(len(table)), table["plan"].to_numpy(dtype=bool)
    with drawing(11, 4.4 + 0.27 * len(levels), rows=2, share_x=True) as (figure, panels):
        (top,), (below,) = panels
        panels[0, 0].get_gridspec().set_height_ratios([3.2, 0.27 * len(levels) + 0.2])
        top.axhline(0, color=INK, linewidth=1)
        for chosen, colour, label in ((~plan, BLUE, "other choices"), (plan, ORANGE, "the plan's")):
            part = table[chosen]
            top.vlines(at[chosen], part["lower"], part["upper"], color=colour, linewidth=1.4, alpha=0.7)
            top.plot(at[chosen], part["estimate"], "o", color=colour, markersize=5, label=label)
        top.set_ylabel(f"Effect\n({found.unit})")
        top.grid(axis="y")
        for row, (choice, value) in enumerate(levels):
            has = (table[choice].map(str) == value).to_numpy()
            below.plot(at[~has], np.full((~has).sum(), row), "|", color=RULE, markersize=4)
            below.plot(at[has], np.full(has.sum(), row), "s", color=BLUE, markersize=4)
            if plan.any() and has[plan].any():
                below.plot(at[plan & has], np.full((plan & has).sum(), row), "s", color=ORANGE, markersize=5)
        names = [f"{choice.partition('.')[2].replace('.', ' ').replace('_', ' ')}: {minus(value)}" for choice, value in levels]
        below.set_yticks(range(len(levels)), names, fontsize=9)
        below.set_ylim(len(levels) - 0.4, -0.6)
        below.set_xticks([])
        below.set_xlabel("Specifications, in order of the estimate", color=MUTED)
        keyed(figure, top)
        titled(figure, found.title)
    return Picture(figure=figure, alt=f"Specification curve. {found.title}.")


def _estimated(run: Reopened, plan: Plan, outcome: str) -> Estimated:
    return run.engine.estimated(plan, council=run.study.council, outcomes=(outcome,))


def _numbers(found: Estimate) -> dict[str, object]:
    return {"estimate": found.estimate, "lower": found.lower, "upper": found.upper, "n_treated": found.n_treated, "reason": found.reason}


def _in_order(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
