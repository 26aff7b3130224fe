"""Who was compared with whom, all places together: from those received to those matched, where comparison units came from, how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluation.dictionary import Dictionary
from evaluation.disclosure.ledger import CONFIDENTIAL, Ledger, decimals, number
from evaluation.disclosure.population import Population
from evaluation.disclosure.release import BalanceLine, FlowLine, Overlap, Shown
from evaluation.disclosure.rules import PEOPLE
from evaluation.disclosure.whose import ALL
from evaluation.findings import texts
from evaluation.findings.inputs import Inputs
from evaluation.panel.types import FlowStep
from evaluation.plan import Plan

BINS = 12
REASONS = {
    "outside_caliper": "no similar comparison unit within the caliper",
    "no_comparison_in_stratum": "no comparison unit with the same exact characteristics",
    "stratum_missing": "an exact characteristic is not known",
    "covariate_missing": "a characteristic that groups are compared on is not known",
    "no_comparison_left": "all similar comparison units were used up",
    "outside_common_support": "nobody on the other side had a score like it",
    "trimmed": "the probability of joining was outside the plan's bounds",
    "not_selected": "left out so that both groups are alike",
    "cannot_be_balanced": "no weighting of comparison units resembles its group",
}


def flow(inputs: Inputs, ledger: Ledger) -> tuple[FlowLine, ...]:
    """From all units received to those analysed, with reasons; all places together, then this report's."""
    many, sample, whose = inputs.nouns.many, inputs.sample, inputs.nouns.whose

    def line(label: str, count: int, who: Population, reason: str = "", level: int = 0) -> FlowLine:
        return FlowLine(label=label, count=ledger.count(count, of=many, what=label, population=who), reason=reason, level=level)

    def whose_step(step: FlowStep) -> Population:
        return {"received": whose.received("flow"), "kept": whose.panel("flow")}.get(step.step) or whose.left(step.reason)

    lines = [
        line(
            "not used" if step.step == "dropped" else f"{step.reason[:1].upper()}{step.reason[1:]}",
            step.count,
            whose_step(step),
            step.reason if step.step == "dropped" else "",
            1 if step.step == "dropped" else 0,
        )
        for step in one_start(inputs.panel.flow)
        if step.of == many and (step.count or step.step != "dropped")
    ]
    joined = sample.n_treated + int(sample.panel.units.index.isin(sample.dropped["unit"]).sum())
    where = "in programme areas" if inputs.plan.programme.assignment == "area" else "that joined the programme"
    lines.append(line(f"{many.capitalize()} {where}", joined, whose.joined(ALL, "flow")))
    for reason, count in sample.dropped["reason"].value_counts(sort=False).sort_index().items():
        lines.append(line("not matched", int(count), whose.unmatched(reason), REASONS.get(reason, reason), 1))
    lines.append(line(f"Programme {many} matched", sample.n_treated, whose.matched(ALL, "flow")))
    return tuple(lines)


def one_start(steps: Sequence[FlowStep]) -> tuple[FlowStep, ...]:
    """The steps with what was received in several parts (pools) added up to one."""
    received = [step for step in steps if step.step == "received"]
    if len(received) < 2:
        return tuple(steps)
    whole = replace(received[0], reason=f"{received[0].of} in the data, {len(received)} groups together", count=sum(step.count for step in received))
    return (whole, *(step for step in steps if step.step != "received"))


