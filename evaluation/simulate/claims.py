"""Claims as a council makes them: by the rules of 2012, on its own whole records, for families that had the problem when they joined.

Nothing here reads delivered tables: links that failed and sources that end early are what makes claims and recomputed results differ.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.simulate.delivery import DAY, Records, take_ids
from evaluation.simulate.details import Events, sustained
from evaluation.simulate.event_tables import asb_with_action

CLAIMED = 0.6                # chance that a result that stands at the end of a quarter is claimed there
WITH_PROGRESS = 0.15         # share of results of route a with progress to work besides
FIRST, LAST = 2, 7           # quarters after joining in which councils claim
SINCE = np.datetime64("2012-04-01")
WEEKS_IN_WORK = {"jsa": 26, "other": 13}
ABSENT, EXCLUDED = 15, 3     # per cent of sessions without leave, and fixed-period exclusions, over three terms
LEFT_OF_ASB, LEFT_OF_OFFENCES = 0.4, 0.67   # of what there was in the six months before
MINOR = 18


def claims_table(r: Records, rng: np.random.Generator) -> dict:
    """A claim at the end of the first quarter in which a result stands and the council claims it; none without a problem when joining."""
    entry, n = r.world.entry, len(r.calendar)
    joined = np.flatnonzero((entry >= 0) & (entry + FIRST < np.minimum(n, r.gone)))
    seen = seen_by_council(r, joined)
    had, worked_before = seen.problems(entry[joined]), seen.on_benefit(entry[joined] - 1, entry[joined])
    claim, route = np.full(len(joined), -1), np.full(len(joined), "c", dtype=object)
    for after in range(FIRST, LAST + 1):
        t = np.minimum(entry[joined] + after, n - 1)
        calm, working = had.any(axis=1) & (seen.calm(entry[joined], t) | ~had).all(axis=1), worked_before & seen.works(t)
        inside = entry[joined] + after < np.minimum(n, r.gone[joined])
        now = (claim < 0) & (calm | working) & inside & (rng.random(len(joined)) < CLAIMED)
        claim[now] = t[now]
        route[now] = np.where(working, "c", np.where(rng.random(len(joined)) < WITH_PROGRESS, "a_b", "a"))[now]
    day = r.calendar.starts[np.maximum(claim, 0) + 1] - DAY
    keep = np.flatnonzero((claim >= 0) & (day >= SINCE))
    return {"family_id": take_ids(r.family_ids, joined[keep]), "claim_date": day[keep], "route": route[keep]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a council sees of families that joined, by family and column.

    Attributes
    ----------
    worst : ndarray, shape (n_families, n_columns)
        Whether a child of school age was over a limit of absence or exclusions in the three terms of the year that ends with the column.
    permanent : ndarray of int
        Permanent exclusions in that year.
    offences, incidents, actions : ndarray of int
        Offences by minors, incidents of anti-social behaviour, and incidents with an action.
    benefit, work : ndarray of bool
        On an out-of-work benefit in the quarter; at its end in work for so many weeks.
    school : ndarray of bool, shape (n_columns,)
    """

    worst: np.ndarray
    permanent: np.ndarray
    offences: np.ndarray
    incidents: np.ndarray
    actions: np.ndarray
    benefit: np.ndarray
    work: np.ndarray
    school: np.ndarray

    def recent(self, values: np.ndarray, last: np.ndarray, quarters: int) -> np.ndarray:
        """Sums over the quarters that end with each family's column; shape (n_families,)."""
        rows = np.arange(len(values))
        return sum(values[rows, last - k].astype(int) for k in range(quarters))

    def problems(self, entry: np.ndarray) -> np.ndarray:
        """Schooling, offending of minors and anti-social behaviour before each family's column of joining; shape (n_families, 3), bool."""
        rows, before = np.arange(len(entry)), entry - 1
        schooling = self.worst[rows, before] | (self.permanent[rows, before] > 0)
        return np.stack([schooling, self.recent(self.offences, before, 4) > 0, self.recent(self.actions, before, 4) > 0], axis=1)

    def calm(self, entry: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Whether each of the three is met at the end of column `t`; shape (n_families, 3), bool."""
        rows, term = np.arange(len(entry)), t - 3
        term = term + ~self.school[term]
        fallen = [
            self.recent(values, t, 2) <= left * self.recent(values, entry - 1, 2)
            for values, left in ((self.offences, LEFT_OF_OFFENCES), (self.incidents, LEFT_OF_ASB))
        ]
        return np.stack([~self.worst[rows, t] & (term > entry), *fallen], axis=1)

    def on_benefit(self, column: np.ndarray, later: np.ndarray) -> np.ndarray:
        """Whether each family was on a benefit at the end of a column."""
        rows = np.arange(len(column))
        return self.benefit[rows, column] & self.benefit[rows, later]

    def works(self, t: np.ndarray) -> np.ndarray:
        """Whether each family is off benefit and in settled work at the end of a column."""
        rows = np.arange(len(t))
        return ~self.benefit[rows, t] & self.work[rows, t]


def seen_by_council(r: Records, joined: np.ndarray) -> Seen:
    """The whole records of families, linked or not."""
    w, n, shape = r.world, len(r.calendar), (len(joined), len(r.calendar))
    place = np.full(r.families.n_families, -1)
    place[joined] = np.arange(len(joined))

    def by_family(family: np.ndarray, column: np.ndarray) -> np.ndarray:
        here = place[family] >= 0
        return np.bincount(place[family[here]] * n + column[here], minlength=shape[0] * n).reshape(shape)

    offence, excluded = r.details.events["offences"], r.details.events["exclusions"]
    young = r.calendar.months[offence.column] - r.families.birth_month[offence.person] < 12 * MINOR
    minors = offence.found & young & w.with_programme["offences"][offence.family, offence.column]
    settled = {weeks: sustained(w.with_programme["work"], r.details, r.calendar, weeks)[joined] for weeks in WEEKS_IN_WORK.values()}
    out = happens(r, excluded) & excluded.kinds["permanent"]
    family, column, acted = asb_with_action(r)
    return Seen(
        worst=_over_a_limit(r, place, shape),
        permanent=_year(by_family(excluded.family[out], excluded.column[out])),
        offences=by_family(offence.family[minors], offence.column[minors]),
        incidents=by_family(family, column),
        actions=by_family(family[acted], column[acted]),
        benefit=w.with_programme["benefit"][joined],
        work=np.where((r.details.benefit[joined] == "jsa")[:, None], settled[WEEKS_IN_WORK["jsa"]], settled[WEEKS_IN_WORK["other"]]),
        school=r.calendar.school,
    )


def _over_a_limit(r: Records, place: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Whether a child who counts in a family's last term was over a limit over the year's terms; shape (n_families, n_columns)."""
    a, e, n = r.absence, r.details.events["exclusions"], shape[1]
    child = np.flatnonzero((place[r.families.family] >= 0) & ~r.families.role)
    row = np.full(len(r.families.family), -1)
    row[child] = np.arange(len(child))

    def by_child(person: np.ndarray, column: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        here = row[person] >= 0
        counted = np.bincount(row[person[here]] * n + column[here], weights=None if weights is None else weights[here], minlength=len(child) * n)
        return _year(counted.reshape(len(child), n))

    missed, possible = (by_child(a.person, a.column, part * a.counted) for part in (a.unauthorised[1], a.possible))
    took_place = happens(r, e)
    over = ((possible > 0) & (100 * missed >= ABSENT * possible)) | (by_child(e.person[took_place], e.column[took_place]) >= EXCLUDED)
    last_term = np.maximum.accumulate(np.where(r.calendar.school, np.arange(n), 0))
    there = r.families.aged(5, 15, r.calendar.months)[child] & r.families.present(n)[child]
    found, column = np.nonzero(over & there[:, last_term])
    result = np.zeros(shape, dtype=bool)
    result[place[r.families.family[child[found]]], column] = True
    return result


def happens(r: Records, e: Events) -> np.ndarray:
    """Which exclusions take place, in a school term; shape (n_events,), bool."""
    return e.found & r.world.with_programme["exclusions"][e.family, e.column] & r.calendar.school[e.column]


def _year(values: np.ndarray) -> np.ndarray:
    """Sums over the four quarters that end with each column, which hold the last three terms."""
    added = np.cumsum(np.pad(values, ((0, 0), (4, 0))), axis=1)
    return added[:, 4:] - added[:, :-4]
