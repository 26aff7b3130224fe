"""Additive sums of an outcome by cohort, pattern of observation, place and period: all that estimators without covariates need of a panel.

Sums of several councils add up to those of all (`+`), so a national panel can be streamed council by council. What is estimated from them is in
`group_time.py`, `two_way.py`, `imputation.py` and `extended_two_way.py`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.errors import EstimationError

NO_SPREAD = 1e-13              # a direction with less of the largest variance than this is rounding, and is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Units added up, one row per group; every influence that is linear in a unit's outcomes can be read from them.

    Attributes
    ----------
    kind : ndarray of int, shape (n_groups,)
        Row of `CellSums.cohort` and `CellSums.seen`.
    place : ndarray of int, shape (n_groups,)
        Row of `CellSums.places`; -1 where groups run across places.
    count : ndarray of float, shape (n_groups,)
        Units in the group; where several rows stand for them, shared out over these.
    weight : ndarray, shape (n_groups,)
        Sum of their weights.
    total : ndarray, shape (n_groups, n_periods)
        Sum of weight times outcome; 0 where the group's units are not observed.
    """

    kind: np.ndarray
    place: np.ndarray
    count: np.ndarray
    weight: np.ndarray
    total: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSums:
    """Sums of one outcome over units of the same kind (cohort and pattern of observation), by place.

    Attributes
    ----------
    cohort : ndarray of int, shape (n_kinds,)
        Entry column of each kind of unit, -1 where never treated; kinds are sorted by cohort, then by pattern.
    seen : ndarray of bool, shape (n_kinds, n_periods)
        Periods in which units of the kind are observed.
    places : DataFrame, one row per place, sorted
        `council_code`, `area`.
    by_place : Groups
        One group per kind and place: for errors clustered by council or area, and for every estimate.
    by_unit : Groups
        For errors clustered by unit: at most n_periods + 1 rows per kind, which have the same second moments as its units, so that the sum of their
        squared contributions to any number is that of the units'. Their weights and totals do not add up to the units'.

    Notes
    -----
    Rows of `by_unit` are the square root of the matrix of second moments of (weight, weight x outcome), centred on the kind's mean before it is
    squared. A kind with fewer units than that keeps its units.
    """

    cohort: np.ndarray
    seen: np.ndarray
    places: pd.DataFrame
    by_place: Groups
    by_unit: Groups

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return self.seen.shape[1]

    @property
    def is_complete(self) -> bool:
        """Whether every unit is observed in every period."""
        return bool(self.seen.all())

    def cohorts(self) -> np.ndarray:
        """Entry columns of the treated cohorts, ascending."""
        return np.unique(self.cohort[self.cohort >= 0])

    def __add__(self, other: CellSums) -> CellSums:
        """Sums of both, which must hold different units of the same periods."""
        if self.n_periods != other.n_periods:
            raise EstimationError(f"Sums can be added when they cover the same periods: they cover {self.n_periods:,} and {other.n_periods:,}. "
                                  "Build both panels with the same `periods`.")
        both = np.vstack([_kind_key(self), _kind_key(other)])
        keys, kind = np.unique(both, axis=0, return_inverse=True)
        kind = kind.ravel()
        named = pd.concat([self.places, other.places], ignore_index=True)
        places = named.drop_duplicates().sort_values(["council_code", "area"], ignore_index=True)
        place = named.merge(places.assign(place=np.arange(len(places))), how="left")["place"].to_numpy()
        offsets = (0, len(self.cohort)), (0, len(self.places))
        moved = [_moved(sums.by_place, kind[k:], place[p:]) for sums, k, p in zip((self, other), *offsets, strict=True)]
        units = [_moved(sums.by_unit, kind[k:], place[p:]) for sums, k, p in zip((self, other), *offsets, strict=True)]
        return CellSums(cohort=keys[:, 0], seen=keys[:, 1:] == 0, places=places, by_place=_add_up(_stack(moved), len(places)),
                        by_unit=_compress(_stack(units), len(keys), keys[:, 1:] == 0))


