"""Are the effects of all four domains recovered from linked records? `python -m benchmarks.records_truth [--runs N] [--minutes M] [--json FILE]`

Each run simulates families in ten councils over 20 quarters of which about 3,000 join, with an effect in every domain, delivers the records, builds
the panel from them, matches (three comparison families each, the demonstration's keys and score) and estimates over the four quarters after joining.
The target is the truth over the same families and quarters. Bias is in standard errors: the mean error over runs, divided by the mean standard error.
Two designs: one eligible family in ten joins (30,000 families), and four in ten (7,500). In the second, comparison families that go on to join are
many, they join after a crisis, and those left to be compared with have had fewer: a bias that no matching takes away.

Two readings. As it is: the estimate from the records. Without the draws: the same matched sets and gaps in the records with each outcome replaced
by its expectation in both worlds given who joined when, which has the same bias (given who joined, the estimator is linear, and neither matching nor
what is missing depends on crises or draws) and hardly any Monte Carlo error: chances of a crisis given whether and when a family joined are exact.
Continuous employment, an outcome of several quarters, is replaced by its expectation given the crises too, less what these moved adult employment
by. A bias is small when its 95% Monte Carlo interval lies within 0.1 standard errors.

Two remedies for censoring at later entry, as moves of the estimate without the draws (given the crises, on which the weights depend): weights by the
inverse of the chance of not having joined, from the records of the quarters before, or from the chances that the simulation used.
"""
from __future__ import annotations

import argparse
import functools
import itertools
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from benchmarks.coverage.pages import filled
from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.errors import EstimationError
from evaluation.ingest.tables import CheckedTable
from evaluation.matching.nearest import NearestNeighbour
from evaluation.matching.sample import MatchedSample
from evaluation.models.inference import overall
from evaluation.models.later_entry import with_chances, with_chances_of_joining
from evaluation.models.matched_did import MatchedDiD
from evaluation.models.summaries import treated_behind
from evaluation.panel.families import build_families
from evaluation.periods import Periods
from evaluation.simulate import Simulation, Truth
from evaluation.simulate.absence import POSSIBLE, SETTLED, TRUANTING
from evaluation.simulate.composition import Composition, compose
from evaluation.simulate.details import ADULT_OFFENDS, DISPOSALS, PERMANENT, draw_details
from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.streams import stream
from evaluation.simulate.world import (
    CRISIS_MEMORY,
    CRISIS_SHARE,
    ENTRY,
    MAX_EVENTS,
    MOST_HAZARD,
    PROCESSES,
    Joining,
    World,
    hazard_of_joining,
    strength_of,
    treated_chance,
    unfold,
    untreated_chance,
)

PERIODS = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
EFFECTS = {"unauthorised_absence_rate": -0.30, "fixed_exclusions": -0.20, "any_offence": -0.20, "asb_incidents": -0.25, "out_of_work_benefit": -0.10,
           "adult_in_work": 0.15, "neet": -0.15}
