"""A payment-by-results framework as it is written down: criteria, problems, routes to a result, fees, and the source of every number.

Read from data_dictionary/payment_by_results/*.yml and checked whole; nothing here is applied to records (`problems.py`, `results.py`, `fees.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from evaluation.errors import DictionaryError
from evaluation.frozen import Frozen

Available = Literal["green", "amber", "red"]  # in the records delivered: whole, in part, not at all
YEAR = r"^\d{4}/\d{2}$"


class Sourced(Frozen):
    """A number and where it comes from; `recalled` where no source that we hold confirms it."""

    value: Fraction = Field(ge=0)
    source: str = Field(min_length=1)
    recalled: bool = False
    note: str = ""

    @field_validator("value", mode="before")
    @classmethod
    def exact(cls, value: object) -> object:
        """A number as written: 0.33 is 33 hundredths, 5/6 is five sixths."""
        if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
            raise ValueError("a number is written like 15, 0.33 or 5/6")
        try:
            return Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"a number is written like 15, 0.33 or 5/6, not {value!r}") from None

    @property
    def whole(self) -> int:
        """The value as a whole number."""
        return int(self.value)


class Count(Sourced):
    """A whole number of one or more."""

    @field_validator("value")
    @classmethod
    def is_whole(cls, value: Fraction) -> Fraction:
        if value.denominator != 1 or value < 1:
            raise ValueError(f"must be a whole number of 1 or more, not {float(value):g}")
        return value


class Share(Sourced):
    """A share above 0 and up to 1."""

    @field_validator("value")
    @classmethod
    def is_share(cls, value: Fraction) -> Fraction:
        if not 0 < value <= 1:
            raise ValueError(f"must be a share above 0 and up to 1, not {float(value):g}")
        return value


class Switch(Frozen):
    """A rule that is on or off, and where that comes from."""

    value: bool
    source: str = Field(min_length=1)
    recalled: bool = False


class Problem(Frozen):
    """One thing that a family may have had when joining: how it is measured, in which records, and how much of it they hold."""

    label: str
    measure: str  # the result rule in words, to follow 'met when'
    data: str  # who holds the records
    available: Available
    lacking: str = ""  # what the framework asks and the records do not hold

    @model_validator(mode="after")
    def says_what_lacks(self) -> Problem:
        if self.available != "green" and not self.lacking:
            raise ValueError(f"`available: {self.available}` needs `lacking`: what the framework asks and the records do not hold")
        return self


class Schooling(Problem):
    """Absence and exclusions of EACH child of school age over the last terms."""

    kind: Literal["schooling"]
    absence: Literal["unauthorised", "overall"]
    absence_from: Sourced  # per cent of possible sessions from which a child has the problem; a result needs less
    exclusions_from: Count | None = None  # fixed-period exclusions over the same terms
    permanent: bool = False  # whether a permanent exclusion counts at entry
    terms: Count


class Counted(Problem):
    """Events of the family that must fall against the same length of time before joining."""

    kind: Literal["counted"]
    counts: Literal["offences_by_minors", "offences_by_adults", "asb"]
    at_entry: Literal["offences_by_minors", "offences_by_adults", "asb", "asb_actions"]  # one of these in the look-back makes the problem apply
    lookback: Count  # quarters before joining
    falls_by: Share
    over: Count  # quarters


class NeedEnds(Problem):
    """A recorded need that must be closed and stay closed."""

    kind: Literal["need"]
    needs: tuple[str, ...] = Field(min_length=1)
    over: Count  # quarters without it


class Weeks(Frozen):
    """So many weeks in work out of the last so many."""

    weeks: Count
    within: Count

    @model_validator(mode="after")
    def fit(self) -> Weeks:
        if self.weeks.value > self.within.value:
            raise ValueError(f"{self.weeks.whole} weeks in work cannot lie within {self.within.whole} weeks")
        return self


class OffBenefit(Problem):
    """One adult who was on an out-of-work benefit is off it and in continuous employment."""

    kind: Literal["employment"]
    by_benefit: Mapping[str, Weeks]  # benefit code, or `other`

    @model_validator(mode="after")
    def has_other(self) -> OffBenefit:
        if "other" not in self.by_benefit:
            raise ValueError("by_benefit needs an entry `other` for benefits that it does not name")
        return self


class Unrecorded(Problem):
    """Asked by the framework and in no record delivered: it is named, never judged."""

    kind: Literal["unrecorded"]

    @model_validator(mode="after")
    def is_red(self) -> Unrecorded:
        if self.available != "red":
            raise ValueError("a problem of kind unrecorded is in no record: write `available: red`")
        return self


AnyProblem = Annotated[Schooling | Counted | NeedEnds | OffBenefit | Unrecorded, Field(discriminator="kind")]


class Criterion(Frozen):
    """An entry criterion: met when any of its problems was there."""

    label: str
    problems: tuple[str, ...] = Field(min_length=1)


class Eligibility(Frozen):
    """How many criteria make a family eligible by themselves, and how many with a local decision."""

    automatic: Count
    discretionary: Count | None = None


class Route(Frozen):
    """A way to a result: every problem of the route that applied at entry is met."""

    label: str
    problems: tuple[str, ...] = Field(min_length=1)
    adds_to: str | None = None  # paid on top of another route only
    claimed_as: tuple[str, ...] = ()  # codes of the table results_claimed for such a result; the route's own name where none is given


class FeeYear(Frozen):
    """Fees for a family attached in a financial year, in pounds; `results` by route."""

    attachment: int = Field(ge=0)
    results: Mapping[str, int]
    source: str = Field(min_length=1)
    recalled: bool = False

    @field_validator("results")
    @classmethod
    def not_negative(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        for route, fee in value.items():
            if fee < 0:
                raise ValueError(f"the fee of route {route} must be 0 or more, not {fee}")
        return value


class Fees(Frozen):
    """The fee schedule: by year, up to a maximum, for a share of the families."""

    maximum: Sourced
    paid_share: Share  # of families attached and of results, up to the target
    years: Mapping[str, FeeYear] = Field(min_length=1)


class ResultRule(Frozen):
    """When a family's result counts, for one outcome of a panel taken alone (`outcome_rules.py`)."""

    rule: Literal["stays_below", "falls_by", "stays_off"]
    over: int = Field(ge=1)  # collected periods in a row
    threshold: float | None = None  # stays_below: the outcome's unit
    share: float | None = Field(default=None, gt=0, le=1)  # falls_by: least fall as a share of the total before joining
    counts: str | None = None  # falls_by: the outcome that is counted
    words: str
    departs: str = ""

    @model_validator(mode="after")
    def complete(self) -> ResultRule:
        needed = {"stays_below": ("threshold", self.threshold), "falls_by": ("share", self.share)}
        name, value = needed.get(self.rule, ("", 0))
        if value is None:
            raise ValueError(f"the rule {self.rule} needs `{name}`")
        return self


