"""Where families lived, which areas are a place, and small areas' values by hand."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import ContractError, PlanError
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.places import ELSEWHERE, areas_of_places, column_means, council_of_area, residence, with_localities
from evaluation.panel.small_areas import build_small_areas
from evaluation.panel.types import Panel
from evaluation.periods import Periods
from evaluation.plan.data import Place

BATH, SALFORD = "E06000022", "E08000006"
PERIODS = Periods.between("2012-Q1", "2012-Q4", kind="quarter")


def table(name: str, frame: pd.DataFrame, room: Path) -> CheckedTable:
    path = room / f"{name}.parquet"
    frame.to_parquet(path)
    return CheckedTable(name=name, path=path, rows_in=len(frame), rows_kept=len(frame), rows_quarantined=0, rows_dropped=0, content_hash="")


def delivered(room: Path, stays: list[tuple], families: list[tuple]) -> dict[str, CheckedTable]:
    days = ["from_date", "to_date"]
    addresses = pd.DataFrame(stays, columns=["family_id", "area_code", *days])
    addresses[days] = addresses[days].apply(pd.to_datetime)
    known = pd.DataFrame(families, columns=["family_id", "council_code", "first_eligible_date"])
    known["first_eligible_date"] = pd.to_datetime(known["first_eligible_date"])
    return {"addresses": table("addresses", addresses, room), "families": table("families", known, room)}


@pytest.fixture
def tables(tmp_path):
    stays = [("f1", "A1", "2010-01-01", "2012-05-31"), ("f1", "A2", "2012-06-01", None), ("f2", "A2", "2012-03-01", None),
             ("f3", "B1", "2010-01-01", None)]
    return delivered(tmp_path, stays, [("f1", BATH, "2012-01-15"), ("f2", BATH, "2012-01-15"), ("f3", SALFORD, "2012-01-15")])


def test_a_family_lives_where_it_did_on_the_day_or_where_it_is_known_first(tables):
    assert residence(tables)["area_code"].tolist() == ["A1", "A2", "B1"]                    # f2 has no stay before 2012-03: its first
    assert residence(tables, "2012-07-01")["area_code"].tolist() == ["A2", "A2", "B1"]


def test_without_addresses_no_place_can_be_told(tables):
    with pytest.raises(ContractError, match="the table addresses is missing"):
        residence({"families": tables["families"]})


def test_an_area_belongs_to_the_council_of_most_of_its_families():
    lived = pd.DataFrame({"family_id": list("abcd"), "council_code": [SALFORD, BATH, BATH, SALFORD], "area_code": ["X", "X", "X", "Y"]})
    assert council_of_area(lived).to_dict() == {"X": BATH, "Y": SALFORD}


def test_places_take_the_next_areas_of_their_council_by_code(tables):
    lived = residence(tables)
    first, second = Place(name="First", councils=(BATH,), small_areas=1), Place(name="Second", councils=(BATH,), small_areas=1)
    assert areas_of_places((first, second), lived) == {"A1": "First", "A2": "Second"}
    assert areas_of_places((Place(name="Named", councils=(BATH,), small_areas=("A2",)),), lived) == {"A2": "Named"}


@pytest.mark.parametrize(("asked", "words"), [
    ((3,), "2 are left and 3 asked for"), ((("B1",),), "1 of 1 are not"), ((2, 1), "0 are left and 1 asked for")])
def test_areas_that_are_not_there_are_refused(tables, asked, words):
    places = [Place(name=f"Place {number}", councils=(BATH,), small_areas=areas) for number, areas in enumerate(asked)]
    with pytest.raises(PlanError, match=words):
        areas_of_places(places, residence(tables))


def panel_of(names: list[str], council: str, values: np.ndarray, below: np.ndarray | None = None) -> Panel:
    units = pd.DataFrame({"unit_id": names, "council_code": council, "area": council, "pool": "", "entry": -1, "eligible_from": 0, "eligible_to": 3,
                          "lone_parent": np.arange(len(names)) % 2.0})
    return Panel(unit="family", periods=PERIODS, units=units, outcomes={"y": values}, denominators={} if below is None else {"y": below},
                 varying={"n_needs": np.tile(np.arange(4.0), (len(names), 1))}, notes=("a", "b", "c"))


def test_families_of_a_place_are_told_from_those_elsewhere(tables):
    panel = panel_of(["f1", "f2", "f3"], BATH, np.zeros((3, 4)))
    marked = with_localities(panel, tables, (Place(name="Here", councils=(BATH,), small_areas=1),))
    assert marked.units["pool"].tolist() == ["Here", ELSEWHERE, ELSEWHERE] and panel.units["pool"].tolist() == [""] * 3


def test_weighted_means_by_hand_and_nothing_where_nothing_was_observed():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, 2.0]])
    mean, weight = column_means(values, np.array([0, 0, 1]), 2, np.array([[1.0, 1.0], [3.0, 1.0], [2.0, 4.0]]))
    np.testing.assert_array_equal(mean, [[2.5, np.nan], [5.0, 2.0]])          # (1 x 1 + 3 x 3) / 4
    np.testing.assert_array_equal(weight, [[4.0, 0.0], [2.0, 4.0]])


@pytest.fixture
def neighbours(tmp_path, dictionary):
    """Two areas of twelve and eleven families, and one of three."""
    names = [f"f{number:02d}" for number in range(26)]
    area = ["A1"] * 12 + ["A2"] * 11 + ["A3"] * 3
    tables = delivered(tmp_path, [(name, code, "2010-01-01", None) for name, code in zip(names, area, strict=True)],
                       [(name, BATH, "2012-01-15") for name in names])
    values = np.repeat(np.arange(26.0)[:, None], 4, axis=1)
    values[:3, 3] = np.nan                                                    # nine families of A1 are left in the last quarter
    return panel_of(names, BATH, values), tables


def test_small_areas_are_means_over_ten_families_or_more(neighbours, dictionary):
    families, tables = neighbours
    place = Place(name="Here", councils=(BATH,), small_areas=1)
    panel = build_small_areas(families, tables, dictionary, places=(place,), started="2012-Q3")
    assert panel.units["unit_id"].tolist() == ["A1", "A2"] and panel.units["area"].tolist() == ["Here", "A2"]
    assert panel.units["entry"].tolist() == [2, -1] and panel.units["eligible_to"].tolist() == [1, 3]
    np.testing.assert_array_equal(panel.outcomes["y"], [[5.5, 5.5, 5.5, np.nan], [17.0] * 4])
    assert panel.units["n_needs"].tolist() == [1.0, 1.0]                      # the quarter before the programme
    assert panel.units["lone_parent"].tolist() == [0.5, pytest.approx(5 / 11)]


def test_the_order_of_families_does_not_matter(neighbours, dictionary):
    families, tables = neighbours
    place, turned = Place(name="Here", councils=(BATH,), small_areas=1), np.arange(25, -1, -1)
    other = Panel(unit="family", periods=PERIODS, units=families.units.iloc[turned].reset_index(drop=True),
                  outcomes={"y": families.outcomes["y"][turned]}, varying={"n_needs": families.varying["n_needs"][turned]}, notes=families.notes)
    one, two = (build_small_areas(panel, tables, dictionary, places=(place,), started="2012-Q3") for panel in (families, other))
    pd.testing.assert_frame_equal(one.units, two.units)
    np.testing.assert_array_equal(one.outcomes["y"], two.outcomes["y"])


@pytest.mark.parametrize(("areas", "started", "words"), [
    (("A3",), "2012-Q3", "some of Here have fewer"), (("A1",), "2012-Q1", "after the first"), (("A1",), "2014-Q1", "2014-Q1 does not")])
def test_small_areas_that_cannot_be_compared_are_refused(neighbours, dictionary, areas, started, words):
    families, tables = neighbours
    with pytest.raises(PlanError, match=words):
        build_small_areas(families, tables, dictionary, places=(Place(name="Here", councils=(BATH,), small_areas=areas),), started=started)