EXACT = ("council_code", "has_child_5_15", "has_adult_working_age")
SCORE = ("n_children", "lone_parent", "any_sen", "any_fsm", "n_needs", "criterion_crime_asb", "criterion_education", "criterion_work")
HEADLINE = (1, 4)
DESIGNS = {"one in ten joins": (30_000, 0.1, 0.7), "four in ten join": (7_500, 0.4, 0.3)}      # families, share joining, share of the time
LIKE_WORK = "adult_in_work"               # what crises happen to do to it, they do to continuous employment
WITH_REMEDIES = ("four in ten join",)
WITHIN = 0.1                # standard errors
NO_PEOPLE = ("universal_credit",)      # nobody claims it in the simulated years
RECORDS = ("unauthorised_absence_rate", "any_fixed_exclusion", "any_offence", "any_asb", "out_of_work_benefit", "adult_in_work")      # for weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One simulated study. Each a mapping of outcome -> number, in the outcome's unit.

    `expected` is the error without the draws; `weighted` and `known` how far it moves where comparison families that have not joined are weighted by
    the inverse of their chance of that, from the records or as it truly is; empty where
    that is not asked for or the chance cannot be fitted. `censored`: share of comparison families joined, by quarter of headline.
    """

    truth: Mapping[str, float]
    estimate: Mapping[str, float]
    std_error: Mapping[str, float]
    covers: Mapping[str, bool]
    expected: Mapping[str, float]
    weighted: Mapping[str, float]
    known: Mapping[str, float]
    censored: float
    n_joined: int
    n_matched: int


def run(seed: int, dictionary: Dictionary, *, families: int = 30_000, share_joining: float = 0.1, remedies: bool = False) -> Run:
    """Simulate, deliver, build, match and estimate once; with `remedies` weighted against joining too."""
    spec = Simulation(families=families, periods=PERIODS, seed=seed, effects=EFFECTS, share_joining=share_joining)
    outcomes = [name for name, one in dictionary.outcomes.items() if "family" in one.sources and name not in NO_PEOPLE]
    with tempfile.TemporaryDirectory() as folder:
        truth = spec.write(Path(folder), dictionary=dictionary)
        panel = build_families(as_checked(Path(folder)), dictionary, periods=PERIODS, outcomes=outcomes)
    sample = NearestNeighbour(exact=EXACT, covariates=SCORE, ratio=3).fit(panel)
    drawn = drawn_by(spec, dictionary)
    chances, smooth = expectations(spec, drawn), expectations(spec, drawn, given_entry=True)
    weightings = against_joining(sample, drawn) if remedies else {}
    found, error = {key: {} for key in ("truth", "estimate", "std_error", "covers", "expected", "weighted", "known")}, {}
    for name in outcomes:
        calendar = dictionary.outcomes[name].sources["family"].calendar
        effects = MatchedDiD().fit(sample, name, calendar=calendar)
        one, units, columns, weights = overall(effects, quarters=HEADLINE), *treated_behind(effects, HEADLINE)
        true = truth.effect(name, truth.unit_ids[units], columns, weights)
        found["truth"][name], found["estimate"][name], found["std_error"][name] = true, one.estimate, one.std_error
        found["covers"][name] = bool(one.lower <= true <= one.upper)
        error[name] = error_without_draws(sample, name, chances[name], truth, calendar)
        if name in smooth:
            found["expected"][name] = error_without_draws(sample, name, smooth[name], truth, calendar)
        for key, weighted in weightings.items():
            found[key][name] = error_without_draws(weighted, name, chances[name], truth, calendar, "weight") - error[name]
    by_chance = error[LIKE_WORK] - found["expected"][LIKE_WORK]
    found["expected"] |= {name: error[name] - by_chance for name in outcomes if name not in smooth}
    return Run(**found, censored=share_joined(sample), n_joined=int((panel.entry >= 0).sum()), n_matched=sample.n_treated)


def against_joining(sample: MatchedSample, drawn: Drawn) -> dict[str, MatchedSample]:
    """The sample weighted by the inverse chance of not having joined: as it truly is, and from the records where that can be fitted."""
    found = {"known": with_chances(sample, np.minimum(drawn.hazard[:, HISTORY:], MOST_HAZARD))}
    with suppress(EstimationError):                                          # in some council nobody joins in a quarter
        found["weighted"] = with_chances_of_joining(sample, covariates=(*EXACT, *SCORE), records=RECORDS, last=MatchedDiD().window[1])
    return found


def share_joined(sample: MatchedSample) -> float:
    """Share of the comparison weight over the quarters of the headline whose family has joined by then."""
    own, entry = sample.panel.entry[sample.comparison_unit][:, None], sample.comparison_entry[:, None] + np.arange(HEADLINE[0], HEADLINE[1] + 1)
    weight = sample.comparison_weight[:, None] * (entry < len(sample.panel.periods))
    return float((weight * ((own >= 0) & (entry >= own))).sum() / weight.sum())


def as_checked(folder: Path) -> dict[str, CheckedTable]:
    """Delivered files as checked tables; that they pass their contracts without a fault is tested elsewhere. Columns not delivered are added."""
    import pyarrow as pa
    import pyarrow.parquet

    tables = {}
    for path in sorted(folder.glob("*.parquet")):
        table = pa.parquet.read_table(path)
        for column in load_dictionary().tables[path.stem].columns:
            if column not in table.column_names:
                table = table.append_column(column, pa.nulls(table.num_rows, pa.string()))
        pa.parquet.write_table(table, path)
        n = table.num_rows
        tables[path.stem] = CheckedTable(name=path.stem, path=path, rows_in=n, rows_kept=n, rows_quarantined=0, rows_dropped=0, content_hash="")
    return tables


def error_without_draws(sample: MatchedSample, name: str, worlds: tuple[np.ndarray, np.ndarray], truth: Truth, calendar: tuple[int, ...],
                        on_later_entry: str = "censor") -> float:
    """Error of the estimate where every outcome is its expectation, with the same sets and the same values missing."""
    untreated, treated = worlds
    values = np.where(np.isfinite(sample.panel.outcomes[name]), treated, np.nan)
    sample = replace(sample, panel=replace(sample.panel, outcomes={name: values}))
    effects = MatchedDiD(on_later_entry=on_later_entry).fit(sample, name, calendar=calendar)
    units, columns, weights = treated_behind(effects, HEADLINE)
    exists = np.isfinite(truth.treated[name][units, columns])
    gap = (treated - untreated)[units, columns]
    return overall(effects, quarters=HEADLINE).estimate - float(np.average(gap[exists], weights=weights[exists]))


# ---- what each outcome is in the mean, in both worlds ----------------------------

@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a simulation drew that no record holds; `hazard` is that of joining, shape (n_families, n_columns)."""

    families: Composition
    calendar: Calendar
    world: World
    hazard: np.ndarray


