"""A contract applied to a relation: each kind of fault, every row accounted for, nothing said of a value."""
from __future__ import annotations

import duckdb
import pytest

from evaluation.dictionary import Rule
from evaluation.errors import ContractError, DictionaryError, EvaluationError
from evaluation.ingest.contracts import check_relation
from evaluation.ingest.tables import CheckedTable, describe, describe_faults

ATTENDANCE = ("person_id", "term", "possible_sessions", "authorised_sessions", "unauthorised_sessions")
GOOD = ("p1", "2011/12-autumn", "120", "3", "2")


@pytest.fixture
def check(dictionary, tmp_path):
    """check(table, columns, *rows) -> CheckedTable; rows are numbered from 2. Hand-made tables are small, so any share of bad rows is allowed."""
    def run(name, columns, *rows, parents=None, share=1.0, **changes):
        con = duckdb.connect()
        con.execute(f"CREATE TABLE delivered ({', '.join(f'{chr(34)}{column}{chr(34)} VARCHAR' for column in columns)}, _file VARCHAR, _row VARCHAR)")
        for number, row in enumerate(rows, start=2):
            con.execute(f"INSERT INTO delivered VALUES ({', '.join('?' * (len(columns) + 2))})", [*row, f"{name}.csv", str(number)])
        table = dictionary.tables[name].model_copy(update={"max_quarantine_share": share, **changes})
        return check_relation(con, "delivered", table, room=tmp_path / "room", dictionary=dictionary, parents=parents)
    return run


def found(checked: CheckedTable) -> set[tuple]:
    """(reason, column, rows, first rows) of every fault, but for what was understood in another form or read as missing."""
    return {(fault.reason, fault.column, fault.count, fault.first_rows) for fault in checked.faults if fault.severity not in ("normalise", "blank")}


def counted(checked: CheckedTable, severity: str) -> dict[tuple, int]:
    """(reason, column) -> rows of what was understood in another form, or read as missing."""
    return {(fault.reason, fault.column): fault.count for fault in checked.faults if fault.severity == severity}


def set_aside(checked: CheckedTable) -> dict[int, list[str]]:
    """Row number -> reasons, as the quarantine file says."""
    return dict(duckdb.execute("SELECT _row::INTEGER, _reasons FROM read_parquet(?) ORDER BY ALL", [str(checked.quarantine)]).fetchall())


def test_good_rows_are_kept_typed_and_sorted_by_key(check):
    checked = check("attendance", ATTENDANCE, ("p2", *GOOD[1:]), GOOD)
    assert checked.frame().to_dict("list") == {"person_id": ["p1", "p2"], "term": ["2011/12-autumn"] * 2, "possible_sessions": [120, 120],
                                              "authorised_sessions": [3, 3], "unauthorised_sessions": [2, 2]}
    assert (checked.rows_in, checked.rows_kept, checked.rows_quarantined, checked.rows_dropped, checked.quarantine) == (2, 2, 0, 0, None)
    assert checked.faults == ()


@pytest.mark.parametrize("column, value, fault", [
    ("person_id", "", "missing_value"), ("person_id", "00000000", "placeholder_id"), ("person_id", "#REF!", "spreadsheet_error"),
    ("term", "2011/13-autumn", "wrong_type"), ("term", "2011/12-winter", "wrong_type"),
    ("term", "1999/00-autumn", "out_of_range"), ("possible_sessions", "many", "wrong_type"), ("possible_sessions", "3.5", "wrong_type"),
    ("possible_sessions", "nan", "wrong_type"), ("possible_sessions", "1,20", "wrong_type"), ("possible_sessions", "999", "out_of_range"),
    ("possible_sessions", "NULL", "missing_value"),
    ("unauthorised_sessions", "-1", "out_of_range"), ("unauthorised_sessions", "9" * 40, "wrong_type")])
def test_a_bad_value_sets_its_row_aside_with_the_reason(check, column, value, fault):
    row = {**dict(zip(ATTENDANCE, ("p2", *GOOD[1:]), strict=True)), column: value}
    checked = check("attendance", ATTENDANCE, GOOD, tuple(row.values()))
    assert found(checked) == {(fault, column, 1, (3,))}
    assert set_aside(checked) == {3: [f"{fault}:{column}"]}
    assert (checked.rows_in, checked.rows_kept, checked.rows_quarantined) == (2, 1, 1)


