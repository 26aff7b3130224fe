"""Days that cannot be: after the extract, before birth, or before an age that the contract asks for."""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from evaluation.ingest.tables import CheckedTable, Fault
from evaluation.ingest.values import literal, quoted
from evaluation.ingest.work import Work


def mark_future(work: Work, extracted: dt.date | None) -> list[Fault]:
    """Days after the day of the extract."""
    found = []
    for variable in work.table.columns.values() if extracted else ():
        if variable.type == "date" and variable.name in work.present:
            sql = f'SELECT _id, "_file", "_row" FROM ({work.typed}) WHERE "_fault" IS NULL AND {quoted(variable.name)} > DATE {literal(extracted)}'
            found += work.add(
                "after_extract",
                variable.name,
                sql,
                must_hold=f"a day must not lie after the extract of {extracted} (delivery.yml)",
                mend="Mend the days, or the day of the extract in delivery.yml.",
            )
    return found


def mark_too_young(work: Work, parents: Mapping[str, CheckedTable]) -> list[Fault]:
    """Days on which the person was not born, or too young for the contract, by the month of birth in `people`."""
    found = []
    person = next((v.name for v in work.table.columns.values() if v.references == "people.person_id"), None)
    if person is None or "people" not in parents:
        return []
    born = f"SELECT person_id, max(birth_month) AS born FROM read_parquet({literal(parents['people'].path)}) GROUP BY person_id"
    for day, age in work.table.ages.items():
        if day not in work.present:
            continue
        months = f"12 * (year(r.{quoted(day)}) - CAST(left(b.born, 4) AS INTEGER)) + month(r.{quoted(day)}) - CAST(right(b.born, 2) AS INTEGER)"
        sql = (
            f'SELECT r._id, r."_file", r."_row" FROM ({work.typed}) AS r JOIN ({born}) AS b ON r.{quoted(person)} = b.person_id '
            f'WHERE r."_fault" IS NULL AND {months} < {12 * age}'
        )
        young = "before the person's month of birth" if age == 0 else f"before the person was {age}"
        found += work.add(
            "too_young",
            day,
            sql,
            must_hold=f"{work.table.name}.{day} must not lie {young} (people.birth_month)",
            mend=f"Find out which is wrong, {work.table.name}.{day} or people.birth_month, and mend it at its source.",
        )
    return found
