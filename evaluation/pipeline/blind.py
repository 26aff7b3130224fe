"""Matching alone: who is compared with whom and how alike they are, before any outcome after joining is opened."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evaluation.findings.compared import REASONS
from evaluation.matching.sample import MatchedSample


def match_only(plan_path: Path) -> Iterator[str]:
    """Match by a plan and say what came of it, line by line. Counts are for those inside, not for publication.

    Raises
    ------
    EvaluationError
        Something the user can mend.
    """
    from evaluation.pipeline.choices import matcher
    from evaluation.pipeline.receive import build_panel, receive
    from evaluation.pipeline.recipe import main_comparison, received_in_words
    from evaluation.pipeline.run import checked_plan
    from evaluation.pipeline.sealing import seal

    plan, dictionary = checked_plan(plan_path, ())
    with tempfile.TemporaryDirectory(prefix="evaluation-match-") as name:
        room = Path(name)
        tables = receive(plan, Path(plan_path).parent, dictionary, room)
        yield received_in_words(tables)
        sample = matcher(plan).fit(main_comparison(plan, seal(build_panel(tables, plan, dictionary), plan, room)))
    yield from described(sample, many={"family": "families", "person": "people", "school": "schools", "council": "councils"}[plan.unit])
    yield "No outcome after joining was opened. To fix the plan: evaluation plan lock " + str(plan_path)


def described(sample: MatchedSample, *, many: str) -> Iterator[str]:
    """A matched sample in lines: sizes, who was left out, balance of each covariate."""
    yield (
        f"{sample.n_treated:,} of {sample.n_treated + len(sample.dropped):,} programme {many} matched with {len(np.unique(sample.comparison_unit)):,}"
        f" comparison {many} (effective number {sample.effective_sample_size():,.0f})"
    )
    for reason, count in sample.dropped["reason"].value_counts(sort=False).sort_index().items():
        yield f"  not matched: {count:,}, {REASONS.get(reason, reason)}"
    yield f"  {'covariate':<34} {'smd before':>10} {'smd after':>10} {'variance ratio after':>21}"
    for row in sample.balance.itertuples():
        ratio = f"{row.variance_ratio_after:21.2f}" if np.isfinite(row.variance_ratio_after) else f"{'binary':>21}"
        yield f"  {row.covariate:<34} {row.smd_before:>+10.3f} {row.smd_after:>+10.3f} {ratio}"
