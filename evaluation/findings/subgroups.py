"""Effects on parts of the families (the equality duty asks for them), judged by one test of difference each, never by one group's significance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.disclosure.ledger import Ledger, decimals
from evaluation.disclosure.release import OutcomeResult, TableContent
from evaluation.disclosure.whose import measured
from evaluation.findings.numbers import change_unit_of
from evaluation.findings.present import Nouns, lower_first
from evaluation.findings.study import OutcomeStudy, SubgroupStudy
from evaluation.findings.summary import listed
from evaluation.models.multiplicity import holm

SIZE = 0.05


def tables(shown: Sequence[tuple[OutcomeStudy, OutcomeResult]], nouns: Nouns, ledger: Ledger) -> tuple[TableContent, ...]:
    """A table of subgroups for each main outcome that has them; p values are adjusted for all tests of difference in the report (Holm)."""
    pairs = [(study, result) for study, result in shown if result.primary and study.subgroups]
    tested = [one for study, _ in pairs for one in study.subgroups if may_show(one, ledger) and np.isfinite(one.p_value)]
    adjusted = dict(zip(map(id, tested), holm(np.array([one.p_value for one in tested])) if tested else (), strict=True))
    return tuple(table(study, result, adjusted, nouns, ledger) for study, result in pairs)


def may_show(one: SubgroupStudy, ledger: Ledger) -> bool:
    """Whether every group stands on enough families: one hidden group alone would follow from the others and the whole."""
    least = min(min(found.n_treated, found.n_comparison, fewest) for found, fewest in zip(one.estimates, one.fewest, strict=True))
    return least >= ledger.profile.threshold


def table(study: OutcomeStudy, result: OutcomeResult, adjusted: dict[int, float], nouns: Nouns, ledger: Ledger) -> TableContent:
    """Groups with their families and effects; in the notes what the tests of difference say."""
    outcome, many = study.numbers.outcome, nouns.many
    shown, kept_back = ([one for one in study.subgroups if may_show(one, ledger) is side] for side in (True, False))
    digits = decimals(study.numbers.effect.std_error)
    rows = [row for one in shown for row in rows_of(one, outcome.name, digits, nouns, ledger)]
    notes = [f"Effect: {change_unit_of(outcome)}.", *differences([(one.label, adjusted.get(id(one))) for one in shown], many)]
    if len(adjusted) > 1 and shown:
        notes.append(f"Probabilities are adjusted for the {len(adjusted)} tests of difference in this report (Holm).")
    if kept_back:
        labels = listed([lower_first(one.label) for one in kept_back])
        notes.append(f"By {labels}: not shown, because too few {many} stand behind one of the groups.")
    return TableContent(
        id=f"subgroups-{outcome.name}",
        title=title([lower_first(one.label) for one in shown if adjusted.get(id(one), 1.0) < SIZE], lower_first(result.label), many, bool(shown)),
        columns=("Group", f"Programme {many}", "Effect (95% interval)"),
        rows=tuple(rows) or (("All groups", "[c]", "[c]"),),
        notes=tuple(ledger.said(note, what="differences between groups", population=outcome.name) for note in notes),
    )


def title(differ: Sequence[str], name: str, many: str, shown: bool) -> str:
    """By what the effects differ, if by anything."""
    if not shown:
        return f"Effects on {name} by group of {many} are not shown"
    if not differ:
        return f"Effects on {name}: no difference between groups of {many} could be detected"
    return f"Effects on {name} differ by {listed(differ)}"


def rows_of(one: SubgroupStudy, outcome: str, digits: int, nouns: Nouns, ledger: Ledger) -> list[tuple[str, str, str]]:
    """One row a group."""
    rows = []
    for group, found in zip(one.groups, one.estimates, strict=True):
        name = f"{nouns.scope}, {outcome}, {one.label}: {group}"
        population = measured(nouns.whose.estimated(), outcome, "").part(f"by {one.label}", group, name)
        effect = ledger.interval(found, of=nouns.many, digits=digits, what="effect", population=population)
        count = ledger.count(found.n_treated, of=nouns.many, what="treated", population=population)
        words = effect.estimate.text if effect.estimate.value is None else f"{effect.estimate.text} ({effect.lower.text} to {effect.upper.text})"
        rows.append((f"{one.label}: {group}", count.text, words))
    return rows


def differences(tested: Sequence[tuple[str, float | None]], many: str) -> list[str]:
    """What the tests that all groups of a characteristic have the same effect say."""
    differ = [f"{lower_first(label)} (p = {p:.3f})" for label, p in tested if p is not None and p < SIZE]
    alike = [f"{lower_first(label)} (p = {p:.2f})" for label, p in tested if p is not None and p >= SIZE]
    untested = [lower_first(label) for label, p in tested if p is None]
    notes = [f"Groups of {many} differ by more than chance would make them by {listed(differ)}."] if differ else []
    if alike:
        notes.append(f"No difference could be detected by {listed(alike, 'or')}, which does not show that there is none.")
    return notes + ([f"A difference by {listed(untested)} could not be tested."] if untested else [])
