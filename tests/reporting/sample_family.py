"""Made-up reports of a study of families: of a council, of one too small to show, and of all councils."""

from __future__ import annotations

from evaluation.disclosure.release import (
    BesideCouncils,
    BesidePoint,
    Council,
    EventPoint,
    EventStudy,
    FlowLine,
    OutcomeResult,
    PaymentResults,
    PaymentShare,
    Populations,
    ReportContent,
    Shown,
    ShownInterval,
    Spread,
    Strength,
    StrengthPoint,
    Summary,
    TableContent,
    Titles,
)
from tests.reporting.sample_council import council_report
from tests.reporting.sample_parts import HELD, interval, number, result_of, study


def beside_others(result: OutcomeResult) -> BesideCouncils:
    """Nine councils, the report's own the seventh by families."""
    points = tuple(BesidePoint(is_own=i == 6, effect=interval(-2.0 + 0.1 * (i % 4), 0.6 + 0.1 * i, "shrunken towards the mean", 1)) for i in range(9))
    return BesideCouncils(
        outcome=result.outcome, label=result.label, change_unit=result.change_unit, points=points, n_hidden=1, mean=number(-1.9, 1, True),
        lower=number(-2.8, 1, True), upper=number(-1.0, 1, True), title="Effects on unauthorised absence differ between councils no more than chance",
        sentence="This council's effect, drawn towards the mean of all, is \u22121.8 (\u22123.0 to \u22120.6) percentage points.",
    )  # fmt: skip


def family_report() -> ReportContent:
    """Simulated families of one council, with a known effect."""
    outcomes = family_outcomes()
    content = council_report()
    return content.model_copy(
        update={
            "study": study(
                name="demonstration",
                title="Connecting Families",
                question="Did families in the programme change more than similar families?",
                programme="Connecting Families (simulated)",
                unit="family",
                unit_plural="families",
                simulated=True,
                reference="DEMO-01",
                source_line="records simulated by evaluation",
                sources=("Linked family records, simulated from the data dictionary with seed 20261124.",),
                disclosure_rule="Counts below 10 are not shown; other counts are rounded to the nearest 5.",
            ),
            "council": Council(code="E06000099", name="Westmere and Northmere", region="South West", area="", area_members=()),
            "outcomes": outcomes,
            "event_studies": family_events(outcomes),
            "titles": Titles(),
            "trends": (),
            "placebos": (),
            "summary": family_summary(outcomes),
            "beside": (beside_others(outcomes[0]),),
            "flow": family_flow(),
            "payment": payment_results(),
            "populations": populations(),
        }
    )


def family_outcomes() -> tuple[OutcomeResult, ...]:
    """Four outcomes, the first better."""
    return tuple(
        result_of(
            name,
            label,
            domain,
            unit=unit,
            change_unit=change,
            verdict="better" if i == 0 else "not_detectable",
            title=f"{label} fell because of the programme" if i == 0 else f"{label}: no detectable effect",
            sentence=f"{label} changed by {e:+.{d}f} {change} against similar families (95% interval {e - h:+.{d}f} to {e + h:+.{d}f}).".replace(
                " -", " \u2212"
            ),
            before=number(b, d),
            after=number(b + c, d),
            before_after=number(c, d, True),
            payment_by_results=Shown(value=48.0, text="48%"),
            payment_by_results_note="The rate counts families for whom a result was claimed, whatever would have happened without the programme.",
            effect=interval(e, h, "clustered on matched sets", d),
            comparison_level=number(b + c - e, d),
            detectable=number(1.43 * h, d),
            n_treated=number(205, 0),
            n_comparison=number(560, 0),
            truth=number(e * 0.8, d, True),
            detectable_sentence=f"An effect of {1.43 * h:.{d}f} {change} or more would have been seen in 8 of 10 such studies.",
        )
        for i, (name, label, domain, unit, change, b, c, e, h, d) in enumerate(
            (
                (
                    "unauthorised_absence_rate",
                    "Unauthorised absence",
                    "Truancy",
                    "per cent of sessions",
                    "percentage points",
                    14.2,
                    -5.1,
                    -2.2,
                    1.6,
                    1,
                ),
                (
                    "any_offence",
                    "Families with a proven offence",
                    "Offending",
                    "per cent of families a quarter",
                    "percentage points",
                    11.8,
                    -4.4,
                    -0.6,
                    2.4,
                    1,
                ),
                (
                    "asb_incidents",
                    "Anti-social behaviour incidents",
                    "Anti-social behaviour",
                    "incidents a family and quarter",
                    "incidents a family and quarter",
                    0.81,
                    -0.33,
                    -0.05,
                    0.14,
                    2,
                ),
                (
                    "out_of_work_benefit",
                    "Families with an adult on out-of-work benefits",
                    "Employment",
                    "per cent of families",
                    "percentage points",
                    52.3,
                    -2.0,
                    0.3,
                    3.6,
                    1,
                ),
            )
        )
    )


