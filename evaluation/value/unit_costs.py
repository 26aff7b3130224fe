"""Unit costs with their parts: who bears each, what it covers, whether it is a transfer. Selected rows of a published database.

What an outcome is valued at, and how, is in `valuations.py`.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluation.errors import DictionaryError
from evaluation.nearest import did_you_mean
from evaluation.value.deflators import is_financial_year

ROUNDING = 1.0  # pounds: parts of a published cost are rounded each by itself
KINDS, LENSES = ("resource", "transfer"), ("fiscal", "economic", "social")
COLUMNS = ("code", "part_of", "item", "unit", "value", "price_year", "agencies", "covers", "kind", "cashable", "lens", "edition", "source", "note")
Lens = Literal["fiscal", "economic", "social"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a unit cost.

    Attributes
    ----------
    value : float
        Pounds of the cost's price year for one unit.
    agencies : agency -> share
        Who bears it; shares add up to 1.
    covers : frozenset of str
        What the money is for ('police', 'courts', 'social_services', ...): a plan that values one of them twice is refused.
    transfer : bool
        Moves money between the state and people (benefit payments, taxes): it counts for the public purse, not for society.
    cashable : str
        Class of cashability.
    lens : 'fiscal', 'economic' or 'social'
        On whom it falls: the public purse, people and business, or wellbeing.
    """

    code: str
    item: str
    value: float
    agencies: Mapping[str, float]
    covers: frozenset[str]
    transfer: bool
    cashable: str
    lens: Lens


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """A published unit cost; `value` is the sum of its parts of the same lens, but for rounding. Parts of another lens stand beside it."""

    code: str
    item: str
    unit: str
    value: float
    price_year: str
    edition: str
    source: str
    note: str
    parts: tuple[Part, ...]

    def cited(self) -> str:
        """Code, edition and price year, as every figure made from it says.

        >>> UnitCost(code="X1", item="", unit="", value=1, price_year="2005/06", edition="Book v1", source="", note="", parts=()).cited()
        'X1 (Book v1, 2005/06 prices)'
        """
        return f"{self.code} ({self.edition}, {self.price_year} prices)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCosts:
    """The unit costs of one file, by code, with the file's hash."""

    by_code: Mapping[str, UnitCost]
    sha256: str = ""