def drawn_by(spec: Simulation, dictionary: Dictionary) -> Drawn:
    """The same draws as the simulation's."""
    calendar = Calendar.over(spec.periods)
    families = compose(np.array(list(spec.sizes(dictionary).values())), calendar, spec.seed)
    joining = Joining(share=spec.share_joining, first=spec.first_entry, last=len(spec.periods) if spec.last_entry is None else spec.last_entry)
    world = unfold(families, calendar, effects=spec.effects, ramp=spec.ramp, joining=joining, seed=spec.seed)
    needs = {name: getattr(world, name) for name in ("need_family", "need_kind", "need_start", "need_end")}
    trouble = stream(spec.seed, "level").normal(size=families.n_families)
    hazard, _ = hazard_of_joining(families, calendar, world.crisis, trouble, needs, joining, stream(spec.seed, "entry"))
    return Drawn(families=families, calendar=calendar, world=world, hazard=hazard)


def expectations(spec: Simulation, drawn: Drawn, *, given_entry: bool = False) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Outcome -> (untreated, treated) expectation given levels, crises and members; over the periods.

    `given_entry`: given levels, members and who joins when, over crises too; outcomes of several quarters are left out.
    """
    families, calendar, world = drawn.families, drawn.calendar, drawn.world
    benefit = draw_details(families, world, calendar, spec.seed).benefit
    strength = strength_of(world.entry, len(calendar), spec.ramp)
    minors = share_of_minors(families, calendar)

    def means(crisis: np.ndarray, treated: bool) -> dict[str, np.ndarray]:
        chance = {}
        for name, process in PROCESSES.items():
            untreated = untreated_chance(process, world.levels[name], families, crisis, calendar)
            chance[name] = treated_chance(process, untreated, spec.effects, strength) if treated else untreated
        found = expected(chance, minors, benefit, calendar, over_quarters=not given_entry)
        return {name: values[:, HISTORY:] for name, values in found.items()}

    def of_world(treated: bool) -> dict[str, np.ndarray]:
        if not given_entry:
            return means(world.crisis, treated)
        q = chance_of_crisis(drawn)[:, HISTORY:]
        calm, crisis = (means(np.full(world.crisis.shape, state), treated) for state in (False, True))
        return {name: calm[name] + q * (crisis[name] - calm[name]) for name in calm}

    untreated, treated = of_world(False), of_world(True)
    return {name: (untreated[name], treated[name]) for name in untreated}


def chance_of_crisis(drawn: Drawn) -> np.ndarray:
    """Chance of a crisis in each column given whether and when the family joined; shape (n_families, n_columns).

    Forward and backward over the two-state chain: staying out (joining) in a column tells of the crisis in the column before.
    """
    world = drawn.world
    n, width = world.crisis.shape
    calm = drawn.hazard[:, 1:] / np.exp(ENTRY["crisis"] * world.crisis[:, :-1])
    told = np.ones((n, width, 2))                                          # likelihood of what happened in the next column
    entry = np.where(world.entry < 0, width, world.entry)[:, None]
    for state in (0, 1):
        chance = np.minimum(calm * np.exp(ENTRY["crisis"] * state), MOST_HAZARD)
        column = np.arange(1, width)
        told[:, :-1, state] = np.where(column < entry, 1 - chance, np.where(column == entry, chance, 1.0))
    p, m = CRISIS_SHARE, CRISIS_MEMORY
    step = np.array([[1 - p + m * p, p - m * p], [(1 - p) * (1 - m), p + m * (1 - p)]])          # from a state (row) to the next
    forward, backward = np.empty((n, width, 2)), np.ones((n, width, 2))
    forward[:, 0] = np.array([1 - p, p]) * told[:, 0]
    for t in range(1, width):
        forward[:, t] = (forward[:, t - 1] @ step) * told[:, t]
        forward[:, t] /= forward[:, t].sum(axis=1, keepdims=True)
    for t in range(width - 2, -1, -1):
        backward[:, t] = (backward[:, t + 1] * told[:, t + 1]) @ step.T
        backward[:, t] /= backward[:, t].sum(axis=1, keepdims=True)
    both = forward * backward
    return both[:, :, 1] / both.sum(axis=2)


def expected(p: Mapping[str, np.ndarray], minors: np.ndarray, benefit: np.ndarray, calendar: Calendar, *,
             over_quarters: bool = True) -> dict[str, np.ndarray]:
    """Expectations of one world from its chances `p`; those of several quarters where asked for."""
    number = {name: p[name] * sum(process.more**k for k in range(MAX_EVENTS)) for name, process in PROCESSES.items() if process.more}
    u, a = SETTLED["unauthorised"], SETTLED["authorised"]
    bad = TRUANTING["unauthorised"][0] / sum(TRUANTING["unauthorised"])
    found = {
        "unauthorised_absence_rate": 100 * (u + p["truancy"] * (bad - u)),
        "overall_absence_rate": 100 * ((1 - p["truancy"]) * (u + (1 - u) * a) + p["truancy"] * (bad + (1 - bad) * TRUANTING["authorised"])),
        "fixed_exclusions": number["exclusions"], "any_fixed_exclusion": 100 * p["exclusions"], "permanent_exclusions": PERMANENT * p["exclusions"],
        "any_offence": 100 * p["offences"], "offences": number["offences"],
        "any_offence_by_minors": 100 * p["offences"] * any_of("offences", minors), "offences_by_minors": number["offences"] * minors,
        "any_offence_by_adults": 100 * p["offences"] * any_of("offences", 1 - minors), "offences_by_adults": number["offences"] * (1 - minors),
        "any_custody": 100 * p["offences"] * any_of("offences", np.array(DISPOSALS["custody"])),
        "any_asb": 100 * p["asb"], "asb_incidents": number["asb"], "asb_incidents_with_address": number["asb"] + number["asb_address"],
        "any_asb_with_address": 100 * (1 - (1 - p["asb"]) * (1 - p["asb_address"])),
        "out_of_work_benefit": 100 * p["benefit"], "adult_in_work": 100 * p["work"], "neet": 100 * p["neet"]}
    types = {"jobseekers_allowance": ("jsa",), "sickness_benefit": ("esa", "incapacity", "severe_disablement"), "income_support": ("income_support",),
             "carers_allowance": ("carers_allowance",)}
    found |= {name: 100 * p["benefit"] * np.isin(benefit, codes)[:, None] for name, codes in types.items()}
    for name, threshold in (("persistent_absence_20", 0.20), ("persistent_absence", 0.15), ("persistent_absence_10", 0.10)):
        settled, truanting = (chance_of_threshold(threshold, state)[calendar.quarters] for state in (False, True))
        found[name] = 100 * (settled + p["truancy"] * (truanting - settled))
    if over_quarters:
        found["continuous_employment"] = 100 * in_work_for(13, p["work"], calendar)
        found["continuous_employment_26"] = 100 * in_work_for(26, p["work"], calendar)
    since = 4 * 2015 + 3 - calendar.first                                       # the term in which the year's threshold becomes 10%
    later = np.arange(len(calendar)) >= since
    found["persistent_absence_by_year"] = np.where(later, found["persistent_absence_10"], found["persistent_absence"])
    return found


def any_of(process: str, share: np.ndarray) -> np.ndarray:
    """Chance that at least one of a quarter's events is of a kind, given any event and the share of the kind."""
    more = PROCESSES[process].more
    number = [(1 - more) * more**k for k in range(MAX_EVENTS - 1)]
    number.append(1 - sum(number))
    return 1 - sum(chance * (1 - share) ** (k + 1) for k, chance in enumerate(number))


