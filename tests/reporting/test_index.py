from __future__ import annotations

from evaluation.reporting.index import IndexEntry, write_index

ENTRIES = [
    IndexEntry(
        code="E1",
        name="Northmere & Co",
        state="made",
        strength="weak (1 of 5)",
        headline="No effect.",
        html="a b.html",
        pdf="a.pdf",
        ods="a.ods",
        xlsx="a.xlsx",
    ),
    IndexEntry(code="E2", name="Little Mere", state="failed", headline="cell 4 raised EstimationError"),
]


def test_the_list_names_every_council_with_its_state_and_links_to_its_files(tmp_path):
    page = write_index(ENTRIES, tmp_path, title="Study", date="24 November 2026", simulated=False).read_text()
    assert '<a href="a%20b.html">Northmere &amp; Co</a> (E1)' in page and ">PDF for Northmere &amp; Co</a>" in page
    assert '<a href="a.ods">ODS spreadsheet for Northmere &amp; Co</a>, <a href="a.xlsx">XLSX' in page
    assert "Little Mere (E2)" in page and "No report" in page and "cell 4 raised EstimationError" in page
    assert "2 listed: report made: 1; no report: 1" in page and "SIMULATED" not in page


def test_the_list_of_a_simulated_study_says_so_and_leaves_nothing_half_written(tmp_path):
    page = write_index(ENTRIES, tmp_path, title="Study", date="24 November 2026", simulated=True).read_text()
    assert page.count("SIMULATED DATA") >= 2
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_the_summary_of_all_councils_stands_before_the_list_and_is_not_counted_in_it(tmp_path):
    told = {"state": "made", "strength": "2 of 5: weak", "headline": "No effect.", "html": "all.html", "pdf": "all.pdf"}
    summary = IndexEntry(code="all", name="All places together", **told)
    page = write_index([summary, *ENTRIES], tmp_path, title="Study", date="24 November 2026", simulated=False).read_text()
    assert '<h2><a href="all.html">Summary of all councils together</a></h2>' in page and page.index("all.html") < page.index("<table>")
    assert "2 listed: report made: 1; no report: 1" in page and "All places together (all)" not in page
    alone = write_index([summary], tmp_path, title="Study", date="24 November 2026", simulated=False).read_text()
    assert "All places together</a> (all)" in alone and "1 listed" in alone
