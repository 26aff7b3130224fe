"""The delivered tables of a simulated world, in the columns of the data dictionary."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from evaluation.dictionary import Dictionary
from evaluation.simulate.absence import Absence
from evaluation.simulate.composition import ETHNICITY, FAMILIES_PER_AREA, SEN, Composition
from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.streams import stream
from evaluation.simulate.world import NEED_RATES, World

# Shares of codes; codes that the dictionary does not know are left out.
SHARES = {
    "referral_reason": {"education": 0.35, "crime_asb": 0.25, "work": 0.15, "safeguarding": 0.20, "other": 0.05},
    "exit_reason": {"completed": 0.75, "withdrew": 0.12, "other": 0.13},
    "offence_type": {"violence": 0.25, "robbery": 0.02, "burglary": 0.05, "theft": 0.28, "damage": 0.15, "drugs": 0.12, "motoring": 0.05,
                     "other": 0.08},
    "disposal": {"caution": 0.35, "discharge": 0.15, "fine": 0.15, "community": 0.25, "custody": 0.05, "other": 0.05},
    "incident_type": {"nuisance": 0.60, "harassment": 0.15, "damage": 0.15, "other": 0.10},
    "action": {"none": 0.55, "warning": 0.25, "contract": 0.10, "injunction": 0.04, "housing": 0.06},
    "benefit": {"jsa": 0.30, "esa": 0.25, "income_support": 0.30, "incapacity": 0.05, "carers_allowance": 0.08, "severe_disablement": 0.02},
    "service": {"early_help": 0.4, "parenting": 0.3, "youth_offending_team": 0.15, "mental_health": 0.15},
}
ADULT_OFFENDS = 0.95          # odds of an adult against one child aged 10 or over
SECOND_ADULT = 0.5           # share of the main carer's spells that a second adult shares
PERMANENT = 0.03             # share of exclusions that are followed by a permanent one
COST_PER_FAMILY = (3_900, 5_800)   # pounds
DAY = np.timedelta64(1, "D")
NOT_A_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What the tables are made from.

    Attributes
    ----------
    gone : ndarray of int, shape (n_families,)
        Column in which the family moves away (nothing is recorded from there on); the number of columns where it stays.
    linked : source -> ndarray of bool, shape (n_people,)
    last_day : source -> ndarray of datetime64[D], shape (n_councils,)
        Last day on which each council's source is complete.
    costs : council code -> financial year -> pounds
        Published costs of the programme; drawn for councils that are not named.
    caseload : (int, int)
        Least and most families of a key worker.
    """

    dictionary: Dictionary
    councils: tuple[str, ...]
    calendar: Calendar
    families: Composition
    world: World
    absence: Absence
    seed: int
    linked: Mapping[str, np.ndarray]
    last_day: Mapping[str, np.ndarray]
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    caseload: tuple[int, int] = (5, 15)
    family_ids: np.ndarray = field(init=False)
    person_ids: np.ndarray = field(init=False)
    gone: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        stays = np.isnat(self.families.moves)
        object.__setattr__(self, "family_ids", numbered("F", self.families.n_families))
        object.__setattr__(self, "person_ids", numbered("P", len(self.families.family)))
        object.__setattr__(self, "gone", np.where(stays, len(self.calendar), self.calendar.column(self.families.moves + DAY)))

    def known(self, source: str, person: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Whether a record of a linked person reaches the delivery: dated within coverage and before the family moved away."""
        family = self.families.family[person]
        return self.linked[source][person] & self.recorded(source, family, days)

    def recorded(self, source: str, family: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Whether a day lies within the source's coverage and before the family moved away."""
        return (days <= self.last_day[source][self.families.council[family]]) & (self.calendar.column(days) < self.gone[family])

    def codes(self, column: str, size: int, rng: np.random.Generator, table: str) -> np.ndarray:
        """Codes of a column, drawn by their shares among those that the dictionary lists."""
        variable = self.dictionary.tables[table].columns[column]
        known = {code: share for code, share in SHARES[column].items() if not variable.codes or code in variable.codes}
        shares = known or dict.fromkeys(variable.codes, 1.0)
        total = sum(shares.values())
        return np.array(list(shares), dtype=object)[rng.choice(len(shares), size=size, p=[share / total for share in shares.values()])]


def numbered(letter: str, n: int) -> np.ndarray:
    """Identifiers in order: letter and number with leading zeros; sorted as text."""
    width = max(len(str(n)), 6)
    return np.char.add(letter, np.char.zfill(np.arange(1, n + 1).astype(str), width))


def write_tables(records: Records, folder: Path, fmt: str) -> None:
    """Write every delivered family table that the dictionary knows."""
    for name, make in TABLES.items():
        if name not in records.dictionary.tables:
            continue
        columns = make(records, stream(records.seed, f"table {name}"))
        order = list(records.dictionary.tables[name].columns)
        table = pa.table({column: _column(columns[column]) for column in order if column in columns})
        if fmt == "csv":
            pa.csv.write_csv(table, folder / f"{name}.csv")
        else:
            pa.parquet.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=1)


