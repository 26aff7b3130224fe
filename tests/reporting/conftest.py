"""Blocks of the sample releases, made once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sample import SAMPLES, blocks_from  # noqa: E402

from evaluation.disclosure.release import ReportContent  # noqa: E402
from evaluation.reporting import html, pdf  # noqa: E402
from evaluation.reporting.blocks import Block  # noqa: E402


@pytest.fixture(scope="session", params=sorted(SAMPLES))
def content(request) -> ReportContent:
    return SAMPLES[request.param]()


@pytest.fixture(scope="session")
def blocks(content) -> tuple[Block, ...]:
    return blocks_from(content)


@pytest.fixture(scope="session")
def page(blocks) -> str:
    return html.document(blocks)


@pytest.fixture(scope="session")
def printed(blocks) -> bytes:
    return pdf.document(blocks)
