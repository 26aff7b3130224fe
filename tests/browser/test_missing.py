from __future__ import annotations

from tests.browser.chrome import missing, required


def test_a_missing_browser_is_named_with_the_page_that_says_how_to_mend_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert missing().startswith("Chromium and chromedriver") and "docs/reports.md" in missing()


def test_a_browser_is_required_only_where_it_is_said(monkeypatch):
    for value, answer in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv("EVALUATION_REQUIRE_BROWSER", value)
        assert required() is answer
