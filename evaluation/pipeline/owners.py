"""The strictest of the data's owners wins: no plan may have a laxer rule than an owner of its records whose rule is known."""

from __future__ import annotations

from evaluation.dictionary import Dictionary, Table
from evaluation.disclosure.rules import RULES, Profile, rule_of
from evaluation.errors import PlanError
from evaluation.plan import Plan


def check_owners(plan: Plan, dictionary: Dictionary) -> None:
    """Whether the plan's rule hides and rounds as much as the rule of every owner of the records that its outcomes are made of.

    Published statistics are as their publishers protected them, and are not asked.

    Raises
    ------
    PlanError
        With every owner whose rule is stricter, and what to name in the plan.
    """
    if plan.data.kind == "open_statistics":
        return
    rule = rule_of(plan.disclosure.profile)
    stricter = [table for table in tables_of(plan, dictionary) if table.profile and laxer(rule, RULES[table.profile])]
    if not stricter:
        return
    names = [*plan.disclosure.names, *dict.fromkeys(table.profile for table in stricter)]
    faults = "\n".join(f"  - {table.owner} ({table.name}): {table.profile}. {RULES[table.profile].sentence}" for table in stricter)
    raise PlanError(
        f"`disclosure.profile` must be at least as strict as the rule of every owner of the data; {', '.join(plan.disclosure.names)} is laxer than"
        f" {len(stricter)} of them:\n{faults}\nName theirs as well, and the strictest of each parameter is in force: profile: [{', '.join(names)}]."
    )


def tables_of(plan: Plan, dictionary: Dictionary) -> tuple[Table, ...]:
    """Tables of records that the plan's outcomes are made of."""
    sources = [dictionary.outcomes[name].sources.get(plan.unit) for name in (*plan.outcomes.all, *plan.outcomes.placebo)]
    names = dict.fromkeys(source.table for source in sources if source is not None)
    return tuple(dictionary.tables[name] for name in names if name in dictionary.tables)


def laxer(rule: Profile, owner: Profile) -> bool:
    """Whether a rule shows smaller counts than an owner's, or rounds them less."""
    return rule.threshold < owner.threshold or rule.base % owner.base != 0
