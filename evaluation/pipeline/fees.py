"""Payment-by-results fees for who pays and who gains: the plan's own, else what the framework's rules give on the records.

Fees pass between levels of government. They are in no benefit, no cost and no net value: the cost is that of delivery, whoever pays for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.disclosure.ledger import Ledger
from evaluation.errors import DictionaryError
from evaluation.findings.payment_tables import to_two_figures
from evaluation.payment_by_results.numbers import PaymentNumbers
from evaluation.plan.worth import ValuePlan
from evaluation.value import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Fees of one report.

    Attributes
    ----------
    pounds : float
        In the prices of the plan's year.
    source : str
        Where they come from, to follow 'fees of so many pounds'; '' where there are none.
    by_rules : float or None
        What the rules give, where the plan's own fees stand in their place.
    gap : bool
        Whether the rules' schedule has no fee for some of the years in which families joined.
    reason : str
        Why there are none although the plan has a framework.
    """

    pounds: float = 0.0
    source: str = ""
    by_rules: float | None = None
    gap: bool = False
    reason: str = ""


def fees_of(plan: ValuePlan, payment: PaymentNumbers | None, *, share: float, book: PriceBook, first: int, ledger: Ledger) -> Fees:
    """The fees of a report's families.

    Parameters
    ----------
    payment : PaymentNumbers, optional
        What the rules give on the records of the report's families.
    share : float
        The report's share of a sum that the plan gives for the whole programme.
    first : int
        Calendar year in which the first financial year of the appraisal begins.

    Notes
    -----
    A plan's own fees win: what was received is a fact, and what the rules would give on incomplete records is an estimate of it. The report then
    names both. Both may differ for good reasons (other families were claimed for, other rules were in force), so that neither refuses the other.
    """
    ruled = Fees() if payment is None else by_rules(plan, payment, book=book, first=first, ledger=ledger)
    if plan.fees is None:
        return ruled
    pounds = plan.fees.pounds * share * book.deflators.factor(plan.fees.price_year, plan.price_year)
    return Fees(pounds=pounds, source=f"as the plan gives them ({plan.fees.source})", by_rules=ruled.pounds if ruled.source else None, gap=ruled.gap)


def by_rules(plan: ValuePlan, payment: PaymentNumbers, *, book: PriceBook, first: int, ledger: Ledger) -> Fees:
    """What the rules give, each year's fees in the plan's prices and discounted as everything else, to two figures as on the page of payment."""
    paid = payment.paid
    if paid.total <= 0:
        return Fees(reason="the fee schedule pays nothing for the years of this study")
    if ledger.small(paid.n_attached, "families") or ledger.small(paid.n_results, "families"):
        return Fees(reason=f"fewer than {ledger.profile.threshold} families stand behind them")
    try:
        found = sum(
            pounds * book.deflators.factor(year, plan.price_year) * book.discounts.factor(max(int(year[:4]) - first, 0))
            for year, pounds in paid.by_year.items()
        )
    except DictionaryError as fault:
        return Fees(reason=f"they cannot be brought to one year's prices ({fault})")
    year = "joining" if payment.fee_by == "attachment" else "the claim"
    return Fees(
        pounds=to_two_figures(found),
        gap=paid.outside > 0,
        source=f"what the rules give on these records ({payment.framework.title}): results at the fee of the year of {year}, in {plan.price_year}"
        " prices, discounted and to two figures",
    )
