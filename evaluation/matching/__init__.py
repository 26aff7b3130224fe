"""Who is compared with whom: one file per method, one line each in `MATCHERS`.

A matcher is a frozen spec with `fit(panel) -> MatchedSample` and `match(candidates) -> Match`. What follows from a match is in `models`.
"""
from __future__ import annotations

from evaluation.matching.candidates import Candidates
from evaluation.matching.match import Match
from evaluation.matching.nearest import NearestNeighbour
from evaluation.matching.sample import MatchedSample

MATCHERS = {
    "nearest_neighbour": NearestNeighbour,
}

__all__ = ["MATCHERS", "Candidates", "Match", "MatchedSample", "NearestNeighbour"]
