"""Whatever the dictionary names is there: tables, columns, populations and sources of records."""
from __future__ import annotations

from evaluation.dictionary.outcomes import OutcomeSource
from evaluation.dictionary.tables import identifiers
from evaluation.dictionary.whole import Dictionary
from evaluation.errors import DictionaryError
from evaluation.nearest import nearest


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
    for one in dictionary.populations.values():
        if one.presence and one.presence not in dictionary.covariates:
            raise DictionaryError(f"`presence` names a covariate: {one.presence!r} is none{nearest(one.presence, dictionary.covariates)}. "
                                  f"Where: outcomes.yml, populations, {one.name}. Mend the name.")
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
