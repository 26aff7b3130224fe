"""What of a report was planned before outcomes were seen, and what is exploratory; and the labels that say so in every output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evaluation.disclosure.release import EventStudy, OutcomeResult, ReportContent, Trend, Warned
from evaluation.findings.summary import listed, words

LABEL = "exploratory"
Chart = TypeVar("Chart", EventStudy, Trend)


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
    named = {result.label for result in content.outcomes if standing.is_exploratory(result.outcome)}
    summary = content.summary
    sentence = explained(standing, sorted(named))
    return content.model_copy(
        update={
            "outcomes": tuple(labelled(result, standing) for result in content.outcomes),
            "summary": summary.model_copy(
                update={
                    "headline": f"Exploratory: {summary.headline[:1].lower()}{summary.headline[1:]}" if standing.whole else summary.headline,
                    "caveats": (sentence, *summary.caveats),
                }
            ),
            "event_studies": tuple(under_label(chart, standing) for chart in content.event_studies),
            "trends": tuple(under_label(chart, standing) for chart in content.trends),
            "warnings": (Warned(code="EXPLORATORY", sentence=sentence), *content.warnings),
        }
    )


def labelled(result: OutcomeResult, standing: PlanStanding) -> OutcomeResult:
    """One outcome, named exploratory where it is."""
    if not standing.is_exploratory(result.outcome):
        return result
    return result.model_copy(update={"label": f"{result.label} ({LABEL})", "title": with_label(result.title)})


def under_label(chart: Chart, standing: PlanStanding) -> Chart:
    """A chart whose subtitle says that its outcome is exploratory, where it is."""
    return chart.model_copy(update={"subtitle": with_label(chart.subtitle)}) if standing.is_exploratory(chart.outcome) else chart


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