def _column(values: pa.Array | np.ndarray) -> pa.Array | pa.ChunkedArray:
    return values if isinstance(values, pa.Array) else pa.array(values, from_pandas=values.dtype == object)


def _ids(ids: np.ndarray, rows: np.ndarray) -> pa.Array:
    return pa.array(ids).take(pa.array(rows))


def families_table(r: Records, rng: np.random.Generator) -> dict:
    f, n = r.families, r.families.n_families
    entry, exit_date, moved = programme_spells(r)
    reason = np.where(np.isnat(exit_date), None, np.where(moved, "moved", r.codes("exit_reason", n, rng, "families")))
    met = criteria(r, rng)
    caseload = np.where(np.isnat(entry), None, rng.integers(r.caseload[0], r.caseload[1] + 1, size=n).astype(object))
    since = {name: f.eligible - (rng.random(n) * 360).astype("timedelta64[D]") for name in met}
    return {"family_id": r.family_ids, "council_code": np.array(r.councils, dtype=object)[f.council], "first_eligible_date": f.eligible,
            "entry_date": entry, "exit_date": exit_date, "exit_reason": reason, "referral_reason": r.codes("referral_reason", n, rng, "families"),
            **{f"criterion_{name}_date": np.where(met[name], since[name], NOT_A_DAY) for name in met}, "key_worker_caseload": caseload}


def programme_spells(r: Records) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entry day, exit day (NaT while support lasts) and whether the exit is a move away. Median length of support 15 months."""
    rng, f, end = stream(r.seed, "programme"), r.families, r.calendar.starts[-1]
    joins = r.world.entry >= 0
    entry = np.where(joins, r.calendar.day(np.maximum(r.world.entry, 0), rng.random(f.n_families)), NOT_A_DAY)
    ends = entry + (456 * np.exp(0.4 * rng.normal(size=f.n_families))).astype("timedelta64[D]")
    moved = joins & ~np.isnat(f.moves) & (f.moves < ends)
    leaves = np.where(moved, f.moves, ends)
    return entry, np.where(joins & (leaves < end), leaves, NOT_A_DAY), moved


def criteria(r: Records, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Which entry criteria a family meets: drawn from its lasting level, never from single quarters; each family meets at least one."""
    def above(*names: str) -> np.ndarray:
        level = sum((r.world.levels[name] - r.world.levels[name].mean()) / r.world.levels[name].std() for name in names)
        return rng.random(len(level)) < 1 / (1 + np.exp(-(0.1 + 0.8 * level / len(names) ** 0.5)))
    crime, education = above("offences", "asb"), above("truancy", "exclusions")
    work = rng.random(len(crime)) < np.where(r.families.workless, 0.92, 0.10)
    return {"crime_asb": crime, "education": education | ~(crime | work), "work": work}


