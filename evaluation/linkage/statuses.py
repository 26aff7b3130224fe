"""Whom the linkage found: every person's status in every source, in the words of the table `links`.

An outcome of somebody who is not linked is missing (`panel.status`), so a person without a record may be called linked only where it is known that
a record would have been found.
"""
from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage.link import Candidates

LINKED, NOT_LINKED, NOT_ATTEMPTED = "linked", "not_linked", "not_attempted"
SOURCES = ("education", "police", "benefits", "employment", "activity")
REGISTERS = ("education", "benefits")
SOUGHT_BY = ("surname", "born")       # parts without which nobody is sought


def statuses(candidates: Candidates, roster: pd.DataFrame, sources: np.ndarray, *, threshold: float,
             registers: Collection[str] = REGISTERS) -> pd.DataFrame:
    """Status of each person in each source.

    Parameters
    ----------
    roster : DataFrame
        As it was linked, with `person_id`; `sought`, where it is there, names the sources in which a person is sought (by age), with spaces between.
    sources : ndarray of str, shape (n_records,)
        The source of each record.
    threshold : float
        Least probability of a link.
    registers : names of sources
        Those that have a row of everybody whom they cover, so that a person without one was missed. The others hold only people to whom something
        happened: there a person without a record is linked (and had none) if some register found the same person and no record is in doubt.

    Returns
    -------
    DataFrame
        `person_id`, `source`, `status`, by source and in the order of the roster.

    Raises
    ------
    LinkageError
        A source is unknown, or only sources of events came.
    """
    check_sources(sources, registers)
    surely, perhaps = candidates.linked(threshold), candidates.linked(0.5)
    found = {name: _has(surely, sources, name, len(roster)) for name in np.unique(sources)}
    findable = np.any([found[name] for name in found if name in registers], axis=0)
    parts = []
    for name, has in found.items():
        if name not in registers:
            has = has | (findable & ~_has(perhaps, sources, name, len(roster)))
        status = np.where(has, LINKED, NOT_LINKED).astype(object)
        status[~_sought(roster, name)] = NOT_ATTEMPTED
        parts.append(pd.DataFrame({"person_id": roster["person_id"].to_numpy(), "source": name, "status": status}))
    return pd.concat(parts, ignore_index=True)


def check_sources(sources: np.ndarray, registers: Collection[str]) -> None:
    """Sources must be those of the dictionary, and at least one must be a register."""
    named = set(np.unique(sources))
    if unknown := sorted((named | set(registers)) - set(SOURCES)):
        raise LinkageError(f"A source must be one of {', '.join(SOURCES)}: {', '.join(unknown)} is not. Name each file with its source: police=FILE.")
    if not named & set(registers):
        raise LinkageError(f"{', '.join(sorted(named))} hold only people to whom something happened, so that somebody without a record may have "
                           f"been missed. Link a register along ({', '.join(registers)}), or name one with --register.")


def _sought(roster: pd.DataFrame, source: str) -> np.ndarray:
    there = roster.loc[:, list(SOUGHT_BY)].notna().all(axis=1).to_numpy()
    if "sought" not in roster:
        return there
    return there & np.array([source in str(names).split() for names in roster["sought"]], dtype=bool)


def _has(links: pd.DataFrame, sources: np.ndarray, source: str, n_people: int) -> np.ndarray:
    """Whether each person has a link to a record of the source."""
    here = sources[links["record"].to_numpy()] == source
    return np.bincount(links["person"].to_numpy()[here], minlength=n_people) > 0
