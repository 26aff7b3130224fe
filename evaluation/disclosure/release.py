"""What may leave: the protected content of one report, and nothing else.

A report (HTML, PDF, notebook) is made from a `ReportContent` alone. Every number in it is a `Shown`, made by the ledger.
Sentences are computed in `findings.py`; how things look is decided in `reporting`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Symbol = Literal["", "[c]", "[x]", "[z]", "[low]"]  # shown, confidential, not available, not applicable, rounds to zero


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shown(Frozen):
    """A number as it may be shown: `text` is what is printed, `value` the protected number (None where a symbol stands)."""

    value: float | None
    text: str
    symbol: Symbol = ""


class ShownInterval(Frozen):
    """An estimate with its 95% interval."""

    estimate: Shown
    lower: Shown
    upper: Shown
    method: str  # 'clustered on 16 areas', 'permutation of areas', ...


class Study(Frozen):
    name: str
    title: str  # 'Community Budgets for families with complex needs, first phase'
    question: str
    programme: str
    unit: str  # 'council'
    unit_plural: str  # 'councils'
    simulated: bool  # printed on every page when true
    date: str  # ISO; the study's date, not the run's
    reference: str  # document reference
    sources: tuple[str, ...]  # data, publisher, licence, vintage; one sentence each
    source_line: str = ""  # under every chart: 'Department for Education, school absence 2006/07 to 2018/19'; default: first source
    disclosure_rule: str  # the rule in force, in one sentence
    plan_hash: str
    analysis_hash: str
    seed: int
    versions: tuple[tuple[str, str], ...]


class Council(Frozen):
    """Whose report it is. A study without councils has code 'all'."""

    code: str
    name: str
    region: str
    area: str
    area_members: tuple[str, ...]  # names of the councils of the area, itself included


class StrengthPoint(Frozen):
    criterion: str  # 'Design', 'Size', 'Balance', 'Trend before', ...
    lost: float
    reason: str


class Strength(Frozen):
    score: int  # 0 to 5
    label: str
    points: tuple[StrengthPoint, ...]


class OutcomeResult(Frozen):
    """Three numbers side by side, never mixed; `None` where a number does not exist, with the reason in the sentence."""

    outcome: str
    label: str  # 'Unauthorised absence'
    domain: str  # 'Truancy'
    measure: str  # what is measured, one line
    unit: str  # unit of levels: 'per cent of sessions'
    change_unit: str  # unit of changes: 'percentage points'
    primary: bool
    status: Literal["estimated", "not_available", "not_estimable", "not_shown"]
    verdict: Literal["better", "worse", "not_detectable", "explained_by_trend", "none"]
    title: str  # the finding as a title, computed
    sentence: str  # the finding as a sentence, computed
    before: Shown | None = None  # treated units' mean before
    after: Shown | None = None  # ... and after
    before_after: Shown | None = None
    payment_by_results: Shown | None = None
    payment_by_results_note: str = ""
    effect: ShownInterval | None = None
    charts_note: str = ""  # why there are no charts by period
    own_note: str = ""  # why the area's own line and gap are not shown
    programme_level: Shown | None = None  # matched treated units after joining, beside which the next number stands
    comparison_level: Shown | None = None  # what treated units would have had without the programme
    detectable: Shown | None = None
    detectable_sentence: str = ""
    n_treated: Shown | None = None
    n_comparison: Shown | None = None
    truth: Shown | None = None  # simulated data only


class FlowLine(Frozen):
    label: str
    count: Shown
    reason: str = ""  # why they left; '' for a line of those who stay
    level: int = 0  # 0: a stage; 1: those who left at that stage


class BalanceLine(Frozen):
    covariate: str  # label
    before: Shown  # standardised mean difference
    after: Shown
    variance_ratio_before: Shown
    variance_ratio_after: Shown
    mean_treated: Shown
    mean_comparison_before: Shown
    mean_comparison_after: Shown


class Overlap(Frozen):
    """Shares (per cent) of treated and comparison units by bin of the score."""

    edges: tuple[float, ...]
    treated: tuple[Shown, ...]
    comparison: tuple[Shown, ...]
    axis: str  # 'Linear predictor of joining'
    sentence: str


class EventPoint(Frozen):
    event_time: int
    label: str  # '2011/12', '4 quarters before', ...
    phase: Literal["before", "base", "left_out", "after", "later"]
    estimate: Shown
    lower: Shown
    upper: Shown


class EventStudy(Frozen):
    outcome: str
    label: str
    title: str
    subtitle: str
    points: tuple[EventPoint, ...]
    pre_trend: str  # verdict with the power of the test, in a sentence
    later_note: str = ""  # why later points are not the programme's effect


class TrendLine(Frozen):
    name: str  # 'Programme councils', 'Matched comparison councils', 'Bolton'
    values: tuple[Shown, ...]


class Trend(Frozen):
    outcome: str
    label: str
    title: str
    subtitle: str
    periods: tuple[str, ...]
    lines: tuple[TrendLine, ...]
    marks: tuple[tuple[int, str], ...] = ()  # (index of the period before which a vertical rule stands, its words)


class Placebo(Frozen):
    """The area's own gap beside the gaps of placebo areas of the same size."""

    outcome: str
    label: str
    title: str
    gap: Shown
    lower: Shown  # 2.5th and 97.5th centile of the placebo gaps
    upper: Shown
    n_placebo: int
    sentence: str
    outside: bool = False  # whether the gap, as printed, is one that few placebo areas show