def read_unit_costs(path: Path, *, agencies: Sequence[str], classes: Sequence[str]) -> UnitCosts:
    """Read unit costs.

    Parameters
    ----------
    agencies, classes : sequence of str
        Agencies and classes of cashability that there are.

    Raises
    ------
    DictionaryError
        With every fault found: no price year, a negative cost, an unknown agency, shares or parts that do not add up, ...
    """
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing or not rows:
        lacking = ", ".join(missing) or "rows"
        raise DictionaryError(f"{path.name} must have rows and the columns {', '.join(COLUMNS)}: it lacks {lacking}. Mend the file.")
    faults = [fault for row in rows for fault in faults_of(row, agencies, classes)]
    if not faults:
        faults = faults_together(rows)
    if faults:
        raise DictionaryError(f"data_dictionary/{path.name}: {len(faults)} thing(s) to mend:\n" + "\n".join(f"  - {fault}" for fault in faults))
    costs = {row["code"]: cost_of(row, rows) for row in rows if not row["part_of"]}
    return UnitCosts(by_code=costs, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def faults_of(row: Mapping[str, str], agencies: Sequence[str], classes: Sequence[str]) -> list[str]:
    """What is wrong with one row by itself."""
    code, found = row["code"] or "a row without a code", []
    if not row["code"]:
        found.append("every row needs a code: one has none. Take it from the edition.")
    if not is_financial_year(row["price_year"]):
        found.append(
            f"{code}: price_year must be a financial year like 2005/06; it is {row['price_year'] or 'empty'!r}. A cost without its price year"
            " cannot be brought to today's prices: take it from the edition, or leave the cost out."
        )
    value = number(row["value"])
    if not value >= 0 or math.isinf(value):
        found.append(
            f"{code}: value must be 0 or more pounds; it is {row['value']!r}. A saving is a negative effect, never a negative cost: mend the value."
        )
    if not row["edition"] or not row["source"]:
        found.append(f"{code}: edition and source must be named, because every figure made from the cost cites them. Fill them in.")
    if row["lens"] not in LENSES:
        found.append(f"{code}: lens must be one of {', '.join(LENSES)}; it is {row['lens']!r}. Say on whom the cost falls.")
    return found + (faults_of_bearer(code, row, agencies, classes) if row["agencies"] else [])


def faults_of_bearer(code: str, row: Mapping[str, str], agencies: Sequence[str], classes: Sequence[str]) -> list[str]:
    """What is wrong with who bears a cost, what it covers and whether it is cash."""
    found, shares = [], shares_of(row["agencies"])
    for name in shares:
        if name not in agencies:
            hint = did_you_mean(name, agencies, otherwise=f"known are {', '.join(agencies)}.")
            found.append(f"{code}: {name!r} is no agency; {hint} Mend it, or add the agency to values.yml.")
    if not abs(sum(shares.values()) - 1) < 1e-9 or any(not 0 <= share <= 1 for share in shares.values()):
        found.append(f"{code}: shares of agencies must lie between 0 and 1 and add up to 1; they add up to {sum(shares.values()):g}. Mend agencies.")
    if row["kind"] not in KINDS:
        found.append(f"{code}: kind must be resource or transfer; it is {row['kind']!r}. Benefit payments and taxes are transfers.")
    if row["cashable"] not in classes:
        found.append(f"{code}: cashable must be one of {', '.join(classes)}; it is {row['cashable']!r}. Say how far the saving is cash.")
    if not row["covers"]:
        found.append(f"{code}: covers must say what the money is for (police, courts, ...): without it nothing could be found to be counted twice.")
    return found


def faults_together(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """What is wrong among rows: codes twice, parts of nothing, parts in other prices, parts that do not add up, a cost nobody bears."""
    codes = [row["code"] for row in rows]
    found = [f"{code}: stands {codes.count(code)} times. Keep one row." for code in dict.fromkeys(codes) if codes.count(code) > 1]
    for row in (row for row in rows if row["part_of"] and row["part_of"] not in codes):
        found.append(f"{row['code']}: is part of {row['part_of']}, which is not there. Add the whole cost, or clear part_of.")
    for row in (row for row in rows if not row["part_of"]):
        parts = [part for part in rows if part["part_of"] == row["code"]]
        if not parts and not row["agencies"]:
            found.append(f"{row['code']}: has neither parts nor agencies, so nobody bears it. Name who does.")
        if any(part["price_year"] != row["price_year"] for part in parts):
            found.append(f"{row['code']}: its parts must stand in its own price year {row['price_year']}; some do not. Bring them to it.")
        own = [part for part in parts if part["lens"] == row["lens"]]  # parts of another lens stand beside the cost, and are never added to it
        total, value = sum(number(part["value"]) for part in own), number(row["value"])
        if parts and abs(total - value) > ROUNDING:
            found.append(
                f"{row['code']}: its {len(own)} parts must add up to {value:,.2f} pounds within {ROUNDING:.0f}; they add up to {total:,.2f}."
                " One of them is mistyped, in the edition or here: compare with the edition, and leave the cost out if it is wrong there."
            )
    return found


def cost_of(row: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> UnitCost:
    """A checked row as a unit cost."""
    parts = [part for part in rows if part["part_of"] == row["code"]] or [row]
    return UnitCost(
        code=row["code"], item=row["item"], unit=row["unit"], value=float(row["value"]), price_year=row["price_year"], edition=row["edition"],
        source=row["source"], note=row["note"], parts=tuple(part_of(part) for part in parts),
    )  # fmt: skip


def part_of(row: Mapping[str, str]) -> Part:
    """A checked row as a part."""
    return Part(
        code=row["code"], item=row["item"], value=float(row["value"]), agencies=shares_of(row["agencies"]),
        covers=frozenset(row["covers"].split(";")), transfer=row["kind"] == "transfer", cashable=row["cashable"], lens=row["lens"],
    )  # fmt: skip


def shares_of(text: str) -> dict[str, float]:
    """Agencies and their shares.

    >>> shares_of("police=0.5;council=0.5")
    {'police': 0.5, 'council': 0.5}
    """
    pairs = (pair.partition("=") for pair in text.split(";") if pair)
    return {name.strip(): number(share) for name, _, share in pairs}


def number(text: str) -> float:
    """A number, NaN where the text is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
