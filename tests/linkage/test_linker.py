"""Dirty records are linked, twins and fathers are told from each other, nothing is opened; the full measure is `python -m benchmarks.linkage`."""
from __future__ import annotations

import socket
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

from benchmarks.dirty_people import world
from benchmarks.linkage import keyed, no_network, quality, true_person
from evaluation.errors import LinkageError
from evaluation.linkage import link
from evaluation.linkage.keys import PARTS, pseudonymised
from evaluation.linkage.link import Linker

KEY = b"0123456789abcdef0123456789abcdef"
LINKER = Linker(sampled_pairs=3e5)
PERSON = {"first_name": "Gertrude", "surname": "Quillfeather", "birth_date": "1987-11-23", "postcode": "BA2 1AB", "sex": "F"}
HOUSEHOLD = (      # added to the roster: twins, a father and his son, somebody without a birthday
    PERSON | {"first_name": "Aaron", "surname": "Twinby", "birth_date": "2005-04-06", "sex": "M"},
    PERSON | {"first_name": "Reece", "surname": "Twinby", "birth_date": "2005-04-06", "sex": "M"},
    PERSON | {"first_name": "Wayne", "surname": "Fatherly", "birth_date": "1970-02-03", "sex": "M"},
    PERSON | {"first_name": "Wayne", "surname": "Fatherly", "birth_date": "2001-09-08", "sex": "M"},
    PERSON,
)
TWIN_A, TWIN_B, FATHER, SON, OTHER = range(5)
WRITTEN = {        # record -> (what was written of whom, the person it must be linked to or None)
    "one twin": (HOUSEHOLD[TWIN_A], TWIN_A), "the other twin, mistyped": (HOUSEHOLD[TWIN_B] | {"first_name": "Reeec"}, TWIN_B),
    "a twin without first name": (HOUSEHOLD[TWIN_A] | {"first_name": None}, None), "the son": (HOUSEHOLD[SON], SON),
    "the father, moved": (HOUSEHOLD[FATHER] | {"postcode": "LS1 2AB"}, FATHER), "father or son": (HOUSEHOLD[SON] | {"birth_date": None}, None),
    "a brother not in the roster": (HOUSEHOLD[FATHER] | {"first_name": "Keith"}, None),
    "a namesake of another age": (PERSON | {"birth_date": "1931-05-17"}, None),
    "turned names": (PERSON | {"first_name": "Quillfeather", "surname": "Gertrude"}, OTHER),
    "turned day": (HOUSEHOLD[TWIN_B] | {"birth_date": "2005-06-04"}, TWIN_B), "another surname": (PERSON | {"surname": "Dalford"}, OTHER),
}


@pytest.fixture(scope="module")
def made():
    return world(people=1_000, records=9_000, seed=7)


@pytest.fixture(scope="module")
def linked(made):
    """Roster, records and candidates, with the household added at the end of each; records without the sources' own numbers."""
    roster, records = keyed(made, numbers=False)
    more, notes = (pseudonymised(pd.DataFrame(rows), b"a key of this benchmark, of no other use")
                   for rows in (HOUSEHOLD, [row for row, _ in WRITTEN.values()]))
    roster, records = pd.concat([roster, more], ignore_index=True), pd.concat([records, notes], ignore_index=True)
    with no_network():
        return roster, records, LINKER.fit(roster, records)


def test_dirty_records_are_linked_without_a_network(made, linked):
    truth = np.concatenate([true_person(made), np.full(len(WRITTEN), -1)])
    n = len(made.records)
    candidates = linked[2]
    own = type(candidates)(best=candidates.best[candidates.best["record"] < n], n_records=n, n_people=1_000, parameters=candidates.parameters)
    (row,) = quality(own, truth[:n], [0.95])
    assert row["precision"] >= 0.997 and row["recall"] >= 0.93      # 4,500 links; 0.999 and 0.95 at full size, where names are learnt from more


@pytest.mark.parametrize("name", WRITTEN)
def test_members_of_a_household_are_told_apart_or_left_unlinked(linked, name):
    roster, records, candidates = linked
    record, first = len(records) - len(WRITTEN) + list(WRITTEN).index(name), len(roster) - len(HOUSEHOLD)
    links = candidates.linked(0.95).set_index("record")["person"]
    assert (int(links[record]) - first if record in links.index else None) == WRITTEN[name][1]


