"""Value for money in words: what the effects are worth, against what the programme cost, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import AgencyLine, OutcomeResult, Shown, ShownInterval, SwingLine, ValueForMoney
from evaluation.findings import value_tables
from evaluation.findings.pounds import Pounds, pounds, step_for
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.summary import listed, words
from evaluation.findings.texts import PERIOD_NOUN
from evaluation.findings.worth import Worth
from evaluation.value import Swing, by_agency

NO_VALUE = "Not part of this study's plan: no effect is put into money."


def present_value(worth: Worth | None, results: Sequence[OutcomeResult], ledger: Ledger, nouns: Nouns) -> ValueForMoney | None:
    """The section on value for money; None where the plan does not ask for one."""
    if worth is None:
        return None
    if worth.status == "not_shown":
        return ValueForMoney(status="not_shown", sentence=f"Not shown, because {worth.reason}.")
    if worth.status == "not_estimated":
        left = " What the programme cost is set against nothing." if worth.cost_words else ""
        return ValueForMoney(status="not_estimated", sentence=f"No net value can be given, because {worth.reason}.{left}")
    valued = {result.outcome: result for result in results if result.outcome in worth.plan.outcomes}
    purse = Pounds(ledger=ledger, population=nouns.scope, step=step_for(worth.adjusted.benefit()))
    net, benefit, cost = net_of(worth, purse), purse.one("benefits", worth.adjusted.benefit().mean), purse.one("cost", worth.adjusted.cost)
    outcomes, assumed = value_tables.outcomes(worth, valued, purse, nouns), value_tables.assumptions(worth, valued, nouns)
    of_no_one = [*(row[3] for row in outcomes.rows), *(cell for row in assumed.rows for cell in row), *value_tables.sources(worth, nouns)]
    of_no_one += [worth.cost_words, worth.fees_source]
    for text in (*of_no_one, *value_tables.national(nouns)):
        ledger.said(text, what="prices and assumptions", population=nouns.scope)
    return ValueForMoney(
        status="shown",
        sentence=page_one(net, benefit, cost, worth, valued),
        title=title_of(net) + to_society(worth, net, purse),
        agencies_title=agencies_title(worth, purse),
        findings=findings(worth, valued, nouns, purse),
        net=net,
        lenses=value_tables.lenses(worth, purse),
        outcomes=outcomes,
        agencies=agencies(worth, purse),
        swings=tuple(swing_line(swing, valued, worth, purse, nouns) for swing in worth.swings[:10]),
        contrast=value_tables.contrast(worth, purse, nouns),
        assumptions=assumed,
        sources=value_tables.sources(worth, nouns),
        price_year=worth.plan.price_year,
    )


def net_of(worth: Worth, purse: Pounds) -> ShownInterval:
    """Net value to the public purse: printed benefits less printed cost."""
    return purse.range("net value", purse.of(worth.adjusted.benefit()).less(purse.rounded(worth.adjusted.cost)))


def title_of(net: ShownInterval) -> str:
    """The finding as a title, from the range as it is printed."""
    if net.upper.value < 0:
        return "In the periods measured, the programme cost the public purse more than its effects were worth"
    if net.lower.value > 0:
        return "In the periods measured, the effects were worth more to the public purse than the programme cost"
    return "Whether the effects were worth what the programme cost cannot be told"


def to_society(worth: Worth, net: ShownInterval, purse: Pounds) -> str:
    """A clause where the public purse cannot be told either way and society as a whole can; '' elsewhere."""
    if net.upper.value < 0 or net.lower.value > 0 or "social" not in worth.plan.lens or not worth.adjusted.is_priced("social"):
        return ""
    social = purse.of(worth.adjusted.benefit("social")).less(purse.rounded(worth.adjusted.cost))
    if social.lower <= 0 <= social.upper:
        return ""
    return f", for the public purse; seen from society as a whole they were worth {'less' if social.upper < 0 else 'more'}"


def page_one(net: ShownInterval, benefit: Shown, cost: Shown, worth: Worth, valued: Mapping[str, OutcomeResult]) -> str:
    """Net value with its range, and whether the effects behind it can be told from none."""
    low, high = net.lower.value, net.upper.value
    if high < 0:
        likely = f"Net cost to the public purse {pounds(-net.estimate.value)} (likely {pounds(-high)} to {pounds(-low)})"
    elif low > 0:
        likely = f"Net gain to the public purse {net.estimate.text} (likely {net.lower.text} to {net.upper.text})"
    else:
        likely = f"Net gain or cost to the public purse {net.estimate.text} (likely {net.lower.text} to {net.upper.text})"
    gain = benefit
    found = f"effects worth {gain.text}" if gain.value >= 0 else f"effects that lost it another {pounds(-gain.value)}"
    paid = f"cost {cost.text}" + (" as the plan takes it" if worth.plan.cost is not None else "")
    return f"{likely}{whose(worth)}, {worth.plan.price_year} prices: {found}, {paid}. {doubt_in_short(valued)}".strip()


def whose(worth: Worth) -> str:
    """Whose money it is, where the report is of one place and the money that of all; '' where it is the report's own."""
    return " in all programme areas together" if worth.together else ""


