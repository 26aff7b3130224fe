"""The auditor's pack of a run: drawn from plan, lock, data received, the protected reports and anchors; nothing in it is typed for one study.

The roles are those of the Aqua Book: commissioner, analyst, assurer, approver.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evaluation.disclosure.auditors import AuditorsPack, Kind, Role, Specification
from evaluation.disclosure.ledger import Ledger, decimals, number, to_base
from evaluation.disclosure.release import OutcomeResult, ReportContent, TableContent
from evaluation.findings.standing import PlanStanding
from evaluation.findings.summary import listed, words
from evaluation.ingest.tables import CheckedTable
from evaluation.pipeline.anchors import AnchorFound
from evaluation.pipeline.checking import NAMES
from evaluation.pipeline.locking import Entry
from evaluation.plan import Plan

FILE = "auditors_pack.json"  # in the room; the page is made from it
TRIED = "reestimates"  # folder of what was tried after the run
EXPLORED = "explored.json"  # in the room: what of it the last release lists
DUTIES = {
    "commissioner": "asks the question, and says what the answer is for",
    "analyst": "makes the plan and the run, and keeps both logs",
    "assurer": "checks, without having made it, that the plan is right and that the run did what the plan says",
    "approver": "accepts the remaining risk and lets the reports go",
}
ASSUMPTIONS = (
    ("Without the programme both groups would have changed alike", ("pre_trend", "placebo_date", "honest"),
     "What the programme's units would have done anyway is counted as its effect."),
    ("Nothing changed because of joining before the periods that count as before", ("dip", "base_period"),
     "A crisis at joining that ends by itself is counted as an effect."),
    ("Units that look alike in what was measured are alike in what matters", ("balance", "rosenbaum", "e_value", "placebo_outcome"),
     "A difference that was not measured is counted as an effect."),
    ("Each programme unit has comparison units like it", ("overlap", "concentration"),
     "The estimate speaks of few units, or of guesses beyond the data."),
    ("Comparison units had no part of the programme, and were not moved by it", ("contamination", "leave_one_council_out"),
     "The effect comes out too small, or is that of one place."),
    ("Whether an outcome is known has nothing to do with the programme", ("attrition",),
     "Who is lost from sight passes for a change."),
    ("The finding does not rest on one choice of method", ("specifications",),
     "Another careful analyst would report something else."),
)
SECTIONS = ("unit", "periods", "comparison", "outcomes", "matching", "balance", "estimator", "second_estimators", "subgroups", "checks",
            "multiplicity", "payment_by_results", "value", "disclosure", "seed")


def auditors_pack(
    plan: Plan,
    tables: Mapping[str, CheckedTable],
    contents: Sequence[ReportContent],
    ledger: Ledger,
    *,
    lock: Sequence[Entry],
    standing: PlanStanding,
    anchors: Sequence[AnchorFound],
) -> AuditorsPack:
    """The pack of a run; numbers about units are those of the reports, or go through the same ledger."""
    specifications = once_each([one for content in contents for one in specifications_of(content, standing)], len(contents))
    told = (*locked_in_words(lock, standing), made_in_words(specifications, len(contents)), checked_in_words(contents), anchored_in_words(anchors))
    return AuditorsPack(
        study=contents[0].study,
        told=told,
        roles=tuple(Role(role=role, duty=duty, name=getattr(plan.report.roles, role)) for role, duty in DUTIES.items()),
        assumptions=assumption_log(plan, contents),
        decisions=decision_log(plan),
        history=history_of(plan, lock, standing),
        data=data_log(tables, ledger),
        flow=contents[0].flow,
        specifications=specifications,
        anchors=anchor_table(anchors),
        statement=statement(contents, anchors),
    )


def locked_in_words(lock: Sequence[Entry], standing: PlanStanding) -> tuple[str, ...]:
    """When the plan was fixed, and what is exploratory because of it."""
    sealed = "Matching was made with outcomes after joining sealed; only the estimating step opened them, under the hash of the plan."
    if not lock:
        return ("The plan was not locked beforehand: the run itself fixed it, before outcomes were opened.", sealed)
    amended = sum(one.kind == "amended" for one in lock)
    seen = sum(one.kind == "amended" and one.outcomes_seen for one in lock)
    first = f"The plan was locked on {lock[0].time[:10]} by {lock[0].signer}."
    if amended:
        first += f" It was amended {times(amended)}, {times(seen) if seen else 'never'} after outcomes had been seen."
    if standing.whole:
        first += f" Every effect is exploratory: {listed(standing.changes)} differ from what was locked."
    elif standing.outcomes:
        first += f" Exploratory outcomes: {listed(standing.outcomes)}."
    return (first, sealed)


def times(count: int) -> str:
    """'once', 'three times'."""
    return "once" if count == 1 else f"{words(count)} times"


def made_in_words(specifications: Sequence[Specification], n_reports: int) -> str:
    """How many estimates the reports show, by kind."""
    counts = Counter(one.kind for one in specifications)
    kinds = listed([f"{counts[kind]:,} {kind}" for kind in Kind.__args__ if counts[kind]])
    where = f"{n_reports:,} report{'' if n_reports == 1 else 's'}"
    return f"{len(specifications):,} estimates were registered in {where}, those that every report shows counted once: {kinds or 'none'}."


def checked_in_words(contents: Sequence[ReportContent]) -> str:
    """How many verdicts the checks gave."""
    counts = Counter(check.verdict for content in contents for check in content.checks for _ in check.outcomes or ("",))
    judged = [f"{counts[verdict]:,} {verdict}" for verdict in ("passed", "failed", "not testable") if counts[verdict]]
    return f"Verdicts of checks, outcome by outcome: {listed(judged)}." if judged else "No check gave a verdict."


def anchored_in_words(anchors: Sequence[AnchorFound]) -> str:
    """How many published answers were found again."""
    counts = Counter(one.verdict for one in anchors)
    rest = [f"{counts[verdict]} {words_}" for verdict, words_ in (("failed", "disagree"), ("not run", "could not be run")) if counts[verdict]]
    return f"Of {len(anchors)} published answers, {counts['passed']} were found again on this installation{'; ' + listed(rest) if rest else ''}."


def assumption_log(plan: Plan, contents: Sequence[ReportContent]) -> TableContent:
    """What the estimate rests on, which checks of the plan speak to it, and what they said over all reports and outcomes."""
    rows = []
    for assumption, checks, otherwise in ASSUMPTIONS:
        asked = [name for name in checks if name in plan.checks]
        told = "; ".join(f"{NAMES[name]}: {verdicts(name, contents)}" for name in asked)
        rows.append((assumption, otherwise, told or "not checked in this study"))
    return TableContent(id="assumptions", title="Assumptions, and what the plan's checks say of each",
                        columns=("Assumption", "If it does not hold", "Checks, over all reports and outcomes"), rows=tuple(rows))


def verdicts(check: str, contents: Sequence[ReportContent]) -> str:
    """Verdicts of one check."""
    if check == "base_period":
        return "a table in each report"
    counts = Counter(one.verdict for content in contents for one in content.checks if one.name == NAMES[check] for _ in one.outcomes or ("",))
    noted = {"information": "noted"}
    return ", ".join(f"{count:,} {noted.get(verdict, verdict)}" for verdict, count in sorted(counts.items())) or "nothing to show"


def decision_log(plan: Plan) -> TableContent:
    """Every choice of the plan: its key, what was chosen, and whether the plan says it or the default stands."""
    whole, given = plan.model_dump(mode="json"), dict(leaves(plan.model_dump(mode="json", exclude_unset=True)))
    chosen = [leaf for section in SECTIONS for leaf in leaves({section: whole[section]})]
    rows = tuple((key, value, "the plan" if key in given else "the default") for key, value in chosen)
    return TableContent(id="decisions", title="Decisions: every choice that the estimates depend on",
                        columns=("Key of the plan", "Choice", "Said by"), rows=rows)


def leaves(content: Mapping[str, object], place: str = "") -> Iterator[tuple[str, str]]:
    """Keys with dots and their values in words; sections without a value are left out."""
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{place}{key}.")
        elif value not in (None, {}, [], ""):
            yield f"{place}{key}", in_words(value)


def in_words(value: object) -> str:
    """A value of a plan as a cell."""
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def history_of(plan: Plan, lock: Sequence[Entry], standing: PlanStanding) -> TableContent:
    """Locks and amendments with their reasons, exceptions from disclosure control, and what differs from the lock."""
    rows = [(one.time[:10], one.kind, one.signer, one.reason or "none needed", "yes" if one.outcomes_seen else "no")
            for one in lock if one.kind != "outcomes opened"]
    rows += [(one.date, f"exception: {one.number}", one.name, one.reason, "[z]") for one in plan.disclosure.exceptions]
    rows += [("this run", f"differs from the lock: {key}", "[x]", "; ".join(standing.reasons) or "none given", "[x]") for key in standing.changes]
    return TableContent(id="history", title="History of the plan", columns=("When", "What", "By whom", "Reason", "Outcomes seen"),
                        rows=tuple(rows) or (("this run", "fixed by the run itself", "[z]", "no lock was made", "no"),))


def data_log(tables: Mapping[str, CheckedTable], ledger: Ledger) -> TableContent:
    """What came in, table by table, and what became of it: to two figures and in bands, because a count of few rows may point to somebody."""
    rows = []
    for table in (tables[name] for name in sorted(tables)):
        reasons = sorted({fault.reason.replace("_", " ") for fault in table.faults if fault.severity == "quarantine"})
        cells = (rows_in_words(table.rows_in, ledger), share_in_words(table.rows_quarantined, table.rows_in, ledger), ", ".join(reasons) or "none",
                 share_in_words(table.rows_dropped, table.rows_in, ledger))
        rows.append((table.name, *(ledger.said(cell, what="data log", population=f"rows of {table.name}") for cell in cells)))
    return TableContent(id="data", title="Data received, and what became of it",
                        columns=("Table", "Rows received", "Set aside", "Rules broken", "Dropped by a declared rule"), rows=tuple(rows),
                        notes=("Rows in are rows kept, set aside and dropped: none is lost.",))


def rows_in_words(rows: int, ledger: Ledger) -> str:
    """A number of rows to two figures, worked out from what is rounded already; as it is where the data are published."""
    if not ledger.profile.protects:
        return f"{rows:,}"
    rounded = to_base(rows, max(ledger.profile.base, 5))
    if rounded < 100:
        return "under 100"
    return f"about {to_base(rounded, 10 ** (len(str(int(rounded))) - 2)):,.0f}"


def share_in_words(rows: int, of: int, ledger: Ledger) -> str:
    """A share of rows as a band."""
    if not rows:
        return "none"
    if not ledger.profile.protects:
        return f"{rows:,}"
    share = rows / of
    return "under 0.1%" if share < 0.001 else "0.1 to 1%" if share < 0.01 else "1 to 5%" if share < 0.05 else "over 5%"


def specifications_of(content: ReportContent, standing: PlanStanding) -> Iterator[Specification]:
    """Every estimate of a report: the plan's, those by other bases and estimators, those of subgroups."""
    by_label = {result.label: result for result in content.outcomes}
    for result in content.outcomes:
        yield specification(content, result, "main" if result.primary else "secondary", "the plan's", own_estimate(result), standing)
    for table in content.tables:
        if table.id in ("base-periods", "other-estimates"):
            yield from other_choices(content, table, by_label, standing)
        elif table.id.startswith("subgroups-"):
            result = next(one for one in content.outcomes if f"subgroups-{one.outcome}" == table.id)
            for row in table.rows:
                yield specification(content, result, "subgroup", row[0], row[-1], standing)
        elif table.id == "benchmark":
            for row in table.rows:
                yield specification(content, content.outcomes[0], "sensitivity", row[0], f"{row[1]} ({row[2]})", standing)


