"""One council's effect beside those of all councils, or areas' effects beside each other: shrunken towards their mean, without an order of merit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import BesideCouncils, BesidePoint, OutcomeResult, Shown, Spread
from evaluation.disclosure.whose import measured
from evaluation.findings.numbers import OutcomeNumbers, change_unit_of
from evaluation.findings.present import Nouns, lower_first
from evaluation.models.effects import Estimate

TOGETHER = "all"  # code of the report on all places together
SHRUNKEN = "shrunken effect"  # the same name in every report, so that what the audit withholds is withheld in all
SIZE = 0.05  # of the test that councils' effects are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Councils' (or areas') effects on one outcome, on the printed scale; unprotected. Arrays have shape (n_councils,), most units first.

    Attributes
    ----------
    codes : tuple of str
    own : tuple of Estimate
        From each council's own families.
    shrunk, std_error, lower, upper : ndarray
        Shrunken towards the mean; NaN where a council has no estimate.
    own_share : ndarray
        Weight of a council's own estimate in its shrunken one.
    fewest : ndarray of int
        Units with, or without, an occurrence, whichever is fewer; a large number where the outcome is no occurrence.
    mean, new_lower, new_upper : float
        What is shrunken towards, and where the true effect of another council of the same kind would lie.
    p_value : float
        Test that all councils have the same effect.
    tau, tau_lower, tau_upper : float
        Standard deviation of councils' true effects, with its 95% interval; NaN where it was not estimated.
    i2 : float
        Share of the variance of councils' estimates that is between true effects.
    place : str
        'council' or 'area': what the effects are of.
    """

    codes: tuple[str, ...]
    own: tuple[Estimate, ...]
    shrunk: np.ndarray
    std_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    own_share: np.ndarray
    fewest: np.ndarray
    mean: float
    new_lower: float
    new_upper: float
    p_value: float
    tau: float = math.nan
    tau_lower: float = math.nan
    tau_upper: float = math.nan
    i2: float = math.nan
    place: str = "council"


def whose(nouns: Nouns, code: str, outcome: str, name: str) -> Population:
    """The families behind one council's effect, or behind all councils', as in those councils' own reports; `name` is all that is printed of it."""
    return measured(replace(nouns.whose, code=code, members=()).estimated(), outcome, name)


def may_show(beside: Beside, behind: Sequence[Population], ledger: Ledger) -> np.ndarray:
    """Councils whose estimate stands on enough families, and which the audit does not withhold, shape (n_councils,)."""
    units = np.array([min(one.n_treated, one.n_comparison) for one in beside.own])
    withheld = np.array([ledger.withholds(SHRUNKEN, population, "estimate") for population in behind])
    return (np.minimum(units, beside.fewest) >= ledger.profile.threshold) & np.isfinite(beside.shrunk) & ~withheld


def of_council(beside: Beside, code: str, numbers: OutcomeNumbers, result: OutcomeResult, ledger: Ledger, nouns: Nouns) -> BesideCouncils | None:
    """The council's point among all others; None where fewer than three can be shown."""
    name = f"{code}, {numbers.outcome.name}, beside all councils"
    behind = [whose(nouns, other, numbers.outcome.name, name) for other in beside.codes]
    shown = may_show(beside, behind, ledger)
    if shown.sum() < 3:
        return None
    population = whose(nouns, TOGETHER, numbers.outcome.name, name)
    digits = decimals(float(np.nanmedian(beside.std_error[shown])))
    points = tuple(point(beside, i, beside.codes[i] == code, digits, behind[i], ledger, nouns) for i in np.flatnonzero(shown))
    mean, lower, upper = (
        ledger.level(value, n=sum(one.n_treated for one in beside.own), of=nouns.many, digits=digits, what=what, population=population)
        for what, value in ((f"{SHRUNKEN}, mean", beside.mean), (f"{SHRUNKEN}, lower", beside.new_lower), (f"{SHRUNKEN}, upper", beside.new_upper))
    )
    made = BesideCouncils(
        outcome=numbers.outcome.name,
        label=numbers.outcome.label,
        change_unit=change_unit_of(numbers.outcome),
        title=title(beside, result.label),
        sentence="",
        points=points,
        mean=mean,
        lower=lower,
        upper=upper,
        n_hidden=int((~shown).sum()),
    )
    spread = spread_of(beside, digits, population, ledger, nouns) if code == TOGETHER else None
    return made.model_copy(update={"sentence": in_words(made, beside, code), "spread": spread})


