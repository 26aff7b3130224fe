"""Try every bad input of the corpus: `python -m tests.faults`. Exit code 1 where one is not as expected."""

from __future__ import annotations

import sys

from tests.faults.case import try_all
from tests.faults.corpus import CASES


def main(numbers: list[int]) -> int:
    """Print tried, as expected, not as expected; the complaints first."""
    found = try_all(tuple(case for case in CASES if not numbers or case.number in numbers))
    for number, complaints in found.items():
        for complaint in complaints:
            sys.stdout.write(f"{number:>4}  {complaint}\n")
    wrong = sum(bool(complaints) for complaints in found.values())
    variants = sum(case.number in found for case in CASES)
    sys.stdout.write(f"bad inputs tried {len(found)} (in {variants} variants)   as expected {len(found) - wrong}   not as expected {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]]))
