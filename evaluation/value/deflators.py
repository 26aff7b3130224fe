"""Price years: pounds of one financial year in the prices of another, by a named release of the GDP deflator."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import DictionaryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflators:
    """A series of price indices by financial year.

    Attributes
    ----------
    index : financial year ('2014/15') -> float, > 0
        Any base: only ratios are used.
    release : str
        Publisher, series and release, as a report names it.
    sha256 : str
        Of the file that was read.
    """

    index: Mapping[str, float]
    release: str
    sha256: str = ""

    def factor(self, of: str, into: str) -> float:
        """What a pound of the year `of` is in prices of the year `into`.

        Raises
        ------
        DictionaryError
            The series has no index for one of them.
        """
        for year in (of, into):
            if year not in self.index:
                raise DictionaryError(
                    f"A price year must be one of {min(self.index)} to {max(self.index)}, the years of {self.release}: {year!r} is not. "
                    "Where: data_dictionary/gdp_deflators.csv. Mend the price year, or take in a later release."
                )
        return self.index[into] / self.index[of]


def read_deflators(path: Path) -> Deflators:
    """Read the series.

    Raises
    ------
    DictionaryError
        A year is not a financial year, an index is not above zero, or rows come from more than one release.
    """
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    wrong = [row["financial_year"] for row in rows if not is_financial_year(row["financial_year"]) or not positive(row["index"])]
    releases = sorted({row["release"] for row in rows})
    if wrong or len(releases) != 1 or not releases[0]:
        raise DictionaryError(
            f"{path.name} must hold one named release, years like 2014/15 and indices above zero: it names {len(releases)} release(s), and"
            f" {len(wrong)} row(s) break the rule{' (' + ', '.join(wrong[:5]) + ')' if wrong else ''}. Take the file from one release of the series."
        )
    return Deflators(
        index={row["financial_year"]: float(row["index"]) for row in rows},
        release=releases[0],
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def is_financial_year(text: str) -> bool:
    """Whether a text is a financial year from April to March.

    >>> is_financial_year("2014/15"), is_financial_year("2014/16"), is_financial_year("")
    (True, False, False)
    """
    found = re.fullmatch(r"(\d{4})/(\d{2})", text)
    return bool(found) and (int(found[1]) + 1) % 100 == int(found[2])


def positive(text: str) -> bool:
    """Whether a text is a number above zero."""
    try:
        return float(text) > 0
    except ValueError:
        return False