def spread_of(beside: Beside, digits: int, population: Population, ledger: Ledger, nouns: Nouns) -> Spread | None:
    """How far councils' true effects lie apart, for the report on all of them; None where that was not estimated."""
    if not all(map(math.isfinite, (beside.tau, beside.tau_lower, beside.tau_upper, beside.i2))):
        return None
    n = sum(one.n_treated for one in beside.own)
    wanted = {"tau": beside.tau, "tau_lower": beside.tau_lower, "tau_upper": beside.tau_upper}
    shown = {
        name: ledger.level(value, n=n, of=nouns.many, digits=digits, what=f"spread of councils, {name}", population=population)
        for name, value in wanted.items()
    }
    share = ledger.level(100 * beside.i2, n=n, of=nouns.many, digits=0, what="share of the scatter that is not chance", population=population)
    return Spread(**shown, share=share)


def point(beside: Beside, i: int, is_own: bool, digits: int, population: Population, ledger: Ledger, nouns: Nouns) -> BesidePoint:
    """One council's shrunken effect; other councils have no name."""
    own = beside.own[i]
    shrunk = Estimate(
        estimate=float(beside.shrunk[i]),
        std_error=float(beside.std_error[i]),
        lower=float(beside.lower[i]),
        upper=float(beside.upper[i]),
        df=float("inf"),
        p_value=float("nan"),
        n_treated=own.n_treated,
        n_comparison=own.n_comparison,
        clusters=own.clusters,
        n_clusters=own.n_clusters,
        method="shrunken towards the mean of all councils",
    )
    return BesidePoint(is_own=is_own, effect=ledger.interval(shrunk, of=nouns.many, digits=digits, what=SHRUNKEN, population=population))


def title(beside: Beside, label: str) -> str:
    """Whether councils' effects differ by more than chance."""
    if beside.p_value < SIZE:
        return f"Effects on {lower_first(label)} differ between {beside.place}s by more than chance"
    return f"No difference between {beside.place}s in the effect on {lower_first(label)} could be detected"


def signed(shown: Shown) -> str:
    """A number with its sign, as effects are printed."""
    return f"+{shown.text}" if shown.value is not None and shown.value > 0 and not shown.text.startswith("+") else shown.text


def in_words(shown: BesideCouncils, beside: Beside, code: str) -> str:
    """What the council's own families say, what the others add, and where another council would lie."""
    mean = (
        f"The mean of the {beside.place}s' effects is {signed(shown.mean)}; the true effect in another {beside.place} of this kind would probably lie"
        f" between {signed(shown.lower)} and {signed(shown.upper)} {shown.change_unit}."
    )
    if shown.n_hidden:
        lacking = f"{beside.place}s have" if shown.n_hidden > 1 else f"{beside.place} has"
        mean += f" {shown.n_hidden} more {lacking} {'too few families to be shown' if beside.place == 'council' else 'no figures to compare'}."
    own = next((one for one in shown.points if one.is_own), None)
    if code == TOGETHER:
        return mean
    if own is None:
        return f"This council's own effect is not shown. {mean}"
    share = float(beside.own_share[beside.codes.index(code)])
    learnt = "about half from its own families"
    if not 0.4 <= share <= 0.6:
        learnt = "mostly from its own families" if share > 0.6 else "mostly from the other councils"
    return (
        f"This council's effect, drawn towards the mean of all, is {own.effect.estimate.text} ({own.effect.lower.text} to {own.effect.upper.text}) "
        f"{shown.change_unit}; what is known of it comes {learnt}. {mean}"
    )
