"""Tables of the section on value for money: by lens, by outcome, the savings calculator's contrast, and the assumptions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evaluation.disclosure.event_studies import degrees
from evaluation.disclosure.ledger import number
from evaluation.disclosure.release import OutcomeResult, Shown, TableContent
from evaluation.disclosure.rules import PEOPLE
from evaluation.findings.pounds import Pounds, pounds
from evaluation.findings.present import Nouns
from evaluation.findings.summary import listed
from evaluation.findings.worth import Worth
from evaluation.value import Appraised, Money
from evaluation.value.valuations import Valuation

LENSES = {
    "fiscal": "Public purse (fiscal)",
    "economic": "People and business (economic)",
    "social": "Society as a whole (social)",
}
NOT_PRICED = ("[x]", "[x]", "[x]", "[x]", "[x]", "[x]")
VERDICTS = {"not_detectable": "no effect detectable", "explained_by_trend": "moving before the programme", "better": "better", "worse": "worse"}


def lenses(worth: Worth, purse: Pounds) -> TableContent:
    """Benefits, cost and net value for each lens, with and without scaling down, and how much of it is cash."""
    rows = [(LENSES[lens], *lens_cells(worth.adjusted, lens, purse)) for lens in worth.plan.lens]
    if "fiscal" in worth.plan.lens:
        rows.insert(1, ("Public purse, effects not scaled down", *lens_cells(worth.plain, "fiscal", purse)))
    bears_none = "economic" in worth.plan.lens and worth.adjusted.is_priced("economic")
    unpriced = [LENSES[lens].lower() for lens in worth.plan.lens if not worth.adjusted.is_priced(lens)]
    return TableContent(
        id="value-lenses",
        title=f"What the effects are worth and what the programme cost, {worth.plan.price_year} prices, discounted to {first_year(worth)}",
        columns=("Seen from", "Benefits", "Cost", "Net value", "95% range of net value", "Benefits for each £1", "Chance that benefits exceed cost"),
        rows=tuple(rows),
        notes=(
            "The rows are views of the same effects and are never added together. Benefit payments move money from the state to people: they count"
            " for the public purse and as nothing for society.",
            cash_in_words(purse, worth),
            *((f"[x]: the unit costs used hold no price for {listed(unpriced)}.",) if unpriced else ()),
            *(("[z]: people and business bear none of the cost of delivery, so their row has benefits only.",) if bears_none else ()),
        ),
    )


def cash_in_words(purse: Pounds, worth: Worth) -> str:
    """How much of the benefits to the public purse is cash: a part of them only where they and every share of them are gains."""
    cash, low, high = (purse.one("cashable", worth.adjusted.cashable(*end).mean) for end in ((), ("low",), ("high",)))
    if min(cash.value, low.value, high.value) >= 0 and purse.rounded(worth.adjusted.benefit().mean) > 0:
        return (
            f"Of what the effects are worth to the public purse, {cash.text} is cash that could be spent elsewhere ({low.text} if the least of each"
            f" saving is cash, {high.text} if the most is); the rest frees time and places of services."
        )
    return (
        f"Gains and losses of cash come to {cash.text} ({low.text} if the least of each saving or loss is cash, {high.text} if the most is); the"
        " others are time and places of services, freed or taken up."
    )


def lens_cells(appraised: Appraised, lens: str, purse: Pounds) -> tuple[str, ...]:
    """One row: benefits, cost, net value, its range, benefits for each pound, chance."""
    if not appraised.is_priced(lens):
        return NOT_PRICED
    benefit = purse.of(appraised.benefit(lens))
    if lens == "economic":  # nobody but the public purse bears the cost of delivery
        return (purse.one(f"benefits, {lens}", benefit.mean).text, *["[z]"] * (len(NOT_PRICED) - 1))
    cost = purse.rounded(appraised.cost)
    net = purse.range(f"net value, {lens}", benefit.less(cost))
    shown = purse.one(f"benefits, {lens}", benefit.mean).text, purse.one("cost", appraised.cost).text
    return (*shown, net.estimate.text, f"{net.lower.text} to {net.upper.text}", ratio(benefit.mean, cost, lens, purse),
            chance(appraised.probability(lens), lens, purse))  # fmt: skip


def ratio(benefit: float, cost: float, lens: str, purse: Pounds) -> str:
    """Mean benefits for each pound of cost, from both as printed; [z] without a cost."""
    if not cost > 0:
        return "[z]"
    value = round(benefit / cost, 2)
    return purse.ledger.keep(f"benefit-cost ratio, {lens}", purse.population, Shown(value=value, text=pounds(value, 2))).text


def chance(probability: float, lens: str, purse: Pounds) -> str:
    """The probability that benefits exceed costs in whole per cent, never 0 or 100."""
    percent = round(100 * probability)
    text = "under 1%" if probability < 0.01 else "over 99%" if probability > 0.99 else f"{percent}%"
    return purse.ledger.keep(f"chance that benefits exceed costs, {lens}", purse.population, Shown(value=float(percent), text=text)).text


def outcomes(worth: Worth, valued: Mapping[str, OutcomeResult], purse: Pounds, nouns: Nouns) -> TableContent:
    """From effect to money, outcome by outcome."""
    case, rows = worth.adjusted.case, []
    for name, result in valued.items():
        valuation, mix, leave_out = case.book.valuation(name), case.mix(name), case.outcomes[name]
        avoided = purse.ledger.keep(f"avoided, {name}", purse.population, three_figures(units_avoided(worth, name)))
        shown = purse.range(f"worth, {name}", money_of(worth, name))
        rows.append(
            (
                f"{result.label} ({VERDICTS[result.verdict]})" if result.verdict in VERDICTS else result.label,
                f"{result.effect.estimate.text} {result.change_unit}",
                f"{avoided.text} {valuation.unit}",
                pounds(case.book.price(mix, case.price_year, leave_out)),
                cited(worth, name),
                f"{100 * (1 - case.kept(name)):.0f}%",
                f"{shown.estimate.text} ({shown.lower.text} to {shown.upper.text})",
            )
        )
    return TableContent(
        id="value-outcomes",
        title=f"From effect to money, for {worth.units:,.0f} matched {nouns.many}",
        columns=("Outcome", "Effect", "Avoided (below 0: added)", "Price of one", "Unit cost", "Scaled down by", "Worth (95% range)"),
        rows=tuple(rows),
        notes=(
            f"Worth to the public purse is what is avoided times its price in {worth.plan.price_year}, scaled down by the grade of confidence (gains"
            f" and losses alike) and discounted to {first_year(worth)}. Unit costs: {listed(editions(worth))}.",
        ),
    )


def cited(worth: Worth, outcome: str) -> str:
    """Codes of an outcome's unit costs, parts left out, and price years."""
    case = worth.adjusted.case
    costs = [case.book.costs.by_code[code] for code in case.mix(outcome)]
    gone = case.outcomes[outcome]
    years = listed(sorted({cost.price_year for cost in costs}))
    return listed([cost.code for cost in costs]) + (f" without {listed(list(gone))}" if gone else "") + f", {years} prices"


