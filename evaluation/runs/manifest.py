"""What a run was made from: code, versions, plan, inputs; and the analysis hash that reports carry.

Times, paths and the machine stay out of the analysis hash. No personal data.
"""
from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "scipy", "pandas", "duckdb", "pyarrow", "statsmodels", "linearmodels", "matplotlib", "papermill", "typst", "pikepdf")


def digest(parts: Iterable[bytes]) -> str:
    """SHA-256 over parts, each preceded by its length."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def code_hash(folders: Iterable[Path]) -> str:
    """Hash of the code, the dictionary and the notebook: names and contents, sorted; caches left out."""
    files = sorted((path.relative_to(folder.parent).as_posix(), path) for folder in folders for path in folder.rglob("*")
                   if path.is_file() and path.suffix in {".py", ".yml", ".csv", ".ipynb"} and "__pycache__" not in path.parts)
    return digest(part for name, path in files for part in (name.encode(), path.read_bytes()))


@functools.cache
def versions() -> tuple[tuple[str, str], ...]:
    """Versions of Python and of the packages that numbers and pages depend on."""
    return (("python", platform.python_version()), *((name, metadata.version(name)) for name in PACKAGES))


def analysis_hash(*, plan: str, code: str, tables: Mapping[str, str]) -> str:
    """Plan, code, versions and each checked table's content."""
    return digest([plan.encode(), code.encode(), json.dumps(versions()).encode(), json.dumps(dict(sorted(tables.items()))).encode()])


def write_json(path: Path, content: object) -> None:
    """Write canonical JSON under a temporary name, then rename."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(path)


def distributions() -> dict[str, str]:
    """Every installed distribution with its version."""
    return dict(sorted((str(one.metadata["Name"]).lower(), one.version) for one in metadata.distributions() if one.metadata["Name"]))


def code_commit(root: Path) -> str:
    """Commit of a checkout, with '+' where files differ from it; '' outside a checkout."""
    import subprocess

    try:
        told = [subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=20, check=True).stdout.strip()
                for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])]
    except (OSError, subprocess.SubprocessError):
        return ""
    return told[0] + ("+" if told[1] else "")


def environment() -> dict[str, object]:
    """The machine that a run was made on: what may differ between two runs of the same bytes."""
    import locale
    import os
    import time

    import threadpoolctl

    libraries = sorted({f"{one.get('internal_api')} {one.get('version')}" for one in threadpoolctl.threadpool_info()})
    return {"system": platform.system(), "release": platform.release(), "machine": platform.machine(), "processors": os.cpu_count(),
            "python": platform.python_implementation(), "linear_algebra": libraries, "locale": ".".join(filter(None, locale.getlocale())),
            "time_zone": time.tzname[0]}


def array_digest(named: Mapping[str, object]) -> str:
    """Hash of named arrays: names, shapes and values, in the order of names. Text columns are hashed as text."""
    import numpy as np

    parts: list[bytes] = []
    for name in sorted(named):
        values = np.asarray(named[name])
        body = "\0".join(map(str, values.tolist())).encode() if values.dtype.kind in "OUT" else np.ascontiguousarray(values).tobytes()
        parts += [name.encode(), str(values.shape).encode(), body]
    return digest(parts)
