"""Delivered tables of what happened to people: attendance, exclusions, offences, incidents, and spells of benefit, work and activity."""
from __future__ import annotations

import numpy as np

from evaluation.simulate.delivery import DAY, NOT_A_DAY, Records, numbered, take_ids
from evaluation.simulate.details import events, pick_members, spell_days, without_activity
from evaluation.simulate.places import addresses_on
from evaluation.simulate.streams import stream

NOT_KNOWN = 0.005            # share of young people's quarters whose activity is not known
ADDRESS_GIVEN = 0.6          # share of incidents naming a family or member whose address is delivered as well
COUNTED_ACTIONS = ("contract", "injunction", "housing")
SECOND_ADULT = 0.5           # share of the main carer's spells that a second adult shares


def attendance_table(r: Records, rng: np.random.Generator) -> dict:
    a = r.absence
    ends = r.calendar.starts[a.column + 1] - DAY
    keep = np.flatnonzero(r.known("education", a.person, ends))
    return {"person_id": take_ids(r.person_ids, a.person[keep]), "term": take_ids(np.array(r.calendar.term_labels()), a.column[keep]),
            "possible_sessions": a.possible[keep], "authorised_sessions": a.authorised[1][keep], "unauthorised_sessions": a.unauthorised[1][keep]}


def exclusions_table(r: Records, rng: np.random.Generator) -> dict:
    e = r.details.events["exclusions"]
    start = rng.random(len(e.family))
    first = np.maximum.accumulate(np.where(e.place == 0, np.arange(len(e.family)), 0))
    day = r.calendar.day(e.column, (start[first] + e.place / 7) % 1)        # events of a family and quarter fall on different days
    happens = r.world.with_programme["exclusions"][e.family, e.column]
    keep = np.flatnonzero(happens & e.found & r.calendar.school[e.column] & r.known("education", e.person, day))
    last = keep[e.kinds["permanent"][keep]]
    rows = np.concatenate([keep, last])
    kind = np.repeat(np.array(["fixed", "permanent"], dtype=object), [len(keep), len(last)])
    sessions = np.where(kind == "fixed", rng.integers(1, 11, size=len(rows)) * 2, None)
    order = np.lexsort((kind.astype(str), day[rows], e.person[rows]))
    return {"person_id": take_ids(r.person_ids, e.person[rows][order]), "date": day[rows][order], "kind": kind[order], "sessions": sessions[order]}


def offences_table(r: Records, rng: np.random.Generator) -> dict:
    e = r.details.events["offences"]
    day = r.calendar.day(e.column, rng.random(len(e.family)))
    keep = np.flatnonzero(r.world.with_programme["offences"][e.family, e.column] & e.found & r.known("police", e.person, day))
    disposal = np.array(list(e.kinds), dtype=object)[np.argmax(np.stack([kind[keep] for kind in e.kinds.values()]), axis=0)]
    return {"offence_id": numbered("O", len(keep)), "person_id": take_ids(r.person_ids, e.person[keep]), "date": day[keep],
            "offence_type": r.codes("offence_type", len(keep), rng, "offences"), "disposal": disposal}


def asb_table(r: Records, rng: np.random.Generator) -> dict:
    """Incidents that name the family (half), a member (a quarter) or both, and after them those known only by address."""
    family, column, _ = events(r.world.with_programme, r.world.counts, "asb")
    action = actions(r, len(family))
    person, found = pick_members(r.families, r.calendar.months, family, column, low=8, high=120, adult_odds=1.0, rng=rng)
    day, named = r.calendar.day(column, rng.random(len(family))), rng.random(len(family))
    keep = np.flatnonzero(r.recorded("asb", family, day))
    family_ids, person_ids = r.family_ids[family[keep]].astype(object), r.person_ids[person[keep]].astype(object)
    alone = found[keep] & (named[keep] < 0.25)
    at_home = rng.random(len(keep)) < ADDRESS_GIVEN
    nameless, when = _nameless_incidents(r, rng)
    n, nobody = len(keep) + len(nameless), np.full(len(nameless), None)
    address = np.concatenate([np.where(at_home, addresses_on(r, family[keep], day[keep]), None), addresses_on(r, nameless, when)])
    return {"incident_id": numbered("A", n), "date": np.concatenate([day[keep], when]),
            "incident_type": r.codes("incident_type", n, rng, "asb_incidents"),
            "action": np.concatenate([action[keep], r.codes("action", len(nameless), rng, "asb_incidents")]),
            "person_id": np.concatenate([np.where(found[keep] & (named[keep] < 0.5), person_ids, None), nobody]),
            "family_id": np.concatenate([np.where(alone, None, family_ids), nobody]), "address_id": address}