def in_work_for(weeks: int, chance: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Chance of having been in work for 13 or 26 weeks on the last day of each column; shape (n_families, n_columns); NaN at the beginning.

    The whole weeks lie in the quarter and `reach` quarters before; a spell may begin on the first days of the earliest that counts (with the chance
    that the lower of two uniform draws is so low), and end on the last day of the quarter itself.
    """
    reach, stay, width = weeks // 13, PROCESSES["work"].stay, chance.shape[1]
    days, found = calendar.lengths, np.full(chance.shape, np.nan)
    for c in range(reach, width):
        columns, first = [chance[:, k] for k in range(c - reach, c + 1)], c - reach + 1
        spare = days[first:c + 1].sum() - 7 * weeks + 1                                        # days on which a spell may begin in column `first`
        begins = 1 - (1 - max(spare, 0) / days[first]) ** 2
        ends = 1 - (1 - 1 / days[c]) ** 2
        whole, shorter = all_below(columns, stay), all_below(columns[1:], stay)
        if c == width - 1:
            found[:, c] = whole + begins * (shorter - whole)
            continue
        goes_on, goes_on_shorter = (all_below([*part, chance[:, c + 1]], stay) for part in (columns, columns[1:]))
        both = 2 * max(spare, 0) / days[c] ** 2 if first == c else begins * ends               # begins and ends in one quarter: two sorted draws
        stops, stops_shorter = whole - goes_on, shorter - whole - goes_on_shorter + goes_on
        found[:, c] = goes_on + begins * (goes_on_shorter - goes_on) + ends * stops + both * stops_shorter
    return found


def all_below(chances: list[np.ndarray], stay: float) -> np.ndarray:
    """Chance that draws of consecutive quarters, each held over with chance `stay`, all lie below their chances."""
    total = np.zeros_like(chances[0])
    for held in itertools.product((False, True), repeat=len(chances) - 1):
        term, lowest = np.full_like(chances[0], np.prod([stay if one else 1 - stay for one in held])), chances[0]
        for one, chance in zip(held, chances[1:], strict=True):
            term, lowest = (term, np.minimum(lowest, chance)) if one else (term * lowest, chance)
        total += term * lowest
    return total


@functools.cache
def chance_of_threshold(threshold: float, truanting: bool, n: int = 400_000) -> np.ndarray:
    """Chance that a child's term reaches a threshold of absence, by quarter of the year (place 0 and 3 unused); drawn once."""
    rng, found = np.random.default_rng(7), np.zeros(5)
    for quarter, most in POSSIBLE.items():
        possible = most - rng.integers(0, 7, size=n)
        chance = rng.beta(*TRUANTING["unauthorised"], size=n) if truanting else SETTLED["unauthorised"]
        unauthorised = rng.binomial(possible, chance)
        authorised = rng.binomial(possible - unauthorised, TRUANTING["authorised"] if truanting else SETTLED["authorised"])
        found[quarter] = (100 * (unauthorised + authorised) >= round(100 * threshold) * possible).mean()
    return found


def share_of_minors(families: Composition, calendar: Calendar) -> np.ndarray:
    """Chance that a minor is behind an offence; shape (n_families, n_columns)."""
    there = families.present(len(calendar))
    odds = np.where(families.role, ADULT_OFFENDS, 1.0)[:, None]
    minor, anyone = (np.add.reduceat(odds * (there & families.aged(low, high, calendar.months)), families.first_person, axis=0)
                     for low, high in ((10, 17), (10, 120)))
    return np.divide(minor, anyone, out=np.zeros_like(minor), where=anyone > 0)


# ---- over runs -------------------------------------------------------------------

def summary(runs: list[Run]) -> list[dict[str, object]]:
    """One row per outcome: truth, mean estimate and error, coverage, and bias in standard errors with its 95% Monte Carlo interval."""
    rows = []
    for name in runs[0].truth:
        truth, estimate, error = (np.array([getattr(one, key)[name] for one in runs]) for key in ("truth", "estimate", "std_error"))
        ok = np.isfinite(truth) & np.isfinite(estimate) & np.isfinite(error)
        scale = error[ok].mean()
        row = {"outcome": name, "runs": int(ok.sum()), "truth": truth[ok].mean(), "estimate": estimate[ok].mean(), "std_error": scale,
               "error_ratio": scale / np.std((estimate - truth)[ok], ddof=1), "coverage": float(np.mean([one.covers[name] for one in runs]))}
        row |= {"bias" + part: value for part, value in interval((estimate - truth)[ok] / scale).items()}
        expected = np.array([one.expected[name] for one in runs])
        row |= {"bias_without_draws" + part: value for part, value in interval(expected / scale).items()}
        for key in ("weighted", "known"):
            moved = np.array([getattr(one, key)[name] for one in runs if getattr(one, key)])
            row |= {f"moved_{key}{part}": value for part, value in interval(moved / scale).items()} if len(moved) > 1 else {}
        row["verdict"] = verdict(row["bias_without_draws_lower"], row["bias_without_draws_upper"])
        rows.append({key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()})
    return rows


def verdict(lower: float, upper: float) -> str:
    """Whether a bias is small: its interval within the limit, beyond it, or across it."""
    if max(abs(lower), abs(upper)) < WITHIN:
        return "within"
    return "beyond" if lower > WITHIN or upper < -WITHIN else "not told apart"


def interval(values: np.ndarray) -> dict[str, float]:
    """Mean and its 95% Monte Carlo interval (t)."""
    half = stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))
    return {"": float(values.mean()), "_lower": float(values.mean() - half), "_upper": float(values.mean() + half)}


