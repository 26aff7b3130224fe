"""The commands that link: a new key, keys of a file, and from files of keys to the table `links`.

Everything that is written stays in the room: who is linked to which record, how surely, link rates and what the threshold does to an effect.
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evaluation.errors import LinkageError
from evaluation.linkage.files import KeyFile, apart, make_key_file, read_key_file, write_table
from evaluation.linkage.keys import new_key, read_key
from evaluation.linkage.link import Candidates, Linker, check_threshold
from evaluation.linkage.rates import link_rates, record_counts
from evaluation.linkage.sensitivity import effect_by_threshold
from evaluation.linkage.statuses import REGISTERS, check_sources, statuses
from evaluation.runs.files import file_sha256, write_whole

PACKAGES = ("splink", "sqlglot", "duckdb")


def make_key(path: Path) -> Iterator[str]:
    """Write a new random key."""
    new_key(path)
    yield f"{path}: a new key, which only you may read. Give it to whoever makes keys of names, and keep it away from the data."


def make_keys(clear: Path, out: Path, *, key_file: Path | None) -> Iterator[str]:
    """Make keys of a file with names, and say how many rows have which parts."""
    apart(key_file, clear, out)
    made = make_key_file(clear, out, read_key(key_file))
    yield f"{out}: keys of {len(made.rows):,} {'people of the roster' if made.is_roster else 'records'}; no name, birthday or address is in it"
    for part in ("first_name", "surname", "born", "postcode", "sex"):
        yield f"  {part:<11} missing or not to be read in {int(made.rows[part].isna().sum()):>9,}"


def link_records(roster: Path, sources: Mapping[str, Path], out: Path, *, threshold: float, registers: Sequence[str] = REGISTERS,
                 seed: int = 20261124) -> Iterator[str]:
    """Link records to the roster and write what was found into a folder of the room.

    Parameters
    ----------
    sources : source -> path
        Files of keys, by the names that the table `links` uses.
    threshold : float
        Least probability of a link.
    """
    check_threshold(threshold)
    check_sources(np.array(list(sources)), registers)
    people, records = read_all(roster, sources)
    candidates = Linker(seed=seed).fit(people, records)
    of_record = records["source"].to_numpy()
    status = statuses(candidates, people, of_record, threshold=threshold, registers=registers)
    rates, counts = link_rates(status, people), record_counts(candidates, of_record, threshold)
    write_table(out / "links.parquet", status)
    write_table(out / "matches.parquet", matches(candidates, people, records, threshold))
    write_csv(out / "link_rates.csv", rates.round(6))
    write_csv(out / "model.csv", candidates.parameters.round(9))
    files = ["links.parquet", "matches.parquet", "link_rates.csv", "model.csv", *write_sensitivity(candidates, people, records, out, registers)]
    record = {"threshold": threshold, "seed": seed, "registers": sorted(registers), "roster": len(people), "records": counts.to_dict("records"),
              "versions": versions(), "read": {path.name: file_sha256(path) for path in (roster, *sources.values())},
              "written": {name: file_sha256(out / name) for name in files}}
    write_whole(out / "linkage.json", (json.dumps(record, indent=1) + "\n").encode())
    yield from told(counts, rates, out, threshold)


def named_files(asked: Sequence[str]) -> dict[str, Path]:
    """Sources and files from words like police=police_keys.parquet."""
    found = {}
    for words in asked:
        name, sign, path = words.partition("=")
        if not sign or not path or name in found:
            raise LinkageError(f"A source must be named once, with its file, as police=police_keys.parquet: {words!r} is not. Mend --source.")
        found[name] = Path(path)
    return found


def read_all(roster: Path, sources: Mapping[str, Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The roster's keys, and those of all records with their source; all must be made with the same key."""
    of_roster, of_source = read_key_file(roster), {name: read_key_file(path) for name, path in sources.items()}
    check_kinds(of_roster, of_source.values())
    return of_roster.rows, pd.concat([one.rows.assign(source=name) for name, one in of_source.items()], ignore_index=True)


def check_kinds(roster: KeyFile, sources) -> None:
    """One roster, else records, and one key for all."""
    if not roster.is_roster:
        raise LinkageError(f"The first file must hold the roster's keys, with person_id: {roster.path} does not. Name the roster's file first.")
    for one in sources:
        if one.is_roster:
            raise LinkageError(f"A source's file must hold records, with record_id: {one.path} holds a roster. Name the file of the records.")
        if one.made_with != roster.made_with:
            raise LinkageError(f"All keys must be made with the same key: {one.path} was made with another than {roster.path}. Make them again.")


def matches(candidates: Candidates, people: pd.DataFrame, records: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Records with the person each is likelier than not of, and whether that is sure enough."""
    likely = candidates.linked(0.5)
    rows = records.loc[likely["record"], ["source", "record_id"]].reset_index(drop=True)
    probability = likely["probability"].to_numpy()
    return rows.assign(person_id=people["person_id"].to_numpy()[likely["person"]], probability=probability.round(6), linked=probability >= threshold)


def write_sensitivity(candidates: Candidates, people: pd.DataFrame, records: pd.DataFrame, out: Path, registers: Sequence[str]) -> Iterator[str]:
    """The effect by threshold of every source of events whose days are known."""
    if "index_date" not in people or "date" not in records:
        return
    dated = records.groupby("source")["date"].apply(lambda days: days.notna().any())
    for source in dated.index[dated & ~dated.index.isin(registers)]:
        table = effect_by_threshold(candidates, people, records, source=source, registers=registers)
        write_csv(out / f"threshold_{source}.csv", table.round(6))
        yield f"threshold_{source}.csv"


def told(counts: pd.DataFrame, rates: pd.DataFrame, out: Path, threshold: float) -> Iterator[str]:
    """What was linked, in words without a value."""
    yield f"Linked at a probability of {threshold:g} or more. In {out}, which stays inside:"
    for row in counts.itertuples():
        yield (f"  {row.source:<10} {row.records:>9,} records: {row.linked:,} linked, {row.in_doubt:,} in doubt, "
               f"{row.of_nobody:,} of nobody in the roster")
    for row in rates[(rates["council_code"] == "all") & (rates["pool"] != "all")].itertuples():
        yield f"  {row.source:<10} {100 * row.share:>5.1f}% of {row.linked + row.not_linked:,} people sought in {row.pool} are linked"
    yield "  links.parquet is the table `links` of a delivery; somebody not linked is missing there, not zero"


def versions() -> dict[str, str]:
    """Packages on which the links depend."""
    from importlib.metadata import version

    return {name: version(name) for name in PACKAGES}


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table of counts, whole or not at all."""
    write_whole(path, table.to_csv(index=False).encode())
