"""Tail probabilities of the statistics behind Rosenbaum bounds, at one chance or one Gamma. Arrays in, numbers out."""
from __future__ import annotations

import numpy as np
from scipy.special import ndtr


def ranks(values: np.ndarray) -> np.ndarray:
    """Average ranks from 1, shape (n,)."""
    distinct, code, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[code]


def normal_rank_tail(rank: np.ndarray, statistic: float, chance: float) -> float:
    """P(sum of the ranks that count >= statistic), each counting with the same chance; normal, without a correction for continuity."""
    deviation = statistic - chance * rank.sum()
    return float(ndtr(-deviation / np.sqrt(chance * (1 - chance) * (rank ** 2).sum())))


def exact_rank_tail(rank: np.ndarray, statistic: float, chance: float) -> float:
    """The same probability, exactly: the distribution of the sum is built up rank by rank (doubled, as average ranks have halves)."""
    steps = np.rint(2 * rank).astype(int)
    probability = np.zeros(steps.sum() + 1)
    probability[0] = 1.0
    for step in steps:
        moved = np.zeros_like(probability)
        moved[step:] = probability[:-step]
        probability = (1 - chance) * probability + chance * moved
    return float(min(1.0, probability[int(np.rint(2 * statistic)):].sum()))


def set_moments(outcome: np.ndarray, gamma: float) -> np.ndarray:
    """Statistic and its extreme moments, added over sets of one size: [statistic, least mean, largest mean, variance at each].

    Parameters
    ----------
    outcome : ndarray, shape (n_sets, m)
        The treated unit first.
    """
    m = outcome.shape[1]
    scores = (outcome - (outcome.sum(axis=1, keepdims=True) - outcome) / (m - 1)) if m > 1 else np.zeros_like(outcome)
    high, high_variance = _largest_mean(scores, gamma)
    low, low_variance = _largest_mean(-scores, gamma)
    return np.array([scores[:, 0].sum(), -low.sum(), high.sum(), low_variance.sum(), high_variance.sum()])


def _largest_mean(scores: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Largest expected score of the treated unit in each set, and its variance (the larger, where two ways give the same mean).

    The odds are Gamma for the units with the highest scores and 1 for the others; how many are the highest is tried from 1 to all but one.
    """
    n, m = scores.shape
    ordered = np.sort(scores, axis=1)[:, ::-1]
    above, squares = np.cumsum(ordered, axis=1), np.cumsum(ordered ** 2, axis=1)
    total = m + (gamma - 1) * np.arange(1, m)
    mean = (above[:, -1:] + (gamma - 1) * above[:, :-1]) / total
    variance = (squares[:, -1:] + (gamma - 1) * squares[:, :-1]) / total - mean ** 2
    best = mean.max(axis=1)
    same = np.isclose(mean, best[:, None], rtol=1e-12, atol=0)
    return best, np.where(same, variance, -np.inf).max(axis=1)
