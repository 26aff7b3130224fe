"""From a plan to released reports: the commands that the command line calls."""

from __future__ import annotations

from evaluation.pipeline.batch import batch_status, run_batch
from evaluation.pipeline.checks import check_data, check_plan, write_simulated
from evaluation.pipeline.describe_dictionary import describe_dictionary
from evaluation.pipeline.methods import describe_methods
from evaluation.pipeline.run import report_run, run_study

__all__ = [
    "batch_status",
    "check_data",
    "check_plan",
    "describe_dictionary",
    "describe_methods",
    "report_run",
    "run_batch",
    "run_study",
    "write_simulated",
]
