"""The nearest right name of a misspelt one, as a hint in a message."""
from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: object, known: Iterable[str], *, otherwise: str = "", cutoff: float = 0.6) -> str:
    """The nearest of the known names as a question; `otherwise` where none is near.

    >>> did_you_mean("absense", ["absence", "offences"]), did_you_mean("height", ["absence"], otherwise="known are absence.")
    ("did you mean 'absence'?", 'known are absence.')
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=cutoff)
    return f"did you mean {close[0]!r}?" if close else otherwise


def nearest(word: object, known: Iterable[str]) -> str:
    """' (did you mean ...?)' or nothing."""
    hint = did_you_mean(word, known)
    return f" ({hint})" if hint else ""