def doubt_in_short(valued: Mapping[str, OutcomeResult]) -> str:
    """How many of the valued effects cannot be told from none, or from the trend before; '' where all can."""
    verdicts = [result.verdict for result in valued.values()]
    unseen, drifting, n = verdicts.count("not_detectable"), verdicts.count("explained_by_trend"), len(verdicts)
    seen = f"{words(unseen).capitalize()} of {words(n)} effects are not detectable." if unseen else ""
    if unseen == n:
        seen = "The effect is not detectable." if n == 1 else f"None of the {words(n)} effects is detectable."
    return f"{seen} {f'The gap in {words(drifting)} was moving before the programme.' if drifting else ''}".strip()


def doubt(valued: Mapping[str, OutcomeResult]) -> str:
    """Which of the valued effects cannot be told from none, or from the trend before; '' where all can."""
    unseen = [lower_first(result.label) for result in valued.values() if result.verdict == "not_detectable"]
    drifting = [lower_first(result.label) for result in valued.values() if result.verdict == "explained_by_trend"]
    parts = []
    if unseen and len(unseen) == len(valued):
        parts.append("No effect valued here could be detected, so the benefits may be nothing.")
    elif unseen:
        part = "that part" if len(unseen) == 1 else "those parts"
        parts.append(f"No effect on {listed(unseen, 'or')} could be detected, so {part} may be nothing.")
    if drifting:
        parts.append(f"The gap in {listed(drifting)} was moving before the programme, so that money is not the programme's to claim.")
    return " ".join(parts)


def findings(worth: Worth, valued: Mapping[str, OutcomeResult], nouns: Nouns, purse: Pounds) -> tuple[str, ...]:
    """What the section says before its charts."""
    adjusted = worth.adjusted
    chance, paid = value_tables.chance(adjusted.probability(), "fiscal", purse), adjusted.payback()
    return tuple(
        text
        for text in (
            f"The chance that benefits to the public purse exceed the cost is {chance}, given the effects and their uncertainty and taking every"
            " assumption below as it stands.",
            f"The cost is repaid by the end of {paid}."
            if paid
            else "The cost is not repaid within the periods counted, so there is no payback period.",
            for_each(worth, nouns, purse),
            doubt(valued),
            losses(worth, valued, purse),
            counted_for(worth, nouns),
            worth.cost_words,
            fees_in_words(worth, purse),
        )
        if text
    )


def for_each(worth: Worth, nouns: Nouns, purse: Pounds) -> str:
    """Cost and benefits for one programme unit, to the nearest hundred pounds, from what is printed."""
    alone = replace(purse, step=100.0)
    cost = alone.one("cost for each", purse.rounded(worth.adjusted.cost) / (worth.units + worth.unmatched))
    benefit = alone.one("benefits for each", purse.rounded(worth.adjusted.benefit().mean) / worth.units)
    gain = benefit.text.replace("[low]", "next to nothing")
    return f"The programme cost {cost.text} for each of the {nouns.many} that joined; its effects are worth {gain} for each matched {nouns.one}."


def losses(worth: Worth, valued: Mapping[str, OutcomeResult], purse: Pounds) -> str:
    """Outcomes that came out worse, whose money is counted as a loss."""
    found = []
    for name, result in valued.items():
        money = value_tables.money_of(worth, name)
        if purse.rounded(money.mean) < 0:  # a loss that rounds to nothing is not worth a sentence
            found.append(f"{lower_first(result.label)} ({purse.one(f'loss, {name}', money.mean).text})")
    return f"The estimate is a loss for {listed(found)}; losses count as gains do." if found else ""


def counted_for(worth: Worth, nouns: Nouns) -> str:
    """For whom benefits are counted, and for how long."""
    first, last = worth.adjusted.case.window
    left = f" The {nouns.many} without a match get none, though their cost is counted." if worth.unmatched else ""
    if worth.plan.unmatched_share and worth.unmatched:
        left = f" The {nouns.many} without a match are given {100 * worth.plan.unmatched_share:.0f}% of the effect, as the plan says."
    left += " The money is that of all places together, which are judged as one; no place alone is valued." if worth.together else ""
    years = worth.plan.persistence_years or 0
    after = f"then for {years} more year{'s' if years != 1 else ''}, fading" if years else "nothing is counted after that"
    period = PERIOD_NOUN[worth.adjusted.case.periods.kind]
    one = f"{period} {first} after joining" if first else f"the {period} of joining"
    when = f"{period}s {first} to {last} after joining" if last > first else one
    return (
        f"Benefits are counted for {worth.units:,.0f} matched {nouns.many}, in {when}; {after}. The average effect"
        f" of those followed throughout is taken for all of them.{left}"
    )


