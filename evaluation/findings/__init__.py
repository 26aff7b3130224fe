"""Findings: numbers become sentences, ratings and the content of a report. Every sentence is computed from its interval."""
