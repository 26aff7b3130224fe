"""Keys hide what they are made of, agree where parts agree, and need a key that is kept apart."""
from __future__ import annotations

import hmac
import os

import pandas as pd
import pytest

from evaluation.errors import LinkageError
from evaluation.linkage.files import apart, make_key_file, read_key_file
from evaluation.linkage.keys import KEY_VARIABLE, PARTS, new_key, pseudonymised, read_key, same_key

KEY = b"0123456789abcdef0123456789abcdef"
CANARIES = {"first_name": "Zebedee", "surname": "Quillfeather", "birth_date": "1987-11-23", "postcode": "QX7 3ZZ", "sex": "M"}


def people(*rows, **columns):
    return pd.DataFrame([CANARIES | row for row in rows]).assign(**columns)


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "room" / "roster.csv"
    path.parent.mkdir()
    people({}, {"first_name": "Zeb"}, person_id=["p1", "p2"], council_code="E06000022", joined=["true", "false"]).to_csv(path, index=False)
    return path


def test_a_part_is_the_published_hmac_of_its_text():
    made = pseudonymised(people({}), KEY).iloc[0]
    text = "evaluation linkage 1|surname|QUILLFEATHER"
    assert made["surname"] == hmac.new(KEY, text.encode(), "sha256").hexdigest()[:32]       # RFC 2104 by the standard library


def test_equal_parts_agree_and_others_do_not():
    other = {"surname": "Quillfeathr", "birth_date": "23/11/1988", "postcode": "qx73ab"}
    a, b = pseudonymised(people({}, other), KEY).to_dict("records")
    assert {part for part in PARTS if a[part] == b[part]} == {"first_name", "first_formal", "first_sound", "first_start", "first_end",
                                                              "surname_sound", "surname_start", "born_day", "sector", "sex"}


def test_names_in_each_others_place_and_turned_days_agree_in_the_part_made_for_it():
    a, b = pseudonymised(people({"birth_date": "1987-11-03"}, {"first_name": "Quillfeather", "surname": "Zebedee", "birth_date": "1987-03-11"}),
                         KEY).to_dict("records")
    assert a["names"] == b["names"] and a["born_turned"] == b["born_turned"] and a["born"] != b["born"] and a["surname"] != b["surname"]


def test_parts_have_hashes_of_their_own_and_another_key_gives_others():
    made = pseudonymised(people({"first_name": "Scott", "surname": "Scott"}), KEY).iloc[0]
    assert made["first_name"] != made["surname"]
    again = pseudonymised(people({"first_name": "Scott", "surname": "Scott"}), KEY[::-1]).iloc[0]
    assert not set(made) & set(again) and same_key(KEY) != same_key(KEY[::-1])


def test_a_missing_part_is_missing_and_no_hash_of_nothing():
    made = pseudonymised(people({"first_name": None, "birth_date": "", "postcode": "Bath"}), KEY).iloc[0]
    assert made[["first_name", "first_sound", "names", "born", "born_day", "postcode", "sector"]].isna().all() and made["surname"]


def test_the_file_of_keys_holds_neither_a_value_nor_the_key(roster, tmp_path):
    out = tmp_path / "keys" / "roster.parquet"
    made = make_key_file(roster, out, KEY)
    content = out.read_bytes() + made.rows.to_csv().encode() + str(made).encode()
    for secret in (*CANARIES.values(), "QUILLFEATHER", "QX73ZZ", "Zeb", KEY.decode()):
        if len(secret) > 1:
            assert secret.encode() not in content, "a value or the key is in the file"
    again = read_key_file(out)
    assert again.is_roster and again.made_with == same_key(KEY)
    assert again.rows["person_id"].tolist() == ["p1", "p2"] and again.rows["joined"].tolist() == [True, False]


def test_the_key_comes_from_a_file_or_the_environment(tmp_path, monkeypatch):
    new_key(tmp_path / "key")
    key = read_key(tmp_path / "key")
    assert len(key) == 64 and (tmp_path / "key").stat().st_mode & 0o077 == 0
    monkeypatch.setenv(KEY_VARIABLE, key.decode())
    assert read_key(None) == key
    with pytest.raises(LinkageError, match="must have a new file"):
        new_key(tmp_path / "key")


@pytest.mark.parametrize("text, words", [("QkvJ7", "at least 32 characters"), (None, "holds 0")])
def test_a_short_or_missing_key_is_refused_without_showing_it(tmp_path, monkeypatch, text, words):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    path = None if text is None else tmp_path / "key"
    if path:
        path.write_text(text)
        path.chmod(0o600)
    with pytest.raises(LinkageError, match=words) as refused:
        read_key(path)
    assert text is None or text not in str(refused.value)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are another matter there")
def test_a_key_that_others_may_read_is_refused(tmp_path):
    new_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(LinkageError, match="chmod 600"):
        read_key(tmp_path / "key")


def test_a_key_beside_the_data_or_below_it_is_refused(roster, tmp_path):
    for place in (roster.parent / "key", roster.parent / "deep" / "key"):
        with pytest.raises(LinkageError, match="must not be kept with the data"):
            apart(place, roster, tmp_path / "out" / "keys.parquet")
    apart(tmp_path / "safe" / "key", roster, tmp_path / "out" / "keys.parquet")


def test_parquet_gives_the_same_keys_as_csv(roster, tmp_path):
    table = pd.read_csv(roster).assign(birth_date=pd.Timestamp("1987-11-23"), index_date=None)
    table.to_parquet(tmp_path / "roster.parquet")
    from_csv, from_parquet = (make_key_file(path, tmp_path / "keys.parquet", KEY).rows for path in (roster, tmp_path / "roster.parquet"))
    pd.testing.assert_frame_equal(from_csv[list(PARTS)], from_parquet[list(PARTS)])
    assert from_parquet["joined"].tolist() == [True, False] and from_parquet["index_date"].isna().all()


@pytest.mark.parametrize("change, words", [
    (lambda rows: rows.drop(columns="council_code"), "lacks council_code"), (lambda rows: rows.drop(columns="birth_date"), "lacks birth_date"),
    (lambda rows: rows.assign(person_id="p1"), "stand twice"), (lambda rows: rows.assign(joined="perhaps"), "joined must be true or false")])
def test_a_file_that_will_not_do_is_refused_without_a_value(roster, tmp_path, change, words):
    change(pd.read_csv(roster)).to_csv(roster, index=False)
    with pytest.raises(LinkageError, match=words) as refused:
        make_key_file(roster, tmp_path / "keys.parquet", KEY)
    assert "Quillfeather" not in str(refused.value) and not (tmp_path / "keys.parquet").exists()


def test_a_file_that_holds_no_keys_is_refused(roster, tmp_path):
    with pytest.raises(LinkageError, match="`evaluation link keys` wrote"):
        read_key_file(roster)
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(LinkageError, match="`evaluation link keys` wrote"):
        read_key_file(tmp_path / "other.parquet")
