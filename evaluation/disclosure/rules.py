"""Disclosure rules as named profiles: thresholds, rounding, and the sentence that a report prints about them.

Thresholds count people and families, never councils or schools.
"""

from __future__ import annotations

from dataclasses import dataclass

PEOPLE = ("families", "people", "children", "adults")  # what thresholds count


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A disclosure profile.

    Attributes
    ----------
    threshold : int
        Smallest number of people or families behind any number that may be shown; 0 for open statistics.
    base : int
        Counts of people or families are rounded to a multiple of it; 1 leaves them.
    sentence : str
        The rule, as printed in reports.
    """

    name: str
    threshold: int
    base: int
    sentence: str


RULES = {
    "ten_five": Profile(
        name="ten_five",
        threshold=10,
        base=5,
        sentence=(
            "Counts of families and people under 10 are not shown ([c]); others are rounded to the nearest 5. Percentages are computed from rounded "
            "counts, averages and effects need at least 10 families on each side, and standard errors are kept to two figures."
        ),
    ),
    "published": Profile(
        name="published",
        threshold=0,
        base=1,
        sentence=(
            "The data are published, rounded and suppressed by their publishers where they saw need; no further threshold applies here."
        ),
    ),
}
