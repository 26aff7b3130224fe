"""The data dictionary: what the evaluation knows, read from `data_dictionary/` and checked.

Frozen tables, variables, outcomes and councils, and the page that documents them. Nothing here opens data;
the rules it holds are applied in `ingest`.
"""
from __future__ import annotations

from evaluation.dictionary.councils import Council
from evaluation.dictionary.outcomes import Outcome, OutcomeSource, Population
from evaluation.dictionary.reading import load_dictionary
from evaluation.dictionary.tables import Rule, Table, Variable
from evaluation.dictionary.whole import Dictionary

__all__ = ["Council", "Dictionary", "Outcome", "OutcomeSource", "Population", "Rule", "Table", "Variable", "load_dictionary"]
