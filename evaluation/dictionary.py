"""The data dictionary: what the evaluation knows, read from `data_dictionary/` and checked.

Frozen tables, variables, outcomes and councils, and the page that documents them. This module never opens data;
the rules it holds are applied in `ingest`.
"""
from __future__ import annotations

import csv
import datetime as dt
import difflib
import functools
import hashlib
import os
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from evaluation.errors import DictionaryError
from evaluation.locations import project_file

VariableType = Literal["id", "text", "code", "integer", "number", "date", "month", "boolean", "term", "school_year", "financial_year", "year"]
Unit = Literal["family", "person", "school", "council", "small_area"]
DropRule = Literal["exact_duplicates"]
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y")
REFERENCE_DAY = dt.date(2012, 9, 1)   # a name borne by two councils means the one of 2012/13 unless a day is given
SQL_WORDS = frozenset("and or not null is in like between case when then else end true false strftime coalesce abs cast as date".split())


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Population(Frozen):
    """Whom an outcome of families is measured on; ages in completed years at the start of the period."""

    name: str
    label: str
    role: Literal["child", "adult"] | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None


class OutcomeSource(Frozen):
    """Where an outcome is taken from, for one unit of analysis.

    Attributes
    ----------
    kind : how it is made
        `ratio_of_sums` numerator over denominator; `share_of_people` with numerator / denominator >= threshold;
        `any_event` and `count_events` dated by `column`; `any_spell` from `column` to `end_column` touching the period; `any_sustained_spell`
        that on the period's last day has gone on for `weeks` without a break of more than `gap_days`; `value` of `column`.
    multiply : factor after which the value stands in the outcome's unit
    calendar : quarters of the year (1 to 4) in which anything is collected; empty means all
    by_term : events of July count to the second quarter (summer term), those of September to the fourth (autumn term); August has none
    link_source : source in `links` and `source_coverage` for which the person must be linked and the period covered
    coverage_source : source in `source_coverage`; the link source unless stated
    members : name of the population in the family
    thresholds : first school year -> threshold from that year on, where it changed
    by_address : an event that names neither person nor family counts to the family that lived at its address on the day
    unknown_where : rows of spells that say only that nothing is known; a period that one of them touches is missing
    looks_back : whole periods before its own that a value is about too; it is missing until they all lie after the period of joining
    """

    table: str
    kind: Literal["ratio_of_sums", "share_of_people", "any_event", "count_events", "any_spell", "any_sustained_spell", "value"]
    numerator: str | None = None
    denominator: str | None = None
    column: str | None = None
    end_column: str | None = None
    multiply: float = 1.0
    calendar: tuple[Literal[1, 2, 3, 4], ...] = ()
    by_term: bool = False
    link_source: str | None = None
    coverage_source: str | None = None
    members: str | None = None
    where: str | None = None
    threshold: float | None = None
    thresholds: Mapping[str, float] = Field(default_factory=dict)
    by_address: bool = False
    unknown_where: str | None = None
    weeks: int | None = Field(default=None, ge=1)
    gap_days: int = Field(default=0, ge=0)
    looks_back: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def is_complete(self) -> OutcomeSource:
        needs = ("numerator", "denominator") if self.kind in ("ratio_of_sums", "share_of_people") else ("column",)
        threshold = () if self.thresholds else ("threshold",)
        needs += {"share_of_people": threshold, "any_spell": ("end_column",), "any_sustained_spell": ("end_column", "weeks")}.get(self.kind, ())
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise ValueError(f"kind {self.kind} needs {', '.join(missing)}")
        reach = 0 if self.weeks is None else (self.weeks - 1) // 13
        if self.looks_back < reach:
            raise ValueError(f"{self.weeks} weeks reach back over {reach} whole quarter(s): looks_back must say so and is {self.looks_back}")
        for year in self.thresholds:
            if not re.fullmatch(r"\d{4}/\d{2}", year):
                raise ValueError(f"thresholds stand by school year, written like 2010/11: {year!r} is not")
        return self

    @property
    def coverage(self) -> str | None:
        """The source whose coverage bounds what is observed."""
        return self.coverage_source or self.link_source


