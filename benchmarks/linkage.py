"""How well are dirty records linked, and what do missed links do to an effect? `python -m benchmarks.linkage [--json FILE] [--page FILE]`

A roster of 20,000 people and 200,000 records of three sources, of which about half are of people not in the roster (`dirty_people`). Names are
hashed and linked as the commands do; sockets are blocked throughout. Precision is the share of links that are right; recall the share of the records
of people in the roster that are linked to the right one.

The effect is the plain difference in differences of police records per person. It is compared with the same number from the true links, so that
nothing is left of chance but the draw of the world: what differs is what linkage did.
"""
from __future__ import annotations

import argparse
import functools
import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.coverage.pages import filled
from benchmarks.coverage.tables import markdown
from benchmarks.dirty_people import EFFECT, Dirt, World, world
from evaluation.linkage.keys import hashed_numbers, pseudonymised
from evaluation.linkage.link import Candidates, Linker
from evaluation.linkage.sensitivity import THRESHOLDS, changes, difference, effect_by_threshold
from evaluation.linkage.statuses import statuses

PEOPLE, RECORDS, SEED = 20_000, 200_000, 20261124
PRECISION, RECALL = 0.999, 0.95          # what must be reached at the threshold that the command has by itself
THRESHOLD = 0.95
CLEAN, USUAL, DIRTY = Dirt().times(0.5), Dirt(), Dirt().times(2.0)
WORLDS: Mapping[str, Mapping[str, Dirt]] = {
    "alike": {"before": USUAL, "after": USUAL, "others": USUAL},
    "programme families link better": {"before": CLEAN, "after": CLEAN, "others": DIRTY},
    "they link better once they have joined": {"before": DIRTY, "after": CLEAN, "others": DIRTY},
}


@contextmanager
def no_network() -> Iterator[None]:
    """Whoever opens a socket meets an error."""
    def refuse(*given, **named):
        raise OSError("linkage must not use the network")

    kept = socket.socket, socket.create_connection, socket.getaddrinfo
    socket.socket = type("Refused", (socket.socket,), {"__init__": refuse})
    socket.create_connection = socket.getaddrinfo = refuse
    try:
        yield
    finally:
        socket.socket, socket.create_connection, socket.getaddrinfo = kept


