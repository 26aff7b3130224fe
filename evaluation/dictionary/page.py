"""The page that documents the dictionary, `data_dictionary/README.md`, in Markdown."""
from __future__ import annotations

from evaluation.dictionary.councils import REFERENCE_DAY
from evaluation.dictionary.tables import Table, Variable
from evaluation.dictionary.whole import Dictionary


def render_readme(dictionary: Dictionary) -> str:
    """The page data_dictionary/README.md, in Markdown."""
    lines = ["# Data dictionary", "",
             "<!-- Made by `python -m evaluation.dictionary` from the files beside it. Change those, not this page. -->", "",
             "What a delivery must hold, what is measured, and which councils are known.",
             "One declaration gives the checks on reading, this page and the simulated data.",
             "Where the facts come from stands in [SOURCES.md](SOURCES.md).", "",
             "* A table arrives as `<table>.csv`, `<table>.parquet` or `<table>.xlsx`; columns may stand in any order.",
             "* Every row that breaks its contract is set aside with its reasons, never changed silently: rows in = kept + set aside + dropped.",
             "* Dates are written `2011-04-30` or `30/04/2011`, months `2011-04`, school and financial years `2011/12`, terms `2011/12-autumn`.", "",
             "## Tables", ""]
    lines += ["| table | one row per | columns | key |", "|---|---|---|---|"]
    lines += [f"| [{t.name}](#{t.name}) | {t.grain.removeprefix('one row per ')} | {len(t.columns)} | {', '.join(t.key)} |"
              for t in dictionary.tables.values()]
    for table in dictionary.tables.values():
        lines += ["", *table_section(table)]
    lines += ["", "## Outcomes", "", *outcome_section(dictionary)]
    lines += ["", "## Populations of family outcomes", "", "| name | who | covariate that says whether there is one |", "|---|---|---|"]
    lines += [f"| {p.name} | {p.label} | {p.presence} |" for p in dictionary.populations.values()]
    lines += ["", "## Covariates", "", "| name | label |", "|---|---|", *(f"| {name} | {label} |" for name, label in dictionary.covariates.items())]
    lines += ["", "## Councils", "", *council_section(dictionary), ""]
    return "\n".join(lines)


def table_section(table: Table) -> list[str]:
    rule = f" (rule of what may leave: `{table.profile}`)" if table.profile else ""
    lines = [f"### {table.name}", "", f"{table.title}; {table.grain}. Owner: {table.owner}{rule}."]
    if table.description:
        lines += ["", " ".join(table.description.split())]
    lines += ["", "| column | type | missing allowed | values | sensitivity | description |", "|---|---|---|---|---|---|"]
    for v in table.columns.values():
        star = "*" if v.name in table.key else ""
        lines.append(f"| `{v.name}`{star} | {v.type} | {'yes' if v.nullable else 'no'} | {values_in_words(v)} | {v.sensitivity} | {v.description} |")
    if table.rules:
        lines += ["", "Rules:", "", *(f"* `{rule.name}`: {rule.reason} (`{rule.sql}`)." for rule in table.rules)]
    codes = [code for code in table.missing_codes if code]
    lines += ["", f"Read as missing: empty{''.join(f', `{code}`' for code in codes)}. "
              + ("Exact duplicates of a row are dropped and counted. " if "exact_duplicates" in table.drop else "")
              + f"More than {table.max_quarantine_share:.0%} of rows set aside rejects the file."]
    return lines


def values_in_words(variable: Variable) -> str:
    if variable.codes:
        return "; ".join(f"`{code}` {label}" for code, label in variable.codes.items())
    if variable.references == "councils.code":
        return "a council"
    if variable.references:
        return f"in `{variable.references}`"
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.minimum is not None and variable.maximum is not None:
        return f"{variable.minimum} to {variable.maximum}{unit}"
    return f"from {variable.minimum}{unit}" if variable.minimum is not None else unit.strip()


def outcome_section(dictionary: Dictionary) -> list[str]:
    lines = ["| outcome | domain | measure | unit | better | for |", "|---|---|---|---|---|---|"]
    for o in dictionary.outcomes.values():
        lines.append(f"| `{o.name}` {o.label} | {o.domain.replace('_', ' ')} | {o.measure} | {o.unit} | {o.direction.split('_')[0]} | "
                     + ", ".join(f"{unit} ({source.table})" for unit, source in o.sources.items() if unit != "small_area") + " |")
    return lines


def council_section(dictionary: Dictionary) -> list[str]:
    councils = list(dictionary.councils.values())
    in_2012 = [council for council in councils if council.exists_on(REFERENCE_DAY)]
    lines = [f"{len(in_2012)} upper-tier councils of England in 2012/13, and {len(councils) - len(in_2012)} abolished before or made after; "
             f"{sum(len(council.aliases) for council in councils)} further spellings are understood.", "",
             "| region | councils in 2012/13 |", "|---|---|"]
    for region in sorted({council.region for council in in_2012}):
        lines.append(f"| {region} | {sum(council.region == region for council in in_2012)} |")
    lines += ["", "| abolished | last day | successors |", "|---|---|---|"]
    for council in councils:
        if council.last_day:
            lines.append(f"| {council.name} ({council.code}) | {council.last_day} | "
                         + ", ".join(f"{dictionary.councils[code].name} ({code})" for code in council.successors) + " |")
    return lines
