"""A runner of stand-in reports, to be killed, stopped or put on a strange machine: python -m tests.run_faults.runner ROOM SECONDS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from evaluation.pipeline.batch import reports_of
from evaluation.runs import runner
from evaluation.runs.files import sweep
from evaluation.runs.folder_lock import only_runner
from tests.run_faults import tasks


def slow(seconds: float, work: object, given: list, **options: object) -> Iterator[runner.Ended]:
    """The same tasks as stand-ins that take their time."""
    return runner.run_tasks(tasks.stand_in_slowly, [(name, (*arguments, seconds)) for name, arguments in given], **options)


def main(room: Path, seconds: float) -> int:
    """Make what is missing; the exit code of a batch."""
    runner.PRELOADED = ()
    with only_runner(room):
        sweep(room)
        return reports_of(room, workers=2, limits=None, say=lambda text: None, executor=partial(slow, seconds))[0].exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2])))
