"""Made-up families and what three registers wrote down of them: with typing errors, short names, parts missing or in each other's place, families
that moved, twins, and fathers and sons of one name. Nobody in here was ever alive: names are drawn from short lists and from syllables.

Who each record is really of is kept beside it, which no real register can say.
"""
from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.linkage.nicknames import SHORT_FORMS

GIRLS = ("Olivia Emily Sophie Jessica Chloe Megan Charlotte Lucy Hannah Ellie Amy Grace Holly Katie Bethany Leah Abigail Ella Molly Lauren Rebecca "
         "Georgia Jasmine Amber Caitlin Rachel Paige Zoe Daisy Freya Poppy Ruby Isabella Maisie Erin Niamh Summer Lily Amelia Ava Mia Isla Evie "
         "Sienna Aisha Fatima Zara Priya Sarah Nicola Karen Susan Julie Michelle Lisa Deborah Tracey Samantha Claire Emma Kelly Donna Joanne "
         "Sharon Angela Dawn Wendy Tina Elizabeth Margaret Patricia Christine Victoria Jennifer Stephanie Natalie Gemma Leanne Kirsty Stacey "
         "Hayley Laura Danielle Kimberley Catherine").split()
BOYS = ("Jack Joshua Thomas James Daniel Oliver Matthew Samuel Joseph Benjamin Callum Luke Alexander William Harry Jake Connor Liam Ryan Adam "
        "George Lewis Mohammed Charlie Nathan Jordan Kieran Dylan Aaron Tyler Reece Bradley Owen Max Ethan Jamie Logan Mason Noah Leo Archie "
        "Alfie Riley Kai Tariq Imran Arjun Kwame David Paul Andrew Mark Stephen Michael Robert John Richard Peter Christopher Ian Gary Kevin "
        "Darren Lee Wayne Jason Anthony Philip Simon Martin Neil Carl Craig Shaun Dean Stuart Barry Graham Keith Alan Nicholas Gareth Scott").split()
SURNAMES = ("Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood "
            "Jackson Clarke Khan Ahmed Hussain Ali Begum Singh Kaur Murphy Kelly Lewis Harris Cooper King Turner Hill Ward Moore Clark Baker "
            "Harrison Allen Scott Edwards Morris Young Mitchell Bell Morgan Shaw Cox Miller Adams Richards Gray Cook Ellis Price Foster Simpson "
            "Marshall Webb Hunt Mason Palmer").split()
STEMS = ("Ash Black Brad Brom Burn Chat Clay Crow Dal Der Elm Fair Far Gar Gold Grim Hal Ham Hart Hay Hock Hol Hurst Ken Kirk Lang Lin Lock Mal "
         "Mar Mel Mil Nor Oak Pem Pres Ral Red Rock Rush Sal Sand Shel Stan Stock Sut Thorn Wal War Wat Wel Whit Wil Win Wood Wy Yar").split()
