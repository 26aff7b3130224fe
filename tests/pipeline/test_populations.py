"""Families behind the numbers of two councils, against the delivered records themselves; and what a release with them must not change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.disclosure.audit import look_at
from evaluation.disclosure.release import ReportContent
from evaluation.findings.numbers import factor_of
from evaluation.matching.existing import complete_sets
from evaluation.pipeline.estimate import study_outcome
from evaluation.pipeline.outcome_sets import outcome_sets
from evaluation.pipeline.populations import populations_of, study_populations
from evaluation.pipeline.recipe import release
from evaluation.pipeline.scope_studies import studies_of
from evaluation.pipeline.scopes import place_of, scope_of
from tests.pipeline.studied import analysed, changed_plan

BATH, WANDSWORTH = "E06000022", "E09000032"
PLAN = "studies/demonstration/plan.yml"
SMALL = {
    "data.families": {BATH: 500, WANDSWORTH: 700}, "checks": ["balance"], "subgroups": [], "payment_by_results": None, "value": None,
    "outcomes.secondary": ["adult_in_work"],
}


@pytest.fixture(scope="module")
def analysis(dictionary, tmp_path_factory):
    return analysed(PLAN, dictionary, tmp_path_factory.mktemp("populations"), SMALL)


@pytest.fixture(scope="module")
def released(analysis):
    contents, ledger = release(analysis, (), analysis_hash="0" * 64)
    return {content.council.code: content for content in contents}, ledger


@pytest.fixture(scope="module")
def numbers(analysis):
    def of(code):
        scope = scope_of(analysis, code)
        return populations_of(analysis.populations, analysis.plan, analysis.dictionary, analysis.sample, scope, place_of(analysis, scope))
    return {code: of(code) for code in ("all", BATH, WANDSWORTH)}


def joined(analysis, code) -> pd.DataFrame:
    """Delivered families of a council that joined and are in the panel."""
    families = analysis.tables["families"].frame().set_index("family_id")
    units = analysis.sample.panel.units
    ids = units["unit_id"][(units["entry"] >= 0) & (units["council_code"] == code)]
    return families.loc[ids].assign(**{name: pd.to_datetime(families.loc[ids, name]) for name in ("entry_date", "exit_date")})


def test_exits_and_those_still_supported_are_those_of_the_records(analysis, numbers):
    for code in (BATH, WANDSWORTH):
        rows, end = joined(analysis, code), pd.Timestamp("2016-01-01")
        over = rows["exit_date"] < end
        expected = rows.loc[over, "exit_reason"].fillna("").value_counts().to_dict() | {"supported": int((~over).sum())}
        found = dict(zip(numbers[code].exits["reason"], numbers[code].exits["n"], strict=True))
        assert {reason: n for reason, n in found.items() if n} == {reason: n for reason, n in expected.items() if n}
        assert numbers[code].n_joined == len(rows) == found["supported"] + over.sum()


def test_those_still_supported_after_a_year_are_those_whose_support_ends_later(analysis, numbers):
    rows = joined(analysis, BATH)
    closes = (rows["entry_date"].dt.to_period("Q") + 5).dt.start_time                    # the day after the four quarters that follow that of joining
    going_on = rows["exit_date"].isna() | (rows["exit_date"] >= closes)
    year = numbers[BATH].windows.set_index("months").loc[12]
    assert 0 < year["n_partial"] <= (going_on & (closes <= pd.Timestamp("2016-01-01"))).sum() and year["n_followed"] <= len(rows)
    assert (numbers[BATH].windows["n_followed"].diff().dropna() <= 0).all()


def test_complete_sets_hold_only_families_with_a_child_of_school_age_on_the_day_of_the_index_quarter(analysis, numbers):
    sample = analysis.sets.own["unauthorised_absence_rate"]
    people = analysis.tables["people"].frame()
    children = people[people["role"] == "child"]
    born = pd.PeriodIndex(children["birth_month"].astype(str), freq="M")
    begins, ends = (pd.to_datetime(children[name]) for name in ("member_from", "member_to"))
    ids, periods = sample.panel.units["unit_id"].to_numpy(), sample.panel.periods
    for units, columns in ((sample.treated_unit, sample.treated_entry), (sample.comparison_unit, sample.comparison_entry)):
        for column in np.unique(columns):
            day = pd.Period(periods.label(int(column)).replace("-", ""), "Q").start_time
            aged = (born + 60 <= day.to_period("M")) & (born + 192 > day.to_period("M"))
            with_child = set(children["family_id"][aged & (begins <= day) & ~(ends < day)])
            assert set(ids[units[columns == column]]) <= with_child
    assert sample.n_treated < analysis.sample.n_treated


def test_every_effect_rests_on_the_complete_sets_of_its_outcome(analysis):
    estimating = analysis.estimating
    for code in ("all", BATH, WANDSWORTH):
        scope = scope_of(analysis, code)
        for study in studies_of(analysis, scope):
            outcome, found = study.numbers.outcome, study.numbers.effect
            own = complete_sets(scope.sample, outcome.name)
            effects = estimating.estimator().fit(own, outcome.name, calendar=outcome.sources["family"].calendar)
            expected, factor = estimating.summarised(effects), factor_of(outcome)
            assert (found.estimate, found.std_error) == pytest.approx((expected.estimate * factor, expected.std_error * factor))
            assert (found.n_treated, found.n_comparison) == (expected.n_treated, expected.n_comparison) and found.n_treated <= own.n_treated
    assert analysis.sets.own["asb_incidents"] is analysis.sample is not analysis.sets.own["unauthorised_absence_rate"]


def test_numbers_of_families_in_the_table_are_those_behind_the_effects(released):
    for content in released[0].values():
        shown = {result.label: result for result in content.outcomes if result.status == "estimated"}
        rows = {row[0]: row for row in content.populations.complete.rows}
        assert set(shown) <= set(rows) and len(shown) > 2
        for label, result in shown.items():
            assert rows[label][2:4] == (result.n_treated.text, result.n_comparison.text)


def test_where_complete_sets_are_all_but_a_few_one_number_and_one_effect_leave_and_the_audit_finds_them_safe(analysis):
    """Every family has a child of school age but three of Bath's programme: a reader of both populations would learn of those three."""
    panel, absence = analysis.sample.panel, "unauthorised_absence_rate"
    members = np.maximum(panel.members[absence], 1)
    members[analysis.sample.treated_unit[(panel.units["council_code"].to_numpy()[analysis.sample.treated_unit] == BATH)][:3]] = 0
    sample = replace(analysis.sample, panel=replace(panel, members={**panel.members, absence: members}))
    outcomes = [analysis.dictionary.outcomes[name] for name in analysis.plan.outcomes.all]
    sets, joined = outcome_sets(analysis.plan, outcomes, sample), np.flatnonzero(panel.entry >= 0)
    assert sample.n_treated - sets.own[absence].n_treated == 3
    studies = {outcome.name: study_outcome(analysis.estimating, outcome, sets, joined) for outcome in outcomes}
    populations = study_populations(analysis.plan, analysis.dictionary, analysis.tables, sets)
    changed = replace(analysis, sample=sample, sets=sets, studies=studies, populations=populations)
    contents, ledger = release(changed, (), analysis_hash="0" * 64)
    assert ledger.audit is not None and not look_at(ledger).unsafe
    assert not any("complete sets" in entry.who.identity for entry in ledger.entries if entry.of)
    for content in contents:
        entries = [entry for entry in ledger.of_report(content.council.code) if f"measured {absence}=yes" in entry.who.identity.rsplit("/", 1)[-1]]
        effects = {entry.who.identity: entry.n for entry in entries if entry.what == "effect, estimate"}
        own = complete_sets(scope_of(changed, content.council.code).sample, absence)
        assert len(effects) == 1 and next(iter(effects.values())) <= own.n_treated
        counts = {entry.who.identity: entry.n for entry in entries if entry.what == "treated"}
        assert counts == effects                                               # one number of families, and it is the effect's


