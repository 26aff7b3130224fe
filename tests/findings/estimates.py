"""Made-up estimates of the tests of findings."""

from __future__ import annotations

from evaluation.models.effects import Estimate


def estimate(value: float, half: float, n: int = 200) -> Estimate:
    """An estimate with its interval that far to either side."""
    return Estimate(
        estimate=value, std_error=half / 2, lower=value - half, upper=value + half, df=100, p_value=0.5, n_treated=n, n_comparison=n,
        clusters="matched sets", n_clusters=n, method="CR1 cluster-robust",
    )  # fmt: skip
