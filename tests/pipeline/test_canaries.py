"""Nothing that a command prints or writes outside of the room's rows holds a value of a person: canaries in sound records, through every command."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from evaluation.disclosure.carriers import READERS, text_of
from tests.pipeline.conftest import small_plan

CANARY, BORN = "Zyzzyva", "1931-07"  # begins every identifier; month of birth of every third adult: valid both
ROWS = frozenset({"tables", "sealed", "quarantine", "blanks", "faults.xlsx", "payment", "delivery", "steps"})  # what stays in the room and holds rows
NO_VALUES = frozenset({".lock"})
COMMANDS = ("check", "match", "batch", "status", "reestimate", "curve", "report", "run")


def marked(delivery: Path, folder: Path) -> Path:
    """The delivery with canaries in it, as sound as before."""
    folder.mkdir()
    for path in sorted(delivery.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for at, row in enumerate(rows):
            row.update({name: CANARY + row[name] for name in ("person_id", "family_id") if row.get(name)})
            if row.get("role") == "adult" and at % 3 == 0:
                row["birth_month"] = BORN
        with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def extracts_plan(folder: Path, delivery: Path) -> Path:
    """The small study on this delivery, with few placebo draws."""

    def change(plan: dict) -> None:
        plan["data"] = {"kind": "extracts", "folder": str(delivery)}
        plan["periods"] = {"kind": "quarter", "first": "2011-Q1", "last": "2013-Q4"}
        plan["report"]["simulated"] = True
        plan["payment_by_results"] = None

    return small_plan(folder, change)


def content_of(path: Path) -> str:
    """All text of a file, unpacked, with its path."""
    if path.suffix == ".parquet":
        return str(duckdb.execute(f"SELECT * FROM '{path}'").fetchall())
    if path.suffix in READERS and path.suffix not in (".jsonl", ".yml", ".log"):
        return text_of(path)
    return path.read_bytes().decode("utf-8")  # a file of another kind that is no text fails here: then nobody knows what it holds


def tell_tales(folder: Path) -> list[str]:
    """Files outside of the room's rows that hold a canary, or bear one in their name."""
    files = [path for path in folder.rglob("*") if path.is_file() and not ROWS & set(path.relative_to(folder).parts)]
    texts = {path.relative_to(folder).as_posix(): f"{path.relative_to(folder)}\n{content_of(path)}" for path in files}
    return [name for name, text in texts.items() if CANARY.lower() in text.lower() or BORN in text]


def test_no_command_prints_or_writes_a_value_of_a_person(command, delivery, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data, grid, out = marked(delivery, tmp_path / "csv"), tmp_path / "grid.yml", tmp_path / "out"
    plan = extracts_plan(tmp_path, data)
    grid.write_text("matching.caliper: [0.1, 0.2]\n", encoding="utf-8")
    told = {
        "check": command("check", data, "--report", "--room", out / "room"),
        "match": command("match", plan),
        "batch": command("batch", plan, "--out", out, "--workers", 1),
    }
    (run,) = (path for path in (out / "small").iterdir() if path.name.startswith("batch-"))
    told["status"] = command("status", run)
    told["reestimate"] = command("reestimate", run, "--set", "matching.ratio=1")
    told["curve"] = command("curve", run, grid)
    told["report"] = command("report", run)
    people = data / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace(",adult,", f",{CANARY},", 3), encoding="utf-8")
    told["run"] = command("run", plan, "--out", out, "--workers", 1)
    assert set(told) == set(COMMANDS)
    for name, (code, text) in told.items():
        assert "Traceback" not in text, name
        assert CANARY.lower() not in text.lower() and BORN not in text, name
        assert code == 0 or name in ("batch", "status", "report", "run"), f"{name} ended with {code}: {text[-600:]}"
    assert (run / "release" / "audit.json").is_file() and (out / "room" / "quality.html").is_file()
    assert tell_tales(out) == []
    assert [path for path in tmp_path.iterdir() if path.name not in ("csv", "out", "grid.yml", "plan.yml")] == [], "nothing is written elsewhere"
