"""`python -m tests.attacks 1000` attacks so many releases, and as many with protection switched off.

It goes block by block, keeps each block that is done (`runs/attacks/`, a file for each state of the code), and says how long is left; asked again
it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.attacks.kept import Kept
from tests.attacks.score import Scores, attack

BUILDS = {"ten_five": "protected", "blanked": "only blanked", "off": "protection off"}
BLOCK = 5  # releases attacked, kept and told at a time
LINE = "{:<24} {:>8} | {:>8} {:>9} {:>9} | {:>9} {:>6} {:>9} | {:>9} {:>6} {:>9}"
HEADS = ("recovered", "narrowest", "recovered", "share", "narrowest", "recovered", "share", "narrowest")


def main() -> None:
    """Attack, print, and fail where a cell was recovered or placed too closely."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("releases", type=int, nargs="?", default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--fresh", action="store_true", help="forget what was done before")
    asked = parser.parse_args()
    kept = Kept.of_this_code(Path("runs/attacks"))
    if asked.fresh:
        kept.forget()
    builds = all_of(blocks(asked.releases), kept, workers=asked.workers)
    print_table(*(builds[profile] for profile in BUILDS))
    if not holds(builds["ten_five"], builds["off"]):
        raise SystemExit("The release does not hold: mend the protection.")


def blocks(releases: int) -> list[range]:
    """Seeds in blocks; the same ones whatever the number asked for, so that a larger run goes on from a smaller one."""
    return [range(first, min(first + BLOCK, releases)) for first in range(0, releases, BLOCK)]


def all_of(seeds: list[range], kept: Kept, *, workers: int) -> dict[str, Scores]:
    """Scores of every build over these blocks: what was kept, and the rest made now."""
    todo = [(part, profile) for part in seeds for profile in BUILDS if kept.score(part, profile) is None]
    progress = Progress(total=len(todo), before=len(seeds) * len(BUILDS) - len(todo))
    with ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(attack, part, profile): (part, profile) for part, profile in todo}
        try:
            for done in as_completed(running):
                kept.add(*running[done], done.result())
                progress.say(sum_of(kept.score(part, "ten_five") for part in seeds))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else a fault would be told after all other blocks
            raise
    return {profile: sum_of(kept.score(part, profile) for part in seeds) for profile in BUILDS}


class Progress:
    """Says what has been attacked so far and how long the rest will take."""

    def __init__(self, *, total: int, before: int) -> None:
        self.total, self.done, self.began = total, 0, time.monotonic()
        if before:
            self.print(f"{before:,} blocks were done before and are kept.")

    def say(self, safe: Scores) -> None:
        """One line a block."""
        self.done += 1
        seconds, total = time.monotonic() - self.began, safe.together
        left = seconds / self.done * (self.total - self.done) / 60
        self.print(
            f"[{seconds:7.0f} s] {total.releases:,} protected releases: {total.at_risk:,} at risk, {total.recovered:,} recovered, "
            f"narrowest {total.narrowest:g}; {self.done:,} of {self.total:,} blocks, about {left:.0f} minutes left"
        )

    @staticmethod
    def print(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def print_table(safe: Scores, blanked: Scores, off: Scores) -> None:
    """Every attack and all together, for the three builds."""
    print(LINE.format("", "", "", "protected", "", "only", "", "blanked", "protection", "", "off").rstrip())
    print(LINE.format("attack", "releases", "at risk", *HEADS))
    for name in (*safe.by_attack, "together"):
        one, *others = ((scores.together if name == "together" else scores.by_attack[name]) for scores in (safe, blanked, off))
        known = [text for other in others for text in (f"{other.recovered:,}", f"{other.share:.0%}", f"{other.narrowest:g}")]
        print(LINE.format(name.replace("_", " "), f"{one.releases:,}", f"{one.at_risk:,}", f"{one.recovered:,}", f"{one.narrowest:g}", *known))
    print(f"narrowest interval: {safe.together.narrowest:g} ({safe.together.where})")
    print(f"releases held by the audit, so that there was nothing to attack: {safe.held:,}")


def holds(safe: Scores, off: Scores) -> bool:
    """Whether no cell was recovered or placed within five, few releases had to be held, and the same attacks break what is not protected."""
    total = safe.together
    return not total.recovered and total.narrowest >= 5 and safe.held <= 0.02 * (total.releases + safe.held) and off.together.share > 0.5


def sum_of(parts: object) -> Scores:
    """Scores of all parts; those not made yet are passed over."""
    total = Scores()
    for part in parts:
        total = total if part is None else total.merge(part)
    return total


if __name__ == "__main__":
    main()
