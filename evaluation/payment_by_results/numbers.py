"""Everything that one report says about payment by results, before protection: official counts on all families, shares on the matched ones.

Counts of claims, families attached, families eligible and the target are four numbers; none stands for another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.panel.types import Panel
from evaluation.payment_by_results.agreement import Agreement, Claims, agreement
from evaluation.payment_by_results.fees import FeeBy, Payment, payment
from evaluation.payment_by_results.framework import Framework
from evaluation.payment_by_results.matching import MatchedResults
from evaluation.payment_by_results.results import Results, Rules
from evaluation.payment_by_results.shares import Shares, matched_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStudy:
    """A framework applied to one study; it stays in the room.

    Attributes
    ----------
    attached : Results
        Every programme family, from its own quarter of joining.
    lenient : Results
        The same had persons without a record not stood in the way of a result.
    matched : MatchedResults or None
        The matched sample of the results page; None with a `reason`.
    claims : Claims or None
        What the council claimed; None where it was not delivered.
    """

    panel: Panel
    rules: Rules
    attached: Results
    lenient: Results
    matched: MatchedResults | None
    claims: Claims | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Families of one kind: their shares on matched families, and the official count on all families.

    Attributes
    ----------
    kind : 'all', 'problem', 'route' or 'everywhere'
    n_official, n_attached : int
        Families with a claim (recomputed where none was delivered), of those attached.
    """

    label: str
    kind: str
    shares: Shares
    n_official: int
    n_attached: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNumbers:
    """The numbers of one report.

    Attributes
    ----------
    n_claimed : int or None
        Families with a delivered claim; None where claims were not delivered.
    n_attached, n_eligible : int
        Families that joined; families found eligible, joined or not.
    target : int or None
        The plan's.
    n_problem : int
        Programme families with a problem in the records when joining; no other can have a result.
    n_known, n_result : int
        Programme families whose result the records show; those with a result.
    by_route : route -> int
    n_aged_out, n_left : int
        Results in which somebody who made a problem apply had grown too old to be judged; had left the family.
    n_missing : int
        Further results had persons without a record not stood in the way.
    by_criteria : (automatic, by local decision, fewer, not known), families attached by the framework's criteria that the records show
    claims_by : str
        The rules by which claims were made, where they were others than the framework's.
    n_matched, n_matchable : int
        Programme families in the matched sample; programme families with a recorded problem and time enough in the records.
    history : int
        Quarters before joining whose records joined the score of the matched sample.
    weighted : bool
        Whether comparison families that have not joined count by the inverse of their chance of that.
    """

    framework: Framework
    problems: tuple[str, ...]
    claim_within: int
    missing: str
    fee_by: str
    n_claimed: int | None
    n_attached: int
    n_eligible: int
    target: int | None
    n_problem: int
    n_known: int
    n_result: int
    by_route: Mapping[str, int]
    n_aged_out: int
    n_left: int
    n_missing: int
    by_criteria: tuple[int, int, int, int]
    paid: Payment
    agreement: Agreement | None
    groups: tuple[Group, ...]
    n_matched: int
    n_matchable: int
    balance: float
    reason: str = ""
    claims_by: str = ""
    history: int = 0
    weighted: bool = False


def numbers_of(study: PaymentStudy, inside: np.ndarray, *, target: int | None, fee_by: FeeBy, everywhere: bool,
               claims_by: str = "") -> PaymentNumbers:
    """The numbers for some families.

    Parameters
    ----------
    inside : ndarray of bool, shape (n_families,)
        Families that the report is about.
    claims_by : str
        The rules by which claims were made, where they were others than the framework's.
    everywhere : bool
        Whether all places of the study stand beside them.
    """
    rules, rows = study.rules, inside[study.attached.unit]
    attached, lenient = take(study.attached, rows), take(study.lenient, rows)
    has_result = attached.met > 0
    pattern = problems_of(attached)
    time_enough = attached.start + rules.claim_within < len(study.panel.periods)
    groups = groups_of(study, inside, attached, everywhere) if study.matched is not None else ()
    return PaymentNumbers(
        framework=rules.framework, problems=rules.problems, claim_within=rules.claim_within, missing=rules.missing, fee_by=fee_by, target=target,
        n_claimed=None if study.claims is None else int((study.claims.column[attached.unit] >= 0).sum()), n_attached=len(attached),
        n_eligible=int(inside.sum()), n_problem=int(np.logical_or.reduce([values == 1 for values in attached.applies.values()]).sum()),
        n_known=int(attached.known.sum()), n_result=int(has_result.sum()),
        by_route={name: int((attached.route == k).sum()) for k, name in enumerate(rules.framework.claimable)},
        n_aged_out=int(attached.aged_out.sum()), n_left=int((attached.left & ~attached.aged_out).sum()),
        n_missing=int(((lenient.met > 0) & ~has_result).sum()), by_criteria=by_criteria(rules, attached),
        paid=payment(rules.framework, attached, study.panel.periods, target=target, by=fee_by),
        agreement=None if study.claims is None else agreement(attached, study.claims), groups=groups,
        n_matched=0 if study.matched is None else int(inside[study.matched.sample.treated_unit].sum()),
        n_matchable=int(((pattern > 0) & time_enough).sum()),
        balance=float("nan") if study.matched is None else float(study.matched.sample.balance["smd_after"].abs().max()), reason=study.reason,
        claims_by=claims_by, history=0 if study.matched is None else study.matched.history,
        weighted=study.matched is not None and study.matched.staying is not None)


