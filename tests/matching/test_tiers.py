"""Nearby first: the council, then the region, then everywhere."""
import numpy as np
import pandas as pd
import pytest

from evaluation.matching import Candidates, NearestNeighbour
from evaluation.matching.matcher import KnownScore
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.valid import assert_valid_sample

#            treated ........................  comparison ................
TABLE = pd.DataFrame({
    "joined":  [1,     1,     1,     1,         0,     0,     0,     0],
    "score":   [0.0,   0.0,   0.0,   5.0,       0.9,   0.1,   0.05,  0.0],
    "council": ["A",   "B",   "C",   "D",       "A",   "E",   "F",   "F"],
    "region":  ["n",   "n",   "s",   "s",       "n",   "n",   "w",   "w"],
})


def nearby(**options):
    spec = NearestNeighbour(covariates=("score",), ratio=1, caliper=1.0, caliper_unit="absolute", tiers=("council", "region"), **options)
    return spec.match(Candidates.of_table(TABLE, treated="joined"), known=KnownScore(value=TABLE["score"].to_numpy(), width=1.0))


@pytest.mark.parametrize("replacement", [True, False])
def test_the_council_comes_before_the_region_and_the_region_before_the_nation(replacement):
    match = nearby(replacement=replacement)
    found = dict(zip(match.pairs()["treated"], zip(match.comparison, match.origin, strict=True), strict=True))
    # A finds its council's own though others are nearer; B finds its region's E (without replacement row 4 is taken, and E is nearer anyway);
    # C finds the nearest of the nation; D is out of everyone's reach
    assert found == {0: (4, "council"), 1: (5, "region"), 2: (7, "elsewhere")}
    assert match.audit().set_index("outcome")["count"].to_dict() == {"asked for": 4, "matched": 3, "outside_caliper": 1}


def test_a_unit_used_nearby_is_not_used_again_further_off():
    match = nearby(replacement=False)
    assert len(set(match.comparison)) == len(match.comparison)


def test_the_origin_of_every_comparison_unit_stays_with_the_sample():
    panel = simulated_panel(600, councils=20)
    region = np.where(panel.units["council_code"] < "E10", "n", "s")
    panel = panel_of(panel.entry, panel.outcomes, unit="family", councils=panel.units["council_code"], areas=panel.units["area"],
                     eligible_from=panel.units["eligible_from"], x=panel.units["x"], b=panel.units["b"], region=region)
    sample = NearestNeighbour(covariates=("x",), tiers=("council_code", "region"), replacement=False).fit(panel)
    assert_valid_sample(sample)
    council = panel.units["council_code"].to_numpy()
    same = council[sample.treated_unit[sample.comparison_set]] == council[sample.comparison_unit]
    assert (same == (sample.origin == "council_code")).all() and {"council_code", "region"} <= set(sample.origin)
    near = region[sample.treated_unit[sample.comparison_set]] == region[sample.comparison_unit]
    assert near[sample.origin == "region"].all() and not near[sample.origin == "elsewhere"].any()
    some = sample.keep(np.arange(sample.n_treated) % 3 == 0)
    assert len(some.origin) == len(some.comparison_unit)


def test_units_whose_council_is_not_known_are_near_nobody():
    table = TABLE.assign(council=[None, "B", "C", "D", None, "E", "F", "F"])
    spec = NearestNeighbour(covariates=("score",), ratio=1, caliper=None, tiers=("council",))
    match = spec.match(Candidates.of_table(table, treated="joined"), known=KnownScore(value=TABLE["score"].to_numpy()))
    # the first treated row and the first comparison row both lack a council: the nearest of the nation is taken instead
    assert match.pairs().set_index("treated")["comparison"][0] == 7 and set(match.origin) == {"elsewhere"}
