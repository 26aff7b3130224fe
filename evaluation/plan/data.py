"""Sections of a plan about its data: where records come from, what is simulated, which places had the programme, what was published about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from evaluation.plan.sections import Section

SIMULATED_ONLY = ("families", "joined", "share_joining", "joining", "effects", "costs", "costs_source", "caseload")


class Joining(Section):
    """First and last quarter in which simulated families may join."""

    first: str
    last: str


class DataPlan(Section):
    """Where the records come from. `folder` of extracts is seen from the plan's own folder.

    Attributes
    ----------
    families : int or mapping of council code -> int
        Simulated families in all or in each council, joined or not.
    joined : int or mapping of council code -> int
        Exactly how many of them join; without it, `share_joining` is expected. The code `others` stands for all councils of 2012 that are not named:
        so many join there together, and the number of families follows from `share_joining`.
    joining : first and last quarter in which they may join; without it, from the second year of the periods on.
    effects : outcome -> relative change at full strength; none named is a programme without effect.
    costs : council code -> financial year -> pounds
        Published costs of the programme; drawn for councils that are not named.
    costs_source : where these were published; a report that takes them names it.
    caseload : least and most families of a key worker.
    split_by_schools : whether councils that came out of a split one are carried back before the split by their schools, in place of adding them up.
    """

    kind: Literal["simulated", "extracts", "open_statistics"]
    folder: str | None = None
    tables: tuple[str, ...] = ()
    families: int | dict[str, int] = 0
    joined: int | dict[str, int] | None = None
    share_joining: float = Field(default=0.4, gt=0, lt=0.95)
    joining: Joining | None = None
    effects: dict[str, float] | None = None
    costs: dict[str, dict[str, float]] = {}
    costs_source: str = ""
    caseload: tuple[int, int] | None = None
    split_by_schools: bool = False

    @model_validator(mode="after")
    def complete(self) -> DataPlan:
        needed = {"extracts": ("folder", self.folder), "open_statistics": ("tables", self.tables), "simulated": ("families", self.families)}
        name, value = needed[self.kind]
        by_joined = isinstance(self.joined, dict) and "others" in self.joined
        if not value and not (self.kind == "simulated" and by_joined):
            raise ValueError(f"data of kind {self.kind} needs `{name}`")
        if by_joined and self.families:
            raise ValueError("`joined` with `others` says how many families there are: leave `families` out")
        if bool(self.costs) != bool(self.costs_source):
            raise ValueError("published `costs` and their `costs_source` stand together: give both, or neither")
        given = [name for name in SIMULATED_ONLY if name in self.model_fields_set]
        if self.split_by_schools and self.kind != "open_statistics":
            raise ValueError("`split_by_schools` is for open statistics")
        if self.kind != "simulated" and given:
            raise ValueError(f"only simulated data take {', '.join(given)}: this is {self.kind}. Take it out, or set kind: simulated")
        return self

    @model_validator(mode="after")
    def possible(self) -> DataPlan:
        joined = self.joined if isinstance(self.joined, dict) else {"all together": self.joined or 0}
        below = [code for code, number in joined.items() if number < 0]
        families = self.families if isinstance(self.families, dict) else {}
        above = [code for code, number in joined.items() if code in families and number > families[code]]
        above += ["all together"] if isinstance(self.families, int) and 0 < self.families < joined.get("all together", 0) else []
        nowhere = [code for code in joined if families and code not in families and code != "all together"]
        costs = [f"{code} {year}" for code, years in self.costs.items() for year, cost in years.items() if cost < 0]
        for wrong, words in (
            (below, "`joined` must be 0 or more families"),
            (above, "`joined` must not be more than the `families` that there are"),
            (nowhere, "`joined` must name councils of `families`"),
            (costs, "`costs` must be 0 or more pounds"),
        ):
            if wrong:
                raise ValueError(f"{words}: not so for {', '.join(wrong)}")
        if self.caseload is not None and not 1 <= self.caseload[0] <= self.caseload[1]:
            raise ValueError(f"`caseload` must run from 1 or more families to as many or more: it is {list(self.caseload)}")
        return self


class Place(Section):
    """A place that had the programme: whole councils together, or some small areas of one council.

    Attributes
    ----------
    small_areas : int or area codes
        In simulated records a number: the first small areas of the council, by code, stand for the place. In real records the codes.
    """

    name: str
    councils: tuple[str, ...] = Field(min_length=1)
    small_areas: int | tuple[str, ...] | None = None
    aim: str = ""  # what the place set out to change, in words

    @model_validator(mode="after")
    def complete(self) -> Place:
        if self.small_areas is not None and len(self.councils) != 1:
            raise ValueError(f"small areas lie in one council: {self.name} names {len(self.councils)}")
        if self.small_areas in (0, ()) or (isinstance(self.small_areas, int) and self.small_areas < 0):
            raise ValueError(f"`small_areas` of {self.name} must be at least one")
        return self


class Published(Section):
    """A figure that was published about the programme, with its source."""

    what: str
    figure: str
    source: str
    beside: Literal["joined", "claims", "results"] | None = None  # which of the study's own counts of families stands beside it
    by: str | None = None  # the quarter to whose end is counted; the whole study without it

    @field_validator("figure", mode="before")
    @classmethod
    def as_text(cls, value: object) -> str:
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)

    @model_validator(mode="after")
    def counted(self) -> Published:
        if self.by is not None and self.beside is None:
            raise ValueError("`by` says to when is counted: name what in `beside` (joined, claims or results)")
        return self