class Framework(Frozen):
    """One payment-by-results framework.

    Attributes
    ----------
    claim_within : Count
        Quarters after the quarter of joining in which a result may be claimed.
    only_applying : Switch
        Whether a route asks only for problems that applied at entry.
    problems, criteria, routes : by name
    results : outcome -> ResultRule
        The simple reading by outcome; may be empty.
    """

    framework: str
    title: str
    source: str = Field(min_length=1)
    claim_within: Count
    only_applying: Switch
    eligibility: Eligibility
    criteria: Mapping[str, Criterion]
    problems: Mapping[str, AnyProblem]
    routes: Mapping[str, Route] = Field(min_length=1)
    fees: Fees
    results: Mapping[str, ResultRule] = {}

    @model_validator(mode="after")
    def agrees_with_itself(self) -> Framework:
        for place, entries in (("criteria", self.criteria), ("routes", self.routes)):
            for name, entry in entries.items():
                if unknown := [problem for problem in entry.problems if problem not in self.problems]:
                    raise ValueError(f"{place}.{name} names {', '.join(unknown)}, which is no problem of this framework: {', '.join(self.problems)}")
        asked = [count.whole for count in (self.eligibility.automatic, self.eligibility.discretionary) if count is not None]
        if max(asked) > len(self.criteria):
            raise ValueError(f"eligibility asks for {max(asked)} criteria and there are {len(self.criteria)}")
        if len(asked) == 2 and asked[1] > asked[0]:
            raise ValueError(f"eligibility by local decision ({asked[1]} criteria) cannot ask for more than the automatic one ({asked[0]})")
        for name, route in self.routes.items():
            if route.adds_to is not None and route.adds_to not in self.routes:
                raise ValueError(f"routes.{name}.adds_to names {route.adds_to}, which is no route: {', '.join(self.routes)}")
        self._check_fees()
        return self

    def _check_fees(self) -> None:
        for year, fee in self.fees.years.items():
            if unknown := [route for route in fee.results if route not in self.routes]:
                raise ValueError(f"fees.years.{year}.results names {', '.join(unknown)}, which is no route: {', '.join(self.routes)}")
            most = fee.attachment + max(fee.results.values(), default=0)
            if most > self.fees.maximum.value:
                raise ValueError(f"fees.years.{year}: attachment and the largest result fee come to {most:,} pounds, above the maximum of"
                                 f" {float(self.fees.maximum.value):,.0f}")

    def with_claims_within(self, quarters: int) -> Framework:
        """The framework with a plan's own time for claims."""
        return self.model_copy(update={"claim_within": Count(value=quarters, source="the plan")})

    def codes_of(self, route: str) -> tuple[str, ...]:
        """Codes of claims by a route, or by one that is paid on top of it."""
        names = [route, *(name for name, other in self.routes.items() if other.adds_to == route)]
        return tuple(code for name in names for code in self.routes[name].claimed_as or (name,))

    @property
    def claimable(self) -> tuple[str, ...]:
        """Routes that can be recomputed from records: not those that only add to another, nor those without a recorded problem."""
        return tuple(name for name, route in self.routes.items() if route.adds_to is None and self.recorded(route.problems))

    def recorded(self, problems: tuple[str, ...]) -> tuple[str, ...]:
        """The problems that some record holds."""
        return tuple(name for name in problems if not isinstance(self.problems[name], Unrecorded))

    def recalled(self) -> tuple[str, ...]:
        """Where numbers stand that no source which we hold confirms: 'problems.work.by_benefit.jsa.weeks', ..."""
        return tuple(recalled_in(self.model_dump(), ""))


