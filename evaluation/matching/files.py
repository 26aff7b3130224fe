"""A matched sample as plain files: sets and weights as NPZ, balance as Parquet, the rest as JSON. They hold rows, so they stay in the room.

What the panel and the matcher say (candidates, covariates, the method in words) is not written: it is made from them again.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.matching.match import Match
from evaluation.matching.matcher import Matcher
from evaluation.matching.propensity import BinaryFit
from evaluation.matching.sample import MatchedSample
from evaluation.panel.types import Panel

ARRAYS = ("treated", "treated_set", "treated_weight", "comparison", "comparison_set", "comparison_weight", "left_out", "reason", "discarded", "score")
MODEL_ARRAYS = ("coefficients", "std_errors", "linear_predictor")


def save_sample(sample: MatchedSample, folder: Path) -> None:
    """Write a sample that a matcher's `fit` gave into an empty folder."""
    match, model = sample.match, sample.match.model
    arrays = {name: getattr(match, name) for name in ARRAYS} | {"width": np.array(match.width)}
    if match.origin is not None:
        arrays["origin"] = match.origin.astype(str)
    if model is not None:
        arrays |= {f"model_{name}": getattr(model, name) for name in MODEL_ARRAYS}
    np.savez(folder / "match.npz", **arrays)
    sample.balance.to_parquet(folder / "balance.parquet")
    about = {
        "notes": list(match.notes),
        "shared": match.shared,
        "types": {str(name): str(kind) for name, kind in sample.balance.dtypes.items()},
        "model": None if model is None else {one.name: getattr(model, one.name) for one in fields(model) if one.name not in MODEL_ARRAYS},
    }
    (folder / "match.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def load_sample(folder: Path, panel: Panel, matcher: Matcher) -> MatchedSample:
    """Read what `save_sample` wrote; the panel and the matcher are those that it was made with."""
    about = json.loads((folder / "match.json").read_text(encoding="utf-8"))
    with np.load(folder / "match.npz", allow_pickle=False) as held:
        arrays = dict(held)
    rows = matcher.candidates(panel)
    x, names = matcher.covariates_of(rows)
    match = Match(
        matcher=matcher,
        method=matcher.in_words(),
        kind=matcher.KIND,
        estimand=matcher.estimand,
        rows=rows,
        x=x,
        names=names,
        model=model_of(about["model"], arrays),
        origin=arrays["origin"].astype(object) if "origin" in arrays else None,
        width=float(arrays["width"]),
        notes=tuple(about["notes"]),
        shared=about["shared"],
        **{name: arrays[name] for name in ARRAYS},
    )
    return MatchedSample.of(panel, match, balance=pd.read_parquet(folder / "balance.parquet").astype(about["types"]))


def model_of(about: dict[str, object] | None, arrays: dict[str, np.ndarray]) -> BinaryFit | None:
    """The model of the score from its parts; None where there was none."""
    if about is None:
        return None
    return BinaryFit(**about | {"names": tuple(about["names"])}, **{name: arrays[f"model_{name}"] for name in MODEL_ARRAYS})