def editions(worth: Worth) -> list[str]:
    """Editions of all unit costs used."""
    book = worth.adjusted.case.book
    return sorted({book.costs.by_code[code].edition for name in worth.plan.outcomes for code in book.valuation(name).codes()})


def first_year(worth: Worth) -> str:
    """The financial year to which everything is discounted."""
    return worth.adjusted.case.timeline().labels()[0]


def units_avoided(worth: Worth, outcome: str) -> float:
    """Cost units avoided by all matched units over the window; neither discounted nor scaled down."""
    case, effects = worth.plain.case, worth.plain.effects
    effect = float(effects.estimates[effects.outcomes.index(outcome)])
    return effect * case.units_per_effect(outcome) * float(case.timeline().unit_years.sum())


def three_figures(value: float) -> Shown:
    """A number to three significant figures, at most one decimal."""
    size = math.floor(math.log10(abs(value))) if value else 0
    return number(round(value, 2 - size), max(min(2 - size, 1), 0))


def contrast(worth: Worth, purse: Pounds, nouns: Nouns) -> TableContent:
    """What a savings calculator would claim from the same records, and what of it remains."""
    found, cost = worth.calculator, purse.rounded(worth.adjusted.cost)
    gross, comparison, net = (purse.rounded(value) for value in (found.gross, found.comparison, found.net))
    scaled = purse.rounded(worth.adjusted.benefit().mean)

    def row(label: str, value: float) -> tuple[str, str]:
        return label, purse.one(label, value).text

    return TableContent(
        id="value-contrast",
        title="What a before and after savings calculator would claim from the same records",
        columns=("What", "Public purse"),
        rows=(
            row(f"The calculator's saving: change of programme {nouns.many} from the year before joining, at the same prices", gross),
            row(f"of which matched comparison {nouns.many} had too, over the same periods", comparison),
            row(of_the_base(nouns), gross - comparison - net),
            row(f"Left: the effect against matched comparison {nouns.many}", net),
            row("Scaled down for optimism: the benefits as valued in this report", scaled),
            row("Cost of the programme", cost),
            row("The calculator's saving less the cost", gross - cost),
            row("Benefits less the cost", scaled - cost),
        ),
        notes=("The first line has no comparison group. It is shown for contrast only and is not a result of this study.", *national(nouns)),
    )


