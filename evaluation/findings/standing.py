"""What of a report was planned before outcomes were seen, and what is exploratory; and the labels that say so in every output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaluation.disclosure.release import BesideCouncils, Check, EventStudy, OutcomeResult, Placebo, ReportContent, TableContent, Trend, Warned
from evaluation.findings.summary import listed, words

LABEL = "exploratory"
SUBJECTS = ("subgroups-",)  # beginnings of the names of tables about one outcome, which follows
Chart = TypeVar("Chart", EventStudy, Trend)
Picture = TypeVar("Picture", Placebo, BesideCouncils)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStanding:
    """How the plan that ran relates to its lock.

    Attributes
    ----------
    locked : str
        Time of the lock that was made before outcomes were seen; '' where the plan was fixed by the run itself.
    outcomes : tuple of str
        Outcomes that were not in the lock, or not as primary ones.
    changes : tuple of str
        Other keys that differ from the lock; with any, every effect is exploratory.
    reasons : tuple of str
        Reasons of amendments made after outcomes had been seen.
    """

    locked: str = ""
    outcomes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is exploratory."""
        return bool(self.changes)

    def is_exploratory(self, outcome: str) -> bool:
        """Whether an outcome's effect is exploratory."""
        return self.whole or outcome in self.outcomes


def exploratory_outcomes(locked: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Outcomes that a plan added to its lock, and those it made primary.

    Examples
    --------
    >>> exploratory_outcomes({"primary": ["a"], "secondary": ["b"]}, {"primary": ["a", "b"], "secondary": ["c"]})
    ('b', 'c')
    """
    known = {*locked["primary"], *locked["secondary"]}
    promoted = [name for name in now["primary"] if name not in locked["primary"]]
    return (*promoted, *(name for name in now["secondary"] if name not in known))


def label(content: ReportContent, standing: PlanStanding) -> ReportContent:
    """A report's content with everything that was not locked before outcomes were seen named exploratory."""
    if not standing.whole and not any(standing.is_exploratory(result.outcome) for result in content.outcomes):
        return content
    exploratory = [result for result in content.outcomes if standing.is_exploratory(result.outcome)]
    names = {result.label: f"{result.label} ({LABEL})" if result in exploratory else result.label for result in content.outcomes}
    summary, value, populations = content.summary, content.value, content.populations
    sentence = explained(standing, sorted(result.label for result in exploratory))
    own = () if standing.whole else tuple(one for result in exploratory for one in (result.sentence, f"{result.label}: "))
    return content.model_copy(
        update={
            "outcomes": tuple(labelled(result, standing) for result in content.outcomes),
            "summary": summary.model_copy(
                update={
                    "headline": labelled_sentence(summary.headline) if standing.whole else summary.headline,
                    "findings": tuple(labelled_sentence(one) if one.startswith(own) else one for one in summary.findings),
                    "caveats": (sentence, *summary.caveats),
                }
            ),
            "event_studies": tuple(under_label(chart, standing) for chart in content.event_studies),
            "trends": tuple(under_label(chart, standing) for chart in content.trends),
            "placebos": tuple(named(picture, standing) for picture in content.placebos),
            "beside": tuple(named(picture, standing) for picture in content.beside),
            "checks": tuple(check_named(check, names) for check in content.checks),
            "tables": tuple(table_named(table, names, standing) for table in content.tables),
            "value": value and value.model_copy(update={"outcomes": table_named(value.outcomes, names, standing)}),
            "populations": populations and populations.model_copy(update={"complete": table_named(populations.complete, names, standing)}),
            "warnings": (Warned(code="EXPLORATORY", sentence=sentence), *content.warnings),
        }
    )


def labelled(result: OutcomeResult, standing: PlanStanding) -> OutcomeResult:
    """One outcome, named exploratory where it is."""
    if not standing.is_exploratory(result.outcome):
        return result
    return result.model_copy(update={"label": f"{result.label} ({LABEL})", "title": with_label(result.title)})


def under_label(chart: Chart, standing: PlanStanding) -> Chart:
    """A chart whose label and subtitle say that its outcome is exploratory, where it is."""
    if not standing.is_exploratory(chart.outcome):
        return chart
    return chart.model_copy(update={"label": f"{chart.label} ({LABEL})", "subtitle": with_label(chart.subtitle)})


def named(picture: Picture, standing: PlanStanding) -> Picture:
    """A picture of one outcome, named exploratory where the outcome is."""
    if not standing.is_exploratory(picture.outcome):
        return picture
    return picture.model_copy(update={"label": f"{picture.label} ({LABEL})", "title": with_label(picture.title)})


def check_named(check: Check, names: Mapping[str, str]) -> Check:
    """A check whose outcomes are named exploratory where they are."""
    outcomes, whom = tuple(names.get(one, one) for one in check.outcomes), names.get(check.outcome, check.outcome)
    if outcomes != check.outcomes and len(outcomes) > 1 and whom != "All outcomes":
        whom = listed([outcomes[0], *(f"{one[:1].lower()}{one[1:]}" for one in outcomes[1:])])
    return check.model_copy(update={"outcomes": outcomes, "outcome": whom})


def table_named(table: TableContent | None, names: Mapping[str, str], standing: PlanStanding) -> TableContent | None:
    """A table whose rows and columns about an exploratory outcome say so, and its title where the whole table is about one."""
    if table is None:
        return None
    about = next((one for one in SUBJECTS if table.id.startswith(one)), None)
    whole = about is not None and standing.is_exploratory(table.id.removeprefix(about))
    return table.model_copy(
        update={
            "title": with_label(table.title) if whole else table.title,
            "columns": tuple(cell_named(cell, names) for cell in table.columns),
            "rows": tuple((cell_named(row[0], names), *row[1:]) for row in table.rows),
        }
    )


def cell_named(cell: str, names: Mapping[str, str]) -> str:
    """A cell that is an outcome's name, or begins with one ('Offences: base -1', 'Offences (better)'), with the name as it is to be shown.

    Examples
    --------
    >>> names = {"Offences": "Offences (exploratory)", "Offences of adults": "Offences of adults"}
    >>> [cell_named(cell, names) for cell in ("Offences: base -1", "Offences of adults", "Offences of minors")]
    ['Offences (exploratory): base -1', 'Offences of adults', 'Offences of minors']
    """
    for name in sorted(names, key=len, reverse=True):
        if cell == name or cell.startswith((f"{name}: ", f"{name} (")):
            return f"{names[name]}{cell[len(name):]}"
    return cell


def labelled_sentence(text: str) -> str:
    """A sentence that says first that it is exploratory."""
    return f"{LABEL.capitalize()}: {text[:1].lower()}{text[1:]}"


def with_label(text: str) -> str:
    """A title that says what it is."""
    return f"{text} ({LABEL})" if text else LABEL.capitalize()


def explained(standing: PlanStanding, named: Sequence[str]) -> str:
    """Why something is exploratory, in a sentence."""
    because = f" Reason given: {'; '.join(standing.reasons)}." if standing.reasons else ""
    if standing.whole:
        n = len(standing.changes)
        return (
            f"All effects here are exploratory: the plan that ran differs from the plan locked before outcomes were seen in {words(n)}"
            f" {'thing' if n == 1 else 'things'} ({', '.join(standing.changes)}).{because}"
        )
    which = listed([f"“{one}”" for one in named])
    return f"{which} {'is' if len(named) == 1 else 'are'} exploratory: not in the plan locked before outcomes were seen.{because}"
