"""Each step of the cohort notebook says what the pipeline would, of this council's cohort and nobody else."""

from __future__ import annotations

import stat
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from evaluation import bench
from evaluation.disclosure.release import ReportContent
from evaluation.errors import CommonSupportError, DictionaryError, PlanError
from evaluation.showing import written

PICTURES = ("plot_observed", "plot_joiners", "plot_overlap", "plot_balance", "plot_trends", "plot_event_studies", "plot_checks", "plot_subgroups")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("2016-Q1", "must name periods of the plan, 2011-Q1 to 2015-Q4"),
        ("2013", "does not"),
        ("2013-Q2 to 2012-Q1", "must run from an earlier to a later"),
    ],
)
def test_a_cohort_that_is_none_is_refused(plan_path, words, told):
    with pytest.raises(PlanError, match=told):
        bench.open_study(plan_path, cohort=words)


def test_a_council_that_is_none_and_a_plan_that_is_nowhere_are_refused(plan_path):
    with pytest.raises(DictionaryError):
        bench.open_study(plan_path, council="Atlantis")
    with pytest.raises(PlanError, match="nowhere.yml must be there"):
        bench.open_study("nowhere.yml")


def test_a_room_of_the_benchs_own_is_private_and_goes_with_it_while_a_named_one_stays(plan_path, tmp_path):
    own, named = bench.open_study(plan_path), bench.open_study(plan_path, room=tmp_path / "room")
    (own.room / "rows").write_text("rows")
    assert stat.S_IMODE(own.room.stat().st_mode) == stat.S_IMODE(named.room.stat().st_mode) == 0o700
    assert "removed" in bench.leave(own) and "stay" in bench.leave(named)
    assert not own.room.exists() and named.room.exists()


def test_the_bench_says_whose_families_it_looks_at(plan_path, tmp_path):
    one = bench.open_study(plan_path, council="E06000022", cohort="2012-Q2", room=tmp_path)
    assert one.where == "Bath and North East Somerset, joined in 2012-Q2"
    some = bench.open_study(plan_path, cohort="2012-Q2 to 2012-Q4", room=tmp_path)
    assert some.where == "All places together, joined from 2012-Q2 to 2012-Q4"


def test_missing_values_are_counted_column_by_column(received):
    table = bench.missing(received).table.set_index(["table", "column"])
    families = received.tables["families"].frame()
    assert table.loc[("families", "entry_date"), "missing rows"] == families["entry_date"].isna().sum()
    assert table.loc[("families", "entry_date"), "missing (%)"] == pytest.approx(100 * families["entry_date"].isna().mean())
    assert ("families", "family_id") not in table.index and table["missing (%)"].is_monotonic_decreasing


def test_linkage_is_told_of_those_sought_in_this_council(received):
    table = bench.linkage(received).table
    links, people, families = (received.tables[name].frame() for name in ("links", "people", "families"))
    whole = links.merge(people[["person_id", "family_id"]].drop_duplicates()).merge(families[["family_id", "council_code", "entry_date"]])
    here = whole[(whole["council_code"] == "E06000022") & (whole["source"] == "police") & whole["entry_date"].notna()]
    sought = here[here["status"] != "not_attempted"]
    row = table[(table["source"] == "police") & table["joins"]].iloc[0]
    assert (row["people sought"], row["people not sought"]) == (len(sought), len(here) - len(sought))
    assert row["linked (%)"] == pytest.approx(100 * (sought["status"] == "linked").mean())


def test_coverage_of_one_council_is_its_own(received):
    table, frame = bench.coverage(received).table, received.tables["source_coverage"].frame()
    wanted = frame[(frame["council_code"] == "E06000022") & (frame["source"] == "police")].iloc[0]
    assert table.set_index("source").loc["police", "last day"] == wanted["last_date"].strftime("%d %B %Y")
    assert set(table["councils"]) == {1}


def test_faults_are_told_without_rows(received):
    assert bench.faults(received).title.startswith("No fault: every row kept its contract")
    assert "first_rows" not in bench.faults(received).table


