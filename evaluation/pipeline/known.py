"""What is known of a programme from publications, and what was simulated in place of records that are not public."""

from __future__ import annotations

from evaluation.disclosure.release import TableContent
from evaluation.plan import Plan


def published_table(plan: Plan) -> tuple[TableContent, ...]:
    """The plan's published figures with their sources; none where it gives none."""
    if not plan.published:
        return ()
    return (
        TableContent(
            id="published",
            title="What was published about the programme",
            columns=("What", "Figure", "Source"),
            rows=tuple((one.what, one.figure, one.source) for one in plan.published),
            notes=("Carried from the sources named, which this evaluation did not check against records.",),
        ),
    )


def effects_simulated(plan: Plan) -> bool:
    """Whether some effect of the programme was put into simulated records."""
    return plan.data.effects is None or any(plan.data.effects.values())


def simulated_sentence(plan: Plan) -> str:
    """That a study of published numbers rests on simulated families, and with what effect; '' for other studies."""
    if plan.data.kind != "simulated" or not plan.published:
        return ""
    put_in = "with a known effect" if effects_simulated(plan) else "without any effect"
    return f"Records of the real families are not public: these are simulated at the published numbers, {put_in}. "


def simulated_caveats(plan: Plan, verdicts: tuple[str, ...]) -> tuple[str, ...]:
    """That differences found where none was put in are chance."""
    if plan.data.kind != "simulated" or effects_simulated(plan) or not set(verdicts) & {"better", "worse"}:
        return ()
    return ("No effect was put into these simulated records: an outcome that came out better or worse did so by chance.",)