@pytest.mark.parametrize("column, value, typed", [
    ("possible_sessions", "120.0", 120), ("possible_sessions", " 1e2 ", 100), ("possible_sessions", "\u00a0120\u200b", 120),
    ("term", "2011/12-AUTUMN", "2011/12-autumn")])
def test_another_way_to_write_a_value_is_understood(check, column, value, typed):
    row = {**dict(zip(ATTENDANCE, GOOD, strict=True)), column: value}
    assert check("attendance", ATTENDANCE, tuple(row.values())).frame()[column].tolist() == [typed]


def test_thousands_commas_are_understood_in_numbers_only_where_they_belong(check):
    costs = ("council_code", "financial_year", "cost", "families_supported", "price_year")
    checked = check("programme_costs", costs, ("800", "2012-13", "1,234,567.5", "1,000", ""), ("800", "201314", "12,34", "", ""))
    assert checked.frame()[["financial_year", "cost", "families_supported"]].values.tolist() == [["2012/13", 1234567.5, 1000]]
    assert found(checked) == {("wrong_type", "cost", 1, (3,))}


@pytest.mark.parametrize("day, kept, fault", [
    ("2011-04-30", "2011-04-30", ""), ("30/04/2011", "2011-04-30", ""), ("2011-04-30 00:00:00", "2011-04-30", ""),
    ("04/30/2011", None, "month_first"),
    ("30/02/2011", None, "no_such_date"), ("31/04/2011", None, "no_such_date"), ("01/02/15", None, "two_digit_year"), ("40663", None, "excel_serial"),
    ("2011-04-30 23:00:00", None, "time_of_day"), ("soon", None, "wrong_type")])
def test_days_are_read_in_the_declared_forms_and_no_other(check, day, kept, fault):
    checked = check("employment_spells", ("person_id", "start_date", "end_date"), ("p1", day, "2012-01-01"))
    assert [str(value.date()) for value in checked.frame()["start_date"]] == ([kept] if kept else [])
    assert found(checked) == (set() if kept else {(fault, "start_date", 1, (2,))})


def test_a_sentinel_day_means_missing_where_the_contract_says_so(check):
    checked = check("employment_spells", ("person_id", "start_date", "end_date"), ("p1", "2011-01-01", "31/12/9999"), ("p2", "1900-01-01", ""))
    assert checked.frame()["end_date"].isna().tolist() == [True]
    assert found(checked) == {("missing_value", "start_date", 1, (3,))}
    assert counted(checked, "blank") == {("missing_code", "end_date"): 1, ("sentinel_date", "start_date"): 1}
    assert counted(checked, "normalise") == {("open_spell", "end_date"): 1}


def test_a_code_outside_the_list_is_not_a_code(check):
    checked = check("exclusions", ("person_id", "date", "kind", "sessions"), ("p1", "2011-10-03", "fixed", "4"), ("p2", "2011-10-03", "internal", ""))
    assert found(checked) == {("not_a_code", "kind", 1, (3,))}
    assert "must be one of fixed, permanent" in checked.faults[0].text()


def test_a_broken_rule_is_named_with_its_reason_and_a_missing_value_breaks_none(check):
    families = ("family_id", "council_code", "first_eligible_date", "entry_date", "exit_date", "exit_reason", "referral_reason",
                "criterion_crime_asb_date", "criterion_education_date", "criterion_work_date", "key_worker_caseload")
    blank = ("",) * 5
    checked = check("families", families, ("f1", "Leeds", "2012-01-01", "2011-01-01", "", "", *blank),
                    ("f2", "Leeds", "2012-01-01", "", "", "", *blank),
                    ("f3", "Leeds", "2012-01-01", "", "2012-03-01", "", *blank))
    assert found(checked) == {("rule_broken", "entry_after_eligible", 1, (2,)), ("rule_broken", "exit_needs_entry", 1, (4,))}
    assert checked.frame()["council_code"].tolist() == ["E08000035"]
    assert any("a family joins on or after the day it became eligible" in fault.text() for fault in checked.faults)


def test_an_incident_without_person_family_and_address_breaks_a_rule(check):
    columns = ("incident_id", "date", "incident_type", "action", "person_id", "family_id")
    checked = check("asb_incidents", columns, ("i1", "2011-05-05", "nuisance", "none", "", ""), ("i2", "2011-05-05", "nuisance", "none", "p1", ""))
    assert set_aside(checked) == {2: ["rule_broken:person_family_or_address"]}


