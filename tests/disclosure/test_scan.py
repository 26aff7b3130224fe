"""The scan of finished files, which knows the identifiers and not the ledger."""
from __future__ import annotations

import pytest

from evaluation.disclosure.scan import scan
from evaluation.errors import DisclosureError

SECRET = "F0012345"


@pytest.mark.parametrize("text", ["<p>F0012345</p>", '<td data-id="F0012345">1</td>', "<!-- F0012345 -->", "<p>F&#48;012345</p>"])
def test_an_identifier_in_a_page_holds_the_release_without_being_named(tmp_path, text):
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    with pytest.raises(DisclosureError) as held:
        scan([page], {SECRET})
    assert SECRET not in str(held.value) and "report.html" in str(held.value)


def test_an_identifier_in_a_file_name_holds_the_release(tmp_path):
    page = tmp_path / f"report_{SECRET}.html"
    page.write_text("<p>fine</p>", encoding="utf-8")
    with pytest.raises(DisclosureError):
        scan([page], {f"report_{SECRET}"})


def test_a_forbidden_type_of_file_holds_the_release(tmp_path):
    table = tmp_path / "rows.parquet"
    table.write_bytes(b"PAR1")
    with pytest.raises(DisclosureError, match="may not leave"):
        scan([table], set())


def test_clean_files_are_counted(tmp_path):
    page = tmp_path / "report.html"
    page.write_text("<p>17 of every 100 families</p>", encoding="utf-8")
    assert scan([page], {SECRET}) == 1
