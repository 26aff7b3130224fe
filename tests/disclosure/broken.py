"""`python -m tests.disclosure.broken` breaks the gate out on purpose, one fault at a time, and says which of them no test notices.

Each fault is one change of the code in a copy of the package; the tests named beside it must fail. Exit code 1 where one does not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("data_dictionary", "notebooks", "studies")
GATE = "disclosure"
OPTIONS = ("-x", "-q", "--no-header", "-p", "no:cacheprovider", "-m", "not slow", "-o", "addopts=--import-mode=importlib --strict-markers")


@dataclass(frozen=True, slots=True)
class Broken:
    """A fault: in a file, this text becomes that one; tests that should notice."""

    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.file}: {' '.join(self.was.split())[:70]}"


def of(file: str, *tests: str, folder: str = GATE) -> object:
    """Faults of one file, noticed by these tests."""
    return lambda was, becomes, *others: Broken(f"{folder}/{file}", was, becomes, tuple(f"tests/{test}" for test in (others or tests)))


ledger = of("ledger.py", "disclosure/test_ledger.py", "disclosure/test_rules.py", "disclosure/test_audit.py")
audit = of("audit.py", "disclosure/test_audit.py")
known = of("known.py", "disclosure/test_audit.py")
bounds = of("bounds.py", "disclosure/test_audit.py")
averages = of("averages.py", "disclosure/test_audit.py")
scanned = of("scan.py", "disclosure/test_scan.py", "disclosure/test_leaks.py")
carriers = of("carriers.py", "disclosure/test_leaks.py")
rows = of("rows.py", "disclosure/test_rows.py")
drawings = of("drawings.py", "disclosure/test_rows.py")
FAULTS = (
    ledger("least <= number < self.profile.threshold", "least <= number < self.profile.threshold - 1"),
    ledger("min(part, whole - part) < self.profile.threshold", "part < self.profile.threshold"),
    ledger("base=0, low=0, repaired=True)", "base=0, low=1, high=9, repaired=True)"),
    ledger("base = max(self.base_of(of), repair.base)", "base = self.base_of(of)"),
    ledger("100 * self.rounded(part, of) / self.rounded(whole, of)", "100 * part / whole"),
    ledger("            or (fewest is not None and fewest < self.profile.threshold)\n            or dominated", "            or dominated"),
    ledger("            or dominated(largest, two_largest, self.profile)\n", ""),
    ledger("if not 0 < share < 1:", "if not 0 <= share <= 1:"),
    ledger("< 2 * need:", "< need:"),
    ledger("            or too_few_degrees(estimate, self.profile)\n", ""),
    ledger("short = min(estimate.n_treated, estimate.n_comparison)", "short = estimate.n_treated"),
    ledger("math.ceil(value + base / 2) - 1", "math.ceil(value + base / 2)"),
    ledger("if parts else (0, whole + base)", "if False else (0, whole + base)"),
    of("rules.py", "disclosure/test_rules.py")("threshold=max(profile", "threshold=min(profile"),
    of("rules.py", "disclosure/test_rules.py")("largest=min(profile", "largest=max(profile"),
    known("for whole, part in nested(known, threshold):", "for whole, part in ():"),
    known("for whole, parts in leftovers(known):\n        add", "for whole, parts in ():\n        add"),
    known("if whole.true == sum(part.true for part in parts)", "if False"),
    known("low=max(before.low, one.low)", "low=min(before.low, one.low)"),
    known("whole.true - part.true >= threshold:", "whole.true - part.true >= threshold - 5:"),
    averages('if part.statistic == "estimate" or left_over', "if left_over"),
    averages("if few_left(whole, parts, profile.threshold) and left_over", "if False and left_over"),
    averages("return most - sum(low for low, _ in inside)", "return 5 + most - sum(low for low, _ in inside)"),
    averages("< NARROWEST\n            else:", "< 0\n            else:", "disclosure/test_audit.py", "attacks/test_attacks.py"),
    averages("entry.who.fingerprint != old.who.fingerprint", "False"),
    audit("if not look.unsafe and doubtful is not None:", "if False:"),
    audit('return fnmatch.fnmatchcase(f"{entry.population}: {entry.what}", self.number)', "return True"),
    bounds("high=float(math.floor(b + EPSILON))", "high=float(math.floor(b + 1))"),
    bounds("if left <= 0:", "if left <= -1e9:"),
    bounds("if len(space.cells) * len(space.nodes) > MOST_CELLS:", "if False:"),
    bounds("*((part, -1.0) for part in parts)", "*((part, 0.0) for part in parts)"),
    of("population.py", "disclosure/test_population.py")("or self.path != other.path[: len(self.path)]", ""),
    of("register.py", "disclosure/test_register.py")('if released["vintage"] == vintage:', "if True:"),
    of("register.py", "disclosure/test_register.py")('"n": entry.n,', '"n": None,'),
    scanned('text = f"{readable(path)}\\n{name}"', "text = readable(path)"),
    scanned("if path.suffix.lower() not in allowed:", "if False:", "disclosure/test_rows.py"),
    scanned("if int(found[1]) < threshold", "if int(found[1]) < 1"),
    scanned("if numbers := strange(path):", "if numbers := ():", "disclosure/test_clean_reports.py"),
    scanned("if rows := readable_rows(path, points):", "if rows := ():", "disclosure/test_rows.py"),
    carriers('elif kind == b"iTXt":', "elif False:"),
    carriers("yield from of_unknown(thing.read_bytes(), depth + 1)", "yield ''"),
    carriers('yield html.unescape(TAG.sub("", BLOCK.sub("\\n", text)))', "yield ''"),
    of("shapes.py", "disclosure/test_leaks.py")("% 23] == text[0]", "% 23] != text[0]"),
    of("shapes.py", "disclosure/test_leaks.py")("if len(kinds) <= 12 else []", "if len(kinds) <= 0 else []"),
    rows("if not unpacked(found).startswith(FONTS):", "if False:"),
    rows('if "pivotCache" in part.filename:', "if False:"),
    rows("elif kind not in CHUNKS:", "elif False:"),
    rows("kind for kind in kinds if kind >= FULL", "0 for kind in kinds"),
    rows('if given.get("state") in ("hidden", "veryHidden")', 'if given.get("state") in ("concealed",)'),
    drawings("if longest > most:", "if False:"),
    drawings("for places in forms.values()) or any", "for places in ()) or any"),
    drawings("len(places) > COARSE * most", "False"),
    drawings('elif thing.objgen not in used and', "elif False and"),
    of("orphans.py", "disclosure/test_orphans.py")("if number not in shown", "if False"),
    of("orphans.py", "disclosure/test_orphans.py")("if bare(token) not in texts", "if False"),
    of("finished.py", "disclosure/test_clean_reports.py")("return even and is_round(steps[0])", "return even"),
    of("finished.py", "disclosure/test_clean_reports.py")("if at not in axes:", "if False:"),
    of("record.py", "pipeline/test_gate.py::test_a_number_put_in_past_the_ledger_holds_the_release")(
        "    if found:\n        places", "    if False:\n        places"
    ),
    of("record.py", "pipeline/test_gate.py::test_a_record_that_holds_an_identifier_is_held_and_nothing_enters_the_register")(
        "    scan([record], identifiers)\n", ""
    ),
    of("beside.py", "findings/test_beside.py", folder="findings")("& ~withheld", ""),
)


def main() -> int:
    """Break, test, say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", type=int, nargs="*", help="of faults in the list; all without them")
    asked = parser.parse_args()
    chosen = [(at, one) for at, one in enumerate(FAULTS, start=1) if not asked.places or at in asked.places]
    missed = []
    for at, one in chosen:
        start = time.monotonic()
        caught = noticed(one)
        missed += [] if caught else [one]
        say(f"{at:>3} of {len(FAULTS)}  {'noticed' if caught else 'NOT NOTICED':<12} {time.monotonic() - start:5.0f} s  {one.name}")
    say(f"faults made on purpose {len(chosen)}   noticed {len(chosen) - len(missed)}   not noticed {len(missed)}")
    return 1 if missed else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def noticed(fault: Broken) -> bool:
    """Whether the tests fail with this fault in the code."""
    with copied(fault) as folder:
        child = os.fork()
        if child == 0:
            code = 2
            try:
                code = tested(folder, fault.tests)
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        raise SystemExit(f"{fault.name}: its tests could not be run (exit code {code}).")
    return code == 1


