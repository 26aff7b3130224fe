"""Twelve ways to work out hidden numbers from a release. They know the rule and the release, nothing of our audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from tests.attacks.world import BANDS, Families, Seen

WIDE = (0.0, np.inf)
Guess = tuple[str, float, float, float]  # what was attacked, least and most that it can be, the truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two releases of one programme with the truth of both; attackers get the releases, the score is kept by the truth."""

    first: Seen
    second: Seen
    truth: Families
    later: Families

    @property
    def small(self) -> range:
        """Counts that the rule protects; under ten in a build without one."""
        return range(1, self.first.threshold if self.first.threshold > 1 else 10)


Row = tuple[np.ndarray, float, float]


def feasible(rows: list[Row], targets: Iterable[np.ndarray], n: int, *, signed: bool = False) -> Iterator[tuple[float, float]]:
    """Least and most of each target over all unknowns that agree with the rows."""
    above = [(cost, high) for cost, _, high in rows if np.isfinite(high)]
    below = [(-cost, -low) for cost, low, _ in rows if np.isfinite(low) and (low > 0 or signed)]
    matrix = sparse.csr_matrix(np.array([cost for cost, _ in (*above, *below)]).reshape(-1, n))
    limits = np.array([limit for _, limit in (*above, *below)])
    for target in targets:
        ends = []
        for sign in (1.0, -1.0):
            found = linprog(sign * target, A_ub=matrix, b_ub=limits, bounds=(None if signed else 0, None), method="highs")
            ends.append(sign * found.fun if found.status == 0 else -sign * np.inf)
        yield tuple(ends)


def rounded(low: float, high: float) -> tuple[float, float]:
    return np.ceil(low - 1e-6), np.floor(high + 1e-6)


# ---- the cells of the count tables ---------------------------------------------------------------------------------------------------------------


class Cells:
    """Unknown counts by council, cohort and whether matched."""

    def __init__(self, seen: Seen):
        self.seen, self.shape = seen, (seen.councils, seen.cohorts, 2)
        self.n = int(np.prod(self.shape))

    def pick(self, council: object = None, cohort: object = slice(None), matched: object = slice(None)) -> np.ndarray:
        cost = np.zeros(self.shape)
        for c in range(self.shape[0]) if council is None else np.atleast_1d(council):
            cost[c, cohort, matched] = 1
        return cost.ravel()

    def one_table(self) -> list:
        """The table of councils by cohorts with its margins."""
        seen = self.seen
        rows = [(self.pick(), *seen.count("joined", "all"))]
        rows += [(self.pick(cohort=k), *seen.count("joined", f"all k{k}")) for k in range(seen.cohorts)]
        for c in range(seen.councils):
            rows.append((self.pick(c), *seen.count("joined", f"c{c}")))
            rows += [(self.pick(c, k), *seen.count("joined", f"c{c} k{k}")) for k in range(seen.cohorts)]
        return rows

    def linked(self) -> list:
        """All tables that count families."""
        seen, rows = self.seen, self.one_table()
        for r in sorted(set(seen.region)):
            members = np.flatnonzero(np.array(seen.region) == r)
            rows.append((self.pick(members), *seen.count("joined", f"r{r}")))
            rows += [(self.pick(members, k), *seen.count("joined", f"r{r} k{k}")) for k in range(seen.cohorts)]
        for c in range(seen.councils):
            rows += [(self.pick(c, slice(0, k + 1)), *seen.count("joined by", f"c{c} k0-{k}")) for k in range(1, seen.cohorts - 1)]
            rows.append((self.pick(c, matched=1), *seen.count("matched", f"c{c} matched")))
        return rows


def small_cells(case: Case) -> list[tuple[int, int, int]]:
    """(council, cohort, count) of small counts."""
    truth = case.truth
    table = np.zeros((truth.n_councils, truth.n_cohorts), dtype=int)
    np.add.at(table, (truth.council, truth.cohort), 1)
    return [(int(c), int(k), int(table[c, k])) for c, k in np.argwhere((table > 0) & (table < case.small.stop))]


