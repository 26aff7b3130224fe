"""An event study with its covariance leaves whole or not at all, rounded as the rule says, and never from few families."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.disclosure.event_studies import ProtectedEventStudy, degrees, protected
from evaluation.disclosure.ledger import Ledger, Repair
from evaluation.disclosure.population import Population
from evaluation.disclosure.rules import RULES
from evaluation.models.effects import Estimate
from evaluation.models.event_numbers import EventNumbers

WHO = Population.of("all", "units")
ABOUT = ProtectedEventStudy(outcome="y", label="Y", change_unit="points")
EFFECT = Estimate(estimate=1.2345, std_error=0.4567, lower=0.3, upper=2.1, df=99, p_value=0.01, n_treated=100, n_comparison=200, clusters="units",
                  n_clusters=300, method="CR1")
NUMBERS = EventNumbers(event_times=np.array([-2, 0]), values=np.array([0.123456, 1.111111, 1.2345]),
                       covariance=np.array([[0.25, 0.1, 0.1], [0.1, 0.3, 0.2], [0.1, 0.2, 0.4567**2]]), base=-1, anticipation=0, headline=(0, 0),
                       df=99.0, n_clusters=300)


def made(*, numbers=NUMBERS, effect=EFFECT, rule="ten_five", behind=(50, 60), fewest=None, of="families", repairs=None):
    ledger = Ledger(profile=RULES[rule], repairs=repairs or {})
    return protected(numbers, effect, ledger, ABOUT, of=of, population=WHO, behind=behind, fewest=fewest), ledger


def test_numbers_are_rounded_as_the_reports_round_them_and_every_estimate_is_in_the_ledger():
    found, ledger = made()
    assert found.estimates == (0.12, 1.11, 1.23) and found.std_errors == (0.5, 0.55, 0.46) and found.df == 80
    assert found.correlations[0][1] == round(0.1 / np.sqrt(0.25 * 0.3), 3)
    assert [(entry.what, entry.shown.value) for entry in ledger.entries][-1] == ("effect", 1.23) and len(ledger.entries) == 3
    assert all(entry.n == 100 and entry.statistic == "estimate" for entry in ledger.entries)


@pytest.mark.parametrize(
    "given, why",
    [
        ({"numbers": replace(NUMBERS, n_clusters=12)}, "degrees of freedom"),
        ({"effect": replace(EFFECT, n_treated=12)}, "degrees of freedom"),
        ({"effect": replace(EFFECT, n_treated=9)}, "one side"),
        ({"behind": (50, 9)}, "behind some"),
        ({"fewest": 4}, "behind some"),
        ({"repairs": {f"{WHO.identity}|estimate|effect": Repair(hidden=True)}}, "nearly the same group"),
    ],
)
def test_few_families_give_no_event_study_at_all(given, why):
    found, ledger = made(**given)
    assert why in found.reason and not found.estimates and not found.correlations and found.df is None
    assert [entry.shown.symbol for entry in ledger.entries] == ["[c]"]
    with pytest.raises(ValueError, match="Y: "):
        found.numbers()


def test_thirteen_clusters_are_enough_for_three_numbers_and_twelve_are_not():
    assert made(numbers=replace(NUMBERS, n_clusters=13))[0].estimates and made(numbers=replace(NUMBERS, n_clusters=12))[0].reason


def test_a_stricter_rule_asks_for_more_families():
    effect = replace(EFFECT, n_treated=40)
    assert made(effect=effect)[0].estimates and made(effect=effect, rule="moj")[0].reason


def test_published_statistics_of_councils_leave_as_they_are():
    found, _ = made(rule="published", of="councils", numbers=replace(NUMBERS, n_clusters=4), behind=(1, 1))
    assert found.estimates[0] == 0.123456 and found.df == 99 and found.std_errors[1] == pytest.approx(np.sqrt(0.3), rel=1e-7)


def test_small_areas_made_from_families_are_rounded_too():
    found, _ = made(of="small areas", numbers=replace(NUMBERS, n_clusters=14), behind=(1, 1))
    assert found.estimates == (0.12, 1.11, 1.23) and found.std_errors == (0.5, 0.55, 0.46)


def test_degrees_of_freedom_count_nobody():
    assert [degrees(df, True) for df in (10.0, 19.0, 39.9, 99.0, 400.0)] == [10, 10, 20, 80, 320]
    assert degrees(float("inf"), True) is None and degrees(7.9, False) == 7.9
