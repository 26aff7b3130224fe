"""Police, school and benefit records are linked to the roster on keyed hashes, without names, dates of birth or addresses.

What a delivery must look like (`ingest`), and what is done with people who are not linked (`panel.status`), are not decided here.
"""