def blocks(designs: list[dict[str, object]], dictionary: Dictionary) -> dict[str, str]:
    """The parts of docs/records.md that results fill, by the name of their marker."""
    return {one["design"]: f"{one['families']:,} families, {one['joined']:,} join and {one['matched']:,} are matched; {one['runs']} runs. "
            f"Comparison families have joined for {one['censored']:.1%} of their weight over the four quarters.\n\n"
            + table(one["rows"], dictionary, remedies=one["design"] in WITH_REMEDIES) for one in designs}


def table(rows: list[dict[str, object]], dictionary: Dictionary, *, remedies: bool = False) -> str:
    """Results of one design in Markdown, with what weights would add to the bias where `remedies`."""
    heads = ["outcome", "truth", "mean estimate", "standard error", "covers", "bias, as it is", "bias, without the draws", "verdict"]
    heads += ["weights from records add", "weights from true chances add"] if remedies else []
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        unit = dictionary.outcomes[row["outcome"]].change_unit
        digits = 2 if unit == "percentage points" else 4
        cells = [f"{row[key]:.{digits}f}" for key in ("truth", "estimate", "std_error")]
        biases = [f"{row[key]:+.2f} ({row[key + '_lower']:+.2f} to {row[key + '_upper']:+.2f})" for key in ("bias", "bias_without_draws")]
        moved = ("moved_weighted", "moved_known") if remedies else ()
        added = [f"{row[key]:+.2f} ({row[key + '_lower']:+.2f} to {row[key + '_upper']:+.2f})" if key in row else "" for key in moved]
        cells += [f"{row['coverage']:.0%}", *biases, row["verdict"], *added]
        lines.append(f"| {dictionary.outcomes[row['outcome']].label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def of_design(name: str, runs: int, minutes: float, dictionary: Dictionary) -> dict[str, object]:
    """As many runs of a design as fit."""
    families, share, part = DESIGNS[name]
    done, start = [], time.perf_counter()
    while len(done) < runs and (len(done) < 3 or time.perf_counter() - start < 60 * minutes * part):
        done.append(run(20_261_124 + len(done), dictionary, families=families, share_joining=share, remedies=name in WITH_REMEDIES))
    joined, matched = (round(float(np.mean([getattr(one, key) for one in done]))) for key in ("n_joined", "n_matched"))
    return {"design": name, "families": families, "joined": joined, "matched": matched, "runs": len(done),
            "censored": round(float(np.mean([one.censored for one in done])), 4),
            "seconds": round(time.perf_counter() - start), "rows": summary(done)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400, help="most runs of a design")
    parser.add_argument("--minutes", type=float, default=15, help="no run is begun after this time")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path, help="a page with markers of the designs to fill: docs/records.md")
    asked = parser.parse_args()
    dictionary, designs = load_dictionary(), []
    for name in DESIGNS:
        found = of_design(name, asked.runs, asked.minutes, dictionary)
        designs.append(found)
        print(f"{name}, {found['seconds']} s: {blocks([found], dictionary)[name]}\n", flush=True)
        if asked.json:
            about = {"command": "python -m benchmarks.records_truth", "within": WITHIN, "effects": EFFECTS}
            asked.json.write_text(as_json(about, designs), encoding="utf-8")
        if asked.page:
            asked.page.write_text(filled(asked.page.read_text(encoding="utf-8"), blocks(designs, dictionary)), encoding="utf-8")


def as_json(about: Mapping[str, object], designs: list[dict[str, object]]) -> str:
    """The results, one row of a table a line."""
    parts = []
    for design in designs:
        rows = ",\n ".join(json.dumps(row) for row in design["rows"])
        parts.append(json.dumps({key: value for key, value in design.items() if key != "rows"})[:-1] + ', "rows": [\n ' + rows + "]}")
    return json.dumps(about)[:-1] + ', "designs": [\n' + ",\n".join(parts) + "]}\n"


if __name__ == "__main__":
    main()
