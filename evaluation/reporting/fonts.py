"""The one typeface of a report: where its files lie, how wide words are set in it, and the small copy that an HTML file carries.

Source Sans Pro (SIL Open Font Licence) comes from a wheel, so every machine sets the same page.
"""

from __future__ import annotations

import base64
import io
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

FAMILY = "Source Sans Pro"
FILES = {400: "SourceSansPro-Regular.ttf", 700: "SourceSansPro-Bold.ttf"}
LETTERS = (*range(0x20, 0x180), 0x2010, 0x2011, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x20AC, 0x2190, 0x2192, 0x2212)


@lru_cache
def font_file(weight: int = 400) -> Path:
    """File of the typeface in weight 400 (regular) or 700 (bold)."""
    with as_file(files("font_source_sans_pro") / "files" / FILES[weight]) as path:
        return Path(path)


@lru_cache
def web_font(weight: int = 400) -> str:
    """The typeface cut down to Latin letters (Welsh included) as a WOFF file in base64: about 20 kB."""
    from fontTools import subset

    options = subset.Options(flavor="woff", recalc_timestamp=False, hinting=False, layout_features=["kern", "liga", "tnum", "lnum"])
    font = subset.load_font(str(font_file(weight)), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=LETTERS)
    cutter.subset(font)
    out = io.BytesIO()
    subset.save_font(font, out, options)
    return base64.b64encode(out.getvalue()).decode("ascii")


def font_faces() -> str:
    """CSS that declares the typeface, files inside."""
    return "".join(
        f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};src:url(data:font/woff;base64,{web_font(weight)}) format("woff")}}'
        for weight in FILES
    )


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = 12, weight: int = 400) -> float:
    """Width of one line of text, in points."""
    advance = _advances(weight)
    return size * sum(advance.get(ord(letter), 0.55) for letter in text)


def wrapped(text: str, width: float, size: float = 12, weight: int = 400) -> list[str]:
    """Text broken between words into lines no wider than `width` points; a longer word stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


@lru_cache
def _advances(weight: int) -> dict[int, float]:
    from fontTools.ttLib import TTFont

    with TTFont(font_file(weight), lazy=True) as font:
        em, metrics = font["head"].unitsPerEm, font["hmtx"]
        return {code: metrics[name][0] / em for code, name in font.getBestCmap().items() if code < 0x2400}
