"""All prices together: unit costs, deflators, discount rates and valuations, read once and checked against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from evaluation.errors import DictionaryError, PlanError
from evaluation.nearest import did_you_mean
from evaluation.value.deflators import Deflators, read_deflators
from evaluation.value.discounting import DiscountSchedule, read_discount_rates
from evaluation.value.unit_costs import Part, UnitCosts, read_unit_costs
from evaluation.value.valuations import Mix, Valuation, Valuations, read_valuations


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """What money is made from.

    Examples
    --------
    >>> from evaluation.locations import project_file
    >>> book = read_price_book(project_file("data_dictionary"))
    >>> round(book.price({"CR8.0": 1.0}, "2010/11"), 2)
    609.0
    """

    costs: UnitCosts
    deflators: Deflators
    discounts: DiscountSchedule
    valuations: Valuations

    def valuation(self, outcome: str) -> Valuation:
        """How an outcome is valued.

        Raises
        ------
        PlanError
            It has no declared conversion to a unit cost.
        """
        known = self.valuations.outcomes
        if outcome not in known:
            hint = did_you_mean(outcome, known, otherwise=f"valued are {', '.join(known)}.")
            raise PlanError(
                f"Every outcome that a plan values needs a declared conversion to a unit cost: {outcome!r} has none; {hint} Where: value.outcomes."
                " Mend the plan, or add the outcome to data_dictionary/values.yml."
            )
        return known[outcome]

    def parts(self, mix: Mix, leave_out: Iterable[str] = ()) -> tuple[tuple[Part, float, str], ...]:
        """Parts of a mix of unit costs with their pounds per cost unit, in the price year of each cost; those left out are not among them."""
        gone = frozenset(leave_out)
        costs = ((self.costs.by_code[code], amount) for code, amount in mix.items())
        return tuple((part, amount * part.value, cost.price_year) for cost, amount in costs for part in cost.parts if part.code not in gone)

    def price(self, mix: Mix, price_year: str, leave_out: Iterable[str] = (), lens: str = "fiscal") -> float:
        """Pounds of one cost unit in the prices of a year, seen from one lens."""
        parts = self.parts(mix, leave_out)
        return sum(pounds * self.deflators.factor(year, price_year) for part, pounds, year in parts if part.lens == lens)


def read_price_book(folder: Path) -> PriceBook:
    """Read the four files of the data dictionary.

    Raises
    ------
    DictionaryError
        One of them is wrong, or an outcome is valued at a cost that is not there.
    """
    valuations = read_valuations(folder / "values.yml")
    costs = read_unit_costs(folder / "unit_costs.csv", agencies=tuple(valuations.agencies), classes=tuple(valuations.cashable))
    unknown = sorted({code for valuation in valuations.outcomes.values() for code in valuation.codes()} - set(costs.by_code))
    if unknown:
        raise DictionaryError(
            f"data_dictionary/values.yml values outcomes at {', '.join(unknown)}, which is not in unit_costs.csv (a part of a cost is no cost). "
            "Mend the code, or add the row."
        )
    return PriceBook(
        costs=costs,
        deflators=read_deflators(folder / "gdp_deflators.csv"),
        discounts=read_discount_rates(folder / "discount_rates.csv"),
        valuations=valuations,
    )


def check_counted_once(book: PriceBook, outcomes: Mapping[str, tuple[str, ...]]) -> None:
    """Whether no two outcomes of a plan are valued at costs that pay for the same thing.

    Parameters
    ----------
    outcomes : outcome -> codes of parts that the plan leaves out

    Raises
    ------
    PlanError
        A part left out is no part of the outcome's cost, or something is paid for twice: what, in which parts, and what to leave out.
    """
    faults = []
    for outcome, leave_out in outcomes.items():
        whole = {part.code for code in book.valuation(outcome).codes() for part in book.costs.by_code[code].parts}
        unknown = [code for code in leave_out if code not in whole]
        faults += [f"{outcome} leaves out {code!r}, which is no part of its cost: {', '.join(sorted(whole))}." for code in unknown]
    for one, other in combinations(outcomes, 2):
        paid, too = (things_paid_for(book, name, outcomes[name]) for name in (one, other))
        if both := sorted(paid.keys() & too.keys()):
            codes = {name: sorted({code for thing in both for code in parts[thing]}) for name, parts in ((one, paid), (other, too))}
            ways = [f"{', '.join(found)} of {name}" for name, found in codes.items()]
            faults.append(
                f"{one} and {other} both pay for {', '.join(thing.replace('_', ' ') for thing in both)}. Leave out {' or '.join(ways)}"
                " (value.outcomes, `leave_out`), or value one of the two only."
            )
    if faults:
        raise PlanError("A plan must not count one saving twice:\n" + "\n".join(f"  - {fault}" for fault in faults))


def things_paid_for(book: PriceBook, outcome: str, leave_out: Iterable[str]) -> dict[str, set[str]]:
    """What an outcome's costs pay for -> codes of the parts that do."""
    found: dict[str, set[str]] = {}
    for code in book.valuation(outcome).codes():
        for part in (part for part in book.costs.by_code[code].parts if part.code not in leave_out):
            for thing in part.covers:
                found.setdefault(thing, set()).add(part.code)
    return found
