"""What cannot be matched is refused in words: what must hold, what is there instead, how to mend it."""
import numpy as np
import pandas as pd
import pytest

from evaluation.errors import CommonSupportError, EstimationError, PlanError
from evaluation.matching import MATCHERS, Candidates, NearestNeighbour

RNG = np.random.default_rng(3)
TABLE = pd.DataFrame({"x": RNG.normal(size=60), "flag": RNG.random(60) < 0.5, "area": RNG.choice(["n", "s", "w"], 60), "one": 1.0,
                      "joined": np.arange(60) % 3 == 0})
PAIRS = [name for name, kind in MATCHERS.items() if "covariate_calipers" in kind.__dataclass_fields__]


def match(spec, table=TABLE):
    return spec.match(Candidates.of_table(table, treated="joined"))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("column", ["area", "flag", "one"])
def test_a_caliper_on_a_factor_is_refused(name, column):
    with pytest.raises(PlanError, match=f"numbers with more than two values: '{column}' is not one. Use `matching.exact` for it"):
        match(MATCHERS[name](covariates=("x",), covariate_calipers={column: 0.5}))


@pytest.mark.parametrize("name", [name for name, kind in MATCHERS.items() if kind.KIND == "pairs" and "ATE" not in kind.ESTIMANDS])
def test_the_effect_on_all_is_refused_for_pairs(name):
    with pytest.raises(PlanError, match="`matching.estimand` of this method must be"):
        MATCHERS[name](covariates=("x",), estimand="ATE")


@pytest.mark.parametrize("name", list(MATCHERS))
def test_a_constant_covariate_is_named_or_changes_nothing(name):
    table = TABLE.assign(x=TABLE["x"].round())
    try:
        with_constant = match(MATCHERS[name](covariates=("x", "one")), table)
    except (EstimationError, PlanError, CommonSupportError) as fault:
        assert "'one'" in str(fault) or "one" in str(fault).split()
        return
    np.testing.assert_allclose(with_constant.raw_weights(), match(MATCHERS[name](covariates=("x",)), table).raw_weights(), atol=1e-8)


def test_scores_without_common_support_are_refused():
    apart = TABLE.assign(x=np.where(TABLE["joined"], 10.0, 0.0) + TABLE["x"] / 100)
    with pytest.raises(EstimationError, match="separation.*'x'"):
        match(NearestNeighbour(covariates=("x",)), apart)
    with pytest.raises(CommonSupportError, match=r"\(20 outside caliper\)\. Widen `matching.caliper`"):
        match(MATCHERS["nearest_covariates"](covariates=("x",), covariate_calipers={"x": 0.5}, covariate_caliper_unit="absolute"), apart)


@pytest.mark.parametrize("ratio", [0, -1])
@pytest.mark.parametrize("name", [name for name in PAIRS if name != "full"])
def test_a_ratio_below_one_is_refused(name, ratio):
    with pytest.raises(PlanError, match="`matching.ratio` must be at least 1"):
        MATCHERS[name](covariates=("x",), ratio=ratio)
