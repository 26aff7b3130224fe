"""Councils beside each other, from a whole study."""

import numpy as np

from evaluation.pipeline.recipe import evaluate, release
from evaluation.plan import read_plan
from tests.pipeline.conftest import small_plan


def test_each_council_has_its_own_estimate_and_a_shrunken_one_nearer_the_mean(tmp_path, dictionary):
    def change(plan):
        plan["data"]["families"] = {"E06000022": 400, "E09000032": 700, "E08000015": 600, "E06000039": 20}
        plan["outcomes"] = {"primary": ["out_of_work_benefit"]}
    analysis = evaluate(read_plan(small_plan(tmp_path, change)), tmp_path, dictionary, tmp_path, lambda text: None)
    found = analysis.studies["out_of_work_benefit"].beside
    own = np.array([one.estimate for one in found.own])
    assert [one.n_treated for one in found.own] == sorted((one.n_treated for one in found.own), reverse=True)
    small = found.codes.index("E06000039")
    assert len(found.codes) == 4 and np.isnan(found.shrunk[small])
    assert (np.abs(found.shrunk - found.mean) <= np.abs(own - found.mean) + 1e-9)[np.arange(4) != small].all()
    contents, ledger = release(analysis, (), analysis_hash="0" * 64)
    by_code = {content.council.code: content for content in contents}
    council = by_code["E06000022"]
    place = found.codes.index("E06000022")
    effect = next(result.effect.estimate.value for result in council.outcomes if result.outcome == "out_of_work_benefit")
    assert abs(found.own[place].estimate - effect) < 0.06                                          # the report's own estimate, but for rounding
    (shown,) = council.beside
    assert sum(point.is_own for point in shown.points) == 1 and len(shown.points) == 3 and shown.n_hidden == 1
    assert by_code["E06000039"].beside == ()
    assert all(one.spread is None for content in contents for one in content.beside) and 0 <= found.i2 <= 1
    assert found.tau_lower <= found.tau <= found.tau_upper and np.isfinite(found.tau_upper)
    told = [entry for entry in ledger.entries if entry.what == "shrunken effect, estimate"]
    assert len(told) == 9 and all(entry.who.linked for entry in told), "three councils in each of three reports"
    assert len({entry.key for entry in told}) == 3, "one number a council, whichever report it stands in"
    own = {entry.who.identity: entry.n for entry in ledger.entries if entry.what == "effect, estimate"}
    assert {entry.who.identity: entry.n for entry in told}.items() <= own.items(), "the families of the councils' own effects"
    assert not any(code in entry.population for entry in told for code in found.codes if not entry.population.startswith(code)), "without a name"
