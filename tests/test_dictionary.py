"""The data dictionary: complete, consistent, and clear about what is wrong with it."""
from __future__ import annotations

import csv
import datetime as dt
import pickle
import re
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from evaluation.dictionary import load_dictionary
from evaluation.dictionary.councils import spelling
from evaluation.dictionary.page import render_readme
from evaluation.dictionary.references import check_source
from evaluation.dictionary.tables import identifiers
from evaluation.errors import DictionaryError

TABLES = {
    "families": 11, "people": 11, "attendance": 5, "exclusions": 4, "offences": 5, "asb_incidents": 7, "benefit_spells": 4, "employment_spells": 3,
    "programme_costs": 5, "addresses": 5, "activity_spells": 4, "needs": 4, "other_support": 4, "results_claimed": 3,
    "links": 3, "source_coverage": 4,
    "council_year": 15, "school_year": 11, "deprivation": 3, "participants": 9, "earnings_year": 3}
OUTCOMES = {
    "truancy": {"unauthorised_absence_rate", "overall_absence_rate", "persistent_absence", "persistent_absence_20", "persistent_absence_10",
                "persistent_absence_by_year", "fixed_exclusions", "any_fixed_exclusion", "permanent_exclusions", "fixed_exclusion_rate",
                "permanent_exclusion_rate"},
    "offending": {"any_offence", "offences", "any_offence_by_minors", "offences_by_minors", "any_offence_by_adults", "offences_by_adults",
                  "any_custody", "looked_after_offending"},
    "anti_social_behaviour": {"asb_incidents", "any_asb", "asb_incidents_with_address", "any_asb_with_address"},
    "employment": {"out_of_work_benefit", "jobseekers_allowance", "sickness_benefit", "income_support", "carers_allowance", "universal_credit",
                   "adult_in_work", "continuous_employment", "continuous_employment_26", "neet", "annual_earnings"}}
DUCKDB_TYPES = {"integer": "BIGINT", "year": "INTEGER", "number": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN"}


@pytest.fixture
def copy(dictionary, tmp_path) -> Path:
    """A copy of the dictionary's folder that a test may spoil."""
    shutil.copytree(dictionary.folder, tmp_path / "dictionary")
    return tmp_path / "dictionary"


def spoil(copy: Path, name: str, old: str, new: str) -> str:
    """Replace a text in a file of the copy; the message of the error that follows."""
    path = copy / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DictionaryError) as error:
        load_dictionary(copy)
    return str(error.value)


def test_every_table_of_the_design_is_there_with_all_its_columns(dictionary):
    assert {name: len(dictionary.tables[name].columns) for name in TABLES} == TABLES


def test_families_have_no_column_that_says_programme_or_comparison(dictionary):
    assert not {"treated", "group", "programme", "comparison"} & set(dictionary.tables["families"].columns)


def test_every_outcome_stands_in_its_domain(dictionary):
    found = {}
    for outcome in dictionary.outcomes.values():
        found.setdefault(outcome.domain, set()).add(outcome.name)
    assert found == OUTCOMES


def test_every_rule_and_every_outcome_is_sql_that_duckdb_understands(dictionary):
    with duckdb.connect() as con:
        for table in dictionary.tables.values():
            columns = ", ".join(f'"{v.name}" {DUCKDB_TYPES.get(v.type, "VARCHAR")}' for v in table.columns.values())
            con.execute(f"CREATE OR REPLACE TABLE t ({columns})")
            for rule in table.rules:
                assert con.execute(f"SELECT ({rule.sql})::BOOLEAN FROM t").fetchall() == []
            for outcome in dictionary.outcomes.values():
                for source in outcome.sources.values():
                    if source.table == table.name:
                        for sql in filter(None, (source.numerator, source.denominator, source.where, source.column)):
                            con.execute(f'SELECT {sql} FROM t')


def test_school_outcomes_of_families_are_missing_in_the_third_quarter(dictionary):
    for name in ("unauthorised_absence_rate", "overall_absence_rate", "persistent_absence", "fixed_exclusions"):
        assert dictionary.outcomes[name].sources["family"].calendar == (1, 2, 4)


