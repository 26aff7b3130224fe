"""Bad inputs 63 to 78: who is who, who is in which family, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.faults.case import Case, Expect
from tests.faults.families import family_rows, panel_of, people_rows, row_of, write_families
from tests.faults.values import column_is
from tests.faults.writing import KEEP, aside, blank, persons, pupils, reject, warn

ANNE = ("QZXANNE", "QZXS", "2001-05-04", "F", "AB1 2CD", "2011-01-01", "")


def person(number: str, family: str, **changes: str) -> tuple[str, ...]:
    """Anne, in a family of her own, with changes."""
    names = ("first_name", "surname", "birth_date", "sex", "postcode", "member_from", "member_to")
    return number, family, *{**dict(zip(names, ANNE, strict=True)), **changes}.values()


def made_with(change, *, people=lambda rows: rows, **options):
    """The thirty families with a change of the roster, or of their people."""

    def make(folder: Path) -> None:
        rows = family_rows()
        change(rows)
        write_families(folder, rows, people(people_rows()), **options)

    return make


def unchanged(rows) -> None:
    """Leave the roster as it is."""


def joins_twice(rows) -> None:
    """Family 0 comes with an earlier and a later start."""
    rows.append([*rows[0]])
    rows[-1][3] = "2013-02-01"


def in_both(rows) -> None:
    """Family 0 is on the list of comparison families as well."""
    rows.append([*rows[0]])
    rows[-1][3] = ""


def left_without_joining(rows) -> None:
    rows[12][4] = "2013-02-01"


def moved(rows) -> None:
    """Family 0 moves away within the time it is followed."""
    rows[0][4:6] = ["2013-02-01", "moved"]


def in_two_families(rows):
    """The child of family 0 is in family 1 as well, at the same time."""
    return [*rows, ["QZXC000", "QZXF001", *rows[30][2:]]]


def changes_family(rows):
    """The child of family 0 leaves in June 2012 for family 1."""
    rows[30][3] = "2012-06-30"
    return [*rows, ["QZXC000", "QZXF001", "2012-07-01", "", *rows[30][4:]]]


def alone(rows):
    """Family 5 has no adult, 6 no child, 7 nobody; family 8 has twenty-two members."""
    gone = {"QZXP005", "QZXC006", "QZXP007", "QZXC007"}
    more = [[f"QZXD{number:03d}", "QZXF008", *rows[30][2:]] for number in range(20)]
    return [row for row in rows if row[0] not in gone] + more


def dies(rows):
    """The only adult of family 0 is a member until the end of 2012; the child of family 1 is past school age from 2012 on."""
    rows[0][3] = "2012-12-31"
    rows[31][4] = "1995-03"
    return rows


def first_start(received) -> None:
    panel = panel_of(received, "out_of_work_benefit")
    assert panel.entry[row_of(panel, 0)] == 1 and len(received["families"].frame()) == 30


def at_each_day(received) -> None:
    """The child counts in family 0 until it leaves, and in family 1 from the quarter after."""
    panel = panel_of(received, "unauthorised_absence_rate")
    before, after = (panel.denominators["unauthorised_absence_rate"][row_of(panel, family)] for family in (0, 1))
    assert before[0] == 120 and after[0] == 120 and np.nan_to_num(before[3:]).sum() == 0 and after[3] == 240


def not_followed_after_the_move(received) -> None:
    panel = panel_of(received, "out_of_work_benefit")
    values = panel.outcomes["out_of_work_benefit"][row_of(panel, 0)]
    assert np.isfinite(values[:4]).all() and np.isnan(values[4:]).all() and panel.units["council_code"][row_of(panel, 0)] == "E06000022"


def censored(received) -> None:
    panel = panel_of(received, "out_of_work_benefit", "unauthorised_absence_rate")
    gone = panel.outcomes["out_of_work_benefit"][row_of(panel, 0)]
    assert np.isfinite(gone[:4]).all() and np.isnan(gone[4:]).all()
    assert np.isnan(panel.outcomes["unauthorised_absence_rate"][row_of(panel, 1)]).all()


def two_stay(received) -> None:
    assert len(received["persons"].frame()) == 2


CASES = (
    Case(
        number=63,
        name="one person with two days of birth",
        also=("overlapping_spells",),
        make=persons(person("1", "1"), person("1", "2", birth_date="2001-05-05", member_from="2012-01-01"), person("2", "1", first_name="QZXBETH")),
        expect=aside("conflicting_id", column="person_id", rows=(2, 3), count=2, words=("birth_date, sex",)),
    ),
    Case(
        number=63,
        name="one person whose sex is not known in one row",
        make=persons(person("1", "1", member_to="2011-12-31"), person("1", "2", sex="U", member_from="2012-01-01")),
        expect=KEEP,
    ),
    Case(number=64, name="one person under two identifiers", make=persons(person("1", "1"), person("2", "1")), expect=warn("alike", rows=(2, 3))),
    Case(
        number=65,
        name="an identifier given again",
        make=persons(person("1", "1", member_to="2011-06-30"), person("1", "2", birth_date="2010-07-01", member_from="2012-01-01")),
        expect=aside("reused_id", column="person_id", rows=(2, 3), words=("with a gap",)),
    ),
    Case(
        number=66,
        name="rows of one key that differ",
        also=("overlapping_spells",),
        make=persons(person("1", "1"), person("1", "1", surname="QZXT"), person("2", "2")),
        expect=aside("duplicate_key", rows=(2, 3), count=2),
    ),
    Case(
        number=67, name="a pupil number missing", make=pupils("upn", "", "H801200001001"), expect=warn("missing_identifier", column="upn", rows=(2,))
    ),
    Case(number=67, name="a temporary pupil number", make=pupils("upn", "U80120000100A"), expect=aside("temporary_id", column="upn", rows=(2,))),
    Case(
        number=67,
        name="a check letter that fails",
        make=pupils("upn", "B801200001001", "TRUE801200001"),
        expect=aside("failed_check", column="upn", rows=(2, 3)),
    ),
    # 8x2 + 1x4 + 2x5 + 1x10 + 1x13 = 53, which leaves 7 of 23: H; without the last digit 40, which leaves 17: U
    Case(
        number=67,
        name="pupil numbers whose check letter fits",
        make=pupils("upn", "H801200001001", "U80120000100A"),
        expect=KEEP,
        contract={"pupils": {"upn.temporary": True}},
    ),
    Case(
        number=68,
        name="identifiers of nobody",
        make=pupils("urn", "0000000000", "AAAAAAA", "123456789", "unknown", "100234"),
        expect=aside("placeholder_id", column="urn", rows=(2, 3, 4, 5)),
    ),
    Case(
        number=69,
        name="no National Insurance number",
        make=pupils("nino", "QQ123456C", "AB123456E", "ab 12 34 56 c"),
        prove=column_is("nino", None, None, "AB123456C", name="pupils"),
        expect=blank("failed_check", column="nino", count=2, rows=(2, 3)),
    ),
    Case(
        number=69,
        name="no NHS number",
        make=pupils("nhs_number", "9434765919", "943 476 5918", "943476591"),
        prove=column_is("nhs_number", "9434765919", None, None, name="pupils"),
        expect=blank("failed_check", column="nhs_number", count=2),
    ),
    Case(
        number=69,
        name="no postcode",
        make=pupils("postcode", "BA1 1AA", "ba11aa", "BATH", "12345"),
        prove=column_is("postcode", "BA1 1AA", "BA11AA", None, None, name="pupils"),
        expect=blank("failed_check", column="postcode", count=2),
    ),
    Case(number=70, name="twins", make=persons(person("1", "1"), person("2", "1", first_name="QZXBETH")), expect=KEEP, prove=two_stay),
    Case(
        number=71,
        name="a person in two families at once",
        make=made_with(unchanged, people=in_two_families),
        expect=aside("overlapping_spells", column="person_id", count=2),
        also=("orphan_key",),
    ),
    Case(number=72, name="a person who changes families", make=made_with(unchanged, people=changes_family), expect=KEEP, prove=at_each_day),
    Case(
        number=73,
        name="families of unusual size",
        make=made_with(unchanged, people=alone),
        expect=(
            *warn("family_without_adult", count=1),
            *warn("family_without_child", count=1),
            *warn("family_without_members", count=1),
            *warn("family_of_one", count=2),
            *warn("large_family", count=1),
        ),
    ),
    Case(
        number=74,
        name="a family in the programme and on the list of comparisons",
        make=made_with(in_both),
        also=("duplicate_key", "orphan_key", "too_many_faults"),
        expect=reject("in_both_lists", column="entry_date", rows=(2, 32), words=("families.csv",)),
    ),
    Case(
        number=75,
        name="a family that joins twice",
        make=made_with(joins_twice),
        contract={"families": {"keep_first": "entry_date"}},
        prove=first_start,
        expect=(Expect(action="drop", reason="later_entry", rows=(32,), count=1), *KEEP),
    ),
    Case(
        number=76,
        name="a programme family without a start",
        make=made_with(left_without_joining),
        also=("orphan_key",),
        expect=aside("rule_broken", column="exit_needs_entry", rows=(14,)),
    ),
    Case(number=77, name="a family that moves away", make=made_with(moved), expect=KEEP, prove=not_followed_after_the_move),
    Case(number=78, name="a death, and a child past school", make=made_with(unchanged, people=dies), expect=KEEP, prove=censored),
)
