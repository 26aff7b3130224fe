import numpy as np
import pytest

from evaluation.matching import NearestNeighbour
from evaluation.models import GroupTimeATT, MatchedDiD
from evaluation.models.ledger import ledger
from tests.matching.panels import panel_of, simulated_panel


def test_every_unit_of_a_panel_has_a_line_with_its_reason():
    entry = np.array([0, 0, 2, 2, 3, -1, -1, -1, 2])
    y = np.random.default_rng(0).normal(size=(9, 5))
    y[8] = np.nan
    panel = panel_of(entry, {"y": y})
    table = ledger(GroupTimeATT().fit(panel, "y"), panel).set_index(["cohort", "fate"])["n_units"]
    assert table.to_dict() == {(0, "no_base"): 2, (2, "estimated"): 2, (2, "never_seen"): 1, (3, "one_unit"): 1, (-1, "compared"): 3}


def test_no_comparison_is_a_line_of_its_own():
    panel = panel_of([1, 1, 2, 2], {"y": np.random.default_rng(0).normal(size=(4, 4))})
    table = ledger(GroupTimeATT(control="notyet").fit(panel, "y"), panel)
    assert table.set_index("cohort").loc[1, "fate"] == "estimated" and "n_units" in table
    assert table.set_index("cohort").loc[2, "fate"] in ("no_comparison", "estimated")


@pytest.mark.parametrize("caliper", [0.2, 0.001])
def test_a_matched_sample_says_why_units_were_left_out_and_who_served(caliper):
    sample = NearestNeighbour(covariates=("x",), caliper=caliper).fit(simulated_panel(200))
    table = ledger(MatchedDiD().fit(sample, "y"), sample)
    assert table["n_units"].sum() == len(sample.panel)
    joined = np.concatenate([sample.treated_unit, sample.dropped["unit"]])     # what became of them as programme units comes first
    assert table.loc[table["fate"] == "used", "n_units"].sum() == len(np.setdiff1d(sample.comparison_unit, joined))
    assert table.loc[table["fate"] == "outside_caliper", "n_units"].sum() == (sample.dropped["reason"] == "outside_caliper").sum()
    assert table["reason"].str.len().min() > 0


def test_units_seen_at_one_date_only_or_lacking_a_covariate_are_not_said_to_be_in_the_estimate():
    panel = simulated_panel(200, entries=(6, 7))
    y, units = panel.outcomes["y"].copy(), panel.units.copy()
    treated, never = np.flatnonzero(panel.entry >= 0), np.flatnonzero(panel.entry < 0)
    for unit in (treated[0], never[0]):
        y[unit, 1:] = np.nan
    units.loc[[treated[1], never[1], never[2]], "x"] = np.nan
    panel = panel_of(panel.entry, {"y": y}, x=units["x"])
    table = ledger(GroupTimeATT(method="reg", covariates=("x",)).fit(panel, "y"), panel).set_index(["arm", "fate"])["n_units"]
    assert table["treated", "in_no_pair"] == 2 and table["comparison", "in_no_pair"] == 3
    assert table["treated", "estimated"] == len(treated) - 2 and table["comparison", "compared"] == len(never) - 3
