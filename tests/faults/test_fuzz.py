"""A few spoilt files of every kind at every run; `python -m tests.faults.fuzz --minutes 10` tries as many as there is time for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.faults.fuzz import EXAMPLES, TABLES, receive


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(example=EXAMPLES)
def test_a_spoilt_file_is_received_whole_or_refused(example):
    assert receive(example) in ("received", "refused")


UNSPOILT = {"csv": ([], "utf-8"), "xlsx": ([], False), "parquet": (["x", "y", "z"], False)}      # Parquet's last column is whatever text is given


@pytest.mark.parametrize("kind, name", [*((kind, name) for kind in ("csv", "xlsx") for name in TABLES), ("parquet", "events")])
def test_an_unspoilt_file_is_received(kind, name):
    change, how = UNSPOILT[kind]
    assert receive((kind, name, change, [], how)) == "received"