def test_an_unknown_council_is_set_aside(check):
    coverage = ("source", "council_code", "first_date", "last_date")
    checked = check("source_coverage", coverage, ("police", "E06000022", "2010-01-01", "2015-12-31"), ("asb", "Atlantis", "2010-01-01", "2015-12-31"))
    assert found(checked) == {("unknown_council", "council_code", 1, (3,))}
    assert "councils.csv" in checked.faults[0].mend


def test_the_same_council_under_two_names_is_a_duplicate_key(check):
    coverage = ("source", "council_code", "first_date", "last_date")
    checked = check("source_coverage", coverage, ("police", "E06000022", "2010-01-01", "2015-12-31"),
                    ("police", "Bath and North East Somerset", "2011-01-01", "2015-12-31"))
    assert found(checked) == {("duplicate_key", "source, council_code", 2, (2, 3))}


def test_exact_duplicates_are_dropped_and_counted_and_differing_copies_of_a_key_all_set_aside(check):
    other = ("p2", *GOOD[1:])
    checked = check("attendance", ATTENDANCE, GOOD, GOOD, other, (*other[:4], "9"), other, ("p3", *GOOD[1:]))
    assert found(checked) == {("exact_duplicates", "", 2, (3, 6)), ("duplicate_key", "person_id, term", 2, (4, 5))}
    assert (checked.rows_in, checked.rows_kept, checked.rows_quarantined, checked.dropped) == (6, 2, 2, (("exact_duplicates", 2),))
    assert checked.frame()["person_id"].tolist() == ["p1", "p3"]


def test_without_a_declared_rule_exact_duplicates_are_set_aside(check):
    checked = check("attendance", ATTENDANCE, GOOD, GOOD, drop=())
    assert (checked.rows_kept, checked.rows_quarantined, checked.rows_dropped) == (0, 2, 0)


def test_blank_rows_are_dropped_and_counted(check):
    checked = check("attendance", ATTENDANCE, GOOD, ("", " ", "", "", ""), ("",) * 5)
    assert checked.dropped == (("blank_rows", 2),) and checked.rows_kept == 1


def test_an_orphan_is_set_aside_and_a_quarantined_parent_makes_orphans(check):
    columns = ("person_id", "family_id", "member_from", "member_to", "birth_month", "sex", "role", "sen", "free_school_meals", "ethnicity_group")
    rest = ("f1", "2011-01-01", "", "2001-02", "F", "child", "none", "Y", "white")
    people = check("people", columns, ("p1", *rest), ("p2", *rest[:4], "X", *rest[5:]))
    assert set_aside(people) == {3: ["not_a_code:sex"]}
    attendance = check("attendance", ATTENDANCE, GOOD, ("p2", *GOOD[1:]), ("p9", *GOOD[1:]), parents={"people": people})
    assert found(attendance) == {("orphan_key", "person_id", 2, (3, 4))}
    assert attendance.frame()["person_id"].tolist() == ["p1"]


def test_several_faults_of_one_row_are_all_named(check):
    checked = check("attendance", ATTENDANCE, GOOD, ("p2", "autumn", "100", "90", "20"))
    assert set_aside(checked) == {3: ["wrong_type:term", "rule_broken:absence_within_possible"]}


def test_a_sum_too_large_for_an_integer_is_a_fault_of_the_row_not_a_crash(check):
    huge = str(2**63 - 1)
    checked = check("attendance", ATTENDANCE, GOOD, ("p2", "2011/12-autumn", huge, huge, huge))
    assert {reason for reason, *_ in found(checked)} == {"out_of_range"}


def test_a_missing_column_rejects_the_table_with_the_nearest_name(check):
    with pytest.raises(ContractError) as error:
        check("attendance", ("person_id", "term", "posible_sessions", "authorised_sessions", "unauthorised_sessions"), GOOD)
    assert "[missing_column] attendance.possible_sessions" in str(error.value) and "did you mean 'posible_sessions'?" in str(error.value)
    assert {fault.reason for fault in error.value.faults} == {"missing_column", "unknown_column"}


def test_an_unknown_column_is_only_a_warning(check):
    checked = check("attendance", (*ATTENDANCE, "remarks"), (*GOOD, "text"))
    assert found(checked) == {("unknown_column", "remarks", 0, ())} and checked.faults[0].severity == "warn"
    assert "remarks" not in checked.frame()


def test_a_heading_that_may_hold_data_is_named_by_its_place(check):
    checked = check("attendance", (*ATTENDANCE, "SMITH 2001-04-30"), (*GOOD, "x"))
    assert "column number 6" in checked.faults[0].text() and "2001" not in repr(checked.faults)


