"""Dose, duration and follow-up of programme families: five families, eight quarters of 2012 and 2013, days counted by hand."""
from __future__ import annotations

import numpy as np
import pytest

from evaluation.errors import ContractError, PlanError
from evaluation.panel.windows import event_times, exits, exposure, exposures, median_duration, support_of
from evaluation.periods import Periods

PERIODS = Periods.between("2012-Q1", "2013-Q4", kind="quarter")


@pytest.fixture
def rows(delivery):
    def family(number, **more):
        return {"family_id": f"f{number}", "council_code": "E06000022", "first_eligible_date": "2011-06-15"} | more
    delivery["families"] = [
        family(1, entry_date="2012-02-01", exit_date="2012-06-30", exit_reason="completed"),      # ends with the first quarter of its window
        family(2, entry_date="2012-02-01"),                                                       # goes on
        family(3, entry_date="2013-04-01", exit_date="2014-02-01", exit_reason="completed"),      # ends after the panel
        family(4, entry_date="2012-05-10", exit_date="2012-11-10", exit_reason="moved"),
        family(5, entry_date="2012-01-31", exit_date="2012-01-31", exit_reason="withdrew"),
        family(6),
    ]
    return delivery


@pytest.fixture
def support(rows, build, receive):
    panel = build(rows, "offences", periods=PERIODS)
    return support_of(receive(rows), panel), panel


def test_support_is_known_to_the_end_of_the_panel_only(support):
    found, _ = support
    assert found.unit.tolist() == [0, 1, 2, 3, 4]
    assert found.reason.tolist() == ["completed", "", "", "moved", "withdrew"]
    assert np.isnat(found.ends).tolist() == [False, True, True, False, False]


def test_dose_counts_days_from_joining_to_the_end_of_the_window(support):
    half = exposure(*support, 6)
    # f1: 1 February to 30 June 2012; f2: to 30 September; f3: April to December 2013; f4: 10 May to 10 November; f5: a day
    assert half.days_supported.tolist() == [29 + 31 + 30 + 31 + 30, 29 + 31 + 91 + 92, 91 + 92 + 92, 22 + 30 + 92 + 31 + 10, 1]
    # windows are April to September 2012 (183 days), for f3 July to December 2013, for f4 July to December 2012
    np.testing.assert_allclose(half.share_supported, [91 / 183, 1, 1, (92 + 31 + 10) / 184, 0])


def test_share_of_a_window_that_the_panel_does_not_reach_is_not_known(support):
    year = exposure(*support, 12)
    np.testing.assert_array_equal(np.isnan(year.share_supported), [False, False, True, False, False])
    assert year.quarters_followed.tolist() == [4, 4, 2, 1, 4]      # f4 has moved away in its second quarter
    assert year.whole.tolist() == [True, True, False, False, True]


def test_exposure_is_partial_while_support_goes_on(support):
    assert exposure(*support, 6).partial.tolist() == [False, True, True, False, False]
    assert exposure(*support, 3).partial.tolist() == [False, True, True, True, False]     # f1 ends on the last day of its window
    assert exposure(*support, 24).partial.tolist() == [False, True, True, False, False]


def test_table_of_windows_counts_families_followed_throughout(support):
    table = exposures(*support).set_index("months")
    assert table.loc[6].drop(["mean_days", "mean_share"]).tolist() == [5, 4, 2]
    assert table.loc[12, ["n_joined", "n_followed", "n_partial"]].tolist() == [5, 3, 1]
    assert table.loc[12, "mean_days"] == pytest.approx((151 + 425 + 1) / 3)               # f2: 1 February 2012 to 31 March 2013
    assert table.loc[24, "n_followed"] == 0 and np.isnan(table.loc[24, "mean_share"])


def test_exits_are_counted_by_reason(support):
    table = exits(*support, ("completed", "moved", "withdrew", "other")).set_index("reason")
    assert table["n"].to_dict() == {"completed": 1, "moved": 1, "withdrew": 1, "other": 0, "": 0, "supported": 2}
    assert table.loc["completed", "median_days"] == 151 and table.loc["withdrew", "median_days"] == 1


def test_median_duration_counts_support_that_goes_on_as_longer(support):
    # days 1, 151, 185 ended; 275 and 700 go on. Left: 4/5, 3/5, then 2/5 after 185 days
    assert median_duration(*support) == 185


def test_window_of_part_of_a_quarter_is_refused():
    assert event_times(18) == (1, 6)
    with pytest.raises(PlanError, match="whole number of quarters"):
        event_times(8)


def test_support_of_other_families_is_refused(support, rows, receive):
    _, panel = support
    rows["families"] = rows["families"][1:]
    with pytest.raises(ContractError, match="other ones"):
        support_of(receive(rows), panel)
