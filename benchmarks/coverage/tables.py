"""The stored results as tables, for the screen and for the pages of the documentation."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmarks.coverage.designs import WATCHED
from benchmarks.coverage.record import Record, covers_enough, failures, is_unbiased, size_holds
from benchmarks.coverage.trap import BASES, MATCHINGS, SELECTIONS, design_agrees

NAMES = {"unmatched": "not matched", "slow": "matched on slow covariates", "slow and history": "matched on slow covariates and history",
         "history": "matched on history alone"}
TITLES = {"families": "Families join one by one; matched inside council and kind", "families, no shocks": "Families join one by one; no matching",
          "areas": "Areas have the programme"}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of GitHub's markdown; the first column is text, the others numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same for the screen."""
    width = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) if k == 0 else cell.rjust(w) for k, (cell, w) in enumerate(zip(row, width, strict=True)))
                     for row in (head, *rows))


def correctness_table(records: Sequence[Record], design: str) -> tuple[list[str], list[list[str]]]:
    """One row per analysis, outcome and size of a kind of design; a star marks what misses its target."""
    head = ["analysis", "outcome", "families", "runs", "bias (SE)", "SE / SD", "coverage, effect", "coverage, none", "size", "caution", "no interval",
            "df"]
    found = {(r.analysis, r.outcome, r.treated, r.effect != 0): r for r in records if r.design == design}
    rows = []
    for analysis, outcome, treated in dict.fromkeys(key[:3] for key in found):
        effect, null = (found[analysis, outcome, treated, which] for which in (True, False))
        worse = max(effect, null, key=lambda r: -1.0 if math.isnan(r.bias) else abs(r.bias))
        rows.append([analysis, outcome, f"{treated:,}", f"{null.runs:,}", _bias(worse), _number(null.error_ratio, 2), _coverage(effect),
                     _coverage(null), _share(null.rejects, size_holds(null)), _share(null.cautioned), _share(max(effect.without, null.without)),
                     _number(null.df, 0)])
    first = list(dict.fromkeys(row[0] for row in rows))
    return head, sorted(rows, key=lambda row: (first.index(row[0]), row[1]))


def stress_table(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """One row per strain, analysis, outcome and size."""
    head = ["strain", "analysis", "outcome", "families", "runs", "bias (SE)", "coverage", "pre-trend warns", "dip warns", "attrition warns",
            "leaving a council out warns"]
    first = list(dict.fromkeys(r.design for r in records))
    rows = [[r.design, r.analysis, r.outcome, f"{r.treated:,}", f"{r.runs:,}", "" if math.isnan(r.bias) else _signed(r.bias), _share(r.coverage),
             *(_share(r.warned.get(check, math.nan)) for check in WATCHED)]
            for r in sorted(records, key=lambda r: (first.index(r.design), r.analysis, r.outcome, r.treated))]
    return head, rows


def methods_table(records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """How intervals were made, by analysis and size."""
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        groups.setdefault((record.analysis, record.treated), []).append(record)
    rows = []
    for (analysis, treated), members in groups.items():
        names = dict.fromkeys(name for record in members for name in record.methods)
        told = {name: sum(record.methods.get(name, 0.0) for record in members) / len(members) for name in names}
        rows.append([analysis, f"{treated:,}", "; ".join(f"{name} {share:.0%}" for name, share in sorted(told.items(), key=lambda item: -item[1]))])
    return ["analysis", "families", "intervals by"], sorted(rows, key=lambda row: row[0])


def verdict_lines(records: Sequence[Record]) -> list[str]:
    """How many targets are met, and each that is missed."""
    out = []
    for words, judge in (("bias", is_unbiased), ("coverage", covers_enough), ("size", size_holds)):
        judged = [verdict for record in records if (verdict := judge(record)) is not None]
        out.append(f"{words}: {sum(judged)} of {len(judged)} within the target")
    return out + failures(records)


def trap_table(rows: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """Bias of every base and matching, by selection."""
    head = ["comparison", "base", *(f"selection: {name}" for name in SELECTIONS)]
    at = {(row["number"], row["selection"]): row for row in rows}

    def line(name: str, base: str, key: str) -> list[str]:
        return [name, base, *(_signed(at[key, selection]["mean"]) for selection in SELECTIONS)]
    body = [line(NAMES[name], str(base).replace("pre_mean", "mean before"), f"{name}, base {base}") for name in MATCHINGS for base in BASES]
    return head, [line("before/after", "mean of -4 to -1", "before/after"), *body, line("**the default**", "-4", "default")]


def shares_table(rows: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """Payment by results, and how often each warning is given, by selection."""
    at = {(row["number"], row["selection"]): row for row in rows}
    words = {"ended, programme": "problem ended, programme families", "ended, others": "problem ended, all other families",
             "default, dip failed": "default: dip test warns", "default, pre_trend failed": "default: pre-trend test warns",
             "default, rejects": "default: finds an effect that is not there",
             "history option, rejects": "history in the score: finds an effect that is not there",
             "history option, dip failed": "history in the score: dip test warns"}
    return ["share of families or of runs", *(f"selection: {name}" for name in SELECTIONS)], [
        [label, *(f"{at[key, selection]['mean']:.0%}" for selection in SELECTIONS)] for key, label in words.items()]


def drift_table(rows: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """What LEVEL_REGRESSION expects beside the bias that came."""
    at = {(row["number"], row["selection"]): row for row in rows}
    return ["history in the score, base -4", *(f"selection: {name}" for name in SELECTIONS)], [
        [label, *(_signed(at[key, selection]["mean"]) for selection in SELECTIONS)]
        for label, key in (("drift that LEVEL_REGRESSION expects", "history option, expected"), ("bias", "history option"))]


def design_table(rows: Sequence[Mapping[str, object]]) -> tuple[list[str], list[list[str]]]:
    """The design's own table beside ours."""
    head = ["comparison, base -4", *(f"selection: {name}" for name in SELECTIONS)]
    found = {(name, selection): (there, here, room) for name, selection, there, here, room in design_agrees(rows)}
    cell = {key: f"{_signed(there)} / {here:+.3f} (±{room:.3f}{'' if abs(there - here) <= room else ' **differs**'})"
            for key, (there, here, room) in found.items()}
    return head, [[NAMES[name], *(cell[name, selection] for selection in SELECTIONS)] for name in dict.fromkeys(key[0] for key in found)]


def records_of(rows: Sequence[Mapping[str, object]]) -> list[Record]:
    """Records read back from JSON, where a number that is not there is null."""
    return [Record(**_with_nan(row)) for row in rows]


def _with_nan(row: Mapping[str, object]) -> dict[str, object]:
    return {name: _with_nan(value) if isinstance(value, Mapping) else math.nan if value is None else value for name, value in row.items()}


def _bias(record: Record) -> str:
    return "" if math.isnan(record.bias) else f"{_signed(record.bias)} ± {record.bias_bound:.2f}{'*' * (is_unbiased(record) is False)}"


def _coverage(record: Record) -> str:
    return _share(record.coverage, covers_enough(record))


def _share(share: float, holds: bool | None = None) -> str:
    return "" if math.isnan(share) else f"{share:.1%}{'*' * (holds is False)}"


def _signed(value: float) -> str:
    """A number to two digits with its sign, unless that makes it 0."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:,.{digits}f}"
