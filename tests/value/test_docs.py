"""The examples of docs/value.md run as they are printed, and give the numbers that the page tells."""

from __future__ import annotations

import re

import pytest

from evaluation.locations import project_file


def test_the_example_of_the_documentation_runs_and_gives_what_it_says(capsys):
    text = project_file("docs/value.md").read_text(encoding="utf-8")
    blocks = [found for found in re.findall(r"(?:^    .*\n|^\n)+", text, flags=re.MULTILINE) if "from evaluation." in found]
    names: dict = {}
    for block in blocks:  # the second goes on from the first
        exec(re.sub(r"^    ", "", block, flags=re.MULTILINE), names)
    assert names["worth"].benefit().mean == pytest.approx(11_640.11, abs=0.005)
    told = capsys.readouterr().out
    assert "Money(mean=11640.1" in told and len(blocks) == 2 and told.endswith("726674\n")
