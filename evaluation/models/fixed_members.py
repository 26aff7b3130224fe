"""Effects on outcomes formed from those who were there at the index: the children of then, followed to 16, whoever joins or leaves later.

A comparison unit that serves sets of several entry periods has another value in each, so rows of the estimate are pairs of unit and entry period.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects
from evaluation.models.matched_did import MatchedDiD, MatchedLevels
from evaluation.panel.people import People, at_index
from evaluation.panel.types import Panel


def fixed_members(estimator: MatchedDiD | MatchedLevels, sample: MatchedSample, people: People, outcome: str, *,
                  calendar: Sequence[int] = ()) -> Effects:
    """An estimator's effects, every unit's outcome formed from the members who were in its population on the first day of the set's entry period.

    Assumes what the estimator assumes, of these members. A unit in which nobody was in the population then has no value; its set stays if others
    have one. Influence rows carry the units of the sample, so that errors are clustered as usual.

    Parameters
    ----------
    people : People
        Built from the tables, periods and councils of the sample's panel.
    calendar : sequence of int
        Quarters of the year (1 to 4) in which the outcome is collected; empty for all.

    Raises
    ------
    PlanError
        The people were not built with the outcome.
    """
    unit = np.concatenate([sample.treated_unit, sample.comparison_unit])
    entry = np.concatenate([sample.treated_entry, sample.comparison_entry])
    width = len(sample.panel.periods)
    pairs, place = np.unique(unit * width + entry, return_inverse=True)
    of, found = pairs // width, at_index(people, outcome, pairs // width, pairs % width)
    panel = Panel(unit=sample.panel.unit, periods=sample.panel.periods, units=sample.panel.units.iloc[of].reset_index(drop=True),
                  outcomes={outcome: found.values}, status={outcome: found.status})
    n = sample.n_treated
    by_pair = replace(sample, panel=panel, treated_unit=place[:n], comparison_unit=place[n:], match=None)
    effects = estimator.fit(by_pair, outcome, calendar=calendar)
    rows = effects.rows.assign(unit=of[effects.rows["unit"].to_numpy()])
    return replace(effects, rows=rows, estimator=f"{effects.estimator}; outcomes of the members of the index")
