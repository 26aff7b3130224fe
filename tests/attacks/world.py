"""Families of a made-up programme, the release that our code makes of them, and what an attacker sees of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.disclosure.audit import audited
from evaluation.disclosure.ledger import Entry, Ledger
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import RULES, Profile
from evaluation.disclosure.whose import fingerprint
from evaluation.errors import DisclosureError
from evaluation.models.effects import Estimate

OPEN = RULES["published"]  # protection switched off
BLANKED = Profile(name="blanked", threshold=10, base=1)  # small counts are blanked and nothing else is done: no rounding, no audit
BANDS = (0, 2, 5, 10, 1_000)  # days missed: edges of the histogram
SIZES = (14, 25, 40, 60, 90, 160)


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """One row a family; the truth that no attacker sees."""

    family: np.ndarray  # number of the family
    council: np.ndarray
    cohort: np.ndarray
    matched: np.ndarray
    event: np.ndarray  # 0/1: an offence after joining
    offences: np.ndarray  # how many
    days: np.ndarray  # missed at school
    police: np.ndarray  # 0/1: had police contact before joining; all or none in some councils
    compared: np.ndarray  # 0/1 events of comparison families, by council: shape (n_councils, n)
    region: np.ndarray  # of each council

    @property
    def n_councils(self) -> int:
        return len(self.region)

    @property
    def n_cohorts(self) -> int:
        return int(self.cohort.max()) + 1

    def take(self, rows: np.ndarray) -> Families:
        """Some of the families, by row."""
        fields = ("family", "council", "cohort", "matched", "event", "offences", "days", "police")
        return replace(self, **{name: getattr(self, name)[rows] for name in fields})


def families(rng: np.random.Generator) -> Families:
    """A programme of five to nine councils in two or three regions, with two to four cohorts."""
    n_councils, n_cohorts = int(rng.integers(5, 10)), int(rng.integers(2, 5))
    sizes = rng.choice(SIZES, n_councils)
    council = np.repeat(np.arange(n_councils), sizes)
    n = len(council)
    rate = rng.choice([0.03, 0.08, 0.2, 0.4], n_councils)[council]
    police = rng.random(n) < rng.choice([0.0, 0.3, 1.0], n_councils, p=[0.15, 0.7, 0.15])[council]
    event = rng.random(n) < rate
    return Families(
        family=np.arange(n),
        council=council,
        cohort=np.minimum(rng.geometric(0.45, n) - 1, n_cohorts - 1),
        matched=rng.random(n) > rng.choice([0.01, 0.05, 0.2], n_councils)[council],
        event=event,
        offences=np.where(event, rng.geometric(0.6, n), 0),
        days=rng.poisson(rng.gamma(1.2, 4, n)),
        police=police,
        compared=rng.random((n_councils, 60)) < rng.choice([0.03, 0.1, 0.3], n_councils)[:, None],
        region=np.arange(n_councils) % int(rng.integers(2, 4)),
    )


def next_year(first: Families, rng: np.random.Generator) -> Families:
    """The same programme after one to five families left it and none, or as many, joined (copies of others stand for them)."""
    n = len(first.council)
    gone = rng.choice(n, int(rng.integers(1, 6)), replace=False)
    come = rng.choice(n, int(rng.integers(0, 2)) * len(gone), replace=False)
    later = first.take(np.concatenate([np.setdiff1d(np.arange(n), gone), come]))
    return replace(later, family=np.where(np.arange(len(later.family)) < n - len(gone), later.family, n + np.arange(len(later.family))))


# ---- what is published ---------------------------------------------------------------------------------------------------------------------------


def joined(
    name: str, council: Sequence[int] | None = None, cohort: Sequence[int] | None = None, *path: tuple[str, str], members: Sequence[int] = ()
) -> Population:
    """Programme families of some councils and cohorts."""
    where = {}
    if council is not None:
        where["council"] = [f"c{one}" for one in council]
    if cohort is not None:
        where["cohort"] = [f"k{one}" for one in cohort]
    return Population.of(name, "programme", where, *path, fingerprint=fingerprint(members))


def publish(ledger: Ledger, world: Families) -> None:
    """All tables of a release, through the ledger."""
    councils, cohorts = range(world.n_councils), range(world.n_cohorts)

    def count(kind: str, chosen: np.ndarray, who: Population, within: int | None = None) -> None:
        ledger.count(int(chosen.sum()), of="families", what=kind, population=who, within=within)

    everyone = np.ones(len(world.council), dtype=bool)
    count("joined", everyone, joined("all"))
    rate(ledger, world, everyone, joined("all", members=world.family))
    for k in cohorts:
        count("joined", world.cohort == k, joined(f"all k{k}", None, [k]))
    for region in np.unique(world.region):
        members = np.flatnonzero(world.region == region)
        inside = np.isin(world.council, members)
        count("joined", inside, joined(f"r{region}", members))
        for k in cohorts:
            count("joined", inside & (world.cohort == k), joined(f"r{region} k{k}", members, [k]))
    for c in councils:
        here = world.council == c
        count("joined", here, joined(f"c{c}", [c]))
        for k in cohorts:
            count("joined", here & (world.cohort == k), joined(f"c{c} k{k}", [c], [k]))
            if 0 < k < world.n_cohorts - 1:
                count("joined by", here & (world.cohort <= k), joined(f"c{c} k0-{k}", [c], range(k + 1)))
        count("matched", here & world.matched, joined(f"c{c} matched", [c], None, ("matching", "matched")))
        one_council(ledger, world, c, here)


def one_council(ledger: Ledger, world: Families, c: int, here: np.ndarray) -> None:
    """Rates, means, an effect, percentiles and a histogram of one council."""
    name, n, who = f"c{c}", int(here.sum()), joined(f"c{c}", [c], members=world.family[here])
    events, days, offences = int(world.event[here].sum()), world.days[here], world.offences[here]
    fewest = min(events, n - events)
    about = {"of": "families", "population": who}
    ledger.share(events, n, what="share with an offence", **about)
    ledger.share(int(world.police[here].sum()), n, what="share with police contact", **about)
    contact = joined(f"{name} police", [c], None, ("police", "yes"))
    ledger.count(int(world.police[here].sum()), of="families", what="with police contact", population=contact, within=n)
    rate(ledger, world, here, who)
    rate(ledger, world, here & world.matched, joined(f"c{c} matched", [c], None, ("matching", "matched"), members=world.family[here]))
    for statistic, value in (("mean offences", offences.mean()), ("sd of offences", offences.std())):
        ledger.level(float(value), n=n, digits=1 if ledger.profile.base > 1 else 2, what=statistic, fewest=fewest, **about)
    ledger.interval(effect(world, c, here), what="effect", fewest=smallest_side(world, c, here), **about)
    for share in (0.0, 0.5, 0.9, 1.0):
        percentile(ledger, days, share, who)
    for at, (low, high) in enumerate(zip(BANDS, BANDS[1:], strict=False)):
        band = joined(f"{name} band {at}", [c], None, ("days", str(at)))
        ledger.count(int(((days >= low) & (days < high)).sum()), of="families", what="days missed", population=band)


def rate(ledger: Ledger, world: Families, chosen: np.ndarray, who: Population) -> None:
    """Families with an offence, of every hundred."""
    events, n = int(world.event[chosen].sum()), int(chosen.sum())
    about = {"of": "families", "digits": 0 if ledger.profile.base > 1 else 1, "per": 100, "population": who}
    ledger.level(100 * events / n, n=n, what="offenders per 100", fewest=min(events, n - events), **about)


def percentile(ledger: Ledger, days: np.ndarray, share: float, who: Population) -> None:
    """A percentile; what a gate refuses is not there, what a build without one prints is the value."""
    if not ledger.profile.protects:
        ledger.said(f"{np.quantile(days, share, method='higher'):.0f}", what=f"percentile {share}", population=who)
        return
    try:
        ledger.percentile(days, share, of="families", digits=0, what=f"percentile {share}", population=who)
    except DisclosureError:
        return


def smallest_side(world: Families, c: int, here: np.ndarray) -> int:
    """Families with or without the event, whichever is fewest, in either group."""
    k1, n1, k0, n0 = int(world.event[here].sum()), int(here.sum()), int(world.compared[c].sum()), world.compared.shape[1]
    return min(k1, n1 - k1, k0, n0 - k0)


def effect(world: Families, c: int, here: np.ndarray) -> Estimate:
    """The difference in the share with an offence, which nobody had before joining: so it is the difference in changes too."""
    p1, n1, p0, n0 = world.event[here].mean(), int(here.sum()), world.compared[c].mean(), world.compared.shape[1]
    error = float(np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0))
    gap = float(p1 - p0)
    return Estimate(
        estimate=100 * gap,
        std_error=100 * error,
        lower=100 * (gap - 1.96 * error),
        upper=100 * (gap + 1.96 * error),
        df=n1 + n0 - 2,
        p_value=1.0,
        n_treated=n1,
        n_comparison=n0,
        clusters="",
        n_clusters=0,
        method="difference",
    )


# ---- what an attacker has ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A release as its readers have it, with more than they have: which numbers were rounded further, and which [c] are no small counts."""

    numbers: dict[tuple[str, str], str]  # (what, whose) -> text
    bases: dict[str, int]  # whose count -> to what it was rounded, where further than the rule says
    withheld: frozenset[str]
    threshold: int
    least: int  # that a [c] can be
    base: int
    councils: int
    cohorts: int
    region: tuple[int, ...]
    compared: int  # comparison families in each council: told in the text

    def text(self, what: str, whose: str) -> str | None:
        return self.numbers.get((what, whose))

    def count(self, what: str, whose: str) -> tuple[float, float]:
        """Integers that a printed count can stand for."""
        text = self.text(what, whose)
        if text is None or text == "[c]" and whose in self.withheld:
            return 0, np.inf
        if text == "[c]":
            return (0, np.inf) if what == "with police contact" else (self.least, self.threshold - 1)
        value, base = float(text.replace(",", "")), self.bases.get(whose, self.base)
        low = max(np.ceil(value - base / 2), self.threshold if value else 0)
        return (low, np.ceil(value + base / 2) - 1) if base > 1 else (value, value)


def release(world: Families, profile: Profile, *, changed: Sequence[Entry] = ()) -> tuple[Seen, list[Entry]]:
    """Build a release by our code, write it, and read it as an attacker does."""
    make: Callable[[Ledger], None] = lambda ledger: publish(ledger, world)  # noqa: E731
    if profile.protects and profile is not BLANKED:
        _, ledger = audited(make, profile, changed=changed)
    else:
        ledger = Ledger(profile=profile)
        make(ledger)
    written = json.dumps([[entry.what, entry.population, entry.shown.text] for entry in ledger.entries])
    counts = [entry for entry in ledger.entries if entry.statistic == "count"]
    seen = Seen(
        numbers={(what, whose): text for what, whose, text in json.loads(written)},
        bases={entry.population: entry.base for entry in counts if entry.repaired and entry.base},
        withheld=frozenset(entry.population for entry in counts if entry.repaired and not entry.base),
        threshold=max(profile.threshold, 1),
        least=0 if profile.zeros == "hidden" else 1,
        base=profile.base,
        councils=world.n_councils,
        cohorts=world.n_cohorts,
        region=tuple(int(one) for one in world.region),
        compared=world.compared.shape[1],
    )
    return seen, ledger.entries
