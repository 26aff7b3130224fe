"""The data dictionary in plain text: the tables, or one table with its columns, types, codes and rules."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from evaluation.dictionary import Dictionary, Table, Variable, load_dictionary
from evaluation.dictionary.page import values_in_words
from evaluation.errors import DictionaryError
from evaluation.nearest import nearest

WIDTH = 110


def describe_dictionary(name: str | None = None) -> Iterator[str]:
    """Lines about all tables, or about one.

    Raises
    ------
    DictionaryError
        There is no such table.
    """
    dictionary = load_dictionary()
    if name is None:
        yield from all_tables(dictionary)
        return
    check_table(name, dictionary)
    yield from one_table(dictionary.tables[name])


def check_table(name: str, dictionary: Dictionary) -> None:
    """Whether a name is that of a table.

    Raises
    ------
    DictionaryError
        There is no such table.
    """
    if name not in dictionary.tables:
        raise DictionaryError(
            f"A table of the dictionary must be named: {name!r} is none{nearest(name, dictionary.tables)}. `evaluation dictionary` lists them."
        )


def all_tables(dictionary: Dictionary) -> Iterator[str]:
    """One line a table, and how to see more."""
    for table in dictionary.tables.values():
        yield f"{table.name:<18} {len(table.columns):>3} columns   {table.grain}"
    yield ""
    yield f"{len(dictionary.outcomes)} outcomes and {len(dictionary.councils)} councils are in data_dictionary/README.md."
    yield "For one table: evaluation dictionary families"


def one_table(table: Table) -> Iterator[str]:
    """A table's contract."""
    yield f"{table.name}: {table.title}; {table.grain}. Owner: {table.owner}."
    yield from wrapped(table.description, "")
    yield f"Key: {', '.join(table.key)}. More than {table.max_quarantine_share:.0%} of rows set aside refuses the file."
    yield ""
    for variable in table.columns.values():
        yield from one_column(variable)
    yield from across_rows(table)


def one_column(variable: Variable) -> Iterator[str]:
    """A column: type, whether it may be empty, what it holds, its codes."""
    may = "may be empty" if variable.nullable else "always filled"
    yield f"  {variable.name:<28} {variable.type:<15} {may}{'' if variable.required else ', may be left out'}"
    yield from wrapped(variable.description, "      ")
    if variable.codes:
        for code, label in variable.codes.items():
            yield f"        {code:<22} {label}"
    elif values := values_in_words(variable).replace("`", ""):
        yield f"        {values}"
    if codes := [code for code in variable.missing_codes if code]:
        yield f"        read as missing: {', '.join(codes)}"


def across_rows(table: Table) -> Iterator[str]:
    """Rules of a row and across rows."""
    if table.rules:
        yield ""
        yield "Rules"
    for rule in table.rules:
        yield from wrapped(f"{rule.name}: {rule.reason} ({'a warning' if rule.severity == 'warn' else 'rows that break it are set aside'}).", "  ")
    if table.spells:
        done = {"merge": "are merged", "quarantine": "are set aside", "keep": "are kept"}[table.spells.overlap]
        yield f"  overlapping spells of one {', '.join(table.spells.of)} {done}"
    if table.constant:
        yield f"  {', '.join(table.constant.columns)} must be the same in all rows of a {table.constant.of}"
    for column, age in table.ages.items():
        yield f"  {column} must not lie before the person's {'birth' if age == 0 else f'birthday number {age}'}"


def wrapped(text: str, indent: str) -> list[str]:
    """Words in lines that fit a terminal."""
    return textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent=indent, subsequent_indent=indent)
