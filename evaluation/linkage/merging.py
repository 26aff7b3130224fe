"""One row per person of a source: where a register numbers its own people, what most of somebody's records say is what is linked.

A part that one record lacks or has wrong is made good by the others. Nothing is read: parts are keyed hashes, and the commonest one is taken.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

FOLLOWERS: Mapping[str, tuple[str, ...]] = {
    "first_name": ("first_formal", "first_sound", "first_start", "first_end"), "surname": ("surname_sound", "surname_start", "surname_end"),
    "names": (), "born": ("born_month", "born_year_day", "born_day", "born_turned"), "postcode": ("sector",), "sex": (),
}      # the parts of one field go together: all are taken from a record that has the commonest whole


def numbered(records: pd.DataFrame) -> np.ndarray:
    """For each record the number of its person of the source, from 0; a record without `of_person` is a person of its own.

    Returns
    -------
    ndarray of int, shape (n_records,)
    """
    alone = pd.Series(np.arange(len(records)).astype(str), index=records.index)
    if "of_person" not in records:
        return np.arange(len(records))
    names = records["source"].astype("str") + "|" + records["of_person"].astype("str").where(records["of_person"].notna(), "record " + alone)
    return pd.factorize(names)[0]


def merged(records: pd.DataFrame, person: np.ndarray) -> pd.DataFrame:
    """The parts of each person of the source: for each field the commonest, of equals the first; None where no record has it."""
    n = int(person.max(initial=-1)) + 1
    if n == len(records):
        return records.loc[:, [part for lead, parts in FOLLOWERS.items() for part in (lead, *parts)]].reset_index(drop=True)
    return pd.concat([_commonest(records, person, n, lead, parts) for lead, parts in FOLLOWERS.items()], axis=1)


def _commonest(records: pd.DataFrame, person: np.ndarray, n: int, lead: str, followers: tuple[str, ...]) -> pd.DataFrame:
    rows = records.loc[:, [lead, *followers]].assign(_person=person, _row=np.arange(len(records)))
    rows = rows[rows[lead].notna()]
    count = rows.groupby(["_person", lead], sort=False)["_row"].agg(["size", "min"]).reset_index()
    best = count.sort_values(["_person", "size", "min"], ascending=[True, False, True]).drop_duplicates("_person")
    found = records.loc[:, [lead, *followers]].astype(object).iloc[best["min"]].set_axis(best["_person"]).reindex(range(n)).rename_axis(None)
    return found.where(found.notna(), None)
