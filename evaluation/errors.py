"""What can go wrong, named for what the reader must mend.

Every message says what must hold and what is there instead, where, and how to mend it.
Messages hold counts, columns and rules; never a row, an identifier, a date of birth or free text.
"""
from __future__ import annotations

import re


class EvaluationError(Exception):
    """Something the user can mend; the command line prints it without a traceback and exits with code 2, a notebook shows the same words."""

    def for_report(self) -> str:
        """The message's clauses without numbers: counts of rows are for those inside, nobody has looked at them before a report leaves.

        >>> CommonSupportError("No match could be made: 14 units have no neighbour. Widen the caliper.").for_report()
        'No match could be made. Widen the caliper.'
        """
        kept = [clause for clause in re.split(r"(?<=[.:;])\s+", str(self)) if not re.search(r"\d", clause)]
        return ". ".join(clause.rstrip(".:; ") for clause in kept) + "." if kept else "The reason holds counts and is not shown."

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows below the cell in place of a traceback (IPython asks for this name)."""
        return [f"Not done. {self}"]


class DictionaryError(EvaluationError):
    """A file of the data dictionary is wrong."""


class PlanError(EvaluationError):
    """A study's plan is incomplete, misspelt or contradicts itself."""


class ContractError(EvaluationError):
    """A delivered table breaks its contract; `faults` holds every fault found, not only the first."""

    def __init__(self, message: str, faults: tuple = ()):
        super().__init__(message)
        self.faults = tuple(faults)


class LinkageError(EvaluationError):
    """Records cannot be linked as the plan asks."""


class CommonSupportError(EvaluationError):
    """No treated unit has an admissible comparison unit."""


class EstimationError(EvaluationError):
    """An estimate cannot be computed from the data given."""


class DisclosureError(EvaluationError):
    """Something would leave that could name a family; nothing is written."""


class ReportError(EvaluationError):
    """A report cannot be made from its release; `cause` is 'died' (its kernel), 'time' or 'memory' where the machine stopped it, else ''."""

    def __init__(self, message: str, cause: str = ""):
        super().__init__(message)
        self.cause = cause
