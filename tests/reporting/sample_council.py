"""A made-up report of one council in a study of councils."""

from __future__ import annotations

from evaluation.disclosure.release import (
    BalanceLine,
    Check,
    Council,
    FlowLine,
    OutcomeResult,
    Overlap,
    Placebo,
    ReportContent,
    Strength,
    StrengthPoint,
    Summary,
    TableContent,
    Titles,
    Warned,
)
from tests.reporting.sample_parts import GLOSSARY, absent, event_study, interval, number, result_of, study, trend


def council_report() -> ReportContent:
    """A first-phase council inside an area of ten, the gap explained by the trend before."""
    return ReportContent(
        study=study(),
        council=Council(
            code="E08000099",
            name="Northmere",
            region="North West",
            area="Greater Northmere",
            area_members=(
                *("Northmere", "Eastmere", "Westmere", "Southmere", "Overmere"),
                *("Undermere", "Little Mere", "Great Mere", "Meresford", "Mereham"),
            ),
        ),
        titles=Titles(
            flow="All 28 first-phase councils could be analysed",
            balance="Matching made the councils alike in five of six characteristics",
            overlap="Most programme councils have comparison councils with a like score",
            effects="No outcome shows an effect that the trend before does not explain",
        ),
        summary=summary(),
        strength=strength(),
        outcomes=(
            absence(),
            offending(),
            absent("asb_incidents", "Anti-social behaviour", "Anti-social behaviour"),
            absent("out_of_work_benefit", "Out-of-work benefits", "Employment"),
            *others(),
        ),
        flow=flow(),
        balance=balance(),
        overlap=Overlap(
            edges=(-4, -3, -2, -1, 0, 1, 2),
            treated=tuple(number(v) for v in (0, 7.1, 21.4, 39.3, 25.0, 7.1)),
            comparison=tuple(number(v) for v in (14.3, 22.6, 31.0, 21.4, 9.5, 1.2)),
            axis="Linear predictor of joining",
            sentence="All but two programme councils have at least three comparison councils within 0.2 standard deviations of their score.",
        ),
        event_studies=(
            event_study("unauthorised_absence_rate", "Unauthorised absence", -0.05, 0.2),
            event_study("looked_after_offending", "Looked-after children", 0.1, 1.9),
        ),
        trends=(trend("unauthorised_absence_rate", "Unauthorised absence", 1.6), trend("looked_after_offending", "Convictions and cautions", 7.9)),
        placebos=placebos(),
        checks=checks(),
        warnings=(Warned(code="SERIES_BREAK", sentence="Absence was counted over five half terms until 2011/12 and over six from 2012/13."),),
        tables=tables(),
        methods=(
            (
                "Design",
                "Matched difference in differences with councils as units. Comparison councils are chosen on deprivation, size and "
                "type before April 2011.\n\n"
                "The base year is 2009/10. School year 2010/11 is part-treated and left out.",
            ),
            ("Inference", "Standard errors are clustered on 16 areas; the area's own gap stands beside 999 placebo areas."),
        ),
        limits=(
            "It cannot say what happened to single families.",
            "It cannot say what the programme did after April 2012.",
            "It cannot speak about outcomes that were not published.",
        ),
        glossary=GLOSSARY,
    )


def absence() -> OutcomeResult:
    """A fall that the trend before explains."""
    return result_of(
        "unauthorised_absence_rate",
        "Unauthorised absence",
        "Truancy",
        unit="per cent of sessions",
        verdict="explained_by_trend",
        title="Unauthorised absence fell, but the fall is explained by the trend before",
        sentence=(
            "The gap to similar councils narrowed by 0.2 percentage points in 2011/12 (95% interval \u22120.4 to +0.0), no more "
            "than the trend before the programme implies."
        ),
        before=number(1.42, 2),
        after=number(1.21, 2),
        before_after=number(-0.21, 2, True),
        effect=interval(-0.18, 0.2, "clustered on 16 areas", 2),
        comparison_level=number(1.39, 2),
        detectable=number(0.28, 2),
        n_treated=number(28, 0),
        n_comparison=number(84, 0),
        detectable_sentence=(
            "An effect of 0.28 percentage points or more would have been seen in 8 of 10 such studies. About 30 families among "
            "40,000 pupils cannot move the rate by that much."
        ),
        payment_by_results_note="There was no payment by results in 2011/12.",
    )


