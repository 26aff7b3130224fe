"""How empty the pages of a finished PDF are, measured on its text: `python -m tests.reporting.emptiness FILE.pdf ...`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from pypdf import PdfReader

POINTS, MILLIMETRE = 841.89, 72 / 25.4
TOP, BOTTOM = 24 * MILLIMETRE, 280 * MILLIMETRE  # of the text area


def lowest_text(page) -> float:
    """How far down the page, in points, its last line of text stands; footers left out."""
    found = [TOP]

    def visit(text, cm, tm, font, size):
        down = POINTS - (cm[1] * tm[4] + cm[3] * tm[5] + cm[5])
        if text.strip() and TOP < down < BOTTOM:
            found.append(down)

    page.extract_text(visitor_text=visit)
    return max(found)


def empty_shares(made: bytes) -> list[float]:
    """The share of each page's text area (24 mm to 280 mm) that is empty at its bottom."""
    return [1 - (lowest_text(page) - TOP) / (BOTTOM - TOP) for page in PdfReader(io.BytesIO(made)).pages]


def main(paths: list[str]) -> None:
    for path in paths:
        shares = empty_shares(Path(path).read_bytes())
        worst = sorted(((share, n) for n, share in enumerate(shares, start=1)), reverse=True)[:3]
        print(f"{path}: {len(shares)} pages; emptiest " + ", ".join(f"page {n} {100 * share:.0f}%" for share, n in worst))


if __name__ == "__main__":
    main(sys.argv[1:])
