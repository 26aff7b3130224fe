"""What happens to families with and without the programme: levels, crises, entry, and both potential outcomes of every quarter.

Untreated chances are additive on the level scale,

    chance[i, t] = level[i] + drift of i's slow covariates * t + season[t] + trend * t + jump * crisis[i, t],

so untreated changes are parallel in levels for families with the same slow covariates, whatever their level. Crises follow a stationary,
time-reversible two-state chain and make entry in the next quarter more likely: a dip before joining and a return after it belong to the data.
The two potential outcomes of a quarter share every draw: with the programme, an event of the untreated world is kept (or, for effects upward,
one is added) so that its chance is the treated one.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.errors import PlanError
from evaluation.simulate.composition import Composition
from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.streams import stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """Chance per quarter of one kind of trouble (of being in work, for `work`).

    Attributes
    ----------
    outcome : str
        The outcome by whose name its effect is set.
    low, scale, spread : float
        level = low + scale * lognormal(spread, mean 1), capped at `cap`.
    slow : mapping of slow covariate -> float
        Added to the level.
    jump : float
        Added in a quarter of crisis.
    trend, drift_lone_parent : float
        Added per quarter, for all and for lone parents.
    season : four floats
        Added in calendar quarters 1 to 4.
    stay : float
        Chance that a family's draw of last quarter still holds; 0 for events, high for states that last (spells).
    more : float
        Chance of one more event after each, given any (geometric).
    """

    outcome: str
    low: float
    scale: float
    spread: float = 0.7
    cap: float = 0.5
    slow: Mapping[str, float]
    jump: float
    trend: float = 0.0
    drift_lone_parent: float = 0.0
    season: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    stay: float = 0.0
    more: float = 0.0


PROCESSES = {
    "truancy": Process(outcome="unauthorised_absence_rate", low=0.05, scale=0.11, slow={"any_sen": 0.03}, jump=0.32, trend=0.0005,
                       drift_lone_parent=0.0005, season=(0.0, 0.02, 0.0, 0.0)),
    "exclusions": Process(outcome="fixed_exclusions", low=0.02, scale=0.03, slow={"any_sen": 0.02}, jump=0.10, trend=-0.0003, more=0.25),
    "offences": Process(outcome="any_offence", low=0.018, scale=0.028, slow={"lone_parent": 0.005}, jump=0.13, trend=-0.0005, more=0.30),
    "asb": Process(outcome="asb_incidents", low=0.04, scale=0.07, slow={"lone_parent": 0.01}, jump=0.18, trend=-0.0008,
                   season=(0.0, 0.005, 0.015, 0.0), more=0.35),
    "benefit": Process(outcome="out_of_work_benefit", low=0.09, scale=0.03, cap=0.25, slow={"workless": 0.58}, jump=0.12, trend=-0.0010, stay=0.85),
    "asb_address": Process(outcome="asb_incidents", low=0.02, scale=0.03, slow={}, jump=0.08, trend=-0.0003, more=0.20),      # known only by address
    "neet": Process(outcome="neet", low=0.10, scale=0.08, slow={"workless": 0.06}, jump=0.10, trend=-0.0005, stay=0.6),
    "work": Process(outcome="adult_in_work", low=0.57, scale=0.03, cap=0.7, slow={"workless": -0.42}, jump=-0.09, trend=0.0010, stay=0.85),
}
DEFAULT_EFFECTS = {"unauthorised_absence_rate": -0.30, "fixed_exclusions": -0.20, "any_offence": -0.10, "asb_incidents": -0.25,
                   "out_of_work_benefit": 0.0, "adult_in_work": 0.0, "neet": -0.15}

CRISIS_SHARE, CRISIS_MEMORY = 0.12, 0.5      # share of family-quarters in crisis; correlation from one quarter to the next
ENTRY = {"crisis": 1.3, "level": 0.30, "lone_parent": 0.15, "three_or_more_children": 0.15, "workless": 0.20, "deprivation": 0.10,
         "need": 0.12}                       # log hazard ratios
COUNCIL_SPREAD = 0.15                        # standard deviation of councils' log hazard of entry
# new needs per family and year
NEED_RATES = {"child_in_need": 0.22, "child_protection": 0.05, "domestic_abuse": 0.15, "housing": 0.15, "health": 0.25}
NEED_DAYS = 240
MAX_EVENTS = 6
MOST_HAZARD = 0.6                            # of joining in a quarter


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything drawn about families and quarters, with and without the programme.

    Attributes
    ----------
    crisis : ndarray of bool, shape (n_families, n_columns)
    entry : ndarray of int, shape (n_families,)
        Column of entry, -1 where the family does not join.
    without, with_programme : process -> ndarray of bool, shape (n_families, n_columns)
        Whether the event (or state) happens in each quarter; truancy is drawn by child and kept as chances below.
    chances : (truancy untreated, truancy treated), float arrays of the same shape
    counts : process -> ndarray of int
        Number of events in a quarter with any.
    levels : process -> ndarray, shape (n_families,)
    need_family, need_kind, need_start, need_end : ndarray, shape (n_needs,)
        Needs by family; independent of crises.
    """

    crisis: np.ndarray
    entry: np.ndarray
    without: Mapping[str, np.ndarray]
    with_programme: Mapping[str, np.ndarray]
    chances: tuple[np.ndarray, np.ndarray]
    counts: Mapping[str, np.ndarray]
    levels: Mapping[str, np.ndarray]
    need_family: np.ndarray
    need_kind: np.ndarray
    need_start: np.ndarray
    need_end: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """Who may join when, and how many do.

    Attributes
    ----------
    share : float
        Share of families expected to join inside the periods, where `exactly` is empty.
    exactly : ndarray of int, shape (n_councils,) or (1,), or None
        Families that join in each council, or in all together; None where a share is expected.
    first, last : int
        Columns of the plan's periods from and to which families may join.
    may : ndarray of bool, shape (n_families,), or None
        Families that may join at all; None for all.
    at_once : bool
        Whether every family that may join does so in the first quarter in which it may: a programme given to whole neighbourhoods.
    """

    share: float = 0.4
    exactly: np.ndarray | None = None
    first: int = 4
    last: int = 10_000
    may: np.ndarray | None = None
    at_once: bool = False


