"""Tables of the page on payment by results: four counts that are never mixed, results, money, agreement with claims, rules and their data."""

from __future__ import annotations

import math

from evaluation.disclosure.ledger import CONFIDENTIAL, Ledger, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import Shown, TableContent
from evaluation.disclosure.whose import Whose
from evaluation.findings.study import Scope
from evaluation.payment_by_results.framework import Unrecorded
from evaluation.payment_by_results.numbers import PaymentNumbers

MANY = "families"
HELD = {"green": "Here", "amber": "Here in part", "red": "Not here"}


def time_words(quarters: int) -> str:
    """'a year', 'two years', '18 months': how long claims may be made."""
    return {4: "a year", 8: "two years", 12: "three years"}.get(quarters, f"{3 * quarters} months")


def tables(numbers: PaymentNumbers, ledger: Ledger, scope: Scope) -> tuple[TableContent, ...]:
    """All tables of one report."""
    place = programme(scope)
    counted = (results_table(numbers, ledger, place), *agreement_table(numbers, ledger, place), money(numbers, ledger, place))
    return (four_counts(numbers, ledger, place), *(table for table in counted if tells(table)), rules_table(numbers))


def programme(scope: Scope) -> Population:
    """Programme families of a report."""
    return Whose(code=scope.code).joined(name=f"{scope.code}, payment by results")


def among(place: Population, what: str) -> Population:
    """Those of whom something is counted; `eligible` are programme families and others."""
    whole = Population.of(place.name, place.group, dict(place.where), *place.path[:1]) if what == "eligible" else place
    return whole.part(f"payment by results: {what}", "yes", place.name)


def tells(table: TableContent) -> bool:
    """Whether any cell beside the first column holds a number above 0."""
    return any(cell not in ("[c]", "[x]", "[z]", "0") for row in table.rows for cell in row[1:])


def four_counts(numbers: PaymentNumbers, ledger: Ledger, place: Population) -> TableContent:
    """Claims, attached, eligible, target."""
    claims = numbers.n_result if numbers.n_claimed is None else numbers.n_claimed

    def count(what: str, n: int) -> str:
        return ledger.count(n, of=MANY, what=what, population=among(place, what)).text

    def share(what: str, whole: int) -> str:
        return ledger.share(claims, whole, of=MANY, what=f"claims as a share of {what}", population=place).text

    name = "Families with a claim" if numbers.n_claimed is not None else "Families with a result, recomputed (no claims were delivered)"
    rows = [
        (name, count("claims", claims), "[z]"),
        ("Families attached to the programme", count("attached", numbers.n_attached), share("attached", numbers.n_attached)),
        ("Families found eligible, whether they joined or not", count("eligible", numbers.n_eligible), share("eligible", numbers.n_eligible)),
        ("Target", "[x]" if numbers.target is None else f"{numbers.target:,}", share_of_target(claims, numbers.target, ledger, place).text),
    ]
    return TableContent(
        id="payment_four",
        title="Four counts that are not the same",
        columns=("What", "Families", "Claims as a share of it"),
        rows=tuple(rows),
        notes=("A rate of claims depends on what it is divided by: councils were paid up to a target and could work with more families than that.",),
    )


def share_of_target(claims: int, target: int | None, ledger: Ledger, place: Population) -> Shown:
    """Claims over the target: a target is no group of people, so claims may reach or pass it."""
    if target is None:
        return ledger.keep("claims as a share of the target", place, Shown(value=None, text="[x]", symbol="[x]"))
    if ledger.small(claims, MANY):
        return ledger.keep("claims as a share of the target", place, CONFIDENTIAL)
    value = round(100 * ledger.rounded(claims, MANY) / target)
    return ledger.keep("claims as a share of the target", place, Shown(value=value, text=f"{value}%"))


def results_table(numbers: PaymentNumbers, ledger: Ledger, place: Population) -> TableContent:
    """What the rules say when they are applied to the records of all programme families."""
    automatic, local, few, unknown = numbers.by_criteria
    rule, framework = numbers.framework.eligibility, numbers.framework
    rows = [(f"Families attached who met {plural(rule.automatic.whole, 'criterion', 'criteria')} or more when joining", automatic)]
    if rule.discretionary is not None:
        rows.append((f"... {rule.discretionary.whole} criteria, eligible by local decision", local))
    rows += [
        ("... fewer criteria by these records", few),
        ("... criteria not known", unknown),
        ("Families attached with a problem in these records when joining", numbers.n_problem),
        (f"Families whose result the records show within {time_words(numbers.claim_within)}", numbers.n_known),
        ("Results", numbers.n_result),
        *(
            (f"... by {framework.routes[name].label[:1].lower()}{framework.routes[name].label[1:]}", n)
            for name, n in numbers.by_route.items()
            if name in framework.claimable
        ),
        ("... in which a child who had the problem had grown too old to be judged", numbers.n_aged_out),
        ("... in which a child who had the problem had left the family", numbers.n_left),
        ("Further results if people in no record did not stand in the way", numbers.n_missing),
    ]
    shown = tuple((label, ledger.count(n, of=MANY, what=label, population=among(place, label)).text) for label, n in rows)
    return TableContent(
        id="payment_results",
        title="The rules applied to the records of all programme families",
        columns=("What", "Families"),
        rows=shown,
        notes=("A result by ageing out or leaving was claimable under the rules; it shows no change in anybody.",),
    )


