"""A simulated twin of a study: its own plan on simulated families, drawn from the dictionary and what the release published; no row is looked at."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

from evaluation.disclosure.release import OutcomeResult, ReportContent
from evaluation.disclosure.rules import Profile
from evaluation.plan import Plan
from evaluation.simulate.world import DEFAULT_EFFECTS

UNITS = ("family",)
LEAST_FAMILIES = 45  # of a council, as the simulation spreads them
SHARE = 0.4  # of families that join, where the release does not tell
GROUP = "families in the panel"


def twin_plan(given: Mapping[str, object], contents: Sequence[ReportContent], profile: Profile) -> dict[str, object]:
    """The plan of a twin: families by council as large as the release says, effects as large as it found.

    Parameters
    ----------
    given : mapping
        The plan as it was given.
    contents : sequence of ReportContent
        The protected reports. A council whose size is hidden has as many families that join as the threshold.
    """
    plan = copy.deepcopy(dict(given))
    share = share_joining(contents)
    joined = {content.council.code: size_of(content, profile) for content in contents if content.council.code != "all"}
    plan["study"], plan["title"] = f"{plan['study']}_twin", f"{plan['title']} (simulated twin)"
    plan["data"] = {
        "kind": "simulated",
        "families": {code: max(round(number / share), LEAST_FAMILIES) for code, number in joined.items()},
        "joined": joined,
        "effects": effects_of(contents),
    }
    if "joining" in given["data"]:
        plan["data"]["joining"] = given["data"]["joining"]
    plan["programme"] = plan["programme"] | {"councils": [code for code in given["programme"].get("councils", ()) if code in joined]}
    plan["report"] = plan["report"] | {"simulated": True}
    return plan


def why_no_twin(plan: Plan) -> str:
    """Why a plan has no simulated twin; '' where it has one."""
    if plan.unit not in UNITS:
        return "The data of this study are published: take them from their publishers, and run plan.yml."
    if any(place.small_areas for place in plan.programme.places):
        return "There is no simulated twin: the plan names small areas, which simulated records do not have."
    return ""


def share_joining(contents: Sequence[ReportContent]) -> float:
    """Programme families among all in the panel, from the published flow."""
    counts = {line.label.lower(): line.count.value for line in contents[0].flow if line.level == 0}
    everyone = counts.get(GROUP)
    joined = next((value for name, value in counts.items() if "programme" in name and "matched" not in name), None)
    return min(max(joined / everyone, 0.05), 0.9) if everyone and joined else SHARE


def size_of(content: ReportContent, profile: Profile) -> int:
    """Programme families of a council: the most that stand behind one of its published effects."""
    shown = [result.n_treated.value for result in content.outcomes if result.n_treated is not None and result.n_treated.value is not None]
    return int(max(shown, default=max(profile.threshold, 1)))


def effects_of(contents: Sequence[ReportContent]) -> dict[str, float]:
    """Published effects as relative changes, averaged over reports by their families, for the outcomes that the simulation can move."""
    found = {}
    for name in DEFAULT_EFFECTS:
        relative = [one for content in contents for result in content.outcomes if result.outcome == name and (one := relative_of(result))]
        if relative:
            total = sum(weight for _, weight in relative)
            found[name] = round(min(max(sum(value * weight for value, weight in relative) / total, -1.0), 1.0), 2)
    return found


def relative_of(result: OutcomeResult) -> tuple[float, float] | None:
    """Effect over the level without the programme, and the families behind it; None where one is not shown."""
    effect, level, size = (one and one.value for one in (result.effect and result.effect.estimate, result.comparison_level, result.n_treated))
    return None if effect is None or not level or not size else (effect / level, size)