def people_table(r: Records, rng: np.random.Generator) -> dict:
    f = r.families
    year, month = np.divmod(f.birth_month, 12)
    oldest = int(f.birth_month.min())
    labels = [f"{m // 12}-{m % 12 + 1:02d}" for m in range(oldest, int(f.birth_month.max()) + 1)]
    meals = np.array([False, True, None], dtype=object)[f.free_school_meals]
    return {"person_id": r.person_ids, "family_id": _ids(r.family_ids, f.family), "member_from": f.member_from, "member_to": f.member_to,
            "birth_month": _ids(np.array(labels), f.birth_month - oldest), "sex": np.array(["F", "M"], dtype=object)[f.sex],
            "role": np.array(["child", "adult"], dtype=object)[f.role.astype(int)], "sen": np.array([*SEN, None], dtype=object)[f.sen],
            "free_school_meals": pa.array(meals, type=pa.bool_()), "ethnicity_group": np.array([*ETHNICITY, "unknown"], dtype=object)[f.ethnicity]}


def attendance_table(r: Records, rng: np.random.Generator) -> dict:
    a = r.absence
    ends = r.calendar.starts[a.column + 1] - DAY
    keep = np.flatnonzero(r.known("education", a.person, ends))
    return {"person_id": _ids(r.person_ids, a.person[keep]), "term": _ids(np.array(r.calendar.term_labels()), a.column[keep]),
            "possible_sessions": a.possible[keep], "authorised_sessions": a.authorised[1][keep], "unauthorised_sessions": a.unauthorised[1][keep]}