def plural(n: int, one: str, many: str) -> str:
    """'1 criterion', '3 criteria'."""
    return f"{n} {one if n == 1 else many}"


def agreement_table(numbers: PaymentNumbers, ledger: Ledger, place: Population) -> tuple[TableContent, ...]:
    """Claims as made beside results as recomputed."""
    found = numbers.agreement
    if found is None or not found.n:
        return ()

    def count(what: str, n: int) -> str:
        return ledger.count(n, of=MANY, what=what, population=among(place, what)).text

    rows = (
        ("Claimed", count("claimed and recomputed", found.both), count("claimed, not recomputed", found.claimed_only)),
        ("Not claimed", count("recomputed, not claimed", found.recomputed_only), count("neither", found.neither)),
    )
    agree = ledger.share(found.n_agree, found.n, of=MANY, what="claims that agree with the records", population=place)
    told = "" if agree.symbol else f" Both say the same of {agree.text} of the families."
    other = f" Claims were made by {numbers.claims_by}, results here by {numbers.framework.title}." if numbers.claims_by else ""
    return (
        TableContent(
            id="payment_agreement",
            title="Claims as the council made them, against the records",
            columns=("Claim", "Result in the records", "No result"),
            rows=rows,
            notes=(
                f"Programme families whose result the records show.{told}{other} Councils judged results by records of their own; claims without a"
                " result in these records are a reason to look, not a finding.",
            ),
        ),
    )


def money(numbers: PaymentNumbers, ledger: Ledger, place: Population) -> TableContent:
    """What the fee schedule pays for the results recomputed from the records."""
    paid, fees = numbers.paid, numbers.framework.fees
    share = float(fees.paid_share.value)
    behind = min((n for n, part in ((paid.n_attached, paid.attachment), (paid.n_results, paid.results)) if part > 0), default=0)
    rows = [
        ("Attachment fees", pounds(paid.attachment, paid.n_attached, ledger, place, "attachment fees")),
        ("Result fees", pounds(paid.results, paid.n_results, ledger, place, "result fees")),
        ("Both", pounds(paid.total, behind, ledger, place, "fees")),
    ]
    cap = "" if numbers.target is None else f", up to {numbers.target:,} families"
    told = [
        f"Fees are paid for {fees.paid_share.value} of the families{cap}." if share < 1 else f"Fees are paid for every family{cap}.",
        f"Result fees go by the year of {'attachment' if numbers.fee_by == 'attachment' else 'the claim'}"
        + (" (recalled, not confirmed)." if numbers.fee_by == "attachment" else "."),
    ]
    if paid.outside:
        outside = ledger.count(paid.outside, of=MANY, what="attached outside the fee years", population=among(place, "outside"))
        few = f"Fewer than {ledger.profile.threshold}" if outside.symbol else outside.text
        told.append(f"{few} families joined in years for which the schedule has no fee.")
    return TableContent(
        id="payment_money", title="What the fee schedule would pay, to two figures", columns=("What", "Pounds"), rows=tuple(rows), notes=tuple(told)
    )


def pounds(value: float, behind: int, ledger: Ledger, place: Population, what: str) -> str:
    """An amount to two figures; [c] where few families stand behind it."""
    if ledger.small(behind, MANY) or (behind == 0 and value > 0):
        return ledger.keep(what, place, CONFIDENTIAL).text
    return ledger.keep(what, place, number(to_two_figures(value), 0)).text


def to_two_figures(value: float) -> float:
    """An amount to two figures: a decimal more would tell how many families stand behind it.

    >>> to_two_figures(343_233.0), to_two_figures(0.0)
    (340000.0, 0.0)
    """
    return 0.0 if value <= 0 else round(value, 1 - math.floor(math.log10(value)))


def rules_table(numbers: PaymentNumbers) -> TableContent:
    """Each problem with its rule, its records, and what they lack."""
    framework = numbers.framework
    asked = dict.fromkeys(name for route in framework.routes.values() for name in route.problems)
    rows = []
    for name in asked:
        problem = framework.problems[name]
        held = HELD[problem.available] if name in numbers.problems or isinstance(problem, Unrecorded) else "Not delivered"
        lacking = f". They lack: {problem.lacking}" if problem.lacking else ""
        rows.append((problem.label, problem.measure, f"{problem.data}. {held}{lacking}"))
    return TableContent(
        id="payment_rules",
        title=f"The rules: {framework.title}",
        columns=("Problem", "Met when", "Records, and what they lack"),
        rows=tuple(rows),
        notes=(f"Source: {framework.source}.",),
    )