@contextlib.contextmanager
def copied(fault: Broken) -> Iterator[Path]:
    """A copy of the package with the fault, and beside it what comes with the project."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "evaluation", folder / "evaluation", ignore=shutil.ignore_patterns("__pycache__"))
        for shipped in SHIPPED:
            (folder / shipped).symlink_to(ROOT / shipped)
        path = folder / "evaluation" / fault.file
        text = path.read_text(encoding="utf-8")
        if fault.was not in text:
            raise SystemExit(f"{fault.name}: the code no longer holds this text. Mend the list of faults.")
        path.write_text(text.replace(fault.was, fault.becomes, 1), encoding="utf-8")
        yield folder


def tested(folder: Path, tests: tuple[str, ...]) -> int:
    """The exit code of the tests on the package of a folder; nothing is printed."""
    import pytest

    os.chdir(ROOT)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "evaluation"]:
        del sys.modules[name]
    import evaluation  # noqa: F401  of the folder, before pytest puts the checkout first

    return int(pytest.main([*OPTIONS, *tests]))


def warm() -> None:
    """Import what is slow to import once, before the copies are tested."""
    import duckdb  # noqa: F401
    import hypothesis  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import numpy  # noqa: F401
    import openpyxl  # noqa: F401
    import pandas  # noqa: F401
    import pikepdf  # noqa: F401
    import pypdf  # noqa: F401
    import scipy.optimize  # noqa: F401


if __name__ == "__main__":
    warm()
    sys.exit(main())
