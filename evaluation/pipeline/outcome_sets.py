"""The matched sets behind each outcome: the one place where a sample is chosen for an outcome's effects.

An outcome that needs a member of the family (absence a child of school age, work an adult of working age) rests on complete sets: those with such a
member on both sides on the first day of the quarter of joining, their weights shared out again. All else about the outcome rests on the same sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from evaluation.dictionary import Outcome
from evaluation.matching.existing import complete_sets
from evaluation.matching.sample import MatchedSample
from evaluation.models.effects import Effects
from evaluation.panel.types import Panel
from evaluation.pipeline.estimating import Estimating
from evaluation.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSets:
    """A sample, and those of its sets that stand behind each outcome.

    Attributes
    ----------
    whole : MatchedSample or None
        All matched sets; None where nobody is matched.
    own : outcome name -> MatchedSample or None
        The complete sets; the whole sample for outcomes of the family itself, None where no set is complete. Outcomes that need the same members
        share one sample.
    """

    whole: MatchedSample | None
    own: Mapping[str, MatchedSample | None]

    def why_none(self) -> str:
        """Why an outcome has no sets."""
        if self.whole is None:
            return "No programme unit here could be matched."
        return "No matched set here has whom the outcome needs on both sides in the quarter of joining."


def outcome_sets(plan: Plan, outcomes: Iterable[Outcome], sample: MatchedSample | None, *, study: OutcomeSets | None = None) -> OutcomeSets:
    """The sets behind each outcome of a sample, worked out once for all outcomes that need the same members.

    Parameters
    ----------
    study : OutcomeSets, optional
        Of all places together, when the sample is a part of theirs: balance is that of all, as the match is.
    """
    found: dict[str, MatchedSample | None] = {"": sample}
    own: dict[str, MatchedSample | None] = {}
    for outcome in outcomes:
        members = "" if sample is None else members_needed(plan, outcome, sample.panel)
        if members not in found:
            part, everywhere = complete_sets(sample, outcome.name), None if study is None else study.own[outcome.name]
            found[members] = part if part is None or everywhere is None else replace(part, balance=everywhere.balance)
        own[outcome.name] = found[members]
    return OutcomeSets(whole=sample, own=own)


def members_needed(plan: Plan, outcome: Outcome, panel: Panel) -> str:
    """Name of the population that an outcome's effects need a member of; '' where it is the family itself.

    Areas are judged by placebo assignments, each matched anew: their effects rest on all matched sets.
    """
    if plan.unit != "family" or plan.programme.assignment == "area":
        return ""
    return population_of(outcome, panel)


def population_of(outcome: Outcome, panel: Panel) -> str:
    """Name of the population of families' members that an outcome is measured on; '' where it is the family itself, or the units are no families."""
    known = outcome.name in panel.status and outcome.name in panel.members
    return (outcome.sources["family"].members or "") if known else ""


def fitted(estimating: Estimating, outcome: Outcome, sample: MatchedSample) -> Effects:
    """Effects on an outcome of its sets. Rows name the sets by their numbers in the sample that all outcomes share, for joint errors."""
    effects = estimating.estimator().fit(sample, outcome.name, calendar=outcome.sources[estimating.plan.unit].calendar)
    sets = effects.rows["set"].to_numpy()
    if sample.set_number is None or (sets < 0).any():
        return effects
    return replace(effects, rows=effects.rows.assign(set=sample.set_number[sets]))
