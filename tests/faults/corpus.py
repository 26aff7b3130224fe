"""All one hundred bad inputs, in their order."""

from __future__ import annotations

from tests.faults import days_and_spells, deliveries, files, identities, places_and_records, values

CASES = (*days_and_spells.CASES, *files.CASES, *values.CASES, *identities.CASES, *places_and_records.CASES, *deliveries.CASES)
