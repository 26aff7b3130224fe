"""What every method of `MATCHERS` must satisfy: new entries are tested by being listed."""
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.errors import CommonSupportError, EvaluationError, PlanError
from evaluation.matching import MATCHERS, Candidates
from evaluation.matching.matcher import KnownScore
from evaluation.models import MatchedDiD, overall
from tests.matching.panels import panel_of, simulated_panel
from tests.matching.valid import assert_valid_match, assert_valid_sample

# options under which a method can be run inside each stratum by itself: what it would take from all rows together is given
ALONE = {
    "coarsened_exact": {"cutpoints": {"x": [-1.0, 0.0, 1.0]}},
    "coarsened_pairs": {"cutpoints": {"x": [-1.0, 0.0, 1.0]}},
    "nearest_covariates": {"distance": "euclidean"},
    "generalised_full": {"caliper": None},
    "subclassification": {"cutpoints": (-1.5, -1.0, -0.5)},
    "cardinality": {"tolerance_unit": "absolute"},
    "cardinality_pairs": {"tolerance_unit": "absolute"},
}
SAME_SIZE = ("cardinality", "cardinality_pairs")           # several selections may be the largest: how many rows are selected is what agrees
methods = pytest.mark.parametrize("name", list(MATCHERS))


def coarse(panel):
    """The panel with x rounded to halves, so that exact methods find someone."""
    return panel_of(panel.entry, panel.outcomes, unit="family", councils=panel.units["council_code"], areas=panel.units["area"],
                    eligible_from=panel.units["eligible_from"], x=np.round(panel.units["x"] * 2) / 2, b=panel.units["b"])


def spec(name, **options):
    return MATCHERS[name](covariates=("x",), **options)


@pytest.fixture(scope="module")
def panel():
    return coarse(simulated_panel(missing=0.1))


@methods
@pytest.mark.parametrize("options", [{}, {"exact": ("council_code", "b")}], ids=["plain", "exact"])
def test_a_valid_sample_comes_out_and_the_panel_stays_as_it_was(name, options, panel):
    before = panel.units.copy(), panel.outcomes["y"].copy()
    assert_valid_sample(spec(name, **options).fit(panel))
    assert panel.units.equals(before[0]) and np.array_equal(panel.outcomes["y"], before[1], equal_nan=True)


@methods
def test_the_order_of_units_does_not_matter(name, panel):
    order = np.random.default_rng(2).permutation(len(panel))
    units = panel.units.iloc[order].reset_index(drop=True)
    shuffled = panel_of(units["entry"], {"y": panel.outcomes["y"][order]}, unit="family", ids=units["unit_id"], councils=units["council_code"],
                        areas=units["area"], eligible_from=units["eligible_from"], x=units["x"], b=units["b"])

    def members(which):
        sample, ids = spec(name, exact=("b",)).fit(which), which.units["unit_id"].to_numpy()
        comparison = pd.DataFrame({"entry": sample.comparison_entry, "unit": ids[sample.comparison_unit], "weight": sample.comparison_weight})
        treated = pd.DataFrame({"entry": sample.treated_entry, "unit": ids[sample.treated_unit], "weight": sample.treated_weight})
        return [side.groupby(["entry", "unit"])["weight"].sum() for side in (treated, comparison)]
    for one, other in zip(members(panel), members(shuffled), strict=True):
        pd.testing.assert_series_equal(one, other, rtol=1e-7)


@methods
def test_exact_keys_equal_matching_each_stratum_by_itself(name):
    rng = np.random.default_rng(5)
    n = 240
    table = pd.DataFrame({"x": rng.normal(size=n), "s": rng.choice(list("abcd"), n)})
    table["joined"] = rng.random(n) < 1 / (1 + np.exp(1 - 0.8 * table["x"]))
    if name == "exact":
        table["x"] = np.round(table["x"])
    score = np.round(0.8 * table["x"].to_numpy() - 1, 10)

    def weights(part, **options):
        chosen = spec(name, **{**ALONE.get(name, {}), **options})
        known = KnownScore(value=score[part], width=0.2) if chosen.uses_score() and getattr(chosen, "KIND", "") == "pairs" else None
        rows = Candidates.of_table(table.iloc[part].reset_index(drop=True), treated="joined")
        if known is None and chosen.uses_score():
            known = KnownScore(value=score[part])
        return chosen.match(rows, known=known).raw_weights()

    together = weights(np.arange(n), exact=("s",))
    apart = np.zeros(n)
    for s in "abcd":
        part = np.flatnonzero(table["s"] == s)
        apart[part] = weights(part)
    if name in SAME_SIZE:
        for s in "abcd":
            part = (table["s"] == s).to_numpy()
            assert (together[part] > 0).sum() == (apart[part] > 0).sum()
        return
    np.testing.assert_allclose(together, apart, atol=1e-7)


