"""The data officer's page: what of a delivery was kept, which rules are broken where, and how whole it is. No value of a row is on it.

The page is for those inside the room: its counts may be small, and it is no part of a release.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from evaluation.dictionary import Dictionary, load_dictionary
from evaluation.ingest.quality import POOLS, Share, empty_by_pool, linkage_by_pool
from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.reporting.blocks import escaped
from evaluation.reporting.export import write_whole
from evaluation.reporting.html import page

TITLE = "Quality of a delivery"
ACTIONS = {
    "reject": ("Refused", "The file is not used until this is mended."),
    "quarantine": ("Rows set aside", "The rows are kept apart with their reasons, and not used."),
    "blank": ("Values read as missing", "The rows are kept; the values are missing for a reason, which is not zero."),
    "drop": ("Rows dropped", "By a rule that the contract declares, and counted."),
    "normalise": ("Understood in another form", "Read as meant, and counted."),
    "warn": ("Warnings", "Kept as delivered. Look whether it is right."),
}
STATUS = {"linked": "linked", "not_linked": "sought and not found", "not_attempted": "not sought", "no_row": "no word"}
Cell = str | int


def write_quality_page(
    path: Path, tables: Mapping[str, CheckedTable], refused: Iterable[Fault], *, simulated: bool = False, dictionary: Dictionary | None = None
) -> Path:
    """Write the page under its final name."""
    return write_whole(path, quality_page(tables, refused=refused, simulated=simulated, dictionary=dictionary).encode("utf-8"))


def quality_page(
    tables: Mapping[str, CheckedTable], *, refused: Iterable[Fault], simulated: bool = False, dictionary: Dictionary | None = None
) -> str:
    """The page as text.

    Parameters
    ----------
    tables : name -> CheckedTable
        Tables that could be checked.
    refused : faults
        Every fault of files that were refused; those of the tables are taken from them.
    """
    dictionary = dictionary or load_dictionary()
    faults = list(dict.fromkeys([*refused, *(fault for table in tables.values() for fault in table.faults)]))
    used = [severity for severity in ACTIONS if any(fault.severity == severity for fault in faults)]
    sections = [("rows", "Rows of each table"), *((severity, ACTIONS[severity][0]) for severity in used)]
    parts = [rows_section(tables), *(fault_section(severity, [fault for fault in faults if fault.severity == severity]) for severity in used)]
    for name, title, content in (
        ("linkage", "Linkage by pool", linkage_section(linkage_by_pool(tables))),
        ("empty", "Empty cells by pool", empty_section(empty_by_pool(tables, dictionary))),
        ("files", "Files", files_section(tables)),
    ):
        if content:
            sections.append((name, title))
            parts.append(content)
    nav = (
        '<nav aria-labelledby="contents"><div><h2 id="contents">Contents</h2><ul>'
        + "".join(f'<li><a href="#{name}">{escaped(title)}</a></li>' for name, title in sections)
        + "</ul></div></nav>"
    )
    main = (
        f'<main id="main"><h1>{TITLE}</h1><p class="lede">{escaped(verdict(tables, faults))}</p>'
        '<p class="about">For use inside the room: counts may be small, and are not for publication. Values are in faults.xlsx of the room alone. '
        f"Row 1 is the heading of a file.</p>{''.join(parts)}</main>"
    )
    return page(
        TITLE + (" (SIMULATED DATA)" if simulated else ""),
        TITLE,
        nav,
        main,
        description="What of a delivery was kept, and what must be mended.",
        simulated=simulated,
    )


def verdict(tables: Mapping[str, CheckedTable], faults: Sequence[Fault]) -> str:
    """The delivery in one or two sentences."""
    refused = sorted({fault.table for fault in faults if fault.severity == "reject"})
    rows, kept = sum(table.rows_in for table in tables.values()), sum(table.rows_kept for table in tables.values())
    aside = sum(table.rows_quarantined for table in tables.values())
    was = "row was" if aside == 1 else "rows were"
    counted = f"{kept:,} of {rows:,} rows were kept in {len(tables)} {'table' if len(tables) == 1 else 'tables'}; {aside:,} {was} set aside."
    if refused:
        return f"The delivery is refused: {', '.join(refused)} must be mended first. Of what could be checked, {counted}"
    return f"The delivery can be used. {counted}"


def rows_section(tables: Mapping[str, CheckedTable]) -> str:
    """Rows in, kept, set aside and dropped."""
    heading = ("Table", "Rows in", "Kept", "Set aside", "Dropped", "Values read as missing")
    rows = [
        (
            name,
            table.rows_in,
            table.rows_kept,
            table.rows_quarantined,
            table.rows_dropped,
            sum(fault.count for fault in table.faults if fault.severity == "blank"),
        )
        for name, table in tables.items()
    ]
    words = "<p>Every row that came in was kept, set aside or dropped by a declared rule.</p>" if rows else "<p>No table could be checked.</p>"
    return f'<h2 id="rows">Rows of each table</h2>{words}' + (shown("rows-table", "Rows by table", heading, rows, texts=1) if rows else "")


def fault_section(severity: str, faults: Sequence[Fault]) -> str:
    """The faults of one action."""
    title, words = ACTIONS[severity]
    heading = ("Table", "Column or rule", "What must hold", "How to mend it", "Rows", "First rows")
    rows = [
        (
            fault.table,
            fault.column or "the whole file" if fault.column or not fault.count else "rows",
            f"{fault.must_hold} [{fault.reason}]",
            fault.mend,
            f"{fault.count:,}" if fault.count else "",
            ", ".join(f"{row:,}" for row in fault.first_rows),
        )
        for fault in sorted(faults, key=lambda f: (f.table, f.column))
    ]
    return f'<h2 id="{severity}">{title}</h2><p>{words}</p>' + shown(
        f"{severity}-table", f"{title}: {len(rows)} {'kind' if len(rows) == 1 else 'kinds'}", heading, rows, texts=4
    )


def linkage_section(shares: Sequence[Share]) -> str:
    """People by linkage status, source and pool."""
    if not shares:
        return ""
    heading = ("Source", "People", *(f"In {words}" for words in POOLS.values()))
    rows = [(share.where, STATUS.get(share.what, share.what), part(share.joined), part(share.not_joined)) for share in shares]
    return (
        '<h2 id="linkage">Linkage by pool</h2><p>An outcome of people who are not linked is missing, never zero. '
        "A gap between the pools may pass for an effect.</p>" + shown("linkage-table", "People by linkage, source and pool", heading, rows, texts=2)
    )


def empty_section(shares: Sequence[Share]) -> str:
    """Empty cells by column and pool."""
    if not shares:
        return ""
    heading = ("Table", "Column", *(f"Empty in {words}" for words in POOLS.values()))
    rows = [(share.where, share.what, part(share.joined), part(share.not_joined)) for share in shares]
    return (
        '<h2 id="empty">Empty cells by pool</h2><p>Columns that may be empty. An empty last day, or day of a criterion, may mean that there is '
        "none.</p>"
        + shown("empty-table", "Empty cells by column and pool", heading, rows, texts=2)
    )


def part(counts: tuple[int, int]) -> str:
    """'12 of 48 (25%)', or none where there is no row."""
    few, all_ = counts
    return f"{few:,} of {all_:,} ({100 * few / all_:.0f}%)" if all_ else "none"


def files_section(tables: Mapping[str, CheckedTable]) -> str:
    """The files, their sizes and digests."""
    rows = [
        (source.label, f"{source.sha256[:16]}\u2026", f"{source.bytes:,}", f"{source.rows:,}")
        for table in tables.values()
        for source in table.sources
    ]
    heading = ("File", "SHA-256 (first 16 digits)", "Bytes", "Rows")
    return '<h2 id="files">Files</h2>' + shown("files-table", "Files of the delivery", heading, rows, texts=2) if rows else ""


def shown(name: str, caption: str, heading: Sequence[str], rows: Sequence[Sequence[Cell]], *, texts: int) -> str:
    """An accessible table; the first column heads its row, the first `texts` columns are words."""
    head = "".join(f'<th scope="col"{text_class(number, texts)}>{escaped(words)}</th>' for number, words in enumerate(heading))
    body = "".join("<tr>" + "".join(cell(number, value, texts) for number, value in enumerate(row)) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0"><table><caption id="{name}">{escaped(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def cell(number: int, value: Cell, texts: int) -> str:
    text = escaped(f"{value:,}" if isinstance(value, int) else value)
    return f'<th scope="row" class="text">{text}</th>' if number == 0 else f"<td{text_class(number, texts)}>{text}</td>"


def text_class(number: int, texts: int) -> str:
    return ' class="text"' if number < texts else ""
