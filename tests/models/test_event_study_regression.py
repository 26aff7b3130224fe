"""The regression event study against R fixest `i()` (stored) and least squares on dummies."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import EstimationError, PlanError
from evaluation.models import event_study, overall
from evaluation.models.event_study_regression import TwoWayEventStudy
from tests.matching.panels import panel_of, simulated_panel
from tests.models.two_way_panels import long_of, reference_panel, stored, table_of, with_g
from tests.models.valid import assert_valid_effects

EXACT = 1e-10                  # fixest demeans by iteration, here to 1e-11
SPECS = {"event": {}, "event_binned": {"window": (-3, 2)}, "event_left_out": {"window": (-3, 2), "ends": "left_out"}}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("data", ["panel", "unbalanced"])
@pytest.mark.parametrize(("clusters", "g"), [("unit", 300), ("council", 12)])
def test_coefficients_and_errors_equal_r_fixest(spec, data, clusters, g):
    effects = TwoWayEventStudy(**SPECS[spec]).fit(reference_panel(data), "y")
    assert_valid_effects(effects)
    ours, theirs = table_of(effects, clusters).loc[-1], stored()[f"{spec}_{data}_{clusters}"]
    assert len(ours) == len(theirs) == (4 + 1 if "window" in SPECS[spec] else 11)
    for term, row in theirs.iterrows():
        cell = ours.loc[int(term.split("::")[1])]
        assert cell["estimate"] == pytest.approx(row["estimate"], rel=EXACT, abs=1e-12)
        assert with_g(cell["se"], g) == pytest.approx(row["se"], rel=EXACT)


def test_the_base_is_an_exact_zero_and_the_table_shows_it():
    effects = TwoWayEventStudy(base=-2, anticipation=1, window=(-4, 3)).fit(simulated_panel(200), "y")
    table = event_study(effects).set_index("event_time")
    assert effects.base == -2 and table.loc[-2, "estimate"] == 0 and table.loc[-2, "phase"] == "base"
    assert table["phase"].tolist() == ["before", "before", "base", "left_out", "after", "after", "after", "after"]


def test_an_average_over_quarters_reads_the_coefficients_after_entry_only():
    effects = TwoWayEventStudy(window=(-4, 3)).fit(simulated_panel(300, effect=2.0), "y")
    cells = effects.cells.set_index("event_time")
    after = cells.loc[1:3]
    assert overall(effects, quarters=(1, 3)).estimate == pytest.approx(np.average(after["estimate"], weights=after["weight"]))


def test_errors_by_unit_come_from_compressed_units():
    effects = TwoWayEventStudy().fit(simulated_panel(300, missing=0.1), "y")
    pd.testing.assert_frame_equal(table_of(effects, "unit"), table_of(effects.each_unit(), "unit"), rtol=1e-9)


def test_without_never_treated_units_one_base_leaves_a_line_open_and_two_close_it():
    panel = simulated_panel(200)
    panel.units["entry"] = np.where(panel.entry < 0, 11, panel.entry)
    with pytest.raises(EstimationError, match="two event times where nobody is never treated"):
        TwoWayEventStudy().fit(panel, "y")
    effects = TwoWayEventStudy(base=(-1, -6)).fit(panel, "y")
    assert effects.base is None and (effects.cells["status"] == "base").sum() == 2
    long = long_of(panel)
    e = (long["time"] - long["entry"]).to_numpy()
    indicators = {k: (e == k) * 1.0 for k in np.unique(e) if k not in (-1, -6)}
    design = np.column_stack([pd.get_dummies(long["unit"], dtype=float), pd.get_dummies(long["time"], dtype=float), *indicators.values()])
    theirs = np.linalg.lstsq(design, long["y"].to_numpy())[0][-len(indicators):]
    ours = effects.cells.query("status == 'estimated'").set_index("event_time")["estimate"]
    assert ours.loc[list(indicators)].to_numpy() == pytest.approx(theirs, rel=1e-7)


def test_event_times_nobody_has_or_nothing_was_collected_in_have_a_status():
    y = np.random.default_rng(0).normal(size=(40, 8))
    y[:20, 5] = np.nan
    effects = TwoWayEventStudy(window=(-5, 5)).fit(panel_of([4] * 20 + [-1] * 20, {"y": y}), "y", calendar=(1, 2, 4))
    assert_valid_effects(effects)
    assert effects.cells["status"].tolist() == ["outside_periods", "estimated", "estimated", "not_collected", "base", "estimated", "not_observed",
                                                "not_collected", "estimated", "outside_periods", "outside_periods"]


def test_notes_say_what_staggered_entry_and_binned_ends_mean():
    notes = TwoWayEventStudy(window=(-3, 3)).fit(simulated_panel(200), "y").notes
    assert "Sun and Abraham" in notes[0] and "beyond" in notes[-1]


@pytest.mark.parametrize("wrong", [{"base": 0}, {"base": -5, "window": (-4, 4)}, {"ends": "dropped"}, {"anticipation": -1}, {"base": ()}])
def test_a_wrong_option_is_refused_when_the_spec_is_made(wrong):
    with pytest.raises(PlanError, match="Mend the plan"):
        TwoWayEventStudy(**wrong)
