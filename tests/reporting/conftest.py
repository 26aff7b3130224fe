"""Blocks of the sample releases, made once."""

from __future__ import annotations

import pytest

from evaluation.disclosure.release import ReportContent
from evaluation.reporting import html, pdf
from evaluation.reporting.blocks import Block
from tests.reporting.sample import SAMPLES, blocks_from


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