def family_events(outcomes: tuple[OutcomeResult, ...]) -> tuple[EventStudy, ...]:
    """Effects that grow over the first four quarters."""
    phases = ("before",) * 4 + ("base",) + ("before",) * 2 + ("left_out",) + ("after",) * 8
    return tuple(
        EventStudy(
            outcome=result.outcome,
            label=result.label,
            title=result.title,
            subtitle=f"Gap between programme and matched comparison families, {result.change_unit}",
            points=tuple(
                EventPoint(
                    event_time=t,
                    label=str(t),
                    phase=phase,
                    estimate=number(s * (0.1 * (t % 3) + (1.6 * min(t, 4) / 4 if t >= 0 else 0)) * (phase != "base"), 2, True),
                    lower=number(s * 0.1 - abs(s) * (phase != "base"), 2, True),
                    upper=number(s * 0.1 + abs(s) * (phase != "base"), 2, True),
                )
                for t, phase in zip(range(-8, 8), phases, strict=True)
            ),
            pre_trend="Trends before entry were level (the test would have found a drift of 0.4 a quarter in 8 of 10 studies).",
        )
        for result in outcomes
        for s in (result.effect.estimate.value or 0.0,)
    )


def family_summary(outcomes: tuple[OutcomeResult, ...]) -> Summary:
    """What page one says."""
    return Summary(
        headline=(
            "Unauthorised absence fell by about 2 sessions in every 100 because of the programme; no other effect can be told from none."
        ),
        paragraphs=(
            "Connecting Families worked with 215 families in Westmere and Northmere who joined between January 2012 and "
            "December 2013. 205 of them are compared with 560 similar "
            "families who had not joined.",
        ),
        findings=tuple(result.sentence for result in outcomes),
        could_have_seen=(
            "Effects of 2.3 points on absence, 3.4 points on offending and 5.1 points on benefits would have been seen in 8 of "
            "10 such studies. Smaller ones would be missed."
        ),
        payment_by_results=(
            "A result was claimed for 48% of families. That is not an effect: many would have met the rule without the programme."
        ),
        value="Benefits of \u00a31.10 for each pound, with a range from \u00a30.20 to \u00a32.00.",
        caveats=(
            "Families join in a crisis and many improve anyway",
            "One in ten people could not be linked to police records",
            "Comparison families may get other help",
        ),
        next_steps=("Keep the entry dates of all families", "Repeat with two more cohorts"),
    )


def family_flow() -> tuple[FlowLine, ...]:
    """From all families referred to those analysed."""
    return (
        FlowLine(label="Families referred", count=number(240, 0)),
        FlowLine(label="Joined before records begin", count=number(10, 0), reason="no history before entry", level=1),
        FlowLine(label="Families with history", count=number(230, 0)),
        FlowLine(label="Outside the caliper", count=number(15, 0), reason="no family alike", level=1),
        FlowLine(label="No comparison in the stratum", count=number(10, 0), reason="no adult of working age", level=1),
        FlowLine(label="Families analysed", count=number(205, 0)),
    )


