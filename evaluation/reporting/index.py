"""The list of a run's reports: one page from which each can be opened, in the looks of the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from evaluation.disclosure.whose import ALL
from evaluation.reporting.blocks import escaped
from evaluation.reporting.export import write_whole
from evaluation.reporting.html import page

STATES = {"made": "Report made", "not_shown": "Report made without numbers", "failed": "No report"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One council's line in the list.

    Attributes
    ----------
    code, name : str
    state : 'made', 'not_shown' or 'failed'
    strength : str
        Strength of evidence in words, '' where there is none.
    headline : str
        First finding, or why there is no report.
    html, pdf, ods, xlsx : str
        Paths seen from the list's folder; '' where there is no file.
    """

    code: str
    name: str
    state: Literal["made", "not_shown", "failed"]
    strength: str = ""
    headline: str = ""
    html: str = ""
    pdf: str = ""
    ods: str = ""
    xlsx: str = ""


def write_index(entries: Sequence[IndexEntry], folder: Path, *, title: str, date: str, simulated: bool,
                beside: Mapping[str, str] | None = None) -> Path:
    """Write index.html into `folder`.

    Parameters
    ----------
    entries : sequence of IndexEntry
        In the order in which they are listed.
    title, date : str
        The study's title, and its date in words.
    simulated : bool
        The page then says so.
    beside : file name -> words, optional
        Files of the whole study beside the page.
    """
    summaries = [entry for entry in entries if entry.code == ALL and len(entries) > 1]
    listed = [entry for entry in entries if entry not in summaries]
    counts = [
        f"{words[:1].lower() + words[1:]}: {sum(entry.state == state for entry in listed)}"
        for state, words in STATES.items()
        if any(entry.state == state for entry in listed)
    ]
    rows = "".join(
        f'<tr><th scope="row" class="text">{_link(entry)}</th><td class="text">{STATES[entry.state]}</td>'
        f'<td class="text">{escaped(entry.strength or "none")}</td>'
        f'<td class="text">{escaped(entry.headline)}</td><td class="text">{_files(entry)}</td></tr>'
        for entry in listed
    )
    links = "".join(f"<li>{_file(path, words)}</li>" for path, words in (beside or {}).items())
    columns = ("Council", "State", "Strength of evidence", "First finding", "Other files")
    head = "".join(f'<th scope="col" class="text">{words}</th>' for words in columns)
    main = (
        f'<main id="main"><h1>{escaped(title)}: reports</h1><p class="about">{escaped(date)}. {len(listed)} listed: {"; ".join(counts)}.</p>'
        f"{''.join(map(_summary, summaries))}"
        '<div class="scroll" role="region" aria-labelledby="reports" tabindex="0"><table><caption id="reports">Reports by council</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        + (f'<h2 id="study">About the whole study</h2><ul>{links}</ul>' if links else "")
        + "</main>"
    )
    whole = page(
        f"{title}: reports" + (" (SIMULATED DATA)" if simulated else ""),
        title,
        "",
        main,
        description=f"Reports of the study {title}",
        simulated=simulated,
    )
    return write_whole(Path(folder) / "index.html", whole.encode("utf-8"))


def _summary(entry: IndexEntry) -> str:
    """The report on all councils, before the list of single ones."""
    told = f"{escaped(entry.headline)} Strength of evidence: {escaped(entry.strength or 'none')}."
    title = _file(entry.html, "Summary of all councils together") or "Summary of all councils together: no report"
    return f'<section class="key"><h2>{title}</h2><p>{told}</p><p>Also as: {_files(entry)}.</p></section><h2>Councils, one by one</h2>'


def _link(entry: IndexEntry) -> str:
    return f"{_file(entry.html, entry.name) or escaped(entry.name)} ({escaped(entry.code)})"


def _files(entry: IndexEntry) -> str:
    kinds = (("PDF", entry.pdf), ("ODS spreadsheet", entry.ods), ("XLSX spreadsheet", entry.xlsx))
    return ", ".join(_file(path, f"{kind} for {entry.name}") for kind, path in kinds if path) or "none"


def _file(path: str, words: str) -> str:
    return f'<a href="{quote(path)}">{escaped(words)}</a>' if path else ""