def one_table(case: Case) -> Iterator[Guess]:
    """1: linear programmes on one table."""
    cells, small = Cells(case.first), small_cells(case)
    for (c, k, true), ends in zip(small, feasible(cells.one_table(), [cells.pick(c, k) for c, k, _ in small], cells.n), strict=True):
        yield f"c{c} k{k}", *rounded(*ends), true


def linked_tables(case: Case) -> Iterator[Guess]:
    """2: linear programmes on all tables together; small cells and those left unmatched."""
    cells, small = Cells(case.first), small_cells(case)
    left = [(c, int((~case.truth.matched[case.truth.council == c]).sum())) for c in range(case.truth.n_councils)]
    left = [(c, true) for c, true in left if true in case.small]
    targets = [cells.pick(c, k) for c, k, _ in small] + [cells.pick(c, matched=0) for c, _ in left]
    names = [(f"c{c} k{k}", true) for c, k, true in small] + [(f"c{c} unmatched", true) for c, true in left]
    for (name, true), ends in zip(names, feasible(cells.linked(), targets, cells.n), strict=True):
        yield name, *rounded(*ends), true


def less(whole: tuple[float, float], parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """A whole less its parts, by interval arithmetic."""
    parts = list(parts)
    return max(whole[0] - sum(high for _, high in parts), 0), whole[1] - sum(low for low, _ in parts)


def both(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), min(one[1], other[1])


def nation_less_councils(case: Case) -> Iterator[Guess]:
    """3: the nation less all other councils, cohort by cohort, and its offenders less theirs."""
    seen = case.first
    for c in range(seen.councils):
        if (events := int(case.truth.event[case.truth.council == c].sum())) in case.small:
            rest = less(offenders(seen, c, whose="all"), [offenders(seen, other) for other in range(seen.councils) if other != c])
            yield f"c{c} offenders", *both(offenders(seen, c), rest), events
    for c, k, true in small_cells(case):
        others = [seen.count("joined", f"c{other} k{k}") for other in range(seen.councils) if other != c]
        yield f"c{c} k{k}", *both(seen.count("joined", f"c{c} k{k}"), less(seen.count("joined", f"all k{k}"), others)), true


def region_less_councils(case: Case) -> Iterator[Guess]:
    """4: a region less its other councils."""
    seen = case.first
    for c, k, true in small_cells(case):
        mates = [other for other in range(seen.councils) if other != c and seen.region[other] == seen.region[c]]
        rest = less(seen.count("joined", f"r{seen.region[c]} k{k}"), [seen.count("joined", f"c{other} k{k}") for other in mates])
        yield f"c{c} k{k}", *both(seen.count("joined", f"c{c} k{k}"), rest), true


def cohort_differences(case: Case) -> Iterator[Guess]:
    """5: those who joined by a cohort less those who joined by the one before, and a council less its other cohorts."""
    seen = case.first

    def by(c: int, k: int) -> tuple[float, float]:
        if k < 0:
            return 0.0, 0.0
        if k == seen.cohorts - 1:
            return seen.count("joined", f"c{c}")
        return seen.count("joined", f"c{c} k0") if k == 0 else seen.count("joined by", f"c{c} k0-{k}")

    for c, k, true in small_cells(case):
        others = [seen.count("joined", f"c{c} k{other}") for other in range(seen.cohorts) if other != k]
        steps = both(less(by(c, k), [by(c, k - 1)]), less(seen.count("joined", f"c{c}"), others))
        yield f"c{c} k{k}", *both(seen.count("joined", f"c{c} k{k}"), steps), true


def matched_less_all(case: Case) -> Iterator[Guess]:
    """6: who joined less who was matched, and offenders among the one less offenders among the other."""
    truth, seen = case.truth, case.first
    for c in range(truth.n_councils):
        alone = (truth.council == c) & ~truth.matched
        left = less(seen.count("joined", f"c{c}"), [seen.count("matched", f"c{c} matched")])
        if (true := int(alone.sum())) in case.small:
            yield f"c{c} unmatched", *left, true
        if (events := int(truth.event[alone].sum())) in case.small:
            rest = less(offenders(seen, c), [offenders(seen, c, "matched", f"c{c} matched")])
            yield f"c{c} unmatched offenders", *both(rest, (0.0, left[1])), events


def two_releases(case: Case) -> Iterator[Guess]:
    """7: what changed between two releases: families, and those with an offence."""
    cells = Cells(case.first)
    then, now = Cells(case.first).linked(), Cells(case.second).linked()
    rows = [(cost, low2 - high1, high2 - low1) for (cost, low1, high1), (_, low2, high2) in zip(then, now, strict=True)]
    moved = []
    for c in range(case.first.councils):
        here, later = case.truth.council == c, case.later.council == c
        if abs(true := int(later.sum() - here.sum())) in case.small:
            moved.append((c, true))
        if abs(events := int(case.later.event[later].sum() - case.truth.event[here].sum())) in case.small:
            before, after = offenders(case.first, c), offenders(case.second, c)
            yield f"c{c} change in offenders", after[0] - before[1], after[1] - before[0], events
    for (c, true), ends in zip(moved, feasible(rows, [cells.pick(c) for c, _ in moved], cells.n, signed=True), strict=True):
        yield f"c{c} change in families", *rounded(*ends), true


def per_hundred(text: str) -> tuple[float, float]:
    """The values that a printed number stands for."""
    value = float(text.replace("\N{MINUS SIGN}", "-").replace(",", "").rstrip("%"))
    half = 0.5 * 10.0 ** -len(text.partition(".")[2].rstrip("%"))
    return value - half, value + half


def integers(low: float, high: float) -> tuple[float, float]:
    """Integers in an interval; as it is where there are none."""
    return (np.ceil(low - 1e-9), np.floor(high + 1e-9)) if np.ceil(low - 1e-9) <= np.floor(high + 1e-9) else (low, high)


def offenders(seen: Seen, c: int, what: str = "joined", whose: str = "") -> tuple[float, float]:
    """How many families have an offence, by the rate times the number."""
    text, n = seen.text("offenders per 100", whose or f"c{c}"), seen.count(what, whose or f"c{c}")
    if text is None or text.startswith("["):
        return 0.0, n[1]
    low, high = per_hundred(text)
    return integers(low / 100 * n[0], high / 100 * n[1])


def percent_times_number(case: Case) -> Iterator[Guess]:
    """8: a percentage, or a rate per hundred, times a rounded number of families."""
    truth, seen = case.truth, case.first
    for c in range(seen.councils):
        true = int(truth.event[truth.council == c].sum())
        if true not in case.small:
            continue
        found, text, n = offenders(seen, c), seen.text("share with an offence", f"c{c}"), seen.count("joined", f"c{c}")
        if text and not text.startswith("["):
            low, high = per_hundred(text)
            found = both(found, integers(low / 100 * n[0], high / 100 * n[1]))
        yield f"c{c} offenders", *found, true


def mean_number_deviation(case: Case) -> Iterator[Guess]:
    """9: integer totals that agree with a mean, a standard deviation and a number."""
    truth, seen = case.truth, case.first
    for c in range(seen.councils):
        true = int(truth.offences[truth.council == c].sum())
        mean, spread = (seen.text(what, f"c{c}") for what in ("mean offences", "sd of offences"))
        if true not in case.small:
            continue
        if mean is None or mean.startswith("["):
            yield f"c{c} offences", 0.0, np.inf, true
            continue
        (low, high), (least, most) = per_hundred(mean), per_hundred(spread)
        n = seen.count("joined", f"c{c}")
        totals = [
            total
            for total in range(int(n[1] * high) + 2)
            for number in range(int(n[0]), int(n[1]) + 1)
            if low <= total / number <= high
            and any(least**2 <= square / number - (total / number) ** 2 <= most**2 for square in range(total, total * total + 1, 2))
        ]
        yield f"c{c} offences", *((min(totals), max(totals)) if totals else WIDE), true


def effect_and_error(case: Case) -> Iterator[Guess]:
    """10: the counts behind an effect on a share and its interval."""
    truth, seen = case.truth, case.first
    for c in range(seen.councils):
        true = int(truth.event[truth.council == c].sum())
        if true not in case.small:
            continue
        texts = [seen.text(f"effect, {name}", f"c{c}") for name in ("estimate", "lower", "upper")]
        if any(text is None or text.startswith("[") for text in texts):
            yield f"c{c} offenders", 0.0, seen.count("joined", f"c{c}")[1], true
            continue
        (gap_low, gap_high), (low, _), (_, high) = (per_hundred(text) for text in texts)
        width, slack = (high - low) / 100 / 3.92, 10.0 ** -len(texts[1].partition(".")[2]) / 100 / 1.96
        fits = []
        for n1 in range(*(int(end) + add for end, add in zip(seen.count("joined", f"c{c}"), (0, 1), strict=True))):
            k1, k0 = np.meshgrid(np.arange(n1 + 1), np.arange(seen.compared + 1), indexing="ij")
            p1, p0 = k1 / n1, k0 / seen.compared
            error = np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / seen.compared)
            fit = (100 * (p1 - p0) >= gap_low) & (100 * (p1 - p0) <= gap_high) & (np.abs(error - width) <= slack)
            fits += list(k1[fit])
        yield f"c{c} offenders", *((float(min(fits)), float(max(fits))) if fits else WIDE), true