def payment_results() -> PaymentResults:
    """Shares of three kinds of families, one of them not shown, and the tables that go with them."""

    def share(label: str, kind: str, programme: int, comparison: int, reason: str = "") -> PaymentShare:
        held = ShownInterval(estimate=HELD, lower=HELD, upper=HELD, method="")

        def side(value: int, half: int, sign: bool = False) -> ShownInterval:
            return ShownInterval(
                estimate=number(value, 0, sign), lower=number(value - half, 0, sign), upper=number(value + half, 0, sign), method="cluster-robust"
            )

        return PaymentShare(
            label=label,
            kind=kind,
            official=HELD if reason else Shown(value=79.0, text="79%"),
            programme=held if reason else side(programme, 9),
            comparison=held if reason else side(comparison, 8),
            difference=held if reason else side(programme - comparison, 11, True),
            anyway=held if reason else side(round(100 * comparison / programme), 22),
            n_treated=HELD if reason else number(120, 0),
            n_comparison=HELD if reason else number(210, 0),
            reason=reason,
        )

    return PaymentResults(
        framework="Troubled Families payment by results, 2012 to 2015",
        status="shown",
        title="48 of every 100 programme families met the rule for a payment, and 45 of every 100 similar families outside it",
        sentence="Within a year of joining, 48 of every 100 programme families met the rule for a payment; over the same time so did 45.",
        basis="The comparison rests on matching alone.",
        shares=(
            share("All families", "all", 48, 45),
            share("Problem at entry: children's schooling and a label of uncommon length", "problem", 92, 90),
            share("Result by: continuous employment", "route", 1, 1, "fewer than 10 families of one side met the rule, or all but a few did"),
            share("All places of the study", "everywhere", 50, 47),
        ),
        tables=(
            TableContent(
                id="payment_four",
                title="Four counts that are not the same",
                columns=("What", "Families", "Claims as a share of it"),
                rows=(("Families with a claim", "150", "[z]"), ("Target", "215", "70%")),
            ),
            TableContent(id="payment_rules", title="The rules", columns=("Problem", "Met when"), rows=(("Schooling", "each child is there"),)),
        ),
        notes=("A comparison family that joins is followed until the quarter before.",),
    )


def populations() -> Populations:
    """Support of families, and whom the results speak for."""
    return Populations(
        support=("Half of the families were supported for about 9 months or longer.", "30 of 160 families had no child of that age left."),
        windows=TableContent(
            id="windows",
            title="How far families could be followed",
            columns=("Time after joining", "Families followed throughout", "Still supported at its end"),
            rows=(("6 months", "200", "150"), ("12 months", "180", "90")),
        ),
        exits=TableContent(id="exits", title="Why support ended", columns=("End of support", "Families"), rows=(("Plan completed", "120"),)),
        reach=("205 of the 230 programme families could be matched.", "No figure is extended to the others."),
        complete=TableContent(
            id="complete-sets",
            title="The families behind each outcome are alike in what was measured",
            columns=("Outcome", "Programme families", "Largest difference after matching"),
            rows=(("Unauthorised absence", "150", "+0.05"),),
        ),
        left_out=TableContent(id="left-out", title="Beside matched", columns=("Characteristic", "Matched"), rows=(("Lone parent", "40%"),)),
    )


def held_report() -> ReportContent:
    """A council with so few families that no number may leave."""
    content = family_report()
    outcomes = tuple(
        result_of(
            result.outcome,
            result.label,
            result.domain,
            status="not_shown",
            verdict="none",
            unit=result.unit,
            change_unit=result.change_unit,
            title=f"{result.label}: not shown",
            sentence="Fewer than 10 families took part, so no number can be shown without pointing to single families.",
            before=HELD,
            after=HELD,
            before_after=HELD,
            payment_by_results=HELD,
            detectable=HELD,
            n_treated=HELD,
            n_comparison=HELD,
        )
        for result in content.outcomes
    )
    return content.model_copy(
        update={
            "council": Council(code="E06000098", name="Little Mere", region="South West", area="", area_members=()),
            "outcomes": outcomes,
            "event_studies": (),
            "beside": (),
            "balance": (),
            "overlap": None,
            "checks": (),
            "tables": (),
            "payment": None,
            "populations": None,
            "warnings": (),
            "flow": (FlowLine(label="Families who joined", count=HELD),),
            "summary": Summary(
                headline="Fewer than 10 families took part; no result can be shown.",
                paragraphs=(
                    "Connecting Families worked with fewer than 10 families in Little Mere. Any number about them could point to single families.",
                ),
                findings=(),
                could_have_seen="",
                payment_by_results="",
                value="",
                caveats=(),
                next_steps=("Read the programme's report, which includes these families",),
            ),
            "strength": Strength(
                score=0, label="no result shown", points=(StrengthPoint(criterion="Size", lost=5, reason="Fewer than 10 families took part."),)
            ),
        }
    )


def national_report() -> ReportContent:
    """The summary of all councils of the family study: no council is its own."""
    content = family_report()
    spread = Spread(tau=number(0.9, 1), tau_lower=number(0.0, 1), tau_upper=number(2.1, 1), share=number(38, 0))
    beside_all = tuple(
        shown.model_copy(
            update={
                "points": tuple(point.model_copy(update={"is_own": False}) for point in shown.points),
                "spread": spread,
                "sentence": "The mean of the councils' effects is \u22121.9.",
            }
        )
        for shown in content.beside
    )
    return content.model_copy(
        update={
            "council": Council(code="all", name="All places together", region="", area="", area_members=()),
            "beside": beside_all,
        }
    )
