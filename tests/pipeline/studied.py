"""Studies of `studies/` estimated and worded without rendering, with few placebo draws, and changed where a test asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from evaluation.dictionary import Dictionary
from evaluation.disclosure.release import ReportContent
from evaluation.locations import project_file
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.receive import check_names
from evaluation.pipeline.recipe import evaluate, release
from evaluation.plan import Plan

FEW_DRAWS = 19


def changed_plan(path: str, changes: Mapping[str, object] | None = None) -> Plan:
    """A study's plan with few draws and other values at dotted keys ('data.joined')."""
    content = yaml.safe_load(project_file(path).read_text(encoding="utf-8"))
    draws = min(content["estimator"].get("permutations", 0), FEW_DRAWS)
    for key, value in {"estimator.permutations": draws, **(changes or {})}.items():
        *way, last = key.split(".")
        section = content
        for part in way:
            section = section[part]
        section[last] = value
    return Plan.model_validate(content)


def analysed(path: str, dictionary: Dictionary, room: Path, changes: Mapping[str, object] | None = None) -> Analysis:
    """A study as it is estimated, unprotected."""
    plan = changed_plan(path, changes)
    check_names(plan, dictionary)
    return evaluate(plan, project_file(path).parent, dictionary, room, lambda text: None)


def worded(analysis: Analysis, councils: Sequence[str] = ()) -> dict[str, ReportContent]:
    """The protected content of its reports, by council."""
    return {content.council.code: content for content in release(analysis, councils, analysis_hash="0" * 64)[0]}


def contents(path: str, dictionary: Dictionary, room: Path, changes: Mapping[str, object] | None = None) -> tuple[ReportContent, ...]:
    """The protected content of all reports of a study."""
    return tuple(worded(analysed(path, dictionary, room, changes)).values())


def assert_answers_the_four_questions(content: ReportContent) -> None:
    """Page one says what could have been detected, what was found, what payment by results said, and what it was worth, or why it cannot."""
    page = content.summary
    detected, found, paid, worth = page.could_have_seen, page.findings, page.payment_by_results, page.value
    assert "smallest change" in detected or "could have been" in detected or "No main outcome" in detected, detected
    assert found and all(sentence.endswith(".") for sentence in found)
    assert "rule" in paid or "No rate is shown" in paid or "not shown" in paid or "No payment-by-results rate" in paid, paid
    assert "because it " not in worth, worth  # which of several outcomes?
    assert "\N{POUND SIGN}" in worth or "not" in worth.lower(), worth
