"""A kept match: used again by every plan that matches alike, made again where it is torn or made from something else; blind to outcomes."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from evaluation.errors import PlanError
from evaluation.matching.nearest import NearestNeighbour
from evaluation.pipeline import recipe
from evaluation.pipeline.manifest import read_manifest
from evaluation.pipeline.match_step import match_made_from, match_of
from evaluation.pipeline.recipe import main_comparison, match_blind
from evaluation.pipeline.reopen import changed_plan, open_run, plan_given
from evaluation.pipeline.run import checked_plan, estimate
from evaluation.pipeline.sealing import FOLDER as SEALED
from evaluation.pipeline.sealing import seal, sealed_cells
from evaluation.runs.step_cache import FOLDER
from tests.pipeline.packed import plan_of


def fast(plan) -> None:
    """One outcome, few checks, no second estimator."""
    plan["outcomes"] = {"primary": ["unauthorised_absence_rate"]}
    plan["second_estimators"], plan["subgroups"], plan["checks"] = [], [], ["balance"]


@pytest.fixture(scope="module")
def first(tmp_path_factory, dictionary) -> tuple[Path, Path]:
    """A plan, and the room of its run with kept steps."""
    folder = tmp_path_factory.mktemp("kept")
    path = plan_of(folder, fast)
    return path, estimated(path, folder / "room", dictionary, folder / "room" / FOLDER)


@pytest.fixture
def kept(first, tmp_path) -> Path:
    """Kept steps, to be spoilt."""
    return Path(shutil.copytree(first[1] / FOLDER, tmp_path / FOLDER))


@pytest.fixture
def matched(monkeypatch) -> list[str]:
    """The methods that matched, in order; a matcher at work adds a line."""
    found: list[str] = []
    fit = NearestNeighbour.match

    def counted(self, *given, **named):
        found.append(self.in_words())
        return fit(self, *given, **named)

    monkeypatch.setattr(NearestNeighbour, "match", counted)
    return found


def estimated(path: Path, room: Path, dictionary, kept: Path | None) -> Path:
    """The room of a plan's run, estimated and protected."""
    room.mkdir()
    plan, _ = checked_plan(path, ())
    estimate(plan, path, dictionary, room, councils=(), say=lambda text: None, kept=kept)
    return room