def test_persistent_absence_is_fifteen_per_cent_for_families_and_ten_in_published_figures(dictionary):
    sources = dictionary.outcomes["persistent_absence"].sources
    assert (sources["family"].threshold, sources["council"].threshold, sources["school"].threshold) == (0.15, 0.10, 0.10)


def test_the_threshold_of_persistent_absence_by_year_is_the_published_one(dictionary):
    source = dictionary.outcomes["persistent_absence_by_year"].sources["family"]
    assert source.thresholds == {"2000/01": 0.20, "2010/11": 0.15, "2015/16": 0.10}      # guide/domain.md, sources S82 and S83 there


def test_anti_social_behaviour_needs_coverage_but_no_link(dictionary):
    source = dictionary.outcomes["asb_incidents"].sources["family"]
    assert (source.link_source, source.coverage) == (None, "asb")
    assert dictionary.outcomes["offences"].sources["family"].coverage == "police"


def test_outcomes_not_published_have_no_council_source(dictionary):
    for name in ("asb_incidents", "any_asb", "out_of_work_benefit", "adult_in_work"):
        assert "council" not in dictionary.outcomes[name].sources


def test_the_readme_is_what_the_files_beside_it_say(dictionary):
    page = (dictionary.folder / "README.md").read_text(encoding="utf-8")
    assert page == render_readme(dictionary), "run: python -m evaluation.dictionary"


def test_identifiers_are_marked_so_in_every_table(dictionary):
    for table in dictionary.tables.values():
        for variable in table.columns.values():
            if variable.name in ("family_id", "person_id", "offence_id", "incident_id", "address_id"):
                assert variable.sensitivity == "identifier", (table.name, variable.name)


# ---- councils

def test_there_were_152_councils_in_2012_of_four_kinds(dictionary):
    day = dt.date(2012, 9, 1)
    codes = [council.code for council in dictionary.councils.values() if council.exists_on(day)]
    assert len(codes) == 152
    kinds = {"E06": 56, "E08": 36, "E09": 33, "E10": 27}
    assert {kind: sum(code.startswith(kind) for code in codes) for kind in kinds} == kinds


def test_there_were_150_councils_before_april_2009(dictionary):
    assert sum(council.exists_on(dt.date(2009, 3, 31)) for council in dictionary.councils.values()) == 150


@pytest.mark.parametrize("text, code", [
    ("E06000022", "E06000022"), ("800", "E06000022"), ("800.0", "E06000022"), (" bath & north east somerset ", "E06000022"),
    ("Kingston upon Hull City of", "E06000010"), ("Kingston upon Hull, City of", "E06000010"),
    ("St. Helens", "E08000013"), ("St Helens", "E08000013"), ("LEEDS CITY COUNCIL", "E08000035"),
    ("Bournemouth, Christchurch and Poole", "E06000058"), ("820.0", "DFE820"), ("Cheshire (Pre LGR 2009)", "DFE875"),
    ("E08000020", "E08000037"), ("Blackburn and Darwin", "E06000008")])
def test_a_council_is_known_by_code_name_and_alias(dictionary, text, code):
    assert dictionary.resolve_council(text).code == code


def test_a_name_used_twice_means_the_council_of_the_day(dictionary):
    assert dictionary.resolve_council("Dorset").code == "E10000009"
    assert dictionary.resolve_council("Dorset", on=dt.date(2020, 1, 1)).code == "E06000059"


def test_an_unknown_council_is_refused_with_the_nearest_name(dictionary):
    with pytest.raises(DictionaryError, match="Did you mean 'Leeds'.*councils.csv"):
        dictionary.resolve_council("Leedz")


def test_successors_and_predecessors_mirror_each_other(dictionary):
    assert dictionary.councils["DFE875"].successors == ("E06000049", "E06000050")
    assert dictionary.councils["E06000058"].predecessors == ("E06000028", "E06000029", "E10000009")   # Christchurch came from Dorset
    for council in dictionary.councils.values():
        assert all(council.code in dictionary.councils[code].predecessors for code in council.successors)
        assert bool(council.last_day) == bool(council.successors)


