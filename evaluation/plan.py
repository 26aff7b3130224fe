"""A study's plan: what is asked, of whom, with which matcher, estimator and checks. Names and checked parameters only.

Names of outcomes, covariates, matchers and estimators are resolved in `pipeline.py`; this file opens no data and imports no method.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from evaluation.errors import PlanError
from evaluation.periods import Periods
from evaluation.plan_data import DataPlan, Place, Published, Section, as_day
from evaluation.plan_faults import all_in_words


class PeriodsPlan(Section):
    kind: Literal["quarter", "school_year", "year"]
    first: str
    last: str

    @field_validator("first", "last", mode="before")
    @classmethod
    def as_text(cls, value: object) -> str:
        return str(value)


class Helped(Section):
    """How many families the programme helped in a council, for saying how thinly an effect is spread."""

    families: int = Field(gt=0)
    children_of_school_age: float = Field(gt=0)  # per family helped
    problem_level: dict[str, float] = {}  # outcome -> level of a helped family's children, in the outcome's unit: their whole problem
    basis: str  # 'as one pilot council planned': stands in a sentence of page one
    source: str


class Programme(Section):
    """Who joined, where and when."""

    name: str
    entry: str  # 'families.entry_date', 'participants.treated' or a published list of councils
    started: str  # in words: 'April 2011'
    councils: tuple[str, ...] = ()  # whose reports are made; empty: every council with programme units
    places: tuple[Place, ...] = ()  # that had the programme; where small areas are named, only families living there can join
    caveat: str = ""  # first thing that page one tells to take care of
    together: bool = False  # a report of all places together beside those of councils
    area: str | None = None  # column that names the places to which the programme was assigned
    first_full_period: str | None = None  # first fully treated period when entry is one date for all
    later_start_elsewhere: str | None = None  # first period in which comparison places started too
    assignment: Literal["unit", "area"] = "unit"
    helped: Helped | None = None
    cost: str | None = None

    @field_validator("first_full_period", "later_start_elsewhere", mode="before")
    @classmethod
    def as_text(cls, value: object) -> str | None:
        return None if value is None else str(value)


class Comparison(Section):
    """With whom programme units are compared."""

    pools: tuple[str, ...] = ()  # values of the units' `pool`; empty: one pool of all units
    candidates: Literal["eligible_not_yet_joined_at_index", "never_joined"] = "eligible_not_yet_joined_at_index"
    on_later_entry: Literal["censor", "weight"] = "censor"  # those left as they are, or by the inverse of their chance of not having joined
    experiment: str | None = None  # the pool that was randomised, where there is one: the anchor


class OutcomesPlan(Section):
    primary: tuple[str, ...] = Field(min_length=1)
    secondary: tuple[str, ...] = ()
    placebo: tuple[str, ...] = ()  # that the programme cannot move: for the check `placebo_outcome`, never reported as effects

    @model_validator(mode="after")
    def apart(self) -> OutcomesPlan:
        if both := [name for name in self.placebo if name in self.all]:
            raise ValueError(f"{', '.join(both)} cannot be a placebo and an outcome of the programme: name each once")
        return self

    @property
    def all(self) -> tuple[str, ...]:
        """Primary outcomes, then secondary ones."""
        return self.primary + self.secondary


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


class ExceptionPlan(Section):
    """A number that someone lets out although the audit would hold it: printed in the release's record."""

    number: str = Field(min_length=1)  # a pattern of 'population: what', as in the ledger
    name: str = Field(min_length=1)
    reason: str = Field(min_length=10)
    date: str

    @field_validator("date", mode="before")
    @classmethod
    def a_day(cls, value: object) -> str:
        return as_day(value)


ProfileName = Literal[
    "ten_five", "published", "ons_srs", "uk_llc", "opensafely", "nhs_hes", "dfe_legacy", "dwp_statxplore", "moj", "mhclg"
]


Adjustment = Literal["holm", "romano_wolf", "benjamini_hochberg", "none"]


class Multiplicity(Section):
    """How p values are adjusted for the number of outcomes in their family."""

    primary: Adjustment = "holm"
    secondary: Adjustment = "benjamini_hochberg"


class SubgroupPlan(Section):
    """A characteristic by whose groups effects are told apart: a column as it is, or in bands between edges."""

    column: str
    bands: tuple[float, ...] = ()

    @model_validator(mode="after")
    def in_order(self) -> SubgroupPlan:
        if list(self.bands) != sorted(set(self.bands)):
            raise ValueError(f"bands {list(self.bands)} must rise from edge to edge")
        return self