class Outcome(Frozen):
    """One thing that the programme may change."""

    name: str
    domain: Literal["truancy", "offending", "anti_social_behaviour", "employment"]
    label: str
    measure: str
    unit: str
    change_unit: str
    direction: Literal["lower_is_better", "higher_is_better"]
    scale: Literal["rate", "any", "count", "amount"]
    population: str
    unit_cost: str | None = None
    sources: Mapping[Unit, OutcomeSource]

    @field_validator("sources")
    @classmethod
    def of_small_areas(cls, value: Mapping[Unit, OutcomeSource]) -> Mapping[Unit, OutcomeSource]:
        """A small area's outcome is its families' together: it has their source."""
        return {**value, "small_area": value["family"]} if "family" in value else value


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


class Dictionary(Frozen):
    """Everything in `data_dictionary/` that this module reads.

    Attributes
    ----------
    tables, outcomes : by name
    councils : by code, in order of code
    populations : by name, for outcomes of families
    covariates : name -> label in words that a report may print
    folder : where it was read from
    sha256 : of the files read
    """

    tables: Mapping[str, Table]
    outcomes: Mapping[str, Outcome]
    councils: Mapping[str, Council]
    populations: Mapping[str, Population]
    covariates: Mapping[str, str]
    folder: Path
    sha256: str
    _spellings: dict[str, tuple[str, ...]] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any) -> None:
        self._spellings.update(spellings(self.councils))

    def resolve_council(self, text: str, *, on: dt.date | None = None) -> Council:
        """The council that a GSS code, DfE code, name or alias means.

        Parameters
        ----------
        text : str
            `E06000022`, `800`, `800.0`, `Bath & North East Somerset`; case and punctuation do not matter.
        on : date, optional
            Where two councils bore a name (Dorset, Somerset), the one of that day; by default the one of 2012/13.

        Raises
        ------
        DictionaryError
            No council has that code, name or alias.
        """
        council = self.find_council(text, on=on)
        if council is None:
            close = difflib.get_close_matches(spelling(text), self._spellings, n=1, cutoff=0.75)
            hint = f" Did you mean {self.councils[self._spellings[close[0]][0]].name!r}?" if close else ""
            raise DictionaryError(f"A council is named by its GSS code, DfE code, name or alias: {str(text)!r} is none of them.{hint} "
                                  "Where: data_dictionary/councils.csv. Mend the spelling, or add an alias to the council's row.")
        return council

    def find_council(self, text: str, *, on: dt.date | None = None) -> Council | None:
        """Like `resolve_council`, but None where no council is meant."""
        councils = [self.councils[code] for code in self._spellings.get(spelling(text), ())]
        there = [council for council in councils if council.exists_on(on or REFERENCE_DAY)]
        return next(iter(there or councils), None)


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


