"""Simulated records: what they obey, what they resemble, and that the truth kept beside them is the truth."""
from __future__ import annotations

import hashlib

import duckdb
import numpy as np
import pytest

from evaluation.errors import DictionaryError, EstimationError, PlanError
from evaluation.ingest.reading import receive_extracts
from evaluation.panel.families import build_families
from evaluation.periods import Periods
from evaluation.simulate import DEFAULT_EFFECTS, Simulation, Truth
from evaluation.simulate.composition import compose
from evaluation.simulate.quarters import Calendar
from evaluation.simulate.streams import stream
from evaluation.simulate.truth import codes_of
from evaluation.simulate.world import CRISIS_MEMORY, CRISIS_SHARE, PROCESSES, Joining, crises, sticky_uniform, unfold, untreated_chance

PERIODS = Periods.between("2011-Q1", "2014-Q4", kind="quarter")
COUNCILS = {"E06000022": 45, "E08000006": 1_600, "E09000032": 1_355}
TABLES = {"families", "people", "attendance", "exclusions", "offences", "asb_incidents", "benefit_spells", "employment_spells", "activity_spells",
          "programme_costs",
          "addresses", "needs", "other_support", "results_claimed", "links", "source_coverage"}

# Published profile of families on the national programme (guide/domain.md 1.1, S9), and how near 1,200 joining families must land:
# three standard errors of a share at this size are about .04; the published words ("just under half") leave the rest.
PROFILE = {"lone parent": (0.48, 0.05), "three or more children": (0.36, 0.05), "adult in work": (0.32, 0.05),
           "adult on out-of-work benefits": (0.48, 0.05),
           "child in need, 12 months before": (0.33, 0.05), "child's offence, 12 months before": (0.12, 0.035),
           "adult's offence, 12 months before": (0.17, 0.04), "white people": (0.80, 0.04)}

