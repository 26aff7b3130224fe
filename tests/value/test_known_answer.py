"""A worked example to the penny, its arithmetic written out; and that nothing is worth what it cost, less nothing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from evaluation.locations import project_file
from evaluation.value import Assumptions, appraise, by_agency, independent, read_price_book, swings
from tests.value.cases import BOOK, QUARTERS, case, effects

PENNY = 0.005
N_NULLS = 1_000

# Years of effect. All join in 2012-Q2. Quarters 1 to 3 after joining (2012-Q3, 2012-Q4, 2013-Q1) lie in 2012/13, quarter 4 (2013-Q2) in 2013/14.
#   2012/13: 100 families x 3 quarters x 0.25 = 75 family-years, year 0
#   2013/14: 100 families x 1 quarter x 0.25 = 25 family-years, year 1:  25 / 1.035 = 24.154589
#   together 99.154589 discounted family-years
# Offences. CR8.0 is 609.00 in 2010/11 prices, deflators 93.3782 and 100: 609 x 100 / 93.3782 = 652.1865 in 2014/15 prices.
#   0.05 a quarter x 4 quarters = 0.2 incidents a family and year; grade 3 leaves 0.9: 0.2 x 0.9 x 652.1865 x 99.154589 = 11,640.11
# Benefit. Mix 0.34 x 9,800 + 0.33 x 8,632 + 0.33 x 7,570 = 8,678.66 in 2012/13 prices, deflators 96.7559 and 100: 8,969.6442.
#   2 points = 0.02; 0.9 of families have an adult of working age; grade 3: 0.02 x 0.9 x 0.9 x 8,969.6442 x 99.154589 = 14,407.98
# Cost. 100,000 x 100 / 96.7559 = 103,352.87; 20,000 x 100 / 98.6228 = 20,279.29, / 1.035 = 19,593.51; together 122,946.38
OFFENCES, BENEFIT, COST = 11_640.11, 14_407.98, 122_946.38
# Society. Benefit payments count as nothing: of the mix, 0.34 x 9,234 + 0.33 x 7,500 + 0.33 x 7,004 = 7,925.88 are payments, 752.78 health.
#   0.02 x 0.9 x 0.9 x 752.78 x 100 / 96.7559 x 99.154589 = 1,249.74
HEALTH = 1_249.74


@pytest.fixture(scope="module")
def worked():
    return appraise(case(), effects(), n_draws=10_000, rng=np.random.default_rng(7))


def test_benefits_cost_and_net_value_agree_with_the_worked_example_to_the_penny(worked):
    assert worked.gain(lambda line: line.outcome == "offences").mean == pytest.approx(OFFENCES, abs=PENNY)
    assert worked.gain(lambda line: line.outcome == "out_of_work_benefit").mean == pytest.approx(BENEFIT, abs=PENNY)
    assert worked.cost == pytest.approx(COST, abs=PENNY)
    assert worked.net().mean == pytest.approx(-96_898.29, abs=PENNY)  # 11,640.11 + 14,407.98 - 122,946.38
    assert worked.ratio() == pytest.approx(0.2118654, abs=1e-7)  # 26,048.09 / 122,946.38


def test_society_counts_benefit_payments_as_nothing_and_everything_else_once(worked):
    assert worked.benefit("social").mean == pytest.approx(OFFENCES + HEALTH, abs=2 * PENNY)
    assert worked.net("social").mean == pytest.approx(-110_056.54, abs=PENNY)
    assert not worked.is_priced("economic") and worked.benefit("economic").mean == 0


ECONOMIC = "CR8.0.7,CR8.0,made up for this test,Per incident,500,2010/11,people=1,property,resource,none,economic,Book v1,Somebody,\n"


def test_a_price_for_people_and_business_moves_their_lens_and_societys_and_leaves_the_public_purse_as_it_was(worked, tmp_path):
    for name in ("values.yml", "gdp_deflators.csv", "discount_rates.csv", "unit_costs.csv"):
        shutil.copyfile(project_file("data_dictionary") / name, tmp_path / name)
    with (tmp_path / "unit_costs.csv").open("a", encoding="utf-8") as file:
        file.write(ECONOMIC)
    book = read_price_book(tmp_path)
    priced = appraise(case(book=book), effects(), n_draws=10_000, rng=np.random.default_rng(7))
    # 500 of 2010/11 for an incident of which 609 fall on the public purse: 11,640.11 x 500 / 609 = 9,556.74
    assert priced.benefit("economic").mean == pytest.approx(9_556.74, abs=PENNY) and priced.is_priced("economic")
    assert priced.benefit("social").mean == pytest.approx(OFFENCES + HEALTH + 9_556.74, abs=3 * PENNY)
    assert priced.benefit() == worked.benefit() and priced.net() == worked.net() and priced.probability() == worked.probability()
    assert priced.cashable() == worked.cashable()
    assert book.price({"CR8.0": 1.0}, "2010/11") == pytest.approx(609) and book.price({"CR8.0": 1.0}, "2010/11", lens="economic") == 500


def test_an_agency_gains_its_parts_and_all_together_gain_the_whole(worked):
    gains = by_agency(worked, tuple(BOOK.valuations.agencies))
    assert gains["police"].mean == pytest.approx(4_356.54, abs=PENNY)  # 227.93 / 609 of 11,640.11
    assert gains["dwp"].mean == pytest.approx(BENEFIT - HEALTH, abs=2 * PENNY)
    assert sum(gain.mean for gain in gains.values()) == pytest.approx(OFFENCES + BENEFIT, abs=2 * PENNY)


def test_cash_is_the_share_of_each_class(worked):
    # payments are cash now (1.0): 13,158.24; probation 21.20 and prison 108.03 of 609 close places (0.25): 617.51; the rest frees capacity (0)
    assert worked.cashable().mean == pytest.approx(13_775.75, abs=PENNY)
    assert worked.cashable("low").mean < worked.cashable().mean < worked.cashable("high").mean < worked.benefit().mean


def test_without_scaling_down_gains_and_losses_are_larger_alike():
    for offences in (-0.05, 0.05):
        scaled, plain = (
            appraise(case(assumptions=Assumptions(adjusted=adjusted)), effects(offences), n_draws=2_000, rng=np.random.default_rng(1))
            for adjusted in (True, False)
        )
        ours = [one.gain(lambda line: line.outcome == "offences").mean for one in (scaled, plain)]
        assert ours[0] == pytest.approx(0.9 * ours[1]) and np.sign(ours[0]) == -np.sign(offences)


def test_an_adverse_effect_is_a_loss_to_the_penny():
    worse = appraise(case(), effects(0.05, 2.0), n_draws=2_000, rng=np.random.default_rng(1))
    assert worse.net().mean == pytest.approx(-(OFFENCES + BENEFIT) - COST, abs=3 * PENNY)


def test_the_interval_is_that_of_the_effects(worked):
    # sd: offences 11,640.11 x 0.02 / 0.05 = 4,656.04; benefit 14,407.98 x 1.5 / 2 = 10,805.98; together 11,766.43; t(99) 97.5% is 1.984217
    half = 1.984217 * 11_766.43
    assert worked.net().upper - worked.net().mean == pytest.approx(half, rel=0.04)  # 10,000 draws: the 97.5th centile is known to 2%
    assert worked.net().mean - worked.net().lower == pytest.approx(half, rel=0.04)


@pytest.mark.parametrize("cost, chance", [(OFFENCES + BENEFIT, 0.5), (OFFENCES + BENEFIT + 11_766.43, 0.1599), (0.0, 0.9853)])
def test_the_chance_of_paying_is_that_of_t_at_the_cost(cost, chance):
    # one sd is 11,766.43; t with 99 degrees of freedom lies above 1 sd with 0.1599, above -26,048.09 / 11,766.43 = -2.2138 with 0.9853
    made = appraise(case(costs={"2012/13": (cost, "2014/15")}), effects(), n_draws=40_000, rng=np.random.default_rng(2))
    assert made.probability() == pytest.approx(chance, abs=0.01)  # four times the error of a share of 40,000


def test_payback_comes_in_the_year_in_which_gains_overtake_the_cost_and_only_there():
    cheap = case(costs={"2012/13": (22_000.0, "2014/15")})
    # gains in 2012/13: 26,048.09 x 75 / 99.154589 = 19,702.66 < 22,000; with 2013/14 26,048.09 > 22,000
    assert appraise(cheap, effects(), n_draws=1_000, rng=np.random.default_rng(1)).payback() == "2013/14"
    dear = case(costs={"2012/13": (27_000.0, "2014/15")})
    assert appraise(dear, effects(), n_draws=1_000, rng=np.random.default_rng(1)).payback() is None
    late = case(costs={"2012/13": (5_000.0, "2014/15"), "2014/15": (30_000.0, "2014/15")})  # ahead at first, then behind for good
    assert appraise(late, effects(), n_draws=1_000, rng=np.random.default_rng(1)).payback() is None
    free = case(costs={"2012/13": (0.0, "2014/15")})
    freed = appraise(free, effects(), n_draws=1_000, rng=np.random.default_rng(1))
    assert freed.payback() == "2012/13" and np.isnan(freed.ratio())


def test_families_without_a_match_get_nothing_unless_asked():
    for share, factor in ((None, 1.0), (1.0, 1.5), (0.5, 1.25)):
        given = case(unmatched=50.0, assumptions=Assumptions(unmatched_share=share))
        found = appraise(given, effects(), n_draws=1_000, rng=np.random.default_rng(1))
        assert found.benefit().mean == pytest.approx(factor * (OFFENCES + BENEFIT), abs=4 * PENNY)


def test_an_effect_that_goes_on_is_counted_by_year_with_what_is_left_of_it():
    # two more years at 0.5 and 0.25: quarters 5 to 7 in 2013/14, 8 in 2014/15 (x 0.5), 9 to 11 in 2014/15, 12 in 2015/16 (x 0.25)
    years = 75 + (25 + 75 * 0.5) / 1.035 + (25 * 0.5 + 75 * 0.25) / 1.035**2 + 25 * 0.25 / 1.035**3
    found = appraise(case(assumptions=Assumptions(persistence_years=2)), effects(), n_draws=1_000, rng=np.random.default_rng(1))
    assert found.benefit().mean == pytest.approx((OFFENCES + BENEFIT) * years / 99.1545894, abs=4 * PENNY)


def test_over_a_thousand_null_data_sets_the_mean_value_is_minus_the_cost():
    """Effects are estimated in pairs of families drawn with no effect; nothing is set to zero for being insignificant."""
    rng, found = np.random.default_rng(11), []
    quarter = case(people={})
    for _ in range(N_NULLS):
        gaps = np.column_stack([rng.poisson(0.1, 60) - rng.poisson(0.1, 60), 100.0 * rng.binomial(1, 0.45, 60) - 100.0 * rng.binomial(1, 0.45, 60)])
        estimate = independent(("offences", "out_of_work_benefit"), gaps.mean(axis=0), gaps.std(axis=0, ddof=1) / np.sqrt(60), 59)
        made = appraise(quarter, estimate, n_draws=1_000, rng=rng)
        found.append((made.net().mean, np.percentile(made.draws @ rates_of(made), 50) - made.cost, made.net().lower < -made.cost < made.net().upper))
    net, median, covered = np.array(found).T
    error = net.std(ddof=1) / np.sqrt(N_NULLS)
    assert abs(net.mean() + COST) < 3.5 * error and abs(median.mean() + COST) < 3.5 * error
    assert error < 0.02 * COST  # or the test could not fail
    assert 0.93 < covered.mean() < 0.97  # 0.95 and 2.9 standard errors of a share of 1,000


def rates_of(made) -> np.ndarray:
    """Pounds per unit of each effect."""
    return np.array([sum(line.pounds for line in made.lines if line.outcome == name) for name in made.effects.outcomes])


def test_the_order_of_outcomes_and_of_entry_periods_never_matters():
    entries = np.array([QUARTERS.index("2012-Q2"), QUARTERS.index("2013-Q1")])
    one = case(entries=entries, weights=np.array([60.0, 40.0]))
    other = case(entries=entries[::-1], weights=np.array([40.0, 60.0]), outcomes={"out_of_work_benefit": (), "offences": ()})
    turned = independent(("out_of_work_benefit", "offences"), (-2.0, -0.05), (1.5, 0.02), 99.0)
    first, second = (appraise(a, b, n_draws=1_000, rng=np.random.default_rng(1)) for a, b in ((one, effects()), (other, turned)))
    assert first.net().mean == pytest.approx(second.net().mean) and first.cost == second.cost


def test_a_swing_is_the_result_with_one_assumption_changed_and_the_widest_comes_first():
    found = {(swing.kind, swing.outcome): swing for swing in swings(case(), effects())}
    cost = found["cost", ""]
    assert cost.at_low == pytest.approx(OFFENCES + BENEFIT - 0.9 * COST, abs=4 * PENNY)
    assert cost.at_high == pytest.approx(OFFENCES + BENEFIT - 1.1 * COST, abs=4 * PENNY)
    optimism = found["optimism", ""]
    assert optimism.at_low == pytest.approx((OFFENCES + BENEFIT) / 0.9 * 0.6 - COST, abs=4 * PENNY)
    assert optimism.at_high == pytest.approx((OFFENCES + BENEFIT) / 0.9 - COST, abs=4 * PENNY)
    price = found["price", "out_of_work_benefit"]  # Income Support 7,570, Jobseeker's Allowance 9,800, of a mix of 8,678.66
    assert price.at_low == pytest.approx(OFFENCES + BENEFIT * 7_570 / 8_678.66 - COST, abs=4 * PENNY)
    assert price.at_high == pytest.approx(OFFENCES + BENEFIT * 9_800 / 8_678.66 - COST, abs=4 * PENNY)
    effect = found["effect", "offences"]  # -0.05 - 1.984217 x 0.02 = -0.0896843
    assert effect.at_low == pytest.approx(OFFENCES * 0.0896843 / 0.05 + BENEFIT - COST, abs=0.05)
    widths = [swing.width for swing in swings(case(), effects())]
    assert widths == sorted(widths, reverse=True) and min(widths) > 0
    assert ("unmatched", "") not in found and ("unmatched", "") in {(s.kind, s.outcome) for s in swings(case(unmatched=5.0), effects())}
