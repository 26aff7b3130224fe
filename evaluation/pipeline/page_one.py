"""What page one needs besides the outcomes: who joined, and with whom they are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.disclosure.ledger import Ledger
from evaluation.findings import several_tests
from evaluation.findings.present import Nouns
from evaluation.findings.several_tests import OutcomeTest
from evaluation.findings.study import OutcomeStudy, Scope
from evaluation.findings.summary import Context
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.area_words import ALL, area_caveats, caveats_of_plan, compared_of_areas, locality_caveats, own_gap, verdicts_of, who_of_areas
from evaluation.pipeline.experiment import anchor_of
from evaluation.pipeline.known import simulated_caveats, simulated_sentence
from evaluation.pipeline.limits import base_caveat
from evaluation.pipeline.scopes import members_of


def context_of(
    analysis: Analysis, scope: Scope, studies: Sequence[OutcomeStudy], nouns: Nouns, ledger: Ledger, tests: Sequence[OutcomeTest]
) -> Context:
    """What page one needs besides the outcomes."""
    plan, sample = analysis.plan, analysis.sample
    by_area = plan.programme.assignment == "area"
    n_areas = int(sample.panel.units["area"][sample.panel.entry >= 0].nunique())

    whose = nouns.whose
    places = {"joined": whose.joined(), "matched": whose.matched(), "comparison": whose.compared()}

    def shown(count: int, what: str) -> str:
        value = ledger.count(count, of=nouns.many, what=what, population=places.get(what, scope.code))
        small = value.symbol == "[c]" and ledger.small(count, nouns.many)  # what the audit withholds may be any number: [c] stands for it
        return f"fewer than {ledger.profile.threshold}" if small else value.text

    comparison = shown(len(np.unique(sample.comparison_unit)) if by_area else scope.counts["comparison"], "comparison")
    if by_area:
        councils = shown(len(set(members_of(sample.panel.units["council_code"][sample.panel.entry >= 0]))), "councils")
        who, compared = who_of_areas(analysis, scope, n_areas, councils), compared_of_areas(analysis, nouns.many, comparison)
        return Context(
            programme=plan.programme.name,
            nouns=nouns,
            scope=scope.words,
            who=simulated_sentence(plan) + who,
            compared_with=compared,
            n_effective=n_areas,
            effective_noun="areas",
            extra_caveats=area_caveats(analysis, scope, studies, ledger),
            own=own_gap(analysis, scope, studies, nouns.many, ledger),
            n_available=n_areas,  # all of them are in the estimate already: no pooling adds any
            available_noun="programme areas in the whole study",
        )
    place = "" if scope.code == ALL else f" in {scope.name}"
    who = (
        f"{shown(scope.counts['joined'], 'joined').capitalize()} {nouns.many}{place} joined {plan.programme.name} ({plan.programme.started}); "
        f"{shown(scope.counts['matched'], 'matched')} of them could be matched."
    )
    compared = (
        f"They are compared with {comparison} similar {nouns.many} that had not joined by then, not only with themselves before: {nouns.many} often"
        " join at a crisis, and some recover without help."
    )
    n = int(ledger.rounded(scope.counts["matched"], nouns.many))
    return Context(
        programme=plan.programme.name,
        nouns=nouns,
        scope=scope.words,
        who=simulated_sentence(plan) + who,
        compared_with=compared,
        n_effective=n,
        effective_noun=f"programme {nouns.many}",
        anchor=anchor_of(analysis, ledger),
        extra_caveats=(
            *caveats_of_plan(plan),
            *several_tests.caveats(tests, studies, ledger.profile.threshold, nouns.many),
            *simulated_caveats(plan, verdicts_of(studies, ledger.profile.threshold, nouns.many)),
            *locality_caveats(plan),
            *base_caveat(studies, ledger.profile.threshold, nouns.many),
        ),
        n_available=int(ledger.rounded(int((sample.panel.entry >= 0).sum()), nouns.many)),
        available_noun=f"programme {nouns.many} in the whole study",
    )
