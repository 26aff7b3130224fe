"""Characteristics of families on their first eligible date, and what is known of them on the first day of each quarter."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from evaluation.ingest.tables import CheckedTable
from evaluation.panel.membership import members_there
from evaluation.panel.room import ALWAYS, Room, spans

FIXED_SQL = """
SELECT f.u,
    count(*) FILTER (role = 'child' AND age < 18) AS n_children,
    count(*) FILTER (role = 'adult') AS n_adults,
    count(*) AS n_members,
    min(age) FILTER (role = 'child' AND age < 18) AS age_youngest,
    max(age) FILTER (role = 'child' AND age < 18) AS age_oldest_child,
    max(age) AS age_oldest,
    count(*) FILTER (sex = 'F') AS n_female,
    count(*) FILTER (sex IN ('F', 'M')) AS n_sex_known,
    max((sen <> 'none')::INTEGER) FILTER (role = 'child') AS any_sen,
    max((sen = 'statement')::INTEGER) FILTER (role = 'child') AS any_statement,
    max(free_school_meals::INTEGER) FILTER (role = 'child') AS any_fsm,
    min((ethnicity_group = 'white')::INTEGER) FILTER (ethnicity_group <> 'unknown') AS ethnicity_white
FROM fam f JOIN (
    SELECT m.*, f.u AS unit, (12 * year(f.first_eligible_date) + month(f.first_eligible_date) - 1 - m.birth) // 12 AS age
    FROM member m JOIN fam f USING (u)
    WHERE m.member_from <= f.first_eligible_date AND (m.member_to IS NULL OR m.member_to >= f.first_eligible_date)
) m ON m.unit = f.u
GROUP BY f.u ORDER BY f.u
"""


def fixed_covariates(room: Room) -> pd.DataFrame:
    """Characteristics on the first eligible date, one row per family, floats."""
    found = room.con.sql(FIXED_SQL).df().set_index("u").astype(float).reindex(np.arange(room.n_units)).reset_index(drop=True)
    female, sex_known = found.pop("n_female"), found.pop("n_sex_known")
    found["share_female"] = (female / sex_known).where(sex_known > 0)
    somebody = found["n_members"].notna()
    found["lone_parent"] = ((found["n_adults"] == 1) & (found["n_children"] > 0)).astype(float).where(somebody)
    found["three_or_more_children"] = (found["n_children"] >= 3).astype(float).where(somebody)
    reasons = room.con.sql("SELECT coalesce(referral_reason, '') AS reason FROM fam ORDER BY u").df()["reason"]
    for code in room.dictionary.tables["families"].columns["referral_reason"].codes:
        if f"referral_{code}" in room.dictionary.covariates:
            found[f"referral_{code}"] = (reasons == code).astype(float).where(reasons != "")
    return found


def varying_covariates(room: Room, tables: Mapping[str, CheckedTable]) -> dict[str, np.ndarray]:
    """Covariates known on the first day of each quarter; a table that was not delivered makes none."""
    varying = {}
    varying["n_school_age"] = members_there(room, "school_age").astype(float)
    varying["has_child_5_15"] = (varying["n_school_age"] > 0).astype(float)
    varying["has_adult_working_age"] = (members_there(room, "working_age_adults") > 0).astype(float)
    for name in ("crime_asb", "education", "work"):
        met = room.columns(f"SELECT u, from_col(criterion_{name}_date) AS a FROM fam WHERE criterion_{name}_date IS NOT NULL")
        varying[f"criterion_{name}"] = spans(met["u"], met["a"], np.full(len(met["u"]), ALWAYS), room.shape).astype(float)
    varying["n_criteria"] = sum(varying[f"criterion_{name}"] for name in ("crime_asb", "education", "work"))
    eligible = room.columns("SELECT col(first_eligible_date) AS c FROM fam ORDER BY u")["c"]
    waited = (np.arange(room.shape[1]) - eligible[:, None]).astype(float)
    varying["quarters_since_eligible"] = np.where(waited >= 0, waited, np.nan)
    if "needs" in tables:
        codes = room.dictionary.tables["needs"].columns["need"].codes
        by_need = {code: _open(room, f"SELECT u, start_date, end_date FROM needs JOIN fam USING (family_id) WHERE need = '{code}'") for code in codes}
        varying["n_needs"] = sum(by_need.values()).astype(float)
        for code, number in by_need.items():
            varying[f"{code}_need" if f"{code}_need" in room.dictionary.covariates else code] = (number > 0).astype(float)
    if "other_support" in tables:
        varying["any_other_support"] = (_open(room, "SELECT u, start_date, end_date FROM other_support JOIN fam USING (family_id)") > 0).astype(float)
    return varying


def _open(room: Room, rows: str) -> np.ndarray:
    """Number of dated spells that began before each quarter's first day and had not ended on it."""
    found = room.columns(f"SELECT u, col(start_date) + 1 AS a, coalesce(col(end_date), {ALWAYS}) AS b FROM ({rows})")
    return spans(found["u"], found["a"], found["b"], room.shape)