def test_joiners_add_up_to_the_cohort_and_candidates_never_include_them(panel, study):
    table = bench.candidates(panel, study).table
    inside = (panel.units["council_code"] == "E06000022").to_numpy()
    assert table["joined"].sum() == (inside & (panel.entry >= 0)).sum()
    assert (table["could have joined"] <= inside.sum() - table["joined"].cumsum()).all()


def test_the_cohorts_own_sets_are_those_of_its_council_and_periods(matched, study, panel):
    some = replace(study, cohort=("2012-Q2", "2013-Q1"))
    own = bench.own(matched, some)
    joined = some.joined(panel)
    assert set(own.treated_unit) | set(own.dropped["unit"]) == set(joined) and own.n_treated + len(own.dropped) == len(joined)
    assert set(own.treated_entry) <= {5, 6, 7, 8}
    assert set(panel.units["council_code"].to_numpy()[own.comparison_unit]) == {"E06000022"}


def test_own_balance_after_matching_is_the_weighted_difference_of_its_own_members(own, panel):
    """Worked out again from the members alone: n_children is a fixed covariate."""
    x = panel.units["n_children"].to_numpy(dtype=float)
    treated = np.average(x[own.treated_unit], weights=own.treated_weight)
    comparison = np.average(x[own.comparison_unit], weights=own.comparison_weight)
    row = own.balance.set_index("covariate").loc["n_children"]
    assert row["mean_treated_matched"] == pytest.approx(treated) and row["mean_comparison_after"] == pytest.approx(comparison)
    assert row["smd_after"] == pytest.approx((treated - comparison) / row["sd_treated"])


def test_all_places_together_are_the_sample_itself(matched, study):
    assert bench.own(matched, replace(study, council="")) is matched


def test_a_cohort_of_whom_none_was_matched_is_said_to_have_none(matched, study):
    with pytest.raises(CommonSupportError, match="None of those who joined was matched: .*2011-Q1"):
        bench.own(matched, replace(study, cohort=("2011-Q1", "2011-Q1")))


def test_the_bench_finds_what_the_report_prints(found, run):
    printed = {result.outcome: result for result in ReportContent.read(run / "contents" / "E06000022.json").outcomes}
    for one in found.studies:
        shown = printed[one.numbers.outcome.name].effect
        assert shown.estimate.value is not None
        digits = len(shown.estimate.text.partition(".")[2])
        for name in ("estimate", "lower", "upper"):
            assert round(getattr(one.numbers.effect, name), digits) + 0.0 == getattr(shown, name).value


def test_three_numbers_stand_in_three_columns_with_three_names(found):
    shown = found.face()
    assert [name for name in shown.columns if name in ("before and after change", "payment by results (%)", "effect")] == [
        "before and after change", "payment by results (%)", "effect"]
    assert "true effect (simulated)" not in shown.columns  # a delivery is real until its plan says that it is simulated


def test_checks_come_with_failed_ones_first_and_none_is_lost(found):
    table = bench.checks(found).table
    order = table["verdict"].map({"failed": 0, "not testable": 1, "passed": 2, "information": 3})
    assert order.is_monotonic_increasing and len(table) == sum(len(one.checks) for one in found.estimated)


def test_what_could_be_seen_grows_with_the_error_and_shrinks_with_families(found):
    table = bench.detectable(found).table
    assert (table["smallest effect shown"] > 2.8 * table["standard error"]).all()
    blind = table["smallest effect shown"] > 0.1 * table["level without"].abs()
    assert (table["needed for a tenth of the level"] > table["matched units"])[blind].all()


