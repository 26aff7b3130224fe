"""Simulated family records with a known effect, for demonstrations, tests and developing outside the room.

Drawn from the dictionary and published aggregates only: nothing is fitted to real rows. The records obey the same contracts as a delivery;
what would have happened without the programme (`Truth`) is kept apart from them.

Selection is built in: families join after a crisis (so that outcomes fall back by themselves) and more often when their lasting level is high.
"""
from __future__ import annotations

from evaluation.simulate.spec import LINK_RATES, Simulation
from evaluation.simulate.truth import Truth
from evaluation.simulate.world import DEFAULT_EFFECTS

__all__ = ["DEFAULT_EFFECTS", "LINK_RATES", "Simulation", "Truth"]
