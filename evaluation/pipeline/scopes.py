"""Whose reports are made: all places together, or each council with its own units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaluation.disclosure.whose import Whose
from evaluation.errors import PlanError
from evaluation.findings.study import Scope
from evaluation.findings.summary import listed, words
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.area_words import ALL
from evaluation.plan import Plan

NOUNS = {
    "family": ("family", "families"),
    "person": ("person", "people"),
    "school": ("school", "schools"),
    "council": ("council", "councils"),
    "small_area": ("small area", "small areas"),
}
BY_SETS = ("matched_did", "matched_levels", "lagged_outcome")  # estimators whose units are those of matched sets


def scopes_of(analysis: Analysis, councils: Sequence[str]) -> tuple[Scope, ...]:
    """A scope for every council with programme units (those asked for, or all); one scope 'all' where units have no council.

    Raises
    ------
    PlanError
        A council was asked for that has no programme units in the study.
    """
    return tuple(scope_of(analysis, code) for code in wanted(analysis.plan, analysis.sample.panel.units, councils))


def wanted(plan: Plan, units: pd.DataFrame, councils: Sequence[str]) -> tuple[str, ...]:
    """Codes of the reports to make; looked at as soon as there are units, so that nobody waits for estimates to hear of a wrong council.

    Raises
    ------
    PlanError
        A council was asked for that has no programme units in the study.
    """
    present = sorted(set(members_of(units["council_code"][units["entry"].to_numpy() >= 0])))
    if present == [""] or not present:
        return (ALL,)
    codes = tuple(councils) or ((ALL,) if plan.programme.together else ()) + (plan.programme.councils or tuple(present))
    if unknown := [code for code in codes if code not in (*present, ALL)]:
        raise PlanError(
            f"{', '.join(unknown)}: no programme {NOUNS[plan.unit][1]} there in study {plan.study}. "
            f"Councils with programme units: {', '.join(present[:12])}{' ...' if len(present) > 12 else ''}. "
            "Mend --council, or `programme.councils` in the plan."
        )
    return codes


def scope_of(analysis: Analysis, code: str) -> Scope:
    """The scope of one report."""
    sample, plan = analysis.sample, analysis.plan
    units, many = sample.panel.units, NOUNS[plan.unit][1]
    if code == ALL:
        joined = int((units["entry"] >= 0).sum())
        return Scope(
            code=ALL,
            name=plan.programme.name if present_nowhere(units) else "All places together",
            region="",
            area="",
            area_members=(),
            words=(
                f"Among {many} who joined,"
                if plan.programme.assignment == "unit"
                else f"In the {words(n_places(units))} programme areas together,"
            ),
            sample=sample,
            counts={"joined": joined, "matched": sample.n_treated, "comparison": len(np.unique(sample.comparison_unit))},
        )
    council = analysis.dictionary.councils[code]
    inside = in_council(analysis, code)
    by_area = plan.programme.assignment == "area"
    areas = sorted(set(units["area"][inside & (units["entry"].to_numpy() >= 0)])) if by_area else []
    area, chosen = listed(areas), units["area"].isin(areas).to_numpy() if by_area else inside
    own = sample.keep(chosen[sample.treated_unit], None if by_area else inside)
    members = (
        tuple(analysis.dictionary.councils[member].name for member in sorted(set(members_of(units["council_code"][chosen]))))
        if by_area
        else (council.name,)
    )
    n_areas = units["area"][units["entry"] >= 0].nunique()
    return Scope(
        code=code,
        name=council.name,
        region=council.region,
        area=area,
        area_members=members,
        words=f"In the {words(n_areas)} programme areas together," if by_area else f"In {council.name},",
        sample=own,
        counts={
            "joined": int((chosen & (units["entry"].to_numpy() >= 0)).sum()),
            "matched": own.n_treated if own else 0,
            "comparison": len(np.unique(own.comparison_unit)) if own else 0,
        },
    )


def present_nowhere(units: pd.DataFrame) -> bool:
    """Whether the units have no council."""
    return not (units["council_code"].astype(str) != "").any()


def n_places(units: pd.DataFrame) -> int:
    """Places to which the programme was assigned."""
    return int(units["area"][units["entry"] >= 0].nunique())


def members_of(codes: Sequence[str]) -> list[str]:
    """Single council codes; councils added together carry codes joined by '+'."""
    return [part for code in codes for part in str(code).split("+")]


def in_council(analysis: Analysis, code: str) -> np.ndarray:
    """Units of one council, shape (n_units,)."""
    codes = analysis.sample.panel.units["council_code"]
    return codes.isin([joined for joined in codes.unique() if code in str(joined).split("+")]).to_numpy(dtype=bool)


def place_of(analysis: Analysis, scope: Scope) -> np.ndarray:
    """Units of a report's place, all of them where it is on all places; shape (n_units,)."""
    return np.ones(len(analysis.sample.panel), dtype=bool) if scope.code == ALL else in_council(analysis, scope.code)


def joined_in(analysis: Analysis, scope: Scope) -> np.ndarray:
    """Rows of the panel of all programme units that a report speaks about, matched or not; all places where areas are judged together."""
    joined = analysis.sample.panel.entry >= 0
    whole = scope.code == ALL or analysis.plan.programme.assignment == "area"
    return np.flatnonzero(joined if whole else joined & in_council(analysis, scope.code))


def whose_of(analysis: Analysis, scope: Scope) -> Whose:
    """The populations of one report, for the audit."""
    units = analysis.sample.panel.units
    members = units["unit_id"][place_of(analysis, scope) & (units["entry"].to_numpy() >= 0)] if "unit_id" in units else ()
    by_sets = analysis.plan.estimator.method in BY_SETS
    return Whose(code=scope.code, matching=analysis.plan.hash()[:8], members=tuple(members), by_sets=by_sets)