def keyed(made: World, *, numbers: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Roster and records as keys, with what may stand beside them; with or without the sources' own numbers of their people."""
    key = b"a key of this benchmark, of no other use"
    roster = pd.concat([made.roster[["person_id", "council_code", "joined", "index_date"]], pseudonymised(made.roster, key)], axis=1)
    records = pd.concat([made.records[["source", "date"]], pseudonymised(made.records, key)], axis=1)
    return roster, (records.assign(of_person=hashed_numbers(made.records["of_person"], key)) if numbers else records)


def true_person(made: World) -> np.ndarray:
    """Row of the roster that each record is of; -1 where it is of nobody in it."""
    row = pd.Series(np.arange(len(made.roster)), index=made.roster["person_id"])
    return row.reindex(made.people["person_id"].iloc[made.records["truth"]]).fillna(-1).to_numpy(int)


def quality(candidates: Candidates, truth: np.ndarray, thresholds: Sequence[float] = THRESHOLDS) -> list[dict]:
    """Links, precision and recall at each threshold."""
    rows = []
    for threshold in thresholds:
        links = candidates.linked(threshold)
        right = int((truth[links["record"]] == links["person"].to_numpy()).sum())
        rows.append({"threshold": threshold, "links": len(links), "wrong": len(links) - right, "precision": right / max(len(links), 1),
                     "recall": right / int((truth >= 0).sum())})
    return rows


def biases(candidates: Candidates, roster: pd.DataFrame, records: pd.DataFrame, truth: np.ndarray) -> list[dict]:
    """The effect at each threshold less that from the true links, with the error that chance leaves in this difference."""
    joined = roster["joined"].to_numpy(bool)
    true = changes(pd.DataFrame({"record": np.flatnonzero(truth >= 0), "person": truth[truth >= 0]}), roster, records, source="police")
    right, rows = difference(true, joined)[0], []
    for row in effect_by_threshold(candidates, roster, records, source="police").to_dict("records"):
        status = statuses(candidates, roster, records["source"].to_numpy(), threshold=row["threshold"])
        linked = (status.loc[status["source"] == "police", "status"] == "linked").to_numpy()
        found = changes(candidates.linked(row["threshold"]), roster, records, source="police")
        error = np.sqrt(sum(np.sum((shares(found, side & linked) - shares(true, side)) ** 2) for side in (joined, ~joined)))
        rows.append(row | {"true_links": right, "bias": row["effect"] - right, "bias_error": float(error),
                           "bias_as_zero": row["effect_as_zero"] - right})
    return rows


def shares(change: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """What each person adds to a mean, less the mean's share; shape (n_people,)."""
    return np.where(inside, change - change[inside].mean(), 0.0) / inside.sum()


@functools.lru_cache(maxsize=1)
def made_of(name: str, people: int, records: int, seed: int) -> World:
    """A world by its name."""
    return world(people=people, records=records, seed=seed, **WORLDS[name])


def of_world(name: str, people: int, records: int, linker: Linker, *, seed: int = SEED, numbers: bool = False) -> tuple[list[dict], list[dict]]:
    """Rows of quality and of the effect in one world."""
    made = made_of(name, people, records, seed)
    roster, rows = keyed(made, numbers=numbers)
    with no_network():
        candidates = linker.fit(roster, rows)
    truth, kind = true_person(made), {"world": name, "numbers": numbers}
    return [kind | row for row in quality(candidates, truth)], [kind | row for row in biases(candidates, roster, rows, truth)]


def run(people: int, records: int, linker: Linker) -> dict:
    """All worlds: the first with and without the sources' own numbers, the others without."""
    found: dict = {"command": "python -m benchmarks.linkage", "people": people, "records": records, "threshold": THRESHOLD,
                   "versions": {name: version(name) for name in ("splink", "duckdb")}, "quality": [], "effect": []}
    for name in WORLDS:
        for numbers in (True, False) if name == "alike" else (False,):
            began = time.perf_counter()
            rows, effects = of_world(name, people, records, linker, numbers=numbers)
            found["quality"] += rows
            found["effect"] += effects
            print(f"{name}, {'with' if numbers else 'without'} numbers: {time.perf_counter() - began:.0f} s", flush=True)
    return found


def verdict(found: Mapping) -> str:
    """Whether precision and recall are reached, in words."""
    lines = []
    for row in found["quality"]:
        if row["world"] == "alike" and row["threshold"] == found["threshold"]:
            met = "met" if row["precision"] >= PRECISION and row["recall"] >= RECALL else "missed"
            lines.append(f"- {'with' if row['numbers'] else 'without'} the sources' own numbers: precision {row['precision']:.5f}, recall "
                         f"{row['recall']:.4f}; targets {PRECISION} and {RECALL} {met}")
    return "\n".join(lines)


def biases_in_words(found: Mapping) -> str:
    """At the command's threshold, the bias of each world beside what chance leaves in it."""
    lines = []
    for row in found["effect"]:
        if row["threshold"] == found["threshold"]:
            sure = "more than chance leaves" if abs(row["bias"]) > 1.96 * row["bias_error"] else "no more than chance leaves"
            lines.append(f"- {row['world']}, {'with' if row['numbers'] else 'without'} numbers: bias {row['bias']:+.3f}, {sure}")
    return "\n".join(lines)


def blocks(found: Mapping) -> dict[str, str]:
    """The parts of docs/linkage.md that results fill."""
    packages = ", ".join(f"{name} {one}" for name, one in found["versions"].items())
    made = f"`{found['command']}`: {found['people']:,} people, {found['records']:,} records; {packages}."
    rows = [(f"{row['world']}, {'with' if row['numbers'] else 'without'} numbers", f"{row['threshold']:g}", f"{row['links']:,}", f"{row['wrong']:,}",
             f"{row['precision']:.5f}", f"{row['recall']:.4f}") for row in found["quality"]]
    effects = [(f"{row['world']}, {'with' if row['numbers'] else 'without'} numbers", f"{row['threshold']:g}", f"{100 * row['linked_joined']:.1f}%",
                f"{100 * row['linked_others']:.1f}%", f"{row['effect']:+.4f}", f"{row['std_error']:.4f}",
                f"{row['bias']:+.4f} ± {1.96 * row['bias_error']:.4f}", f"{row['bias_as_zero']:+.4f}") for row in found["effect"]]
    worlds = {row["world"]: row["true_links"] for row in found["effect"]}
    true = ", ".join(f"{value:+.4f} ({name})" for name, value in worlds.items())
    return {
        "linkage command": made, "linkage verdict": verdict(found),
        "linkage quality": markdown(("world", "threshold", "links", "wrong", "precision", "recall"), rows),
        "linkage true": f"With the true links the effect is {true}; records were drawn with {EFFECT:+.2f}.",
        "linkage biases": biases_in_words(found),
        "linkage effect": markdown(("world", "threshold", "joined, linked", "others, linked", "effect", "standard error", "bias",
                                    "bias, unlinked as zero"), effects)}


def as_json(found: Mapping) -> str:
    """Results with a row on each line."""
    def line(row: Mapping) -> str:
        return "  " + json.dumps({name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()})

    head = {name: value for name, value in found.items() if name not in ("quality", "effect")}
    lists = ",\n".join(f' "{name}": [\n' + ",\n".join(map(line, found[name])) + "\n ]" for name in ("quality", "effect"))
    return json.dumps(head)[:-1] + ",\n" + lists + "}\n"


def main() -> None:
    """Run, print, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--json", type=Path, help="docs/results/linkage.json")
    parser.add_argument("--page", type=Path, help="a page with markers to fill: docs/linkage.md")
    asked = parser.parse_args()
    found = json.loads(as_json(run(asked.people, asked.records, Linker())))
    print("\n".join(blocks(found).values()))
    if asked.json:
        asked.json.write_text(as_json(found), encoding="utf-8")
    if asked.page:
        asked.page.write_text(filled(asked.page.read_text(encoding="utf-8"), blocks(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