@methods
def test_every_row_is_matched_or_left_out_with_a_reason_and_the_counts_add_up(name):
    rng = np.random.default_rng(7)
    table = pd.DataFrame({"x": np.round(rng.normal(size=300) * 2) / 2, "key": rng.choice(["a", "b", None], 300)})
    table["joined"] = rng.random(300) < 0.4
    table.loc[:5, "x"] = np.nan
    match = spec(name, exact=("key",)).match(Candidates.of_table(table, treated="joined"))
    assert_valid_match(match)
    audit = match.audit().set_index("outcome")["count"]
    assert audit["asked for"] == audit.drop("asked for").sum() == table["joined"].sum()
    assert audit["stratum_missing"] == (table["key"].isna() & table["x"].notna() & table["joined"]).sum()
    assert audit["covariate_missing"] == (table["x"].isna() & table["joined"]).sum()


@methods
@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE", "ATO", "ATM"])
def test_an_estimand_is_met_or_refused(name, estimand):
    rng = np.random.default_rng(11)
    table = pd.DataFrame({"x": np.round(rng.normal(size=200)), "joined": rng.random(200) < 0.5})
    if estimand not in MATCHERS[name].ESTIMANDS:
        with pytest.raises(PlanError, match="`matching.estimand` of this method must be"):
            spec(name, estimand=estimand)
        return
    assert_valid_match(spec(name, estimand=estimand).match(Candidates.of_table(table, treated="joined")))


@methods
def test_nobody_to_compare_with_is_refused_in_words(name):
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0], "joined": [1, 1, 1]})
    with pytest.raises(CommonSupportError, match="Matching needs treated rows and others: 3 of 3 are treated"):
        spec(name).match(Candidates.of_table(table, treated="joined"))
    with pytest.raises(PlanError, match="'nonsense' is not"):
        MATCHERS[name](covariates=("nonsense",)).match(Candidates.of_table(table.assign(joined=[1, 0, 0]), treated="joined"))


@methods
def test_strata_of_one_side_only_are_refused_in_words_when_there_is_no_other(name):
    table = pd.DataFrame({"x": [0.1, 0.2, 0.3, 0.1, 0.2, 0.4], "s": list("aaabbb"), "joined": [1, 1, 1, 0, 0, 0]})
    with pytest.raises(EvaluationError, match="satisfies the plan|no finite estimate|cannot"):
        spec(name, exact=("s",)).match(Candidates.of_table(table, treated="joined"))


@methods
def test_a_known_effect_is_found_through_it(name):
    panel = coarse(simulated_panel(1500, effect=1.0, seed=4))
    effects = MatchedDiD(base=-4, window=(-6, 4)).fit(spec(name).fit(panel), "y")
    found = overall(effects, quarters=(1, 4))
    assert abs(found.estimate - 1.0) < 4 * found.std_error < 1.0


@methods
def test_it_says_what_it_does(name):
    made = spec(name, exact=("b",))
    assert "exact on entry period, b" in made.in_words() and "{" not in made.in_words()
    plain = made.in_plain_words(lambda column: column.upper())
    assert "Matched units agree exactly on B." in plain and "{" not in plain and "ATT" not in plain