def test_a_heading_that_may_be_a_name_is_not_said(check):
    assert "QZXNAME" not in repr(check("attendance", (*ATTENDANCE, "QZXNAME"), (*GOOD, "x")).faults)


def test_columns_may_stand_in_any_order_and_case(check):
    checked = check("attendance", ("TERM", "Person_ID", *ATTENDANCE[2:]), (GOOD[1], GOOD[0], *GOOD[2:]))
    assert checked.frame()["person_id"].tolist() == ["p1"]


def test_a_table_without_rows_is_rejected(check):
    with pytest.raises(ContractError, match="empty_file"):
        check("attendance", ATTENDANCE)


def test_more_faults_than_the_contract_allows_reject_the_table_with_all_of_them(check):
    rows = [(f"p{n}", *GOOD[1:]) for n in range(19)]
    assert check("attendance", ATTENDANCE, *rows, ("p19", "autumn", *GOOD[2:]), share=0.05).rows_quarantined == 1       # 1 of 20: just allowed
    with pytest.raises(ContractError) as error:
        check("attendance", ATTENDANCE, *rows, ("p19", "autumn", *GOOD[2:]), ("p20", "2011/12-autumn", "x", "1", "1"), share=0.05)
    assert {"too_many_faults", "wrong_type"} == {fault.reason for fault in error.value.faults} and "2 of 21 are" in str(error.value)


def test_no_message_holds_a_value(check):
    canary = "CANARY77"
    with pytest.raises(ContractError) as error:
        check("attendance", ATTENDANCE, (canary, canary, canary, canary, canary), (canary, "2011/12-autumn", "1", "5", "5"), share=0.0)
    assert canary not in str(error.value) and canary not in repr(error.value.faults)
    with pytest.raises(ContractError) as error:     # the heading is missing, and the first row of data stands in its place
        check("attendance", (canary, "CANARY78 CANARY79", "CANARY80", "CANARY81", "CANARY82"), GOOD)
    assert "CANARY" not in str(error.value) + repr(error.value.faults) and "must be a heading" in str(error.value)


def test_the_content_hash_depends_on_the_kept_rows_alone(check):
    rows = [(f"p{n}", *GOOD[1:]) for n in range(5)]
    first = check("attendance", ATTENDANCE, *rows)
    again = check("attendance", ATTENDANCE, *reversed(rows), ("p9", "autumn", *GOOD[2:]), rows[0])
    other = check("attendance", ATTENDANCE, *rows[:4], ("p4", *GOOD[1:4], "3"))
    assert first.content_hash == again.content_hash != other.content_hash
    assert len(first.content_hash) == 64


def test_a_rule_that_is_no_sql_is_an_error_of_the_dictionary(check):
    with pytest.raises(DictionaryError, match="'upside_down' is not.*tables/attendance.yml"):
        check("attendance", ATTENDANCE, GOOD, rules=(Rule(name="upside_down", sql="possible_sessions > > 3", reason="r", mend="m"),))


def test_a_table_that_loses_a_row_cannot_be_made(check):
    good = check("attendance", ATTENDANCE, GOOD)
    with pytest.raises(EvaluationError, match="kept, set aside or dropped"):
        CheckedTable(name="x", path=good.path, rows_in=3, rows_kept=1, rows_quarantined=1, rows_dropped=0, content_hash="")


def test_the_summary_counts_rows_and_faults(check):
    checked = check("attendance", ATTENDANCE, GOOD, GOOD, ("p2", "autumn", *GOOD[2:]))
    assert describe({"attendance": checked}).to_dict("records") == [
        {"table": "attendance", "rows_in": 3, "kept": 1, "quarantined": 1, "dropped": 1, "faults": 1, "warnings": 0}]
    assert describe_faults(checked.faults)[["reason", "rows", "first_rows"]].values.tolist() == [["wrong_type", 1, "4"], ["exact_duplicates", 1, "3"]]


def test_a_table_of_more_than_sixty_checks_is_checked_whole(dictionary, check):
    columns = tuple(dictionary.tables["council_year"].columns)
    rows = []
    for council, spoilt in (("800", {}), ("801", {"looked_after": "10", "looked_after_offending": "11"}), ("802", {"schools": "-4"})):
        named = {"council_code": council, "school_year": "2011/12", "school_type": "total", "year_breakdown": "five"}
        rows.append(tuple((dict.fromkeys(columns, "c") | named | spoilt).values()))
    checked = check("council_year", columns, *rows)
    assert found(checked) == {("rule_broken", "offending_within_looked_after", 1, (3,)), ("out_of_range", "schools", 1, (4,))}