def test_balance_of_complete_sets_is_that_of_all_places(analysis, numbers):
    of = {code: {one.outcome: one for one in numbers[code].complete} for code in numbers}
    assert all(of[BATH][name].smd == whole.smd for name, whole in of["all"].items())
    balance = complete_sets(analysis.sample, "unauthorised_absence_rate").balance
    assert of["all"]["asb_incidents"].members == "" and of["all"]["unauthorised_absence_rate"].members == "school_age"
    assert abs(of["all"]["unauthorised_absence_rate"].smd) == balance["smd_after"].abs().max() != analysis.sample.balance["smd_after"].abs().max()


def test_what_was_seen_is_what_the_panel_holds(analysis, numbers):
    panel, sample = analysis.sample.panel, analysis.sample
    for one in numbers["all"].seen[::2]:                                               # the programme's arm
        name = next(name for name, outcome in analysis.dictionary.outcomes.items() if outcome.label == one.label)
        columns = sample.treated_entry[:, None] + np.arange(1, 5)
        reached = columns < len(panel.periods)
        values = panel.outcomes[name][np.broadcast_to(sample.treated_unit[:, None], columns.shape)[reached], columns[reached]]
        assert sum(one.quarters.values()) == reached.sum() and one.quarters[0] == np.isfinite(values).sum()


def test_shares_of_ways_of_councils_are_parts_of_those_of_all(numbers):
    of = {code: numbers[code].ways.set_index("way") for code in numbers}
    for way in of["all"].index:
        touched = sum(of[code].loc[way, "n_treated"] for code in (BATH, WANDSWORTH))
        assert touched == of["all"].loc[way, "n_treated"]
        low, high = sorted(of[code].loc[way, "share_comparison"] for code in (BATH, WANDSWORTH))
        assert low <= of["all"].loc[way, "share_comparison"] <= high


def test_every_report_carries_them_and_the_whole_release_passes_its_audit(released):
    contents, ledger = released
    assert set(contents) == {BATH, WANDSWORTH} and ledger.audit is not None
    for content in contents.values():
        assert content.populations.windows and content.populations.complete and content.populations.support
        assert {"missing-values", "ways"} <= {table.id for table in content.tables}
        assert {"Ways to the comparison group", "Other services"} <= {check.name for check in content.checks}


def test_page_one_and_every_effect_are_as_they_were_without_them(analysis, released):
    plain = {content.council.code: content for content in release(replace(analysis, populations=None), (), analysis_hash="0" * 64)[0]}
    for code, content in released[0].items():
        assert plain[code].populations is None
        assert (content.summary, content.outcomes, content.strength) == (plain[code].summary, plain[code].outcomes, plain[code].strength)


def test_made_again_they_are_the_same_to_the_byte(analysis, released, tmp_path):
    def written(content: ReportContent, path: Path) -> bytes:
        content.write(path)
        return path.read_bytes()
    again = study_populations(analysis.plan, analysis.dictionary, analysis.tables, analysis.sets)
    contents, _ = release(replace(analysis, populations=again), (BATH, WANDSWORTH), analysis_hash="0" * 64)
    assert [written(content, tmp_path / "again") for content in contents] == [written(released[0][content.council.code], tmp_path / "first")
                                                                             for content in contents]


def test_studies_of_areas_have_none():
    plan = changed_plan("studies/community_budgets_2011/plan.yml")
    assert study_populations(plan, None, {}, None) is None
