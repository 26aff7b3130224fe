"""The web page of a report: one file that needs nothing else, without script, to WCAG 2.2 AA. Blocks in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.errors import ReportError
from evaluation.reporting.blocks import Block, Cover, Heading, escaped, numbering
from evaluation.reporting.brand import HOUSE, legible
from evaluation.reporting.fonts import FAMILY, font_faces
from evaluation.reporting.words import date_in_words

SIMULATED = "SIMULATED DATA"
BESIDE = {".pdf": "PDF to print", ".ods": "tables in a spreadsheet (ODS)", ".xlsx": "the same for Excel (XLSX)"}  # of the same name
POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:"  # what the browser may load: nothing from outside
STYLE = """
*{box-sizing:border-box}
html{font-family:"FAMILY",Arial,sans-serif;font-size:112.5%;line-height:1.5;color:#0b0c0c;background:#fff;scroll-padding-top:4rem}
body{margin:0}
a{color:#1a5a9a;text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid #0b0c0c;outline-offset:2px;background:#ffdd00;color:#0b0c0c}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;z-index:2;padding:.5rem 1rem}
.simulated{background:#801650;color:#fff;font-weight:700;text-align:center;margin:0;padding:.35rem 1rem}
.band{background:BRAND;color:#fff;padding:1.2rem 1.5rem}
.band p{margin:0 auto;max-width:72rem}
.wrap{max-width:75rem;margin:0 auto;padding:0 1.5rem;display:grid;grid-template-columns:16rem minmax(0,44rem);gap:3rem}
nav{font-size:.95rem;padding-top:2rem}
nav h2{font-size:1.1rem;margin:0 0 .5rem}
nav ul{list-style:none;margin:0;padding:0}
nav li{margin:.4rem 0}
nav ul ul{padding-left:1rem}
@media(min-width:62rem){nav>div{position:sticky;top:1rem;max-height:calc(100vh - 2rem);overflow-y:auto}}
@media(max-width:62rem){.wrap{display:block}}
.single{display:block}
h1{font-size:2.2rem;line-height:1.15;margin:2rem 0 .5rem}
.lede{font-size:1.25rem;margin:0 0 .5rem}
.about,.source,.notes,.sub,footer{color:#505a5f}
h2{font-size:1.6rem;line-height:1.2;margin:3rem 0 .7rem}
h3{font-size:1.2rem;margin:2.2rem 0 .5rem}
nav+main h2:first-of-type{margin-top:2rem}
.key{border-left:6px solid BRAND;background:#f3f2f1;padding:1rem 1.4rem;margin:1rem 0}
.key .headline{font-size:1.25rem;font-weight:700;line-height:1.3;margin:0 0 .5rem}
.key h2{margin:0 0 .5rem;font-size:1.3rem}
.key ul{margin:0;padding-left:1.2rem}
li{margin:.4rem 0}
.callout{border:3px solid #801650;padding:.2rem 1.2rem;margin:1rem 0}
.signoff{border:2px solid #505a5f;padding:.4rem 1.2rem;margin:1.5rem 0}
.signoff p{margin:.4rem 0}
.signoff span{color:#505a5f}
dt{font-weight:700;margin-top:.7rem}
dd{margin:0;overflow-wrap:anywhere}
@media(min-width:40rem){dl{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.4rem 1rem}dt{margin:0}}
.scroll{overflow-x:auto;margin:1.2rem 0 .4rem}
table{border-collapse:collapse;width:100%;font-size:.95rem;font-variant-numeric:tabular-nums}
caption,figcaption{text-align:left;font-weight:700;padding-bottom:.5rem}
.number{color:BRAND}
.sub{display:block;font-weight:400}
th,td{padding:.45rem .6rem;border-bottom:1px solid #b1b4b6;text-align:right;vertical-align:top}
thead th{background:#f3f2f1;vertical-align:bottom}
tbody th{font-weight:400}
th.text,td.text{text-align:left}
.notes p,.source{font-size:.95rem;margin:.3rem 0}
figure{margin:2rem 0;break-inside:avoid}
.chart svg{display:block;width:100%;min-width:30rem;height:auto}
summary{cursor:pointer;color:#1a5a9a;padding:.2rem 0}
footer{border-top:1px solid #b1b4b6;margin-top:3rem;padding:1rem 0 3rem;font-size:.95rem}
@media print{nav,.skip,details{display:none}.wrap{display:block;max-width:none;padding:0}html{font-size:12pt}
.band{background:none;color:#0b0c0c;border-bottom:3px solid BRAND;padding:.3rem 0}.scroll{overflow:visible}.chart svg{min-width:0}
h2,h3{break-after:avoid}tr{break-inside:avoid}.simulated{color:#801650;border:2px solid #801650}}
""".replace("FAMILY", FAMILY)


def cover_of(blocks: Sequence[Block]) -> Cover:
    """The cover of a report's blocks.

    Raises
    ------
    ReportError
        There is none, or more than one.
    """
    covers = [block for block in blocks if isinstance(block, Cover)]
    if len(covers) != 1:
        raise ReportError(f"A report must have one cover: these blocks have {len(covers)}. The notebook must call page_one(content) once.")
    return covers[0]


def document(blocks: Sequence[Block]) -> str:
    """The whole page as text."""
    cover, numbers = cover_of(blocks), numbering(tuple(blocks))
    body = "\n".join(block.html(numbers) for block in blocks if block is not cover)
    about = f"{date_in_words(cover.date)}. Reference {cover.reference}."
    beside = ", ".join(f'<a href="{cover.stem}{ending}">{words}</a>' for ending, words in BESIDE.items())
    main = (
        f'<main id="main">{cover.html(numbers)}<p class="about">{escaped(about)} Also as: {beside}.</p>\n{body}\n'
        f"<footer><p>{escaped(cover.title)}: {escaped(cover.council)}. {escaped(about)}</p></footer></main>"
    )
    title = f"{cover.council}: {cover.title}" + (f" ({SIMULATED})" if cover.simulated else "")
    return page(title, cover.council, navigation(blocks), main, description=cover.question, simulated=cover.simulated, colour=cover.colour)


def page(title: str, band: str, nav: str, main: str, *, description: str, simulated: bool, colour: str = HOUSE) -> str:
    """A page in the house's looks, its band in a colour; `nav` and `main` are HTML, the rest plain text."""
    style = STYLE.replace("BRAND", legible(colour))
    banner = f'<p class="simulated">{SIMULATED}: no real families</p>' if simulated else ""
    printed = f'@page{{@top-center{{content:"{SIMULATED}";color:#801650;font-weight:700}}}}' if simulated else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escaped(title)}</title>\n'
        f'<meta name="description" content="{escaped(description)}">\n<style>{font_faces()}{style}{printed}</style>\n</head>\n<body>\n'
        f'<a class="skip" href="#main">Skip to main content</a>\n'
        f'<header>{banner}<div class="band"><p><strong>{escaped(band)}</strong></p></div></header>\n'
        f'<div class="wrap{"" if nav else " single"}">{nav}\n{main}</div>\n</body>\n</html>\n'
    )


def navigation(blocks: Sequence[Block]) -> str:
    """Contents as nested links: sections, and what lies under them."""
    sections: list[tuple[Heading, list[Heading]]] = []
    for block in blocks:
        if isinstance(block, Heading) and (block.level == 2 or not sections):
            sections.append((block, []))
        elif isinstance(block, Heading):
            sections[-1][1].append(block)
    items = "".join(
        f"<li>{_link(head)}" + (f"<ul>{''.join(f'<li>{_link(under)}</li>' for under in unders)}</ul>" if unders else "") + "</li>"
        for head, unders in sections
    )
    return f'<nav aria-labelledby="contents"><div><h2 id="contents">Contents</h2><ul>{items}</ul></div></nav>'


def _link(heading: Heading) -> str:
    return f'<a href="#{heading.id}">{escaped(heading.text)}</a>'
