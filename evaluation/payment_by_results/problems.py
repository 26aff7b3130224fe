"""One problem of a framework, applied to facts: did the family have it when joining, and does it meet the rule at the end of a later quarter.

`s` is the column of the quarter of joining (of a comparison family: of its set), `c` the column at whose end a result is claimed. What comes before
is measured over quarters before `s`, what comes after over quarters after it, for both arms alike. Arrays have one entry per family of the panel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.payment_by_results.facts import Adults, Children, Facts
from evaluation.payment_by_results.framework import AnyProblem, Counted, NeedEnds, OffBenefit, Schooling

DAYS_IN_QUARTER = 365.25 / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEntry:
    """A problem before joining.

    Attributes
    ----------
    applies : ndarray, shape (n_families,)
        1, 0, or NaN where the records do not show it.
    before : ndarray, shape (n_families,)
        How bad it was, in the rule's own measure: the highest absence of a child (share of sessions), events in the time that is compared with,
        quarters of the last four on a benefit; 0 where unknown.
    recent : ndarray, shape (n_families,)
        The same in the last quarter or term alone.
    """

    applies: np.ndarray
    before: np.ndarray
    recent: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class AtClaim:
    """A problem at a claim.

    Attributes
    ----------
    met : ndarray, shape (n_families,)
        1, 0, or NaN where the records do not show it.
    aged_out, left : ndarray of bool, shape (n_families,)
        Somebody who made the problem apply is no longer judged because of age; because membership of the family ended.
    missing : ndarray of bool, shape (n_families,)
        Somebody who should be judged is in no record, though the source is complete.
    """

    met: np.ndarray
    aged_out: np.ndarray
    left: np.ndarray
    missing: np.ndarray


def can_judge(problem: AnyProblem, facts: Facts) -> bool:
    """Whether the records that a problem needs were delivered."""
    if isinstance(problem, Schooling):
        return facts.children is not None
    if isinstance(problem, Counted):
        return problem.counts in facts.events
    if isinstance(problem, NeedEnds):
        return "+".join(problem.needs) in facts.needs
    return isinstance(problem, OffBenefit) and facts.adults is not None


def at_entry(problem: AnyProblem, facts: Facts, s: int) -> AtEntry:
    """Whether families that join (or whose set begins) in column `s` had a problem."""
    if isinstance(problem, Schooling):
        return _schooling_at_entry(problem, facts, s)
    if isinstance(problem, Counted):
        return _counted_at_entry(problem, facts, s)
    if isinstance(problem, NeedEnds):
        return _need_at_entry(problem, facts, s)
    return _benefit_at_entry(facts, s)


def at_claim(problem: AnyProblem, facts: Facts, s: int, c: int) -> AtClaim:
    """Whether families whose time counts from column `s` meet a problem's rule at the end of column `c`."""
    if isinstance(problem, Schooling):
        return _schooling_at_claim(problem, facts, s, c)
    if isinstance(problem, Counted):
        return _counted_at_claim(problem, facts, s, c)
    if isinstance(problem, NeedEnds):
        return _need_at_claim(problem, facts, s, c)
    return _benefit_at_claim(problem, facts, s, c)


def any_of(member: np.ndarray, unit: np.ndarray, n: int) -> np.ndarray:
    """Whether any member of each family has a mark; shape (n,), bool."""
    return np.bincount(unit[member], minlength=n) > 0


def worst_of(values: np.ndarray, unit: np.ndarray, n: int) -> np.ndarray:
    """The largest value among each family's members, 0 where there is none; shape (n,)."""
    out = np.zeros(n)
    np.maximum.at(out, unit, values)
    return out


def shown(known: np.ndarray, value: np.ndarray) -> np.ndarray:
    """1 and 0 where known, NaN elsewhere."""
    return np.where(known, value.astype(float), np.nan)


def unknown(n: int) -> AtEntry:
    """Nothing is known of anybody: the records begin too late."""
    return AtEntry(applies=np.full(n, np.nan), before=np.zeros(n), recent=np.zeros(n))


def not_yet(n: int) -> AtClaim:
    """The rule's time has not passed since joining."""
    no = np.zeros(n, dtype=bool)
    return AtClaim(met=np.zeros(n), aged_out=no, left=no, missing=no)


# ---- children's schooling ------------------------------------------------------------------------------------------------------------------------


def _sums(children: Children, terms: list[int], name: str) -> np.ndarray:
    return getattr(children, name)[:, terms].sum(axis=1, dtype=np.int64)


