"""What a delivered table must hold: its columns, the rules of its rows, and what must hold across them."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from evaluation.frozen import Frozen
from evaluation.nearest import nearest

VariableType = Literal["id", "text", "code", "integer", "number", "date", "month", "boolean", "term", "school_year", "financial_year", "year"]
DropRule = Literal["exact_duplicates"]
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y")
SQL_WORDS = frozenset("and or not null is in like between case when then else end true false strftime coalesce abs cast as date".split())


class Variable(Frozen):
    """One column of a delivered table.

    Attributes
    ----------
    type : what the column holds after checking
        DuckDB types: id, text, code, month (`2011-09`), term (`2011/12-autumn`), school_year and financial_year (`2011/12`) are VARCHAR;
        integer BIGINT; year INTEGER; number DOUBLE; date DATE; boolean BOOLEAN.
    required : whether the column itself must be delivered
    nullable : whether a value may be missing
    codes : code -> label, in a stable order; empty unless values are listed
    missing_codes : texts that mean "missing" (the table's own are included)
    minimum, maximum : inclusive range
    references : `table.column` whose values it must be among, or `councils.code`
    formats : strptime formats of a date, tried in this order; a column that states them itself vouches that its days are not month first
    shape : a known form with a check of its own (UPN, National Insurance and NHS numbers, postcode, small areas of a vintage)
    temporary : whether temporary UPNs (a letter at their end) are allowed
    width, pad : digits of an identifier, and whether lost leading zeros may be put back
    serial : days may be a spreadsheet's serial numbers, counted from its 1900 or 1904
    pivot_year : two-digit years are allowed; those from it on lie in the last century
    timezone : days may carry a time with its zone; the day is that of this place (`Europe/London`)
    marks : signs that numbers may carry
    single_year : a school or financial year may be one year, where it starts or ends
    """

    name: str
    type: VariableType
    description: str
    required: bool = True
    nullable: bool = False
    codes: Mapping[str, str] = Field(default_factory=dict)
    missing_codes: tuple[str, ...] = ()
    minimum: int | float | dt.date | str | None = None
    maximum: int | float | dt.date | str | None = None
    references: str | None = None
    sensitivity: Literal["identifier", "personal", "aggregate"] = "personal"
    unit: str | None = None
    aliases: tuple[str, ...] = ()
    formats: tuple[str, ...] = DATE_FORMATS
    shape: Literal["upn", "nino", "nhs_number", "postcode", "lsoa_2011", "lsoa_2021"] | None = None
    temporary: bool = False
    width: int | None = None
    pad: bool = False
    serial: Literal["excel_1900", "excel_1904"] | None = None
    pivot_year: int | None = None
    timezone: str | None = None
    marks: tuple[Literal["pounds", "per_cent", "decimal_comma"], ...] = ()
    single_year: Literal["start", "end"] | None = None
    simulate: Mapping[str, Any] | None = None

    @field_validator("codes", mode="before")
    @classmethod
    def codes_are_text(cls, value: Any) -> Any:
        return {str(code): label for code, label in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def agrees_with_itself(self) -> Variable:
        if self.type == "code" and not self.codes and self.references != "councils.code":
            raise ValueError("a column of type code lists its codes")
        for bound in (self.minimum, self.maximum):
            if bound is not None and not isinstance(bound, BOUNDS[self.type]):
                raise ValueError(f"minimum and maximum of type {self.type} are written like {EXAMPLES[self.type]}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is above maximum")
        return self


BOUNDS: dict[str, tuple[type, ...]] = {
    "integer": (int,), "number": (int, float), "year": (int,), "date": (dt.date,), "month": (str,), "term": (str,),
    "school_year": (str,), "financial_year": (str,), "id": (), "text": (), "code": (), "boolean": ()}
NO_RANGE = "nothing (such a column has no range)"
EXAMPLES = {"integer": "0", "number": "0.5", "year": "2011", "date": "2011-04-01", "month": "2011-04", "term": "2011/12", "school_year": "2011/12",
            "financial_year": "2011/12", "id": NO_RANGE, "text": NO_RANGE, "code": NO_RANGE, "boolean": NO_RANGE}


class Rule(Frozen):
    """What must hold in every row; `sql` is a DuckDB condition on typed columns, and a row fails where it is false (not where it is missing)."""

    name: str
    sql: str
    reason: str
    mend: str
    severity: Literal["quarantine", "warn"] = "quarantine"


class Spells(Frozen):
    """Rows that last from a day to a day; a spell without an end goes on.

    Attributes
    ----------
    of : column, or columns, of whatever can have one spell at a time
    begins, ends : columns of the first and the last day
    last_day : whether the last day belongs to the spell
    overlap : what is done with overlapping spells: set them all aside, merge them into the first, or keep them
    apart : columns and codes of spells that should not be open at once, `{column: [[code, code], ...]}`; a warning
    what : the spells in words, in the plural: 'programme spells of one family'
    mend : what to do about overlapping ones
    """

    of: tuple[str, ...]
    begins: str
    ends: str
    last_day: Literal["inclusive", "exclusive"] = "inclusive"
    overlap: Literal["quarantine", "merge", "keep"] = "quarantine"
    apart: Mapping[str, tuple[tuple[str, str], ...]] = Field(default_factory=dict)
    what: str = "spells of one kind"
    mend: str = "Decide which spells are right and deliver only those."

    @field_validator("of", mode="before")
    @classmethod
    def one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class Constant(Frozen):
    """What must be the same in all rows of an identifier, values that mean "not known" aside."""

    of: str
    columns: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class Table(Frozen):
    """The contract of one delivered table.

    Attributes
    ----------
    profile : the owner's rule of what may leave, by its name in `disclosure.rules`; '' where none is known
    skip_rows : rows above the heading
    spells, constant : what must hold across rows
    alike : columns that together point to one person; rows that agree in them under several identifiers are listed, never merged
    ages : column of a day -> youngest age in completed years that the person (of `people`, by month of birth) may have on it
    typical : column -> range of its median; a warning outside, for units may have changed
    joined : column that is filled for units in the programme; a unit that comes with and without it is in both lists
    keep_first : column of a day; of several rows with one key the first counts, the others are dropped and listed
    vintage : day of the councils that codes are carried over to, where exactly one is meant; as delivered without it
    """

    name: str
    title: str
    owner: str
    profile: str = ""
    grain: str
    description: str = ""
    key: tuple[str, ...]
    columns: Mapping[str, Variable]
    rules: tuple[Rule, ...] = ()
    drop: tuple[DropRule, ...] = ()
    missing_codes: tuple[str, ...] = ()
    max_quarantine_share: float = Field(default=0.05, ge=0, le=1)
    skip_rows: int = Field(default=0, ge=0)
    spells: Spells | None = None
    constant: Constant | None = None
    alike: tuple[str, ...] = ()
    ages: Mapping[str, int] = Field(default_factory=dict)
    typical: Mapping[str, tuple[float, float]] = Field(default_factory=dict)
    joined: str | None = None
    keep_first: str | None = None
    vintage: dt.date | None = None

    @model_validator(mode="after")
    def agrees_with_itself(self) -> Table:
        for column in self.key:
            if column not in self.columns:
                raise ValueError(f"key names column {column!r}, which the table lacks{nearest(column, self.columns)}")
            if self.columns[column].nullable:
                raise ValueError(f"column {column!r} is part of the key and cannot be nullable")
        for where, columns in self.columns_named().items():
            for column in columns:
                if column not in self.columns:
                    raise ValueError(f"{where} names column {column!r}, which the table lacks{nearest(column, self.columns)}")
        for rule in self.rules:
            for word in sorted(identifiers(rule.sql) - set(self.columns)):
                raise ValueError(f"rule {rule.name!r} names {word!r}, which is no column{nearest(word, self.columns)}")
        return self

    def columns_named(self) -> dict[str, tuple[str, ...]]:
        """Columns that the checks across rows name, by check."""
        spells, constant = self.spells, self.constant
        return {
            "spells": (spells.begins, spells.ends, *spells.of, *spells.apart) if spells else (), "alike": self.alike, "ages": tuple(self.ages),
            "constant": (constant.of, *constant.columns) if constant else (), "typical": tuple(self.typical),
            "joined": (self.joined,) if self.joined else (), "keep_first": (self.keep_first,) if self.keep_first else ()}


def identifiers(sql: str) -> set[str]:
    """Names of columns in an SQL condition: bare words outside quotes that are no SQL words."""
    return {word for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", " ", sql)) if word.lower() not in SQL_WORDS}
