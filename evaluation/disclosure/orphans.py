"""Numbers of a report that the ledger does not know: every `Shown`, and every number in every sentence, is looked up in what was published for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from evaluation.disclosure.ledger import Entry
from evaluation.disclosure.release import ReportContent, Shown

TOKEN = re.compile(r"(?<![\w.])[+\u2212-]?\d[\d,]*(?:\.\d+)?%?")
OF_THE_PLAN = ("study", "council", "methods", "glossary", "limits")  # words of the plan, of data sources and of the method: no numbers of the study
STRUCTURAL = re.compile(
    "|".join(
        (
            r"\b(?:19|20)\d\d(?:/\d\d)?(?:[ -]Q[1-4])?\b",  # years, school years, quarters
            r"\b9[05](?:\.\d)?(?:%| in 100) (?:of )?(?:interval|confidence|placebo|lie)|with 95% confidence|95% lie|95% interval",
            r"(?:per|of every|in every) 100\b|[0-5] (?:out )?of 5\b|\b(?:five|four) \w+ out of five",
            r"(?:base|quarter|period|year|term|event time)s? [\u2212-]?\d+(?: to [\u2212-]?\d+)?\b(?![/,]\d)",
            r"\b\d/\d of the",  # a fee paid for so much of the families
            r"\baged \d+ (?:to \d+|and over|or over)\b",  # whom an outcome needs
            r"\b\d+ (?:quarters?|periods?|terms?|(?:school )?years?)\b",
            r"\b\d+ (?:before|after)(?! and)\b|\b\d+ earlier periods?\b|July|\b(?:6|10|12|18|24|36) months",
            # thresholds and bands
            r"(?:[Ff]ewer than|under|below|at least|over|up to|within|by) \d[\d,]*(?:\.\d+)?(?:%| percentage points| points|\b)",
            r"\b\d+(?:\.\d+)? to \d+(?:\.\d+)?% of the\b|[Bb]etween half and \d+%|a (?:change|fall|rise|difference) of \d+%",
            r"\babout \d+% (?:was|had|of them)|of about \d+%|about \d+% of",  # coarse words of shares (`check_sentences.about`)
            r"\d+ (?:or more criteria|criteria or more|other councils?)",
            r"-?\d+(?:\.\d+)? (?:or more standard deviations|more councils?|councils|areas|places|other choices|placebo|characteristics?)",
        )
    )
)


def orphans(content: ReportContent, entries: Iterable[Entry], planned: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """Numbers of a report that are not in what was published for it: (place, number).

    Numbers in the words of the plan and the method, and numbers of structure (years, the level of an interval, thresholds, counts of councils), are
    passed over.

    Parameters
    ----------
    planned : set of str
        Numbers that stand in the plan (`numbers_of_plan`), which was written before the data were seen.
    """
    published = list(entries)
    shown = {entry.shown for entry in published}
    texts = planned | {bare(token) for entry in published for token in TOKEN.findall(entry.shown.text)}
    found = [(place, number.text) for place, number in numbers_of(content) if number not in shown]
    for place, text in sentences_of(content):
        found += [(place, token) for token in TOKEN.findall(STRUCTURAL.sub(" ", text)) if bare(token) not in texts]
    return found


def numbers_of_plan(plan: str) -> frozenset[str]:
    """Numbers that a plan's text holds, as they are and with commas."""
    found = {bare(token) for token in TOKEN.findall(plan)}
    return frozenset(found | {f"{int(token):,}" for token in found if token.isdigit()})


def unprinted(contents: Iterable[ReportContent], entries: Iterable[Entry]) -> list[Entry]:
    """The other way: numbers that the ledger published and no report holds."""
    held: set[str] = set()
    for content in contents:
        held |= {number.text for _, number in numbers_of(content)}
        held |= {bare(token) for _, text in sentences_of(content) for token in TOKEN.findall(text)} | {text for _, text in sentences_of(content)}
    numbers = [entry for entry in entries if entry.shown.value is not None and entry.shown.text not in held]
    return [entry for entry in numbers if not all(bare(token) in held for token in TOKEN.findall(entry.shown.text))]


def bare(token: str) -> str:
    """A number without its sign and unit."""
    return token.strip("+\u2212-").rstrip("%").rstrip(",")


def numbers_of(content: ReportContent) -> Iterator[tuple[str, Shown]]:
    """Every `Shown` of a report with the field it stands in."""
    for name in type(content).model_fields:
        yield from ((name, number) for number in _shown(getattr(content, name)))


def _shown(thing: object) -> Iterator[Shown]:
    if isinstance(thing, Shown):
        yield thing
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _shown(part)
    elif hasattr(type(thing), "model_fields"):
        for name in type(thing).model_fields:
            yield from _shown(getattr(thing, name))


def sentences_of(content: ReportContent) -> Iterator[tuple[str, str]]:
    """Every text of a report that is about its study, with the field it stands in."""
    for name in type(content).model_fields:
        if name not in OF_THE_PLAN:
            yield from ((name, text) for text in _texts(getattr(content, name)))


def _texts(thing: object) -> Iterator[str]:
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, tuple | list):
        for part in thing:
            yield from _texts(part)
    elif not isinstance(thing, Shown) and hasattr(type(thing), "model_fields"):
        for name in type(thing).model_fields:
            yield from _texts(getattr(thing, name))