def events(r: Records, process: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Family, column and place (0, 1, ...) of every event with the programme as it was, by family and column."""
    family, column = np.nonzero(r.world.with_programme[process])
    number = r.world.counts[process][family, column]
    rows = np.repeat(np.arange(len(family)), number)
    return family[rows], column[rows], np.arange(len(rows)) - np.repeat(np.cumsum(number) - number, number)


def pick_members(f: Composition, months: np.ndarray, family: np.ndarray, column: np.ndarray, *, low: int, high: int, adult_odds: float,
                 rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A member for every event among those aged `low` to `high` who are in the family throughout the quarter, and whether there is one."""
    best, chosen = np.full(len(family), -1.0), np.zeros(len(family), dtype=int)
    for place in range(int(f.n_people.max())):
        person = f.first_person[family] + np.minimum(place, f.n_people[family] - 1)
        age = months[column] - f.birth_month[person]
        fits = (place < f.n_people[family]) & (age >= 12 * low) & (age < 12 * (high + 1)) & (column >= f.joins[person]) & (column <= f.leaves[person])
        odds = np.where(f.role[person], adult_odds, 1.0)
        lot = np.where(fits & (odds > 0), rng.random(len(family)) ** (1 / np.maximum(odds, 1e-9)), -1.0)
        better = lot > best
        best, chosen = np.where(better, lot, best), np.where(better, person, chosen)
    return chosen, best >= 0


def exclusions_table(r: Records, rng: np.random.Generator) -> dict:
    family, column, place = events(r, "exclusions")
    person, found = pick_members(r.families, r.calendar.months, family, column, low=5, high=15, adult_odds=0.0, rng=rng)
    start = rng.random(len(family))
    first = np.maximum.accumulate(np.where(place == 0, np.arange(len(family)), 0))
    day = r.calendar.day(column, (start[first] + place / 7) % 1)        # events of a family and quarter fall on different days
    permanent = (place == 0) & (rng.random(len(family)) < PERMANENT)
    keep = np.flatnonzero(found & r.calendar.school[column] & r.known("education", person, day))
    last = keep[permanent[keep]]
    rows = np.concatenate([keep, last])
    kind = np.repeat(np.array(["fixed", "permanent"], dtype=object), [len(keep), len(last)])
    sessions = np.where(kind == "fixed", rng.integers(1, 11, size=len(rows)) * 2, None)
    order = np.lexsort((kind.astype(str), day[rows], person[rows]))
    return {"person_id": _ids(r.person_ids, person[rows][order]), "date": day[rows][order], "kind": kind[order], "sessions": sessions[order]}


def offences_table(r: Records, rng: np.random.Generator) -> dict:
    family, column, _ = events(r, "offences")
    person, found = pick_members(r.families, r.calendar.months, family, column, low=10, high=120, adult_odds=ADULT_OFFENDS, rng=rng)
    day = r.calendar.day(column, rng.random(len(family)))
    keep = np.flatnonzero(found & r.known("police", person, day))
    return {"offence_id": numbered("O", len(keep)), "person_id": _ids(r.person_ids, person[keep]), "date": day[keep],
            "offence_type": r.codes("offence_type", len(keep), rng, "offences"), "disposal": r.codes("disposal", len(keep), rng, "offences")}


def asb_table(r: Records, rng: np.random.Generator) -> dict:
    """Half the incidents name the family, a quarter a member, a quarter both."""
    family, column, _ = events(r, "asb")
    person, found = pick_members(r.families, r.calendar.months, family, column, low=8, high=120, adult_odds=1.0, rng=rng)
    day, named = r.calendar.day(column, rng.random(len(family))), rng.random(len(family))
    keep = np.flatnonzero(r.recorded("asb", family, day))
    family_ids, person_ids = r.family_ids[family[keep]].astype(object), r.person_ids[person[keep]].astype(object)
    alone = found[keep] & (named[keep] < 0.25)
    return {"incident_id": numbered("A", len(keep)), "date": day[keep], "incident_type": r.codes("incident_type", len(keep), rng, "asb_incidents"),
            "action": r.codes("action", len(keep), rng, "asb_incidents"), "person_id": np.where(found[keep] & (named[keep] < 0.5), person_ids, None),
            "family_id": np.where(alone, None, family_ids)}


def spells(r: Records, process: str, source: str, rng: np.random.Generator) -> dict:
    """Runs of quarters in a state as dated spells of the main carer; a second adult shares some of them. Ends are empty while a spell lasts."""
    f, cal, n = r.families, r.calendar, len(r.calendar)
    state = r.world.with_programme[process]
    starts = state & ~np.concatenate([np.zeros((f.n_families, 1), bool), state[:, :-1]], axis=1)
    stops = state & ~np.concatenate([state[:, 1:], np.zeros((f.n_families, 1), bool)], axis=1)
    (family, first), last = np.nonzero(starts), np.nonzero(stops)[1]
    early, late = np.sort(rng.random((2, len(family))), axis=0)            # a spell within one quarter ends after it began
    begin = np.where(first == 0, cal.starts[0] - (1 + rng.exponential(500, size=len(family))).astype("timedelta64[D]"), cal.day(first, early))
    end = np.where(last == n - 1, NOT_A_DAY, cal.day(last, late))
    shares = (f.n_people - f.n_children == 2)[family] & (rng.random(len(family)) < SECOND_ADULT)
    person = np.concatenate([f.first_person[family], f.first_person[family[shares]] + 1])
    begin, end = (np.concatenate([days, days[shares]]) for days in (begin, end))
    last_known = np.minimum(r.last_day[source][f.council[f.family[person]]], cal.starts[r.gone[f.family[person]]] - DAY)
    keep = np.flatnonzero(r.linked[source][person] & (begin <= last_known))
    keep = keep[np.lexsort((begin[keep], person[keep]))]
    lasts = end[keep] > last_known[keep]
    return {"person_id": _ids(r.person_ids, person[keep]), "start_date": begin[keep], "end_date": np.where(lasts, NOT_A_DAY, end[keep])}


def benefit_table(r: Records, rng: np.random.Generator) -> dict:
    columns = spells(r, "benefit", "benefits", rng)
    return columns | {"benefit": r.codes("benefit", len(columns["start_date"]), rng, "benefit_spells")}


def employment_table(r: Records, rng: np.random.Generator) -> dict:
    return spells(r, "work", "employment", rng)


def costs_table(r: Records, rng: np.random.Generator) -> dict:
    """Families supported at any time in a financial year, at a council's own cost per family."""
    entry, leaves, _ = programme_spells(r)
    leaves = np.where(np.isnat(leaves), r.calendar.starts[-1], leaves)
    first, last = r.calendar.starts[HISTORY].astype(object), (r.calendar.starts[-1] - DAY).astype(object)
    price = rng.uniform(*COST_PER_FAMILY, size=len(r.councils))
    rows = []
    for year in range(first.year - (first.month < 4), last.year - (last.month < 4) + 1):
        begins, ends = np.datetime64(f"{year}-04-01"), np.datetime64(f"{year + 1}-04-01")
        supported = (entry < ends) & (leaves >= begins)
        number = np.bincount(r.families.council[supported], minlength=len(r.councils))
        cost = np.round(number * price, -2)
        label = f"{year}/{(year + 1) % 100:02d}"
        known = [r.costs.get(code, {}).get(label, 0.0) if code in r.costs else float(cost[c]) for c, code in enumerate(r.councils)]
        rows += [(code, label, int(number[c]), known[c]) for c, code in enumerate(r.councils) if number[c] or (code in r.costs and known[c])]
    rows.sort()
    council, label, number, cost = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {"council_code": pa.array(council, pa.string()), "financial_year": pa.array(label, pa.string()), "cost": pa.array(cost, pa.float64()),
            "families_supported": pa.array(number, pa.int64()), "price_year": pa.array(label, pa.string())}


def addresses_table(r: Records, rng: np.random.Generator) -> dict:
    """One small area per family, for one in seven a second one from some day on; the last stay ends when the family moves away."""
    f, cal, n = r.families, r.calendar, r.families.n_families
    from_date = cal.starts[0] - (1 + rng.exponential(900, size=n)).astype("timedelta64[D]")
    span = (cal.starts[-1] - cal.starts[0]).astype(int)
    change = cal.starts[0] + (rng.random(n) * span).astype("timedelta64[D]")
    changes = (rng.random(n) < 1 / 7) & ~(change >= f.moves)
    second = np.flatnonzero(changes)
    other_area = f.area[(second + FAMILIES_PER_AREA) % n]
    family, area = np.concatenate([np.arange(n), second]), np.concatenate([f.area, other_area])
    begins = np.concatenate([from_date, change[second]])
    ends = np.concatenate([np.where(changes, change - DAY, f.moves), f.moves[second]])
    order = np.lexsort((begins, family))
    labels = np.char.add("E01", np.char.zfill((900_000 + np.arange(int(f.area.max()) + 1)).astype(str), 6))     # no real area
    return {"family_id": _ids(r.family_ids, family[order]), "area_code": _ids(labels, area[order]), "from_date": begins[order],
            "to_date": ends[order]}


def needs_table(r: Records, rng: np.random.Generator) -> dict:
    w = r.world
    keep = np.flatnonzero((w.need_start < r.calendar.starts[-1]) & ~(w.need_start >= r.families.moves[w.need_family]))
    end = w.need_end[keep]
    return {"family_id": _ids(r.family_ids, w.need_family[keep]), "need": np.array(list(NEED_RATES), dtype=object)[w.need_kind[keep]],
            "start_date": w.need_start[keep], "end_date": np.where(end < r.calendar.starts[-1], end, NOT_A_DAY)}


def support_table(r: Records, rng: np.random.Generator) -> dict:
    """Families that do not join receive more of it: 30% against 18%."""
    n = r.families.n_families
    family = np.flatnonzero(rng.random(n) < np.where(r.world.entry >= 0, 0.18, 0.30))
    span = (r.calendar.starts[-1] - r.calendar.starts[HISTORY]).astype(int)
    start = r.calendar.starts[HISTORY] + (rng.random(len(family)) * span).astype("timedelta64[D]")
    end = start + (7 + rng.exponential(200, size=len(family))).astype("timedelta64[D]")
    return {"family_id": _ids(r.family_ids, family), "service": r.codes("service", len(family), rng, "other_support"), "start_date": start,
            "end_date": np.where(end < r.calendar.starts[-1], end, NOT_A_DAY)}


def claims_table(r: Records, rng: np.random.Generator) -> dict:
    """A claim at the end of the first quarter that looks like a result by the 2012 rules; for families in crisis when joining, most do."""
    w, n = r.world, len(r.calendar)
    joined = np.flatnonzero((w.entry >= 0) & (w.entry + 2 < np.minimum(n, r.gone)))
    asb, crime, excluded = (np.where(w.with_programme[p], w.counts[p], 0)[joined].astype(float) for p in ("asb", "offences", "exclusions"))
    rate = _absence_rate(r)[joined]
    work, benefit = w.with_programme["work"][joined], w.with_programme["benefit"][joined]
    claim, route, rows, entry = np.full(len(joined), -1), np.full(len(joined), "c", dtype=object), np.arange(len(joined)), w.entry[joined]
    for after in range(2, 8):
        t = np.minimum(entry + after, n - 1)
        def recent(values: np.ndarray, quarters: int, until: np.ndarray = t) -> np.ndarray:
            return sum(values[rows, until - k] for k in range(quarters))
        calm = ((recent(rate, 4) / 3 < 15) & (recent(excluded, 4) < 3) & (recent(asb, 2) <= 0.4 * recent(asb, 2, entry - 1))
                & (recent(crime, 2) <= 0.67 * recent(crime, 2, entry - 1)))
        working = recent(work.astype(int), 2) == 2
        working &= ~benefit[rows, t]
        now = (claim < 0) & (calm | working) & (entry + after < np.minimum(n, r.gone[joined])) & (rng.random(len(joined)) < 0.6)
        claim[now] = t[now]
        route[now] = np.where(working, "c", np.where(rng.random(len(joined)) < 0.15, "a_b", "a"))[now]
    day = r.calendar.starts[np.maximum(claim, 0) + 1] - DAY
    keep = np.flatnonzero((claim >= 0) & (day >= np.datetime64("2012-04-01")))
    return {"family_id": _ids(r.family_ids, joined[keep]), "claim_date": day[keep], "route": route[keep]}


def _absence_rate(r: Records) -> np.ndarray:
    """Unauthorised absence by family and column in per cent; 0 where there is no school."""
    a, shape = r.absence, r.world.crisis.shape
    cell = r.families.family[a.person] * shape[1] + a.column
    top, bottom = (np.bincount(cell, weights=part, minlength=shape[0] * shape[1]) for part in (a.unauthorised[1], a.possible))
    return (100 * np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)).reshape(shape)


