"""Whether the comparison families' share of "turned around" is what programme families would have reached without the programme.

    python -m benchmarks.results_truth [--families N] [--councils C] [--runs R] [--seed S] [--selection WHICH] [--framework NAME] [--json FILE]

Records are drawn twice with one seed: with the programme, and with every effect zero. The simulation shares its draws of what happens between the two
worlds, so the second holds what the same families would have had. Who of a family is named and what was done is drawn anew for each world's records;
so what lies before joining is taken from the first world, and what lies after it from the second. The matched comparison share of the first world is
held against the share of the same programme families, by the same rule code.

`--selection usual` is the simulation as it is: families join at a crisis, and more often where their lasting level of trouble is high, and no record
holds either. `--selection recorded` lets them join by what records hold only; then the comparison share must hit the truth at any size.
Beside it stand the share with comparison families weighted against joining (`comparison: {on_later_entry: weight}`), and the shares of families
matched on their problems alone, and on three years of earlier records too (`history: 12`).
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import argparse  # noqa: E402
import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import asdict, dataclass, replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from evaluation.dictionary import load_dictionary  # noqa: E402
from evaluation.ingest.reading import receive_extracts  # noqa: E402
from evaluation.locations import project_file  # noqa: E402
from evaluation.matching import MATCHERS  # noqa: E402
from evaluation.matching.matcher import Matcher  # noqa: E402
from evaluation.panel.families import build_families  # noqa: E402
from evaluation.panel.types import Panel  # noqa: E402
from evaluation.payment_by_results.framework import Framework, NeedEnds, read_framework  # noqa: E402
from evaluation.payment_by_results.matching import MatchedResults, match_results, matcher_of_results, panel_of_problems, staying_of, with_results  # noqa: E402
from evaluation.payment_by_results.problems import AtEntry  # noqa: E402
from evaluation.payment_by_results.reading import read_facts  # noqa: E402
from evaluation.payment_by_results.results import Rules  # noqa: E402
from evaluation.payment_by_results.shares import Shares, matched_shares  # noqa: E402
from evaluation.periods import Periods  # noqa: E402
from evaluation.simulate import DEFAULT_EFFECTS, Simulation  # noqa: E402
from evaluation.simulate.world import ENTRY  # noqa: E402

PERIODS = Periods.between("2011-Q1", "2015-Q4", kind="quarter")
COVARIATES = ("n_children", "lone_parent", "any_sen", "any_fsm", "n_needs", "criterion_crime_asb", "criterion_education", "criterion_work")
EFFECTS = {"unauthorised_absence_rate": -0.5, "fixed_exclusions": -0.4, "any_offence": -0.4, "asb_incidents": -0.5, "out_of_work_benefit": -0.2,
           "adult_in_work": 0.3}
NO_EFFECTS = dict.fromkeys(DEFAULT_EFFECTS, 0.0)
RECORDS = ("unauthorised_absence_rate", "any_fixed_exclusion", "any_offence", "any_asb", "out_of_work_benefit", "adult_in_work")  # for weights
WAYS = {"problems alone": "on_problems", "how bad they were": "comparison", "how bad they were, weighted against joining": "weighted",
        "earlier records": "on_records"}
UNRECORDED = ("crisis", "level", "deprivation", "workless")  # what brings families in and no record holds, or not in full
SELECTIONS = ("usual", "recorded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run: shares in per cent; `z` is the distance of the comparison's share from the truth in standard errors of that distance."""

    seed: int
    families: int
    joined: int
    matched: int
    programme: float
    comparison: float
    truth: float
    std_error: float
    z: float
    in_view: float
    weighted: float
    weighted_z: float
    on_problems: float
    on_records: float
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for and print it."""
    asked = _parser().parse_args(arguments)
    framework = read_framework(project_file("data_dictionary") / "payment_by_results" / f"{asked.framework}.yml")
    found = []
    for run in range(asked.runs):
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            with selection(asked.selection):
                found.append(one_run(framework, families=asked.families, councils=asked.councils, seed=asked.seed + run, folder=Path(folder)))
        print(line(found[-1]), flush=True)
    if len(found) > 1:
        gap = np.array([one.comparison - one.truth for one in found])
        for name, other in WAYS.items():
            more = np.array([getattr(one, other) - one.truth for one in found])
            print(f"matched on {name}: {more.mean():+.2f} points from the truth (Monte Carlo error {more.std(ddof=1) / len(more) ** 0.5:.2f})")
        print(f"mean distance {gap.mean():+.2f} points, Monte Carlo error {gap.std(ddof=1) / len(gap) ** 0.5:.2f}; mean standard error of a run "
              f"{np.mean([one.std_error for one in found]):.2f}; largest |z| {max(abs(one.z) for one in found):.2f}")
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", encoding="utf-8")
    return 0


@contextmanager
def selection(which: str) -> Iterator[None]:
    """What brings families into the programme while this lasts."""
    kept = dict(ENTRY)
    ENTRY.update(dict.fromkeys(UNRECORDED, 0.0) if which == "recorded" else {})
    try:
        yield
    finally:
        ENTRY.update(kept)


def line(one: Outcome) -> str:
    """A run in words."""
    return (f"seed {one.seed}: {one.families:,} families, {one.joined:,} joined, {one.matched:,} matched; met the rule: programme "
            f"{one.programme:.1f}%, comparison {one.comparison:.1f}%, the same families without it {one.truth:.1f}%; distance "
            f"{one.comparison - one.truth:+.1f} (standard error {one.std_error:.2f}), z {one.z:+.2f}; "
            f"weighted against joining {one.weighted:.1f}% (z {one.weighted_z:+.2f}); "
            f"with joiners kept in view {one.in_view:.1f}%; "
            f"matched on problems alone {one.on_problems:.1f}%, "
            f"on earlier records too {one.on_records:.1f}%; {one.seconds:.0f} s")


def one_run(framework: Framework, *, families: int, councils: int, seed: int, folder: Path, effects: dict[str, float] | None = None) -> Outcome:
    """Both worlds of one seed."""
    began = time.monotonic()
    panel, rules = world(framework, families, councils, seed, EFFECTS if effects is None else effects, folder / "with")
    _, untreated = world(framework, families, councils, seed, NO_EFFECTS, folder / "without")
    matcher = MATCHERS["nearest_neighbour"](covariates=COVARIATES, ratio=3, caliper=0.2, replacement=True, exact=("council_code",))
    found = match_results(matcher, panel, rules)
    shares = matched_shares(found.sample, found.treated, found.comparison)
    without = Without.of(rules, untreated, panel.entry)
    truth = against_truth(found, without)
    weighted = against_truth(found, without, staying=staying_of(found.sample, found.spec, rules.claim_within, RECORDS))
    others = {"on_problems": on_problems(matcher, panel, rules), "on_records": match_results(matcher, panel, rules, history=12)}
    return Outcome(seed=seed, families=families, joined=int((panel.entry >= 0).sum()), matched=shares.programme.n_treated,
                   programme=100 * shares.programme.estimate, comparison=100 * truth.comparison.estimate, truth=100 * truth.programme.estimate,
                   std_error=100 * truth.difference.std_error, z=-truth.difference.estimate / truth.difference.std_error,
                   weighted=100 * weighted.comparison.estimate, weighted_z=-weighted.difference.estimate / weighted.difference.std_error,
                   in_view=100 * against_truth(found, without, in_view=True).comparison.estimate,
                   **{name: 100 * matched_shares(one.sample, one.treated, one.comparison).comparison.estimate for name, one in others.items()},
                   seconds=time.monotonic() - began)


def on_problems(matcher: Matcher, panel: Panel, rules: Rules) -> MatchedResults:
    """Matched on the problems and the covariates alone, not on how bad they were."""
    wide, _ = panel_of_problems(panel, rules)
    return with_results(matcher_of_results(matcher, wide), wide, rules)


def world(framework: Framework, families: int, councils: int, seed: int, effects: dict[str, float], folder: Path) -> tuple[Panel, Rules]:
    """Records of one world and the framework on them."""
    dictionary = load_dictionary()
    Simulation(families=families, councils=councils, periods=PERIODS, seed=seed, effects=effects).write(folder / "delivery", dictionary=dictionary)
    tables = receive_extracts(folder / "delivery", dictionary, room=folder)
    panel = build_families(tables, dictionary, periods=PERIODS, outcomes=RECORDS)
    needs = tuple(problem.needs for problem in framework.problems.values() if isinstance(problem, NeedEnds))
    return panel, Rules(framework=framework, facts=read_facts(tables, panel, needs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Without(Rules):
    """The framework on the records that would have been: problems at entry and events before joining from the records as they are."""

    treated: Rules

    @classmethod
    def of(cls, treated: Rules, untreated: Rules, entry: np.ndarray) -> Without:
        """From the rules in both worlds and the column in which each family joins."""
        joined = np.arange(treated.facts.here.shape[1]) >= np.where(entry < 0, treated.facts.here.shape[1], entry)[:, None]
        events = {name: replace(one, number=np.where(joined, untreated.facts.events[name].number, one.number))
                  for name, one in treated.facts.events.items()}
        return cls(framework=treated.framework, facts=replace(untreated.facts, events=events), missing=treated.missing, treated=treated)

    def at_entry(self, problem: str, s: int) -> AtEntry:
        """As the records are."""
        return self.treated.at_entry(problem, s)


def against_truth(found: MatchedResults, without: Rules, *, in_view: bool = False, staying: np.ndarray | None = None) -> Shares:
    """The comparison share beside that of the same matched programme families had there been no programme; their difference has its own error.

    `in_view` keeps comparison families that join in view, as they would have been: what censoring them leaves out. `staying`: the inverse of the
    chance of not having joined, by which those left count.
    """
    sample, nobody = found.sample, np.full(len(found.sample.panel), -1)
    treated = without.results(sample.treated_unit, sample.treated_entry, nobody)
    comparison = without.results(sample.comparison_unit, sample.comparison_entry, nobody) if in_view else found.comparison
    return matched_shares(sample, treated, comparison, staying=staying)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=20_000)
    parser.add_argument("--councils", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--selection", choices=SELECTIONS, default="usual")
    parser.add_argument("--framework", default="troubled_families_2012")
    parser.add_argument("--folder", type=Path, default=None, help="where records are kept while a run lasts")
    parser.add_argument("--json", type=Path, default=None)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
