"""Numbers of a report that the ledger does not know."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evaluation.disclosure.ledger import Ledger
from evaluation.disclosure.orphans import numbers_of, numbers_of_plan, orphans, sentences_of
from evaluation.disclosure.rules import RULES

sys.path.insert(0, str(Path(__file__).parents[1] / "reporting"))

from tests.reporting.sample import SAMPLES  # noqa: E402


def ledger_of(content) -> Ledger:
    """A ledger that knows all of a report."""
    ledger = Ledger(profile=RULES["ten_five"])
    for place, number in numbers_of(content):
        ledger.keep(place, "p", number)
    for place, text in sentences_of(content):
        ledger.said(text, what=place)
    return ledger


@pytest.fixture(params=sorted(SAMPLES))
def content(request):
    return SAMPLES[request.param]()


def test_a_report_whose_numbers_all_went_through_the_ledger_has_no_orphan(content):
    assert orphans(content, ledger_of(content).entries) == []


def test_a_shown_number_past_the_ledger_is_an_orphan():
    content = SAMPLES["council"]()
    flow = content.flow[0].model_copy(update={"count": content.flow[0].count.model_copy(update={"text": "4,321", "value": 4321.0})})
    changed = content.model_copy(update={"flow": (flow, *content.flow[1:])})
    assert orphans(changed, ledger_of(content).entries) == [("flow", "4,321")]


@pytest.mark.parametrize("text, found", [("In all 1,234.5 were prevented.", ["1,234.5"]), ("Since 2011/12, base 2007/08; 9 other councils.", [])])
def test_a_number_in_a_sentence_past_the_ledger_is_an_orphan(text, found):
    content = SAMPLES["council"]()
    changed = content.model_copy(update={"summary": content.summary.model_copy(update={"headline": text})})
    assert orphans(changed, ledger_of(content).entries) == [("summary", number) for number in found]


def test_numbers_of_the_plan_are_no_numbers_of_its_results():
    content = SAMPLES["council"]()
    summary = content.summary.model_copy(update={"headline": "The pilot cost 865,000 pounds for 30 of 6,413."})
    changed = content.model_copy(update={"summary": summary})
    assert orphans(changed, ledger_of(content).entries, numbers_of_plan('{"cost": 865000, "note": "30 families"}')) == [("summary", "6,413")]
