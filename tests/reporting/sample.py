"""Made-up releases for tests of the reporting: places that do not exist, numbers that mean nothing."""

from __future__ import annotations

from evaluation.disclosure.release import (
    BalanceLine,
    BesideCouncils,
    BesidePoint,
    Check,
    Council,
    EventPoint,
    EventStudy,
    FlowLine,
    OutcomeResult,
    Overlap,
    PaymentResults,
    PaymentShare,
    Placebo,
    Populations,
    ReportContent,
    Shown,
    ShownInterval,
    Spread,
    Strength,
    StrengthPoint,
    Study,
    Summary,
    TableContent,
    Titles,
    Trend,
    TrendLine,
    Warned,
)
from evaluation.reporting import beside, council, national, outcome_page, payment_page, reach_page, trust, value_page
from evaluation.reporting.blocks import Block

HELD = Shown(value=None, text="[c]", symbol="[c]")
YEARS = (
    "2006/07",
    "2007/08",
    "2008/09",
    "2009/10",
    "2010/11",
    "2011/12",
    "2012/13",
    "2013/14",
    "2014/15",
    "2015/16",
    "2016/17",
    "2017/18",
    "2018/19",
)
GLOSSARY = (
    ("Comparison council", "A council outside the first phase that was like a programme council before 2011."),
    ("Matched", "Chosen so that measured characteristics are alike before the programme."),
    ("Placebo area", "A group of councils outside the programme, treated in the computation as if it had been inside."),
    ("Standardised difference", "Difference of two means, divided by the standard deviation of the programme group."),
    ("Trend before", "How the gap between the groups moved before the programme began."),
)


def number(value: float, decimals: int = 1, sign: bool = False) -> Shown:
    return Shown(value=round(value, decimals), text=f"{value:+,.{decimals}f}" if sign else f"{value:,.{decimals}f}")


def interval(estimate: float, half: float, method: str, decimals: int = 1) -> ShownInterval:
    return ShownInterval(
        estimate=number(estimate, decimals, True),
        lower=number(estimate - half, decimals, True),
        upper=number(estimate + half, decimals, True),
        method=method,
    )


def study(**changes) -> Study:
    return Study(
        **(
            {
                "name": "community_budgets_2011",
                "title": "Community Budgets for families with complex needs, first phase",
                "question": "Did pupils in the first 28 councils miss less school than pupils in similar councils?",
                "programme": "Community Budgets, first phase, from April 2011",
                "unit": "council",
                "unit_plural": "councils",
                "simulated": False,
                "date": "2026-11-24",
                "reference": "CB-2011-01",
                "source_line": "Department for Education, pupil absence in schools in England, 2006/07 to 2018/19",
                "sources": (
                    "Pupil absence in schools in England, 2006/07 to 2018/19, Department for Education, Open Government Licence v3.0.",
                    "Index of Multiple Deprivation 2010, Department for Communities and Local Government, Open Government Licence v3.0.",
                ),
                "disclosure_rule": "All numbers come from published statistics; no threshold applies to councils.",
                "plan_hash": "3f" * 32,
                "analysis_hash": "a7" * 32,
                "seed": 20261124,
                "versions": (("evaluation", "0.1.0"), ("numpy", "2.4.0"), ("duckdb", "2.0.1"), ("python", "3.11.7")),
            }
            | changes
        )
    )


def _event(outcome: str, label: str, drift: float, half: float) -> EventStudy:
    phases = ("before",) * 3 + ("base", "left_out", "after") + ("later",) * 7
    points = tuple(
        EventPoint(
            event_time=j - 5,
            label=year,
            phase=phase,
            estimate=number(drift * (j - 3) + 0.04 * (-1) ** j * (j != 3), 2, True),
            lower=number(drift * (j - 3) - half * (j != 3), 2, True),
            upper=number(drift * (j - 3) + half * (j != 3), 2, True),
        )
        for j, (year, phase) in enumerate(zip(YEARS, phases, strict=True))
    )
    return EventStudy(
        outcome=outcome,
        label=label,
        title="The gap was already closing before the programme began",
        subtitle="Gap between first-phase and matched comparison councils, percentage points, 2009/10 set to zero",
        points=points,
        pre_trend=(
            "The gap fell in each of the three years before 2010/11 (joint test fails; it would have found a drift of 0.08 "
            "points a year in 8 of 10 studies)."
        ),
        later_note=(
            "From 2012/13 every council had the national programme, so later points compare an early start with a later start and are not the effect."
        ),
    )


