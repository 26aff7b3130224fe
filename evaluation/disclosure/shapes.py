"""What looks like somebody's identifier or a row of data, whoever it belongs to: shapes with their check digits.

Sources: Unique Pupil Number: DfE, "UPN guide" (check letter by weights 2 to 13, modulo 23). National Insurance number: HMRC manual NIM39110.
NHS number: NHS Data Dictionary (weights 10 to 2, modulo 11). Postcode areas: Royal Mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
AREAS = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS"
    " HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM"
    " SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE"
).split()
BORN = r"(?:19\d\d|200\d|201[0-8])"  # years in which those in the records were born
LONGEST = 60  # numbers in one array: more are rows, not cells of a report
MOST_ROWS = 400  # of one table
MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
START, END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
STARTED = r"(?<![A-Za-z0-9].)"  # `START`, said after the first character
UPN_FIRST = "A-HJ-NP-RT-Za-hj-np-rt-z"


def upn(found: re.Match) -> bool:
    """Whether the check letter of a pupil number is right; one that ends in a letter is temporary and has it at the front too."""
    text = found[0].upper()
    digits = [int(one) for one in text[1:12]] + [int(text[12]) if text[12].isdigit() else UPN_LETTERS.find(text[12])]
    return UPN_LETTERS[sum(weight * digit for weight, digit in zip(range(2, 14), digits, strict=True)) % 23] == text[0]


def nhs(found: re.Match) -> bool:
    """Whether the check digit of an NHS number is right. None begins with 000; pounds do, where cells are read as one text."""
    digits = [int(one) for one in found[0] if one.isdigit()]
    check = (11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits[:9], strict=True)) % 11) % 11
    return len(set(digits)) > 1 and any(digits[:3]) and check == digits[9]


def postcode(found: re.Match) -> bool:
    """Whether a postcode's area exists."""
    return found[1] in AREAS


def always(found: re.Match) -> bool:
    """A shape that needs no check."""
    return bool(found)


# The first character of each shape is looked for before what may not stand before it: a search for a kind of character takes a fraction of the time.
SHAPES: dict[str, tuple[re.Pattern, Callable[[re.Match], bool]]] = {
    "a pupil number (UPN)": (re.compile(rf"[{UPN_FIRST}]{STARTED}\d{{11}}[\d{UPN_FIRST}]{END}"), upn),
    "a National Insurance number": (
        re.compile(rf"[A-CEGHJ-PR-TW-Z]{STARTED}[A-CEGHJ-NPR-TW-Z](?<!BG|GB|KN|NK|NT|TN|ZZ) ?\d\d ?\d\d ?\d\d ?[A-D]{END}"),
        always,
    ),
    "an NHS number": (re.compile(r"\d(?<!\d\..)(?<![\w+\-].)\d{2}([ -]?)\d{3}\1\d{4}(?!\w|[.\-]\d)"), nhs),
    "a postcode": (re.compile(rf"([A-Z]{STARTED}[A-Z]?)\d[A-Z\d]? ?\d[ABD-HJLNP-UW-Z]{{2}}{END}"), postcode),
    "a date of birth": (
        re.compile(
            r"[0-9](?<!\d\..)(?<![\d/\-].)"
            rf"(?:(?:(?<=0)[1-9]|(?<=[1-9])|(?<=[12])\d|(?<=3)[01])([/.\-])(?:0?[1-9]|1[0-2])\1{BORN}"
            r"|(?:(?<=1)9\d\d|(?<=2)0(?:0\d|1[0-8]))-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?![\d/\-])"
        ),
        always,
    ),
    "a date of birth in words": (
        re.compile(
            r"[BbDd](?i:(?<=b)(?:orn|irth)|(?<=d)\.?o\.?b\.?)"
            rf"\W{{0,4}}(?i:on|in|:|=)?\W{{0,3}}\d{{1,2}}(?i:st|nd|rd|th)? (?i:{MONTHS})[A-Za-z]* {BORN}"
        ),
        always,
    ),
    "an e-mail address": (re.compile(r"(?<![\w.])[\w.+\-]+@[\w\-]+(?:\.[a-z]{2,})+", re.I), always),
    "a telephone number": (
        re.compile(r"[+0](?<!\d\..)(?<![\w+\-].)(?:(?<=\+)44 ?7|(?<=0)7)\d{3} ?\d{3} ?\d{3}(?!\w|\.\d)"),
        always,
    ),
}
ARRAY = re.compile(rf"\[\s*-?[\d.eE+\-]+(?:\s*,\s*-?(?:[\d.eE+\-]+|null|NaN)){{{LONGEST},}}\s*\]")
TABLE = re.compile(r"<table(?=[\s>]).*?</table>", re.S | re.I)  # no `<table:table-cell>`, after each of which all the rest would be searched
SHEET_ROW = re.compile(r"<row\b|<table:table-row\b")
SHEET = re.compile(r"<table:table\b(?!-)|<sheetData\b")


def found_shapes(text: str, permitted: Iterable[str] = (), families: Iterable[re.Pattern] = ()) -> Iterator[str]:
    """What a text holds that looks like an identifier or like rows, in words; never the thing itself.

    Parameters
    ----------
    permitted : iterable of str
        Texts of that shape which are known to be none, such as dates of the plan.
    families : iterable of patterns
        Shapes of the run's own identifiers (`shapes_of`).
    """
    allowed = set(permitted)
    for name, (shape, check) in SHAPES.items():
        if any(found[0] not in allowed and check(found) for found in shape.finditer(text)):
            yield name
    if any(found[0] not in allowed for shape in families for found in shape.finditer(text)):
        yield "an identifier of the records' own kind"
    if ARRAY.search(text):
        yield f"an array of more than {LONGEST} numbers"
    sheets = [len(SHEET_ROW.findall(sheet)) for sheet in SHEET.split(text)]
    if max([*sheets, *(len(re.findall(r"<tr\b", table, re.I)) for table in TABLE.findall(text))]) > MOST_ROWS:
        yield f"a table of more than {MOST_ROWS} rows"


def shapes_of(identifiers: Iterable[str]) -> list[re.Pattern]:
    """Shapes of identifiers that begin with letters and go on with digits of one length: F0012345 gives every F and seven digits."""
    kinds = {(found[1].upper(), len(found[2])) for one in identifiers if (found := re.fullmatch(r"([A-Za-z]{1,4})[-_]?(\d{5,})", str(one)))}
    return [re.compile(rf"{START}{prefix}[-_]?\d{{{digits}}}{END}") for prefix, digits in sorted(kinds)] if len(kinds) <= 12 else []
