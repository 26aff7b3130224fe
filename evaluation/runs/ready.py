"""What every report and its kernel need and none changes, made once in the server from which their processes are forked: libraries, and the typeface
cut down for pages.
"""

from __future__ import annotations

import gc
from contextlib import suppress

import ipykernel.ipkernel
import ipykernel.kernelapp
import matplotlib.backends.backend_svg
import matplotlib.figure
import matplotlib.font_manager
import nbclient
import odf.opendocument
import odf.table
import odf.text
import openpyxl
import pikepdf
import typst

from evaluation.reporting import beside, council, national, outcome_page, payment_page, reach_page, trust, value_page
from evaluation.reporting.fonts import font_faces, text_width
from evaluation.runs import notebooks
from evaluation.runs.closed import papermill

__all__ = ["ipykernel", "matplotlib", "nbclient", "notebooks", "odf", "openpyxl", "papermill", "pikepdf", "typst"]

with suppress(OSError):  # a typeface that is not there is told by the report that needs it
    font_faces()
    text_width("")
gc.freeze()  # what is here stays: no process forked from here looks through it for what may go
