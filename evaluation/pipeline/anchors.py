"""Published answers worked out anew on this installation, so that a reader knows that the code in use still gives them.

What was published, and how near the answer must come, stands in `data_dictionary/anchors.yml`. Data of others that are not shipped are read from the
folder of published data; without it those answers are 'not run', never 'passed'.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from evaluation.errors import EvaluationError
from evaluation.locations import open_data_folder, project_file

Verdict = Literal["passed", "failed", "not run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A published answer.

    Attributes
    ----------
    kind : str
        Which entry of `KINDS` works it out.
    given : mapping
        What that takes.
    within : float
        How near the answer must come.
    """

    name: str
    kind: str
    given: Mapping[str, object]
    published: float
    within: float
    unit: str
    what: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorFound:
    """A published answer beside the one found here; `found` is NaN, with the reason, where it could not be worked out.

    Attributes
    ----------
    there : bool
        Whether the data for it are on this machine.
    """

    anchor: Anchor
    found: float
    reason: str = ""
    there: bool = True

    @property
    def verdict(self) -> Verdict:
        """Whether both agree."""
        if not self.there:
            return "not run"
        return "passed" if abs(self.found - self.anchor.published) <= self.anchor.within + 1e-12 * abs(self.anchor.published) else "failed"


def read_anchors() -> tuple[Anchor, ...]:
    """The answers listed in the data dictionary."""
    return tuple(Anchor(**one) for one in _content()["anchors"])


@cache
def check_anchors() -> tuple[AnchorFound, ...]:
    """Every published answer worked out anew, once a process."""
    return tuple(found_of(anchor) for anchor in read_anchors())


def found_of(anchor: Anchor) -> AnchorFound:
    """One answer worked out anew; what is missing for it is told, not raised."""
    try:
        return AnchorFound(anchor=anchor, found=float(KINDS[anchor.kind](**anchor.given)))
    except FileNotFoundError:
        return AnchorFound(anchor=anchor, found=float("nan"), reason="the published data are not on this machine", there=False)
    except EvaluationError as fault:
        return AnchorFound(anchor=anchor, found=float("nan"), reason=str(fault))


def _content() -> dict:
    return yaml.safe_load(project_file("data_dictionary").joinpath("anchors.yml").read_text(encoding="utf-8"))


def lalonde(*, pool: str) -> float:
    """Difference in mean earnings between the treated and one comparison group."""
    from evaluation.models import UnmatchedLevels, overall
    from evaluation.pipeline.receive import of_pool

    return overall(UnmatchedLevels(window=(-2, 2), anticipation=0).fit(of_pool(_lalonde_panel(), pool), "annual_earnings"), quarters=(2, 2)).estimate


@cache
def _lalonde_panel():
    from evaluation.dictionary import load_dictionary
    from evaluation.pipeline.receive import build_panel, receive
    from evaluation.plan import read_plan

    path = project_file("studies/lalonde/plan.yml")
    plan, dictionary = read_plan(path), load_dictionary()
    if not (open_data_folder() / "lalonde").is_dir():
        raise FileNotFoundError("lalonde")
    with tempfile.TemporaryDirectory(prefix="evaluation-anchor-") as room:
        return build_panel(receive(plan, path.parent, dictionary, Path(room)), plan, dictionary)


def group_time(*, number: str) -> float:
    """The simple average of group-time effects on the minimum-wage data, or its analytic standard error by county."""
    from evaluation.models import GroupTimeATT
    from evaluation.models.summaries import average, estimated

    effects = GroupTimeATT(control="never").fit(_minimum_wage(), "y").each_unit()
    after = estimated(effects) & (effects.cells["event_time"].to_numpy() >= 0)
    found = average(effects, after)
    by_unit = np.bincount(effects.rows["unit"].to_numpy(), weights=found.contribution)
    return {"estimate": found.value, "std_error": float(np.sqrt((by_unit**2).sum()))}[number]


@cache
def _minimum_wage():
    import pandas as pd

    from evaluation.panel.types import NEVER, Panel
    from evaluation.periods import Periods

    raw = pd.read_csv(open_data_folder() / "mpdta" / "mpdta.csv")
    first, wide = int(raw["year"].min()), raw.pivot(index="countyreal", columns="year", values="lemp")
    joined = raw.groupby("countyreal")["first.treat"].first().to_numpy()
    names = wide.index.astype(str)
    units = pd.DataFrame({"unit_id": names, "council_code": "", "area": names, "pool": "", "entry": np.where(joined > 0, joined - first, NEVER),
                          "eligible_from": 0, "eligible_to": wide.shape[1] - 1})
    periods = Periods(kind="year", first=first, last=first + wide.shape[1] - 1)
    return Panel(unit="council", periods=periods, units=units, outcomes={"y": wide.to_numpy()})


def fee(*, families: int) -> float:
    """What the first Troubled Families framework pays when every family of a target is turned around."""
    from evaluation.payment_by_results import read_framework
    from evaluation.payment_by_results.fees import full_payment

    return float(full_payment(read_framework(project_file("data_dictionary") / "payment_by_results" / "troubled_families_2012.yml"), families))


def turned_around(*, routes: Mapping[str, int]) -> float:
    """Families turned around: results of both routes."""
    from evaluation.payment_by_results.fees import turned_around as added_up

    return added_up(routes)


def discount(*, years: int) -> float:
    """What a pound so many years ahead is worth now."""
    from evaluation.value.discounting import read_discount_rates

    return read_discount_rates(project_file("data_dictionary") / "discount_rates.csv").factor(years)


def honest(*, restriction: str, bound: float, end: str) -> float:
    """One end of a robust interval for the first period after, in the Medicaid example."""
    from evaluation.models.honest import relative_magnitudes, smoothness
    from evaluation.models.honest_path import EventPath

    given = _content()["medicaid"]
    half = given["covariance"]
    covariance = np.array([[half[max(i, j)][min(i, j)] for j in range(len(half))] for i in range(len(half))])
    path = EventPath(before=np.arange(-5, 0), after=np.arange(1, 3), base=0, estimates=np.array(given["estimates"]), covariance=covariance,
                     weights=np.array([1.0, 0.0]))
    return float(getattr({"relative": relative_magnitudes, "smooth": smoothness}[restriction](path, [bound]), end)[0])


def rosenbaum(*, gamma: float) -> float:
    """The largest p value of the signed-rank test under a hidden difference, by its normal form, for the pairs of the lead example."""
    from evaluation.models.rosenbaum_tails import normal_rank_tail, ranks

    given = _content()["lead"]
    difference = np.array(given["exposed"], dtype=float) - np.array(given["control"])
    difference = difference[difference != 0]
    rank = ranks(np.abs(difference))
    return normal_rank_tail(rank, rank[difference > 0].sum(), gamma / (1 + gamma))


KINDS: dict[str, Callable[..., float]] = {one.__name__: one for one in (lalonde, group_time, fee, turned_around, discount, honest, rosenbaum)}