@pytest.mark.parametrize("name", [name for name, kind in MATCHERS.items() if "caliper" in kind.__dataclass_fields__])
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), caliper=st.sampled_from([0.05, 0.2, 0.8]), on_covariate=st.booleans())
def test_no_caliper_is_ever_violated(name, seed, caliper, on_covariate):
    """Between every treated and every comparison member of a set: on the score, and on a named column."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"x": rng.normal(size=80), "z": np.round(rng.normal(size=80), 1)})
    table["joined"] = rng.random(80) < 1 / (1 + np.exp(0.6 - table["x"]))
    near = {"covariate_calipers": {"z": 0.7}} if on_covariate and "covariate_calipers" in MATCHERS[name].__dataclass_fields__ else {}
    try:
        match = spec(name, caliper=caliper, **near).match(Candidates.of_table(table, treated="joined"))
    except EvaluationError:
        return                                             # nobody is inside such a caliper, or x decides who joins
    assert_valid_match(match)
    assert match.width == pytest.approx(caliper * np.std(match.score, ddof=1))
    both = pd.DataFrame({"set": match.treated_set, "t": match.treated}).merge(pd.DataFrame({"set": match.comparison_set, "c": match.comparison}))
    assert (np.abs(match.score[both["t"]] - match.score[both["c"]]) <= match.width).all()
    if near:
        z = table["z"].to_numpy()
        assert (np.abs(z[both["t"]] - z[both["c"]]) <= 0.7 * z.std(ddof=1)).all()


@pytest.mark.parametrize("option", [
    {"caliper": None}, {"caliper": 0.3}, {"covariate_calipers": {"z": 1}}, {"covariate_calipers": {"z": -1}}, {"anti_exact": ("z",)},
    {"tiers": ("z",)}, {"discard": "both"}, {"discard": "both", "reestimate": True}, {"exact": ("z",)}, {"missing_key": "level"},
    {"sampling_weights": "z"}, {"formula": "x + z"}, {"ratio": 2}, {"replacement": False}, {"ties": "share"}, {"history": ("y",)},
    {"covariates": ("x", "z")}])
def test_every_choice_is_told_in_plain_words(option):
    plain = MATCHERS["nearest_neighbour"](covariates=("x",)).in_plain_words()
    assert MATCHERS["nearest_neighbour"](**{"covariates": ("x",), **option}).in_plain_words() != plain


@pytest.mark.parametrize("name", [name for name, kind in MATCHERS.items() if "caliper" in kind.__dataclass_fields__])
def test_a_caliper_is_told_in_plain_words_and_in_those_of_the_trade(name):
    made = spec(name, caliper=0.37)
    assert "0.37 standard deviations" in made.in_plain_words() and "0.37 standard deviations" in made.in_words()


@pytest.mark.parametrize("wrong", [{"replacement": "no"}, {"reestimate": 1}])
def test_yes_or_no_options_are_true_or_false(wrong):
    with pytest.raises(PlanError, match="must be true or false"):
        MATCHERS["nearest_neighbour"](covariates=("x",), **wrong)


OWN_OPTIONS = {
    "nearest_neighbour": [{"ratio": 2}, {"replacement": False}, {"reuse_max": 2}, {"ratio_range": (1, 5)}, {"replacement": False, "order": "closest"},
                          {"ties": "share"}],
    "nearest_covariates": [{"distance": "euclidean"}, {"on": ("z",)}, {"ratio": 2}, {"replacement": True}, {"order": "closest"}, {"caliper": 0.3}],
    "optimal_pairs": [{"ratio": 2}, {"distance": "euclidean"}, {"fine": ("z",)}],
    "full": [{"distance": "euclidean"}, {"most_comparison": 3}, {"most_treated": 2}],
    "generalised_full": [{"distance": "euclidean"}, {"fewest_treated": 2}, {"fewest_comparison": 2}],
    "subclassification": [{"subclasses": 5}, {"quantiles": (0.5,)}, {"cutpoints": (0.0,)}, {"minimum": 3}],
    "coarsened_exact": [{"cutpoints": 3}, {"grouping": {"x": [[1, 2]]}}],
    "coarsened_pairs": [{"distance": "euclidean"}, {"order": "data"}],
    "cardinality": [{"tolerance": 0.2}, {"tolerances": {"x": 0.2}}, {"tolerance_unit": "absolute"}, {"estimand": "ATM", "fine": ("z",)},
                    {"estimand": "ATM", "within": "sample"}],
    "cardinality_pairs": [{"ratio": 2}, {"distance": "euclidean"}],
    "inverse_probability": [{"bounds": (0.1, 0.9)}, {"bounds": "crump"}, {"truncate": 0.99}, {"estimand": "ATO"}],
    "entropy_balancing": [{"moments": 2}, {"base_weights": "z"}, {"estimand": "ATE"}],
}


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, options in OWN_OPTIONS.items() for option in options])
def test_every_option_of_a_method_is_told_in_the_terms_of_the_trade(name, option):
    without = {"estimand": option["estimand"]} if len(option) > 1 and "estimand" in option else {}
    assert spec(name, **option).in_words() != spec(name, **without).in_words()


def test_options_of_every_method_are_in_that_list():
    assert set(OWN_OPTIONS) == set(MATCHERS) - {"exact"}                        # which has none of its own


@pytest.mark.parametrize("name", list(MATCHERS))
@pytest.mark.parametrize("option", [{"missing_key": "level"}, {"sampling_weights": "z"}, {"discard": "both"}, {"discard": "both", "reestimate": True},
                                    {"formula": "x + z"}, {"history": ("y",)}, {"pool": "never_joined"}])
def test_every_shared_option_is_told_in_the_terms_of_the_trade(name, option):
    try:
        made = spec(name, **option)
    except PlanError:
        return                                             # not an option of this method
    assert made.in_words() != spec(name).in_words()