def take(results: Results, rows: np.ndarray) -> Results:
    """Some rows of results."""
    return Results(unit=results.unit[rows], start=results.start[rows], applies={name: values[rows] for name, values in results.applies.items()},
                   route=results.route[rows], met=results.met[rows], followed=results.followed[rows],
                   met_by={name: (met[rows], followed[rows]) for name, (met, followed) in results.met_by.items()}, aged_out=results.aged_out[rows],
                   left=results.left[rows], missing=results.missing[rows], claim_within=results.claim_within)


def problems_of(results: Results) -> np.ndarray:
    """Number of problems that each row had before joining; NaN where one is not known; shape (n_rows,)."""
    return np.sum(list(results.applies.values()), axis=0) if results.applies else np.zeros(len(results))


def by_criteria(rules: Rules, results: Results) -> tuple[int, int, int, int]:
    """Families by how many of the framework's criteria the records show: enough, enough with a local decision, fewer, not known."""
    met, known = np.zeros(len(results)), np.ones(len(results), dtype=bool)
    for criterion in rules.framework.criteria.values():
        there = [results.applies[name] for name in criterion.problems if name in rules.problems]
        if not there:
            continue
        any_there = np.logical_or.reduce([values == 1 for values in there])
        known &= any_there | ~np.logical_or.reduce([np.isnan(values) for values in there])
        met += any_there
    rule = rules.framework.eligibility
    enough = met >= rule.automatic.whole
    local = ~enough & (met >= rule.discretionary.whole) if rule.discretionary is not None else np.zeros(len(results), dtype=bool)
    few = ~enough & ~local
    return int(enough.sum()), int(local.sum()), int((few & known).sum()), int((few & ~known).sum())


def groups_of(study: PaymentStudy, inside: np.ndarray, attached: Results, everywhere: bool) -> tuple[Group, ...]:
    """All families of the report, those with each problem, each route, and all places together."""
    rules, sample = study.rules, study.matched.sample
    here, claimed = inside[sample.treated_unit], has_claim(study, attached)
    groups = [group("All families", "all", study, here, attached, claimed, np.ones(len(attached), dtype=bool))]
    for name in rules.problems:
        had = study.matched.treated.applies[name] == 1
        groups.append(group(f"Problem at entry: {lower_first(rules.framework.problems[name].label)}", "problem", study, here & had, attached, claimed,
                            attached.applies[name] == 1))
    if len(rules.routes) > 1:
        groups += [route_group(study, name, here, attached, claimed) for name in rules.routes]
    if everywhere:
        every = np.ones(len(study.attached), dtype=bool)
        groups.append(group("All places of the study", "everywhere", study, np.ones(len(here), dtype=bool), study.attached,
                            has_claim(study, study.attached), every))
    return tuple(groups)


def has_claim(study: PaymentStudy, results: Results) -> np.ndarray:
    """Families with a claim as delivered, or with a recomputed result where claims were not delivered."""
    return results.met > 0 if study.claims is None else study.claims.column[results.unit] >= 0


def group(label: str, kind: str, study: PaymentStudy, only: np.ndarray, attached: Results, claimed: np.ndarray, rows: np.ndarray) -> Group:
    """A group by its matched programme families and its rows of all programme families."""
    return Group(label=label, kind=kind, shares=shares_of(study.matched, only), n_official=int((claimed & rows).sum()), n_attached=int(rows.sum()))


def route_group(study: PaymentStudy, name: str, here: np.ndarray, attached: Results, claimed: np.ndarray) -> Group:
    """A route taken alone, among families to whom it applies."""
    framework = study.rules.framework

    def open_to(results: Results) -> np.ndarray:
        return np.logical_or.reduce([results.applies[problem] == 1 for problem in study.rules.of_route(name)])

    rows = open_to(attached)
    if study.claims is None:
        official = attached.route == framework.claimable.index(name)
    else:
        official = claimed & np.isin(study.claims.route[attached.unit], framework.codes_of(name))
    return Group(label=f"Result by: {lower_first(framework.routes[name].label)}", kind="route",
                 shares=shares_of(study.matched, here & open_to(study.matched.treated), route=name), n_official=int((official & rows).sum()),
                 n_attached=int(rows.sum()))


def shares_of(matched: MatchedResults, only: np.ndarray, route: str | None = None) -> Shares:
    """Shares of the sets of some treated members."""
    return matched_shares(matched.sample, matched.treated, matched.comparison, route=route, only=only, staying=matched.staying)


def lower_first(text: str) -> str:
    """A label inside a sentence."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