class PaymentPlan(Section):
    """Payment by results: the framework by name, and what the plan sets in place of its rules."""

    framework: str = Field(pattern=r"^[a-z0-9_]+$")
    target: int | dict[str, int] | None = None  # families for which the framework pays at most; by council where several
    result_fee_year: Literal["attachment", "claim"] = "attachment"  # which year's result fee is paid (recalled: by attachment)
    claim_within: int | None = Field(default=None, ge=1, le=24)  # quarters after joining; the framework's by default
    claims_by: str = ""  # the rules by which claims were made, where they were others than the framework's: told beside how far both agree
    missing: Literal["not_judged", "neutral"] = "not_judged"  # of a person who should be judged and is in no record

    @field_validator("target")
    @classmethod
    def above_zero(cls, value: int | dict[str, int] | None) -> int | dict[str, int] | None:
        if wrong := [target for target in (value.values() if isinstance(value, dict) else [value]) if target is not None and target < 1]:
            raise ValueError(f"a target is a number of families above 0, not {wrong[0]}")
        return value


class ValuedOutcome(Section):
    """An outcome that is valued, and parts of its unit cost that are not, because another outcome pays for them."""

    leave_out: tuple[str, ...] = ()  # codes of parts


class DeliveryCost(Section):
    """What the programme cost, where no table `programme_costs` says it: by financial year, or per family that joined."""

    by_year: dict[str, float] = {}  # financial year -> pounds
    per_family: float | None = None  # spread evenly over `quarters` from joining
    quarters: int = Field(default=4, ge=1)
    price_year: str
    source: str

    @model_validator(mode="after")
    def one_way(self) -> DeliveryCost:
        if bool(self.by_year) == (self.per_family is not None):
            raise ValueError("give either by_year or per_family")
        if min([*self.by_year.values(), self.per_family or 0.0]) < 0:
            raise ValueError("the cost of a programme is 0 or more pounds; a negative one is given (income of the council belongs in value.fees)")
        return self


class FeesReceived(Section):
    """Payment-by-results fees that the council received from central government: they stand in who pays and who gains only."""

    pounds: float = Field(ge=0)
    price_year: str
    source: str


class ValuePlan(Section):
    """What the effects are worth: outcomes valued, price year, cost of delivery, and the assumptions that no record tells."""

    price_year: str  # financial year: '2014/15'
    lens: tuple[Literal["fiscal", "economic", "social"], ...] = ("fiscal", "economic", "social")
    outcomes: dict[str, ValuedOutcome] = Field(min_length=1)
    cost: DeliveryCost | None = None  # none: the table programme_costs
    borne_by: dict[str, float] = {"council": 1.0}  # agency -> share of the cost of delivery
    fees: FeesReceived | None = None
    unmatched_share: float | None = Field(default=None, ge=0, le=1)  # of a matched family's effect, for families without a match
    persistence_years: int | None = Field(default=None, ge=0)  # that the effect goes on after the quarters of the headline
    draws: int = Field(default=10_000, ge=1_000)

    @field_validator("outcomes", mode="before")
    @classmethod
    def named(cls, value: object) -> object:
        """A list of names stands for outcomes valued whole."""
        return {name: {} for name in value} if isinstance(value, list | tuple) else {name: kept or {} for name, kept in dict(value).items()}

    @model_validator(mode="after")
    def borne(self) -> ValuePlan:
        if abs(sum(self.borne_by.values()) - 1) > 1e-9 or min(self.borne_by.values()) < 0:
            raise ValueError(f"the shares of borne_by must be 0 or more and add up to 1; they add up to {sum(self.borne_by.values()):g}")
        return self