def actions(r: Records, n: int) -> np.ndarray:
    """The action after each of the incidents that name somebody, by family and quarter."""
    return r.codes("action", n, stream(r.seed, "asb actions"), "asb_incidents")


def asb_with_action(r: Records) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Family and column of every incident that names somebody, and whether an action followed that the rules of 2012 count."""
    family, column, _ = events(r.world.with_programme, r.world.counts, "asb")
    return family, column, np.isin(actions(r, len(family)).astype(str), COUNTED_ACTIONS)


def _nameless_incidents(r: Records, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Family at whose address, and day, of incidents that name nobody."""
    family, column, _ = events(r.world.with_programme, r.world.counts, "asb_address")
    day = r.calendar.day(column, rng.random(len(family)))
    keep = np.flatnonzero(r.recorded("asb", family, day))
    return family[keep], day[keep]


def spells(r: Records, process: str, source: str, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
    """Runs of quarters in a state as dated spells of the main carer; a second adult shares some of them. Ends are empty while a spell lasts.

    The person of each row, and the columns.
    """
    f, cal, n = r.families, r.calendar, len(r.calendar)
    state = r.world.with_programme[process]
    starts = state & ~np.concatenate([np.zeros((f.n_families, 1), bool), state[:, :-1]], axis=1)
    stops = state & ~np.concatenate([state[:, 1:], np.zeros((f.n_families, 1), bool)], axis=1)
    (family, first), last = np.nonzero(starts), np.nonzero(stops)[1]
    day, end = spell_days(r.details, cal, family, first, last)
    begin = np.where(first == 0, cal.starts[0] - (1 + rng.exponential(500, size=len(family))).astype("timedelta64[D]"), day)
    end = np.where(last == n - 1, NOT_A_DAY, end)
    shares = (f.n_people - f.n_children == 2)[family] & (rng.random(len(family)) < SECOND_ADULT)
    person = np.concatenate([f.first_person[family], f.first_person[family[shares]] + 1])
    begin, end = (np.concatenate([days, days[shares]]) for days in (begin, end))
    last_known = np.minimum(r.last_day[source][f.council[f.family[person]]], cal.starts[r.gone[f.family[person]]] - DAY)
    keep = np.flatnonzero(r.linked[source][person] & (begin <= last_known))
    keep = keep[np.lexsort((begin[keep], person[keep]))]
    lasts = end[keep] > last_known[keep]
    columns = {"person_id": take_ids(r.person_ids, person[keep]), "start_date": begin[keep], "end_date": np.where(lasts, NOT_A_DAY, end[keep])}
    return person[keep], columns


def benefit_table(r: Records, rng: np.random.Generator) -> dict:
    person, columns = spells(r, "benefit", "benefits", rng)
    return columns | {"benefit": r.details.benefit[r.families.family[person]]}


def employment_table(r: Records, rng: np.random.Generator) -> dict:
    return spells(r, "work", "employment", rng)[1]


def activity_table(r: Records, rng: np.random.Generator) -> dict:
    """A row per young person of 16 to 18 and quarter: education or work for most, none of them where the family's state says so."""
    f, cal = r.families, r.calendar
    person, column = np.nonzero(f.aged(16, 18, cal.months))
    begin, end = cal.starts[column], cal.starts[column + 1] - DAY
    neet = without_activity(f, r.world.with_programme["neet"], cal)[person, column]
    activity = np.where(neet, "neet", r.codes("activity", len(person), rng, "activity_spells"))
    activity = np.where(rng.random(len(person)) < NOT_KNOWN, "not_known", activity)
    keep = np.flatnonzero(r.known("activity", person, end))
    return {"person_id": take_ids(r.person_ids, person[keep]), "activity": activity[keep], "start_date": begin[keep], "end_date": end[keep]}