def identifiers(sql: str) -> set[str]:
    """Names of columns in an SQL condition: bare words outside quotes that are no SQL words."""
    return {word for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", " ", sql)) if word.lower() not in SQL_WORDS}


def nearest(word: str, known: Mapping | tuple | list) -> str:
    """' (did you mean ...?)' or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


# ---- reading ----------------------------------------------------------------

def default_folder() -> Path:
    """The folder in EVALUATION_DICTIONARY, or the `data_dictionary` that comes with the project."""
    named = os.environ.get("EVALUATION_DICTIONARY", "").strip()
    return Path(named).expanduser() if named else project_file("data_dictionary")


def load_dictionary(folder: Path | None = None) -> Dictionary:
    """The data dictionary of a folder, checked; read once.

    Raises
    ------
    DictionaryError
        A file is missing, cannot be read, has a misspelt or missing field, or names something that does not exist.
    """
    return read_dictionary((Path(folder) if folder is not None else default_folder()).resolve())


@functools.lru_cache(maxsize=8)
def read_dictionary(folder: Path) -> Dictionary:
    paths = sorted((folder / "tables").glob("*.yml"))
    if not paths:
        raise DictionaryError(f"The data dictionary holds a contract per table: {folder.name}/tables holds no .yml file. "
                              "Set EVALUATION_DICTIONARY to the folder, or run from a complete copy of the project.")
    tables = {path.stem: read_table(path) for path in paths}
    outcomes = read_yaml(folder / "outcomes.yml")
    check_fields(outcomes, ("populations", "outcomes", "covariates"), "outcomes.yml")
    dictionary = Dictionary(
        tables=tables,
        outcomes=named(Outcome, outcomes.get("outcomes"), "outcomes.yml, outcomes"),
        populations=named(Population, outcomes.get("populations"), "outcomes.yml, populations"),
        covariates=outcomes.get("covariates") or {},
        councils=read_councils(folder / "councils.csv"),
        folder=folder,
        sha256=fingerprint([*paths, folder / "outcomes.yml", folder / "councils.csv"]),
    )
    check_references(dictionary)
    return dictionary


def fingerprint(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Safe, and a field written twice is a fault."""

    def mapping(loader: Loader, node: Any) -> dict:
        seen = [key.value for key, _ in node.value]
        twice = sorted({key for key in seen if seen.count(key) > 1})
        if twice:
            raise DictionaryError(f"A field is written once: {twice[0]!r} stands twice. "
                                  f"Where: {path.name}, line {node.start_mark.line + 1}. Take one away.")
        return {loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value}

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    except OSError as error:
        raise DictionaryError(f"The data dictionary needs {path.name}: it cannot be read ({error.strerror}). "
                              f"Where: {path.parent.name}. Restore the file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not UTF-8 text"
        raise DictionaryError(f"A file of the dictionary is YAML: {problem}. "
                              f"Where: {path.name}{where}. Mend the indentation, quotes or encoding there.") from error
    if not isinstance(content, dict):
        raise DictionaryError(f"A file of the dictionary is a list of fields and values: it is something else. "
                              f"Where: {path.name}. See the files beside it.")
    return content


def read_table(path: Path) -> Table:
    where = f"tables/{path.name}"
    content = read_yaml(path)
    columns = content.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise DictionaryError(f"A table lists its columns: `columns` is missing or empty. Where: {where}. Add one line per column.")
    common = content.get("missing_codes") or []
    made = {}
    for name, entry in columns.items():
        if isinstance(entry, dict) and isinstance(common, list) and isinstance(entry.get("missing_codes") or [], list):
            entry = {**entry, "missing_codes": list(dict.fromkeys(str(code) for code in [*common, *(entry.get("missing_codes") or [])]))}
        made[name] = make(Variable, name, entry, f"{where}, column {name}")
    return make(Table, path.stem, {**content, "columns": made}, where)


def named(model: type[Frozen], entries: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(entries, dict) or not entries:
        raise DictionaryError(f"{where} must list at least one entry: it is missing or empty. See the file in the project's repository.")
    return {name: make(model, name, entry, f"{where}, {name}") for name, entry in entries.items()}


def make(model: type[Frozen], name: Any, entry: Any, where: str) -> Any:
    """A model from an entry of a file; every fault of the entry in one DictionaryError."""
    if not isinstance(entry, dict):
        raise DictionaryError(f"An entry is a list of fields and values: it is something else. Where: {where}. See the entries beside it.")
    if "name" in entry:
        raise DictionaryError(f"An entry takes its name from where it stands: field 'name' is not allowed. Where: {where}. Take it away.")
    try:
        return model(name=name, **entry)
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(fault_in_words(fault, model) for fault in error.errors()))
        raise DictionaryError(f"{faults}. Where: {where}. Mend the entry in the data dictionary.") from None


def fault_in_words(fault: Mapping[str, Any], model: type[Frozen]) -> str:
    path = ".".join(str(part) for part in fault["loc"]) or "the entry"
    field = str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        return f"Field {path!r} is not known{nearest(field, known_fields(model, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"Field {path!r} is missing"
    if fault["type"] == "literal_error":
        allowed = fault["ctx"]["expected"]
        return f"Field {path!r} must be one of {allowed}: {fault['input']!r} is not{nearest(fault['input'], re.findall(r'[a-z_]+', allowed))}"
    return f"Field {path!r}: {fault['msg'].removeprefix('Value error, ')}"


def known_fields(model: type[Frozen], path: tuple) -> tuple[str, ...]:
    """Fields allowed at a place of an entry."""
    inner = {"columns": Variable, "rules": Rule, "sources": OutcomeSource}
    return tuple((inner.get(str(path[0]), model) if path else model).model_fields)


def check_fields(content: Mapping, allowed: tuple[str, ...], where: str) -> None:
    for field in content:
        if field not in allowed:
            raise DictionaryError(f"Field {field!r} is not known{nearest(field, allowed)}. Where: {where}. Allowed: {', '.join(allowed)}.")


COUNCIL_COLUMNS = ["gss_code", "dfe_code", "name", "aliases", "type", "region_code", "region", "first_day", "last_day", "successors"]


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


def check_references(dictionary: Dictionary) -> None:
    """Whatever names a table, a column or a population names one that exists."""
    for table in dictionary.tables.values():
        for variable in table.columns.values():
            if variable.references and variable.references != "councils.code":
                parent, _, column = variable.references.partition(".")
                if parent not in dictionary.tables or column not in dictionary.tables[parent].columns:
                    raise DictionaryError("`references` names a column of a table: "
                                          f"{variable.references!r} is none{nearest(parent, dictionary.tables)}. "
                                          f"Where: tables/{table.name}.yml, column {variable.name}. Mend the name.")
    for outcome in dictionary.outcomes.values():
        for unit, source in outcome.sources.items():
            check_source(dictionary, source, f"outcomes.yml, outcomes, {outcome.name}, sources, {unit}")


def check_source(dictionary: Dictionary, source: OutcomeSource, where: str) -> None:
    if source.table not in dictionary.tables:
        raise DictionaryError(f"A source names a table: {source.table!r} is none{nearest(source.table, dictionary.tables)}. "
                              f"Where: {where}. Mend the name.")
    columns = dictionary.tables[source.table].columns
    if source.by_address and not all("address_id" in dictionary.tables[name].columns for name in (source.table, "addresses")):
        raise DictionaryError(f"`by_address` needs a column address_id in {source.table} and in addresses: one lacks it. Where: {where}. "
                              "Add the column, or take the field away.")
    for field in ("numerator", "denominator", "column", "end_column", "where", "unknown_where"):
        for word in sorted(identifiers(getattr(source, field) or "") - set(columns)):
            raise DictionaryError(f"Field {field!r} names {word!r}, which is no column of {source.table}{nearest(word, columns)}. "
                                  f"Where: {where}. Mend the name.")
    if source.members and source.members not in dictionary.populations:
        raise DictionaryError(f"`members` names a population: {source.members!r} is none{nearest(source.members, dictionary.populations)}. "
                              f"Where: {where}. Mend the name.")
    for field, table in (("link_source", "links"), ("coverage_source", "source_coverage")):
        value = getattr(source, field)
        known = dictionary.tables[table].columns["source"].codes if table in dictionary.tables else {value: ""}
        if value and value not in known:
            raise DictionaryError(f"`{field}` is a source of {table}: {value!r} is none{nearest(value, known)}. Where: {where}. Mend the name.")


# ---- the documentation page -------------------------------------------------

def render_readme(dictionary: Dictionary) -> str:
    """The page data_dictionary/README.md, in Markdown."""
    lines = ["# Data dictionary", "",
             "<!-- Made by `python -m evaluation.dictionary` from the files beside it. Change those, not this page. -->", "",
             "What a delivery must hold, what is measured, and which councils are known.",
             "One declaration gives the checks on reading, this page and the simulated data.",
             "Where the facts come from stands in [SOURCES.md](SOURCES.md).", "",
             "* A table arrives as `<table>.csv`, `<table>.parquet` or `<table>.xlsx`; columns may stand in any order.",
             "* Every row that breaks its contract is set aside with its reasons, never changed silently: rows in = kept + set aside + dropped.",
             "* Dates are written `2011-04-30` or `30/04/2011`, months `2011-04`, school and financial years `2011/12`, terms `2011/12-autumn`.", "",
             "## Tables", ""]
    lines += ["| table | one row per | columns | key |", "|---|---|---|---|"]
    lines += [f"| [{t.name}](#{t.name}) | {t.grain.removeprefix('one row per ')} | {len(t.columns)} | {', '.join(t.key)} |"
              for t in dictionary.tables.values()]
    for table in dictionary.tables.values():
        lines += ["", *table_section(table)]
    lines += ["", "## Outcomes", "", *outcome_section(dictionary)]
    lines += ["", "## Populations of family outcomes", "", "| name | who |", "|---|---|"]
    lines += [f"| {p.name} | {p.label} |" for p in dictionary.populations.values()]
    lines += ["", "## Covariates", "", "| name | label |", "|---|---|", *(f"| {name} | {label} |" for name, label in dictionary.covariates.items())]
    lines += ["", "## Councils", "", *council_section(dictionary), ""]
    return "\n".join(lines)


def table_section(table: Table) -> list[str]:
    rule = f" (rule of what may leave: `{table.profile}`)" if table.profile else ""
    lines = [f"### {table.name}", "", f"{table.title}; {table.grain}. Owner: {table.owner}{rule}."]
    if table.description:
        lines += ["", " ".join(table.description.split())]
    lines += ["", "| column | type | missing allowed | values | sensitivity | description |", "|---|---|---|---|---|---|"]
    for v in table.columns.values():
        star = "*" if v.name in table.key else ""
        lines.append(f"| `{v.name}`{star} | {v.type} | {'yes' if v.nullable else 'no'} | {values_in_words(v)} | {v.sensitivity} | {v.description} |")
    if table.rules:
        lines += ["", "Rules:", "", *(f"* `{rule.name}`: {rule.reason} (`{rule.sql}`)." for rule in table.rules)]
    codes = [code for code in table.missing_codes if code]
    lines += ["", f"Read as missing: empty{''.join(f', `{code}`' for code in codes)}. "
              + ("Exact duplicates of a row are dropped and counted. " if "exact_duplicates" in table.drop else "")
              + f"More than {table.max_quarantine_share:.0%} of rows set aside rejects the file."]
    return lines


def values_in_words(variable: Variable) -> str:
    if variable.codes:
        return "; ".join(f"`{code}` {label}" for code, label in variable.codes.items())
    if variable.references == "councils.code":
        return "a council"
    if variable.references:
        return f"in `{variable.references}`"
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.minimum is not None and variable.maximum is not None:
        return f"{variable.minimum} to {variable.maximum}{unit}"
    return f"from {variable.minimum}{unit}" if variable.minimum is not None else unit.strip()


def outcome_section(dictionary: Dictionary) -> list[str]:
    lines = ["| outcome | domain | measure | unit | better | for |", "|---|---|---|---|---|---|"]
    for o in dictionary.outcomes.values():
        lines.append(f"| `{o.name}` {o.label} | {o.domain.replace('_', ' ')} | {o.measure} | {o.unit} | {o.direction.split('_')[0]} | "
                     + ", ".join(f"{unit} ({source.table})" for unit, source in o.sources.items() if unit != "small_area") + " |")
    return lines


def council_section(dictionary: Dictionary) -> list[str]:
    councils = list(dictionary.councils.values())
    in_2012 = [council for council in councils if council.exists_on(REFERENCE_DAY)]
    lines = [f"{len(in_2012)} upper-tier councils of England in 2012/13, and {len(councils) - len(in_2012)} abolished before or made after; "
             f"{sum(len(council.aliases) for council in councils)} further spellings are understood.", "",
             "| region | councils in 2012/13 |", "|---|---|"]
    for region in sorted({council.region for council in in_2012}):
        lines.append(f"| {region} | {sum(council.region == region for council in in_2012)} |")
    lines += ["", "| abolished | last day | successors |", "|---|---|---|"]
    for council in councils:
        if council.last_day:
            lines.append(f"| {council.name} ({council.code}) | {council.last_day} | "
                         + ", ".join(f"{dictionary.councils[code].name} ({code})" for code in council.successors) + " |")
    return lines


def main() -> int:
    """Write data_dictionary/README.md anew."""
    dictionary = load_dictionary()
    page = dictionary.folder / "README.md"
    page.write_text(render_readme(dictionary), encoding="utf-8", newline="\n")
    sys.stdout.write(f"{page.name}: {len(dictionary.tables)} tables, {len(dictionary.outcomes)} outcomes, {len(dictionary.councils)} councils\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DictionaryError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
