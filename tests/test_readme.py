"""The README's Python runs as it is printed."""
import re

import numpy as np
import pandas as pd
import pytest

from evaluation.locations import project_file
from evaluation.periods import Periods
from evaluation.simulate import Simulation


def blocks() -> list[str]:
    """Indented blocks of the README that import from the package."""
    text = project_file("README.md").read_text(encoding="utf-8")
    found = re.findall(r"(?:^    .*\n|^\n)+", text, flags=re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() for block in found if "from evaluation." in block]


@pytest.mark.parametrize("number", range(len(blocks())))
def test_a_block_runs(number, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"family_id": range(400), "age": rng.normal(35, 8, 400), "needs": rng.poisson(2, 400)})
    table["council"] = rng.choice(["N", "S"], 400)
    table["joined"] = rng.random(400) < 1 / (1 + np.exp(1.5 - 0.3 * table["needs"]))
    table["absence"] = 5 + table["needs"] - table["joined"] + rng.normal(size=400)
    code = blocks()[number].replace('"studies/', f'"{project_file("studies").as_posix()}/')
    monkeypatch.chdir(tmp_path)
    exec(code, {"table": table})


def test_there_are_two_blocks():
    assert len(blocks()) == 2


def test_the_council_of_ones_own_records_is_one_of_those_simulated(dictionary):
    text = project_file("README.md").read_text(encoding="utf-8")
    families, councils = map(int, re.search(r"evaluation simulate \S+ --families (\d+) --councils (\d+)", text).groups())
    asked = re.search(r"evaluation run studies/mine/plan\.yml --council (\w+)", text)[1]
    spec = Simulation(families=families, councils=councils, periods=Periods.between("2011-Q1", "2015-Q4", kind="quarter"), seed=1)
    assert asked in spec.sizes(dictionary)
