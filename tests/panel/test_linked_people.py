"""What the linkage says of people reaches the panel: somebody not linked has a missing outcome with its reason, never a zero."""
from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.linkage.link import Candidates
from evaluation.linkage.statuses import statuses
from evaluation.panel.status import Status


def links_of(people, found):
    """Rows of `links` for police and education, where `found` names (person, source, probability) of records."""
    roster = pd.DataFrame({"person_id": people, "surname": "s", "born": "d"})
    rows = [(record, people.index(person), probability) for record, (person, _, probability) in enumerate(found)]
    candidates = Candidates(best=pd.DataFrame(rows, columns=["record", "person", "probability"]), n_records=len(found), n_people=len(people),
                            parameters=pd.DataFrame())
    return statuses(candidates, roster, np.array([source for _, source, _ in found]), threshold=0.95).to_dict("records")


def test_a_family_with_somebody_not_linked_has_no_outcome_and_one_that_a_register_shows_has_none_recorded(build, delivery):
    people = [row["person_id"] for row in delivery["people"]]
    others = [row for row in delivery["links"] if row["source"] not in ("police", "education")]
    everybody = [(person, "education", 0.99) for person in people]
    police = [(row["person_id"], "police", 0.99) for row in delivery["offences"]]
    whole = build(delivery | {"links": others + links_of(people, everybody + police)}, "any_offence")
    members = {family: {row["person_id"] for row in delivery["people"] if row["family_id"] == family} for family in whole.units["unit_id"]}
    without = [unit for unit, family in enumerate(members) if not members[family] & {person for person, *_ in police}]
    quiet = next((unit, column) for unit in without for column in np.flatnonzero(whole.status["any_offence"][unit] == Status.OBSERVED))
    assert whole.outcomes["any_offence"][quiet] == 0

    missed = [one for one in everybody if one[0] not in members[whole.units["unit_id"].iloc[quiet[0]]]]
    panel = build(delivery | {"links": others + links_of(people, missed + police)}, "any_offence")
    assert panel.status["any_offence"][quiet] == Status.NOT_LINKED and np.isnan(panel.outcomes["any_offence"][quiet])