class DisclosurePlan(Section):
    """The rule of what may leave: one profile, or those of all owners of the data, of which the strictest is in force."""

    profile: ProfileName | tuple[ProfileName, ...] = Field(min_length=1)
    exceptions: tuple[ExceptionPlan, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The profiles named."""
        return (self.profile,) if isinstance(self.profile, str) else self.profile


class Roles(Section):
    """Who answers for the study, in the Aqua Book's words; '' where nobody is named."""

    commissioner: str = ""
    analyst: str = ""
    assurer: str = ""
    approver: str = ""


class ReportPlan(Section):
    date: str  # printed; the run's own clock is never printed
    reference: str
    simulated: bool = False
    roles: Roles = Roles()

    @field_validator("date", mode="before")
    @classmethod
    def a_day(cls, value: object) -> str:
        return as_day(value)


class Plan(Section):
    """A complete, checked plan.

    Examples
    --------
    >>> from evaluation.locations import project_file
    >>> read_plan(project_file("studies/demonstration/plan.yml")).unit
    'family'
    """

    study: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    question: str
    unit: Literal["family", "person", "school", "council", "small_area"]
    periods: PeriodsPlan
    data: DataPlan
    programme: Programme
    comparison: Comparison = Comparison()
    outcomes: OutcomesPlan
    matching: Matching
    balance: Balance = Balance()
    estimator: Estimator
    second_estimators: tuple[SecondEstimator, ...] = ()
    subgroups: tuple[SubgroupPlan, ...] = ()
    checks: tuple[str, ...] = ()
    multiplicity: Multiplicity = Multiplicity()
    payment_by_results: PaymentPlan | None = None
    value: ValuePlan | None = None
    disclosure: DisclosurePlan
    report: ReportPlan
    seed: int = Field(ge=0)
    published: tuple[Published, ...] = ()

    @field_validator("payment_by_results", mode="before")
    @classmethod
    def by_name(cls, value: object) -> object:
        """A name alone stands for a framework as it is written."""
        return {"framework": value} if isinstance(value, str) else value

    @field_validator("second_estimators", mode="before")
    @classmethod
    def named(cls, value: object) -> object:
        """A name alone stands for a method without options."""
        return [{"method": one} if isinstance(one, str) else one for one in value] if isinstance(value, list | tuple) else value

    @field_validator("subgroups", mode="before")
    @classmethod
    def column_alone(cls, value: object) -> object:
        """A column's name alone stands for its values as groups."""
        return [{"column": one} if isinstance(one, str) else one for one in value] if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def consistent(self) -> Plan:
        score, base = self.matching.score, self.estimator.base
        if score.history and score.history_window[0] <= base <= score.history_window[1] and not self.estimator.allow_matched_base:
            raise ValueError(
                f"estimator.base {base} lies inside the matched history of {', '.join(score.history)} ({score.history_window[0]} to"
                f" {score.history_window[1]}): regression to the mean is then built into the effect. Move the base, drop the history, or set"
                " estimator.allow_matched_base: true"
            )
        if self.outcomes.placebo and "placebo_outcome" not in self.checks:
            raise ValueError("outcomes.placebo is there for the check placebo_outcome: add it to checks, or take the outcomes out")
        if self.programme.assignment == "area" and "romano_wolf" in (self.multiplicity.primary, self.multiplicity.secondary):
            raise ValueError(
                "multiplicity: romano_wolf draws units and matched sets, and this programme was assigned to areas: choose holm or"
                " benjamini_hochberg"
            )
        if self.programme.assignment == "area" and self.comparison.on_later_entry == "weight":
            raise ValueError(
                "comparison.on_later_entry: weight is for units that join one by one, and this programme was assigned to areas: write censor"
            )
        if self.unit in ("family", "small_area") and self.periods.kind != "quarter":
            raise ValueError("families are followed by quarter: periods.kind must be quarter")
        if self.unit == "small_area" and not (self.programme.assignment == "area" and self.programme.first_full_period and self.programme.places):
            raise ValueError("small areas need programme.assignment: area, programme.first_full_period and programme.places with their small_areas")
        if any(isinstance(place.small_areas, int) for place in self.programme.places) and self.data.kind != "simulated":
            raise ValueError("programme.places: a number of small areas stands for areas in simulated records only; give the codes of the areas")
        if beside := {one.beside for one in self.published} - {None}:
            periods = self.resolved_periods()
            if late := [one.by for one in self.published if one.by and not 0 <= periods.index(one.by) < len(periods)]:
                raise ValueError(f"published: `by` must be a quarter of the periods: {', '.join(late)} is not")
            if self.unit != "family":
                raise ValueError("published: only families are counted beside a published figure; take `beside` out")
            if beside - {"joined"} and self.payment_by_results is None:
                raise ValueError("published: claims and results are counted by payment_by_results, which this plan has not; take `beside` out")
        if self.data.kind == "simulated" and not self.report.simulated:
            raise ValueError("simulated data must be marked: set report.simulated: true")
        if self.unit in ("family", "person", "small_area") and self.data.kind != "open_statistics" and set(self.disclosure.names) == {"published"}:
            raise ValueError("the profile `published` is for open statistics only: records of families need ten_five")
        return self

    def resolved_periods(self) -> Periods:
        """The plan's periods as ordinals."""
        return Periods.between(self.periods.first, self.periods.last, kind=self.periods.kind)

    def canonical(self) -> str:
        """The plan with every default filled in, as JSON with sorted keys: what is hashed and kept with a run."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)

    def as_given(self) -> str:
        """The plan without the defaults that were filled in, as JSON: read again, it is the same plan."""
        return json.dumps(self.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=False, indent=1)

    def hash(self) -> str:
        """SHA-256 of the canonical plan."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def read_plan(path: Path) -> Plan:
    """Read and check a plan.

    Raises
    ------
    PlanError
        With every fault found: the key, what it must be, and the nearest right name for a misspelt key.
    """
    path = Path(path)
    if not path.is_file():
        raise PlanError(f"There is no plan at {path}. Give the path of a plan.yml, for example studies/demonstration/plan.yml.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise PlanError(f"{path}{line}: this is not YAML that can be read. Mend the indentation or quoting there.") from error
    if not isinstance(content, dict):
        raise PlanError(
            f"{path} must hold `key: value` lines; it holds {'nothing' if content is None else type(content).__name__}. Start from"
            " studies/demonstration/plan.yml."
        )
    return read_content(content, path)


def read_content(content: dict, where: Path) -> Plan:
    """Check the content of a plan.

    Raises
    ------
    PlanError
        As `read_plan`.
    """
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        faults = all_in_words(error.errors(), Plan)
        raise PlanError(f"{where}: {len(faults)} thing(s) to mend in the plan:\n" + "\n".join(f"  - {fault}" for fault in faults)) from None