def extremes(case: Case) -> Iterator[Guess]:
    """11: minima, maxima and percentiles that are one family's value, and the bars of a histogram."""
    truth, seen = case.truth, case.first
    for c in range(seen.councils):
        days = truth.days[truth.council == c]
        for share, value in ((0.0, days.min()), (1.0, days.max())):
            if (true := int((days == value).sum())) in case.small:
                text = seen.text(f"percentile {share}", f"c{c}")
                told = text is not None and not text.startswith("[") and "to" not in text
                yield f"c{c} family at {share}", *((true, true) if told and true == 1 else (1.0, 9.0) if told else WIDE), true
        bars = [int(((days >= low) & (days < high)).sum()) for low, high in zip(BANDS, BANDS[1:], strict=False)]
        known = [seen.count("days missed", f"c{c} band {at}") for at in range(len(bars))]
        for at, true in enumerate(bars):
            if true in case.small:
                rest = less(seen.count("joined", f"c{c}"), [one for other, one in enumerate(known) if other != at])
                yield f"c{c} bar {at}", *both(known[at], rest), true


def none_or_all(case: Case) -> Iterator[Guess]:
    """12: a group of which all, or none, have an attribute: it is then known of each."""
    truth, seen = case.truth, case.first
    for c in range(seen.councils):
        here = truth.council == c
        true, n = int(truth.police[here].sum()), int(here.sum())
        if true not in (0, n):
            continue
        share, told = seen.text("share with police contact", f"c{c}"), seen.count("with police contact", f"c{c} police")
        if share in ("0%", "100%"):
            yield f"c{c} police", true, true, true
        else:
            yield f"c{c} police", *both(told, (0.0, seen.count("joined", f"c{c}")[1])), true


ATTACKS: tuple[Callable[[Case], Iterator[Guess]], ...] = (
    one_table,
    linked_tables,
    nation_less_councils,
    region_less_councils,
    cohort_differences,
    matched_less_all,
    two_releases,
    percent_times_number,
    mean_number_deviation,
    effect_and_error,
    extremes,
    none_or_all,
)
