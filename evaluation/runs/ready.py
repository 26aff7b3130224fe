"""What every report needs and none changes, made once in the server from which its process is forked: libraries, and the typeface cut down for pages."""

from __future__ import annotations

from contextlib import suppress

import nbclient
import odf.opendocument
import odf.table
import odf.text
import openpyxl
import pikepdf
import typst

from evaluation.reporting.fonts import font_faces, text_width
from evaluation.runs import notebooks
from evaluation.runs.closed import papermill

__all__ = ["nbclient", "notebooks", "odf", "openpyxl", "papermill", "pikepdf", "typst"]

with suppress(OSError):  # a typeface that is not there is told by the report that needs it
    font_faces()
    text_width("")
