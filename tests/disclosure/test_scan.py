"""The scan of finished files, which knows the identifiers and not the ledger."""

from __future__ import annotations

import base64
import json
import zipfile

import pikepdf
import pytest
import typst
from pypdf import PdfReader

from evaluation.disclosure.scan import scan
from evaluation.errors import DisclosureError

SECRET = "F0012345"
PLAIN_PAGE = '#set document(title: "Report")\n#set page(width: 12cm)\nNothing to see here.\n'
FONT = base64.b64encode(b"glyphs of a typeface").decode("ascii")


def held(path, *secrets: str) -> str:
    """What the scan says of a file that it must hold."""
    with pytest.raises(DisclosureError) as found:
        scan([path], set(secrets or (SECRET,)))
    assert not any(secret in str(found.value) for secret in secrets or (SECRET,))
    return str(found.value)


def printed(folder, source: str, name: str = "report.pdf"):
    """A PDF made from Typst markup."""
    path = folder / name
    path.write_bytes(typst.compile(source.encode(), format="pdf"))
    return path


def picture_of(text: str) -> str:
    return base64.b64encode(f"<svg><text>{text}</text></svg>".encode()).decode("ascii")


@pytest.mark.parametrize(
    "text",
    [
        "<p>F0012345</p>",
        '<td data-id="F0012345">1</td>',
        '<img alt="Chart of F0012345">',
        "<!-- F0012345 -->",
        "<p>F&#48;012345</p>",
        '<meta name="description" content="F0012345">',
        "<title>Report, F0012345</title>",
        "<svg><desc>F0012345</desc></svg>",
        f'<img src="data:image/svg+xml;base64,{picture_of(SECRET)}">',
    ],
)
def test_an_identifier_in_a_page_holds_the_release_without_being_named(tmp_path, text):
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    assert "report.html" in held(page)


def test_a_typeface_inside_a_page_is_no_text(tmp_path):
    page = tmp_path / "report.html"
    page.write_text(f"<style>@font-face{{src:url(data:font/woff;base64,{FONT})}}</style>", encoding="utf-8")
    assert scan([page], {FONT[:8], SECRET}) == 1


@pytest.mark.parametrize("content", [{"summary": f"for {SECRET}"}, {SECRET: 1}, {"deep": [{"text": [SECRET]}]}])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_identifier_in_results_holds_the_release(tmp_path, content, ascii_only):
    results = tmp_path / "results.json"
    results.write_text(json.dumps(content, ensure_ascii=ascii_only), encoding="utf-8")
    held(results)


def test_an_identifier_written_with_escapes_in_results_holds_the_release(tmp_path):
    results = tmp_path / "results.json"
    results.write_text('{"summary": "F\\u0030012345"}', encoding="utf-8")
    held(results)


@pytest.mark.parametrize(
    "source",
    [
        f"Family {SECRET} joined.",
        f"#table(columns: 2, [a], [{SECRET}])",
        f'#set document(title: "Report of {SECRET}")\nNothing.',
        f'#set document(keywords: ("{SECRET}",))\nNothing.',
        f'#figure(image(bytes("<svg xmlns=\'http://www.w3.org/2000/svg\' width=\'9\' height=\'9\'/>"), format: "svg", alt: "Chart of {SECRET}"))',
        f'#link("https://example.org/{SECRET}")[here]',
        f"= About {SECRET}\n#outline()",
    ],
    ids=["text", "table", "title", "keywords", "alt", "link", "bookmark"],
)
def test_an_identifier_in_a_pdf_holds_the_release(tmp_path, source):
    held(printed(tmp_path, source))


@pytest.mark.parametrize("secret", ["QUEBEC-KILO-LIMA-SIERRA", "Zyzzyvanderbilt"])
def test_an_identifier_that_a_line_end_cuts_in_two_holds_the_release(tmp_path, secret):
    path = printed(tmp_path, f"#set page(width: 3cm, margin: 5mm)\n#set text(hyphenate: true)\nFamily {secret} joined.")
    assert secret not in PdfReader(path).pages[0].extract_text()
    held(path, secret)


def test_an_identifier_in_the_xml_metadata_of_a_pdf_holds_the_release(tmp_path):
    path = printed(tmp_path, PLAIN_PAGE)
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.Root.Metadata = document.make_stream(f"<x><title>{SECRET}</title></x>".encode(), Type=pikepdf.Name.Metadata)
        document.save(path, fix_metadata_version=False)
    held(path)