def links_table(r: Records, rng: np.random.Generator) -> dict:
    """A row per person and source; a source is sought where the person can be in it at some time."""
    n = len(r.families.family)
    sources = list(r.linked)
    sought = np.stack([sought_in(r.families, source, r.calendar) for source in sources], axis=1)
    linked = np.stack([r.linked[source] for source in sources], axis=1)
    status = np.where(sought, linked.astype(int), 2).ravel()
    person, source = np.divmod(np.arange(n * len(sources)), len(sources))
    return {"person_id": _ids(r.person_ids, person), "source": _ids(np.array(sources), source),
            "status": _ids(np.array(["not_linked", "linked", "not_attempted"]), status)}


def sought_in(f: Composition, source: str, calendar: Calendar) -> np.ndarray:
    """Whether a person is ever of an age to be in a source; shape (n_people,), bool."""
    age = calendar.months[[0, -1]] - f.birth_month[:, None]
    if source == "education":
        return ~f.role & (age[:, 0] < 12 * 16) & (age[:, 1] >= 12 * 5)
    return age[:, 1] >= 12 * 10 if source == "police" else f.role


def coverage_table(r: Records, rng: np.random.Generator) -> dict:
    margin = np.timedelta64(31, "D")      # school terms begin and end a month outside their quarters
    rows = []
    for source, last in r.last_day.items():
        first = r.calendar.starts[0] - (margin if source == "education" else 0 * DAY)
        rows += [(source, council, first, last[c]) for c, council in enumerate(r.councils)]
    source, council, first, last = zip(*rows, strict=True)
    return {"source": pa.array(source), "council_code": pa.array(council), "first_date": np.array(first), "last_date": np.array(last)}


TABLES: Mapping[str, Callable[[Records, np.random.Generator], dict]] = {
    "families": families_table, "people": people_table, "attendance": attendance_table, "exclusions": exclusions_table, "offences": offences_table,
    "asb_incidents": asb_table, "benefit_spells": benefit_table, "employment_spells": employment_table, "programme_costs": costs_table,
    "addresses": addresses_table, "needs": needs_table, "other_support": support_table, "results_claimed": claims_table, "links": links_table,
    "source_coverage": coverage_table,
}
