"""Value for money of a study: from records to pounds, and what a plan may not ask."""

from __future__ import annotations

import dataclasses
import json

import duckdb
import numpy as np
import pytest
import yaml

from evaluation.dictionary import load_dictionary
from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.rules import RULES
from evaluation.errors import EstimationError, PlanError
from evaluation.findings.numbers import factor_of
from evaluation.periods import Periods
from evaluation.pipeline import value
from evaluation.pipeline.payment import payment_of
from evaluation.pipeline.recipe import evaluate
from evaluation.pipeline.run import run_study
from evaluation.pipeline.scope_studies import council_studies, sets_in
from evaluation.pipeline.scopes import joined_in, scopes_of
from evaluation.pipeline.value import people_array, worth_of
from evaluation.plan import Plan, read_plan
from tests.matching.panels import panel_of
from tests.pipeline.conftest import small_plan
from tests.value.cases import BOOK

COUNCIL, SMALL = "E06000022", "E06000017"


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    """The small study, evaluated but not yet worded."""
    folder = tmp_path_factory.mktemp("value")
    plan = read_plan(small_plan(folder, lambda plan: plan.update(checks=[])))
    return evaluate(plan, folder, load_dictionary(), folder, lambda text: None)


@pytest.fixture(scope="module")
def worth(analysis):
    """A function that appraises a council of the analysis, or of one under another plan: its appraisal and the studies behind it."""
    known = {}

    def made(analysis=analysis, code: str = COUNCIL):
        (scope,) = scopes_of(analysis, [code])
        if code not in known:  # no estimate depends on the section `value`
            known[code] = council_studies(analysis, scope)
        ledger = Ledger(profile=RULES["ten_five"])
        return worth_of(analysis, scope, sets_in(analysis, scope), known[code], joined_in(analysis, scope), ledger, "families"), known[code]

    return made


@pytest.fixture(scope="module")
def plain(worth):
    """The appraisal as the demonstration plans it."""
    return worth()[0]


def changed(analysis, **value):
    """The analysis under a plan with another section `value`."""
    plan = analysis.plan.model_dump(mode="json")
    plan["value"] = {**plan["value"], **value}
    return dataclasses.replace(analysis, plan=Plan.model_validate(plan))


def test_effects_are_those_of_the_report_in_the_units_of_the_costs(analysis, worth):
    found, studies = worth()
    reported = {study.numbers.outcome.name: study.numbers for study in studies}
    effects = found.adjusted.effects
    for name, estimate, error in zip(effects.outcomes, effects.estimates, effects.std_errors, strict=True):
        factor = factor_of(reported[name].outcome)
        assert (estimate * factor, error * factor) == pytest.approx((reported[name].effect.estimate, reported[name].effect.std_error))
    assert set(effects.outcomes) == set(analysis.plan.value.outcomes)
    assert np.diag(effects.correlation) == pytest.approx(1) and np.abs(effects.correlation).max() <= 1 + 1e-9
    assert effects.df == min(effects.df, *(reported[name].effect.df for name in effects.outcomes))
    off = effects.correlation[~np.eye(len(effects.outcomes), dtype=bool)]
    assert np.abs(off).max() > 0.01  # joint: no outcome of the same families is quite apart from another


def test_the_families_are_a_number_that_may_be_shown_and_the_years_are_those_of_joining(analysis, plain):
    case = plain.adjusted.case
    assert plain.units == case.weights.sum() and plain.units % 5 == 0
    assert case.timeline().unit_years.sum() == pytest.approx(plain.units)  # quarters 1 to 4 are one year of each
    panel = analysis.sample.panel
    children = case.people["unauthorised_absence_rate"]
    assert 0.5 < children < panel.varying["n_school_age"].max() and case.people["offences"] == 1
    assert 0.5 < case.people["out_of_work_benefit"] <= 1


def test_the_cost_is_the_full_cost_of_the_council_from_its_own_table(analysis, plain):
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT financial_year, cost, price_year FROM read_parquet(?) WHERE council_code = ? ORDER BY ALL",
            [str(analysis.tables["programme_costs"].path), COUNCIL],
        ).fetchall()
    index, first = BOOK.deflators.index, int(rows[0][0][:4])
    by_hand = sum(cost * 100 / index[of] / 1.035 ** (int(year[:4]) - first) for year, cost, of in rows)
    assert len(rows) > 2 and plain.adjusted.cost == pytest.approx(by_hand)