def national(nouns: Nouns) -> tuple[str, ...]:
    """What the national calculator gave, for studies of families."""
    if nouns.many != "families":
        return ()
    return (
        "The national savings calculator gave £11,200 a family against a cost of £5,214 (DCLG, March 2015, as a published summary quotes it): before"
        " and after, gross of what families outside the programme had too.",
    )


def of_the_base(nouns: Nouns) -> str:
    """Why two changes over the same periods do not differ by the effect."""
    crisis = f": {nouns.many} join at a crisis, and the effect is measured from before it" if nouns.many in PEOPLE else ""
    return f"of which goes with the base period{crisis}"


def assumptions(worth: Worth, valued: Mapping[str, OutcomeResult], nouns: Nouns) -> TableContent:
    """What no record says: what was taken, its ends, and where it comes from."""
    book, plan = worth.adjusted.case.book.valuations, worth.plan
    rows = []
    for name, result in valued.items():
        valuation = book.outcomes[name]
        rows.append((f"{result.label}: how it is counted", valuation.words, ends_of(valuation), valuation.note))
    shares = "; ".join(f"{each.label} {each.share:.0%}" for each in book.cashable.values())
    grades = ", ".join(f"{share:.0%}" for share in book.optimism.grades.values())
    lasting, unmatched, cost = book.persistence, book.unmatched, book.programme_cost
    years = lasting.years if plan.persistence_years is None else plan.persistence_years
    share = unmatched.share if plan.unmatched_share is None else plan.unmatched_share
    ends = "; ".join(f"{each.label} {each.low:.0%} to {each.high:.0%}" for each in book.cashable.values() if each.low < each.high)
    worst = f"from none to {max(book.optimism.grades.values()):.0%} for all"
    after = f"{years} years after the periods measured" if years else "not beyond the periods measured"
    rows += [
        ("Scaling down for optimism", f"{grades} for grades 1 to {len(book.optimism.grades)}", worst, book.optimism.note),
        ("How long effects last", after, f"from {lasting.low} to {lasting.high} years", lasting.note),
        (f"{nouns.many.capitalize()} without a match", f"{share:.0%} of the effect",
         f"from {unmatched.low:.0%} to {unmatched.high:.0%}", unmatched.note),
        ("Cost of the programme", "as given", f"from {cost.low:.0%} to {cost.high:.0%} of it", cost.note),
        ("How much of a saving is cash", shares, ends, book.cashable_note),
    ]
    return TableContent(
        id="value-assumptions",
        title="Assumptions behind the money",
        columns=("Assumption", "Taken", "Low to high", "Where it comes from"),
        rows=tuple(rows),
    )


def ends_of(valuation: Valuation) -> str:
    """Low and high end of how an outcome is counted and of its price, in words."""
    number, parts = valuation.number, []
    if number.low < number.high:
        parts.append(f"from {number.low / number.value:.0%} to {number.high / number.value:.0%} of that number")
    if valuation.costs_low or valuation.costs_high:
        low, high = (listed(list(mix or valuation.costs)) for mix in (valuation.costs_low, valuation.costs_high))
        parts.append(f"price from {low} to {high}")
    return "; ".join(parts) or "held still"


def sources(worth: Worth, nouns: Nouns) -> tuple[str, ...]:
    """Where prices come from, with editions and hashes of the files read. Degrees of freedom count people: they are floored as in a pack."""
    df = degrees(worth.adjusted.effects.df, nouns.many in PEOPLE)
    least = "at least " if nouns.many in PEOPLE else ""
    spread = "the normal distribution" if df is None else f"the t distribution with {least}{df:,.0f} degrees of freedom"
    book = worth.adjusted.case.book
    costs = sorted({book.costs.by_code[code].source for name in worth.plan.outcomes for code in book.valuation(name).codes()})
    return (
        f"Unit costs: {listed(editions(worth))}, {listed(costs)} (file {book.costs.sha256[:12]}).",
        f"Prices of other years: {book.deflators.release} (file {book.deflators.sha256[:12]}).",
        f"Discounting: {book.discounts.source}, {100 * book.discounts.segments[0].rate:.1f}% a year in real terms over the years counted here.",
        f"Intervals: {len(worth.adjusted.draws):,} draws of the effects, joint across outcomes, from {spread}; assumptions are held still and varied"
        " one at a time in the chart.",
    )


def money_of(worth: Worth, outcome: str) -> Money:
    """Fiscal benefits of one outcome."""
    return worth.adjusted.gain(lambda line: line.outcome == outcome and line.counts_in("fiscal"))
