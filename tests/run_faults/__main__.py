"""Bring about every fault of a run: `python -m tests.run_faults [NUMBER ...]`. Exit code 1 where one does not end as it must."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.run_faults.case import try_fault
from tests.run_faults.corpus import FAULTS


def main(numbers: list[int]) -> int:
    """Print each fault with its end, and what is not as it must be."""
    wrong, ends, began = 0, Counter(), time.monotonic()
    for fault in (fault for fault in FAULTS if not numbers or fault.number in numbers):
        with tempfile.TemporaryDirectory(prefix="run-fault-") as folder:
            since = time.monotonic()
            complaints = try_fault(fault, Path(folder))
        wrong += bool(complaints)
        ends[fault.end] += 1
        sys.stdout.write(f"{fault.number:>3}  {fault.end:<18} {time.monotonic() - since:6.1f} s  {fault.title}\n")
        sys.stdout.write("".join(f"     NOT AS IT MUST BE: {complaint}\n" for complaint in complaints))
        sys.stdout.flush()
    told = ", ".join(f"{end} {n}" for end, n in sorted(ends.items()))
    n = sum(ends.values())
    sys.stdout.write(f"faults tried {n} ({told})   right {n - wrong}   wrong {wrong}   {time.monotonic() - began:.0f} s\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]]))
