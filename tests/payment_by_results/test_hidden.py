"""How low a share could be: against everything hidden of a strength on a fine grid, one of which reaches the bound."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.payment_by_results.hidden import lowest_share


@pytest.mark.parametrize("strength", [1.25, 1.5, 2.0])
def test_nothing_hidden_of_a_strength_goes_below_the_bound_and_one_reaches_it(strength):
    common = np.linspace(0.001, 1 / strength, 2000)[:, None]          # among programme families; `strength` times as common among comparison families
    times = np.linspace(1, strength, 50)                              # as likely to meet the rule with it
    ratio = (1 - common + common * times) / (1 - strength * common + strength * common * times)
    assert ratio.min() >= lowest_share(1.0, strength) - 1e-12
    assert ratio.min() == pytest.approx(lowest_share(1.0, strength), rel=1e-3)


def test_something_of_no_strength_changes_nothing():
    assert lowest_share(0.4, 1.0) == 0.4
