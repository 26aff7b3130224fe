"""batch.html: how every report of a batch ended, for whoever runs it. It stays in the room, beside the release."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import quote

from evaluation.disclosure.release import ReportContent
from evaluation.pipeline.run import RunSummary
from evaluation.reporting.blocks import escaped
from evaluation.reporting.html import page
from evaluation.runs.files import write_whole
from evaluation.runs.records import DoneRecord, read_record
from evaluation.runs.states import STATES, WORDS

COLUMNS = ("Report", "State", "Seconds", "Tries", "Strength of evidence", "What to know")


def write_batch_page(folder: Path, summary: RunSummary) -> Path:
    """Write the page of a batch that ended, failures first."""
    order = {state: number for number, state in enumerate(reversed(STATES))}
    states = sorted(summary.states, key=lambda one: (order[one[1]], one[0]))
    rows = "".join(row(folder, code, read_record(folder, code) or DoneRecord(name=code, state=state)) for code, state in states)
    counts = Counter(state for _, state in states)
    told = "; ".join(f"{WORDS[state]}: {counts[state]}" for state in STATES if counts[state])
    study, simulated = about(folder)
    head = "".join(f'<th scope="col" class="text">{words}</th>' for words in COLUMNS)
    main = (
        f'<main id="main"><h1>{escaped(study)}: how the batch ended</h1>'
        f'<p class="about">{len(states)} report{"" if len(states) == 1 else "s"}. {escaped(told[:1].upper() + told[1:])}.</p>'
        + ("" if summary.complete else "<p>To make what is missing, give the same command with <code>--resume</code>.</p>")
        + '<p>This page stays inside; what may leave is in <a href="release/index.html">release</a>.</p>'
        '<div class="scroll" role="region" aria-labelledby="states" tabindex="0"><table>'
        f'<caption id="states">Reports by state, failures first</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></main>"
    )
    whole = page(f"{study}: batch", study, "", main, description=f"How the batch of {study} ended", simulated=simulated)
    return write_whole(folder / "batch.html", whole.encode("utf-8"))


def about(folder: Path) -> tuple[str, bool]:
    """Title of the study, and whether its data are simulated; from the first content that can be read."""
    for path in sorted((folder / "contents").glob("*.json")):
        try:
            study = ReportContent.read(path).study
        except ValueError:
            continue
        return study.title, study.simulated
    return folder.parent.name, False


def row(folder: Path, code: str, record: DoneRecord) -> str:
    """One report's line."""
    try:
        content = ReportContent.read(folder / "contents" / f"{code}.json")
        name, strength = f"{content.council.name} ({code})", f"{content.strength.score} of 5: {content.strength.label}"
    except (OSError, ValueError):
        name, strength = code, "none"
    pages = [path for path in record.files if path.endswith(".html")]
    where = pages[0].replace("rendering/", "release/councils/", 1) if pages else ""
    link = f'<a href="{quote(where)}">{escaped(name)}</a>' if where else escaped(name)
    cells = (WORDS[record.state], f"{record.seconds:.1f}", str(record.tries), strength if record.finished else "none", record.fault)
    return f'<tr><th scope="row" class="text">{link}</th>' + "".join(f'<td class="text">{escaped(cell)}</td>' for cell in cells) + "</tr>"
