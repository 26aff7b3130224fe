"""Payment by results: a framework's rules applied to records, and to the matched comparison families. A result is a claim, never an effect.

Frameworks are YAML (`framework.py`); facts come from checked tables (`facts.py`, `reading.py`); rules are applied to families (`problems.py`,
`results.py`); what is paid follows (`fees.py`); shares of both arms and their ratio are in `shares.py`.
"""

from __future__ import annotations

from evaluation.payment_by_results.framework import Framework, ResultRule, read_framework
from evaluation.payment_by_results.outcome_rules import ResultsClaimed, apply_rule, results_claimed

__all__ = ["Framework", "ResultRule", "ResultsClaimed", "apply_rule", "read_framework", "results_claimed"]
