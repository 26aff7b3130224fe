"""Parts of made-up releases: numbers that mean nothing, for places that do not exist."""

from __future__ import annotations

from evaluation.disclosure.release import EventPoint, EventStudy, OutcomeResult, Shown, ShownInterval, Study, Trend, TrendLine

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


def event_study(outcome: str, label: str, drift: float, half: float) -> EventStudy:
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


def trend(outcome: str, label: str, start: float) -> Trend:
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


def result_of(outcome: str, label: str, domain: str, **changes) -> OutcomeResult:
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


def absent(outcome: str, label: str, domain: str) -> OutcomeResult:
    return result_of(
        outcome,
        label,
        domain,
        status="not_available",
        verdict="none",
        title=f"{label}: not available in published data",
        sentence="No council-level series covers the years before April 2011, so nothing can be said about this outcome.",
    )
