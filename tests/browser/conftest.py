"""Every kind of web page that we write, made small, and one Chromium for all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.pipeline.batch_page import write_batch_page
from evaluation.pipeline.run import RunSummary
from evaluation.reporting import html
from evaluation.reporting.index import IndexEntry, write_index
from evaluation.reporting.quality import quality_page
from evaluation.runs.records import DoneRecord
from tests.browser.chrome import Chrome, chrome, missing

sys.path.insert(0, str(Path(__file__).parents[1] / "reporting"))

from tests.reporting.sample import SAMPLES, blocks_from  # noqa: E402

LONG = "Middlesbrough, Stockton-on-Tees, Hartlepool and Redcar-and-Cleveland-with-East-Cleveland"


@pytest.fixture(scope="session")
def window() -> Iterator[Chrome]:
    if lacks := missing():
        pytest.fail(f"a browser is asked for: {lacks}", pytrace=False)
    with chrome() as opened:
        yield opened


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> dict[str, Path]:
    """One page of each kind by name: the councils' reports, the run's list, the batch's, and the data officer's."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {name: folder / f"{name}.html" for name in (*SAMPLES, "quality")}
    for name, make in SAMPLES.items():
        pages[name].write_text(html.document(blocks_from(make())), encoding="utf-8")
    pages["quality"].write_text(delivery(folder), encoding="utf-8")
    pages["index"] = write_index(entries(), folder, title=LONG, date="24 November 2026", simulated=True)
    pages["batch"] = batch(folder / "batch")
    return pages


def entries() -> list[IndexEntry]:
    stems = {"html": "a b.html", "pdf": "a.pdf", "ods": "a.ods", "xlsx": "a.xlsx"}
    return [
        IndexEntry(code="all", name="All places together", state="made", strength="weak (2 of 5)", headline="No effect was found.", **stems),
        IndexEntry(code="E06000002", name=LONG, state="made", strength="weak (1 of 5)", headline="No effect could be detected.", **stems),
        IndexEntry(code="E06000003", name="Little Mere", state="failed", headline="cell 4 raised EstimationError_in_a_word_that_cannot_be_broken"),
    ]


def batch(folder: Path) -> Path:
    """The page of a batch with a report that was made, one without numbers and one that failed."""
    (folder / "contents").mkdir(parents=True)
    records = {
        "E06000098": DoneRecord(name="E06000098", state="not-shown-small-n", seconds=11.2, files={"rendering/E06000098/a.html": "0" * 64}),
        "E06000099": DoneRecord(name="E06000099", state="failed-model", fault="no family has a comparison within the caliper_of_this_long_word"),
    }
    for code, make in (("E06000098", SAMPLES["held"]), ("E06000099", SAMPLES["family"])):
        (folder / "contents" / f"{code}.json").write_text(make().model_dump_json(), encoding="utf-8")
        records[code].write(folder)
    return write_batch_page(folder, RunSummary.of(folder, records))


def delivery(folder: Path) -> str:
    """The data officer's page of a delivery with days that do not exist."""
    from evaluation.ingest.reading import inspect_extracts
    from tests.faults.case import corpus_dictionary
    from tests.faults.writing import event_text, raw

    (folder / "delivery").mkdir()
    raw("events.csv", event_text("2012-01-31", "2012-02-31", "soon", "31/12/9999").encode())(folder / "delivery")
    dictionary = corpus_dictionary()
    found = inspect_extracts(folder / "delivery", dictionary, room=folder / "room")
    return quality_page(found.tables, refused=found.faults, dictionary=dictionary, simulated=True)
