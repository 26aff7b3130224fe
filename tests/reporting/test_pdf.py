from __future__ import annotations

import collections
import io

import page as page_validation
import pikepdf
import pytest
from pypdf import PdfReader

from evaluation.errors import ReportError
from evaluation.reporting import pdf, typst_source
from evaluation.reporting.blocks import Cover, Figure, Heading, Paragraph, Table, numbering

COVER = Cover(title="T", council="C", question="Q?", date="2026-11-24", reference="R", stem="s", simulated=False)


def elements(made: bytes):
    """Every element of the structure tree, in reading order."""

    def walk(element):
        kids = element.get("/K")
        for kid in [] if kids is None else list(kids) if isinstance(kids, pikepdf.Array) else [kids]:
            if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
                yield kid
                yield from walk(kid)

    with pikepdf.open(io.BytesIO(made)) as document:
        yield from walk(document.Root.StructTreeRoot)


def scopes(cell) -> set[str]:
    told = cell.get("/A")
    told = list(told) if isinstance(told, pikepdf.Array) else [told] if told is not None else []
    return {str(one.Scope) for one in told if isinstance(one, pikepdf.Dictionary) and "/Scope" in one}


def text_of_pages(made: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(made)).pages]


@pytest.mark.parametrize("profile", ["PDF_UA_1", "PDF_A_2A"])
def test_the_pdf_passes_an_independent_check(printed, profile):
    report = page_validation.validate_pdf_bytes(printed, profile=getattr(page_validation.ValidationProfile, profile))
    assert report.is_compliant, report.failures


def test_the_same_blocks_make_the_same_bytes(blocks, printed):
    assert pdf.document(blocks) == printed


def test_language_title_and_bookmarks_are_set(printed, content, blocks):
    with pikepdf.open(io.BytesIO(printed)) as document:
        assert str(document.Root.Lang) == "en-GB"
        assert content.council.name in str(document.docinfo.Title) and document.Root.ViewerPreferences.DisplayDocTitle
    reader = PdfReader(io.BytesIO(printed))
    marks = [mark.title for mark in reader.outline if not isinstance(mark, list)]
    assert marks == [block.text for block in blocks if isinstance(block, Heading) and block.level == 2]


def test_every_bookmark_leads_to_the_page_that_has_its_heading(printed):
    reader, pages = PdfReader(io.BytesIO(printed)), [" ".join(text.split()) for text in text_of_pages(printed)]
    marks = [mark for mark in reader.outline if not isinstance(mark, list)]
    assert marks and all(mark.title in pages[reader.get_destination_page_number(mark)] for mark in marks)


def test_every_table_has_a_caption_and_one_row_of_column_headers(printed, blocks):
    heads, captions = [], 0
    for element in elements(printed):  # looked at one by one, while the file is open
        captions += element.S == "/Caption"
        if element.S == "/Table":
            heads.append(sum(isinstance(kid, pikepdf.Dictionary) and kid.get("/S") == "/THead" for kid in element.K))
    assert heads == [1] * sum(isinstance(block, Table) for block in blocks)
    assert captions == sum(isinstance(block, Table | Figure) for block in blocks)


def test_every_figure_has_alternative_text(printed, blocks):
    figures = [str(element.Alt) for element in elements(printed) if element.S == "/Figure"]
    assert figures == [block.alt for block in blocks if isinstance(block, Figure)]


def test_every_row_of_every_table_has_its_header_and_every_column_too(printed, blocks):
    tables = [block for block in blocks if isinstance(block, Table)]
    count = collections.Counter(scope for element in elements(printed) if element.S == "/TH" for scope in scopes(element))
    assert count == {"/Row": sum(len(table.rows) for table in tables), "/Column": sum(len(table.columns) for table in tables)}


def test_headings_go_from_one_level_to_the_next(printed):
    levels = [int(str(element.S)[2:]) for element in elements(printed) if str(element.S)[1:] in {"H1", "H2", "H3"}]
    assert levels and all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_page_one_stands_alone(printed, content):
    first, second = text_of_pages(printed)[:2]
    assert "Released by" in first and "What to do next." in first
    short = not content.summary.findings  # nothing can be shown: the rest of the page is not left empty
    after = first[first.index("Released by") :] if short else second
    assert "Contents" in after and "How to read this report" in after and ("Contents" in first) is short


def test_every_page_of_a_simulated_study_says_so_and_no_page_of_a_real_one(printed, content):
    assert {"SIMULATED DATA" in text for text in text_of_pages(printed)} == {content.study.simulated}


def test_pages_are_numbered_one_after_the_other(printed):
    pages = text_of_pages(printed)
    assert all(f"Page {n} of {len(pages)}" in text for n, text in enumerate(pages, start=1))


def test_no_table_is_wider_than_the_page_and_no_word_wider_than_its_column(blocks):
    for table in (block for block in blocks if isinstance(block, Table)):
        widths = typst_source.column_widths(table)
        assert sum(widths) == pytest.approx(typst_source.TEXT_WIDTH)
        for j, width in enumerate(widths):
            longest = max((word for row in table.rows for word in row[j].split(" ")), key=len)
            assert typst_source.text_width(longest, typst_source.TABLE_SIZE) + 2 * typst_source.CELL_INSET <= width + 1e-6


@pytest.mark.parametrize(
    "text", ['#panic("x")', "$ a $", '"; #eval("1") //', "\\u{41} \\n", "*b* _i_ `c` @tab <lab>", "a\x00b\x1fc", "Si\u00e2n \u0174yn"]
)
def test_text_of_a_release_is_never_read_as_typst(text):
    shown = "".join(letter for letter in text if ord(letter) >= 32)
    made = pdf.document(
        [COVER, Paragraph(text=f"start {text} end", lead=text), Table(id="tab-a", title=text, columns=("Who", text), rows=((text, text),))]
    )
    assert f"start {shown} end".replace(" ", "") in "".join(text_of_pages(made)).replace(" ", "").replace("\n", "")


def test_a_letter_that_no_font_holds_is_refused_rather_than_printed_as_a_box():
    with pytest.raises(ReportError, match="PDF"):
        pdf.document([COVER, Paragraph(text="\u4e2d")])


def test_a_reference_is_a_link_with_the_number():
    table = Table(id="tab-a", title="T", columns=("Who", "N"), rows=(("a", "1"),))
    blocks = (COVER, Paragraph(text="@tab-a shows it."), table)
    assert "#link(<tab-a>)" in typst_source.typst_of(blocks[1], numbering(blocks))
    assert "Table 1 shows it." in " ".join(text_of_pages(pdf.document(blocks)))
