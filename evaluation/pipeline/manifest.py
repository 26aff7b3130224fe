"""The manifest of a run: what it was made from, step by step, and what left. It stays in the room; no row, name or number of a family is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import evaluation
from evaluation.errors import EvaluationError
from evaluation.locations import project_file
from evaluation.panel.types import Panel
from evaluation.pipeline.analysis import Analysis
from evaluation.pipeline.locking import Entry
from evaluation.runs.files import canonical, file_sha256, hashes_of, sha256, write_whole
from evaluation.runs.manifest import array_digest, code_commit, distributions, environment, versions

SEEDS = {
    "simulated records": "SeedSequence(root, spawn_key=crc32(table)), one a table",
    "scores and orders of matching": "SeedSequence(root).generate_state(1)",
    "placebo assignments of the programme, of one area": "SeedSequence(root).spawn(2)",
    "joint draws of several outcomes": "SeedSequence(root, spawn_key=crc32('several tests'))",
}


def write_manifest(
    room: Path, analysis: Analysis, *, hashed: str, code: str, lock: tuple[Entry, ...], councils: tuple[str, ...], plan_file: Path
) -> Path:
    """Write what a run was made from; what left is added when it has left (`add_release`)."""
    plan = analysis.plan
    return write(
        room,
        {
            "study": plan.study,
            "analysis_hash": hashed,
            "plan": plan.model_dump(mode="json"),
            "plan_hash": plan.hash(),
            "plan_lock": [{"kind": one.kind, "time": one.time, "signer": one.signer, "plan_hash": one.plan_hash, "hash": one.hash()} for one in lock],
            "councils": list(councils),
            "code": {"version": evaluation.__version__, "commit": code_commit(Path(evaluation.__file__).parents[1]), "hash": code},
            "lock_file": lock_file_hash(),
            "versions": dict(versions()),
            "installed": distributions(),
            "seeds": {"root": plan.seed, "children": SEEDS},
            "tables": tables_of(analysis),
            "steps": steps_of(room, analysis),
            "flow": [{"step": step.step, "reason": step.reason, "count": step.count, "of": step.of} for step in analysis.panel.flow],
            "warnings": [warning.code for warning in analysis.warnings],
            "disclosure": {"profile": plan.disclosure.profile},
            "environment": environment() | {"plan_file": str(Path(plan_file).resolve())},
        },
    )


def write(room: Path, content: Mapping[str, object]) -> Path:
    """Write a manifest with its own hash."""
    content = {name: value for name, value in content.items() if name != "manifest_sha256"}
    text = json.dumps(content | {"manifest_sha256": sha256(canonical(content))}, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return write_whole(Path(room) / "manifest.json", f"{text}\n".encode())


def read_manifest(room: Path) -> dict[str, object]:
    """The manifest of a run.

    Raises
    ------
    EvaluationError
        There is none, or it is not what was written.
    """
    path = Path(room) / "manifest.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        told = content.pop("manifest_sha256")
    except (OSError, ValueError, KeyError):
        raise EvaluationError(f"{room} must hold the manifest of a finished run, and does not. Give a folder like runs/<study>/<run id>.") from None
    if told != sha256(canonical(content)):
        raise EvaluationError(f"{path} was altered after it was written. Make the run again.")
    return content


def add_release(room: Path) -> Path:
    """Add the files that may leave, by hash, and the audit they passed."""
    content, release = read_manifest(room), Path(room) / "release"
    audit = json.loads((release / "audit.json").read_text(encoding="utf-8"))
    files = hashes_of((path for path in release.rglob("*") if path.is_file()), release)
    return write(room, content | {"disclosure": content["disclosure"] | {"audit": audit}, "release": files})


def lock_file_hash() -> str:
    """SHA-256 of the lock file of the dependencies; '' where the package was installed without it."""
    try:
        return file_sha256(project_file("requirements.lock"))
    except EvaluationError:
        return ""


def tables_of(analysis: Analysis) -> dict[str, object]:
    """Each table, by the name under which it was received: rows in and what became of them, content, and the files it came from."""
    return {
        name: {
            "rows_in": table.rows_in,
            "rows_kept": table.rows_kept,
            "rows_quarantined": table.rows_quarantined,
            "rows_dropped": table.rows_dropped,
            "content_hash": table.content_hash,
            "sources": [{"label": source.label, "sha256": source.sha256, "bytes": source.bytes} for source in table.sources],
        }
        for name, table in analysis.tables.items()
    }


def steps_of(room: Path, analysis: Analysis) -> list[dict[str, object]]:
    """The chain from tables to the release: each step's outputs are the next one's inputs."""
    sample = analysis.sample
    sets = {
        name: getattr(sample, name)
        for name in ("set_entry", "treated_unit", "treated_set", "treated_weight", "comparison_unit", "comparison_set", "comparison_weight")
    }
    release = hashes_of((Path(room) / "release").glob("*.json"), Path(room))
    contents = hashes_of((Path(room) / "contents").glob("*.json"), Path(room))
    made = [
        ("receive", {name: table.content_hash for name, table in sorted(analysis.tables.items())}),
        ("panel", {"panel": panel_digest(analysis.panel)}),
        ("match, outcomes sealed", {"matched sets": array_digest(sets), "balance": frame_digest(sample.balance)}),
        ("estimate and protect", contents | release),
    ]
    before = {source.label: source.sha256 for table in analysis.tables.values() for source in table.sources}
    steps = []
    for name, outputs in made:
        steps.append({"step": name, "inputs": sha256(canonical(before)), "outputs": outputs})
        before = outputs
    return steps


def panel_digest(panel: Panel) -> str:
    """Hash of a panel's units and arrays."""
    parts = {f"units {name}": panel.units[name].to_numpy() for name in panel.units}
    for kind in ("outcomes", "denominators", "varying"):
        parts |= {f"{kind} {name}": values for name, values in getattr(panel, kind).items()}
    return array_digest(parts)


def frame_digest(frame) -> str:
    """Hash of a frame's columns."""
    return array_digest({str(name): frame[name].to_numpy() for name in frame})
