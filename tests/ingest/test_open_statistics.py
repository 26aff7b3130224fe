"""Readers of published statistics: their figures against those that the publishers printed, and what they say of a broken delivery."""
from __future__ import annotations

import gzip
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from evaluation.errors import ContractError
from evaluation.ingest.open_statistics import READERS, SOURCES, receive_open_statistics
from evaluation.ingest.published.absence import national_absence
from evaluation.ingest.published.deprivation import council_members, upper_tier_councils
from evaluation.ingest.published.exclusions import national_exclusions
from evaluation.ingest.published.looked_after import LAYOUTS, derived_differences, derived_offending, looked_after_cells, offending_cells

COUNCIL_SOURCES = ("school_absence", "exclusions", "looked_after", "imd")


@pytest.fixture(scope="module")
def published(open_data, dictionary, tmp_path_factory):
    """All council sources through their contracts, once."""
    return receive_open_statistics(COUNCIL_SOURCES, dictionary, folder=open_data, room=tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def schools(open_data, dictionary, tmp_path_factory):
    """Every school-year through its contract, once."""
    return receive_open_statistics(["schools"], dictionary, folder=open_data, room=tmp_path_factory.mktemp("schools"))["school_year"]


def ask(sql: str, **tables):
    """Rows of a query over checked tables, named as keywords."""
    with duckdb.connect() as con:
        for name, table in tables.items():
            con.execute(f"create view {name} as select * from read_parquet('{table.path}')")
        return con.execute(sql).fetchall()


# ---- absence

def test_englands_overall_absence_is_that_of_the_publisher_in_all_thirteen_years(open_data):
    # DfE, Pupil absence in schools in England 2018/19, table 1
    nation = national_absence(open_data)
    assert nation["school_year"].tolist()[::12] == ["2006/07", "2018/19"]
    assert nation["published"].tolist() == [6.5, 6.3, 6.3, 6.0, 5.8, 5.1, 5.3, 4.5, 4.6, 4.6, 4.7, 4.8, 4.7]


def test_session_counts_give_the_published_percentage_in_every_year(open_data):
    nation = national_absence(open_data)
    assert nation["recomputed"].round(1).tolist() == nation["published"].tolist()


def test_the_year_covers_five_half_terms_to_2011_12_and_six_after(published):
    found = ask("select year_breakdown, min(school_year), max(school_year) from absence group by 1 order by 1",
                absence=published["council_year/school_absence"])
    assert found == [("five", "2006/07", "2011/12"), ("six", "2012/13", "2018/19")]


def test_there_are_150_councils_before_the_reorganisation_of_2009_and_152_from_2008_09(published):
    found = ask("select school_year, count(distinct council_code) from absence where school_type = 'total' group by 1 order by 1",
                absence=published["council_year/school_absence"])
    # 2008/09 ends after 1 April 2009: the publisher gives it for the new councils. The two old counties share the code '.' in the file
    assert [count for _, count in found] == [150, 150] + [152] * 11


SUMS = """select {council} as council, {year} as year, sum(enrolments) as enrolments, sum({possible}) as possible, sum({unauthorised}) as unauthorised
          from {schools} group by all"""
AGREE = """select count(*), count(*) filter (a.enrolments = s.enrolments and a.possible_sessions = s.possible
                                            and a.unauthorised_sessions = s.unauthorised)
           from absence as a left join summed as s on s.council = a.{council} and s.year = a.school_year where a.school_type = 'total'"""


def test_summing_kept_schools_gives_the_council_row_in_1967_of_1972_council_years(published, schools):
    sums = SUMS.format(council="council_code", year="school_year", possible="possible_sessions", unauthorised="unauthorised_sessions",
                       schools="schools")
    # 99.7%: the five others hold the six school-years that were set aside for their missing or repeated school number
    assert ask(f"with summed as ({sums}) {AGREE.format(council='council_code')}", absence=published["council_year/school_absence"],
               schools=schools) == [(1_972, 1_967)]


def test_summing_every_school_of_the_file_gives_every_council_row(open_data, dictionary, published):
    names = {code: council.dfe_code for code, council in dictionary.councils.items()}
    sums = SUMS.format(council="cast(old_la_code as integer)", year="substr(time_period::varchar, 1, 4) || '/' || substr(time_period::varchar, 5)",
                       possible="sess_possible", unauthorised="sess_unauthorised",
                       schools=f"read_parquet('{open_data}/school_absence/absence_school_level.parquet')")
    cases = " ".join(f"when '{code}' then {dfe}" for code, dfe in names.items() if dfe)
    found = ask(f"with absence as (select *, case council_code {cases} end as dfe from checked), summed as ({sums}) {AGREE.format(council='dfe')}",
                checked=published["council_year/school_absence"])
    assert found == [(1_972, 1_972)]


def test_first_phase_councils_were_ahead_of_the_others_before_the_programme_began(published, open_data):
    # open-data/README.md: secondary unauthorised absence, first-phase councils minus others, plain mean over the councils of each year
    first_phase = open_data / "community_budgets" / "first_phase_28_councils.csv"
    gaps = dict(ask(f"""
        with rates as (select school_year, 100.0 * unauthorised_sessions / possible_sessions as rate,
                              council_code in (select new_la_code from read_csv('{first_phase}', all_varchar = true)) as first_phase
                       from absence where school_type = 'secondary')
        select school_year, round(avg(rate) filter (first_phase) - avg(rate) filter (not first_phase), 2) from rates group by 1""",
                    absence=published["council_year/school_absence"]))
    assert (gaps["2006/07"], gaps["2010/11"], gaps["2011/12"]) == (0.31, 0.21, 0.16)


def test_school_years_without_a_school_or_with_two_rows_are_set_aside_and_counted(schools):
    assert (schools.rows_in, schools.rows_kept, schools.rows_quarantined) == (276_863, 276_857, 6)
    faults = {(fault.reason, fault.column): fault.count for fault in schools.faults if fault.severity == "quarantine"}
    assert faults == {("missing_value", "urn"): 2, ("duplicate_key", "urn, school_year"): 4}


# ---- exclusions

def test_englands_exclusion_rates_are_those_of_the_publisher(open_data):
    nation = national_exclusions(open_data).set_index("school_year")
    assert nation["published_rate"][["2006/07", "2012/13", "2016/17"]].tolist() == [5.65, 3.51, 4.76]
    assert nation["fixed"]["2016/17"] == 381_865
    assert nation["rate"].round(2).tolist() == nation["published_rate"].tolist()


def test_exclusions_of_councils_add_up_to_england_within_rounding(open_data, published):
    summed = dict(ask("select school_year, sum(fixed_exclusions) from exclusions where school_type = 'total' group by 1",
                      exclusions=published["council_year/exclusions"]))
    nation = national_exclusions(open_data).set_index("school_year")["fixed"]
    assert all(abs(summed[year] - nation[year]) <= 5 for year in nation.index)      # the nation is rounded to 5


def test_suppressed_exclusions_are_missing_and_counted_with_their_reason(published):
    table = published["council_year/exclusions"]
    marks = {(fault.reason, fault.column): fault.count for fault in table.faults if fault.severity == "warn"}
    assert marks == {("suppressed", "permanent_exclusions"): 851, ("suppressed", "fixed_exclusions"): 70}
    assert ask("select count(*) from exclusions where permanent_exclusions is null", exclusions=table) == [(851,)]


def test_a_council_without_a_name_is_set_aside_not_guessed(published):
    assert ("council not named by the publisher", 1) in published["council_year/exclusions"].dropped


# ---- children looked after

@pytest.mark.parametrize(("year", "convicted", "children"), [(2010, 2_390, 30_160), (2013, 1_840, 29_880), (2017, 1_580, 35_110)])
def test_the_raw_files_give_englands_published_convictions(open_data, year, convicted, children):
    cells = offending_cells(open_data)
    england = cells[(cells["level"] == "national") & (cells["year"] == year)].set_index("measure")["value"]
    assert (england["looked_after_offending"], england["looked_after"]) == (convicted, children)
    tidied = derived_offending(open_data)
    row = tidied[(tidied["area"].str.lower() == "england") & (tidied["year"] == year)].iloc[0]
    assert (row["looked_after_offending"], row["looked_after"]) == (convicted, children)


def test_every_raw_file_has_a_layout_and_every_figure_in_it_is_read(open_data):
    assert set(LAYOUTS) == {path.name for path in (open_data / "looked_after").glob("raw_*")}
    for file in LAYOUTS:
        cells = looked_after_cells(open_data, file)
        levels = cells.drop_duplicates("row")["level"].value_counts()
        assert 149 <= levels["council"] <= 152, file
        assert levels["national"] >= 1, file
        assert levels["regional"] in (10, 11), file
        assert set(cells["reason"]) <= {"", "suppressed", "not applicable", "not available", "range"}, file
        assert (cells["value"].isna() == (cells["reason"] != "")).all(), file


def test_the_tidied_files_agree_with_the_raw_ones_but_for_five_cells_of_one_council(open_data):
    found = derived_differences(open_data)
    assert Counter(found["difference"]) == {"only raw": 5}
    assert set(found["area"]) == {"City of London"} and set(found["raw"]) == {0.0}     # zero of a suppressed number of children


def test_a_year_in_which_nothing_was_collected_is_missing_although_zeros_are_printed(open_data):
    cells = looked_after_cells(open_data, "raw_2011__Absence_LA.csv")
    assert set(cells.loc[cells["year"] == 2011, "text"]) == {"0"}
    assert set(cells.loc[cells["year"] == 2011, "reason"]) == {"not available"}


def test_looked_after_rows_reconcile_with_the_files(published):
    table = published["council_year/looked_after"]
    assert table.rows_in == sum(source.rows for source in table.sources) == 1_306
    assert table.rows_kept == 1_210 and len(table.sources) == 8
    assert dict(table.dropped) == {"national row, not a council": 8, "regional row, not a council": 88}


def test_a_suppressed_conviction_is_never_zero(published):
    zero, missing = ask("""select count(*) filter (looked_after_offending = 0), count(*) filter (looked_after_offending is null) from looked_after""",
                        looked_after=published["council_year/looked_after"])[0]
    assert missing == 253
    assert zero > 0      # the publisher prints zeros too


# ---- deprivation and codes

def test_hartlepools_deprivation_is_that_of_the_publisher(published):
    (score,), = ask("select score from imd where council_code = 'E06000001' and year = 2007", imd=published["deprivation"])
    assert round(score, 2) == 33.92


def test_every_council_of_2012_13_has_a_score_in_each_year(published):
    assert ask("select year, count(*), count(score) from imd group by 1 order by 1", imd=published["deprivation"]) == [
        (2007, 152, 152), (2010, 152, 152), (2015, 152, 152)]


def test_a_county_takes_the_plain_mean_of_its_districts(open_data, dictionary, published):
    members = council_members(open_data, dictionary)
    assert Counter(members.drop_duplicates("council_code")["how"]) == {"itself": 123, "districts": 24, "successors": 5}
    kent = members.loc[members["council_code"] == "E10000016", "district_code"]
    assert len(kent) == 12
    rows = [line.split(",") for line in (open_data / "imd" / "imd2010_england_ltla21.csv").read_text().splitlines()]
    by_hand = [float(row[1]) for row in rows if row[0] in set(kent)]
    (score,), = ask("select score from imd where council_code = 'E10000016' and year = 2010", imd=published["deprivation"])
    assert score == pytest.approx(sum(by_hand) / 12, abs=1e-6)


def test_the_152_councils_of_2012_13_are_of_four_types_and_in_the_dictionary(open_data, dictionary):
    councils = upper_tier_councils(open_data)
    assert Counter(councils["new_la_code"].str[:3]) == {"E06": 56, "E08": 36, "E09": 33, "E10": 27}
    assert all(dictionary.resolve_council(row.new_la_code).code == dictionary.resolve_council(row.la_name).code for row in councils.itertuples())


# ---- people

def test_lalonde_comes_in_whole_and_gives_the_published_differences(open_data, dictionary, tmp_path):
    tables = receive_open_statistics(["lalonde"], dictionary, folder=open_data, room=tmp_path)
    assert [tables[name].rows_kept for name in ("participants", "earnings_year")] == [18_927, 56_781]
    # Dehejia and Wahba (1999), table 5: the experiment and the two surveys, no adjustment
    gaps = dict(ask("""
        with people as (select * from participants join earnings using (person_id) where year = 1978)
        select pool, round((select avg(earnings) from people where treated) - avg(earnings)) from people where not treated group by 1""",
                    participants=tables["participants"], earnings=tables["earnings_year"]))
    assert gaps == {"nsw_experiment": 1_794, "psid1": -15_205, "cps1": -8_498}


def test_without_the_folder_lalonde_comes_from_the_package_causaldata(dictionary, tmp_path):
    pytest.importorskip("causaldata")
    tables = receive_open_statistics(["lalonde"], dictionary, folder=tmp_path / "nowhere", room=tmp_path)
    gaps = dict(ask("""
        with people as (select * from participants join earnings using (person_id) where year = 1978)
        select pool, round((select avg(earnings) from people where treated) - avg(earnings)) from people where not treated group by 1""",
                    participants=tables["participants"], earnings=tables["earnings_year"]))
    assert gaps == {"nsw_experiment": 1_794, "cps1": -8_498}


# ---- broken deliveries

ABSENCE_HEADING = ("geographic_level,time_period,year_breakdown,school_type,new_la_code,old_la_code,la_name,num_schools,enrolments,sess_possible,"
                   "sess_authorised,sess_unauthorised,enrolments_pa_10_exact")


def small_absence(folder: Path, *rows: str, heading: str = ABSENCE_HEADING) -> Path:
    """A folder of open data with an absence file of these rows."""
    (folder / "school_absence").mkdir(parents=True)
    with gzip.open(folder / "school_absence" / "absence_national_region_la.csv.gz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join([heading, *rows]) + "\n")
    return folder


def test_a_small_file_keeps_councils_and_counts_the_rest(dictionary, tmp_path):
    folder = small_absence(tmp_path / "data", "National,201011,five half terms,Total,,,,10,100,1000,50,10,5",
                           "Local authority,201011,five half terms,Total,E06000001,805.0,Hartlepool,2,20,200,10,x,1")
    table = receive_open_statistics(["school_absence"], dictionary, folder=folder, room=tmp_path / "room")["council_year"]
    assert (table.rows_in, table.rows_kept, table.rows_dropped) == (2, 1, 1)
    assert ask("select council_code, school_year, possible_sessions, unauthorised_sessions, fixed_exclusions from t", t=table) == [
        ("E06000001", "2010/11", 200, None, None)]
    assert [(fault.reason, fault.column, fault.count) for fault in table.faults] == [("suppressed", "unauthorised_sessions", 1)]


def test_a_row_that_breaks_a_rule_is_set_aside_under_its_line_in_the_file(dictionary, tmp_path):
    good = [f"Local authority,{year},five half terms,Total,E06000001,805.0,Hartlepool,2,20,200,10,2,1" for year in range(200607, 201112, 101)]
    more = [f"Local authority,{year},five half terms,Total,E06000002,806.0,Middlesbrough,2,20,200,10,2,1" for year in range(200607, 201112, 101)]
    extra = [f"Local authority,{year},five half terms,{kind},E06000003,807.0,Redcar and Cleveland,2,20,200,10,2,1"
             for year in range(200607, 201112, 101) for kind in ("Total", "Special")]
    folder = small_absence(tmp_path / "data", *good, *more, *extra, "Local authority,201011,five half terms,Total,E06000004,808,,2,20,200,150,51,1")
    table = receive_open_statistics(["school_absence"], dictionary, folder=folder, room=tmp_path / "room")["council_year"]
    assert (table.rows_in, table.rows_kept, table.rows_quarantined) == (21, 20, 1)
    assert [(fault.reason, fault.count, fault.first_rows) for fault in table.faults] == [("rule_broken", 1, (22,))]


def test_an_unknown_source_is_refused_by_name(dictionary, tmp_path):
    with pytest.raises(ContractError, match="school_absense.*Mend `data.tables`"):
        receive_open_statistics(["school_absense"], dictionary, folder=tmp_path, room=tmp_path)


@pytest.mark.parametrize("name", sorted(set(READERS) - {"lalonde"}))
def test_a_missing_folder_is_named_with_what_to_do(dictionary, tmp_path, name):
    with pytest.raises(ContractError, match=r"must lie in the folder of open data: the folder is not there.*EVALUATION_OPEN_DATA"):
        receive_open_statistics([name], dictionary, folder=tmp_path / "nowhere", room=tmp_path)


def test_a_missing_file_is_told_from_a_missing_folder(dictionary, tmp_path):
    (tmp_path / "exclusions").mkdir()
    with pytest.raises(ContractError, match="exclusions/clean_la_data.csv.*the folder is there, the file is not"):
        receive_open_statistics(["exclusions"], dictionary, folder=tmp_path, room=tmp_path)


def test_a_missing_column_is_named(dictionary, tmp_path):
    folder = small_absence(tmp_path / "data", "National,201011", heading="geographic_level,time_period")
    with pytest.raises(ContractError, match=r"absence_national_region_la.csv.gz must have the columns.*sess_possible"):
        receive_open_statistics(["school_absence"], dictionary, folder=folder, room=tmp_path)


def test_an_empty_file_is_told_from_a_missing_column(dictionary, tmp_path):
    with pytest.raises(ContractError, match="must hold rows"):
        receive_open_statistics(["school_absence"], dictionary, folder=small_absence(tmp_path / "data"), room=tmp_path)


def test_an_unknown_council_is_named(dictionary, tmp_path):
    folder = small_absence(tmp_path / "data", "Local authority,201011,five half terms,Total,E99999999,,Ankh-Morpork,2,20,200,10,2,1")
    with pytest.raises(ContractError, match=r"Every council of absence_national_region_la.csv.gz must be .*: 1 .*Ankh-Morpork.*councils.csv"):
        receive_open_statistics(["school_absence"], dictionary, folder=folder, room=tmp_path)


def test_a_torn_gzip_file_is_an_error_without_a_traceback_of_the_reader(dictionary, tmp_path):
    folder = small_absence(tmp_path / "data", "National,201011,five half terms,Total,,,,10,100,1000,50,10,5")
    path = folder / "school_absence" / "absence_national_region_la.csv.gz"
    path.write_bytes(path.read_bytes()[:25])
    with pytest.raises(ContractError, match="cannot be read as a published table"):
        receive_open_statistics(["school_absence"], dictionary, folder=folder, room=tmp_path)


def test_a_looked_after_file_whose_headings_moved_is_refused(open_data, dictionary, tmp_path):
    shutil.copytree(open_data / "looked_after", tmp_path / "looked_after")
    path = tmp_path / "looked_after" / "raw_2013__sheet4_oc21.csv"
    path.chmod(0o644)
    path.write_text("one more title line\n" * 3 + path.read_text(encoding="utf-8-sig"), encoding="utf-8")
    with pytest.raises(ContractError, match=r"raw_2013__sheet4_oc21.csv must have the headings"):
        receive_open_statistics(["looked_after"], dictionary, folder=tmp_path, room=tmp_path / "room")


def test_every_source_has_a_sentence_for_the_report():
    assert set(SOURCES) == set(READERS)
    assert all(sentence.endswith(".") and "icen" in sentence or "packages" in sentence for sentence in SOURCES.values())
