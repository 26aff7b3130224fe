"""Clean reports raise no alarm: releases of made-up numbers and all kinds of council names, as page, PDF and results."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "reporting")]

from leaks import KNOWN  # noqa: E402
from sample import SAMPLES, blocks_from  # noqa: E402

from evaluation.disclosure.ledger import number  # noqa: E402
from evaluation.disclosure.release import ReportContent, Shown  # noqa: E402
from evaluation.disclosure.scan import scan  # noqa: E402
from evaluation.reporting import html, pdf  # noqa: E402


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


def files(folder: Path, seed: int, councils: list, *, printed: bool) -> list[Path]:
    """Page, results and (where asked for) PDF of one clean report."""
    rng = np.random.default_rng([7, seed])
    content = varied(SAMPLES[sorted(SAMPLES)[seed % len(SAMPLES)]](), rng, councils)
    blocks, stem = blocks_from(content), f"{content.study.name}_{content.council.code}_{seed}"
    made = [folder / f"{stem}.html", folder / f"{stem}.json"]
    made[0].write_text(html.document(blocks), encoding="utf-8")
    content.write(made[1])
    if printed:
        made.append(folder / f"{stem}.pdf")
        made[2].write_bytes(pdf.document(blocks))
    return made


@pytest.mark.parametrize("seed", range(6))
def test_a_clean_report_raises_no_alarm(seed, tmp_path, dictionary):
    made = files(tmp_path, seed, list(dictionary.councils.values()), printed=seed == 0)
    assert scan(made, KNOWN, threshold=10) == len(made)


@pytest.mark.slow
def test_150_clean_reports_raise_no_alarm(tmp_path, dictionary):
    for seed in range(150):
        made = files(tmp_path, seed, list(dictionary.councils.values()), printed=True)
        assert scan(made, KNOWN, threshold=10) == 3
