"""Panels of councils, schools and people: what is added together, what stays missing, and the figures that must come out."""
from __future__ import annotations

import datetime as dt
import types

import duckdb
import numpy as np
import pytest

from evaluation.dictionary import Council
from evaluation.errors import ContractError, PlanError
from evaluation.ingest.open_statistics import receive_open_statistics
from evaluation.ingest.tables import CheckedTable
from evaluation.panel.geography import constant_geography
from evaluation.panel.published import build_councils, build_people, build_schools
from evaluation.periods import Periods

SCHOOL_YEARS = Periods.between("2006/07", "2018/19", kind="school_year")
COUNCIL_OUTCOMES = ("unauthorised_absence_rate", "overall_absence_rate", "persistent_absence", "fixed_exclusion_rate", "permanent_exclusion_rate",
                    "looked_after_offending")


# ---- a small country: A is replaced by B and C in 2009, D stays

def council(code: str, *successors: str, last_day: dt.date | None = None) -> Council:
    return Council(code=code, dfe_code="", name=f"Council {code}", aliases=(), type="unitary", region_code="R",
                   region="Inner London" if code == "D" else "North", first_day=None, last_day=last_day, successors=successors)


@pytest.fixture
def country(dictionary):
    """The project's outcomes over four councils."""
    councils = (council("A", "B", "C", last_day=dt.date(2009, 3, 31)), council("B"), council("C"), council("D"), council("E", "F"))
    return types.SimpleNamespace(councils={one.code: one for one in councils}, outcomes=dictionary.outcomes)


COLUMNS = ("council_code", "school_year", "school_type", "year_breakdown", "schools", "enrolments", "possible_sessions", "unauthorised_sessions",
           "authorised_sessions", "persistent_absentees", "headcount", "fixed_exclusions")