def test_every_council_name_in_the_absence_and_exclusion_files_is_known(dictionary, open_data):
    absence = pd.read_csv(open_data / "school_absence" / "absence_national_region_la.csv.gz", dtype=str)
    absence = absence[absence["geographic_level"] == "Local authority"]
    for row in absence[["old_la_code", "new_la_code", "la_name"]].drop_duplicates().itertuples():
        code = dictionary.resolve_council(row.old_la_code).code
        assert code == dictionary.resolve_council(row.la_name).code
        assert row.new_la_code in (code, ".")
    exclusions = pd.read_csv(open_data / "exclusions" / "clean_la_data.csv", dtype=str)
    names = set(exclusions.loc[exclusions["level"] == "Local authority", "la_name"].dropna())
    assert len({dictionary.resolve_council(name).code for name in names}) >= 152


def test_every_first_phase_council_is_known(dictionary, open_data):
    listed = pd.read_csv(open_data / "community_budgets" / "first_phase_28_councils.csv", dtype=str)
    assert [dictionary.resolve_council(name).code for name in listed["la_name"]] == listed["new_la_code"].tolist()
    assert [dictionary.resolve_council(code).code for code in listed["old_la_code"]] == listed["new_la_code"].tolist()


def test_every_council_name_in_the_looked_after_files_is_known(dictionary, open_data):
    regions = re.compile(r"(?i)england|(north|south) (east|west)|(east|west) midlands|east of england|(inner |outer )?london|york.*humber")
    derived, raw = (sorted((open_data / "looked_after").glob(f"{kind}_*.csv")) for kind in ("derived", "raw"))
    assert derived and raw
    for path in derived:
        frame = pd.read_csv(path, dtype=str)
        names = {name.strip() for name in frame["la_name"].dropna() if not regions.fullmatch(name.strip())}
        unknown = {name for name in names if dictionary.find_council(name) is None}
        assert not unknown, path.name
    for path in raw:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            found = {council.code for row in csv.reader(file) for cell in row[:11] if (council := dictionary.find_council(cell))}
        in_2012 = {code for code in found if dictionary.councils[code].exists_on(dt.date(2012, 9, 1))}
        assert len(in_2012) >= 147, path.name   # the fewest: a file of 2010 that still lists Cheshire and Bedfordshire, and never the Isles of Scilly


def test_every_upper_tier_council_of_today_is_found_in_the_benefit_file_by_name(dictionary, open_data):
    names = set(pd.read_csv(open_data / "safety_nets" / "safety_nets_data_october_2025.csv", usecols=["la"], dtype=str)["la"])
    found = {council.code for name in names if (council := dictionary.find_council(name, on=dt.date(2024, 1, 1)))}
    # counties are left out: the file lists their districts
    today = {council.code for council in dictionary.councils.values() if council.last_day is None and council.type != "county"}
    assert {dictionary.councils[code].name for code in today - found} <= {"Isles Of Scilly", "City of London"}


# ---- what is wrong with a dictionary

def test_a_misspelt_field_is_named_with_the_nearest_one(copy):
    message = spoil(copy, "tables/families.yml", "nullable: true", "nulable: true")
    for part in ("nulable", "did you mean 'nullable'?", "tables/families.yml, column entry_date", "Mend"):
        assert part in message


def test_a_misspelt_field_of_a_part_is_named_with_the_nearest_one_of_that_part(copy):
    message = spoil(copy, "tables/benefit_spells.yml", "overlap: merge", "overlapp: merge")
    assert "spells.overlapp" in message and "did you mean 'overlap'?" in message


def test_a_wrong_type_lists_the_right_ones(copy):
    message = spoil(copy, "tables/attendance.yml", "type: integer", "type: intger")
    assert "must be one of" in message and "did you mean 'integer'?" in message and "column possible_sessions" in message


def test_a_key_that_is_no_column_is_named(copy):
    message = spoil(copy, "tables/offences.yml", "key: [offence_id]", "key: [offense_id]")
    assert "offense_id" in message and "did you mean 'offence_id'?" in message


def test_a_rule_on_an_unknown_column_is_named(copy):
    message = spoil(copy, "tables/attendance.yml", "<= possible_sessions", "<= posible_sessions")
    assert "absence_within_possible" in message and "did you mean 'possible_sessions'?" in message


