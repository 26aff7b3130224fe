"""What a plan may ask for: the matchers, estimators and checks there are, and the options of each, from their own docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields

from evaluation.errors import PlanError
from evaluation.nearest import did_you_mean

SHARED = ("covariates", "formula", "score", "exact", "history", "history_window", "pool")  # named elsewhere in a plan
EVERY_METHOD = (
    "exact: []   columns on which matched units must agree; the entry period always is one",
    "score.covariates   the characteristics that groups are compared on, whether or not the method has a score",
    "score.model: logit   or cloglog, probit, or a scikit-learn classifier by name, with score.options",
    "score.formula: none   right-hand side of a formula, for the score alone",
    "score.scale: linear   or probability: what distances and calipers are measured on",
    "score.folds: 1   more: every part of the units is scored by a model of the others",
    "score.history: [], score.history_window: [-8, -3]   outcomes whose earlier mean joins the score (regresses to the mean)",
    "balance (a section beside matching): smd 0.1, variance_ratio, ecdf_mean, ks, overlap: limits of the balance check; none is not judged",
)
PLACES = {"matching": "matching.method", "estimator": "estimator.method", "checks": "checks"}


def describe_methods(name: str | None = None) -> Iterator[str]:
    """Every method in a line, or one method with its options.

    Raises
    ------
    PlanError
        There is no method of that name; the nearest is named.
    """
    kinds = registries()
    if name is None:
        for place, methods in kinds.items():
            yield f"{PLACES[place]}:"
            yield from (f"  {key:<22} {first_line(method)}" for key, method in methods.items())
        yield "Options of one: evaluation methods NAME"
        return
    found = next(((place, methods[name]) for place, methods in kinds.items() if name in methods), None)
    if found is None:
        every = [key for methods in kinds.values() for key in methods]
        raise PlanError(f"There is no method {name!r}; " + did_you_mean(name, every, otherwise=f"there are {', '.join(every)}."))
    place, method = found
    yield f"{PLACES[place]}: {name}"
    text = inspect.getdoc(method) or ""
    about, _, rest = text.partition("\nAttributes\n")
    _, _, after = rest.partition("\nNotes\n-----\n")
    yield from (f"  {line}".rstrip() for line in (about + after).splitlines())
    if place == "checks":
        return
    if place == "matching":
        yield "Keys that every method takes:"
        yield from (f"  {line}" for line in EVERY_METHOD)
    yield "Options in the plan, and what they are when not given:"
    told = attributes_of(method)
    for field in fields(method):
        if not (place == "matching" and field.name in (*SHARED, *method.UNUSED)):
            kind, lines = told.get(field.name, ("", ()))
            kind = " or ".join(method.ESTIMANDS) if field.name == "estimand" else kind
            yield f"  {field.name}: {default_of(field)}{f'   ({kind})' if kind else ''}"
            yield from (f"      {line}" for line in lines)


def registries() -> Mapping[str, Mapping[str, object]]:
    """Names and methods, by their place in a plan."""
    from evaluation.matching import MATCHERS
    from evaluation.models import ESTIMATORS
    from evaluation.models.checks import CHECKS

    return {"matching": MATCHERS, "estimator": ESTIMATORS, "checks": CHECKS}


def attributes_of(method: type) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Kind and description of every documented field, by name; a class's own words before those of what it derives from."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for kind in method.__mro__:
        section = (inspect.cleandoc(kind.__doc__ or "")).partition("\nAttributes\n----------\n")[2].partition("\n\n")[0]
        names: list[str] = []
        own: dict[str, tuple[str, tuple[str, ...]]] = {}
        for line in section.splitlines():
            if not line.startswith(" "):
                head, _, what = line.partition(" : ")
                names = [name.strip() for name in head.split(",")]
                own |= {name: (what, ()) for name in names}
            else:
                own |= {name: (own[name][0], (*own[name][1], line.strip())) for name in names}
        found = own | found
    return found


def first_line(method: object) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(method) or "").split("\n", 1)[0]


def default_of(field: Field) -> str:
    """A default as YAML would say it."""
    if field.default is not MISSING:
        value = field.default
    else:
        value = field.default_factory() if field.default_factory is not MISSING else ""
    if value is None:
        return "none"
    return str(list(value) if isinstance(value, tuple) else value).replace("'", "")
