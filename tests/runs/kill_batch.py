"""A batch of small tasks that write files whole, for killing: python -m tests.runs.kill_batch FOLDER TASKS WORKERS."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from evaluation.runs import runner
from evaluation.runs.files import PARTIAL, hashes_of, move_whole, sweep, write_whole
from evaluation.runs.folder_lock import only_runner
from evaluation.runs.records import DoneRecord, standing

SIZE = 400_000


def content_of(name: str, part: int) -> bytes:
    """What a file must hold, to the last byte."""
    return random.Random(f"{name}-{part}").randbytes(SIZE)


def task(folder: str, name: str) -> dict[str, str]:
    """Write two files aside, move them whole, then the record."""
    run = Path(folder)
    (run / "begun").mkdir(exist_ok=True)
    (run / "begun" / f"{name}-{time.time_ns()}").touch()
    files = []
    for part in (0, 1):
        aside = run / "rendering" / f"{PARTIAL}{name}-{part}-{time.time_ns()}"
        aside.parent.mkdir(exist_ok=True)
        with aside.open("wb") as file:
            for at in range(0, SIZE, SIZE // 8):
                file.write(content_of(name, part)[at : at + SIZE // 8])
                time.sleep(0.01)
        files.append(move_whole(aside, run / "rendering" / name / f"{part}.bin"))
    DoneRecord(name=name, state="done", made_from="content", files=hashes_of(files, run)).write(run)
    return {"state": "done"}


def main(folder: str, n: int, workers: int) -> None:
    """Make what is missing."""
    run = Path(folder)
    with only_runner(run):
        sweep(run)
        found = {f"T{number}": standing(run, f"T{number}", "content") for number in range(n)}
        tasks = [(name, (folder, name)) for name, record in found.items() if record is None or not record.finished]
        write_whole(run / "to_do", str(len(tasks)).encode())
        given_up = [end.name for end in runner.run_tasks(task, tasks, workers=workers, folder=run) if end.state != "done"]
        sweep(run)
    sys.exit(bool(given_up))  # as a batch does: the next one makes them


if __name__ == "__main__":
    runner.PRELOADED = ()
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
