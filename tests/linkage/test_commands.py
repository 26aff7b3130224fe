"""From names to the table `links` by the commands: what is written, what is told, and that no name or key is in either."""
from __future__ import annotations

import json
import sys

import pandas as pd
import pytest

from benchmarks.dirty_people import world, write
from benchmarks.linkage import no_network
from evaluation import cli
from evaluation.ingest.reading import inspect_extracts
from evaluation.linkage.keys import KEY_VARIABLE
from evaluation.pipeline.linking import link_records, make_keys, named_files
from evaluation.runs.files import file_sha256

CANARY = "Quillfeatherstonehaugh"


@pytest.fixture
def ended(monkeypatch):
    """Run a command in this process; gives its exit code."""
    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["evaluation", "link", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0
    return run


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """The files that holders of names have: a roster and three sources, with somebody of a rare name in all of them."""
    folder = tmp_path_factory.mktemp("names")
    made = world(people=400, records=3_600, seed=3)
    made.roster.loc[0, ["surname", "birth_date"]] = CANARY, "1987-11-23"
    made.records.loc[made.records["truth"] == 0, ["surname", "birth_date"]] = CANARY, "1987-11-23"
    write(made, folder)
    return folder


@pytest.fixture(scope="module")
def room(names, tmp_path_factory):
    """The room of whoever links: files of keys alone."""
    folder, key = tmp_path_factory.mktemp("room"), tmp_path_factory.mktemp("safe") / "key"
    key.write_text("0123456789abcdef" * 4)
    key.chmod(0o600)
    for path in sorted(names.glob("*.csv")):
        list(make_keys(path, folder / f"{path.stem}.parquet", key_file=key))
    return folder


def test_records_are_linked_from_keys_alone_and_nothing_of_anybody_is_written_or_told(ended, capsys, room, dictionary, tmp_path):
    out = tmp_path / "linked"
    sources = [f"--source={name}={room / f'{name}.parquet'}" for name in ("education", "benefits", "police")]
    with no_network():
        assert ended("records", room / "roster.parquet", *sources, "--out", out) == 0
    told = capsys.readouterr()
    assert "people sought in families that joined are linked" in told.out and told.err == ""
    content = told.out.encode() + b"".join(path.read_bytes() for path in out.iterdir())
    tables = "".join(pd.read_parquet(path).to_csv() for path in out.glob("*.parquet")).encode()
    assert not [secret for secret in (CANARY, "1987-11-23", "0123456789abcdef") if secret.encode().lower() in (content + tables).lower()]

    links, matches = pd.read_parquet(out / "links.parquet"), pd.read_parquet(out / "matches.parquet")
    assert set(links["source"]) == {"education", "benefits", "police"} and set(links["status"]) == {"linked", "not_linked", "not_attempted"}
    assert len(links) == 3 * 400 and matches["record_id"].is_unique and matches.loc[matches["linked"], "probability"].min() >= 0.95 - 1e-6
    people = pd.DataFrame({"person_id": links["person_id"].unique()})
    check_contract(links, people, dictionary, tmp_path)

    record = json.loads((out / "linkage.json").read_text())
    assert record["threshold"] == 0.95 and record["read"]["police.parquet"] == file_sha256(room / "police.parquet")
    assert set(record["written"]) == {path.name for path in out.iterdir()} - {"linkage.json"} and "threshold_police.csv" in record["written"]
    rates = pd.read_csv(out / "link_rates.csv")
    assert rates.loc[(rates["source"] == "benefits") & (rates["council_code"] == "all") & (rates["pool"] == "all"), "people"].tolist() == [400]


def check_contract(links, people, dictionary, tmp_path):
    """The table passes the contract of `links` beside people of the same identifiers."""
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    family = dict.fromkeys(dictionary.tables["families"].columns) | {"family_id": "f1", "council_code": "E06000022",
                                                                     "first_eligible_date": "2011-01-01"}
    pd.DataFrame([family]).to_csv(delivery / "families.csv", index=False)
    people.assign(family_id="f1", member_from="2011-01-01", member_to="", birth_month="1990-01", sex="U", role="adult", sen="", free_school_meals="",
                  ethnicity_group="unknown").to_csv(delivery / "people.csv", index=False)
    links.to_parquet(delivery / "links.parquet", index=False)
    found = inspect_extracts(delivery, dictionary, room=tmp_path / "checked")
    assert not found.refused and found.tables["links"].rows_kept == len(links)


def test_keys_made_with_two_keys_are_refused(ended, capsys, names, room, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "another key of more than thirty-two characters")
    assert ended("keys", names / "police.csv", tmp_path / "police.parquet") == 0
    assert "missing or not to be read" in capsys.readouterr().out
    assert ended("records", room / "roster.parquet", "--source", f"police={tmp_path / 'police.parquet'}",
                 "--source", f"education={room / 'education.parquet'}") == 2
    assert "must be made with the same key" in capsys.readouterr().err


def test_a_new_key_is_made_once_and_kept_apart_from_the_data(ended, capsys, names, tmp_path):
    assert ended("new-key", tmp_path / "key") == 0 and ended("new-key", tmp_path / "key") == 2
    assert ended("keys", names / "police.csv", tmp_path / "police.parquet", "--key", tmp_path / "key") == 2
    told = capsys.readouterr()
    assert "must not be kept with the data" in told.err and not (tmp_path / "police.parquet").exists()
    assert (tmp_path / "key").read_text().strip() not in told.out + told.err


@pytest.mark.parametrize("first, second, words", [("police", "education", "must hold the roster's keys"), ("roster", "roster", "must hold records")])
def test_files_in_each_others_place_are_refused(ended, capsys, room, first, second, words):
    assert ended("records", room / f"{first}.parquet", "--source", f"education={room / f'{second}.parquet'}") == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["police"], ["police="], ["police=a", "police=b"]])
def test_a_source_without_a_file_or_named_twice_is_refused(asked):
    from evaluation.errors import LinkageError

    with pytest.raises(LinkageError, match="named once, with its file"):
        named_files(asked)


def test_events_alone_are_refused_before_anything_is_read(tmp_path):
    from evaluation.errors import LinkageError

    with pytest.raises(LinkageError, match="Link a register along"):
        list(link_records(tmp_path / "none", {"police": tmp_path / "none"}, tmp_path, threshold=0.95))


def test_without_the_extra_the_command_says_what_to_install(ended, capsys, room, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "splink", None)
    assert ended("records", room / "roster.parquet", "--source", f"education={room / 'education.parquet'}", "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "pip install --require-hashes -r requirements-dev.lock" in told and "Traceback" not in told and not (tmp_path / "out").exists()