def recalled_in(node: object, place: str) -> list[str]:
    """Places of numbers marked as recalled, below a node of a framework."""
    if not isinstance(node, Mapping):
        return []
    here = [place] if node.get("recalled") else []
    return here + [found for key, value in node.items() for found in recalled_in(value, f"{place}.{key}" if place else str(key))]


def read_framework(path: Path) -> Framework:
    """Read a framework's rules.

    Raises
    ------
    DictionaryError
        The file is missing, is no YAML, or a rule is wrong: every fault with what must hold, where and how to mend it.
    """
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yml"))) or "none"
        raise DictionaryError(f"There is no payment-by-results framework `{path.stem}` in data_dictionary/payment_by_results; known: {known}. Mend "
                              "`payment_by_results` in the plan.")
    where = f"data_dictionary/payment_by_results/{path.name}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if getattr(error, "problem_mark", None) else ""
        raise DictionaryError(f"{where}{line}: this is not YAML that can be read. Mend the indentation or quoting there.") from None
    try:
        return Framework.model_validate(content)
    except ValidationError as error:
        faults = "\n".join(f"  - {fault_in_words(fault)}" for fault in error.errors())
        raise DictionaryError(f"{where}: {error.error_count()} thing(s) to mend in the rules:\n{faults}\nMend the file; troubled_families_2012.yml "
                              "shows every kind of rule.") from None


def fault_in_words(fault: Mapping) -> str:
    """One fault: where it is, and what must hold there."""
    where = ".".join(str(part) for part in fault["loc"]) or "the framework"
    if fault["type"] == "missing":
        source = "; every number says where it comes from" if fault["loc"][-1] == "source" else ""
        return f"`{where}` is missing{source}."
    if fault["type"] == "extra_forbidden":
        return f"`{where}` is not a key of a framework here."
    if fault["type"] in ("model_type", "model_attributes_type"):
        return f"`{where}` must be written as {{value: ..., source: ...}}: a number needs its source."
    return f"`{where}`: {fault['msg'].removeprefix('Value error, ')}."
