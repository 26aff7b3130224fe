"""A small appraisal that can be checked by hand."""

from __future__ import annotations

import numpy as np

from evaluation.locations import project_file
from evaluation.periods import Periods
from evaluation.value import Case, JointEffects, independent, read_price_book

BOOK = read_price_book(project_file("data_dictionary"))
QUARTERS = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
OUTCOMES = ("offences", "out_of_work_benefit")


def case(**changed) -> Case:
    """100 matched families that all joined in 2012-Q2, followed in quarters 1 to 4; 0.9 of them have an adult of working age."""
    given = dict(
        book=BOOK, price_year="2014/15", outcomes={"offences": (), "out_of_work_benefit": ()}, saves=dict.fromkeys(OUTCOMES, -1),
        people={"out_of_work_benefit": 0.9}, periods=QUARTERS, entries=np.array([QUARTERS.index("2012-Q2")]), weights=np.array([100.0]),
        window=(1, 4), costs={"2012/13": (100_000.0, "2012/13"), "2013/14": (20_000.0, "2013/14")},
    )  # fmt: skip
    return Case(**{**given, **changed})


def effects(offences: float = -0.05, benefit: float = -2.0, errors: tuple[float, float] = (0.02, 1.5), df: float = 99.0) -> JointEffects:
    """0.05 offences a family and quarter fewer, and 2 percentage points fewer families on benefit."""
    return independent(OUTCOMES, (offences, benefit), errors, df)