def own_estimate(result: OutcomeResult) -> str:
    """The plan's estimate as printed, or why there is none."""
    if result.effect is None or result.effect.estimate.value is None:
        return result.status.replace("_", " ")
    return f"{result.effect.estimate.text} ({result.effect.lower.text} to {result.effect.upper.text})"


def other_choices(
    content: ReportContent, table: TableContent, by_label: Mapping[str, OutcomeResult], standing: PlanStanding
) -> Iterator[Specification]:
    """Rows of a table of sensitivities; the plan's own base is told already."""
    columns = table.columns[1:3] if table.id == "base-periods" else ("",)
    for row in table.rows:
        label, _, choice = row[0].partition(": ")
        for column, cell in zip(columns, row[1:], strict=False):
            if not ("(the plan's)" in choice and column == "Matched"):
                words_ = f"{choice}, {column.lower()}" if column else choice
                yield specification(content, by_label[label], "sensitivity", words_, cell, standing)


def once_each(found: Sequence[Specification], n_reports: int) -> tuple[Specification, ...]:
    """An estimate that every report shows (of all areas together) once, as of all reports; the others as they are."""
    alike = Counter((one.outcome, one.kind, one.choice, one.estimate) for one in found)
    kept, told = [], set()
    for one in found:
        key = (one.outcome, one.kind, one.choice, one.estimate)
        if n_reports == 1 or alike[key] < n_reports or "(" not in one.estimate:
            kept.append(one)
        elif key not in told:
            told.add(key)
            kept.append(one.model_copy(update={"report": "every report"}))
    return tuple(kept)