class BesidePoint(Frozen):
    """One council's effect drawn towards the mean of all; only the report's own council is told."""

    is_own: bool
    effect: ShownInterval


class Spread(Frozen):
    """How far councils' true effects on an outcome lie apart."""

    tau: Shown  # standard deviation of the true effects, with its 95% interval
    tau_lower: Shown
    tau_upper: Shown
    share: Shown  # per cent of the scatter of councils' estimates that is not chance (I squared)


class BesideCouncils(Frozen):
    """This council beside all others on one outcome; councils in order of their number of families, never of their effects."""

    outcome: str
    label: str
    change_unit: str
    title: str
    sentence: str
    points: tuple[BesidePoint, ...]
    mean: Shown
    lower: Shown  # where the true effect of another council of the same kind lies, 95%
    upper: Shown
    n_hidden: int  # councils too small to show
    spread: Spread | None = None  # in the report on all councils


class Check(Frozen):
    name: str  # 'Trend before', 'Dip before entry', ...
    outcome: str  # whom it speaks about: a label, several, or 'All outcomes'
    verdict: Literal["passed", "failed", "not testable", "information"]
    sentence: str
    outcomes: tuple[str, ...] = ()  # their labels, one by one


class Warned(Frozen):
    code: str  # 'LEVEL_REGRESSION', 'SERIES_BREAK', ...
    sentence: str


class TableContent(Frozen):
    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # first cell of each row is its header
    notes: tuple[str, ...] = ()


class PaymentShare(Frozen):
    """Families of one kind who met a framework's rule for a payment: official, with the programme and in the matched comparison group. Per cent."""

    label: str  # 'All families', 'Problem at entry: children's schooling'
    kind: Literal["all", "problem", "route", "everywhere"]
    official: Shown  # claims as a share of all families attached
    programme: ShownInterval  # of matched families
    comparison: ShownInterval
    difference: ShownInterval
    anyway: ShownInterval  # for every 100 that met the rule, how many met it without the programme
    n_treated: Shown
    n_comparison: Shown
    reason: str = ""  # why shares are not shown


class PaymentResults(Frozen):
    """The page on payment by results. A result is a claim; the comparison rests on matching, not on trends."""

    framework: str  # title
    status: Literal["shown", "not_shown"]
    title: str
    sentence: str  # for page one
    basis: str  # what the comparison rests on, and what it cannot say
    shares: tuple[PaymentShare, ...]
    tables: tuple[TableContent, ...]  # claims, attached, eligible and target; results; money; agreement; rules and their data
    notes: tuple[str, ...]