def _trend(outcome: str, label: str, start: float) -> Trend:
    def line(name: str, shift: float, slope: float) -> TrendLine:
        return TrendLine(name=name, values=tuple(number(start + shift - slope * j + 0.05 * ((j * 7) % 3), 2) for j in range(len(YEARS))))

    return Trend(
        outcome=outcome,
        label=label,
        title=f"{label} fell everywhere, in councils inside and outside the programme",
        subtitle="Per cent of half-day sessions missed",
        periods=YEARS,
        lines=(line("First-phase councils", 0.25, 0.06), line("Matched comparison councils", 0.05, 0.045), line("Northmere", 0.4, 0.09)),
        marks=(
            (4, "April 2011, the programme begins; 2010/11 is part-treated and left out"),
            (6, "April 2012, the national programme reaches all councils; absence counted over six half terms instead of five"),
        ),
    )


def _result(outcome: str, label: str, domain: str, **changes) -> OutcomeResult:
    return OutcomeResult(
        **(
            {
                "outcome": outcome,
                "label": label,
                "domain": domain,
                "measure": f"{label}, as published each school year",
                "unit": "per cent",
                "change_unit": "percentage points",
                "primary": True,
                "status": "estimated",
                "verdict": "not_detectable",
                "title": f"{label}: no detectable effect",
                "sentence": f"{label} changed about as much as in similar councils.",
            }
            | changes
        )
    )


def _absent(outcome: str, label: str, domain: str) -> OutcomeResult:
    return _result(
        outcome,
        label,
        domain,
        status="not_available",
        verdict="none",
        title=f"{label}: not available in published data",
        sentence="No council-level series covers the years before April 2011, so nothing can be said about this outcome.",
    )