def specification(content: ReportContent, result: OutcomeResult, kind: Kind, choice: str, estimate: str, standing: PlanStanding) -> Specification:
    """One line of the register; exploratory where the plan that was locked did not ask for it."""
    return Specification(report=content.council.code, outcome=result.label, kind="exploratory" if standing.is_exploratory(result.outcome) else kind,
                         choice=choice, estimate=estimate, unit=result.change_unit)


def anchor_table(anchors: Sequence[AnchorFound]) -> TableContent:
    """Each published answer beside the one found here."""
    rows = []
    for one in anchors:
        digits = decimals(one.anchor.within) if one.anchor.within else 0
        rows.append((one.anchor.what, number(one.anchor.published, digits).text, number(one.found, digits).text, one.anchor.unit,
                     f"{one.verdict}: {one.reason}" if one.reason else one.verdict, one.anchor.source))
    return TableContent(id="anchors", title="Published answers, worked out anew on this installation",
                        columns=("Answer", "Published", "Found here", "Unit", "Verdict", "Source"), rows=tuple(rows))


def statement(contents: Sequence[ReportContent], anchors: Sequence[AnchorFound]) -> tuple[str, ...]:
    """What the assurer signs, point by point."""
    study = contents[0].study
    failed = [one.anchor.what for one in anchors if one.verdict == "failed"]
    return (
        f"I have read the plan with the hash {study.plan_hash[:12]}, its history and its amendments, and the question is answered by it.",
        "I have read the assumptions and what the checks say of each, and the reports say where they are in doubt.",
        "I have seen every estimate that was made, not only those that are told first.",
        "The anchors agree." if not failed else f"These anchors disagree, and I accept the reasons given apart: {listed(failed)}.",
        f"I have had the run made again (evaluation verify) and it gave the same bytes. Analysis hash {study.analysis_hash[:12]}.",
        "I have read the gate's record, audit.json, and what it withheld or let out by exception.",
    )


def explored(room: Path) -> tuple[tuple[str, ...], ...]:
    """Other choices that were tried in the room after the run: what was changed, how many specifications, for whom. Their numbers stay inside.

    Without the folder of what was tried, what the last release listed: a run that is made again to be compared has only that.
    """
    room = Path(room)
    if not (room / TRIED).is_dir():
        listed_ = json.loads((room / EXPLORED).read_text(encoding="utf-8")) if (room / EXPLORED).is_file() else ()
        return tuple(map(tuple, listed_))
    rows = []
    for path in sorted((room / TRIED).glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        if "specifications" in told:
            keys = sorted({key for one in told["specifications"] for key in one["changes"]})
            rows.append((path.stem, f"a curve over {listed(keys)}", f"{len(told['specifications']):,}", "all"))
        else:
            changes = "; ".join(f"{key} = {in_words(value)}" for key, value in told["changes"].items())
            rows.append((path.stem, changes, "1", told["council"]))
    return tuple(rows)
