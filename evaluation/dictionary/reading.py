"""The dictionary read from its folder and checked, once."""
from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from evaluation.dictionary.councils import read_councils
from evaluation.dictionary.entries import check_fields, make, named, read_yaml
from evaluation.dictionary.outcomes import Outcome, Population
from evaluation.dictionary.references import check_references
from evaluation.dictionary.tables import Table, Variable
from evaluation.dictionary.whole import Dictionary
from evaluation.errors import DictionaryError
from evaluation.locations import project_file


def default_folder() -> Path:
    """The folder in EVALUATION_DICTIONARY, or the `data_dictionary` that comes with the project."""
    named = os.environ.get("EVALUATION_DICTIONARY", "").strip()
    return Path(named).expanduser() if named else project_file("data_dictionary")


def load_dictionary(folder: Path | None = None) -> Dictionary:
    """The data dictionary of a folder, checked; read once.

    Raises
    ------
    DictionaryError
        A file is missing, cannot be read, has a misspelt or missing field, or names something that does not exist.
    """
    return read_dictionary((Path(folder) if folder is not None else default_folder()).resolve())


@functools.lru_cache(maxsize=8)
def read_dictionary(folder: Path) -> Dictionary:
    paths = sorted((folder / "tables").glob("*.yml"))
    if not paths:
        raise DictionaryError(f"The data dictionary holds a contract per table: {folder.name}/tables holds no .yml file. "
                              "Set EVALUATION_DICTIONARY to the folder, or run from a complete copy of the project.")
    tables = {path.stem: read_table(path) for path in paths}
    outcomes = read_yaml(folder / "outcomes.yml")
    check_fields(outcomes, ("populations", "outcomes", "covariates"), "outcomes.yml")
    dictionary = Dictionary(
        tables=tables,
        outcomes=named(Outcome, outcomes.get("outcomes"), "outcomes.yml, outcomes"),
        populations=named(Population, outcomes.get("populations"), "outcomes.yml, populations"),
        covariates=outcomes.get("covariates") or {},
        councils=read_councils(folder / "councils.csv"),
        folder=folder,
        sha256=fingerprint([*paths, folder / "outcomes.yml", folder / "councils.csv"]),
    )
    check_references(dictionary)
    return dictionary


def fingerprint(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return total.hexdigest()


def read_table(path: Path) -> Table:
    where = f"tables/{path.name}"
    content = read_yaml(path)
    columns = content.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise DictionaryError(f"A table lists its columns: `columns` is missing or empty. Where: {where}. Add one line per column.")
    common = content.get("missing_codes") or []
    made = {}
    for name, entry in columns.items():
        if isinstance(entry, dict) and isinstance(common, list) and isinstance(entry.get("missing_codes") or [], list):
            entry = {**entry, "missing_codes": list(dict.fromkeys(str(code) for code in [*common, *(entry.get("missing_codes") or [])]))}
        made[name] = make(Variable, name, entry, f"{where}, column {name}")
    return make(Table, path.stem, {**content, "columns": made}, where)
