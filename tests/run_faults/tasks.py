"""Reports as small stand-ins, and everything that can go wrong while one is made; each is the work of a process of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from evaluation.errors import ReportError
from evaluation.pipeline.report_task import check_whole
from evaluation.runs import files
from evaluation.runs.files import PARTIAL, hashes_of, move_whole, sha256
from evaluation.runs.records import DoneRecord
from evaluation.runs.states import state_of_outcomes


def stand_in(content_path: str, room: str, *, seconds: float = 0.0) -> dict[str, str]:
    """A page with the limits of a content, left as a report is: aside, whole, then the record."""
    content, folder = Path(content_path).read_bytes(), Path(room) / "rendering"
    told = json.loads(content)
    code = told["council"]["code"]
    note(room, code)
    time.sleep(seconds)
    aside = folder / f"{PARTIAL}{code}-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    aside.write_text(f"<p>{told['limits'][0]}</p></html>", encoding="utf-8")
    page = move_whole(aside, folder / code / f"small_{code}_simulated.html")
    state = state_of_outcomes(one["status"] for one in told["outcomes"])
    DoneRecord(name=code, state=state, made_from=sha256(content), files=hashes_of([page], Path(room))).write(Path(room))
    return {"state": state}


def note(room: str, code: str) -> int:
    """Keep that a report was begun; gives how often it was before."""
    begun = Path(room) / "begun"
    begun.mkdir(exist_ok=True)
    before = len(list(begun.glob(f"{code}-*")))
    (begun / f"{code}-{os.getpid()}").touch()
    return before


def faulty(kind: str, victim: str, content_path: str, room: str) -> dict[str, str]:
    """A stand-in, but for one council, whose report goes wrong."""
    if Path(content_path).stem != victim:
        return stand_in(content_path, room)
    return FAULTS[kind](content_path, room)


def killed_once(content_path: str, room: str) -> dict[str, str]:
    if note(room, f"try-{Path(content_path).stem}") == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return stand_in(content_path, room)


def killed_always(content_path: str, room: str) -> dict[str, str]:
    note(room, f"try-{Path(content_path).stem}")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def disk_full(at: int):
    """No space at the so-maniest time that something is forced to disk."""

    def work(content_path: str, room: str) -> dict[str, str]:
        sync, calls = os.fsync, []

        def full(handle: int) -> None:
            calls.append(handle)
            if len(calls) == at:
                raise OSError(28, "No space left on device")
            sync(handle)

        files.os.fsync = full
        return stand_in(content_path, room)

    return work


def takes_all_memory(content_path: str, room: str) -> dict[str, str]:
    return {"size": str(len(bytearray(8_000_000_000)))}


def hangs(content_path: str, room: str) -> dict[str, str]:
    time.sleep(600)
    return {}


def cut_short(content_path: str, room: str) -> dict[str, str]:
    """A renderer that leaves half a PDF and says nothing."""
    from evaluation.disclosure.release import ReportContent

    told, aside = ReportContent.read(Path(content_path)), Path(room) / "rendering" / f"{PARTIAL}cut"
    aside.mkdir(parents=True)
    page, pdf = aside / "one.html", aside / "one.pdf"
    page.write_text(f"<p>{told.study.analysis_hash}</p></html>", encoding="utf-8")
    pdf.write_bytes(b"%PDF-1.7\n1 0 obj")
    check_whole(page, pdf, told)
    return stand_in(content_path, room)


def template_fault(content_path: str, room: str) -> dict[str, str]:
    """A notebook with a cell that raises, in a real kernel."""
    from evaluation.runs.notebooks import execute_notebook

    cells = [
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": 'content_path: str = ""',
            "outputs": [],
            "execution_count": None,
            "id": "a",
        },
        {"cell_type": "code", "metadata": {}, "source": "raise KeyError('F0012345')", "outputs": [], "execution_count": None, "id": "b"},
    ]
    (Path(room) / "rendering").mkdir(exist_ok=True)
    source = Path(room) / "rendering" / f"{PARTIAL}notebook.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}}
    source.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    execute_notebook(source, Path(room) / "rendering" / f"{PARTIAL}out.ipynb", {"content_path": content_path})
    return {}


def dies_after_its_record(content_path: str, room: str) -> dict[str, str]:
    stand_in(content_path, room)
    os._exit(0)


def dies_without_a_word(content_path: str, room: str) -> dict[str, str]:
    os._exit(0)


def missing_figure(content_path: str, room: str) -> dict[str, str]:
    raise ReportError("A block's figure must be there, and is not. Make the report again.")


FAULTS = {
    "killed once": killed_once,
    "killed always": killed_always,
    "memory": takes_all_memory,
    "hang": hangs,
    "cut short": cut_short,
    "template": template_fault,
    "figure": missing_figure,
    "dies after its record": dies_after_its_record,
    "dies without a word": dies_without_a_word,
    **{f"disk full {at}": disk_full(at) for at in range(1, 9)},
}


def stand_in_slowly(content_path: str, room: str, seconds: float) -> dict[str, str]:
    """A stand-in that takes its time."""
    return stand_in(content_path, room, seconds=seconds)