def unfold(families: Composition, calendar: Calendar, *, effects: Mapping[str, float], ramp: tuple[float, ...], joining: Joining, seed: int) -> World:
    """Draw levels, crises, entry and both potential outcomes.

    Parameters
    ----------
    effects : mapping of outcome -> float
        Relative change of the chance at full strength; -0.25 takes away a quarter.
    ramp : floats
        Share of the full effect at event time 0, 1, ...; the last one stays.
    joining : Joining
    """
    trouble = stream(seed, "level").normal(size=families.n_families)
    levels = {name: _level(process, families, trouble, stream(seed, f"level of {name}")) for name, process in PROCESSES.items()}
    crisis = crises(families.n_families, len(calendar), stream(seed, "crisis"))
    needs = _needs(trouble, calendar, stream(seed, "needs"))
    entry = _entry(families, calendar, crisis, trouble, needs, joining, stream(seed, "entry"))
    strength = strength_of(entry, len(calendar), ramp)
    without, treated, counts, chances = {}, {}, {}, ()
    for name, process in PROCESSES.items():
        chance = untreated_chance(process, levels[name], families, crisis, calendar)
        with_effect = treated_chance(process, chance, effects, strength)
        if name == "truancy":
            chances = (chance, with_effect)
            continue
        rng = stream(seed, name)
        draw = sticky_uniform(chance.shape, process.stay, rng)
        without[name], treated[name] = draw < chance, draw < with_effect
        if process.more:
            counts[name] = np.minimum(rng.geometric(1 - process.more, size=chance.shape), MAX_EVENTS).astype(np.int8)
    return World(crisis=crisis, entry=entry, without=without, with_programme=treated, chances=chances, counts=counts, levels=levels, **needs)


