"""Sets grown from nearest neighbours, in time n log n and in any number of dimensions: arrays in, sets out. Knows no panels."""
from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from evaluation.matching.search.full_line import nearest_opposite, without_chains


def nearest_cover(z: np.ndarray, stratum: np.ndarray, side: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of which one row always has no other pair, such that everyone within `width` of the other side is in one.

    No pair is longer than the longest distance from a row to the nearest of the other side, and so than the longest in any other way to put all rows
    into sets of both sides; two rows of one set are at most twice as far apart. Of all pairs to the nearest, the longest that both rows can spare
    are left out.

    Parameters
    ----------
    z : ndarray, shape (n, q)
        Coordinates.
    stratum : ndarray of int, shape (n,)
        Rows stand in its order, and in the order of `z` where q is 1.
    side : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of int, shape (n_pairs,), twice
    """
    nearest, distance = nearest_opposite(z[:, 0], stratum, side) if z.shape[1] == 1 else _nearest_by_trees(z, stratum, side)
    i = np.flatnonzero((nearest >= 0) & (distance <= width))
    mutual = (nearest[nearest[i]] == i) & (nearest[i] < i)
    i = i[~mutual]
    i = i[np.lexsort((i, -distance[i]))]
    return without_chains(i, nearest[i])


def seeded_sets(z: np.ndarray, stratum: np.ndarray, side: np.ndarray, fewest: tuple[int, int]) -> np.ndarray:
    """Sets with at least so many rows of each side: number of the set of each row, -1 where its stratum has too few; shape (n,).

    A row's neighbourhood is the smallest ball about it that holds enough of both sides, itself among them. Neighbourhoods that share no row become
    sets, smallest first; every other row joins the set of the nearest row of its neighbourhood that is in one, and there is one. Two rows of one
    set are at most four times as far apart as the best way to form such sets must allow.

    Parameters
    ----------
    z, stratum, side
        As `nearest_cover`.
    fewest : (int, int)
        Rows with `side` true, and false.

    References
    ----------
    Sävje, Higgins and Sekhon (2021), DOI 10.1017/pan.2020.32.
    """
    near, radius = _neighbourhoods(z, stratum, side, fewest)
    number = np.full(len(z), -1)
    whole = np.flatnonzero(np.isfinite(radius))
    for i in whole[np.lexsort((whole, radius[whole]))].tolist():
        if (number[near[i]] < 0).all():
            number[near[i]] = i
    rest = whole[number[whole] < 0]
    there = number[near[rest]]
    number[rest] = there[np.arange(len(rest)), (there >= 0).argmax(axis=1)]
    return number


def _nearest_by_trees(z: np.ndarray, stratum: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    nearest, distance = np.full(len(z), -1), np.full(len(z), np.inf)
    for here, there in _sides_of_strata(stratum, side):
        far, place = cKDTree(z[there]).query(z[here], workers=-1)
        nearest[here], distance[here] = there[place], far
    return nearest, distance


def _neighbourhoods(z: np.ndarray, stratum: np.ndarray, side: np.ndarray, fewest: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each neighbourhood, nearest first, shape (n, sum of `fewest`), and its radius; inf where the stratum has too few."""
    near, radius = np.zeros((len(z), sum(fewest)), dtype=np.int64), np.full(len(z), np.inf)
    for here, there in _sides_of_strata(stratum, side):
        own, opposite = fewest if side[here[0]] else fewest[::-1]
        if len(here) < own or len(there) < opposite:
            continue
        found = [_nearest_of(z, here, here, own), _nearest_of(z, here, there, opposite)]
        itself = found[0][1] == here[:, None]
        found[0][1][:, -1] = np.where(itself.any(axis=1), found[0][1][:, -1], here)          # of many at no distance it may be missing
        distance, place = (np.column_stack(both) for both in zip(*found, strict=True))
        order = np.lexsort((place, distance))
        near[here], radius[here] = np.take_along_axis(place, order, axis=1), distance.max(axis=1)
    return near, radius


def _nearest_of(z: np.ndarray, here: np.ndarray, there: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    distance, place = cKDTree(z[there]).query(z[here], k=np.arange(1, k + 1), workers=-1)
    return distance, there[place]


def _sides_of_strata(stratum: np.ndarray, side: np.ndarray):
    """Rows of each side of each stratum, and those of its other side; strata with both."""
    for part in np.split(np.arange(len(stratum)), np.flatnonzero(np.diff(stratum)) + 1):
        for here, there in ((part[side[part]], part[~side[part]]), (part[~side[part]], part[side[part]])):
            if len(here) and len(there):
                yield here, there
