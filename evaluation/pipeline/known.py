"""What is known of a programme from publications, and what was simulated in place of records that are not public."""

from __future__ import annotations

import numpy as np

from evaluation.disclosure.ledger import NOT_APPLICABLE, Ledger
from evaluation.disclosure.release import TableContent
from evaluation.findings.payment_tables import among, programme
from evaluation.findings.study import Scope
from evaluation.pipeline.analysis import Analysis
from evaluation.plan import Plan
from evaluation.plan.data import Published

COUNTED = {"joined": "attached", "claims": "claims", "results": "Results"}  # as the page on payment by results names the same families


def published_table(analysis: Analysis, scope: Scope, ledger: Ledger) -> tuple[TableContent, ...]:
    """The plan's published figures with their sources, and the study's own counts beside those that ask for one; none where it gives none."""
    plan = analysis.plan
    if not plan.published:
        return ()
    beside = counts_beside(analysis, scope, ledger)
    columns, notes = ("What", "Figure", "Source"), ["Carried from the sources named, which this evaluation did not check against records."]
    rows = [(one.what, one.figure, one.source) for one in plan.published]
    for text in (cell for row in rows for cell in row):
        ledger.said(text, what="published figures and their sources", population=scope.code)
    if beside:
        here = "In these simulated records" if plan.data.kind == "simulated" else "In these records"
        columns = ("What", "Published", here, "To the end of", "Source")
        rows = [(what, figure, *counted, source) for (what, figure, source), counted in zip(rows, beside, strict=True)]
        notes.append("[z]: no count of families in these records. A result counts at the end of the first quarter in"
                     " which the records meet the rule, a claim when the council made it.")  # fmt: skip
    return (TableContent(id="published", title="What was published about the programme", columns=columns, rows=tuple(rows), notes=tuple(notes)),)


def counts_beside(analysis: Analysis, scope: Scope, ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """A count and its quarter for each published figure; none where no figure asks, or where the report is of a part of the study's families."""
    plan, units = analysis.plan, analysis.panel.units
    councils = units["council_code"][analysis.panel.entry >= 0].unique()
    if not any(one.beside for one in plan.published) or not (scope.code == "all" or list(councils) == [scope.code]):
        return ()
    return tuple(count_beside(one, analysis, scope, ledger) for one in plan.published)


def count_beside(one: Published, analysis: Analysis, scope: Scope, ledger: Ledger) -> tuple[str, str]:
    """The study's own count beside one figure, and the quarter to whose end it is counted."""
    when = None if one.beside is None else quarters_of(one.beside, analysis)
    if when is None:
        return NOT_APPLICABLE.text, NOT_APPLICABLE.text
    last = np.inf if one.by is None else analysis.panel.periods.index(one.by)
    what = COUNTED[one.beside] + ("" if one.by is None else f" by {one.by}")
    shown = ledger.count(int((when <= last).sum()), of="families", what=what, population=among(programme(scope), what))
    return shown.text, one.by or analysis.panel.periods.labels()[-1]


def quarters_of(beside: str, analysis: Analysis) -> np.ndarray | None:
    """Columns in which the families joined, were claimed for, or had a result; None where nobody counted that."""
    entry, payment = analysis.panel.entry, analysis.payment
    if beside == "joined":
        return entry[entry >= 0]
    if payment is None or (beside == "claims" and payment.claims is None):
        return None
    found = payment.attached
    if beside == "results":
        return (found.start + found.met)[found.met > 0]
    claimed = payment.claims.column[found.unit]
    return claimed[claimed >= 0]


def effects_simulated(plan: Plan) -> bool:
    """Whether some effect of the programme was put into simulated records."""
    return plan.data.effects is None or any(plan.data.effects.values())


def simulated_sentence(plan: Plan) -> str:
    """That a study of published numbers rests on simulated families, and with what effect; '' for other studies."""
    if plan.data.kind != "simulated" or not plan.published:
        return ""
    put_in = "with a known effect" if effects_simulated(plan) else "without any effect"
    return f"Records of the real families are not public: these are simulated at the published numbers, {put_in}. "


def simulated_caveats(plan: Plan, verdicts: tuple[str, ...]) -> tuple[str, ...]:
    """That differences found where none was put in are no effects."""
    if plan.data.kind != "simulated" or effects_simulated(plan) or not set(verdicts) & {"better", "worse"}:
        return ()
    return (
        "No effect was put into these simulated records: an outcome that came out better or worse did so by chance, or because the groups were less"
        " alike than they look.",
    )
