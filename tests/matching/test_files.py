"""A sample written and read again is the sample that was made, field by field and to the last bit; nothing in its files is an object."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluation.matching import MATCHERS, Score
from evaluation.matching.files import load_sample, save_sample
from tests.matching.test_matchers import coarse, methods, simulated_panel, spec

MADE_AGAIN = ("panel", "matcher")  # given to both


@pytest.fixture(scope="module")
def panel():
    made = coarse(simulated_panel(missing=0.1))
    return dataclasses.replace(made, units=made.units.assign(w=np.random.default_rng(3).uniform(0.5, 2, len(made))))


def read_again(matcher, panel, folder: Path):
    """A sample, and what its files hold."""
    sample = matcher.fit(panel)
    folder.mkdir(exist_ok=True)
    save_sample(sample, folder)
    return sample, load_sample(folder, panel, matcher)


def assert_same(one, other, place="sample") -> None:
    """Whether two values are equal in every part; functions are compared by what they give elsewhere."""
    assert type(one) is type(other), place
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape and one.flags.f_contiguous == other.flags.f_contiguous, place
        assert one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes(), place
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            if field.name not in MADE_AGAIN and not callable(getattr(one, field.name)):
                assert_same(getattr(one, field.name), getattr(other, field.name), f"{place}.{field.name}")
    else:
        assert one == other or one != one and other != other, place


@methods
def test_a_sample_of_every_method_comes_back_as_it_was(name, panel, tmp_path):
    assert_same(*read_again(spec(name), panel, tmp_path))


@pytest.mark.parametrize("options", [
    {"tiers": ("council_code",)},
    {"history": ("y",), "history_window": (-4, -2)},
    {"sampling_weights": "w"},
    {"discard": "treated", "reestimate": True},
    {"formula": "x + I(x**2)"},
    {"score": Score(folds=2)},
])
def test_a_sample_of_other_options_comes_back_as_it_was(options, panel, tmp_path):
    made, read = read_again(MATCHERS["nearest_neighbour"](**{"covariates": ("x",), "caliper": 0.5, "ratio": 2} | options), panel, tmp_path)
    assert_same(made, read)
    assert (made.origin is not None) == ("tiers" in options) and made.match.shared == ("sampling_weights" in options)
    pd.testing.assert_frame_equal(made.match.diagnostics(by="b"), read.match.diagnostics(by="b"), check_exact=True)


def test_files_are_plain_and_hold_no_outcome(panel, tmp_path):
    read_again(spec("nearest_neighbour"), panel, tmp_path / "with")
    hidden = dataclasses.replace(panel, outcomes={"y": np.full_like(panel.outcomes["y"], np.nan)})
    read_again(spec("nearest_neighbour"), hidden, tmp_path / "without")
    names = sorted(path.name for path in (tmp_path / "with").iterdir())
    assert names == ["balance.parquet", "match.json", "match.npz"]
    for name in names[:2]:
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    one, other = (dict(np.load(tmp_path / side / "match.npz", allow_pickle=False)) for side in ("with", "without"))
    assert set(one) == set(other) and all(one[name].tobytes() == other[name].tobytes() for name in one)
