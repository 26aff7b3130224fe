"""Sections of a plan that say how it is answered: matching, limits on balance, the estimators and how several tests are adjusted."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from evaluation.plan.sections import Section

Adjustment = Literal["holm", "romano_wolf", "benjamini_hochberg", "none"]


class Score(Section):
    model: str = "logit"  # logit, cloglog, or a scikit-learn classifier by name
    covariates: tuple[str, ...] = Field(min_length=1)
    formula: str | None = None  # right-hand side, for the score alone; balance is still shown for the covariates
    scale: Literal["linear", "probability"] = "linear"  # what distances and calipers are measured on
    options: dict[str, object] = {}  # of a classifier
    folds: int = Field(default=1, ge=1)  # more than 1: each part of the units is scored by a model of the others
    history: tuple[str, ...] = ()  # outcomes whose earlier mean joins the score; regresses to the mean when the base lies inside it
    history_window: tuple[int, int] = (-8, -3)  # first and last event time of that history

    @model_validator(mode="after")
    def in_order(self) -> Score:
        if not self.history_window[0] <= self.history_window[1] < 0:
            raise ValueError(f"history_window {list(self.history_window)} must run from an earlier to a later event time before entry")
        return self


class Matching(Section):
    """The matcher: its name, its score, its exact keys, and whatever options the method has (checked when names are resolved)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    method: str = "nearest_neighbour"
    exact: tuple[str, ...] = ()
    score: Score

    @property
    def options(self) -> dict[str, object]:
        """Options of the method, as the plan gives them."""
        return dict(self.model_extra or {})


class Balance(Section):
    """Limits on balance after matching; none for a measure that is not judged (see `evaluation.matching.Thresholds`)."""

    smd: float | None = Field(default=0.1, gt=0)
    variance_ratio: tuple[float, float] | None = None
    ecdf_mean: float | None = Field(default=None, gt=0, le=1)
    ks: float | None = Field(default=None, gt=0, le=1)
    overlap: float | None = Field(default=None, gt=0, le=1)


class Headline(Section):
    """The one number per primary outcome: mean over these event times, each treated unit counting alike."""

    event_times: tuple[int, int] = (1, 4)
    weights: Literal["by_treated"] = "by_treated"

    @model_validator(mode="after")
    def in_order(self) -> Headline:
        if not 0 <= self.event_times[0] <= self.event_times[1]:
            raise ValueError(f"event times {list(self.event_times)} must run from 0 or later to the same or later")
        return self


class SecondEstimator(Section):
    """Another estimator of the same effect, with whatever options it has (checked when names are resolved)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    method: str

    @property
    def options(self) -> dict[str, object]:
        """Options of the method, as the plan gives them."""
        return dict(self.model_extra or {})


class Estimator(Section):
    """The estimator: its name, what every estimator shares, and whatever options the method has (checked when names are resolved)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    method: str = "matched_did"
    base: int = Field(default=-4, lt=0)
    window: tuple[int, int] = (-8, 8)
    anticipation: int = Field(default=1, ge=0)
    cluster: Literal["auto"] = "auto"
    headline: Headline = Headline()
    allow_matched_base: bool = False
    permutations: int = Field(default=999, ge=0)

    @property
    def options(self) -> dict[str, object]:
        """Options of the method beyond those that all share, as the plan gives them."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def consistent(self) -> Estimator:
        low, high = self.window
        if not low <= self.base < -self.anticipation:
            raise ValueError(
                f"base {self.base} must lie inside the window {list(self.window)} and before the {self.anticipation} period(s) of anticipation"
            )
        if self.headline.event_times[1] > high:
            raise ValueError(f"headline event times {list(self.headline.event_times)} must lie inside the window {list(self.window)}")
        return self


class Multiplicity(Section):
    """How p values are adjusted for the number of outcomes in their family."""

    primary: Adjustment = "holm"
    secondary: Adjustment = "benjamini_hochberg"
