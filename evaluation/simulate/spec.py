"""What to simulate, and the one verb that writes it."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.dictionary.councils import REFERENCE_DAY
from evaluation.errors import PlanError
from evaluation.nearest import did_you_mean
from evaluation.periods import Periods
from evaluation.simulate.absence import draw_absence
from evaluation.simulate.composition import FAMILIES_PER_AREA, Composition, compose
from evaluation.simulate.councils import check_there
from evaluation.simulate.delivery import Records
from evaluation.simulate.details import draw_details
from evaluation.simulate.quarters import Calendar
from evaluation.simulate.records import sought_in, write_tables
from evaluation.simulate.streams import stream
from evaluation.simulate.truth import SCALE, Truth, true_outcomes
from evaluation.simulate.world import DEFAULT_EFFECTS, Joining, World, unfold

LINK_RATES = {"education": (0.965, 0.95), "police": (0.97, 0.955), "benefits": (0.965, 0.945), "employment": (0.955, 0.935),
              "activity": (0.96, 0.94)}   # joined, others
SMALLEST_COUNCIL = 45     # families of the smallest council when a total is spread: about 18 of them join
OTHERS = "others"         # in `joined`: the councils of 2012 that are not named
SOURCES = ("education", "police", "asb", "benefits", "employment", "activity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Linked family records with a known effect, drawn from the data dictionary and published aggregates only.

    Attributes
    ----------
    families : int or mapping of council code -> int
        Families in all, spread unevenly over `councils`, or families in each council (joined or not; about `share_joining` of them join).
    periods : Periods
        Quarters; a year of history before them is delivered too.
    seed : int
        Root of all random numbers. The same spec writes the same bytes.
    councils : int or sequence of codes
        Where `families` is a number: how many councils, or which.
    effects : mapping of outcome -> float, optional
        Relative change, at full strength, of the chance per quarter (of truanting for `unauthorised_absence_rate`); outcomes not named have none.
        Keys: unauthorised_absence_rate, fixed_exclusions, any_offence, asb_incidents, out_of_work_benefit, adult_in_work, neet. None:
        `DEFAULT_EFFECTS`. Other outcomes made from the same records follow. -1 takes every event away.
    ramp : floats
        Share of the full effect 0, 1, ... quarters after entry; the last one stays.
    share_joining : float
        Share of families expected to join inside the periods.
    first_entry, last_entry : int
        Columns of the periods from and to which families may join.
    joined : int or mapping of council code -> int, optional
        Exactly how many families join, in all or in each council (0 in councils that are not named); `share_joining` is then not used, but where
        `OTHERS` stands among the councils: that many join in the councils of 2012 that are not named, spread unevenly, `families` is no longer
        asked for, and each council has so many families that `share_joining` of them join.
    areas : mapping of council code -> int, optional
        Only families living in so many first small areas of each council (by code) may join.
    at_once : bool
        Every family that may join does so in the quarter `first_entry`, if it is eligible by then: a programme of whole neighbourhoods.
    costs : mapping of council code -> financial year -> pounds
        Published costs of the programme; drawn for councils that are not named.
    caseload : (int, int)
        Least and most families of a key worker.
    link_rates : source -> (families that join, other families)
        Share of people found in a source among those sought.
    short_coverage : tuple of (source, council code, days), optional
        Sources whose records end this many days before the periods do. None: police records of the last council end 100 days early, where there
        are several councils.
    fmt : 'parquet' or 'csv'

    Examples
    --------
    >>> spec = Simulation(families=200, councils=["E06000022"], periods=Periods.between("2011-Q1", "2013-Q4", kind="quarter"), seed=1)
    >>> spec.effects["any_offence"]
    -0.1
    """

    families: int | Mapping[str, int] = 0
    periods: Periods
    seed: int
    councils: int | Sequence[str] = 10
    effects: Mapping[str, float] | None = None
    ramp: tuple[float, ...] = (0.4, 0.7, 1.0)
    share_joining: float = 0.4
    first_entry: int = 4
    last_entry: int | None = None
    joined: int | Mapping[str, int] | None = None
    areas: Mapping[str, int] | None = None
    at_once: bool = False
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    caseload: tuple[int, int] = (5, 15)
    link_rates: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(LINK_RATES))
    short_coverage: tuple[tuple[str, str, int], ...] | None = None
    fmt: Literal["parquet", "csv"] = "parquet"

    def __post_init__(self) -> None:
        asked = DEFAULT_EFFECTS if self.effects is None else self.effects
        for name, value in asked.items():
            if name not in DEFAULT_EFFECTS:
                hint = f"; {close}" if (close := did_you_mean(name, DEFAULT_EFFECTS)) else ""
                raise PlanError(f"An effect is set for one of {', '.join(DEFAULT_EFFECTS)}: {name!r} is none{hint}. Where: effects. Mend the name.")
            if not -1 <= value <= 1:
                raise PlanError(f"An effect is a relative change from -1 to 1: {value} is not. Where: effects, {name}. Mend the number.")
        object.__setattr__(self, "effects", {name: float(asked.get(name, 0.0)) for name in DEFAULT_EFFECTS})
        least = min(self.families.values(), default=0) if isinstance(self.families, Mapping) else self.families
        joined = tuple(self.joined.values()) if isinstance(self.joined, Mapping) else (self.joined or 0,)
        faults = [words for wrong, words in (
            (self.periods.kind != "quarter", "`periods` must be quarters"),
            (len(self.periods) < self.first_entry + 2, f"`periods` must hold at least {self.first_entry + 2} quarters (`first_entry` and two)"),
            (self.first_entry < 0, "`first_entry` must be 0 or more"),
            (not 0 < self.share_joining < 0.95, "`share_joining` must lie between 0 and 0.95"),
            (not self.ramp, "`ramp` must hold at least one number"),
            (self.fmt not in ("parquet", "csv"), "`fmt` must be 'parquet' or 'csv'"),
            (set(self.link_rates) != set(LINK_RATES), f"`link_rates` must name {', '.join(LINK_RATES)}"),
            (least < 1 and not self._by_joined(), "`families` must be at least 1"),
            (self.last_entry is not None and not self.first_entry <= self.last_entry < len(self.periods),
             "families must be able to join from a quarter inside the periods to the same or a later one"),
            (not 1 <= self.caseload[0] <= self.caseload[1], "`caseload` must run from 1 or more families to as many or more"),
            (any(cost < 0 for years in self.costs.values() for cost in years.values()), "costs must be 0 or more pounds"),
            (any(number < 0 for number in joined), "`joined` must be 0 or more families"),
            (not any(joined) and self.joined is not None, "`joined` must name at least one family"),
            (any(number < 1 for number in (self.areas or {}).values()), "`areas` must be at least 1 in each council named"),
            (self.at_once and not self.areas, "families join at once where `areas` says in which small areas"),
        ) if wrong]
        if faults:
            raise PlanError(f"The simulation cannot be drawn: {'; '.join(faults)}. Where: data of kind simulated. Mend the plan.")

    def write(self, folder: Path, *, dictionary: Dictionary) -> Truth:
        """Write every delivered table of families into `folder`, and the truth apart from them (`Truth.read`)."""
        check_there({name: self._named(name, dictionary) for name in ("families", "councils", "joined")}, self.periods, dictionary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes = self.sizes(dictionary)
        calendar = Calendar.over(self.periods)
        families = compose(np.array(list(sizes.values())), calendar, self.seed)
        joining = Joining(share=self.share_joining, exactly=self._exactly(sizes, dictionary), first=self.first_entry,
                          last=len(self.periods) if self.last_entry is None else self.last_entry, may=self._may_join(sizes, families, dictionary),
                          at_once=self.at_once)
        world = unfold(families, calendar, effects=self.effects, ramp=self.ramp, joining=joining, seed=self.seed)
        absence = draw_absence(families, world.chances, calendar, stream(self.seed, "attendance"))
        details = draw_details(families, world, calendar, self.seed)
        councils = tuple(sizes)
        records = Records(dictionary=dictionary, councils=councils, calendar=calendar, families=families, world=world, absence=absence,
                          details=details, seed=self.seed, linked=self._linked(families, world, calendar),
                          last_day=self._last_days(councils, calendar), costs=self.costs, caseload=self.caseload)
        write_tables(records, folder, self.fmt)
        untreated, treated = true_outcomes(dictionary, families, world, absence, details, calendar)
        first = self.periods.first - calendar.first
        truth = Truth(unit_ids=records.family_ids, periods=self.periods, entry=np.where(world.entry >= 0, world.entry - first, -1),
                      untreated=untreated, treated=treated, scale=dict.fromkeys(untreated, SCALE), effects=self.effects)
        truth.write(folder)
        return truth

    def sizes(self, dictionary: Dictionary) -> dict[str, int]:
        """Families in each council, by code.

        Raises
        ------
        DictionaryError
            A council is not known.
        """
        if self._by_joined():
            joined = self._spread_joined(dictionary)
            return {code: max(int(np.ceil(number / self.share_joining)), SMALLEST_COUNCIL) for code, number in joined.items()}
        if isinstance(self.families, Mapping):
            return {dictionary.resolve_council(code).code: int(number) for code, number in sorted(self.families.items())}
        if isinstance(self.councils, int):
            known = [code for code, council in dictionary.councils.items() if council.exists_on(REFERENCE_DAY)]
            codes = [known[i] for i in np.linspace(0, len(known) - 1, min(self.councils, len(known), self.families)).astype(int)]
        else:
            codes = sorted(dictionary.resolve_council(code).code for code in self.councils)
        return dict(zip(codes, spread(self.families, len(codes), stream(self.seed, "councils")), strict=True))

    def _named(self, name: str, dictionary: Dictionary) -> list[str]:
        """Codes of the councils that a field names; none where it is a number."""
        given = getattr(self, name)
        return [] if given is None or isinstance(given, int) else [dictionary.resolve_council(code).code for code in given if code != OTHERS]

    def _by_joined(self) -> bool:
        """Whether the number of families follows from how many join."""
        return isinstance(self.joined, Mapping) and OTHERS in self.joined

    def _spread_joined(self, dictionary: Dictionary) -> dict[str, int]:
        """Families that join in every council of 2012, the named ones exactly and the rest spread unevenly."""
        named = {dictionary.resolve_council(code).code: int(number) for code, number in self.joined.items() if code != OTHERS}
        rest = [code for code, council in dictionary.councils.items() if council.exists_on(REFERENCE_DAY) and code not in named]
        spread_out = spread(int(self.joined[OTHERS]), len(rest), stream(self.seed, "councils"))
        return dict(sorted({**named, **dict(zip(rest, spread_out, strict=True))}.items()))

    def _exactly(self, sizes: Mapping[str, int], dictionary: Dictionary) -> np.ndarray | None:
        """How many families join, in all or in each council of `sizes`; None where a share is expected.

        Raises
        ------
        PlanError
            Families join in a council that has none.
        """
        if self.joined is None:
            return None
        if not isinstance(self.joined, Mapping):
            return np.array([self.joined])
        asked = self._spread_joined(dictionary) if self._by_joined() else {
            dictionary.resolve_council(code).code: int(number) for code, number in self.joined.items()}
        if nowhere := [code for code in asked if code not in sizes]:
            raise PlanError(f"Families join in councils that have families: {', '.join(nowhere)} has none. Where: data.joined. Add it to "
                            "data.families.")
        return np.array([asked.get(code, 0) for code in sizes])

    def _may_join(self, sizes: Mapping[str, int], families: Composition, dictionary: Dictionary) -> np.ndarray | None:
        """Families that live in the small areas whose families may join; None for all.

        Raises
        ------
        PlanError
            A council has fewer small areas.
        """
        if self.areas is None:
            return None
        asked = {dictionary.resolve_council(code).code: number for code, number in self.areas.items()}
        first = np.array([families.area[families.council == c].min() for c in range(len(sizes))])
        there = np.array([families.area[families.council == c].max() for c in range(len(sizes))]) - first + 1
        for c, code in enumerate(sizes):
            if asked.get(code, 0) > there[c]:
                raise PlanError(f"{code} has {there[c]:,} small areas of about {FAMILIES_PER_AREA} families: {asked[code]:,} are asked for. Where: "
                                "places. Simulate more families there, or take fewer areas.")
        return families.area < (first + [asked.get(code, 0) for code in sizes])[families.council]

    def _linked(self, families: Composition, world: World, calendar: Calendar) -> dict[str, np.ndarray]:
        joins = (world.entry >= 0)[families.family]
        return {source: sought_in(families, source, calendar) & (stream(self.seed, f"links {source}").random(len(joins)) < np.where(joins, *rates))
                for source, rates in self.link_rates.items()}

    def _last_days(self, councils: tuple[str, ...], calendar: Calendar) -> dict[str, np.ndarray]:
        end = calendar.starts[-1] - np.timedelta64(1, "D")
        days = {source: np.full(len(councils), end + np.timedelta64(31 if source == "education" else 0, "D")) for source in SOURCES}
        short = self.short_coverage if self.short_coverage is not None else (("police", councils[-1], 100),) if len(councils) > 1 else ()
        for source, council, early in short:
            days[source][councils.index(council)] -= np.timedelta64(early, "D")
        return days


def spread(total: int, n: int, rng: np.random.Generator) -> list[int]:
    """A total split unevenly into `n` parts; the smallest is `SMALLEST_COUNCIL` where the total allows it."""
    smallest = min(SMALLEST_COUNCIL, total // n)
    share = np.exp(0.9 * rng.normal(size=n))
    share = share - share.min() if n > 1 else share
    parts = smallest + np.floor((total - smallest * n) * share / share.sum()).astype(int)
    parts[np.argmax(parts)] += total - parts.sum()
    return parts.tolist()