def changed(path: Path, folder: Path, change) -> Path:
    """The plan with another choice, in a folder of its own."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    folder.mkdir()
    (folder / path.name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / path.name


def test_another_estimator_matches_nothing_anew_and_gives_the_bytes_of_a_run_without_a_cache(first, kept, tmp_path, dictionary, matched):
    path = changed(first[0], tmp_path / "other", lambda plan: plan.update(estimator={"method": "matched_levels"}))
    entries = sorted(one.name for one in kept.iterdir())
    again = estimated(path, tmp_path / "again", dictionary, kept)
    assert matched == [] and sorted(one.name for one in kept.iterdir()) == entries
    anew = estimated(path, tmp_path / "anew", dictionary, None)
    assert len(matched) == 1 and not (anew / FOLDER).exists()
    for name in ("results.json", "ledger.json"):
        assert (again / "release" / name).read_bytes() == (anew / "release" / name).read_bytes()
    assert read_manifest(again)["steps"] == read_manifest(anew)["steps"]
    assert (first[1] / "release" / "results.json").read_bytes() != (again / "release" / "results.json").read_bytes()


@pytest.fixture(scope="module")
def received(first, dictionary):
    """The plan, its tables and its panel."""
    opened = open_run(first[1], cache=False)
    return opened.plan, opened.tables, opened.panel


def test_another_caliper_is_another_entry_and_each_is_made_once(first, kept, received, tmp_path, matched):
    plan, tables, panel = received
    unseen = main_comparison(plan, seal(panel, plan, tmp_path))
    other = changed_plan(plan_given(first[1]), {"matching.caliper": 0.05})
    samples = [match_of(one, unseen, tables, kept) for one in (plan, other, plan, other)]
    assert len(matched) == 1 and len(list(kept.glob("match-*"))) == 2
    assert all(one.comparison_unit.tobytes() == two.comparison_unit.tobytes() for one, two in (samples[::2], samples[1::2]))
    assert samples[0].caliper_width != samples[1].caliper_width


def test_the_key_follows_what_a_match_depends_on_and_nothing_else(received):
    plan, tables, _ = received
    made_from = match_made_from(plan, tables)
    same = plan.model_copy(update={"estimator": plan.estimator.model_copy(update={"base": -3}), "checks": ("overlap",), "title": "Another"})
    assert match_made_from(same, tables) == made_from
    comparison = plan.comparison.model_copy(update={"candidates": "never_joined"})
    for other in ({"seed": plan.seed + 1}, {"comparison": comparison}, {"unit": "person"}):
        assert match_made_from(plan.model_copy(update=other), tables) != made_from
    name = next(iter(tables))
    assert match_made_from(plan, dict(tables) | {name: dataclasses.replace(tables[name], content_hash="another")}) != made_from


@pytest.mark.parametrize("spoil", ["match.npz", "balance.parquet", "match.json", "entry.json"])
def test_an_altered_match_is_made_again(spoil, kept, received, tmp_path, matched):
    plan, tables, panel = received
    unseen = main_comparison(plan, seal(panel, plan, tmp_path))
    (entry,) = kept.glob("match-*")
    if spoil == "match.npz":  # a whole file that tells of another match
        with np.load(entry / spoil, allow_pickle=False) as held:
            parts = dict(held)
        np.savez(entry / spoil, **parts | {"comparison_weight": parts["comparison_weight"][::-1] * 2})
    else:
        (entry / spoil).write_bytes((entry / spoil).read_bytes()[:-9])
    found = [match_of(plan, unseen, tables, kept) for _ in range(2)]
    assert len(matched) == 1 and len(list(kept.glob("match-*"))) == 1
    assert {one.comparison_weight.tobytes() for one in found} == {match_of(plan, unseen, tables, None).comparison_weight.tobytes()}


def test_a_kept_match_is_as_blind_as_one_that_is_made(kept, received, tmp_path, matched, monkeypatch):
    plan, tables, panel = received
    handed = []

    def watched(plan, unseen, tables, folder):
        handed.append(any(np.isfinite(values[sealed_cells(unseen)]).any() for values in unseen.outcomes.values()))
        return match_of(plan, unseen, tables, folder)

    monkeypatch.setattr(recipe, "match_of", watched)
    sample = match_blind(plan, panel, tmp_path, tables=tables, kept=kept)
    assert matched == [] and handed == [False]
    assert json.loads((tmp_path / SEALED / "seal.json").read_text(encoding="utf-8"))["opened"]
    assert any(np.isfinite(values[sealed_cells(sample.panel)]).any() for values in sample.panel.outcomes.values())
    history = sample.match.rows.history("unauthorised_absence_rate", (0, 3))
    assert not np.isfinite(history[sample.match.rows.treated]).any()  # what the match can still reach is the sealed panel

    def spoilt(plan, unseen, tables, folder):
        path = next((tmp_path / SEALED).glob("*.npy"))
        np.save(path, np.load(path) + 1)
        return match_of(plan, unseen, tables, folder)

    monkeypatch.setattr(recipe, "match_of", spoilt)
    with pytest.raises(PlanError, match="must be what was sealed"):
        match_blind(plan, panel, tmp_path, tables=tables, kept=kept)


def test_a_run_that_is_opened_again_uses_its_match_and_without_a_cache_it_does_not(first, tmp_path, matched):
    run = Path(shutil.copytree(first[1], tmp_path / "run"))
    entries = sorted(one.name for one in (run / FOLDER).iterdir())
    opened = open_run(run)
    opened.sample(opened.changed({"estimator.method": "matched_levels"}))
    assert matched == []
    opened = open_run(run, cache=False)
    opened.sample(opened.plan)
    assert len(matched) == 1 and sorted(one.name for one in (run / FOLDER).iterdir()) == entries
