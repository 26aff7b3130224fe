"""Claims as the council made them, and how far they agree with results recomputed from the records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.ingest.tables import CheckedTable
from evaluation.panel.types import Panel
from evaluation.payment_by_results.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The first claim of every family of a panel.

    Attributes
    ----------
    column : ndarray of int, shape (n_families,)
        Column of the claim, -1 without one.
    route : ndarray of str, shape (n_families,)
        Its route as delivered; '' without one.
    several : int
        Families with more than one claim.
    """

    column: np.ndarray
    route: np.ndarray
    several: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Programme families whose result the records show, by what was claimed and what was recomputed, within the same time."""

    both: int
    claimed_only: int
    recomputed_only: int
    neither: int

    @property
    def n(self) -> int:
        """Families compared."""
        return self.both + self.claimed_only + self.recomputed_only + self.neither

    @property
    def n_agree(self) -> int:
        """Families on whom both say the same."""
        return self.both + self.neither


def read_claims(table: CheckedTable, panel: Panel) -> Claims:
    """First claim of each family, in the order of the panel's units."""
    import duckdb

    with duckdb.connect() as con:
        rows = con.execute(f"""SELECT family_id, 4 * year(first) + quarter(first) - 1 - {panel.periods.first} AS c, route, n FROM (
            SELECT family_id, min(claim_date) AS first, arg_min(route, claim_date || route) AS route, count(*) AS n FROM read_parquet(?)
            GROUP BY family_id) ORDER BY family_id""", [str(table.path)]).fetchnumpy()
    ids = panel.units["unit_id"].to_numpy(dtype=str)
    delivered = np.asarray(rows["family_id"]).astype(str)
    place = np.searchsorted(ids, delivered).clip(max=len(ids) - 1)
    known = ids[place] == delivered
    column, route = np.full(len(ids), -1), np.full(len(ids), "", dtype=object)
    column[place[known]] = np.asarray(rows["c"])[known]
    route[place[known]] = np.asarray(rows["route"])[known]
    return Claims(column=column, route=route.astype(str), several=int((np.asarray(rows["n"])[known] > 1).sum()))


def agreement(results: Results, claims: Claims) -> Agreement:
    """Claimed against recomputed, over families whose result is known; a claim after the time for claims counts as none."""
    rows = results.known
    column = claims.column[results.unit[rows]]
    claimed = (column >= 0) & (column <= results.start[rows] + results.claim_within)
    met = results.met[rows] > 0
    return Agreement(both=int((claimed & met).sum()), claimed_only=int((claimed & ~met).sum()), recomputed_only=int((~claimed & met).sum()),
                     neither=int((~claimed & ~met).sum()))
