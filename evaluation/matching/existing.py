"""Matched sets in which an outcome exists on both arms: absence needs a child of school age, work an adult of working age.

Whether it exists is asked of the first day of the set's entry period (`panel.status`); what was not linked or not covered is another matter.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.matching.sample import MatchedSample
from evaluation.panel.status import exists_at


def complete_sets(sample: MatchedSample, outcome: str) -> MatchedSample | None:
    """The sample of sets in which an outcome exists for a treated and for a comparison unit, with its balance made anew; None without any.

    Members for whom it does not exist are left out, and the weights of a set's comparison units shared out again over those who stay. Where every
    set is complete the sample itself is given. What the sample then says of its size and balance is of the families behind this outcome. Sets keep
    their numbers (`MatchedSample.numbers`), by which those of several outcomes can be set beside each other.

    Raises
    ------
    PlanError
        The panel does not say whether the outcome exists.
    """
    treated = exists_at(sample.panel, outcome, sample.treated_unit, sample.treated_entry)
    comparison = exists_at(sample.panel, outcome, sample.comparison_unit, sample.comparison_entry)
    if treated.all() and comparison.all():
        return sample
    both = np.zeros((2, sample.n_sets), dtype=bool)
    both[0, sample.treated_set[treated]] = both[1, sample.comparison_set[comparison]] = True
    whole = both.all(axis=0)
    treated, comparison = treated & whole[sample.treated_set], comparison & whole[sample.comparison_set]
    if not treated.any():
        return None
    note = f"{int((~whole).sum()):,} of {sample.n_sets:,} matched sets are left out: nobody on one side is in the population of this outcome."
    return _kept(sample, treated, comparison, whole, note)


def _kept(sample: MatchedSample, treated: np.ndarray, comparison: np.ndarray, whole: np.ndarray, note: str) -> MatchedSample:
    number = np.cumsum(whole) - 1
    wanted = np.bincount(sample.treated_set[treated], weights=sample.treated_weight[treated], minlength=sample.n_sets)
    there = np.bincount(sample.comparison_set[comparison], weights=sample.comparison_weight[comparison], minlength=sample.n_sets)
    of = sample.comparison_set[comparison]
    parts = {"treated_set": number[sample.treated_set[treated]], "treated_weight": sample.treated_weight[treated], "comparison_set": number[of],
             "comparison_weight": sample.comparison_weight[comparison] * (wanted / np.where(there > 0, there, 1.0))[of],
             "origin": None if sample.origin is None else sample.origin[comparison], "notes": (*sample.notes, note)}
    numbers = sample.numbers[whole]
    if sample.match is not None:
        match = replace(sample.match, treated=sample.match.treated[treated], comparison=sample.match.comparison[comparison], **parts)
        return replace(MatchedSample.of(sample.panel, match), dropped=sample.dropped, candidates=sample.candidates, set_number=numbers)
    return replace(sample, set_entry=sample.set_entry[whole], treated_unit=sample.treated_unit[treated],
                   comparison_unit=sample.comparison_unit[comparison], set_number=numbers, **parts)