def offending() -> OutcomeResult:
    """An outcome in which nothing was detectable."""
    return result_of(
        "looked_after_offending",
        "Looked-after children convicted or cautioned",
        "Offending",
        unit="per cent of children looked after",
        before=number(8.1),
        after=number(7.0),
        before_after=number(-1.1, 1, True),
        effect=interval(0.4, 2.1, "clustered on 16 areas"),
        comparison_level=number(6.6),
        detectable=number(3.0),
        n_treated=number(26, 0),
        n_comparison=number(78, 0),
        sentence=(
            "Convictions and cautions changed by +0.4 percentage points against similar councils (95% interval \u22121.7 to "
            "+2.5), which the data cannot tell from none."
        ),
        detectable_sentence="An effect of 3.0 percentage points or more would have been seen in 8 of 10 such studies.",
    )


def others() -> tuple[OutcomeResult, ...]:
    """Two secondary outcomes."""
    return (
        result_of(
            "overall_absence_rate",
            "Overall absence",
            "Truancy",
            unit="per cent of sessions",
            primary=False,
            before=number(6.31, 2),
            after=number(5.42, 2),
            before_after=number(-0.89, 2, True),
            effect=interval(0.05, 0.31, "clustered on 16 areas", 2),
            comparison_level=number(5.37, 2),
            detectable=number(0.44, 2),
            n_treated=number(28, 0),
            n_comparison=number(84, 0),
        ),
        result_of(
            "permanent_exclusion_rate",
            "Permanent exclusions",
            "Truancy",
            unit="per 10,000 pupils",
            change_unit="per 10,000 pupils",
            primary=False,
            before=number(9.1),
            after=number(7.4),
            before_after=number(-1.7, 1, True),
            effect=interval(-0.6, 2.2, "clustered on 16 areas"),
            comparison_level=number(8.0),
            detectable=number(3.1),
            n_treated=number(28, 0),
            n_comparison=number(84, 0),
        ),
    )


def balance() -> tuple[BalanceLine, ...]:
    """Six characteristics before and after matching."""
    return tuple(
        BalanceLine(
            covariate=name,
            before=number(b, 2),
            after=number(a, 2),
            variance_ratio_before=number(1.4, 2),
            variance_ratio_after=number(1.1, 2),
            mean_treated=number(m),
            mean_comparison_before=number(m - 3 * b),
            mean_comparison_after=number(m - 3 * a),
        )
        for name, b, a, m in (
            ("Deprivation score 2010", 0.92, 0.08, 31.2),
            ("Pupils in secondary schools (thousands)", 0.34, -0.05, 22.1),
            ("Children looked after per 10,000", 0.61, 0.12, 74.0),
            ("London borough", -0.22, 0.0, 0.2),
            ("Metropolitan district", 0.71, 0.03, 0.5),
            ("Share of pupils eligible for free school meals, January 2008", 0.66, 0.06, 20.4),
        )
    )


def summary() -> Summary:
    """What page one says."""
    return Summary(
        headline="No effect of the first phase on school absence can be told apart from the trend before it.",
        paragraphs=(
            "This report compares 28 first-phase councils (16 areas), among them the ten of Greater Northmere, with 84 similar "
            "councils, in the one clean year, 2011/12. "
            "About 30 families were helped in Northmere.",
        ),
        findings=(
            "Unauthorised absence: the gap narrowed by 0.2 percentage points, no more than the trend before implies.",
            "Looked-after children convicted or cautioned: no detectable effect (+0.4 points, \u22121.7 to +2.5).",
            "Anti-social behaviour and out-of-work benefits: not available in published data.",
        ),
        could_have_seen=(
            "An effect of 0.28 percentage points on unauthorised absence. Thirty families cannot move a whole council's rate by "
            "that much, even if every problem had ended."
        ),
        payment_by_results="None was paid in the first phase.",
        value="Not computed: without a detectable effect there is no benefit to value.",
        caveats=(
            "The gap was closing before the programme began",
            "Every council had the national programme from April 2012, so only one year is clean",
            "Councils were chosen, not drawn by lot",
        ),
        next_steps=("Link family records to see the families themselves", "Keep the list of families of 2011"),
    )