def cell_sums(y: np.ndarray, entry: np.ndarray, places: pd.DataFrame, *, weights: np.ndarray | None = None) -> CellSums:
    """Add up a panel.

    Parameters
    ----------
    y : ndarray, shape (n_units, n_periods)
        NaN where not observed.
    entry : ndarray of int, shape (n_units,)
        Column of the first treated period, -1 where never.
    places : DataFrame, one row per unit
        `council_code`, `area`.
    weights : ndarray, shape (n_units,), optional
        Unit weights, 0 or more; 1 each by default. Units of weight 0, and units never observed, are left out.
    """
    used = _usable(y, entry, weights)
    place_table, place = _coded(places.iloc[used.unit])
    group = used.kind.astype(np.int64) * len(place_table) + place
    present, code = _dense_codes(group, len(used.cohort) * len(place_table))
    by_place = Groups(kind=present // len(place_table), place=present % len(place_table), count=np.bincount(code).astype(float),
                      weight=np.bincount(code, weights=used.weight), total=weighted_sums(code, used.weight, used.y, len(present)))
    return CellSums(cohort=used.cohort, seen=used.seen, places=place_table, by_place=by_place,
                    by_unit=_compress(_one_each(used), len(used.cohort), used.seen))


def each_unit(y: np.ndarray, entry: np.ndarray, *, weights: np.ndarray | None = None) -> tuple[Groups, np.ndarray]:
    """Every unit that `cell_sums` of the same arguments adds up, as a group of one, and its row."""
    used = _usable(y, entry, weights)
    return _one_each(used), used.unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usable:
    """Units with weight that are observed at all, in their order, and what kinds of them there are."""

    unit: np.ndarray           # (n,): row
    kind: np.ndarray           # (n,)
    weight: np.ndarray         # (n,)
    y: np.ndarray              # (n, n_periods): 0 where not observed
    cohort: np.ndarray         # (n_kinds,)
    seen: np.ndarray           # (n_kinds, n_periods)


def _usable(y: np.ndarray, entry: np.ndarray, weights: np.ndarray | None) -> _Usable:
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if (w < 0).any() or not np.isfinite(w).all():
        raise EstimationError("Weights of units must be numbers of 0 or more: some are not. Mend the column named in `estimator.weights`.")
    seen = np.isfinite(y)
    complete = bool(seen.all())
    unit = np.flatnonzero((w > 0) if complete else (w > 0) & seen.any(axis=1))
    if len(unit) < len(y):
        y, seen, entry, w = y[unit], seen[unit], entry[unit], w[unit]
    kind, cohort, pattern = _kinds(entry, seen, complete)
    return _Usable(unit=unit, kind=kind, weight=w, y=y if complete else np.where(seen, y, 0.0), cohort=cohort, seen=pattern)


def _one_each(used: _Usable) -> Groups:
    n = len(used.unit)
    total = used.y if (used.weight == 1).all() else used.y * used.weight[:, None]
    return Groups(kind=used.kind, place=np.full(n, -1), count=np.ones(n), weight=used.weight, total=total)


