"""The delivered tables of a simulated world, in the columns of the data dictionary."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from evaluation.simulate.claims import claims_table
from evaluation.simulate.composition import ETHNICITY, SEN, Composition
from evaluation.simulate.delivery import DAY, NOT_A_DAY, Records, take_ids
from evaluation.simulate.event_tables import (
    activity_table,
    asb_table,
    attendance_table,
    benefit_table,
    employment_table,
    exclusions_table,
    offences_table,
)
from evaluation.simulate.places import addresses_table
from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.streams import stream
from evaluation.simulate.world import NEED_RATES

DEATHS = 0.05                # share of departures from a family that are deaths
COST_PER_FAMILY = (3_900, 5_800)   # pounds


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
    dies = ~np.isnat(f.member_to) & (rng.random(len(f.family)) < DEATHS)
    meals = np.array([False, True, None], dtype=object)[f.free_school_meals]
    return {"person_id": r.person_ids, "family_id": take_ids(r.family_ids, f.family), "member_from": f.member_from, "member_to": f.member_to,
            "died_on": np.where(dies, f.member_to + DAY, NOT_A_DAY), "birth_month": take_ids(np.array(labels), f.birth_month - oldest),
            "sex": np.array(["F", "M"], dtype=object)[f.sex],
            "role": np.array(["child", "adult"], dtype=object)[f.role.astype(int)], "sen": np.array([*SEN, None], dtype=object)[f.sen],
            "free_school_meals": pa.array(meals, type=pa.bool_()), "ethnicity_group": np.array([*ETHNICITY, "unknown"], dtype=object)[f.ethnicity]}


def costs_table(r: Records, rng: np.random.Generator) -> dict:
    """Families supported at any time in a financial year, at a council's own cost a family; published costs for their years alone."""
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
        rows += [(code, label, int(number[c]), known[c]) for c, code in enumerate(r.councils)
                 if (label in r.costs[code] if code in r.costs else number[c])]
    rows.sort()
    council, label, number, cost = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {"council_code": pa.array(council, pa.string()), "financial_year": pa.array(label, pa.string()), "cost": pa.array(cost, pa.float64()),
            "families_supported": pa.array(number, pa.int64()), "price_year": pa.array(label, pa.string())}


def needs_table(r: Records, rng: np.random.Generator) -> dict:
    w = r.world
    keep = np.flatnonzero((w.need_start < r.calendar.starts[-1]) & ~(w.need_start >= r.families.moves[w.need_family]))
    end = w.need_end[keep]
    return {"family_id": take_ids(r.family_ids, w.need_family[keep]), "need": np.array(list(NEED_RATES), dtype=object)[w.need_kind[keep]],
            "start_date": w.need_start[keep], "end_date": np.where(end < r.calendar.starts[-1], end, NOT_A_DAY)}


def support_table(r: Records, rng: np.random.Generator) -> dict:
    """Families that do not join receive more of it: 30% against 18%."""
    n = r.families.n_families
    family = np.flatnonzero(rng.random(n) < np.where(r.world.entry >= 0, 0.18, 0.30))
    span = (r.calendar.starts[-1] - r.calendar.starts[HISTORY]).astype(int)
    start = r.calendar.starts[HISTORY] + (rng.random(len(family)) * span).astype("timedelta64[D]")
    end = start + (7 + rng.exponential(200, size=len(family))).astype("timedelta64[D]")
    return {"family_id": take_ids(r.family_ids, family), "service": r.codes("service", len(family), rng, "other_support"), "start_date": start,
            "end_date": np.where(end < r.calendar.starts[-1], end, NOT_A_DAY)}


def links_table(r: Records, rng: np.random.Generator) -> dict:
    """A row per person and source; a source is sought where the person can be in it at some time."""
    n = len(r.families.family)
    sources = list(r.linked)
    sought = np.stack([sought_in(r.families, source, r.calendar) for source in sources], axis=1)
    linked = np.stack([r.linked[source] for source in sources], axis=1)
    status = np.where(sought, linked.astype(int), 2).ravel()
    person, source = np.divmod(np.arange(n * len(sources)), len(sources))
    return {"person_id": take_ids(r.person_ids, person), "source": take_ids(np.array(sources), source),
            "status": take_ids(np.array(["not_linked", "linked", "not_attempted"]), status)}


def sought_in(f: Composition, source: str, calendar: Calendar) -> np.ndarray:
    """Whether a person is ever of an age to be in a source; shape (n_people,), bool."""
    age = calendar.months[[0, -1]] - f.birth_month[:, None]
    if source == "education":
        return ~f.role & (age[:, 0] < 12 * 16) & (age[:, 1] >= 12 * 5)
    if source == "activity":
        return (age[:, 0] < 12 * 19) & (age[:, 1] >= 12 * 16)
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
    "asb_incidents": asb_table, "benefit_spells": benefit_table, "employment_spells": employment_table,
    "activity_spells": activity_table, "programme_costs": costs_table,
    "addresses": addresses_table, "needs": needs_table, "other_support": support_table, "results_claimed": claims_table, "links": links_table,
    "source_coverage": coverage_table,
}
