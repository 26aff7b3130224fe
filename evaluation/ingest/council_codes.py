"""Councils as delivered: codes, names and aliases to the codes of one vintage.

Where the contract states no vintage, a spelling means the council that bears it. Where it does, a code of another day is carried over along the
reorganisations of councils.csv, if exactly one council is meant; where several are (a part of a county merged with others), the row is set aside.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.dictionary import Council, Dictionary, Variable
from evaluation.dictionary.councils import spelling
from evaluation.ingest.value_checks import Check
from evaluation.ingest.values import literal, quoted

SUGGESTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A column of councils: rows (text, code, carried over) of a table to join, its checks, the SQL of rows carried over, how councils are named."""

    column: str
    rows: tuple[tuple[str, str | None, bool], ...]
    join: str
    value: str
    checks: tuple[Check, ...]
    carried: str
    kinds: frozenset[str]


def council_lookup(variable: Variable, name: str, found: Sequence[str], dictionary: Dictionary, vintage: dt.date | None) -> Lookup:
    """What the table `name` from the spellings found to codes must hold, and what is needed to use it."""
    c = quoted("c_" + variable.name)
    known = tuple(row for text in found if (row := meaning(text, dictionary, vintage)))
    meant = {text for text, *_ in known}
    value = f"{name}.code"
    unknown = f"{c} IS NOT NULL AND {name}_text IS NULL"
    hint = suggestions([text for text in found if text not in meant], dictionary)
    checks = (
        Check(
            column=variable.name,
            reason="unknown_council",
            sql=unknown,
            must_hold=f"the value must be a council's code, name or alias{hint}",
            mend="Mend the delivery, or add the spelling to data_dictionary/councils.csv.",
        ),
        Check(
            column=variable.name,
            reason="council_of_another_day",
            sql=f"{name}_text IS NOT NULL AND {quoted(variable.name)} IS NULL",
            must_hold=f"the council must have been there on {vintage}, or stand for exactly one that was",
            mend="Deliver the council of that day: this one was split or merged, and the code alone does not say which part is meant.",
        ),
    )
    extra = f"{name}.text AS {name}_text, {name}.carried AS {name}_carried, {value}"
    return Lookup(
        column=variable.name,
        rows=known,
        join=f" LEFT JOIN {name} ON {name}.text = t.{c}",
        value=extra,
        checks=checks,
        carried=f"{name}_carried",
        kinds=frozenset(kind_of(text) for text in found if text in meant),
    )


def meaning(text: str, dictionary: Dictionary, vintage: dt.date | None) -> tuple[str, str | None, bool] | None:
    """(text, code or None where several are meant, whether it was carried over) of one spelling; None where no council bears it."""
    council = dictionary.find_council(text, on=vintage)
    if council is None:
        return None
    there = on_day(council, vintage, dictionary) if vintage else {council.code}
    code = next(iter(there)) if len(there) == 1 else None
    return text, code, code is not None and code != council.code


def on_day(council: Council, day: dt.date, dictionary: Dictionary) -> set[str]:
    """Codes of the councils that stood on a day for one council: itself, its successors or its predecessors."""
    if council.exists_on(day):
        return {council.code}
    over = council.last_day is not None and day > council.last_day
    return {
        code
        for name in (council.successors if over else council.predecessors)
        if name in dictionary.councils
        for code in on_day(dictionary.councils[name], day, dictionary)
    }


def kind_of(text: str) -> str:
    """How a council is named: 'gss' code, 'dfe' code, or 'name'."""
    if re.fullmatch(r"[A-Za-z]\d{8}", text):
        return "gss"
    return "dfe" if re.fullmatch(r"\d{3}(\.0+)?", text) else "name"


def suggestions(unknown: list[str], dictionary: Dictionary) -> str:
    """' (did you mean ...?)' with names of the dictionary near to spellings that nobody bears; suggested, never applied."""
    names = {spelling(text): council.name for council in dictionary.councils.values() for text in (council.name, *council.aliases)}
    near = [names[close[0]] for text in sorted(unknown)[:50] if (close := difflib.get_close_matches(spelling(text), names, n=1, cutoff=0.8))]
    shown = [literal(name) for name in dict.fromkeys(near)][:SUGGESTED]
    return f" (did you mean {' or '.join(shown)}?)" if shown else ""