def _coded(places: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Distinct places, sorted, and the row of each unit's."""
    columns = [pd.factorize(places[name].to_numpy(), sort=True) for name in ("council_code", "area")]
    (council, councils), (area, areas) = columns
    if (council < 0).any() or (area < 0).any():
        raise EstimationError("Every unit needs a council and an area ('' is one): some have none. Mend `council_code` and `area` where the panel is "
                              "built.")
    used, code = _dense_codes(council.astype(np.int64) * len(areas) + area, len(councils) * len(areas))
    return pd.DataFrame({"council_code": councils[used // len(areas)], "area": areas[used % len(areas)]}), code


def _dense_codes(code: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct codes, ascending, and the place of each in them; by counting where there are few possible ones."""
    if size > 4 * len(code) + 1_000_000:
        return np.unique(code, return_inverse=True)
    present = np.zeros(size, dtype=bool)
    present[code] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[code]


def _kinds(entry: np.ndarray, seen: np.ndarray, complete: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind of each unit, and the cohort and pattern of each kind."""
    if complete:
        cohorts, kind = _dense_codes(entry + 1, int(entry.max(initial=-1)) + 2)
        return kind, cohorts - 1, np.ones((len(cohorts), seen.shape[1]), dtype=bool)
    words = np.packbits(~seen, axis=1)
    keys = np.zeros((len(entry), 8 * (1 + -(-words.shape[1] // 8))), dtype=np.uint8)
    keys[:, 8:8 + words.shape[1]] = words
    keys[:, :8] = (entry + 1).astype(">u8").view(np.uint8).reshape(-1, 8)     # big-endian, so that bytes sort as numbers do
    _, first, kind = np.unique(keys.view(f"V{keys.shape[1]}").ravel(), return_index=True, return_inverse=True)
    return kind, entry[first], seen[first]


def weighted_sums(code: np.ndarray, weights: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Weighted sums of the rows of `values` by code, shape (n, n_columns), in one pass over them."""
    from scipy.sparse import csc_array

    return csc_array((weights, code, np.arange(len(code) + 1)), shape=(n, len(code))) @ values


def _compress(units: Groups, n_kinds: int, seen: np.ndarray) -> Groups:
    order = np.argsort(units.kind, kind="stable")
    edges = np.concatenate([[0], np.cumsum(np.bincount(units.kind, minlength=n_kinds))])
    return _compress_sorted(Groups(kind=units.kind[order], place=units.place[order], count=units.count[order], weight=units.weight[order],
                                   total=units.total[order]), edges, seen)


def _compress_sorted(units: Groups, edges: np.ndarray, seen: np.ndarray) -> Groups:
    """The square root of each kind's second moments in place of its units, where that is shorter."""
    parts = []
    for kind, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        weight, total, count = units.weight[first:last], units.total[first:last], units.count[first:last]
        if last - first > seen.shape[1] + 1:
            weight, total, n = *_square_root(weight, total), count.sum()
            count = np.full(len(weight), n / len(weight))
        parts.append(Groups(kind=np.full(len(weight), kind), place=np.full(len(weight), -1), count=count, weight=weight, total=total))
    return _stack(parts)


def _square_root(weight: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (weight, total) with the same second moments as those given."""
    middle = (weight @ total) / (weight @ weight)                # taken off before squaring, so that a large mean costs no digits
    steps = np.diff(total - weight[:, None] * middle, axis=1, prepend=0.0)      # nor do lasting levels, next to small changes
    moments = np.empty((total.shape[1] + 1, total.shape[1] + 1))
    moments[0, 0], moments[1:, 1:] = weight @ weight, steps.T @ steps
    moments[0, 1:] = moments[1:, 0] = weight @ steps
    scale = np.sqrt(np.diag(moments))
    scale[scale == 0] = 1.0
    size, direction = np.linalg.eigh(moments / np.outer(scale, scale))
    some = size > NO_SPREAD * size[-1]
    rows = np.sqrt(size[some])[:, None] * direction[:, some].T * scale
    return rows[:, 0], np.cumsum(rows[:, 1:], axis=1) + rows[:, :1] * middle


def _kind_key(sums: CellSums) -> np.ndarray:
    return np.column_stack([sums.cohort, ~sums.seen])


def _moved(groups: Groups, kind: np.ndarray, place: np.ndarray) -> Groups:
    here = np.where(groups.place >= 0, place[np.maximum(groups.place, 0)], -1)
    return Groups(kind=kind[groups.kind], place=here, count=groups.count, weight=groups.weight, total=groups.total)


def _stack(parts: list[Groups]) -> Groups:
    return Groups(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Groups.__slots__})


def _add_up(groups: Groups, n_places: int) -> Groups:
    used, code = np.unique(groups.kind.astype(np.int64) * n_places + groups.place, return_inverse=True)
    return Groups(kind=used // n_places, place=used % n_places, count=np.bincount(code, weights=groups.count),
                  weight=np.bincount(code, weights=groups.weight), total=weighted_sums(code, np.ones(len(code)), groups.total, len(used)))
