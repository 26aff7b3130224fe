"""Where simulated families live, from when to when."""
from __future__ import annotations

import numpy as np

from evaluation.simulate.composition import FAMILIES_PER_AREA
from evaluation.simulate.delivery import DAY, Records, numbered, take_ids
from evaluation.simulate.streams import stream


def stays(r: Records) -> dict[str, np.ndarray]:
    """One small area per family, for one in seven a second one from some day on; the last stay ends when the family moves away.

    Columns family, area, begins, ends (NaT while it lasts), by family and day.
    """
    rng, f, cal, n = stream(r.seed, "stays"), r.families, r.calendar, r.families.n_families
    from_date = cal.starts[0] - (1 + rng.exponential(900, size=n)).astype("timedelta64[D]")
    span = (cal.starts[-1] - cal.starts[0]).astype(int)
    change = cal.starts[0] + (rng.random(n) * span).astype("timedelta64[D]")
    changes = (rng.random(n) < 1 / 7) & ~(change >= f.moves)
    second = np.flatnonzero(changes)
    family = np.concatenate([np.arange(n), second])
    begins = np.concatenate([from_date, change[second]])
    ends = np.concatenate([np.where(changes, change - DAY, f.moves), f.moves[second]])
    area = np.concatenate([f.area, f.area[(second + FAMILIES_PER_AREA) % n]])
    order = np.lexsort((begins, family))
    return {"family": family[order], "area": area[order], "begins": begins[order], "ends": ends[order]}


def addresses_table(r: Records, rng: np.random.Generator) -> dict:
    found = stays(r)
    labels = np.char.add("E01", np.char.zfill((900_000 + np.arange(int(r.families.area.max()) + 1)).astype(str), 6))     # no real area
    return {"family_id": take_ids(r.family_ids, found["family"]), "area_code": take_ids(labels, found["area"]),
            "address_id": numbered("U", len(found["family"])), "from_date": found["begins"], "to_date": found["ends"]}


def addresses_on(r: Records, family: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Key of the address at which each family lives on a day."""
    found = stays(r)
    first = np.searchsorted(found["family"], family)
    following = np.minimum(first + 1, len(found["family"]) - 1)
    second = (found["family"][following] == family) & (following > first) & (found["begins"][following] <= day)
    return numbered("U", len(found["family"])).astype(object)[first + second]
