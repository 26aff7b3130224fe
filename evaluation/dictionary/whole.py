"""The whole dictionary as one frozen value; finds the council that a text means."""
from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from evaluation.dictionary.councils import REFERENCE_DAY, Council, spelling, spellings
from evaluation.dictionary.outcomes import Outcome, Population
from evaluation.dictionary.tables import Table
from evaluation.errors import DictionaryError
from evaluation.frozen import Frozen


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