def fees_in_words(worth: Worth, purse: Pounds) -> str:
    """Fees, where they come from, and that they change no net value; '' without any."""
    if worth.fees_reason:
        return f"No payment-by-results fees stand in who pays and who gains: {worth.fees_reason}."
    if not worth.fees:
        return ""
    gap = ", whose schedule has no fee for some of the years in which families joined" if worth.fees_gap else ""
    fees = f"{purse.one('fees', worth.fees).text} ({worth.plan.price_year} prices)"
    told = f"Payment-by-results fees of {fees} are {worth.fees_source}{gap if worth.fees_by_rules is None else ''}."
    if worth.fees_by_rules is not None:
        ruled = purse.one("fees by the rules", worth.fees_by_rules).text
        told += f" On these records {ruled} would be paid by the framework's rules{gap}."
    return f"{told} They stand in who pays and who gains only, as money from central government to the council; no benefit and no cost holds them."


def agencies_title(worth: Worth, purse: Pounds) -> str:
    """What the agency that bears most of the cost pays and gains, and what all others gain."""
    payer = max(worth.plan.borne_by, key=worth.plan.borne_by.get)
    label = worth.adjusted.case.book.valuations.agencies[payer].label
    paid = purse.one(f"cost borne by {payer}", worth.plan.borne_by[payer] * worth.adjusted.cost).text
    own, others = (
        purse.one(what, worth.adjusted.gain(lambda line, same=same: line.counts_in("fiscal") and (line.agency == payer) == same).mean).text
        for what, same in ((f"gain of {payer}", True), ("gain of all others", False))
    )
    own, others = (text.replace("[low]", "next to nothing") for text in (own, others))
    return f"{label}{whose(worth)}: pays {paid}, gains {own}; all others gain {others}"


def agencies(worth: Worth, purse: Pounds) -> tuple[AgencyLine, ...]:
    """What each agency that gains or pays anything gains and pays; fees move between levels of government and add up to nothing."""
    known, cost, lines = worth.adjusted.case.book.valuations.agencies, worth.adjusted.cost, []
    gains = by_agency(worth.adjusted, tuple(known))
    for name, agency in known.items():
        gain, pays = gains[name], worth.plan.borne_by.get(name, 0.0) * cost
        fees = worth.fees * ((name == "council") - (name == "government"))
        if not (gain.upper or gain.lower or pays or fees):
            continue
        whole = purse.rounded(gain.mean) - purse.rounded(pays) + purse.rounded(fees)
        lines.append(
            AgencyLine(
                label=agency.label,
                level=agency.level,
                gains=purse.range(f"gain of {name}", gain),
                pays=purse.one(f"cost borne by {name}", pays),
                fees=purse.one(f"fees of {name}", fees),
                net=purse.one(f"net of {name}", whole),
            )
        )
    return tuple(lines)


def swing_line(swing: Swing, valued: Mapping[str, OutcomeResult], worth: Worth, purse: Pounds, nouns: Nouns) -> SwingLine:
    """One assumption of the tornado in words."""
    label, low, high = swing_words(swing, valued, worth, nouns)
    at_low, at_high = (purse.one(f"net value, {label}", end) for end in (swing.at_low, swing.at_high))
    return SwingLine(label=label, low=low, high=high, at_low=at_low, at_high=at_high)


def swing_words(swing: Swing, valued: Mapping[str, OutcomeResult], worth: Worth, nouns: Nouns) -> tuple[str, str, str]:
    """Name of an assumption and its ends."""
    name = lower_first(valued[swing.outcome].label) if swing.outcome else ""
    if swing.kind == "effect":
        effect = valued[swing.outcome].effect
        return f"Effect on {name}", effect.lower.text, effect.upper.text
    if swing.kind == "number":
        number = worth.adjusted.case.book.valuation(swing.outcome).number
        return f"How {name} is counted", f"{number.low / number.value:.0%}", f"{number.high / number.value:.0%} of the number taken"
    label = {
        "price": f"Unit cost: {name}",
        "optimism": "Scaling down for optimism",
        "persistence": "How long effects last",
        "unmatched": f"Benefit of {nouns.many} without a match",
        "cost": "Cost of the programme",
    }[swing.kind]
    return label, swing.low, swing.high

