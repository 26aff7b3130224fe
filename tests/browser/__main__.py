"""Look at finished web pages: python -m tests.browser FILE.html ... or a folder, in which every .html is looked at."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.chrome import chrome, missing
from tests.browser.looks import LOOKS


def main(arguments: list[str]) -> int:
    """Print a line for every page; 1 if something is wrong, 2 if a page could not be looked at."""
    pages = [page for name in arguments for page in (sorted(Path(name).rglob("*.html")) if Path(name).is_dir() else [Path(name)])]
    lacks = missing() or ("" if pages and all(page.is_file() for page in pages) else "Name web pages that are there, or a folder that holds some.")
    if lacks:
        print(lacks, file=sys.stderr)
        return 2
    failed = False
    with chrome() as window:
        for page in pages:
            window.open(page)
            wrong = [f"{name}: {what}" for name, look in LOOKS.items() for what in look(window)]
            failed |= bool(wrong)
            print("FAIL" if wrong else "PASS", ", ".join(LOOKS), page, *(f"\n    {what}" for what in wrong), flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