@pytest.mark.parametrize("name", ["families", "people", "council_year", "participants", "programme_areas"])
def test_every_contract_compiles(name, dictionary, check):
    columns = tuple(dictionary.tables[name].columns)
    checked = check(name, columns, tuple("?" for _ in columns), ("",) * len(columns))
    assert (checked.rows_kept, checked.rows_quarantined, checked.rows_dropped) == (0, 1, 1)


FAMILY = ("family_id", "council_code", "first_eligible_date", "entry_date", "exit_date", "exit_reason", "referral_reason", "criterion_crime_asb_date",
          "criterion_education_date", "criterion_work_date", "key_worker_caseload")
STAY = ("family_id", "area_code", "from_date", "to_date")


def family(name: str, entry: str, exit_date: str = "") -> tuple[str, ...]:
    """A row of a family that joined and perhaps left."""
    return (name, "E06000022", "2011-01-01", entry, exit_date, "completed" if exit_date else "", "work", "", "", "", "")


def test_overlapping_programme_spells_of_one_family_are_set_aside_with_how_to_mend_them(check):
    checked = check("families", FAMILY, family("f1", "2012-01-10", "2012-12-31"), family("f1", "2012-06-01"), family("f2", "2012-06-01"))
    fault = next(fault for fault in checked.faults if fault.reason == "overlapping_spells")
    assert (fault.column, fault.count, fault.first_rows, checked.rows_kept) == ("family_id", 2, (2, 3), 1)
    assert "programme spells of one family must not overlap" in fault.text() and "deliver one row for the family" in fault.text()
    assert "f1" not in fault.text() and "2012" not in fault.text()


def test_a_negative_cost_of_the_programme_is_set_aside_with_where_and_how_to_mend_it_and_never_said(check):
    columns = ("council_code", "financial_year", "cost", "families_supported", "price_year")
    checked = check("programme_costs", columns, ("E06000022", "2012/13", "-17350", "", ""), ("E06000022", "2013/14", "0", "", ""))
    fault = next(fault for fault in checked.faults if fault.severity == "quarantine")
    assert (fault.reason, fault.column, fault.first_rows, checked.rows_kept) == ("out_of_range", "cost", (2,), 1)
    assert "programme_costs.cost" in fault.text() and "Mend" in fault.text() and "17350" not in fault.text()


def test_a_family_with_two_entries_one_after_the_other_shares_a_key_and_overlaps_nothing(check):
    checked = check("families", FAMILY, family("f1", "2012-01-10", "2012-03-31"), family("f1", "2012-06-01"))
    assert found(checked) == {("duplicate_key", "family_id", 2, (2, 3))}


def test_the_same_row_twice_is_one_spell(check):
    checked = check("families", FAMILY, family("f1", "2012-01-10"), family("f1", "2012-01-10"))
    assert checked.rows_kept == 1 and {reason for reason, *_ in found(checked)} == {"exact_duplicates"}


def test_a_family_lives_in_one_area_at_a_time(check):
    checked = check("addresses", STAY, ("f1", "E01000001", "2010-01-01", "2012-06-30"), ("f1", "E01000002", "2012-07-01", ""),
                    ("f2", "E01000001", "2010-01-01", ""), ("f2", "E01000002", "2012-07-01", ""), ("f3", "E01000003", "2010-01-01", ""))
    assert set_aside(checked) == {4: ["overlapping_spells:family_id"], 5: ["overlapping_spells:family_id"]}


def test_a_spell_that_holds_others_overlaps_all_of_them(check):
    checked = check("addresses", STAY, ("f1", "E01000001", "2010-01-01", "2014-12-31"), ("f1", "E01000002", "2011-01-01", "2011-06-30"),
                    ("f1", "E01000003", "2012-01-01", "2012-06-30"), ("f1", "E01000004", "2015-01-01", ""))
    assert sorted(set_aside(checked)) == [2, 3, 4]


def test_a_contract_whose_spells_name_no_column_is_refused(dictionary):
    with pytest.raises(ValueError, match="spells names column 'entered'"):
        type(dictionary.tables["families"])(**{**dictionary.tables["families"].model_dump(), "spells": {
            "of": "family_id", "begins": "entered", "ends": "exit_date", "what": "spells", "mend": "Mend it."}})
