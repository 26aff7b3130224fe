"""The study in a report's words: its names, hashes and versions, and where its data come from."""

from __future__ import annotations

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.release import Study
from evaluation.findings.present import Nouns
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.known import effects_simulated


def study_of(analysis: Analysis, nouns: Nouns, ledger: Ledger, analysis_hash: str) -> Study:
    """The study in words, hashes and versions."""
    from evaluation.runs.manifest import versions

    plan = analysis.plan
    return Study(
        name=plan.study,
        title=plan.title,
        question=plan.question,
        programme=plan.programme.name,
        unit=nouns.one,
        unit_plural=nouns.many,
        simulated=plan.report.simulated,
        date=plan.report.date,
        reference=plan.report.reference,
        sources=sources_of(analysis),
        disclosure_rule=ledger.profile.sentence,
        plan_hash=plan.hash(),
        analysis_hash=analysis_hash,
        seed=plan.seed,
        versions=versions(),
        source_line=source_line(analysis),
    )


def source_line(analysis: Analysis) -> str:
    """The short source under a chart: publishers, or owners of the records."""
    plan = analysis.plan
    if plan.data.kind == "simulated":
        return "simulated records, no real family"
    if plan.data.kind == "open_statistics":
        publishers = dict.fromkeys(
            sentence.split(",")[0] for sentence in sources_of(analysis) if sentence.startswith(("Department", "Ministry", "LaLonde"))
        )
        return f"published statistics ({'; '.join(publishers)}), our calculations"
    owners = dict.fromkeys(analysis.dictionary.tables[name].owner for name in sorted(analysis.tables) if name in analysis.dictionary.tables)
    return f"linked records ({'; '.join(owners)}), our calculations"


def sources_of(analysis: Analysis) -> tuple[str, ...]:
    """Where the data come from, one sentence each."""
    if analysis.plan.data.kind == "simulated":
        effect = "a known effect" if effects_simulated(analysis.plan) else "no effect of the programme"
        return (
            f"Simulated records of families with {effect}, drawn from the data dictionary and published profiles. No record is of a real family.",
        )
    if analysis.plan.data.kind == "open_statistics":
        from evaluation.ingest.open_statistics import SOURCES

        return tuple(SOURCES[name] for name in analysis.plan.data.tables)
    return tuple(
        f"{analysis.dictionary.tables[name].title}: {analysis.dictionary.tables[name].owner}."
        for name in sorted(analysis.tables)
        if name in analysis.dictionary.tables
    )
