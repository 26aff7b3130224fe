"""One report as the task of a process of its own: from a content file to finished files and the done-record that names them."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from evaluation.disclosure.release import ReportContent
from evaluation.errors import EvaluationError, ReportError
from evaluation.runs.files import PARTIAL, hashes_of, move_whole, sha256
from evaluation.runs.records import DoneRecord, read_record, standing
from evaluation.runs.runner import Ended
from evaluation.runs.states import FINISHED, state_of_fault, state_of_outcomes


def report_files(content_path: str, room: str) -> dict[str, object]:
    """Make one report; the task of a process of its own. Its files appear whole under `rendering`, and after them the done-record that names them."""
    from evaluation.runs.notebooks import render_report

    began, room_path, content = time.monotonic(), Path(room), Path(content_path).read_bytes()
    told = ReportContent.model_validate_json(content)
    code = told.council.code
    folder = room_path / "rendering"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as aside:
        made = render_report(Path(content_path), Path(aside), failed=room_path / "failed")
        check_whole(made.html, made.pdf, told)
        files = [move_whole(path, folder / code / path.name) for path in (made.html, made.pdf, *made.spreadsheets)]
    record = DoneRecord(
        name=code,
        state=state_of_outcomes(outcome.status for outcome in told.outcomes),
        made_from=sha256(content),
        files=hashes_of(files, room_path),
        seconds=round(time.monotonic() - began, 1),
    )
    record.write(room_path)
    return {"state": record.state}


def check_whole(page: Path, pdf: Path, content: ReportContent) -> None:
    """Whether finished files are what their names say: a whole PDF, and a page of this council and this analysis.

    Raises
    ------
    ReportError
        One is cut short or of something else.
    """
    made, text = pdf.read_bytes(), page.read_text(encoding="utf-8")
    if not made.startswith(b"%PDF") or not made.rstrip().endswith(b"%%EOF"):
        raise ReportError(f"{pdf.name} must be a whole PDF and is cut short ({len(made):,} bytes). Make the report again.")
    if content.study.analysis_hash[:12] not in text or "</html>" not in text[-200:]:
        raise ReportError(f"{page.name} must be a whole page that names its analysis hash, and is not. Make the report again.")


def record_of(room: Path, end: Ended, made_from: str) -> DoneRecord:
    """The done-record of a task that ended: its own where it left one (even if it was killed right after), else one that says why there is none."""
    record = standing(room, end.name, made_from)
    if record is not None and record.finished:
        if end.tries > 1:
            record = replace(record, tries=end.tries)
            record.write(room)
        return record
    state = "failed-system" if end.state in FINISHED else end.state
    record = DoneRecord(name=end.name, state=state, made_from=made_from, fault=end.fault or "it left no report", seconds=end.seconds, tries=end.tries)
    record.write(room)
    return record


def without_content(room: Path, code: str, fault: Exception) -> DoneRecord:
    """The done-record of a report whose content could not be made; of a fault that is not ours only the kind, because its words may hold rows."""
    words = str(fault) if isinstance(fault, EvaluationError) else f"a fault of this program ({type(fault).__name__})"
    record = DoneRecord(name=code, state=state_of_fault(fault), fault=words)
    record.write(room)
    return record


def contentless(room: Path) -> dict[str, DoneRecord]:
    """Records of reports that have no content."""
    codes = [path.stem for path in sorted((Path(room) / "done").glob("*.json")) if not (Path(room) / "contents" / path.name).is_file()]
    found = {code: read_record(room, code) for code in codes}
    return {code: record for code, record in found.items() if record is not None and not record.finished}
