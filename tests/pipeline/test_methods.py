import pytest

from evaluation.errors import PlanError
from evaluation.matching import MATCHERS
from evaluation.models import ESTIMATORS
from evaluation.models.checks import CHECKS
from evaluation.pipeline import describe_methods


def test_every_method_has_a_line_that_says_what_it_is():
    lines = list(describe_methods())
    for name in (*MATCHERS, *ESTIMATORS, *CHECKS):
        assert sum(line.startswith(f"  {name} ") and len(line.split(None, 1)[1]) > 20 for line in lines) == 1


@pytest.mark.parametrize("name", [*MATCHERS, *ESTIMATORS, *CHECKS])
def test_one_method_is_described_with_its_options(name):
    lines = list(describe_methods(name))
    assert lines[0].endswith(f": {name}")
    if name in MATCHERS:
        assert any(line.startswith(f"  estimand: {MATCHERS[name].ESTIMANDS[0]}   (") for line in lines)


def test_a_misspelt_method_is_told_its_nearest():
    with pytest.raises(PlanError, match="did you mean 'nearest_neighbour'"):
        list(describe_methods("nearest_neighbor"))
