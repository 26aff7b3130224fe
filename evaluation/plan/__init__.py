"""A study's plan: what is asked, of whom, with which matcher, estimator and checks. Names and checked parameters only.

Names of outcomes, covariates, matchers and estimators are resolved in `pipeline`; nothing here opens data or imports a method.
"""

from __future__ import annotations

from evaluation.plan.reading import read_plan
from evaluation.plan.whole import Plan

__all__ = ["Plan", "read_plan"]
