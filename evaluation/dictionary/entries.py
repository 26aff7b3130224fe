"""Entries of the dictionary's files, read and made into frozen values; what is wrong with one is said in words."""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evaluation.errors import DictionaryError
from evaluation.frozen import Frozen, fields_at
from evaluation.nearest import nearest


def read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Safe, and a field written twice is a fault."""

    def mapping(loader: Loader, node: Any) -> dict:
        seen = [key.value for key, _ in node.value]
        twice = sorted({key for key in seen if seen.count(key) > 1})
        if twice:
            raise DictionaryError(f"A field is written once: {twice[0]!r} stands twice. "
                                  f"Where: {path.name}, line {node.start_mark.line + 1}. Take one away.")
        return {loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value}

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
    except OSError as error:
        raise DictionaryError(f"The data dictionary needs {path.name}: it cannot be read ({error.strerror}). "
                              f"Where: {path.parent.name}. Restore the file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not UTF-8 text"
        raise DictionaryError(f"A file of the dictionary is YAML: {problem}. "
                              f"Where: {path.name}{where}. Mend the indentation, quotes or encoding there.") from error
    if not isinstance(content, dict):
        raise DictionaryError(f"A file of the dictionary is a list of fields and values: it is something else. "
                              f"Where: {path.name}. See the files beside it.")
    return content


def named(model: type[Frozen], entries: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(entries, dict) or not entries:
        raise DictionaryError(f"{where} must list at least one entry: it is missing or empty. See the file in the project's repository.")
    return {name: make(model, name, entry, f"{where}, {name}") for name, entry in entries.items()}


def make(model: type[Frozen], name: Any, entry: Any, where: str) -> Any:
    """A model from an entry of a file; every fault of the entry in one DictionaryError."""
    if not isinstance(entry, dict):
        raise DictionaryError(f"An entry is a list of fields and values: it is something else. Where: {where}. See the entries beside it.")
    if "name" in entry:
        raise DictionaryError(f"An entry takes its name from where it stands: field 'name' is not allowed. Where: {where}. Take it away.")
    try:
        return model(name=name, **entry)
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(fault_in_words(fault, model) for fault in error.errors()))
        raise DictionaryError(f"{faults}. Where: {where}. Mend the entry in the data dictionary.") from None


def fault_in_words(fault: Mapping[str, Any], model: type[Frozen]) -> str:
    path = ".".join(str(part) for part in fault["loc"]) or "the entry"
    field = str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        return f"Field {path!r} is not known{nearest(field, fields_at(model, fault['loc'][:-1]))}"
    if fault["type"] == "missing":
        return f"Field {path!r} is missing"
    if fault["type"] == "literal_error":
        allowed = fault["ctx"]["expected"]
        return f"Field {path!r} must be one of {allowed}: {fault['input']!r} is not{nearest(fault['input'], re.findall(r'[a-z_]+', allowed))}"
    return f"Field {path!r}: {fault['msg'].removeprefix('Value error, ')}"


def check_fields(content: Mapping, allowed: tuple[str, ...], where: str) -> None:
    for field in content:
        if field not in allowed:
            raise DictionaryError(f"Field {field!r} is not known{nearest(field, allowed)}. Where: {where}. Allowed: {', '.join(allowed)}.")
