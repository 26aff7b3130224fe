"""The truth of simulated records: both potential outcomes of every family and period. It never enters a delivered table."""
from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from evaluation.dictionary import Dictionary, OutcomeSource, Population
from evaluation.errors import DictionaryError, EstimationError
from evaluation.periods import Periods
from evaluation.simulate.absence import Absence
from evaluation.simulate.composition import Composition
from evaluation.simulate.details import Details, Events, sustained
from evaluation.simulate.quarters import HISTORY, Calendar
from evaluation.simulate.world import World

FOLDER = "_truth"          # beside the delivered tables; readers of deliveries take tables of the dictionary only
# delivered table -> process of the world that fills it
PROCESS_OF = {"exclusions": "exclusions", "offences": "offences", "asb_incidents": "asb", "benefit_spells": "benefit", "employment_spells": "work",
              "activity_spells": "neet"}
WORLDS = ("untreated", "treated")
SCALE = "Levels: untreated changes are the same, in this unit, for all families with the same slow covariates, whatever their level."


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Each family's untreated and treated outcomes, as complete records of every member would show them.

    Attributes
    ----------
    unit_ids : ndarray of str, shape (n_families,)
        Sorted, as in a panel of all families.
    periods : Periods
    entry : ndarray of int, shape (n_families,)
        Column of the entry quarter, -1 where the family does not join.
    untreated, treated : outcome -> ndarray, shape (n_families, n_periods)
        In the outcome's unit. Equal before entry and for families that do not join. NaN where nobody is in the outcome's population or nothing
        is collected.
    scale : outcome -> str
        The scale on which untreated trends are parallel given slow covariates.
    effects : outcome -> float
        Relative change of the chance at full strength, as asked.
    """

    unit_ids: np.ndarray
    periods: Periods
    entry: np.ndarray
    untreated: Mapping[str, np.ndarray]
    treated: Mapping[str, np.ndarray]
    scale: Mapping[str, str]
    effects: Mapping[str, float]

    def effect(self, outcome: str, unit_ids: Sequence[str], columns: Sequence[int], weights: Sequence[float] | None = None) -> float:
        """Mean difference between the treated and the untreated outcome over family-period pairs: what an estimate over these pairs aims at.

        Parameters
        ----------
        unit_ids, columns : shape (n_pairs,)
            Family and column of each pair. Pairs in which the outcome does not exist are left out.
        weights : shape (n_pairs,), optional
            Weights of the pairs; equal by default.

        Returns
        -------
        float
            In the outcome's unit; NaN when no pair is left.

        Raises
        ------
        EstimationError
            A family is not in these records.
        """
        wanted, columns = np.asarray(unit_ids, dtype=self.unit_ids.dtype), np.asarray(columns, dtype=int)
        rows = np.searchsorted(self.unit_ids, wanted).clip(max=len(self.unit_ids) - 1)
        if unknown := int((self.unit_ids[rows] != wanted).sum()):
            raise EstimationError(f"The truth is known for simulated families only: {unknown:,} of {len(wanted):,} pairs name other families. "
                                  "Pass the panel made from the same records.")
        difference = self.treated[outcome][rows, columns] - self.untreated[outcome][rows, columns]
        weight = np.isfinite(difference) * (1.0 if weights is None else np.asarray(weights, dtype=float))
        total = weight.sum()
        return float((np.nan_to_num(difference) * weight).sum() / total) if total > 0 else float("nan")

    def write(self, folder: Path) -> None:
        """Save under `folder`/_truth."""
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        arrays = {f"{world}/{name}": values for world in WORLDS for name, values in getattr(self, world).items()}
        np.savez(folder / FOLDER / "outcomes.npz", unit_ids=self.unit_ids, entry=self.entry, **arrays)
        about = {"first": self.periods.first, "last": self.periods.last, "scale": dict(self.scale), "effects": dict(self.effects)}
        (folder / FOLDER / "about.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Truth:
        """The truth saved beside delivered tables in `folder`.

        Raises
        ------
        EstimationError
            There is none: the records are not simulated, or the truth was taken away.
        """
        if not (folder / FOLDER / "outcomes.npz").is_file():
            raise EstimationError(f"The truth of simulated records lies in {FOLDER} beside the tables: {folder.name} has none. "
                                  "Simulate the records again, or leave the truth out of the question.")
        about = json.loads((folder / FOLDER / "about.json").read_text(encoding="utf-8"))
        with np.load(folder / FOLDER / "outcomes.npz", allow_pickle=False) as saved:
            worlds = {world: {key.split("/")[1]: saved[key] for key in saved if key.startswith(world + "/")} for world in WORLDS}
            return cls(unit_ids=saved["unit_ids"], entry=saved["entry"], periods=Periods(kind="quarter", first=about["first"], last=about["last"]),
                       scale=about["scale"], effects=about["effects"], **worlds)


def true_outcomes(dictionary: Dictionary, families: Composition, world: World, absence: Absence, details: Details,
                  calendar: Calendar) -> tuple[dict, dict]:
    """Untreated and treated outcomes of families over the plan's periods, for every outcome that has a source for families."""
    untreated, treated, people = {}, {}, {}
    for name, outcome in dictionary.outcomes.items():
        source = outcome.sources.get("family")
        if source is None:
            continue
        population = dictionary.populations.get(source.members)
        if source.members not in people:
            people[source.members] = _somebody(families, population, calendar)
        collected = np.isin(calendar.quarters, source.calendar or (1, 2, 3, 4))
        for number, kept in enumerate((untreated, treated)):
            states = (world.without, world.with_programme)[number]
            if source.table == "attendance":
                value = _absence_value(source, absence, families, number, calendar)
            elif source.kind in ("any_event", "count_events"):
                value = _event_value(source, states, world.counts, details, families, population, calendar)
            else:
                value = source.multiply * _spell_state(source, states, details, calendar)
            kept[name] = np.where(collected & people[source.members], value, np.nan)[:, HISTORY:]
    return untreated, treated


