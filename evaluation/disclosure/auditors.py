"""What the auditor's pack of a release may hold: logs of assumptions, decisions and data, every specification, anchors, a statement to sign."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evaluation.disclosure.release import FlowLine, Frozen, Study, TableContent

Kind = Literal["main", "secondary", "sensitivity", "subgroup", "exploratory"]


class Specification(Frozen):
    """One estimate that was made for a report."""

    report: str  # council's code, 'all', or 'every report'
    outcome: str  # label
    kind: Kind
    choice: str  # 'the plan's', 'base 1 before, unmatched'
    estimate: str  # as the report prints it, with its interval
    unit: str


class Role(Frozen):
    """Who answers for what (the Aqua Book's roles)."""

    role: str
    duty: str
    name: str  # as the plan names them; '' where it does not


class AuditorsPack(Frozen):
    """All of the pack."""

    study: Study
    told: tuple[str, ...]
    roles: tuple[Role, ...]
    assumptions: TableContent
    decisions: TableContent
    history: TableContent
    data: TableContent
    flow: tuple[FlowLine, ...]
    specifications: tuple[Specification, ...]
    anchors: TableContent
    statement: tuple[str, ...]

    def write(self, path: Path) -> None:
        """Write as JSON, byte-stable."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> AuditorsPack:
        """Read what `write` wrote."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