PROFILE_SQL = """
WITH fam AS (SELECT * FROM families WHERE entry_date IS NOT NULL),
mem AS (SELECT p.*, f.entry_date,
               12 * year(entry_date) + month(entry_date)
                   - 12 * CAST(substr(birth_month, 1, 4) AS INT) - CAST(substr(birth_month, 6, 2) AS INT) AS months
        FROM people p JOIN fam f USING (family_id) WHERE member_from <= entry_date AND (member_to IS NULL OR member_to >= entry_date)),
unlinked AS (SELECT family_id, bool_or(source = 'police') AS police, bool_or(source = 'benefits') AS benefits,
                    bool_or(source = 'employment') AS employment
             FROM mem JOIN links USING (person_id) WHERE status = 'not_linked' GROUP BY family_id),
crime AS (SELECT family_id, bool_or(role = 'child' AND months < 216) AS child, bool_or(role = 'adult') AS adult
          FROM mem JOIN offences USING (person_id) WHERE date >= entry_date - 365 AND date < entry_date GROUP BY family_id),
claim AS (SELECT DISTINCT family_id, true AS is_so FROM mem JOIN benefit_spells USING (person_id)
          WHERE start_date <= entry_date AND (end_date IS NULL OR end_date >= entry_date)),
job AS (SELECT DISTINCT family_id, true AS is_so FROM mem JOIN employment_spells USING (person_id)
        WHERE start_date <= entry_date AND (end_date IS NULL OR end_date >= entry_date)),
need AS (SELECT DISTINCT family_id, true AS is_so FROM fam JOIN needs USING (family_id)
         WHERE need = 'child_in_need' AND start_date < entry_date AND (end_date IS NULL OR end_date >= entry_date - 365)),
size AS (SELECT family_id, count(*) FILTER (role = 'adult') AS adults, count(*) FILTER (role = 'child' AND months < 216) AS children
         FROM mem GROUP BY family_id)
SELECT avg((adults = 1)::INT) AS "lone parent", avg((children >= 3)::INT) AS "three or more children",
    avg((job.is_so IS NOT NULL)::INT) FILTER (employment IS NOT TRUE) AS "adult in work",
    avg((claim.is_so IS NOT NULL)::INT) FILTER (benefits IS NOT TRUE) AS "adult on out-of-work benefits",
    avg((need.is_so IS NOT NULL)::INT) AS "child in need, 12 months before",
    avg((child IS TRUE)::INT) FILTER (police IS NOT TRUE) AS "child's offence, 12 months before",
    avg((adult IS TRUE)::INT) FILTER (police IS NOT TRUE) AS "adult's offence, 12 months before",
    (SELECT avg((ethnicity_group = 'white')::INT) FROM mem WHERE ethnicity_group <> 'unknown') AS "white people"
FROM fam LEFT JOIN size USING (family_id) LEFT JOIN claim USING (family_id) LEFT JOIN job USING (family_id) LEFT JOIN need USING (family_id)
    LEFT JOIN crime USING (family_id) LEFT JOIN unlinked USING (family_id)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, dictionary):
    folder = tmp_path_factory.mktemp("simulated")
    Simulation(families=COUNCILS, periods=PERIODS, seed=20261124).write(folder, dictionary=dictionary)
    return folder


@pytest.fixture(scope="module")
def truth(folder):
    return Truth.read(folder)


@pytest.fixture(scope="module")
def tables(folder, tmp_path_factory, dictionary):
    return receive_extracts(folder, dictionary, room=tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def panel(tables, dictionary):
    outcomes = [name for name, outcome in dictionary.outcomes.items() if "family" in outcome.sources]
    return build_families(tables, dictionary, periods=PERIODS, outcomes=outcomes)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.*"))}


def in_records(folder, sql):
    with duckdb.connect() as con:
        for name in TABLES:
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder / name}.parquet')")
        return con.sql(sql).df()


def test_records_pass_their_contracts_without_a_row_set_aside(tables):
    assert set(tables) == TABLES
    assert {name: (table.rows_quarantined, table.rows_dropped) for name, table in tables.items()} == dict.fromkeys(TABLES, (0, 0))
    assert all(table.rows_kept > 0 for table in tables.values())
    assert [fault.text() for table in tables.values() for fault in table.faults] == []


def test_joining_families_resemble_the_published_profile(folder):
    measured = in_records(folder, PROFILE_SQL).iloc[0].to_dict()
    assert {name: round(value, 3) for name, value in measured.items() if abs(value - PROFILE[name][0]) > PROFILE[name][1]} == {}


def test_panel_of_what_could_be_seen_equals_the_treated_world_exactly(panel, truth):
    assert panel.units["unit_id"].tolist() == truth.unit_ids.tolist()
    np.testing.assert_array_equal(panel.entry, truth.entry)
    assert len(panel.outcomes) == 30
    for name, values in panel.outcomes.items():
        seen = np.isfinite(values)
        assert seen.mean() > (0.05 if name == "neet" else 0.4)      # 16 to 18 are few families
        np.testing.assert_array_equal(values[seen], truth.treated[name][seen])


def test_without_the_programme_the_panel_would_hold_the_untreated_world(panel, truth):
    before = np.arange(len(PERIODS)) < np.where(truth.entry < 0, len(PERIODS), truth.entry)[:, None]
    for name, values in panel.outcomes.items():
        seen = np.isfinite(values) & before
        np.testing.assert_array_equal(values[seen], truth.untreated[name][seen])


def test_kinds_and_members_add_up_in_both_worlds(truth):
    for world in (truth.untreated, truth.treated):
        parts = np.nan_to_num(world["offences_by_minors"]) + np.nan_to_num(world["offences_by_adults"])
        np.testing.assert_array_equal(parts, world["offences"])
        types = [world[name] for name in ("jobseekers_allowance", "sickness_benefit", "income_support", "carers_allowance", "universal_credit")]
        np.testing.assert_array_equal(np.max(types, axis=0), world["out_of_work_benefit"])
        assert (world["asb_incidents_with_address"] >= world["asb_incidents"]).all()
        assert (world["continuous_employment_26"] <= world["continuous_employment"]).all()
        assert (world["continuous_employment"] <= world["adult_in_work"]).all()
        assert (np.nan_to_num(world["any_custody"]) <= np.nan_to_num(world["any_offence"])).all()
    assert 0.02 < np.nansum(truth.treated["any_custody"]) / np.nansum(truth.treated["any_offence"]) < 0.10      # one offence in twenty
    assert 0.15 < np.nansum(truth.treated["offences_by_minors"]) / np.nansum(truth.treated["offences"]) < 0.75


def test_nameless_incidents_lie_at_the_address_of_one_family_on_the_day(folder):
    found = in_records(folder, """SELECT incident_id, count(DISTINCT f.family_id) AS families
        FROM asb_incidents i LEFT JOIN addresses f ON f.address_id = i.address_id AND date >= from_date AND (to_date IS NULL OR date <= to_date)
        WHERE i.person_id IS NULL AND i.family_id IS NULL GROUP BY 1""")
    assert len(found) > 500 and (found["families"] == 1).all()
    beside = in_records(folder, """SELECT avg((a.family_id = i.family_id)::INT) AS own FROM asb_incidents i JOIN addresses a USING (address_id)
        WHERE i.family_id IS NOT NULL AND date >= from_date AND (to_date IS NULL OR date <= to_date)""")
    assert beside["own"][0] == 1


def test_some_departures_are_deaths_and_nobody_is_a_member_after_one(folder):
    found = in_records(folder, "SELECT count(*) AS n, max(date_diff('day', member_to, died_on)) AS most FROM people WHERE died_on IS NOT NULL")
    assert found["n"][0] > 0 and found["most"][0] == 1


def test_young_people_have_one_activity_a_quarter_and_few_are_not_known(folder):
    found = in_records(folder, "SELECT activity, count(*) AS n FROM activity_spells GROUP BY 1").set_index("activity")["n"]
    assert 0.05 < found["neet"] / found.sum() < 0.30 and 0 < found["not_known"] / found.sum() < 0.02


def test_condition_of_which_the_truth_is_not_known_is_refused(dictionary):
    source = dictionary.outcomes["any_custody"].sources["family"]
    assert codes_of(source) == ("custody",)
    assert codes_of(dictionary.outcomes["out_of_work_benefit"].sources["family"])[:2] == ("jsa", "esa")
    with pytest.raises(DictionaryError, match="is another"):
        codes_of(source.model_copy(update={"where": "disposal <> 'fine'"}))


def test_default_effects_only_take_events_away(truth):
    for name in ("unauthorised_absence_rate", "any_offence", "offences", "asb_incidents", "any_asb", "fixed_exclusions", "any_custody",
                 "offences_by_minors", "offences_by_adults", "permanent_exclusions", "asb_incidents_with_address", "neet"):
        if name == "unauthorised_absence_rate":      # sessions of a term that is no longer truant are drawn anew: lower in the mean
            assert np.nanmean(truth.treated[name]) < np.nanmean(truth.untreated[name])
        else:
            assert np.nanmax(truth.treated[name] - truth.untreated[name]) <= 0
    np.testing.assert_array_equal(truth.treated["out_of_work_benefit"], truth.untreated["out_of_work_benefit"])


def test_true_effect_is_the_asked_share_of_the_untreated_mean(tmp_path, dictionary):
    spec = Simulation(families={"E08000006": 8_000}, periods=PERIODS, seed=3, effects={"asb_incidents": -0.5}, ramp=(1.0,))
    truth = spec.write(tmp_path, dictionary=dictionary)
    after = np.arange(len(PERIODS)) >= np.where(truth.entry < 0, len(PERIODS), truth.entry)[:, None]
    rows, columns = np.nonzero(after)
    untreated = truth.untreated["any_asb"][after].mean()
    # about 20,000 family-quarters at 14%: the share taken away has a standard error of sqrt(.5 * .5 / 2,800) = .0095
    assert truth.effect("any_asb", truth.unit_ids[rows], columns) / untreated == pytest.approx(-0.5, abs=4 * 0.0095)
    assert truth.effect("any_offence", truth.unit_ids[rows], columns) == 0


def test_effect_weighs_pairs_and_leaves_out_those_without_an_outcome():
    periods = Periods.between("2012-Q1", "2012-Q4", kind="quarter")
    untreated = {"offences": np.array([[1.0, 2, np.nan, 4], [0, 0, 0, 3]])}
    treated = {"offences": np.array([[1.0, 1, np.nan, 2], [0, 0, 0, 3]])}
    truth = Truth(unit_ids=np.array(["F1", "F2"]), periods=periods, entry=np.array([1, 2]), untreated=untreated, treated=treated,
                  scale={}, effects={})
    assert truth.effect("offences", ["F1", "F1", "F2", "F1"], [1, 3, 3, 2]) == pytest.approx((-1 - 2 + 0) / 3)
    assert truth.effect("offences", ["F1", "F2"], [3, 3], weights=[1, 3]) == pytest.approx(-0.5)
    assert np.isnan(truth.effect("offences", ["F1"], [2]))
    with pytest.raises(EstimationError, match="1 of 2 pairs"):
        truth.effect("offences", ["F1", "F9"], [0, 0])


def test_effect_of_zero_makes_both_worlds_the_same(tmp_path, dictionary):
    truth = Simulation(families={"E08000006": 300}, periods=PERIODS, seed=5, effects={}).write(tmp_path, dictionary=dictionary)
    for name in truth.untreated:
        np.testing.assert_array_equal(truth.untreated[name], truth.treated[name])


def test_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path, dictionary):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        Simulation(families={"E08000006": 120, "E06000022": 45}, periods=PERIODS, seed=seed).write(tmp_path / name, dictionary=dictionary)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert not set(a.values()) & set(c.values()) - {a["source_coverage.parquet"]}


def test_csv_and_parquet_hold_the_same_rows(tmp_path, dictionary):
    checked = {}
    for fmt in ("csv", "parquet"):
        Simulation(families={"E08000006": 80}, periods=PERIODS, seed=1, fmt=fmt).write(tmp_path / fmt, dictionary=dictionary)
        checked[fmt] = receive_extracts(tmp_path / fmt, dictionary, room=tmp_path / f"room_{fmt}")
    csv, parquet = ({name: table.content_hash for name, table in checked[fmt].items()} for fmt in ("csv", "parquet"))
    assert csv == parquet


def test_truth_is_read_back_as_written(truth, folder):
    again = Truth.read(folder)
    assert again.effects == DEFAULT_EFFECTS and set(again.scale) == set(again.untreated)
    for name in truth.untreated:
        np.testing.assert_array_equal(again.untreated[name], truth.untreated[name])
        np.testing.assert_array_equal(again.treated[name], truth.treated[name])
    with pytest.raises(EstimationError, match="has none"):
        Truth.read(folder.parent)


def test_two_families_in_five_join_and_the_smallest_council_has_about_eighteen(truth, panel):
    joined = panel.entry >= 0
    assert joined.mean() == pytest.approx(0.40, abs=0.04)      # 3,000 families: standard error .009, councils differ besides
    assert 9 <= joined[panel.units["council_code"] == "E06000022"].sum() <= 27
    assert panel.entry[joined].min() >= 4 and len(np.unique(panel.entry[joined])) == len(PERIODS) - 4


def test_number_of_families_is_spread_unevenly_over_councils_from_45_up(dictionary):
    sizes = Simulation(families=5_000, councils=12, periods=PERIODS, seed=1).sizes(dictionary)
    assert sum(sizes.values()) == 5_000 and len(sizes) == 12
    assert min(sizes.values()) == 45 and max(sizes.values()) > 600
    assert set(sizes) <= set(dictionary.councils)


def test_council_of_eighteen_families_can_be_simulated(tmp_path, dictionary):
    Simulation(families={"E06000017": 18}, periods=PERIODS, seed=1).write(tmp_path / "d", dictionary=dictionary)
    assert receive_extracts(tmp_path / "d", dictionary, room=tmp_path / "room")["families"].rows_kept == 18


def test_some_people_are_not_linked_and_joining_families_somewhat_less_often(folder):
    shares = in_records(folder, """SELECT source, (entry_date IS NOT NULL) AS joined, avg((status = 'not_linked')::INT) AS missed
        FROM links JOIN people USING (person_id) JOIN families USING (family_id) WHERE status <> 'not_attempted' GROUP BY ALL""").pivot(
        index="source", columns="joined", values="missed")
    assert shares.min().min() > 0.015 and shares.max().max() < 0.085
    assert (shares[True] < shares[False]).mean() >= 0.75


def test_people_who_are_not_linked_have_no_records(folder):
    for table, source in (("attendance", "education"), ("exclusions", "education"), ("offences", "police"), ("benefit_spells", "benefits"),
                          ("employment_spells", "employment")):
        found = in_records(folder, f"SELECT count(*) AS n FROM {table} JOIN links USING (person_id) WHERE source = '{source}' AND status <> 'linked'")
        assert found["n"][0] == 0


def test_police_records_of_one_council_end_early(folder, panel):
    ends = in_records(folder, "SELECT * FROM source_coverage").set_index(["source", "council_code"])["last_date"]
    assert str(ends["police", "E09000032"])[:10] == "2014-09-22" and str(ends["police", "E06000022"])[:10] == "2014-12-31"
    there = panel.units["council_code"] == "E09000032"
    assert np.isnan(panel.outcomes["any_offence"][there][:, -2:]).all() and np.isfinite(panel.outcomes["any_offence"][~there][:, -1]).any()


def test_some_families_move_away_and_some_people_come_and_go(panel, folder):
    moved = panel.units["eligible_to"] < len(PERIODS) - 1
    assert 0.01 < moved.mean() < 0.08
    counts = in_records(folder, "SELECT avg((member_to IS NOT NULL)::INT) AS gone, avg((member_from >= '2011-01-01')::INT) AS come FROM people")
    assert 0.015 < counts["gone"][0] < 0.05 and 0.015 < counts["come"][0] < 0.05


def test_families_join_after_a_crisis_and_fall_back_by_themselves(truth):
    joined = np.flatnonzero((truth.entry >= 5) & (truth.entry <= len(PERIODS) - 5))
    y = truth.untreated["any_asb"]
    def mean_at(event_time):
        return y[joined, truth.entry[joined] + event_time].mean()
    # crisis adds 18 points to a quarter; entry after a crisis is 3.7 times as likely, so about 23 points more families were in crisis: some 4 points
    assert mean_at(-1) - (mean_at(-4) + mean_at(4)) / 2 > 2


def test_untreated_chances_are_additive_in_levels_and_never_leave_zero_to_one():
    calendar = Calendar.over(PERIODS)
    families = compose(np.array([4_000]), calendar, 1)
    world = unfold(families, calendar, effects=dict.fromkeys(DEFAULT_EFFECTS, 0.0), ramp=(1.0,), joining=Joining(), seed=1)
    for name, process in PROCESSES.items():
        chance = untreated_chance(process, world.levels[name], families, world.crisis, calendar)
        assert 0 < chance.min() and chance.max() < 1
        calm = chance - process.jump * world.crisis
        change = calm - calm[:, :1]
        for lone in (True, False):      # the same change for every family with the same slow covariates
            alike = change[families.lone_parent == lone]
            np.testing.assert_allclose(alike, np.broadcast_to(alike[0], alike.shape), atol=1e-12)


def test_crises_are_stationary_and_time_reversible():
    state = crises(200_000, 8, stream(1, "test"))
    np.testing.assert_allclose(state.mean(axis=0), CRISIS_SHARE, atol=4 * 0.0007)      # standard error sqrt(.12 * .88 / 200,000)
    for lag in (1, 3):
        forward = np.corrcoef(state[:, 0], state[:, lag])[0, 1]
        assert forward == pytest.approx(CRISIS_MEMORY**lag, abs=0.01)


def test_sticky_draws_stay_uniform():
    draw = sticky_uniform((100_000, 6), 0.85, stream(1, "test"))
    np.testing.assert_allclose((draw < 0.3).mean(axis=0), 0.3, atol=4 * 0.0015)
    assert (draw[:, 1] == draw[:, 0]).mean() == pytest.approx(0.85, abs=0.005)


WITHIN = 3.5      # standard errors: about one chance in two thousand per outcome, for a seed fixed beforehand


@pytest.mark.slow
def test_matched_estimates_find_the_truth_and_the_change_of_joining_families_does_not(tmp_path, dictionary):
    from evaluation.matching.nearest import NearestNeighbour
    from evaluation.models.before_after import before_after
    from evaluation.models.inference import overall
    from evaluation.models.matched_did import MatchedDiD

    periods = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
    truth = Simulation(families=20_000, periods=periods, seed=20261124).write(tmp_path / "d", dictionary=dictionary)
    outcomes = [name for name, outcome in dictionary.outcomes.items() if "family" in outcome.sources]
    panel = build_families(receive_extracts(tmp_path / "d", dictionary, room=tmp_path / "room"), dictionary, periods=periods, outcomes=outcomes)
    slow = ("n_children", "n_adults", "lone_parent", "any_sen", "any_fsm", "criterion_crime_asb", "criterion_education", "criterion_work", "n_needs")
    sample = NearestNeighbour(exact=("council_code", "has_child_5_15", "has_adult_working_age"), covariates=slow).fit(panel)
    whole = (sample.set_entry >= 4) & (sample.set_entry + 4 < len(periods))      # cohorts with the base and all four quarters after
    ids = np.repeat(panel.units["unit_id"].to_numpy()[sample.treated_unit[whole]], 4)
    columns = (sample.set_entry[whole][:, None] + np.arange(1, 5)).ravel()
    gaps, changes = {}, {}
    for name in outcomes:
        effects = MatchedDiD().fit(sample, name, calendar=dictionary.outcomes[name].sources["family"].calendar)
        estimate, true = overall(effects), truth.effect(name, ids, columns)
        gaps[name] = (estimate.estimate - true) / estimate.std_error
        change = before_after(sample, name).change
        changes[name] = (change.estimate - true) / change.std_error
    assert {name: round(gap, 2) for name, gap in gaps.items() if abs(gap) > WITHIN} == {}
    assert min(changes["any_offence"], changes["any_asb"], changes["asb_incidents"]) < -WITHIN      # families fall back by themselves


@pytest.mark.parametrize(("wrong", "words"), [
    ({"effects": {"any_ofence": -0.1}}, "did you mean 'any_offence'"),
    ({"effects": {"any_offence": -3}}, "from -1 to 1"),
    ({"families": 0}, "at least 1"),
    ({"families": {"E06000022": 0}}, "at least 1"),
    ({"share_joining": 1.0}, "share_joining"),
    ({"fmt": "xlsx"}, "fmt"),
    ({"periods": Periods.between("2011/12", "2016/17", kind="school_year")}, "quarters"),
    ({"periods": Periods.between("2011-Q1", "2011-Q3", kind="quarter")}, "at least 6 quarters"),
])
def test_simulation_that_cannot_be_drawn_says_what_to_mend(wrong, words):
    with pytest.raises(PlanError, match=words):
        Simulation(**{"families": 100, "periods": PERIODS, "seed": 1} | wrong)


def test_unknown_council_is_named(tmp_path, dictionary):
    with pytest.raises(DictionaryError, match="E0600002X"):
        Simulation(families={"E0600002X": 50}, periods=PERIODS, seed=1).write(tmp_path, dictionary=dictionary)
