"""A few spoilt files of every kind at every run; `python -m tests.faults.fuzz --minutes 10` tries as many as there is time for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.faults.fuzz import EXAMPLES, TABLES, receive


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(example=EXAMPLES)
def test_a_spoilt_file_is_received_whole_or_refused(example):
    assert receive(example) in ("received", "refused")


@pytest.mark.parametrize("kind, change, how", [("csv", [], "utf-8"), ("xlsx", [], False), ("parquet", ["x", "y", "z"], False)])
@pytest.mark.parametrize("name", TABLES)
def test_an_unspoilt_file_is_received(name, kind, change, how):
    if kind == "parquet" and name != "events":
        pytest.skip("the last column is not free text")
    assert receive((kind, name, change, [], how)) == "received"