def strength() -> Strength:
    """One point of five, and why."""
    return Strength(
        score=1,
        label="weak",
        points=(
            StrengthPoint(criterion="Design", lost=1, reason="Councils were matched, not assigned by lot."),
            StrengthPoint(criterion="Size", lost=1, reason="With 16 areas only an effect of 0.28 points could be seen."),
            StrengthPoint(criterion="Balance", lost=0, reason="Five of six characteristics lie within 0.1."),
            StrengthPoint(criterion="Trend before", lost=2, reason="The gap was closing before the programme began."),
        ),
    )


def flow() -> tuple[FlowLine, ...]:
    """From all councils to those analysed."""
    return (
        FlowLine(label="Councils in England, 2011", count=number(152, 0)),
        FlowLine(label="Reorganised in 2009", count=number(12, 0), reason="no comparable series before", level=1),
        FlowLine(label="Too small", count=number(2, 0), reason="fewer than 5,000 pupils", level=1),
        FlowLine(label="Councils with a complete series", count=number(138, 0)),
        FlowLine(label="Not chosen", count=number(26, 0), reason="no programme council near in score", level=1),
        FlowLine(label="Analysed: 28 programme and 84 comparison councils", count=number(112, 0)),
    )


def placebos() -> tuple[Placebo, ...]:
    """Gaps of the area beside those of placebo areas."""
    return (
        Placebo(
            outcome="unauthorised_absence_rate",
            label="Unauthorised absence",
            title="Greater Northmere lies inside the range of placebo areas",
            gap=number(-0.12, 2, True),
            lower=number(-0.4, 2, True),
            upper=number(0.37, 2, True),
            n_placebo=999,
            sentence="A gap as large as that of Greater Northmere arose in 41 of 100 areas of the same size that had no programme.",
        ),
        Placebo(
            outcome="looked_after_offending",
            label="Looked-after children convicted or cautioned",
            title="Greater Northmere lies inside the range of placebo areas",
            gap=number(2.1, 1, True),
            lower=number(-2.6, 1, True),
            upper=number(2.4, 1, True),
            n_placebo=999,
            sentence="So large a gap arose in 9 of 100 placebo areas.",
        ),
    )


def checks() -> tuple[Check, ...]:
    """Checks of each verdict."""
    return (
        Check(
            name="Trend before",
            outcome="Unauthorised absence",
            verdict="failed",
            sentence="The gap fell in each of three years; the joint test rejects level trends.",
        ),
        Check(name="Dip before entry", outcome="Unauthorised absence", verdict="passed", sentence="No dip in 2009/10."),
        Check(
            name="Placebo date",
            outcome="Unauthorised absence",
            verdict="failed",
            sentence="A start in 2008/09 would also have shown an effect of 0.1 points.",
        ),
        Check(name="Leave one area out", outcome="", verdict="information", sentence="Estimates lie between \u22120.15 and \u22120.21 points."),
        Check(
            name="Trend before",
            outcome="Looked-after children convicted or cautioned",
            verdict="not testable",
            sentence="No held-out year exists.",
        ),
    )


def tables() -> tuple[TableContent, ...]:
    """A table with nine columns, and one with sixteen rows."""
    return (
        TableContent(
            id="base_period",
            title="The estimate with other base years",
            columns=("Outcome", "2006/07", "2007/08", "2008/09", "2009/10", "Mean of all", "Matched", "Not matched", "Difference"),
            rows=(("Unauthorised absence", *(f"\u22120.{n}" for n in range(1, 9))), ("Looked-after children", *(f"0.{n}" for n in range(1, 9)))),
            notes=("The plan's base is 2009/10.",),
        ),
        TableContent(
            id="areas",
            title="All sixteen areas",
            columns=("Area", "Councils", "Gap", "95 in 100 placebo areas"),
            rows=tuple((f"Area {n}", str(1 + 9 * (n == 7)), f"\u22120.{n:02d}", "\u22120.40\u00a0to\u00a00.37") for n in range(1, 17)),
        ),
    )
