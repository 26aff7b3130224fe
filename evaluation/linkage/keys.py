"""Pseudonymised keys: a keyed hash (HMAC-SHA-256) of each part of a name, a day of birth and a postcode.

Whoever holds names makes them with a key that the data officer gives; whoever links sees only them. Equal parts give equal keys, so partial agreement
is agreement of some parts: the sound of a name, its formal form, two thirds of a day, a postcode's sector. The key itself is never written.
"""
from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage import normalise

KEY_VARIABLE = "EVALUATION_LINKAGE_KEY"
SHORTEST_KEY = 32           # characters: 16 bytes as hexadecimal digits
FIELDS = ("first_name", "surname", "birth_date", "postcode", "sex")
VERSION = "1"               # of the way of writing parts: keys of two versions cannot be compared
HEXADECIMALS = 32           # 128 of the 256 bits: two of a billion parts are the same by chance once in 10^20
NAME_PARTS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "first_name": ("first_name", str), "first_formal": ("first_name", normalise.formal),
    "first_sound": ("first_name", lambda name: normalise.soundex(normalise.formal(name))),
    "first_start": ("first_name", lambda name: name[:2]), "first_end": ("first_name", lambda name: name[-2:]),
    "surname": ("surname", str), "surname_sound": ("surname", normalise.soundex), "surname_start": ("surname", lambda name: name[:3]),
    "surname_end": ("surname", lambda name: name[-3:]),
}
DAY_PARTS: Mapping[str, Callable[[date], str]] = {
    "born": lambda day: f"{day:%Y-%m-%d}", "born_month": lambda day: f"{day:%Y-%m}", "born_year_day": lambda day: f"{day:%Y-%d}",
    "born_day": lambda day: f"{day:%m-%d}", "born_turned": lambda day: f"{day.year}-{min(day.day, day.month)}-{max(day.day, day.month)}",
}
PARTS = (*NAME_PARTS, "names", *DAY_PARTS, "postcode", "sector", "sex")


def read_key(path: Path | None) -> bytes:
    """The key, from a file or else from the environment variable EVALUATION_LINKAGE_KEY.

    Raises
    ------
    LinkageError
        There is none, it is too short, or others than its owner may read its file. The key is not shown.
    """
    if path is None:
        text, where = os.environ.get(KEY_VARIABLE, ""), f"the environment variable {KEY_VARIABLE}"
    else:
        text, where = _text_of(Path(path)), f"the file {path}"
    key = text.strip().encode()
    if len(key) < SHORTEST_KEY:
        raise LinkageError(f"A linkage key must have at least {SHORTEST_KEY} characters: {where} holds {len(key)}. Ask the data officer for this "
                           "project's key; `evaluation link new-key FILE` makes one.")
    return key


def hashed_numbers(numbers: pd.Series, key: bytes) -> pd.Series:
    """A source's own numbers of its people as keyed hashes, by which its records of one person are found."""
    return _each(numbers, lambda number: _hashed(key, "of_person", number))


def new_key(path: Path) -> None:
    """Write a new random key that only its owner may read; an existing file is left as it is."""
    import secrets

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise LinkageError(f"A new key must have a new file: {path} is there. Keys made with it would be lost; name another file.") from None
    with os.fdopen(number, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def same_key(key: bytes) -> str:
    """A word that is the same for the same key and version, by which files made with different keys are told apart."""
    return _hashed(key, "same key", VERSION)


def pseudonymised(people: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """The parts of every person as keyed hashes.

    Parameters
    ----------
    people : DataFrame
        Columns of `FIELDS`, as they were written down; a column may be missing.
    key : bytes
        From `read_key`.

    Returns
    -------
    DataFrame
        Columns `PARTS` in place of the fields, in the order of the rows; None where a part is missing. Each part has hashes of its own: a first name
        Scott and a surname Scott give different ones.
    """
    blank = pd.Series([None] * len(people), index=people.index, dtype=object)
    field = {name: people[name] if name in people else blank for name in FIELDS}
    first, last = _each(field["first_name"], normalise.first_name), _each(field["surname"], normalise.surname)
    born, where = _each(field["birth_date"], normalise.birthday), _each(field["postcode"], normalise.postcode)
    of_name = {"first_name": first, "surname": last}
    clear = {part: _each(of_name[column], take) for part, (column, take) in NAME_PARTS.items()}
    clear["names"] = pd.Series([None if a is None or b is None else " ".join(sorted((a, b))) for a, b in zip(first, last, strict=True)],
                               index=people.index, dtype=object)
    clear |= {part: _each(born, take) for part, take in DAY_PARTS.items()}
    clear |= {part: _each(where, lambda pair, i=i: pair[i]) for i, part in enumerate(("postcode", "sector"))}
    clear["sex"] = _each(field["sex"], normalise.sex)
    return pd.DataFrame({part: _each(clear[part], lambda value, part=part: _hashed(key, part, value)) for part in PARTS}, index=people.index)


def _each(values: pd.Series, take: Callable) -> pd.Series:
    """A function of every value that is there, worked out once for each different value."""
    known = {value: take(value) for value in values.dropna().unique()}
    return pd.Series([None if value is None or value != value else known[value] for value in values], index=values.index, dtype=object)


def _hashed(key: bytes, part: str, value: str) -> str:
    return hmac.digest(key, f"evaluation linkage {VERSION}|{part}|{value}".encode(), "sha256").hex()[:HEXADECIMALS]


def _text_of(path: Path) -> str:
    if not path.is_file():
        raise LinkageError(f"The linkage key must be in a file: {path} is none. Name the file that the data officer gave, or set {KEY_VARIABLE}.")
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise LinkageError(f"Only its owner may read the linkage key: others may read {path}. Take their rights away: chmod 600 {path}")
    return path.read_text(encoding="utf-8")
