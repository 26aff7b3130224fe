"""Units by periods: `types.Panel` says what a panel is, `families.py` builds it from records, `published.py` from published tables.

Families' records are joined in `room`; `membership` says who counts, `observation` and `status` what is seen and why not, `measures` what is counted,
`covariates` what is known beforehand. `people` holds single members, `windows` support and follow-up, `spillover` ways to the comparison families.
"""
