"""Disclosure rules as named profiles: thresholds, rounding, and the sentence that a report prints about them.

Thresholds count people and families, never councils or schools. A plan names one profile, or those of all owners of its data: then the strictest
of each parameter is in force (`rule_of`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

PEOPLE = ("families", "people", "children", "adults")  # what thresholds count
ZEROS = ("shown", "judged", "hidden")  # from lax to strict
NARROWEST = 5  # integers: a small group must be hidden in an interval at least this wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A disclosure profile.

    Attributes
    ----------
    threshold : int
        Smallest number of people or families behind any number that may be shown; 0 for open statistics.
    base : int
        Counts of people or families are rounded to a multiple of it; 1 leaves them.
    zeros : 'shown', 'judged' or 'hidden'
        A count of nobody: shown, shown unless it says that nobody (or everybody) in a known group has an attribute, or hidden as any small count.
    cohort : int
        Fewest people behind an average or an effect; never below the threshold.
    degrees_of_freedom : int
        Fewest residual degrees of freedom behind a regression.
    largest, two_largest : float
        Largest share of a total that one and that two contributors may have.
    note : str
        What is recalled or stands in for a rule that is not copied; '' where the rule was read at its source.
    sentence : str
        The rule, as printed in reports; made from the parameters where it is left out.
    """

    name: str
    threshold: int
    base: int
    zeros: str = "judged"
    cohort: int = 0
    degrees_of_freedom: int = 10
    largest: float = 0.4375
    two_largest: float = 0.86
    note: str = ""
    sentence: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cohort", max(self.cohort, self.threshold))
        object.__setattr__(self, "sentence", self.sentence or in_words(self))

    @property
    def protects(self) -> bool:
        """Whether anything is protected: not for open statistics."""
        return self.threshold > 0


def in_words(profile: Profile) -> str:
    """A rule as a report prints it."""
    zero = {"shown": "", "judged": ", and so are none or all of a group", "hidden": " (none included)"}[profile.zeros]
    rounded = f"others are rounded to the nearest {profile.base}" if profile.base > 1 else "others are shown as they are"
    return (
        f"Counts of families and people under {profile.threshold}{zero if profile.zeros == 'hidden' else ''} are not shown ([c])"
        f"{zero if profile.zeros == 'judged' else ''}; {rounded}. Percentages are computed from rounded counts, averages and effects need at least"
        f" {profile.cohort} families on each side, and standard errors are kept to two figures."
    )


PUBLISHED = "The data are published, rounded and suppressed by their publishers where they saw need; no further threshold applies here."
RULES = {
    profile.name: profile
    for profile in (
        Profile(name="ten_five", threshold=10, base=5),
        Profile(
            name="published",
            threshold=0,
            base=1,
            zeros="shown",
            degrees_of_freedom=0,
            largest=1.0,
            two_largest=1.0,
            sentence=PUBLISHED,
        ),
        Profile(name="ons_srs", threshold=10, base=1),
        Profile(name="uk_llc", threshold=10, base=1, zeros="hidden"),
        Profile(name="opensafely", threshold=8, base=5, zeros="hidden", note="The wording about counts of 5 to 7 was changed in August 2025: check."),
        Profile(name="nhs_hes", threshold=8, base=5, zeros="shown"),
        Profile(name="dfe_legacy", threshold=3, base=1, zeros="shown", note="The old rule for exclusions; the present symbol is c."),
        Profile(name="dwp_statxplore", threshold=10, base=5, note="The random error that Stat-Xplore adds is not copied: rounding stands in for it."),
        Profile(name="moj", threshold=10, base=5, cohort=60, note="A smallest cohort of about 60 (Justice Data Lab) is recalled, not verified."),
    )
}
OWNERS = {"mhclg": ("dfe_legacy", "moj", "dwp_statxplore", "ten_five")}  # no rule of its own was found: the strictest of the data's owners


def rule_of(names: str | Sequence[str]) -> Profile:
    """The rule in force: one profile, or the strictest of each parameter of several.

    >>> rule_of("ten_five").threshold, rule_of(("opensafely", "ons_srs")).threshold, rule_of(("opensafely", "ons_srs")).zeros
    (10, 10, 'hidden')
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    profiles = [RULES[part] for name in asked for part in OWNERS.get(name, (name,))]
    if len(profiles) == 1:
        return profiles[0]
    strict = [profile for profile in profiles if profile.protects] or profiles[:1]
    return Profile(
        name="+".join(dict.fromkeys(asked)),
        threshold=max(profile.threshold for profile in strict),
        base=math.lcm(*(profile.base for profile in strict)),
        zeros=max((profile.zeros for profile in strict), key=ZEROS.index),
        cohort=max(profile.cohort for profile in strict),
        degrees_of_freedom=max(profile.degrees_of_freedom for profile in strict),
        largest=min(profile.largest for profile in strict),
        two_largest=min(profile.two_largest for profile in strict),
        note=" ".join(dict.fromkeys(profile.note for profile in strict if profile.note)),
        sentence=strict[0].sentence if not strict[0].protects else "",
    )
