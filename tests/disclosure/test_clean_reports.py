"""Clean reports raise no alarm: releases of made-up numbers and all kinds of council names, as page, PDF and results."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "reporting")]

from leaks import KNOWN  # noqa: E402

from evaluation.disclosure.finished import strange_numbers  # noqa: E402
from evaluation.disclosure.ledger import number  # noqa: E402
from evaluation.disclosure.release import ReportContent, Shown  # noqa: E402
from evaluation.disclosure.scan import scan  # noqa: E402
from evaluation.errors import DisclosureError  # noqa: E402
from evaluation.reporting import html, pdf  # noqa: E402
from tests.reporting.sample import SAMPLES, blocks_from  # noqa: E402


def varied(content: ReportContent, rng: np.random.Generator, councils: list) -> ReportContent:
    """The same report about another council, with other numbers."""

    def other(thing: object) -> object:
        if isinstance(thing, dict) and set(thing) == set(Shown.model_fields):
            digits = len(thing["text"].partition(".")[2].rstrip("%"))
            signed = thing["text"][:1] in "+\u2212"
            return thing if thing["value"] is None else number(float(rng.gamma(1, 400)), digits, signed=signed).model_dump()
        if isinstance(thing, dict):
            return {name: other(part) for name, part in thing.items()}
        return [other(part) for part in thing] if isinstance(thing, list | tuple) else thing

    place = councils[int(rng.integers(len(councils)))]
    council = content.council.model_copy(update={"code": place.code, "name": place.name, "region": place.region})
    return ReportContent.model_validate(other(content.model_dump())).model_copy(update={"council": council})


def files(folder: Path, seed: int, councils: list, *, printed: bool) -> tuple[list[Path], ReportContent]:
    """Page, results and (where asked for) PDF of one clean report, with its content."""
    rng = np.random.default_rng([7, seed])
    content = varied(SAMPLES[sorted(SAMPLES)[seed % len(SAMPLES)]](), rng, councils)
    blocks, stem = blocks_from(content), f"{content.study.name}_{content.council.code}_{seed}"
    made = [folder / f"{stem}.html", folder / f"{stem}.json"]
    made[0].write_text(html.document(blocks), encoding="utf-8")
    content.write(made[1])
    if printed:
        made.append(folder / f"{stem}.pdf")
        made[2].write_bytes(pdf.document(blocks))
    return made, content


def looked_at(made: list[Path], content: ReportContent) -> int:
    """The whole scan, numbers of finished files among it."""
    return scan(made, KNOWN, threshold=10, strange=lambda path: strange_numbers(path, content))


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_report_raises_no_alarm(seed, tmp_path, dictionary):
    made, content = files(tmp_path, seed, list(dictionary.councils.values()), printed=seed == 0)
    assert looked_at(made, content) == len(made)


@pytest.mark.slow
def test_150_clean_reports_raise_no_alarm(tmp_path, dictionary):
    for seed in range(150):
        assert looked_at(*files(tmp_path, seed, list(dictionary.councils.values()), printed=True)) == 3


@pytest.mark.parametrize("number", ["1,234.5", "8,713", "97.31%"])
@pytest.mark.parametrize("where", ["a paragraph", "a table", "a drawing", "two labels of no axis"])
def test_a_number_that_a_page_has_past_its_content_holds_the_release(number, where, tmp_path, dictionary):
    (page, *_), content = files(tmp_path, 1, list(dictionary.councils.values()), printed=False)
    body = {
        "a paragraph": f"<p>In all {number} incidents were prevented.</p>",
        "a table": f"<table><tr><th>Incidents</th><td>{number}</td></tr></table>",
        "a drawing": f'<svg><text x="1" y="2">Number: {number}</text></svg>',
        "two labels of no axis": f'<svg><text x="1" y="2">{number}</text><text x="1" y="9">3,391.7</text></svg>',
    }[where]
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{body}</body>"), encoding="utf-8")
    assert strange_numbers(page, content)[:1] == [number]
    with pytest.raises(DisclosureError, match=r"holds [12] number\(s\)") as held:
        looked_at([page], content)
    assert number not in str(held.value)


def test_labels_of_an_axis_are_no_numbers_of_a_report(tmp_path, dictionary):
    (page, *_), content = files(tmp_path, 1, list(dictionary.councils.values()), printed=False)
    axis = "".join(f'<text x="40" y="{100 - 20 * at}">{2_000 * at + 62_000:,}</text>' for at in range(4))
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"<svg>{axis}</svg></body>"), encoding="utf-8")
    assert strange_numbers(page, content) == []
    page.write_text(page.read_text(encoding="utf-8").replace(">66,000<", ">66,127<"), encoding="utf-8")
    assert strange_numbers(page, content) == ["62,000", "64,000", "66,127", "68,000"]


def test_even_numbers_that_no_axis_has_are_numbers_of_a_report(tmp_path, dictionary):
    (page, *_), content = files(tmp_path, 1, list(dictionary.councils.values()), printed=False)
    labels = "".join(f'<text x="40" y="{100 - 20 * at}">{7_713 * at:,}</text>' for at in range(1, 4))
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"<svg>{labels}</svg></body>"), encoding="utf-8")
    assert strange_numbers(page, content) == ["7,713", "15,426", "23,139"]