def council_year(folder, *rows: tuple, name: str = "council_year") -> CheckedTable:
    """A checked table of rows (council, year, possible, unauthorised); the other columns follow from them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(list(folder.iterdir()))}.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table t ({', '.join(f'{column} ' + ('varchar' if number < 4 else 'bigint') for number, column in enumerate(COLUMNS))})")
        for code, year, possible, unauthorised in rows:
            half = "five" if year < "2012" else "six"
            con.execute(f"insert into t values ({', '.join('?' * len(COLUMNS))})",
                        [code, year, "total", half, 2, possible and possible // 10, possible, unauthorised, 0, 1, None, None])
        con.execute(f"copy t to '{path}' (format parquet)")
    return CheckedTable(name=name, path=path, rows_in=len(rows), rows_kept=len(rows), rows_quarantined=0, rows_dropped=0, content_hash="")


THREE_YEARS = Periods.between("2007/08", "2009/10", kind="school_year")
REORGANISED = (("A", "2007/08", 1000, 10), ("A", "2008/09", 1000, 20), ("B", "2009/10", 600, 12), ("C", "2009/10", 400, 18),
               ("D", "2007/08", 500, 5), ("D", "2008/09", 500, 5), ("D", "2009/10", 500, 10))


def small_panel(country, folder, rows=REORGANISED, *, entry_of=None, periods=THREE_YEARS, **more):
    return build_councils({"council_year": council_year(folder, *rows)}, country, periods=periods, outcomes=["unauthorised_absence_rate"],
                          entry_of=entry_of or {}, **more)


def test_a_replaced_council_and_its_successors_are_one_unit_over_all_years(country, tmp_path):
    panel = small_panel(country, tmp_path)
    assert panel.units["unit_id"].tolist() == ["B+C", "D"]
    # A: 10/1000, 20/1000; B and C together: 30/1000. D: 5/500, 5/500, 10/500
    np.testing.assert_allclose(panel.outcomes["unauthorised_absence_rate"], [[1, 2, 3], [1, 1, 2]])
    np.testing.assert_array_equal(panel.denominators["unauthorised_absence_rate"], [[1000, 1000, 1000], [500, 500, 500]])
    assert any("Council A was replaced by Council B and Council C" in note for note in panel.notes)


def test_a_reorganisation_that_the_data_do_not_show_joins_nothing(country):
    assert constant_geography(["D", "E"], country).unit_of == {"D": "D", "E": "E"}      # F, the successor of E, does not report
    assert constant_geography(["B", "C", "D"], country).unit_of == {"B": "B", "C": "C", "D": "D"}


def test_a_joined_unit_is_missing_in_a_year_in_which_one_member_is(country, tmp_path):
    suppressed = [row if row[0] != "C" else ("C", "2009/10", 400, None) for row in REORGANISED]
    absent = [row for row in REORGANISED if row[0] != "C"] + [("C", "2008/09", 1, 0)]
    for number, rows in enumerate((suppressed, absent)):
        values = small_panel(country, tmp_path / str(number), rows).outcomes["unauthorised_absence_rate"]
        assert np.isnan(values[0, 2]) and np.isfinite(values[1]).all()


def test_a_council_without_possible_sessions_is_missing_not_zero(country, tmp_path):
    values = small_panel(country, tmp_path, [*REORGANISED[:-1], ("D", "2009/10", 0, 0)]).outcomes["unauthorised_absence_rate"]
    assert np.isnan(values[1, 2])


def test_members_of_a_joined_unit_must_enter_together(country, tmp_path):
    with pytest.raises(PlanError, match="must enter together"):
        small_panel(country, tmp_path / "a", entry_of={"B": ("2008/09", "B")})
    with pytest.raises(PlanError, match="must enter together"):
        small_panel(country, tmp_path / "b", entry_of={"B": ("2008/09", "B"), "C": ("2009/10", "B")})
    panel = small_panel(country, tmp_path / "c", entry_of={"B": ("2008/09", "both"), "C": ("2008/09", "both")})
    assert panel.entry.tolist() == [1, -1] and panel.units["area"].tolist() == ["both", "D"] and panel.units["eligible_to"].tolist() == [0, 2]


def test_a_programme_council_without_figures_or_before_the_first_period_is_refused(country, tmp_path):
    with pytest.raises(PlanError, match="must have published figures: 1 have none"):
        small_panel(country, tmp_path / "a", entry_of={"E": ("2008/09", "E")})
    with pytest.raises(PlanError, match="begin before 2007/08"):
        small_panel(country, tmp_path / "b", entry_of={"D": ("2006/07", "D")})


def test_a_break_in_how_the_year_is_counted_is_read_from_the_data(country, tmp_path):
    rows = [("D", "2010/11", 500, 5), ("D", "2011/12", 500, 5), ("D", "2012/13", 600, 5)]
    panel = small_panel(country, tmp_path, rows, periods=Periods.between("2010/11", "2012/13", kind="school_year"))
    assert panel.breaks == ((2, "absence is counted over six half terms from 2012/13, over five to 2011/12"),)
    assert small_panel(country, tmp_path / "b").breaks == ()


def test_covariates_and_outcomes_that_the_panel_cannot_make_are_refused(country, tmp_path):
    with pytest.raises(PlanError, match=r"\['imd_2007'\] are not; it has"):
        small_panel(country, tmp_path, covariates=["imd_2007", "london"])
    tables = {"council_year": council_year(tmp_path, *REORGANISED)}
    with pytest.raises(PlanError, match="asb_incidents is not available in published data for a council"):
        build_councils(tables, country, periods=THREE_YEARS, outcomes=["asb_incidents"], entry_of={})
    with pytest.raises(ContractError, match="council_year must be among the delivered tables"):
        build_councils({}, country, periods=THREE_YEARS, outcomes=[], entry_of={})
    with pytest.raises(ContractError, match="must have rows between"):
        small_panel(country, tmp_path / "late", periods=Periods.between("2020/21", "2021/22", kind="school_year"))


def test_base_period_gives_the_size_of_a_council(country, tmp_path):
    panel = small_panel(country, tmp_path, base="2009/10")
    np.testing.assert_allclose(np.exp(panel.units["log_enrolments"]), [100, 50])
    assert panel.units["n_schools"].tolist() == [4, 2] and panel.units["london"].tolist() == [0, 1]


def school_year(folder, *rows: tuple) -> CheckedTable:
    """A checked table of rows (urn, school number, year, possible, unauthorised), all of council D and secondary."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("""create table t (urn varchar, school_number varchar, school_year varchar, possible_sessions bigint,
                                       unauthorised_sessions bigint)""")
        con.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
        con.execute(f"""copy (select *, 'D' as council_code, 'secondary' as school_type, 'five' as year_breakdown, 10 as enrolments from t)
                        to '{folder / 'schools.parquet'}' (format parquet)""")
    return CheckedTable(name="school_year", path=folder / "schools.parquet", rows_in=len(rows), rows_kept=len(rows), rows_quarantined=0,
                        rows_dropped=0, content_hash="")


def test_a_school_is_followed_when_it_becomes_an_academy_and_when_its_council_is_reorganised(country, tmp_path):
    table = school_year(tmp_path, ("1", "d1", "2007/08", 100, 1), ("2", "d1", "2008/09", 100, 2), ("2", "e1", "2009/10", 100, 3),   # one school
                        ("3", "d3", "2007/08", 100, 4), ("3", "d3", "2009/10", 0, 0))                                           # another
    panel = build_schools({"school_year": table}, country, periods=THREE_YEARS, outcomes=["unauthorised_absence_rate"], entry_of={})
    assert panel.units["unit_id"].tolist() == ["2", "3"]
    np.testing.assert_array_equal(panel.outcomes["unauthorised_absence_rate"], [[1, 2, 3], [4, np.nan, np.nan]])
    assert panel.notes[-1].startswith("3 school numbers are 2 schools")


def test_schools_that_report_in_the_same_year_are_never_made_one(country, tmp_path):
    table = school_year(tmp_path, ("1", "d1", "2007/08", 100, 1), ("1", "d2", "2008/09", 100, 2), ("2", "d2", "2007/08", 100, 3))
    panel = build_schools({"school_year": table}, country, periods=THREE_YEARS, outcomes=["unauthorised_absence_rate"], entry_of={})
    assert panel.units["unit_id"].tolist() == ["1", "2"]


# ---- the published data

@pytest.fixture(scope="module")
def councils(open_data, dictionary, tmp_path_factory):
    names = ["school_absence", "exclusions", "looked_after", "imd", "community_budgets"]
    return receive_open_statistics(names, dictionary, folder=open_data, room=tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def entry_of(councils):
    """Council -> (first full period, area), from the published list of places."""
    return {row.council_code: ("2011/12", row.area) for row in councils["programme_areas"].frame().itertuples()}


@pytest.fixture(scope="module")
def panel(councils, dictionary, entry_of):
    return build_councils(councils, dictionary, periods=SCHOOL_YEARS, outcomes=COUNCIL_OUTCOMES, entry_of=entry_of,
                          covariates=["imd_2007", "imd_2010", "log_enrolments", "share_secondary", "london"])


def test_england_is_150_councils_in_constant_geography_of_which_28_in_16_areas_are_treated(panel):
    treated = panel.entry >= 0
    assert (len(panel), treated.sum(), panel.units.loc[treated, "area"].nunique()) == (150, 28, 16)
    joined = panel.units.loc[panel.units["unit_id"].str.contains("+", regex=False), "unit_id"]
    assert joined.tolist() == ["E06000049+E06000050", "E06000055+E06000056"]
    assert set(panel.entry[treated]) == {SCHOOL_YEARS.index("2011/12")}
    assert panel.breaks[0][0] == SCHOOL_YEARS.index("2012/13")


def test_absence_is_known_for_every_council_and_year_and_exclusions_end_in_2016_17(panel):
    assert np.isfinite(panel.outcomes["overall_absence_rate"]).all()
    assert np.isfinite(panel.outcomes["persistent_absence"]).all()
    known = np.isfinite(panel.outcomes["fixed_exclusion_rate"])
    assert known[:, :11].mean() > 0.99 and not known[:, 11:].any()


def test_the_councils_add_up_to_englands_published_absence(panel):
    # council rows hold every session of the nation's row
    rates, sessions = panel.outcomes["overall_absence_rate"], panel.denominators["overall_absence_rate"]
    england = (rates * sessions).sum(axis=0) / sessions.sum(axis=0)
    assert england.round(1).tolist() == [6.5, 6.3, 6.3, 6.0, 5.8, 5.1, 5.3, 4.5, 4.6, 4.6, 4.7, 4.8, 4.7]


def test_councils_reorganised_in_2009_have_an_exclusion_rate_in_the_year_that_was_split(panel):
    # in 2008/09 the publisher has the pupils under the old county (62,884) and the exclusions under the new councils (787 and 1,430)
    row = panel.units["unit_id"].tolist().index("E06000055+E06000056")
    column = SCHOOL_YEARS.index("2008/09")
    assert panel.outcomes["fixed_exclusion_rate"][row, column] == pytest.approx(100 * (787 + 1430) / 62_884)


def test_first_phase_councils_pre_trend_in_constant_geography(councils, dictionary, entry_of):
    # open-data/README.md gives 0.31, 0.21, 0.16 for the councils as they were in each year; with the reorganised ones added together 2010/11 is 0.20
    panel = build_councils(councils, dictionary, periods=SCHOOL_YEARS, outcomes=["unauthorised_absence_rate"], entry_of=entry_of,
                           school_type="secondary")
    rates, treated = panel.outcomes["unauthorised_absence_rate"], panel.entry >= 0
    gaps = np.nanmean(rates[treated], axis=0) - np.nanmean(rates[~treated], axis=0)
    assert [round(gaps[SCHOOL_YEARS.index(year)], 2) for year in ("2006/07", "2010/11", "2011/12")] == [0.31, 0.20, 0.16]
    assert "Figures are for secondary schools." in panel.notes


def test_deprivation_of_a_joined_unit_is_the_mean_of_its_councils(panel, councils):
    scores = councils["deprivation"].frame().set_index(["council_code", "year"])["score"]
    row = panel.units.set_index("unit_id").loc["E06000055+E06000056"]
    assert row["imd_2010"] == pytest.approx((scores["E06000055", 2010] + scores["E06000056", 2010]) / 2)
    assert panel.units[["imd_2007", "imd_2010", "imd_2015", "log_enrolments"]].notna().all(axis=None)


def test_schools_become_a_panel_whose_sums_are_the_councils(open_data, dictionary, councils, entry_of, tmp_path):
    tables = receive_open_statistics(["schools", "imd"], dictionary, folder=open_data, room=tmp_path)
    panel = build_schools(tables, dictionary, periods=SCHOOL_YEARS, outcomes=["unauthorised_absence_rate", "persistent_absence"], entry_of=entry_of,
                          covariates=["imd_2010", "log_enrolments", "school_type"])
    sessions = panel.denominators["unauthorised_absence_rate"]
    assert (len(panel), int(np.isfinite(sessions).sum())) == (25_303, 276_857)
    assert any("30,911 school numbers are 25,303 schools" in note for note in panel.notes)
    assert panel.flow[0].count == 276_857
    assert panel.units.notna().all(axis=None)
    treated = panel.entry >= 0
    assert panel.units.loc[treated, "area"].nunique() == 16 and panel.units.loc[treated, "council_code"].nunique() == 28
    assert "E06000055+E06000056" in set(panel.units["council_code"])
    assert (panel.units["eligible_to"] >= panel.units["eligible_from"])[~treated].all()
    council_rows = build_councils(councils, dictionary, periods=SCHOOL_YEARS, outcomes=["unauthorised_absence_rate"], entry_of=entry_of)
    summed = np.nansum(sessions, axis=0) / council_rows.denominators["unauthorised_absence_rate"].sum(axis=0)
    np.testing.assert_allclose(summed, 1, atol=0.001)


def test_lalondes_people_give_the_experiments_effect_and_the_naive_differences(open_data, dictionary, tmp_path):
    tables = receive_open_statistics(["lalonde"], dictionary, folder=open_data, room=tmp_path)
    panel = build_people(tables, dictionary, periods=Periods.between("1974", "1978", kind="year"), outcomes=["annual_earnings"], entry="1976",
                         covariates=["age", "education", "black", "hispanic", "married", "no_degree"])
    earnings, treated, pool = panel.outcomes["annual_earnings"], panel.entry >= 0, panel.units["pool"].to_numpy()
    assert (len(panel), treated.sum(), set(panel.entry[treated]), set(pool[treated])) == (18_927, 185, {2}, {"nsw_experiment"})
    gaps = {name: round(earnings[treated, 4].mean() - earnings[~treated & (pool == name), 4].mean()) for name in ("nsw_experiment", "psid1", "cps1")}
    assert gaps == {"nsw_experiment": 1_794, "psid1": -15_205, "cps1": -8_498}
    assert np.isnan(earnings[:, 2:4]).all() and np.isfinite(earnings[:, [0, 1, 4]]).all()
    assert "1976 and 1977" in panel.notes[0]
    before = panel.units.loc[treated, ["earnings_1974", "earnings_1975", "no_earnings_1974"]].mean()
    assert before.round(2).tolist() == [2_095.57, 1_532.06, 0.71]       # Dehejia and Wahba (1999), table 1: NSW treated
    with pytest.raises(PlanError, match="must lie inside the panel's periods"):
        build_people(tables, dictionary, periods=Periods.between("1974", "1978", kind="year"), outcomes=[], entry="1980")