ENDS = "ford ton by ham ley well worth wick stead field more brook den son land man".split()
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
COUNCILS = ("E06000022", "E08000025", "E08000035", "E09000032", "E10000008", "E06000023")
TODAY = date(2014, 1, 1)         # the index day of every family
SCHOOL_AGE = 18
LINES = 3                        # rows that a register has of a person
OFFENCES = 0.8                   # of a person in the year before
TREND, EFFECT = 0.95, -0.10      # what the year after is of the year before; what joining adds to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """How often a register writes something else than what is so: shares of records, or, where said, of people in a register."""

    first_name_typed: float = 0.08
    surname_typed: float = 0.08
    names_turned: float = 0.01
    first_name_missing: float = 0.01
    surname_missing: float = 0.005
    day_turned: float = 0.007
    day_wrong: float = 0.023
    day_missing: float = 0.04
    postcode_typed: float = 0.02
    postcode_missing: float = 0.05
    sex_wrong: float = 0.003
    sex_missing: float = 0.03
    short_name: float = 0.10           # of people in a register
    moved: float = 0.25                # of people in a register: it has another address
    surname_changed: float = 0.03      # of women in a register
    numbered_twice: float = 0.02       # of people in a register: they have two numbers in it
    untraceable: float = 0.01          # of people in a register: it knows them under another name and day of birth altogether

    def times(self, factor: float) -> Dirt:
        """The same kinds, so many times as often."""
        return replace(self, **{field.name: getattr(self, field.name) * factor for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`people`: everybody, with whether they are in the roster; `roster`: as the council wrote them; `records`: what registers hold, with `truth`."""

    people: pd.DataFrame
    roster: pd.DataFrame
    records: pd.DataFrame


def world(*, people: int, records: int, seed: int, before: Dirt | None = None, after: Dirt | None = None, others: Dirt | None = None) -> World:
    """A roster of so many people, and so many records of which about half are of somebody else.

    Parameters
    ----------
    before, after, others : Dirt
        Of records of programme families until their index day and from it on, and of all other people.
    """
    rng = np.random.default_rng(seed)
    everybody = population(people, rng)
    rows = written(everybody, {True: (before or Dirt(), after or Dirt()), False: (others or Dirt(),) * 2}, rng)
    inside = everybody["in_roster"].to_numpy()[rows["truth"].to_numpy()]
    keep = np.sort(np.concatenate([np.flatnonzero(inside), rng.permutation(np.flatnonzero(~inside))[: records - int(inside.sum())]]))
    rows = rows.iloc[rng.permutation(keep)].reset_index(drop=True)
    assert len(rows) == records
    rows.insert(0, "record_id", [f"R{number:07d}" for number in range(len(rows))])
    listed = everybody[everybody["in_roster"]]
    roster = pd.DataFrame([spoilt(row, Dirt().times(0.2), rng) for row in listed.to_dict("records")])
    for column in ("person_id", "council_code", "joined"):
        roster[column] = listed[column].to_numpy()
    return World(people=everybody, roster=roster.assign(index_date=TODAY), records=rows)


def population(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Families of which n people are in the roster, some of their relatives who are not, and 1.4 times as many people of other families."""
    n_homes = n // 5
    postcodes = [postcode(area, rng) for area in rng.choice(["BA", "BS", "B", "LS", "SW", "CB"], n_homes)]
    rows, number = [], 0
    for listed, wanted in ((True, n), (False, int(1.4 * n))):
        made = 0
        while made < wanted:
            number += 1
            home = {"family": number, "postcode": postcodes[rng.integers(n_homes)], "council_code": COUNCILS[rng.integers(len(COUNCILS))],
                    "joined": bool(listed and rng.random() < 0.3)}
            members = family(rng)
            inside = [dict(one, **home, in_roster=listed) for one in members][: wanted - made]
            rows += inside
            made += len(inside)
            if listed and rng.random() < 0.3:
                rows.append(dict(relative(members, rng), **{**home, "joined": False}, in_roster=False))
    people = pd.DataFrame(rows)
    people.insert(0, "person_id", [f"P{number:06d}" for number in range(len(people))])
    return people


def family(rng: np.random.Generator) -> list[dict]:
    """One or two adults and one to five children; some twins, some sons with their father's name."""
    name, members = surname(rng), []
    for sex in ("F", "M") if rng.random() < 0.55 else ("F",):
        members.append(person(rng, sex, name if rng.random() < 0.8 else surname(rng), adult=True))
    for _ in range(1 + rng.binomial(4, 0.35)):
        members.append(person(rng, "MF"[rng.integers(2)], name, adult=False))
        if rng.random() < 0.03:
            twin = person(rng, members[-1]["sex"] if rng.random() < 0.6 else "MF"[rng.integers(2)], name, adult=False)
            members.append({**twin, "birth_date": members[-1]["birth_date"]})
    fathers, sons = ([one for one in members if one["sex"] == "M" and (one["birth_date"].year < 1996) == old] for old in (True, False))
    if fathers and sons and rng.random() < 0.06:
        sons[0] |= {"first_name": fathers[0]["first_name"], "surname": fathers[0]["surname"]}
    return members


def relative(members: list[dict], rng: np.random.Generator) -> dict:
    """Somebody at the same address who is not in the roster: one in ten has a member's name, one in fifty is a twin."""
    like = members[rng.integers(len(members))]
    one = person(rng, like["sex"], like["surname"], adult=True)
    lot = rng.random()
    if lot < 0.1:
        return {**one, "first_name": like["first_name"]}
    return {**one, "birth_date": like["birth_date"]} if lot < 0.12 else one


def person(rng: np.random.Generator, sex: str, last: str, *, adult: bool) -> dict:
    names = GIRLS if sex == "F" else BOYS
    rank = min(int(rng.exponential(22)), len(names) - 1)
    age = rng.uniform(19, 55) if adult else rng.uniform(2, 18)
    return {"first_name": names[rank], "surname": last, "birth_date": TODAY - timedelta(days=int(age * 365.25)), "sex": sex}


def postcode(area: str, rng: np.random.Generator) -> str:
    return f"{area}{rng.integers(1, 30)} {rng.integers(1, 10)}{''.join(rng.choice(list('ABDEFGHJLNPQRSTUWXYZ'), 2))}"


def surname(rng: np.random.Generator) -> str:
    if rng.random() < 0.45:
        return SURNAMES[min(int(rng.exponential(20)), len(SURNAMES) - 1)]
    return STEMS[rng.integers(len(STEMS))] + ENDS[rng.integers(len(ENDS))]


def written(people: pd.DataFrame, dirt: Mapping[bool, tuple[Dirt, Dirt]], rng: np.random.Generator) -> pd.DataFrame:
    """All records of all people: three of each in the register of their age, and one per offence before and after the index day."""
    rows = []
    for truth, one in enumerate(people.to_dict("records")):
        rates = dirt[one["joined"]]
        child = (TODAY - one["birth_date"]).days < SCHOOL_AGE * 365
        n_before, n_after = rng.poisson([OFFENCES, OFFENCES * TREND + EFFECT * one["joined"]])
        register = [("education" if child else "benefits", TODAY + timedelta(days=int(day))) for day in rng.integers(-365, 365, LINES)]
        police = [("police", TODAY + timedelta(days=int(day))) for day in (*-rng.integers(1, 365, n_before), *rng.integers(0, 365, n_after))]
        for lines in (register, police):
            known = [known_as(one, rate, rng) for rate in rates] if rates[0] != rates[1] else [known_as(one, rates[0], rng)] * 2
            twice = rng.random() < rates[0].numbered_twice
            rows += [{"source": source, "date": day, "truth": truth, "of_person": f"{truth}-{twice and rng.integers(2)}",
                      **spoilt(known[day >= TODAY], rates[day >= TODAY], rng)} for source, day in lines]
    return pd.DataFrame(rows)


def known_as(one: Mapping, rates: Dirt, rng: np.random.Generator) -> dict:
    """How a register knows a person, in all its records."""
    known = {field: one[field] for field in ("first_name", "surname", "birth_date", "postcode", "sex")}
    if rng.random() < rates.untraceable:
        other = person(rng, one["sex"], surname(rng), adult=True)
        return {**known, **other, "postcode": f"ZE{rng.integers(1, 4)} {rng.integers(1, 10)}XX"}
    shorts = SHORT_FORMS.get(known["first_name"].upper(), "").split()
    if shorts and rng.random() < rates.short_name:
        known["first_name"] = shorts[rng.integers(len(shorts))].title()
    if rng.random() < rates.moved:
        known["postcode"] = postcode(known["postcode"][0] + "S", rng)
    if known["sex"] == "F" and rng.random() < rates.surname_changed:
        known["surname"] = surname(rng)
    return known


def spoilt(known: Mapping, rates: Dirt, rng: np.random.Generator) -> dict:
    """One record of a person as somebody typed it."""
    r = dict(zip((field.name for field in fields(Dirt)), rng.random(len(fields(Dirt))), strict=True))
    hit = {name: draw < getattr(rates, name) for name, draw in r.items()}
    first, last, born, where, sex = (known[field] for field in ("first_name", "surname", "birth_date", "postcode", "sex"))
    first, last = (mistyped(first, rng) if hit["first_name_typed"] else first), (mistyped(last, rng) if hit["surname_typed"] else last)
    if hit["names_turned"]:
        first, last = last, first
    if hit["day_turned"] and born.day <= 12:
        born = born.replace(month=born.day, day=born.month)
    elif hit["day_wrong"]:
        born = wrong_day(born, rng)
    if hit["postcode_typed"]:
        where = where[:-1] + "ABDEFGHJ"[rng.integers(8)]
    day = born.isoformat() if rng.random() < 0.5 else f"{born:%d/%m/%Y}"
    sex = "MF"[sex == "M"] if hit["sex_wrong"] else sex
    return {"first_name": None if hit["first_name_missing"] else first, "surname": None if hit["surname_missing"] else last,
            "birth_date": None if hit["day_missing"] else day, "postcode": None if hit["postcode_missing"] else where,
            "sex": None if hit["sex_missing"] else sex}


def mistyped(name: str, rng: np.random.Generator) -> str:
    """A letter wrong, left out, put in or in its neighbour's place; one time in eight it is the first."""
    at = 0 if rng.random() < 0.125 else int(rng.integers(1, len(name)))
    letter, kind = str(rng.choice(LETTERS)), rng.integers(4)
    if kind == 0:
        return name[:at] + letter + name[at + 1:]
    if kind == 1 and len(name) > 2:
        return name[:at] + name[at + 1:]
    if kind == 2 and at + 1 < len(name):
        return name[:at] + name[at + 1] + name[at] + name[at + 2:]
    return name[:at] + letter + name[at:]


def wrong_day(day: date, rng: np.random.Generator) -> date:
    """Another day, month or year."""
    kind = rng.integers(3)
    if kind == 0:
        return day.replace(day=int(rng.integers(1, 29)))
    early = day.replace(day=min(day.day, 28))
    return early.replace(month=int(rng.integers(1, 13))) if kind == 1 else early.replace(year=day.year + int(rng.choice([-10, -2, -1, 1, 2, 10])))


def write(made: World, folder: Path) -> None:
    """The files that holders of names would have: the roster, and one for each source."""
    folder.mkdir(parents=True, exist_ok=True)
    made.roster.to_csv(folder / "roster.csv", index=False)
    for source, rows in made.records.drop(columns="truth").groupby("source"):
        rows.drop(columns="source").to_csv(folder / f"{source}.csv", index=False)


if __name__ == "__main__":
    write(world(people=400, records=3_600, seed=3), Path(sys.argv[1]))