def test_a_cost_per_family_counts_every_family_that_joined_matched_or_not(analysis, worth):
    cost = {"per_family": 1_000.0, "price_year": "2014/15", "quarters": 1, "source": "ours"}
    found, _ = worth(changed(analysis, cost=cost))
    (scope,) = scopes_of(analysis, [COUNCIL])
    joined = 5 * round(scope.counts["joined"] / 5)
    assert found.adjusted.case.timeline().costs.sum() == pytest.approx(1_000 * joined)
    assert "£1,000 for each of the families that joined (ours)" in found.cost_words


def test_a_cost_of_the_whole_programme_is_shared_out_by_families_that_joined(analysis, worth):
    cost = {"by_year": {"2012/13": 90_000.0}, "price_year": "2014/15", "source": "ours"}
    found, _ = worth(changed(analysis, cost=cost, fees={"pounds": 9_000, "price_year": "2014/15", "source": "ours"}))
    share = found.adjusted.case.timeline().costs.sum() / 90_000
    assert 0.8 < share < 1 and found.fees == pytest.approx(9_000 * share)  # the other council is small


def test_what_the_plan_assumes_is_taken(analysis, worth, plain):
    longer, _ = worth(changed(analysis, persistence_years=1))
    ratio = longer.adjusted.benefit().mean / plain.adjusted.benefit().mean
    assert 1.4 < ratio < 1.5  # half of the effect for another year, discounted
    assert worth(changed(analysis, unmatched_share=1.0))[0].adjusted.case.assumptions.unmatched_share == 1.0


def test_the_net_saving_of_the_contrast_is_the_effect_before_scaling_down(plain):
    found = plain.calculator
    assert found.net == pytest.approx(plain.plain.benefit().mean) and found.gross != found.net
    assert found.gross == pytest.approx(found.comparison + found.crisis + found.net)


def test_a_small_council_has_no_appraisal(analysis, worth):
    found, _ = worth(analysis, SMALL)
    assert found.status == "not_shown" and found.adjusted is None and "fewer than 10 families" in found.reason


def test_without_a_cost_there_is_a_reason(analysis, worth):
    tables = {name: table for name, table in analysis.tables.items() if name != "programme_costs"}
    found, _ = worth(dataclasses.replace(analysis, tables=tables))
    assert found.status == "not_estimated" and found.reason == "what the programme cost here is not known"


def test_a_fault_inside_the_appraisal_reaches_a_report_in_a_councils_words(worth, monkeypatch):
    def fail(asked):
        raise EstimationError("Draws need a finite estimate. Leave out of value.outcomes what could not be estimated.")

    monkeypatch.setattr(value, "joint_effects", fail)
    found, _ = worth()
    assert found.status == "not_estimated" and found.cost_words and "value.outcomes" not in found.reason and "could not be worked out" in found.reason


def test_the_same_seed_gives_the_same_pounds_and_another_seed_others(analysis, worth, plain):
    same, other = worth()[0], worth(dataclasses.replace(analysis, plan=analysis.plan.model_copy(update={"seed": 1})))[0]
    assert (plain.adjusted.draws == same.adjusted.draws).all() and plain.adjusted.net() == same.adjusted.net()
    assert not (plain.adjusted.draws == other.adjusted.draws).any() and plain.adjusted.net().mean == other.adjusted.net().mean


# ---- whom an effect counts for --------------------------------------------------------------------------------------------------------------------


def places(unit: str, kind: str = "quarter", **denominators):
    """Two places over four periods, with what stands under their outcomes."""
    periods = Periods(kind=kind, first=8044 if kind == "quarter" else 2010, last=8047 if kind == "quarter" else 2013)
    panel = panel_of([2, -1], {"y": np.zeros((2, 4))}, unit=unit, periods=periods)
    return dataclasses.replace(panel, denominators={name: np.full((2, 4), value) for name, value in denominators.items()})


def test_a_family_counts_once_and_a_place_by_what_stands_under_its_figures():
    assert people_array(places("family"), "offences", "families") is None
    councils = places("council", "school_year", persistent_absence=9_000.0, permanent_exclusion_rate=9_500.0)
    assert (people_array(councils, "permanent_exclusion_rate", "pupils") == 9_000).all()
    areas = places("council", offences=120.0, unauthorised_absence_rate=3_800.0)  # families; sessions of a term
    assert (people_array(areas, "offences", "families") == 120).all()
    assert people_array(areas, "unauthorised_absence_rate", "n_school_age") == pytest.approx(30.0)  # 3,800 x 3 terms / 380 sessions a year
    years = places("council", "school_year", unauthorised_absence_rate=3_800.0)
    assert people_array(years, "unauthorised_absence_rate", "n_school_age") == pytest.approx(10.0)