def test_subgroups_add_up_to_the_whole_and_carry_one_test_each(found):
    table = bench.subgroups(found, "lone_parent").table
    for one in found.estimated:
        part = table[table["outcome"] == one.numbers.outcome.label]
        assert part["programme units"].sum() == one.numbers.effect.n_treated and part["test of difference, p"].nunique() == 1
    with pytest.raises(PlanError, match="'hair' is not one of"):
        bench.subgroups(found, "hair")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_png_with_words_that_hold_a_number(name, request):
    value = request.getfixturevalue
    given = {
        "plot_observed": ("panel", "study"), "plot_joiners": ("panel", "study"), "plot_overlap": ("own",), "plot_balance": ("own", "study"),
        "plot_trends": ("found",), "plot_event_studies": ("found",), "plot_checks": ("found",),
    }
    shown = bench.subgroups(value("found"), "lone_parent") if name == "plot_subgroups" else None
    made = getattr(bench, name)(*([shown] if shown is not None else [value(one) for one in given[name]]))
    bundle, about = made._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG") and about["image/png"]["alt"] == made.alt
    assert any(character.isdigit() for character in made.alt) and len(made.alt) > 30


def test_nothing_that_a_cell_shows_names_a_family(received, panel, study, matched, own, found):
    ids = set(panel.units["unit_id"])
    shown = [received, panel, matched, own, found, bench.faults(received), bench.missing(received), bench.linkage(received),
             bench.observed(panel, study), bench.candidates(panel, study), bench.sets(own), bench.left_out(own), bench.checks(found),
             bench.bases(found), bench.changes(found), bench.windows(found), bench.detectable(found)]
    text = " ".join(repr(one) + one._repr_html_() for one in shown)
    assert not any(one in text for one in ids)


def test_units_without_records_of_families_have_no_linkage(study, received):
    bare = replace(received, tables={name: table for name, table in received.tables.items() if name not in ("links", "source_coverage")})
    assert "No linkage is told" in bench.linkage(bare).title and "No coverage is told" in bench.coverage(bare).title
    assert isinstance(bench.linkage(bare).table, pd.DataFrame)


def test_one_outcome_shows_its_effect_beside_its_change_and_one_without_says_why(found):
    from evaluation.pipeline.estimate import unestimated

    one = found.estimated[0]
    shown = dict(zip(one.face().columns, one.face().rows[0], strict=True))
    assert shown["effect"] == written(one.numbers.effect.estimate)
    assert shown["before and after change"] == written(one.numbers.after - one.numbers.before)
    assert "Checks: " in repr(one) and "array(" not in repr(one) and "<table" in one._repr_html_()
    assert repr(unestimated(one.numbers.outcome, True, "Nobody was matched.")).endswith("not estimable\nNobody was matched.")


def test_the_effect_by_time_after_joining_is_the_mean_of_its_quarters_and_a_year_is_the_headline(found, study):
    shown = bench.windows(found).table
    assert set(shown["months"]) == {6, 12, 18, 24} and study.plan.estimator.headline.event_times == (1, 4)
    for one in found.estimated:
        rows = shown[shown["outcome"] == one.numbers.outcome.label].set_index("months")
        assert rows.loc[12, ["estimate", "lower", "upper"]].tolist() == pytest.approx(
            [one.numbers.effect.estimate, one.numbers.effect.lower, one.numbers.effect.upper])
        assert (rows["matched units"].diff().dropna() <= 0).all()


def test_the_change_of_those_matched_is_the_mean_of_their_own_over_the_same_seasons(found, own):
    shown = bench.changes(found).table.set_index("outcome")
    assert len(shown) == len(found.estimated) > 0
    for outcome in (one.numbers.outcome for one in found.estimated):
        gaps = changes_by_hand(own, outcome.name)
        told = shown.loc[outcome.label]
        per = 100 if outcome.scale == "count" else 1
        assert told["those matched"] == pytest.approx(per * np.mean(gaps)) and told["units, matched"] == len(gaps) <= told["units, all"]


def changes_by_hand(own, name: str) -> list[float]:
    """Family by family, quarters 1 to 4 after joining against the same seasons before, where both were seen."""
    y, gaps = own.panel.outcomes[name], []
    for unit in own.treated_unit:
        g, last = own.panel.entry[unit], y.shape[1] - 1
        sides = [(g + e, g + (e - 4 if e < 4 else -4)) for e in (1, 2, 3, 4)]
        seen = [y[unit, after] - y[unit, before] for after, before in sides if after <= last and before >= 0]
        seen = [gap for gap in seen if np.isfinite(gap)]
        gaps += [np.mean(seen)] if seen else []
    return gaps
