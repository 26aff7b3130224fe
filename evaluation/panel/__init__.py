"""Units by periods: `types.Panel` says what a panel is, `families.py` builds it from records, `published.py` from published tables."""
