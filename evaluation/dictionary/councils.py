"""Councils that are or were, read from `councils.csv`, and the spellings that they are known by."""
from __future__ import annotations

import csv
import datetime as dt
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from evaluation.dictionary.entries import make
from evaluation.errors import DictionaryError
from evaluation.frozen import Frozen
from evaluation.nearest import nearest

REFERENCE_DAY = dt.date(2012, 9, 1)   # a name borne by two councils means the one of 2012/13 unless a day is given
COUNCIL_COLUMNS = ["gss_code", "dfe_code", "name", "aliases", "type", "region_code", "region", "first_day", "last_day", "successors"]


class Council(Frozen):
    """An upper-tier council. Days are None where it is older than the data, or still there."""

    code: str
    dfe_code: str
    name: str
    aliases: tuple[str, ...]
    type: Literal["unitary", "county", "metropolitan_district", "london_borough"]
    region_code: str
    region: str
    first_day: dt.date | None
    last_day: dt.date | None
    successors: tuple[str, ...]
    predecessors: tuple[str, ...] = ()

    def exists_on(self, day: dt.date) -> bool:
        """Whether the council existed on a day."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


def read_councils(path: Path) -> Mapping[str, Council]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError) as error:
        raise DictionaryError(f"The data dictionary needs {path.name} as UTF-8 text: it cannot be read. "
                              f"Where: {path.parent.name}. Restore the file.") from error
    for column in COUNCIL_COLUMNS:
        if column not in header:
            raise DictionaryError(f"councils.csv has the columns {', '.join(COUNCIL_COLUMNS)}: {column!r} is missing{nearest(column, header)}. "
                                  f"Mend the header.")
    came_from: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for code in parts(row["successors"]):
            came_from[code].append(row["gss_code"])
    councils: dict[str, Council] = {}
    for number, row in enumerate(rows, start=2):
        where = f"councils.csv, row {number}"
        if row["gss_code"] in councils:
            raise DictionaryError(f"A council stands once: {row['gss_code']} stands twice. Where: {where}. Take one away.")
        entry = {"code": row["gss_code"], **{field: row[field] for field in ("dfe_code", "type", "region_code", "region")},
                 "aliases": parts(row["aliases"]), "first_day": row["first_day"] or None, "last_day": row["last_day"] or None,
                 "successors": parts(row["successors"]), "predecessors": tuple(came_from[row["gss_code"]])}
        councils[row["gss_code"]] = make(Council, row["name"], entry, where)
    unknown = sorted(set(came_from) - set(councils))
    if unknown:
        raise DictionaryError(f"A successor is a council of the same file: {', '.join(unknown)} is not. "
                              f"Where: councils.csv, column successors. Add the council or mend the code.")
    return dict(sorted(councils.items()))


def parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def spelling(text: str) -> str:
    """A council's code or name without case, punctuation and float endings.

    >>> spelling("Kingston upon Hull, City of"), spelling("805.0"), spelling("St. Helens"), spelling("Bath & N.E. Somerset")
    ('kingston upon hull city of', '805', 'st helens', 'bath and n e somerset')
    """
    text = re.sub(r"^(\d{3})\.0+$", r"\1", str(text).strip().lower().replace("&", " and "))
    return re.sub(r"[^a-z0-9()]+", " ", text.replace("'", "").replace("\u2019", "")).strip()


def spellings(councils: Mapping[str, Council]) -> dict[str, tuple[str, ...]]:
    """Accepted spelling -> codes of the councils that bear it (several where a name was used again)."""
    found: dict[str, list[str]] = defaultdict(list)
    for council in councils.values():
        for text in dict.fromkeys(spelling(t) for t in (council.code, council.dfe_code, council.name, *council.aliases) if t):
            found[text].append(council.code)
    return {text: tuple(codes) for text, codes in found.items()}
