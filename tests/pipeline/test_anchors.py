"""Published answers are found again; one that is not is told as failed, and one without its data as not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.pipeline.anchors import KINDS, AnchorFound, check_anchors, found_of, read_anchors

ANCHORS = {anchor.name: anchor for anchor in read_anchors()}


def test_every_published_answer_is_found_again(open_data):
    check_anchors.cache_clear()
    assert {one.anchor.name: one.verdict for one in check_anchors()} == dict.fromkeys(ANCHORS, "passed")


def test_every_kind_of_answer_is_listed_with_a_source():
    assert {anchor.kind for anchor in ANCHORS.values()} == set(KINDS) and len(ANCHORS) >= 10
    assert all(anchor.source and anchor.what for anchor in ANCHORS.values())


@pytest.mark.parametrize("name", ["birmingham", "discount_30", "honest_lower", "lead"])
def test_an_answer_that_is_not_found_again_fails(name):
    wrong = replace(ANCHORS[name], published=ANCHORS[name].published + 2 * ANCHORS[name].within + abs(ANCHORS[name].published) / 10)
    assert found_of(ANCHORS[name]).verdict == "passed" and found_of(wrong).verdict == "failed"


def test_an_answer_whose_data_are_missing_is_not_run_and_never_passed(monkeypatch, tmp_path):
    from evaluation.pipeline import anchors

    monkeypatch.setattr(anchors, "open_data_folder", lambda: tmp_path)
    anchors._minimum_wage.cache_clear()
    anchors._lalonde_panel.cache_clear()
    assert [found_of(ANCHORS[name]).verdict for name in ("mpdta_att", "experiment")] == ["not run", "not run"]


def test_an_answer_that_cannot_be_worked_out_for_another_reason_fails():
    assert AnchorFound(anchor=ANCHORS["lead"], found=float("nan"), reason="a fault").verdict == "failed"
