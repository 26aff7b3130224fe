"""How many people are linked to each source, by pool and by council: a gap between the pools may pass for an effect.

Counts are people's and may be small: they are for those inside, and no part of a release.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.linkage.link import Candidates
from evaluation.linkage.statuses import LINKED, NOT_ATTEMPTED, NOT_LINKED

POOLS = {True: "families that joined", False: "families that did not join"}


def link_rates(status: pd.DataFrame, roster: pd.DataFrame) -> pd.DataFrame:
    """People by status, in all, by pool, by council, and by pool within each council.

    Parameters
    ----------
    status : DataFrame
        From `statuses`.
    roster : DataFrame
        `person_id`, `council_code` and `joined` (whether the family joined the programme).

    Returns
    -------
    DataFrame
        `source`, `council_code` and `pool` ('all' where not split), counts `people`, `linked`, `not_linked`, `not_attempted`, and `share`: linked of
        those sought, NaN where nobody was.
    """
    rows = status.merge(roster[["person_id", "council_code", "joined"]], on="person_id", validate="many_to_one")
    rows["pool"] = rows["joined"].map(POOLS)
    splits = ([], ["pool"], ["council_code"], ["council_code", "pool"])
    found = pd.concat([_counted(rows, split) for split in splits], ignore_index=True)
    sought = found[LINKED] + found[NOT_LINKED]
    found["share"] = np.divide(found[LINKED], sought, out=np.full(len(found), np.nan), where=sought > 0)
    return found


def record_counts(candidates: Candidates, sources: np.ndarray, threshold: float) -> pd.DataFrame:
    """Records of each source: linked, in doubt (somebody is likelier than not, below the threshold) and of nobody in the roster."""
    linked, likely = (candidates.linked(at)["record"].to_numpy() for at in (threshold, 0.5))
    names = np.unique(sources)
    count = {key: np.array([(sources[rows] == name).sum() for name in names]) for key, rows in (("linked", linked), ("likely", likely))}
    everything = np.array([(sources == name).sum() for name in names])
    return pd.DataFrame({"source": names, "records": everything, "linked": count["linked"], "in_doubt": count["likely"] - count["linked"],
                         "of_nobody": everything - count["likely"]})


def _counted(rows: pd.DataFrame, split: list[str]) -> pd.DataFrame:
    """People by status in each part of a split."""
    counts = rows.groupby(["source", *split])["status"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=[LINKED, NOT_LINKED, NOT_ATTEMPTED], fill_value=0).reset_index()
    counts.insert(len(split) + 1, "people", counts[[LINKED, NOT_LINKED, NOT_ATTEMPTED]].sum(axis=1))
    for name in ("council_code", "pool"):
        if name not in split:
            counts[name] = "all"
    return counts[["source", "council_code", "pool", "people", LINKED, NOT_LINKED, NOT_ATTEMPTED]].rename_axis(columns=None)