def test_a_file_attached_to_a_pdf_is_read_too(tmp_path):
    path = printed(tmp_path, PLAIN_PAGE)
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.attachments["rows.csv"] = pikepdf.AttachedFileSpec(document, f"family_id\n{SECRET}\n".encode(), filename="rows.csv")
        document.save(path)
    held(path)


@pytest.mark.parametrize("name, text", [("report.pdf", "no PDF at all"), ("results.json", '{"cut": ')])
def test_a_file_that_cannot_be_read_is_held(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert "cannot be read" in held(path)


@pytest.mark.parametrize("secret", ["AB/0012345", "AB 0012 345", "AB.12345", "4711/Ä"])
def test_an_identifier_with_other_characters_holds_the_release(tmp_path, secret):
    page = tmp_path / "report.html"
    page.write_text(f"<p>see {secret}, and others</p>", encoding="utf-8")
    held(page, secret, "ZZ/9999999")


def test_a_longer_word_that_holds_an_identifier_is_another_word(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<p>F00123456 and XF0012345</p>", encoding="utf-8")
    assert scan([page], {SECRET}) == 1


def test_an_identifier_in_a_file_name_holds_the_release(tmp_path):
    page = tmp_path / f"report_{SECRET}.html"
    page.write_text("<p>fine</p>", encoding="utf-8")
    held(page)


@pytest.mark.parametrize("name", ["rows.parquet", "notebook.ipynb", "rows"])
def test_a_forbidden_type_of_file_holds_the_release(tmp_path, name):
    table = tmp_path / name
    table.write_bytes(b"PAR1")
    assert "may not leave" in held(table)


def test_clean_files_are_counted(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<p>17 of every 100 families</p>", encoding="utf-8")
    assert scan([page, printed(tmp_path, PLAIN_PAGE)], {SECRET}) == 2


def packed(path, members: dict[str, bytes]):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.mark.parametrize("ending", [".ods", ".xlsx"])
@pytest.mark.parametrize(
    "markup",
    [
        f"<c><is><t>{SECRET}</t></is></c>",
        "<c><r><t>F001</t></r><r><t>2345</t></r></c>",
        "<c><t>F&#48;012345</t></c>",
        f'<sheet name="{SECRET}"/>',
        f"<!-- {SECRET} -->",
        f"<dc:title>About {SECRET}</dc:title>",
    ],
)
def test_an_identifier_in_a_workbook_holds_the_release(tmp_path, ending, markup):
    held(packed(tmp_path / f"tables{ending}", {"content.xml": markup.encode()}))


def test_an_identifier_in_the_name_of_a_workbooks_member_holds_the_release(tmp_path):
    held(packed(tmp_path / "tables.xlsx", {f"xl/{SECRET}.xml": b"<a/>"}))


def test_a_workbook_that_is_none_is_held_and_what_is_no_text_in_one_is_read_as_such(tmp_path):
    (tmp_path / "broken.xlsx").write_bytes(b"no archive")
    assert "cannot be read by the scan" in held(tmp_path / "broken.xlsx")
    held(packed(tmp_path / "settings.ods", {"Pictures/a.bin": b"\x00\xff" + SECRET.encode("utf-16-le")}))


def test_a_clean_workbook_passes(tmp_path):
    assert scan([packed(tmp_path / "tables.ods", {"content.xml": b"<p>12 families</p>"})], {SECRET}) == 1


def test_digits_of_neighbouring_cells_are_not_read_as_one_number(tmp_path):
    def sheet(cells: str) -> dict[str, bytes]:
        return {"xl/worksheets/sheet1.xml": f"<sheetData><row>{cells}</row></sheetData>".encode()}

    beside = '<c t="inlineStr"><is><t>-£31,000</t></is></c><c><v>1163000</v></c>'  # 0001163000 has the check digit of an NHS number
    assert scan([packed(tmp_path / "beside.xlsx", sheet(beside))], {SECRET}) == 1
    one = '<c t="inlineStr"><is><r><t>000</t></r><r><t>1163000</t></r></is></c>'  # one cell in two typefaces
    assert "an NHS number" in held(packed(tmp_path / "one.xlsx", sheet(one)))


def test_a_workbook_of_many_cells_takes_no_longer_than_its_text():
    from time import process_time

    from evaluation.disclosure.shapes import found_shapes

    cells = "<table:table-row>" + "<table:table-cell>0.1</table:table-cell>" * 20_000 + "</table:table-row>"
    began = process_time()
    assert list(found_shapes(cells)) == []
    assert process_time() - began < 2  # once the rest of the text was looked through after every cell
    assert "a table of more than 400 rows" in list(found_shapes("<TABLE class='a'>" + "<tr><td>1</td></tr>" * 401 + "</table>"))
