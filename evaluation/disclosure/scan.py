"""The scan of finished files: code that does not know the ledger looks for identifiers of the run's records, and for shapes of any identifier.

Fails closed: a file that cannot be read is held. Only the kind of what was found and the file are named, never the thing itself.
"""

from __future__ import annotations

import binascii
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from evaluation.disclosure.carriers import plain, text_of
from evaluation.disclosure.rows import rows_of_data
from evaluation.disclosure.shapes import found_shapes, shapes_of
from evaluation.errors import DisclosureError

Read = TypeVar("Read")
ALLOWED = frozenset({".html", ".pdf", ".json", ".ods", ".xlsx", ".csv"})  # what may leave
SHORTEST = 4  # characters: a shorter identifier cannot be told from a number
WORD = re.compile(rf"[a-z0-9]{{{SHORTEST},}}")
KIND = "(?:(?:programme|comparison|matched|unmatched|treated|similar|other|more|young|older|single) )"
SMALL = re.compile(  # what may not stand before the number is looked at after it, which takes less time
    rf"([1-9]) (?<![\w.,+\-\u2212\u2013/]..)(?<!of ..)(?<!to ..)"
    rf"(?:of (?:the |these |them )?)?{KIND}{{0,2}}(?:families|people|children|adults|pupils)\b"
)


def words_and_others(identifiers: Iterable[str]) -> tuple[set[str], list[str]]:
    """Identifiers that are one word, and those with other signs in them."""
    words, others = set(), []
    for one in identifiers:
        words.add(one) if WORD.fullmatch(one) else others.append(one)
    return words, others


def found_in(text: str, words: set[str], others: Sequence[str]) -> set[str]:
    """Those identifiers (lower case) that stand in a text, with no further letter or digit beside them."""
    text = text.lower()
    found = words.intersection(WORD.findall(text)) if words else set()
    if not others:
        return found
    pieces = {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}
    likely = (one for one in others if one[:SHORTEST] in pieces and one[-SHORTEST:] in pieces and one in text)
    return found | {one for one in likely if re.search(rf"(?<![a-z0-9]){re.escape(one)}(?![a-z0-9])", text)}


def scan(
    files: Iterable[Path],
    identifiers: Iterable[str],
    *,
    permitted: Iterable[str] = (),
    allowed: frozenset[str] = ALLOWED,
    threshold: int = 0,
    points: int = 0,
    strange: Callable[[Path], Sequence[str]] = lambda path: (),
) -> int:
    """Look for identifiers in finished files and in their names, in capitals or not, and for what looks like one or like rows of data.

    Identifiers of fewer than four characters are not looked for: any number would be one.

    Parameters
    ----------
    permitted : iterable of str
        Texts that look like an identifier and are none: dates that stand in the plan.
    allowed : set of str
        Endings of files that may leave.
    threshold : int
        Counts of people below it may not stand in words ('3 families'); 0 where no rule is in force.
    points : int
        Points that one chart may hold where a release has more councils than a report has usual points.
    strange : callable
        Of a file: its numbers that the content it was made from does not hold.

    Returns
    -------
    int
        Number of files scanned, all clean.

    Raises
    ------
    DisclosureError
        A file holds an identifier, is of a forbidden type, or cannot be read.
    """
    secret = {plain(str(identifier)).lower() for identifier in identifiers if len(str(identifier)) >= SHORTEST}
    kinds, known, sought = shapes_of(secret), tuple(permitted), words_and_others(secret)
    scanned = 0
    for path in files:
        if path.suffix.lower() not in allowed:
            raise DisclosureError(f"{path.name}: files of type {path.suffix or '(none)'} may not leave. Take it out of the release folder.")
        name = f"{path.stem}\n{path.stem.replace('_', ' ')}"
        text = f"{readable(path)}\n{name}"
        if found := found_in(text, *sought):
            where = f"The name of a {path.suffix} file" if found_in(path.stem, *sought) else path.name
            raise DisclosureError(
                f"{where} holds {len(found)} identifier(s) of the run's records. The release is held; find the block that prints them."
            )
        if shapes := [*found_shapes(text, known, kinds), *small_counts(text, known, threshold)]:
            where = f"A {path.suffix} file" if [*found_shapes(name, known, kinds)] else path.name
            raise DisclosureError(f"{where} holds {', '.join(shapes)}. The release is held; find the block that prints it.")
        if rows := readable_rows(path, points):
            raise DisclosureError(f"{path.name} holds {', '.join(rows)}: rows of data. The release is held; find the block that draws them.")
        if numbers := strange(path):
            raise DisclosureError(
                f"{path.name} holds {len(numbers)} number(s) that the content it was made from does not. The release is held; find the block that"
                " prints them past the ledger."
            )
        scanned += 1
    return scanned


def small_counts(text: str, permitted: Iterable[str], threshold: int) -> list[str]:
    """Whether a count of people under the threshold stands in words, where no permitted sentence says it."""
    if not threshold:
        return []
    allowed = " ".join(permitted)
    small = [found for found in SMALL.finditer(text) if int(found[1]) < threshold and found[0] not in allowed]
    return [f"a count of people under {threshold}"] if small else []


def readable(path: Path) -> str:
    """Text of a file.

    Raises
    ------
    DisclosureError
        The file cannot be read, so that nobody knows what it holds.
    """
    return _read(path, lambda: text_of(path))


def readable_rows(path: Path, points: int) -> list[str]:
    """What a file holds that looks like rows of data, in words.

    Raises
    ------
    DisclosureError
        The file cannot be read, so that nobody knows what it holds.
    """
    return _read(path, lambda: rows_of_data(path, points=points))


def _read(path: Path, work: Callable[[], Read]) -> Read:
    import pikepdf
    from pypdf.errors import PyPdfError

    try:
        return work()
    except (PyPdfError, pikepdf.PdfError, ValueError, binascii.Error, zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError) as fault:
        raise DisclosureError(
            f"{path.name} cannot be read by the scan ({type(fault).__name__}), so it may not leave. Make it again, or take it out of the release"
            " folder."
        ) from None