def origins(inputs: Inputs, ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """Where comparison units were found, when nearby ones were sought first: shares of their weight, all places together.

    One share less than the whole tells what is left, so none is printed where a small group of people stands behind one.
    """
    sample, many = inputs.sample, inputs.nouns.many
    if sample.origin is None:
        return ()
    found = {}
    for origin in (*inputs.matcher.tiers, "elsewhere"):
        here = sample.origin == origin
        place = "elsewhere" if origin == "elsewhere" else f"the same {texts.in_label(inputs.dictionary, origin)}"
        found[place] = 100 * sample.comparison_weight[here].sum() / sample.comparison_weight.sum(), len(np.unique(sample.comparison_unit[here]))
    if any(0 < count and ledger.small(count, many) for _, count in found.values()):
        told = f"most from {max(found, key=lambda place: found[place][0])}"
    else:
        told = "; ".join(f"{ledger.keep('origin', place, number(share, 0)).text}% from {place}" for place, (share, _) in found.items())
    return (("Where comparison units were found", f"By weight, all places together: {told}."),)


def balance(inputs: Inputs, ledger: Ledger) -> tuple[BalanceLine, ...]:
    """One line per covariate, before and after matching, all places together."""
    lines, many, sample = [], inputs.nouns.many, inputs.sample
    n_treated, n_comparison = sample.n_treated, len(np.unique(sample.comparison_unit))
    n_candidates = sample.candidates.loc[~sample.candidates["treated"], "unit"].nunique()
    for row in sample.balance.itertuples():

        def shown(value: float, digits: int = 2, covariate: str = row.covariate) -> Shown:
            return ledger.keep("balance", covariate, number(float(value), digits))

        def mean(value: float, n: int, row: object = row) -> Shown:
            binary = not np.isfinite(row.variance_ratio_before)
            few = min(value * n, (1 - value) * n) < ledger.profile.threshold if binary else n < ledger.profile.threshold
            if many in PEOPLE and few:
                return ledger.keep("balance", row.covariate, CONFIDENTIAL)
            return shown(value, decimals(float(row.sd_treated) / 5) if np.isfinite(row.sd_treated) else 2, row.covariate)

        lines.append(
            BalanceLine(
                covariate=label_of(row.covariate, inputs.dictionary, inputs.plan),
                before=shown(row.smd_before),
                after=shown(row.smd_after),
                variance_ratio_before=shown(row.variance_ratio_before),
                variance_ratio_after=shown(row.variance_ratio_after),
                mean_treated=mean(row.mean_treated_matched, n_treated),
                mean_comparison_before=mean(row.mean_comparison_before, n_candidates),
                mean_comparison_after=mean(row.mean_comparison_after, n_comparison),
            )
        )
    return tuple(lines)


def label_of(covariate: str, dictionary: Dictionary, plan: Plan) -> str:
    """A covariate in words; an outcome's history by the outcome's label."""
    if covariate in ("linear predictor", "probability"):
        return f"Score ({scale_of(plan)})"
    name, _, level = covariate.partition("[")
    if name in dictionary.covariates:
        return dictionary.covariates[name] + (f": {level.removesuffix(']')}" if level else "")
    for name, outcome in sorted(dictionary.outcomes.items(), key=lambda item: -len(item[0])):
        if covariate.startswith(name):
            return f"{outcome.label}, earlier periods"
    return covariate.replace("_", " ").capitalize()


def scale_of(plan: Plan) -> str:
    """What the score measures."""
    score = plan.matching.score
    words = "probability" if score.scale == "probability" else "index" if score.model in ("cloglog", "probit") else "log odds"
    return f"{words} of joining"


def overlap(inputs: Inputs, ledger: Ledger) -> Overlap | None:
    """Shares of programme and comparison units by bin of the score."""
    candidates = inputs.sample.candidates[np.isfinite(inputs.sample.candidates["score"].to_numpy(dtype=float))]
    if candidates.empty:
        return None
    score = candidates["score"].to_numpy(dtype=float)
    treated = candidates["treated"].to_numpy(dtype=bool)
    edges = np.linspace(*np.quantile(score, [0.005, 0.995]), BINS + 1)
    bins, units = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, BINS - 1), candidates["unit"].to_numpy()
    shares = {}
    for name, chosen in (("programme", treated), ("comparison", ~treated)):
        rows = np.bincount(bins[chosen], minlength=BINS)  # a unit stands here once for each period in which it could join
        behind = np.bincount(np.unique(units[chosen] * BINS + bins[chosen]) % BINS, minlength=BINS)
        shares[name] = tuple(bar(int(n), int(k), int(chosen.sum()), inputs.nouns.many, name, ledger) for n, k in zip(rows, behind, strict=True))
    covered = np.mean((score[treated] >= score[~treated].min()) & (score[treated] <= score[~treated].max()))
    words = "All" if covered == 1 else "Nearly all" if covered > 0.99 else "Most" if covered > 0.9 else "Not all"
    return Overlap(
        edges=tuple(float(edge) for edge in edges.round(2)),
        treated=shares["programme"],
        comparison=shares["comparison"],
        axis=f"Score: {scale_of(inputs.plan)} the programme",
        sentence=f"{words} programme {inputs.nouns.many} have comparison {inputs.nouns.many} with a score as low and as high as theirs.",
    )


def bar(count: int, behind: int, total: int, many: str, what: str, ledger: Ledger) -> Shown:
    """One bar of the overlap: a whole percentage; [c] where a small group of people stands behind it."""
    if ledger.small(behind, many):
        return ledger.keep("overlap", what, CONFIDENTIAL)
    return ledger.keep("overlap", what, number(100 * ledger.rounded(count, many) / max(ledger.rounded(total, many), 1), 0))