def crises(n: int, n_columns: int, rng: np.random.Generator) -> np.ndarray:
    """A stationary, time-reversible two-state chain per family; shape (n, n_columns), bool."""
    state = np.empty((n, n_columns), dtype=bool)
    state[:, 0] = rng.random(n) < CRISIS_SHARE
    for t in range(1, n_columns):
        state[:, t] = rng.random(n) < CRISIS_SHARE + CRISIS_MEMORY * (state[:, t - 1] - CRISIS_SHARE)
    return state


def sticky_uniform(shape: tuple[int, int], stay: float, rng: np.random.Generator) -> np.ndarray:
    """Uniform draws per quarter that hold over with chance `stay`: each is uniform, so chances stay exact while states last."""
    draw = rng.random(shape)
    for t in range(1, shape[1]) if stay else ():
        held = rng.random(shape[0]) < stay
        draw[held, t] = draw[held, t - 1]
    return draw


def untreated_chance(process: Process, level: np.ndarray, families: Composition, crisis: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Chance without the programme, additive on the level scale; shape (n_families, n_columns)."""
    t = np.arange(len(calendar))
    common = np.asarray(process.season)[calendar.quarters - 1] + process.trend * t
    return level[:, None] + common + process.drift_lone_parent * families.lone_parent[:, None] * t + process.jump * crisis


def _level(process: Process, families: Composition, trouble: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    z = 0.6 * trouble + 0.8 * rng.normal(size=families.n_families) + 0.15 * families.deprivation
    level = process.low + process.scale * np.exp(process.spread * z - process.spread**2 / 2)
    return np.minimum(level, process.cap) + sum(weight * getattr(families, name) for name, weight in process.slow.items())


def _needs(trouble: np.ndarray, calendar: Calendar, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Needs start at a steady rate that rises with the permanent level, from a year before the history on."""
    start, span = calendar.starts[0] - np.timedelta64(365, "D"), (calendar.starts[-1] - calendar.starts[0]).astype(int) + 365
    rate = np.array(list(NEED_RATES.values())) * np.exp(0.4 * trouble - 0.08)[:, None] * span / 365.25
    number = rng.poisson(rate)
    family, kind = np.repeat(np.indices(number.shape).reshape(2, -1), number.ravel(), axis=1)
    day = (rng.random(len(family)) * span).astype(int)
    _, first = np.unique(np.stack([family, kind, day]), axis=1, return_index=True)      # sorted, and no need starts twice on a day
    begins = start + day[first].astype("timedelta64[D]")
    ends = begins + (1 + rng.exponential(NEED_DAYS, size=len(first))).astype("timedelta64[D]")
    return {"need_family": family[first], "need_kind": kind[first], "need_start": begins, "need_end": ends}


def treated_chance(process: Process, chance: np.ndarray, effects: Mapping[str, float], strength: np.ndarray) -> np.ndarray:
    """Chance with the programme: the untreated one changed by the process's effect at its strength in each quarter."""
    return chance * (1 + effects[process.outcome] * strength) if effects[process.outcome] else chance


def open_needs(needs: Mapping[str, np.ndarray], n: int, calendar: Calendar) -> np.ndarray:
    """Needs open on the first day of each column; shape (n, n_columns)."""
    from_column = np.searchsorted(calendar.starts[:-1], needs["need_start"], side="right")
    to_column = np.searchsorted(calendar.starts[:-1], needs["need_end"], side="right")
    change = np.zeros((n, len(calendar) + 1))
    np.add.at(change, (needs["need_family"], from_column), 1)
    np.add.at(change, (needs["need_family"], to_column), -1)
    return change[:, :-1].cumsum(axis=1)


def _entry(families: Composition, calendar: Calendar, crisis: np.ndarray, trouble: np.ndarray, needs: Mapping[str, np.ndarray],
           joining: Joining, rng: np.random.Generator) -> np.ndarray:
    """Column of entry, -1 where a family does not join."""
    hazard, draw = hazard_of_joining(families, calendar, crisis, trouble, needs, joining, rng)
    joins = draw < np.minimum(hazard, MOST_HAZARD)
    return np.where(joins.any(axis=1), joins.argmax(axis=1), -1)


def hazard_of_joining(families: Composition, calendar: Calendar, crisis: np.ndarray, trouble: np.ndarray, needs: Mapping[str, np.ndarray],
                      joining: Joining, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hazard of joining in each column, 0 unless eligible before the quarter and not moved away, and the draw that decides; (n_families, n_columns).

    Chances are the hazard cut at `MOST_HAZARD`. A crisis in the column before multiplies it by exp(`ENTRY["crisis"]`).
    """
    n, columns = families.n_families, np.arange(len(calendar))
    council = COUNCIL_SPREAD * rng.normal(size=families.council.max() + 1)
    slow = (council[families.council] + ENTRY["level"] * trouble + ENTRY["lone_parent"] * families.lone_parent + ENTRY["workless"] * families.workless
            + ENTRY["three_or_more_children"] * (families.n_children >= 3) + ENTRY["deprivation"] * families.deprivation)
    log_hazard = slow[:, None] + ENTRY["need"] * np.minimum(open_needs(needs, n, calendar), 4)
    log_hazard[:, 1:] += ENTRY["crisis"] * crisis[:, :-1]
    gone = np.where(np.isnat(families.moves), len(calendar), calendar.column(families.moves))
    at_risk = (columns >= HISTORY + joining.first) & (columns > calendar.column(families.eligible)[:, None]) & (columns < gone[:, None])
    at_risk &= columns <= HISTORY + joining.last
    if joining.may is not None:
        at_risk &= joining.may[:, None]
    if joining.at_once:
        return np.where(at_risk & (columns == HISTORY + joining.first), np.inf, 0.0), np.zeros(at_risk.shape)
    relative = np.where(at_risk, np.exp(log_hazard), 0)
    draw = rng.random(relative.shape)
    if joining.exactly is None:
        base: float | np.ndarray = _base_hazard(relative, joining.share)
    else:
        base = _base_of_number(relative, draw, families.council, joining.exactly)[:, None]
    return base * relative, draw


def _base_hazard(relative: np.ndarray, share_joining: float) -> float:
    """The hazard at relative hazard 1 with which the expected share joins (bisection on the log scale)."""
    low, high = np.log(1e-6), np.log(1.0)
    for _ in range(30):
        middle = (low + high) / 2
        expected = 1 - np.exp(np.log1p(-np.minimum(np.exp(middle) * relative, MOST_HAZARD)).sum(axis=1)).mean()
        low, high = (middle, high) if expected < share_joining else (low, middle)
    return float(np.exp((low + high) / 2))


def _base_of_number(relative: np.ndarray, draw: np.ndarray, council: np.ndarray, exactly: np.ndarray) -> np.ndarray:
    """The hazard at relative hazard 1 with which exactly so many families join, by family's council; shape (n_families,).

    With the draws held, a family joins once the base is above its least draw over relative hazard, so a base between two such values
    lets exactly as many families join as have a smaller one.
    """
    able = (relative > 0) & (draw < MOST_HAZARD)
    least = np.where(able, draw / np.where(able, relative, 1.0), np.inf).min(axis=1)
    group = council if len(exactly) > 1 else np.zeros(len(council), dtype=int)
    bases = np.zeros(len(exactly))
    for number, wanted in enumerate(exactly):
        ranked = np.sort(least[group == number])
        if wanted > np.isfinite(ranked).sum():
            raise PlanError(f"{wanted:,} families cannot join: {np.isfinite(ranked).sum():,} of {len(ranked):,} are eligible, still there and not "
                            "kept out by chance while families may join. Where: data.joined. Ask for fewer, simulate more, or join longer.")
        if wanted:
            above = ranked[wanted] if wanted < len(ranked) and np.isfinite(ranked[wanted]) else 2 * ranked[wanted - 1]
            bases[number] = (ranked[wanted - 1] + above) / 2
    return bases[group]


def strength_of(entry: np.ndarray, n_columns: int, ramp: tuple[float, ...]) -> np.ndarray:
    """Share of the full effect by family and column; 0 before entry and where a family does not join."""
    event_time = np.arange(n_columns) - np.where(entry < 0, n_columns, entry)[:, None]
    return np.where(event_time < 0, 0.0, np.asarray(ramp)[np.clip(event_time, 0, len(ramp) - 1)])