def test_a_record_is_linked_to_one_person_at_most_and_a_person_to_many_records(linked):
    best = linked[2].best
    assert best["record"].is_unique and best["probability"].between(0, 1).all()
    assert linked[2].linked(0.5)["person"].value_counts().max() > 5


def test_two_who_fit_equally_well_have_less_than_a_half_each(linked):
    record = len(linked[1]) - len(WRITTEN) + list(WRITTEN).index("a twin without first name")
    row = linked[2].best.set_index("record").loc[record]
    assert row["others"] == 1 and 0.4 < row["probability"] <= 0.5 and row["weight"] > 5


def test_a_higher_threshold_links_fewer(linked):
    counts = [len(linked[2].linked(threshold)) for threshold in (0.5, 0.9, 0.99, 0.999)]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1]


def test_a_sources_own_numbers_find_what_single_records_do_not_and_the_same_records_give_the_same_links(made, linked):
    roster, records = keyed(made, numbers=True)
    first, second = (LINKER.fit(roster, records) for _ in range(2))
    (row,) = quality(first, true_person(made), [0.95])
    assert row["precision"] >= 0.997 and row["recall"] >= 0.96
    pd.testing.assert_frame_equal(first.best, second.best)
    pd.testing.assert_frame_equal(first.parameters, second.parameters)


def test_sockets_are_blocked_while_linking():
    for opened in (lambda: socket.socket(), lambda: socket.create_connection(("localhost", 9)), lambda: socket.getaddrinfo("localhost", 9)):
        with no_network(), pytest.raises(OSError, match="must not use the network"):
            opened()
    socket.socket().close()


@pytest.mark.parametrize("sql", ["SELECT * FROM read_csv('/etc/hostname')", "SELECT * FROM 'http://localhost/a.parquet'", "INSTALL httpfs",
                                 "COPY (SELECT 1) TO 'out.csv'", "SET enable_external_access = true"])
def test_the_database_that_links_can_open_neither_file_nor_connection(sql):
    parts = pseudonymised(pd.DataFrame([PERSON]), KEY)
    with link._closed_room(parts, parts) as con, pytest.raises(duckdb.Error):
        con.execute(sql)


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "splink", None)
    parts = pseudonymised(pd.DataFrame([PERSON]), KEY)
    with pytest.raises(LinkageError, match=r"--require-hashes -r requirements-dev.lock"):
        LINKER.fit(parts, parts)


def test_too_few_records_and_missing_parts_are_refused():
    parts = pseudonymised(pd.DataFrame([PERSON] * 100), KEY)
    with pytest.raises(LinkageError, match="at least 100: the records have 99"):
        LINKER.fit(parts, parts.head(99))
    with pytest.raises(LinkageError, match="lack born"):
        LINKER.fit(parts.drop(columns="born"), parts)
    assert set(PARTS) == set(parts)


def test_records_that_have_nothing_in_common_with_the_roster_are_refused(made):
    roster, records = pseudonymised(made.roster, KEY), pseudonymised(made.records, KEY[::-1])
    with pytest.raises(LinkageError, match="needs at least 50: 0 do"):
        LINKER.fit(roster, records)


@pytest.mark.parametrize("missing", [["postcode", "sex"], ["first_name", "sex"]])
def test_fields_that_nobody_delivered_are_not_compared(made, missing):
    roster, records = (pseudonymised(frame.drop(columns=missing), KEY) for frame in (made.roster, made.records))
    found = LINKER.fit(roster, records)
    assert not set(missing) & set(found.parameters["comparison"])
    (row,) = quality(found, true_person(made), [0.95])
    assert row["precision"] > 0.98 and row["recall"] > 0.5


@pytest.mark.parametrize("threshold", [0.4, 1.0, float("nan")])
def test_a_threshold_below_a_half_or_of_one_is_refused(linked, threshold):
    with pytest.raises(LinkageError, match="at least 0.5 and below 1"):
        linked[2].linked(threshold)
