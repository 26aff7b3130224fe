"""The manifest: what a run was made from and what left, with nobody in it; and the comparison of releases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from evaluation.errors import EvaluationError, PlanError
from evaluation.ingest.open_statistics import receive_open_statistics
from evaluation.ingest.tables import describe
from evaluation.pipeline.manifest import read_manifest, tables_of, write
from evaluation.pipeline.reopen import tables_of_run
from evaluation.pipeline.verify import changed_since, compare, plan_again
from evaluation.plan import read_plan
from evaluation.runs.files import file_sha256
from evaluation.runs.manifest import array_digest


@pytest.fixture(scope="module")
def manifest(small_run):
    return read_manifest(small_run[0])


def test_it_holds_plan_code_versions_seeds_inputs_steps_flow_disclosure_and_release(manifest, small_run):
    assert manifest["plan_hash"] == read_plan(small_run[1]).hash() and manifest["plan"] == read_plan(small_run[1]).model_dump(mode="json")
    assert manifest["seeds"]["root"] == 20261124 and len(manifest["seeds"]["children"]) > 2
    assert manifest["installed"]["numpy"] == np.__version__ and len(manifest["code"]["hash"]) == len(manifest["lock_file"]) == 64
    assert manifest["disclosure"]["profile"] == "ten_five" and manifest["disclosure"]["audit"]["found"] == 0
    assert [step["step"] for step in manifest["steps"]] == ["receive", "panel", "match, outcomes sealed", "estimate and protect"]
    assert manifest["flow"][0]["count"] == 420


def test_every_file_that_may_leave_stands_in_it_with_its_hash(manifest, small_run):
    release = small_run[0] / "release"
    assert manifest["release"] == {path.relative_to(release).as_posix(): file_sha256(path) for path in release.rglob("*") if path.is_file()}


def test_the_row_flow_of_every_table_adds_up(manifest):
    assert len(manifest["tables"]) > 5
    for table in manifest["tables"].values():
        assert table["rows_in"] == table["rows_kept"] + table["rows_quarantined"] + table["rows_dropped"]


def test_nobody_is_in_it(small_run):
    text = (small_run[0] / "manifest.json").read_text(encoding="utf-8")
    with duckdb.connect() as con:
        ids = [row[0] for row in con.execute(f"select family_id from read_parquet('{small_run[0]}/tables/families.parquet')").fetchall()]
    assert len(ids) == 420 and not [one for one in ids if one in text]


def test_it_knows_when_it_was_altered(small_run, tmp_path):
    content = json.loads((small_run[0] / "manifest.json").read_text(encoding="utf-8"))
    content["tables"]["families"]["rows_kept"] -= 1
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(EvaluationError, match="altered"):
        read_manifest(tmp_path)


def test_a_folder_without_a_run_has_no_manifest(tmp_path):
    with pytest.raises(EvaluationError, match="manifest of a finished run"):
        read_manifest(tmp_path)


def test_the_hash_of_arrays_tells_names_shapes_and_values_and_not_their_order():
    one = {"a": np.arange(4.0), "b": np.array(["x", "y"], dtype=object)}
    assert array_digest(one) == array_digest(dict(reversed(one.items())))
    others = ({**one, "a": np.arange(4.0).reshape(2, 2)}, {**one, "a": np.arange(4.0) + 1e-15}, {"c": one["a"], "b": one["b"]})
    assert len({array_digest(other) for other in (one, *others)}) == 4


def folder(root: Path, **files: bytes) -> Path:
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def test_a_comparison_counts_differing_bytes_files_missing_and_files_added(tmp_path):
    one = folder(tmp_path / "one", same=b"abc", changed=b"abcdef", longer=b"ab", gone=b"xy", empty=b"")
    other = folder(tmp_path / "other", same=b"abc", changed=b"aXcdeY", longer=b"abcd", new=b"z")
    found = compare(one, other)
    assert dict(found.differing) == {"changed": 2, "longer": 2, "gone": 2, "new": 1, "empty": 1} and found.files == 6 and not found.same
    assert compare(one, shutil.copytree(one, tmp_path / "copy")).same


def test_a_release_without_files_is_no_release(tmp_path):
    with pytest.raises(EvaluationError, match="holds no file"):
        compare(tmp_path, tmp_path)


def test_what_changed_since_a_run_is_named(manifest):
    assert changed_since(manifest, manifest["code"]["hash"]) == []
    told = " ".join(changed_since(manifest | {"versions": manifest["versions"] | {"numpy": "1.0"}}, "other"))
    assert "the code is not that of the run" in told and f"numpy 1.0 then, {np.__version__} now" in told


def test_a_run_of_extracts_needs_its_plans_file_again(manifest, tmp_path):
    told = manifest | {"plan": manifest["plan"] | {"data": {"kind": "extracts"}}, "environment": {"plan_file": str(tmp_path / "plan.yml")}}
    with pytest.raises(PlanError, match="Bring it back"):
        plan_again(tmp_path, told)


def test_every_source_of_a_contract_stands_in_it_by_its_own_name_and_is_found_again(open_data, dictionary, tmp_path):
    sources = ("school_absence", "exclusions", "looked_after")
    tables = receive_open_statistics(sources, dictionary, folder=open_data, room=tmp_path)
    told = tables_of(SimpleNamespace(tables=tables))
    assert set(told) == {f"council_year/{source}" for source in sources}
    assert {told[name]["content_hash"] for name in told} == {table.content_hash for table in tables.values()} and len(told) == 3
    write(tmp_path, {"tables": told})
    again = tables_of_run(tmp_path)
    assert {name: (table.name, table.path) for name, table in again.items()} == {name: ("council_year", table.path) for name, table in tables.items()}
    assert sorted(describe(tables)["table"]) == sorted(told)
