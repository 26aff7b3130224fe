"""`python -m tests.attacks 1000` attacks so many releases, and as many with protection switched off."""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor

from tests.attacks.score import Scores, attack

BUILDS = {"ten_five": "protected", "blanked": "only blanked", "off": "protection off"}
LINE = "{:<24} {:>8} | {:>8} {:>9} {:>9} | {:>9} {:>6} {:>9} | {:>9} {:>6} {:>9}"


def main() -> None:
    """Attack, print, and fail where a cell was recovered or placed too closely."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("releases", type=int, nargs="?", default=50)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    seeds = [range(at, asked.releases, 20) for at in range(min(20, asked.releases))]
    with ProcessPoolExecutor(asked.workers) as pool:
        builds = [[pool.submit(attack, part, profile) for part in seeds] for profile in BUILDS]
        safe, blanked, off = (sum_of(done.result() for done in build) for build in builds)
    print(LINE.format("", "", "", "protected", "", "only", "", "blanked", "protection", "", "off").rstrip())
    heads = ("recovered", "narrowest", "recovered", "share", "narrowest", "recovered", "share", "narrowest")
    print(LINE.format("attack", "releases", "at risk", *heads))
    for name in (*safe.by_attack, "together"):
        one, *others = ((scores.together if name == "together" else scores.by_attack[name]) for scores in (safe, blanked, off))
        known = [text for other in others for text in (f"{other.recovered:,}", f"{other.share:.0%}", f"{other.narrowest:g}")]
        print(LINE.format(name.replace("_", " "), f"{one.releases:,}", f"{one.at_risk:,}", f"{one.recovered:,}", f"{one.narrowest:g}", *known))
    total = safe.together
    print(f"narrowest interval: {total.narrowest:g} ({total.where})")
    if total.recovered or total.narrowest < 5 or off.together.share <= 0.5:
        raise SystemExit("The release does not hold: mend the protection.")


def sum_of(parts: object) -> Scores:
    """Scores of all parts."""
    total = Scores()
    for part in parts:
        total = total.merge(part)
    return total


if __name__ == "__main__":
    main()
