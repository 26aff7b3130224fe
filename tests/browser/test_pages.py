"""Every kind of web page in Chromium: axe-core finds nothing, 320 pixels are wide enough, the keyboard shows where it is, and paper can be read."""

from __future__ import annotations

import pytest

from tests.browser.looks import LOOKS

pytestmark = pytest.mark.browser
PAGES = ("council", "family", "held", "national", "quality", "index", "batch")

BROKEN = {
    "axe": ("<html lang='en-GB'", "<html"),
    "reflow": ("<main id='main'>", "<main id='main'><p style='width:400px'>Wide</p>"),
    "focus": ("a:focus{outline:3px solid #000}", "a:focus{outline:none}"),
    "print": ("color:#000", "color:#ccc"),
}
WELL = """<!DOCTYPE html><html lang='en-GB'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width, initial-scale=1'>
<title>A page</title><style>a:focus{outline:3px solid #000}body{color:#000}</style></head><body><main id='main'><h1>A page</h1>
<p>Words and <a href='#main'>a link</a>.</p><h2>More</h2><ul><li>One</li></ul><table><caption>T</caption><thead><tr><th scope='col'>A</th>
<th scope='col'>B</th></tr></thead><tbody><tr><th scope='row'>a</th><td>1</td></tr></tbody></table>
<svg role='img' aria-label='Nothing to see' width='9' height='9'></svg></main></body></html>"""


@pytest.mark.parametrize("look", sorted(LOOKS))
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wrong_with_a_page(window, written, name, look):
    window.open(written[name])
    assert LOOKS[look](window) == []


@pytest.mark.parametrize("look", sorted(BROKEN))
def test_a_fault_put_into_a_page_is_found(window, tmp_path, look):
    right, wrong = BROKEN[look]
    assert right in WELL
    for file, text in (("well.html", WELL), ("broken.html", WELL.replace(right, wrong))):
        (tmp_path / file).write_text(text, encoding="utf-8")
    window.open(tmp_path / "well.html")
    assert LOOKS[look](window) == []
    window.open(tmp_path / "broken.html")
    assert LOOKS[look](window)
