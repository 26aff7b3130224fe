"""Writes `data_dictionary/README.md` anew: python -m evaluation.dictionary."""
from __future__ import annotations

import sys

from evaluation.dictionary.page import render_readme
from evaluation.dictionary.reading import load_dictionary
from evaluation.errors import DictionaryError


def main() -> int:
    """Write data_dictionary/README.md anew."""
    dictionary = load_dictionary()
    page = dictionary.folder / "README.md"
    page.write_text(render_readme(dictionary), encoding="utf-8", newline="\n")
    sys.stdout.write(f"{page.name}: {len(dictionary.tables)} tables, {len(dictionary.outcomes)} outcomes, {len(dictionary.councils)} councils\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DictionaryError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