def test_whom_an_outcome_counts_must_be_in_the_records():
    with pytest.raises(PlanError, match="permanent_exclusion_rate is valued by pupils, which the records of this study do not hold"):
        people_array(places("council"), "permanent_exclusion_rate", "pupils")


def test_fees_by_the_rules_stand_in_who_pays_and_change_neither_cost_nor_net_value(analysis, worth, plain):
    (scope,) = scopes_of(analysis, [COUNCIL])
    payment = payment_of(analysis.payment, analysis.plan, scope)
    studies, sets, ledger = worth()[1], sets_in(analysis, scope), Ledger(profile=RULES["ten_five"])
    found = worth_of(analysis, scope, sets, studies, joined_in(analysis, scope), ledger, "families", payment=payment)
    assert payment.paid.total > 0 and 0.9 < found.fees / payment.paid.total < 1.1 and "the rules give" in found.fees_source
    assert found.adjusted.cost == plain.adjusted.cost and found.adjusted.net() == plain.adjusted.net() and plain.fees == 0


# ---- in the release ------------------------------------------------------------------------------------------------------------------------------


def test_a_report_tells_its_worth_on_page_one_and_in_its_section(small_run):
    content = json.loads((small_run[0] / "release" / "results.json").read_text(encoding="utf-8"))["reports"][COUNCIL]
    assert content["value"]["status"] == "shown" and content["summary"]["value"] == content["value"]["sentence"]
    assert "public purse" in content["summary"]["value"] and "detectable" in content["summary"]["value"]
    assert not any("Value for money" in limit for limit in content["limits"])
    page = (small_run[0] / "release" / "councils" / COUNCIL / f"small_{COUNCIL}_simulated.html").read_text(encoding="utf-8")
    assert 'id="fig-value-agencies"' in page and 'id="fig-value-tornado"' in page and 'id="tab-value-contrast"' in page


def test_a_small_councils_report_has_no_pound_in_it(small_run):
    content = json.loads((small_run[0] / "release" / "results.json").read_text(encoding="utf-8"))["reports"][SMALL]
    assert content["value"]["status"] == "not_shown" and "£" not in json.dumps(content["value"], ensure_ascii=False)
    assert content["summary"]["value"].startswith("Not shown, because fewer than 10 families")


# ---- what a plan may not ask ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, words",
    [
        ({"outcomes": ["unauthorised_absence_rate", "offences"]}, "unauthorised_absence_rate and offences both pay for arrest"),
        ({"outcomes": ["adult_in_work"]}, "'adult_in_work' has none"),
        ({"outcomes": ["persistent_absence"]}, "value.outcomes names persistent_absence, which the plan does not estimate"),
        ({"price_year": "2031/32"}, "A price year must be one of 1990/91 to 2023/24"),
        ({"borne_by": {"counsil": 1.0}}, "value.borne_by names counsil"),
        ({"borne_by": {"council": 0.6}}, "add up to 1; they add up to 0.6"),
        ({"cost": {"per_family": -5, "price_year": "2012/13", "source": "x"}}, "0 or more pounds; a negative one is given"),
        ({"cost": {"by_year": {"2012/13": -5}, "price_year": "2012/13", "source": "x"}}, "0 or more pounds; a negative one is given"),
        ({"fees": {"pounds": -5, "price_year": "2012/13", "source": "x"}}, r"value.fees.pounds.*greater than or equal to 0"),
        ({"cost": {"by_year": {"2012/13": 5}, "source": "x"}}, r"value.cost.price_year` is missing"),
        ({"cost": {"by_year": {"2012/13": 5}, "per_family": 5, "price_year": "2012/13", "source": "x"}}, "give either by_year or per_family"),
        ({"cost": {"by_year": {"2012": 5}, "price_year": "2012/13", "source": "x"}}, "'2012' is not"),
        ({"draws": 10}, "greater than or equal to 1000"),
    ],
)
def test_a_plan_that_cannot_be_valued_is_refused_before_any_record_is_read(tmp_path, value, words):
    path = small_plan(tmp_path, lambda plan: plan["value"].update(value))
    with pytest.raises(PlanError, match=f"(?s){words}"):
        run_study(path, councils=(), out=tmp_path / "runs", workers=1, say=lambda text: None)
    assert not (tmp_path / "runs").exists() and yaml.safe_load(path.read_text(encoding="utf-8"))["value"]
