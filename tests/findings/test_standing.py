"""What was not in the plan that was locked is named exploratory wherever its outcome is named: in the content, on the page and in the tables."""

from __future__ import annotations

import html
import re

import pytest

from evaluation.disclosure.release import TableContent
from evaluation.findings.standing import PlanStanding, label
from evaluation.reporting.html import document
from evaluation.reporting.workbook import workbook
from tests.reporting.sample import SAMPLES, blocks_from

LATER = PlanStanding(locked="2026-11-29T08:00:00Z", changes=("matching.caliper",), reasons=("too wide",))

UNDER_A_LABEL = (".outcomes.title", ".outcomes.sentence", ".outcomes.domain", ".event_studies.title", ".trends.title")


@pytest.fixture(params=sorted(SAMPLES))
def content(request):
    return SAMPLES[request.param]()


def texts(value, place="") -> list[tuple[str, str]]:
    """Every text of a content, with its place."""
    if isinstance(value, dict):
        return [one for name, part in value.items() for one in texts(part, f"{place}.{name}")]
    if isinstance(value, list | tuple):
        return [one for part in value for one in texts(part, place)]
    return [(place, value)] if isinstance(value, str) else []


def named_without_label(content, names) -> list[tuple[str, str]]:
    """Places that name one of these outcomes, or begin with its name, and do not say that it is exploratory."""
    found = [(place, text) for place, text in texts(content.model_dump()) if any(text == one or text.startswith(f"{one}: ") for one in names)]
    return [(place, text) for place, text in found if place not in UNDER_A_LABEL]


def test_everything_is_named_where_the_plan_was_changed(content):
    made = label(content, LATER)
    assert named_without_label(content, [result.label for result in content.outcomes])
    found = named_without_label(made, [result.label for result in content.outcomes])
    assert {place for place, _ in found} <= {".summary.findings"}  # under the headline, which says it of all of them
    assert made.summary.headline.startswith("Exploratory: ") and made.warnings[0].code == "EXPLORATORY"


def test_an_outcome_that_was_added_is_named_and_no_other(content):
    added, *others = content.outcomes
    made = label(content, PlanStanding(locked="x", outcomes=(added.outcome,)))
    assert named_without_label(made, [added.label]) == []
    assert sum("exploratory" in text.lower() for _, text in texts(made.model_dump())) > 2
    for other in others:
        was, now = (named_without_label(one, [other.label]) for one in (content, made))
        assert was == now
    assert made.summary.headline == content.summary.headline
    said = [one for one in made.summary.findings if one.startswith("Exploratory: ")]
    assert len(said) == sum(one.startswith((added.sentence, f"{added.label}: ")) for one in content.summary.findings)


def test_rows_columns_and_titles_of_tables_say_so(content):
    added = content.outcomes[0]
    tables = (
        TableContent(id="base-periods", title="Bases", columns=("Base", "Matched"), rows=((f"{added.label}: base -1", "1"), ("Other: base -1", "2"))),
        TableContent(id=f"subgroups-{added.outcome}", title="By group", columns=("Group", "Effect"), rows=(("lone parents", "1.0"),)),
        TableContent(id="missing-values", title="Why", columns=("Reason", added.label), rows=(("not linked", "2%"),)),
    )
    made = label(content.model_copy(update={"tables": tables}), PlanStanding(locked="x", outcomes=(added.outcome,))).tables
    assert [row[0] for row in made[0].rows] == [f"{added.label} (exploratory): base -1", "Other: base -1"]
    assert made[1].title == "By group (exploratory)" and made[0].title == "Bases"
    assert made[2].columns == ("Reason", f"{added.label} (exploratory)") and made[2].rows == tables[2].rows


def test_the_finished_page_and_the_spreadsheet_name_no_outcome_without_saying_so(content):
    made = label(content, LATER)
    blocks = blocks_from(made)
    marked = re.findall(r"<(th|h\d)\b[^>]*>(.*?)</\1>", document(blocks), flags=re.DOTALL)
    heads = [html.unescape(re.sub("<[^>]+>", "", text)) for _, text in marked]
    sheets = workbook(made, blocks).sheets
    cells = [cell.text for sheet in sheets for row in sheet.rows for cell in row] + [name for sheet in sheets for name in sheet.header]
    for result in content.outcomes:
        names = (result.label, f"{result.domain}: {result.label[:1].lower()}{result.label[1:]}")
        assert not [text for text in (*heads, *cells) if text in names or text.startswith(tuple(f"{name}: " for name in names))]
    assert any("(exploratory)" in text for text in heads) and any("(exploratory)" in text for text in cells)