def council_report() -> ReportContent:
    """A first-phase council inside an area of ten, the gap explained by the trend before."""
    place = Council(
        code="E08000099",
        name="Northmere",
        region="North West",
        area="Greater Northmere",
        area_members=("Northmere", "Eastmere", "Westmere", "Southmere", "Overmere", "Undermere", "Little Mere", "Great Mere", "Meresford", "Mereham"),
    )
    absence = _result(
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
    others = (
        _result(
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
        _result(
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
    offending = _result(
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
    balance = tuple(
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
    return ReportContent(
        study=study(),
        council=place,
        titles=Titles(
            flow="All 28 first-phase councils could be analysed",
            balance="Matching made the councils alike in five of six characteristics",
            overlap="Most programme councils have comparison councils with a like score",
            effects="No outcome shows an effect that the trend before does not explain",
        ),
        summary=Summary(
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
        ),
        strength=Strength(
            score=1,
            label="weak",
            points=(
                StrengthPoint(criterion="Design", lost=1, reason="Councils were matched, not assigned by lot."),
                StrengthPoint(criterion="Size", lost=1, reason="With 16 areas only an effect of 0.28 points could be seen."),
                StrengthPoint(criterion="Balance", lost=0, reason="Five of six characteristics lie within 0.1."),
                StrengthPoint(criterion="Trend before", lost=2, reason="The gap was closing before the programme began."),
            ),
        ),
        outcomes=(
            absence,
            offending,
            _absent("asb_incidents", "Anti-social behaviour", "Anti-social behaviour"),
            _absent("out_of_work_benefit", "Out-of-work benefits", "Employment"),
            *others,
        ),
        flow=(
            FlowLine(label="Councils in England, 2011", count=number(152, 0)),
            FlowLine(label="Reorganised in 2009", count=number(12, 0), reason="no comparable series before", level=1),
            FlowLine(label="Too small", count=number(2, 0), reason="fewer than 5,000 pupils", level=1),
            FlowLine(label="Councils with a complete series", count=number(138, 0)),
            FlowLine(label="Not chosen", count=number(26, 0), reason="no programme council near in score", level=1),
            FlowLine(label="Analysed: 28 programme and 84 comparison councils", count=number(112, 0)),
        ),
        balance=balance,
        overlap=Overlap(
            edges=(-4, -3, -2, -1, 0, 1, 2),
            treated=tuple(number(v) for v in (0, 7.1, 21.4, 39.3, 25.0, 7.1)),
            comparison=tuple(number(v) for v in (14.3, 22.6, 31.0, 21.4, 9.5, 1.2)),
            axis="Linear predictor of joining",
            sentence="All but two programme councils have at least three comparison councils within 0.2 standard deviations of their score.",
        ),
        event_studies=(
            _event("unauthorised_absence_rate", "Unauthorised absence", -0.05, 0.2),
            _event("looked_after_offending", "Looked-after children", 0.1, 1.9),
        ),
        trends=(_trend("unauthorised_absence_rate", "Unauthorised absence", 1.6), _trend("looked_after_offending", "Convictions and cautions", 7.9)),
        placebos=(
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
        ),
        checks=(
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
        ),
        warnings=(Warned(code="SERIES_BREAK", sentence="Absence was counted over five half terms until 2011/12 and over six from 2012/13."),),
        tables=(
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
        ),
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


def _beside(result: OutcomeResult) -> BesideCouncils:
    """Nine councils, the report's own the seventh by families."""
    points = tuple(BesidePoint(is_own=i == 6, effect=interval(-2.0 + 0.1 * (i % 4), 0.6 + 0.1 * i, "shrunken towards the mean", 1)) for i in range(9))
    return BesideCouncils(
        outcome=result.outcome, label=result.label, change_unit=result.change_unit, points=points, n_hidden=1, mean=number(-1.9, 1, True),
        lower=number(-2.8, 1, True), upper=number(-1.0, 1, True), title="Effects on unauthorised absence differ between councils no more than chance",
        sentence="This council's effect, drawn towards the mean of all, is \u22121.8 (\u22123.0 to \u22120.6) percentage points.",
    )  # fmt: skip


def family_report() -> ReportContent:
    """Simulated families of one council, with a known effect."""
    outcomes = tuple(
        _result(
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
    phases = ("before",) * 4 + ("base",) + ("before",) * 2 + ("left_out",) + ("after",) * 8
    events = tuple(
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
            "event_studies": events,
            "titles": Titles(),
            "trends": (),
            "placebos": (),
            "summary": Summary(
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
            ),
            "beside": (_beside(outcomes[0]),),
            "flow": (
                FlowLine(label="Families referred", count=number(240, 0)),
                FlowLine(label="Joined before records begin", count=number(10, 0), reason="no history before entry", level=1),
                FlowLine(label="Families with history", count=number(230, 0)),
                FlowLine(label="Outside the caliper", count=number(15, 0), reason="no family alike", level=1),
                FlowLine(label="No comparison in the stratum", count=number(10, 0), reason="no adult of working age", level=1),
                FlowLine(label="Families analysed", count=number(205, 0)),
            ),
            "payment": payment_results(),
            "populations": populations(),
        }
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
        _result(
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


SAMPLES = {"council": council_report, "family": family_report, "held": held_report, "national": national_report}

SECTIONS = (
    council.page_one,
    council.how_to_read,
    council.who_took_part,
    council.who_is_compared,
    reach_page.who_results_speak_for,
    council.what_changed,
    national.councils_together,
    outcome_page.outcome_pages,
    council.this_area,
    beside.beside_others,
    payment_page.payment_by_results,
    value_page.value_for_money,
    trust.how_far_to_trust,
    trust.limits,
    trust.tables,
    council.methods,
    council.glossary,
    council.accessibility,
)


def blocks_from(content: ReportContent) -> tuple[Block, ...]:
    return tuple(block for section in SECTIONS for block in section(content))
