"""What the choice of threshold does to an effect: the plain difference in differences of one source's events, at each threshold.

It shows how far linkage moves an effect, not what the effect is: nobody is matched here, and people count as independent. The study itself is run
on the links of one threshold.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage.link import Candidates
from evaluation.linkage.statuses import LINKED, REGISTERS, statuses

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
DAYS = 365          # before and after a person's index day


def effect_by_threshold(candidates: Candidates, roster: pd.DataFrame, records: pd.DataFrame, *, source: str, thresholds: Sequence[float] = THRESHOLDS,
                        registers: Collection[str] = REGISTERS, days: int = DAYS) -> pd.DataFrame:
    """The change of events per person in families that joined less that in others, for each threshold.

    Parameters
    ----------
    roster : DataFrame
        As it was linked, with `joined` and `index_date`.
    records : DataFrame
        As they were linked, with `source` and `date`; records without a day count nowhere.
    source : str
        Whose records are counted.

    Returns
    -------
    DataFrame
        `threshold`; `linked_joined` and `linked_others`, the shares of people sought that are linked; `effect` and `std_error`, where people not
        linked are missing; `effect_as_zero`, where they are taken to have had no event (what a status prevents).
    """
    for name, frame, column in (("roster", roster, "index_date"), ("records", records, "date")):
        if column not in frame:
            raise LinkageError(f"The effect by threshold needs `{column}` in the {name}: it is not there. Make its keys again with the column.")
    joined, sources = roster["joined"].to_numpy(bool), records["source"].to_numpy()
    rows = []
    for threshold in thresholds:
        status = statuses(candidates, roster, sources, threshold=threshold, registers=registers)
        status = status.loc[status["source"] == source, "status"].to_numpy()
        change = changes(candidates.linked(threshold), roster, records, source=source, days=days)
        linked, sought = status == LINKED, status != "not_attempted"
        effect, std_error = difference(change[linked], joined[linked])
        rows.append({"threshold": threshold, "linked_joined": _share(linked[joined & sought]), "linked_others": _share(linked[~joined & sought]),
                     "effect": effect, "std_error": std_error, "effect_as_zero": difference(change, joined)[0]})
    return pd.DataFrame(rows)


def changes(links: pd.DataFrame, roster: pd.DataFrame, records: pd.DataFrame, *, source: str, days: int = DAYS) -> np.ndarray:
    """Each person's events in the days from the index day on less those in as many days before it.

    Parameters
    ----------
    links : DataFrame
        `record` and `person`, row numbers.
    """
    record, person = links["record"].to_numpy(), links["person"].to_numpy()
    of_source = records["source"].to_numpy()[record] == source
    record, person = record[of_source], person[of_source]
    day = pd.to_datetime(records["date"]).to_numpy()[record] - pd.to_datetime(roster["index_date"]).to_numpy()[person]
    after = day / np.timedelta64(1, "D")
    step = np.where((after >= 0) & (after < days), 1, 0) - np.where((after < 0) & (after >= -days), 1, 0)
    return np.bincount(person, weights=step, minlength=len(roster))


def difference(change: np.ndarray, joined: np.ndarray) -> tuple[float, float]:
    """Mean change of those who joined less that of the others, with its standard error (Welch); NaN where a side has fewer than two."""
    sides = change[joined], change[~joined]
    if min(map(len, sides)) < 2:
        return float("nan"), float("nan")
    return float(sides[0].mean() - sides[1].mean()), float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides)))


def _share(linked: np.ndarray) -> float:
    return float(linked.mean()) if len(linked) else float("nan")
