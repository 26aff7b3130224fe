"""The one hundred bad inputs: each with the action, the reason, the rows and the message that it must have, never a traceback, never a value said."""

from __future__ import annotations

import pytest

from tests.faults.case import CANARY, Case, Expect, judge
from tests.faults.corpus import CASES
from tests.faults.writing import KEEP, events


def test_the_corpus_has_all_one_hundred():
    assert {case.number for case in CASES} == set(range(1, 101))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number:03d} {case.name}" for case in CASES])
def test_bad_input(case, tmp_path):
    folder = tmp_path / "delivery"
    folder.mkdir()
    assert judge(case, folder) == []


@pytest.mark.parametrize(
    "expect, made, complaint",
    [
        ((Expect(action="quarantine", reason="no_such_date"),), "2012-01-31", "no quarantine for no_such_date"),
        (KEEP, "2012-02-31", "not kept"),
        ((Expect(action="quarantine", reason="no_such_date", rows=(3,)),), "2012-02-31", "rows (2,) are not (3,)"),
        ((Expect(action="quarantine", reason="no_such_date", words=("Tuesday",)),), "2012-02-31", "'Tuesday' is not in"),
    ],
)
def test_the_judge_sees_what_is_not_as_expected(tmp_path, expect, made, complaint):
    folder = tmp_path / "delivery"
    folder.mkdir()
    assert any(complaint in found for found in judge(Case(number=0, name="", make=events(made, "2012-03-31"), expect=expect), folder))


def test_the_judge_sees_a_traceback_and_a_value_said(tmp_path):
    from evaluation.errors import ContractError

    def raise_one(error: Exception):
        def receive(folder, dictionary, room):
            raise error

        return receive

    for error, complaint in ((KeyError("x"), "traceback"), (ContractError(f"row of {CANARY}0001"), "a value is said")):
        folder = tmp_path / complaint.replace(" ", "_")
        folder.mkdir()
        expect = (Expect(action="reject", words=("row of",)),)
        case = Case(number=0, name="", make=events("2012-01-31"), expect=expect, receive=raise_one(error))
        assert any(complaint in found for found in judge(case, folder))