def _missed(problem: Schooling, children: Children, terms: list[int]) -> np.ndarray:
    """Sessions missed, of the kind that the rule counts."""
    missed = _sums(children, terms, "unauthorised")
    return missed + _sums(children, terms, "authorised") if problem.absence == "overall" else missed


def _over(problem: Schooling, children: Children, terms: list[int]) -> np.ndarray:
    """Whether each child was at or over a threshold, in whole numbers: 15% of 140 sessions must not miss 21."""
    at_least = problem.absence_from.value / 100
    over = _missed(problem, children, terms) * at_least.denominator >= at_least.numerator * _sums(children, terms, "possible")
    over &= _sums(children, terms, "possible") > 0
    if problem.exclusions_from is not None:
        over |= _sums(children, terms, "fixed") >= problem.exclusions_from.whole
    return over


def _unseen_child(children: Children, judged: np.ndarray, terms: list[int]) -> np.ndarray:
    people = children.people
    return judged & (~people.linked | ~children.covered[:, terms].all(axis=1)[people.unit])


def _has_problem(problem: Schooling, children: Children, s: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Children judged before column `s`, those with the problem, and the terms; no terms where the records begin too late."""
    terms = children.terms(s, problem.terms.whole)
    if len(terms) < problem.terms.whole:
        return np.zeros(len(children.people.unit), dtype=bool), np.zeros(len(children.people.unit), dtype=bool), []
    judged = children.people.there(terms[-1])
    bad = _over(problem, children, terms)
    if problem.permanent:
        bad = bad | (_sums(children, terms, "permanent") > 0)
    return judged, judged & bad, terms


def _schooling_at_entry(problem: Schooling, facts: Facts, s: int) -> AtEntry:
    children, n = facts.children, len(facts.here)
    judged, bad, terms = _has_problem(problem, children, s)
    if not terms:
        return unknown(n)
    unit, possible = children.people.unit, _sums(children, terms, "possible")
    unseen = _unseen_child(children, judged, terms) | (judged & (possible == 0))
    applies = np.where(any_of(bad & ~unseen, unit, n), 1.0, shown(~any_of(unseen, unit, n), np.zeros(n)))

    def worst(columns: list[int]) -> np.ndarray:
        share = np.divide(_missed(problem, children, columns), _sums(children, columns, "possible"), out=np.zeros(len(unit)),
                          where=_sums(children, columns, "possible") > 0)
        return worst_of(np.where(judged, share, 0.0), unit, n)

    return AtEntry(applies=applies, before=worst(terms), recent=worst(terms[-1:]))


def _schooling_at_claim(problem: Schooling, facts: Facts, s: int, c: int) -> AtClaim:
    children, n = facts.children, len(facts.here)
    terms = children.terms(c + 1, problem.terms.whole)
    if len(terms) < problem.terms.whole or terms[0] <= s:
        return not_yet(n)
    people, unit = children.people, children.people.unit
    judged = people.there(terms[-1])
    unseen = _unseen_child(children, judged, terms)
    missing = judged & ~unseen & (_sums(children, terms, "possible") == 0)
    over = judged & ~unseen & _over(problem, children, terms)
    met = np.where(any_of(over, unit, n), 0.0, shown(~any_of(unseen | missing, unit, n) & facts.here[:, c], np.ones(n)))
    gone = _has_problem(problem, children, s)[1] & ~judged
    aged = gone & (people.ages_out <= terms[-1])
    return AtClaim(met=met, aged_out=any_of(aged, unit, n), left=any_of(gone & ~aged, unit, n), missing=any_of(missing, unit, n))


# ---- events that must fall -----------------------------------------------------------------------------------------------------------------------


def _counted_at_entry(problem: Counted, facts: Facts, s: int) -> AtEntry:
    n, first, over = len(facts.here), s - problem.lookback.whole, problem.over.whole
    if min(first, s - over) < 0:
        return unknown(n)
    signs, counted = facts.events[problem.at_entry], facts.events[problem.counts]
    seen = ~(signs.unseen[:, first:s].any(axis=1) | counted.unseen[:, s - over : s].any(axis=1))
    return AtEntry(applies=shown(seen, signs.number[:, first:s].sum(axis=1) > 0), before=counted.number[:, s - over : s].sum(axis=1).astype(float),
                   recent=counted.number[:, s - 1].astype(float))


def _counted_at_claim(problem: Counted, facts: Facts, s: int, c: int) -> AtClaim:
    n, over, events = len(facts.here), problem.over.whole, facts.events[problem.counts]
    first = c - over + 1
    if first <= s:
        return not_yet(n)
    before, after = (events.number[:, at : at + over].sum(axis=1, dtype=np.int64) for at in (s - over, first))
    stays = 1 - problem.falls_by.value
    seen = ~events.unseen[:, first : c + 1].any(axis=1)
    whose = (events.column >= s - problem.lookback.whole) & (events.column < s)
    aged = whose & (events.ages_out <= c)
    left = whose & ~aged & (events.leaves <= c)
    return AtClaim(met=shown(seen, after * stays.denominator <= stays.numerator * before), aged_out=any_of(aged, events.unit, n),
                   left=any_of(left, events.unit, n), missing=np.zeros(n, dtype=bool))


# ---- needs that must end -------------------------------------------------------------------------------------------------------------------------


def _need_at_entry(problem: NeedEnds, facts: Facts, s: int) -> AtEntry:
    needs = facts.needs["+".join(problem.needs)]
    if s < 4:
        return unknown(len(facts.here))
    return AtEntry(applies=shown(facts.here[:, s], needs.at_start[:, s]), before=needs.in_quarter[:, s - 4 : s].sum(axis=1).astype(float),
                   recent=needs.in_quarter[:, s - 1].astype(float))


def _need_at_claim(problem: NeedEnds, facts: Facts, s: int, c: int) -> AtClaim:
    n, first = len(facts.here), c - problem.over.whole + 1
    if first <= s:
        return not_yet(n)
    closed = ~facts.needs["+".join(problem.needs)].in_quarter[:, first : c + 1].any(axis=1)
    no = np.zeros(n, dtype=bool)
    return AtClaim(met=shown(facts.here[:, c], closed), aged_out=no, left=no, missing=no)


# ---- one adult off benefit and in work -----------------------------------------------------------------------------------------------------------


def _claimants(adults: Adults, s: int) -> np.ndarray:
    """Adults of the family who claim an out-of-work benefit on the last day before column `s`."""
    return adults.people.there(s - 1) & adults.claimed_on(int(adults.last_days[s - 1]))


def _benefit_at_entry(facts: Facts, s: int) -> AtEntry:
    adults, n = facts.adults, len(facts.here)
    if s < 4:
        return unknown(n)
    unit, there = adults.people.unit, adults.people.there(s - 1)
    unseen = any_of(there & ~adults.people.linked, unit, n) | ~adults.covered[:, s - 1]
    claims = any_of(_claimants(adults, s) & adults.people.linked, unit, n) & adults.covered[:, s - 1]
    quarters = sum((there & adults.claimed_on(int(adults.last_days[column]))).astype(int) for column in range(s - 4, s))
    return AtEntry(applies=np.where(claims, 1.0, shown(~unseen, np.zeros(n))), before=worst_of(quarters, unit, n), recent=claims.astype(float))


def _benefit_at_claim(problem: OffBenefit, facts: Facts, s: int, c: int) -> AtClaim:
    adults, n, day = facts.adults, len(facts.here), int(facts.adults.last_days[c])
    unit, claimed = adults.people.unit, _claimants(adults, s)
    still = claimed & adults.people.there(c)
    met = np.zeros(len(unit), dtype=bool)
    taken = np.zeros(len(unit), dtype=bool)
    for code, weeks in problem.by_benefit.items():
        if code != "other" and code not in adults.claims:
            continue
        whose = still & ~taken if code == "other" else still & adults.claimed_on(int(adults.last_days[s - 1]), code)
        taken |= whose
        if round(7 * weeks.within.whole / DAYS_IN_QUARTER) <= c - s:
            met |= whose & _settled(adults, day, weeks.weeks.whole, weeks.within.whole)
    unseen = still & (~adults.people.linked | ~adults.works_linked | ~adults.covered[unit, c])
    seen = ~any_of(unseen, unit, n) & facts.here[:, c]
    no = np.zeros(n, dtype=bool)
    return AtClaim(met=np.where(any_of(met & ~unseen, unit, n), 1.0, shown(seen, np.zeros(n))), aged_out=no, left=no, missing=no)


def _settled(adults: Adults, day: int, weeks: int, within: int) -> np.ndarray:
    """Whether each adult worked for so many weeks of the last so many, claimed no more than the rest of them, and does not claim on the day."""
    worked = adults.days(adults.work, day, 7 * within) >= 7 * weeks
    off = adults.days(adults.any_claim, day, 7 * within) <= 7 * (within - weeks)
    return worked & off & ~adults.claimed_on(day)