class Populations(Frozen):
    """Families behind the numbers: how long supported and why no longer, in whose population an outcome lies, and who was left without a match."""

    support: tuple[str, ...]  # dose, partial exposure, and who grew out of an outcome's population
    windows: TableContent | None  # follow-up and dose, 6 to 24 months after joining
    exits: TableContent | None
    reach: tuple[str, ...]  # who was matched, how the others differ, and that nothing is extended to them
    complete: TableContent | None  # matched sets in which each outcome exists on both sides
    left_out: TableContent | None


class Summary(Frozen):
    """Page one. It stands alone; no p-values."""

    headline: str
    paragraphs: tuple[str, ...]  # what was evaluated, who, when, how many; compared with whom
    findings: tuple[str, ...]  # one sentence an outcome
    could_have_seen: str  # the minimum detectable effect, in words
    payment_by_results: str
    value: str
    caveats: tuple[str, ...]  # the three biggest
    next_steps: tuple[str, ...]


class AgencyLine(Frozen):
    """What one agency gains and pays, in pounds."""

    label: str
    level: Literal["local", "national", "private"]
    gains: ShownInterval
    pays: Shown
    fees: Shown  # payment-by-results fees: received, or paid where negative
    net: Shown


class SwingLine(Frozen):
    """Net value at both ends of one assumption, in pounds."""

    label: str
    low: str  # the ends in words
    high: str
    at_low: Shown
    at_high: Shown


class ValueForMoney(Frozen):
    """What the effects are worth to the public purse and to society, less what the programme cost."""

    status: Literal["shown", "not_shown", "not_estimated"]
    sentence: str  # page one
    title: str = ""  # the finding, above the chart of who pays and who gains
    findings: tuple[str, ...] = ()
    net: ShownInterval | None = None  # to the public purse
    lenses: TableContent | None = None
    outcomes: TableContent | None = None
    agencies: tuple[AgencyLine, ...] = ()
    agencies_title: str = ""
    swings: tuple[SwingLine, ...] = ()
    contrast: TableContent | None = None
    assumptions: TableContent | None = None
    sources: tuple[str, ...] = ()
    price_year: str = ""


class Titles(Frozen):
    """Findings that stand above the charts of the whole sample; '' gives a plain name of the chart."""

    flow: str = ""  # 'All 28 first-phase councils could be analysed'
    balance: str = ""
    overlap: str = ""
    effects: str = ""


class ReportContent(Frozen):
    """All of one report."""

    study: Study
    council: Council
    summary: Summary
    strength: Strength
    outcomes: tuple[OutcomeResult, ...]
    flow: tuple[FlowLine, ...]
    balance: tuple[BalanceLine, ...]
    overlap: Overlap | None
    event_studies: tuple[EventStudy, ...]
    trends: tuple[Trend, ...]
    placebos: tuple[Placebo, ...]
    beside: tuple[BesideCouncils, ...] = ()
    checks: tuple[Check, ...]
    warnings: tuple[Warned, ...]
    tables: tuple[TableContent, ...]  # base-period table, benchmark against an experiment, dilution, ...
    methods: tuple[tuple[str, str], ...]  # (heading, text)
    limits: tuple[str, ...]
    glossary: tuple[tuple[str, str], ...]
    titles: Titles = Titles()
    payment: PaymentResults | None = None
    populations: Populations | None = None  # none: the units are no families, or came with their areas
    value: ValueForMoney | None = None  # none: the plan has no section `value`

    def write(self, path: Path) -> None:
        """Write as JSON, sorted and byte-stable."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ReportContent:
        """Read what `write` wrote."""
        return cls.model_validate_json(Path(path).read_text(encoding="utf-8"))