def test_a_reference_to_nothing_is_named(copy):
    assert "'people.persn_id'" in spoil(copy, "tables/offences.yml", "people.person_id", "people.persn_id")


def test_a_field_written_twice_is_refused(copy):
    message = spoil(copy, "tables/links.yml", "title:", "title: Links\ntitle:")
    assert "'title' stands twice" in message and "links.yml" in message


def test_text_that_is_no_yaml_says_where(copy):
    message = spoil(copy, "tables/links.yml", "key: [", "key: [[")
    assert "links.yml, line" in message and "YAML" in message


@pytest.mark.parametrize("old, new, word", [
    ("direction: lower_is_better", "direction: lower", "direction"), ("members: school_age", "members: school_aged", "did you mean 'school_age'?"),
    ("presence: has_child_5_15", "presence: has_child_5_16", "did you mean 'has_child_5_15'?"),
    ("table: attendance", "table: atendance", "did you mean 'attendance'?"),
    ("numerator: unauthorised_sessions", "numerator: unauthorized_sessions", "numerator"),
    ("link_source: education", "link_source: educaton", "did you mean 'education'?"), ("calendar: [1, 2, 4]", "calendar: [1, 2, 5]", "calendar"),
    ("denominator: possible_sessions, ", "", "needs denominator"), ("covariates:", "covariate:", "did you mean 'covariates'?")])
def test_a_wrong_outcome_is_named_with_what_is_wrong(copy, old, new, word):
    message = spoil(copy, "outcomes.yml", old, new)
    assert word in message and "outcomes.yml" in message


def test_a_successor_that_is_no_council_is_named(copy):
    assert "E06999999" in spoil(copy, "councils.csv", "E06000055;E06000056", "E06000055;E06999999")


def test_a_missing_column_of_councils_is_named(copy):
    assert "'dfe_code' is missing" in spoil(copy, "councils.csv", "dfe_code", "dfecode")


def test_a_folder_without_tables_says_so(tmp_path):
    with pytest.raises(DictionaryError, match="holds no .yml file.*EVALUATION_DICTIONARY"):
        load_dictionary(tmp_path)


def test_entries_cannot_be_changed_and_travel_between_processes(dictionary):
    with pytest.raises(ValueError):
        dictionary.tables["people"].title = "People"
    again = pickle.loads(pickle.dumps(dictionary))
    assert again == dictionary and again.resolve_council("Leeds").code == "E08000035"


def test_spelling_forgets_case_punctuation_and_float_endings():
    assert spelling(" Bath & N.E. Somerset") == spelling("bath and n e somerset")
    assert spelling("King's Lynn") == spelling("KINGS LYNN")


def test_identifiers_of_a_condition_leave_out_words_in_quotes():
    assert identifiers("NOT treated OR pool = 'nsw_experiment'") == {"treated", "pool"}


@pytest.mark.parametrize(("name", "change", "words"), [
    ("any_custody", {"unknown_where": "verdict = 'x'"}, "no column of offences"),
    ("any_custody", {"by_address": True}, "address_id in offences")])
def test_a_condition_or_an_address_that_a_table_lacks_is_named(dictionary, name, change, words):
    with pytest.raises(DictionaryError, match=words):
        check_source(dictionary, dictionary.outcomes[name].sources["family"].model_copy(update=change), "here")


@pytest.mark.parametrize(("old", "new", "word"), [
    ("weeks: 13, ", "", "needs weeks"), ("'2010/11': 0.15", "'2010': 0.15", "written like 2010/11"), ("weeks: 13", "weeks: 0", "weeks"),
    ("looks_back: 1, ", "", "26 weeks reach back over 1 whole quarter(s)")])
def test_an_incomplete_rule_of_an_outcome_is_named(copy, old, new, word):
    assert word in spoil(copy, "outcomes.yml", old, new)


def test_a_source_is_checked_against_the_tables(dictionary):
    source = dictionary.outcomes["offences"].sources["family"].model_copy(update={"column": "day"})
    with pytest.raises(DictionaryError, match="no column of offences"):
        check_source(dictionary, source, "here")