def _somebody(families: Composition, population: Population | None, calendar: Calendar) -> np.ndarray:
    """Whether the family has a member in a population throughout the quarter; shape (n_families, n_columns)."""
    there = families.present(len(calendar))
    if population is not None:
        there &= families.aged(population.minimum_age or 0, 200 if population.maximum_age is None else population.maximum_age, calendar.months)
        if population.role:
            there &= (families.role == (population.role == "adult"))[:, None]
    return np.logical_or.reduceat(there, families.first_person, axis=0)


def codes_of(source: OutcomeSource) -> tuple[str, ...]:
    """The codes that a source's condition asks for; none without a condition.

    Raises
    ------
    DictionaryError
        The condition is no list of codes of one column.
    """
    if source.where is None:
        return ()
    if not re.fullmatch(r"\w+ (= '\w+'|IN \('\w+'(, '\w+')*\))", source.where):
        raise DictionaryError(f"The truth of simulated records is known for conditions like kind = 'fixed' or kind IN ('fixed', 'permanent'): "
                              f"{source.where!r} is another. Where: outcomes.yml. Write the condition so, or extend evaluation/simulate/truth.py.")
    return tuple(re.findall(r"'(\w+)'", source.where))


def _event_value(source: OutcomeSource, states: Mapping[str, np.ndarray], counts: Mapping[str, np.ndarray], details: Details, families: Composition,
                 population: Population | None, calendar: Calendar) -> np.ndarray:
    """Number of events of the kinds and members asked for, or whether there was any."""
    process = PROCESS_OF[source.table]
    if process in details.events:
        number = _number_of_events(source, states[process], details.events[process], families, population, calendar)
    else:
        number = states[process] * counts[process].astype(int)
        if source.by_address:
            number = number + states["asb_address"] * counts["asb_address"].astype(int)
    return number.astype(float) if source.kind == "count_events" else (number > 0) * float(source.multiply)


def _number_of_events(source: OutcomeSource, state: np.ndarray, events: Events, families: Composition, population: Population,
                      calendar: Calendar) -> np.ndarray:
    chosen = events.found & state[events.family, events.column]
    if codes := codes_of(source):
        chosen &= np.logical_or.reduce([events.kinds[code] for code in codes])
    age = calendar.months[events.column] - families.birth_month[events.person]
    chosen &= (age >= 12 * (population.minimum_age or 0)) & (age < 12 * ((population.maximum_age or 199) + 1))
    cell = events.family[chosen] * len(calendar) + events.column[chosen]
    return np.bincount(cell, minlength=state.size).reshape(state.shape)


def _spell_state(source: OutcomeSource, states: Mapping[str, np.ndarray], details: Details, calendar: Calendar) -> np.ndarray:
    state = states[PROCESS_OF[source.table]]
    if source.table == "benefit_spells":
        return state & np.isin(details.benefit, codes_of(source))[:, None]
    return sustained(state, details, calendar, source.weeks) if source.kind == "any_sustained_spell" else state


def _absence_value(source: OutcomeSource, absence: Absence, families: Composition, number: int, calendar: Calendar) -> np.ndarray:
    columns = {"possible_sessions": absence.possible, "authorised_sessions": absence.authorised[number],
               "unauthorised_sessions": absence.unauthorised[number]}
    top = sum(columns[part.strip()] for part in source.numerator.split("+"))
    bottom, n_columns = columns[source.denominator], len(calendar)
    if source.kind == "share_of_people":
        top, bottom = (bottom > 0) & _at_least(source, top, bottom, absence.column, calendar), bottom > 0
    cell = families.family[absence.person] * n_columns + absence.column
    sums = [np.bincount(cell, weights=part * absence.counted, minlength=families.n_families * n_columns) for part in (top, bottom)]
    return source.multiply * np.divide(sums[0], sums[1], out=np.full_like(sums[0], np.nan), where=sums[1] > 0).reshape(-1, n_columns)


def _at_least(source: OutcomeSource, top: np.ndarray, bottom: np.ndarray, column: np.ndarray, calendar: Calendar) -> np.ndarray:
    """Whether sessions missed reach the threshold of the term's school year, in whole numbers: 0.15 * 140 must not miss 21."""
    since = {4 * int(year[:4]) + 3 - calendar.first: threshold for year, threshold in source.thresholds.items()} or {-1: source.threshold}
    met = np.zeros(len(top), dtype=bool)
    for first, threshold in sorted(since.items()):
        exact = Fraction(repr(threshold))
        later = column >= first
        met[later] = (top * exact.denominator >= exact.numerator * bottom)[later]
    return met
