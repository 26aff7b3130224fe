"""Run a notebook in a fresh kernel, and make a council's report from it. What a notebook shows is decided in the notebook.

Papermill only warns of an unknown parameter and leaves a failed notebook that looks like a result; here parameters are checked first, and only a
finished notebook gets the name that was asked for.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import evaluation
from evaluation import errors
from evaluation.disclosure.release import ReportContent
from evaluation.errors import ReportError
from evaluation.locations import project_file
from evaluation.reporting.blocks import blocks_of
from evaluation.reporting.export import Rendered, export
from evaluation.runs.forked_kernel import WaitingKernel, provisioner_of, waiting_kernel

PACKAGE = Path(evaluation.__file__).resolve().parent
COUNCIL_REPORT = "notebooks/council_report.ipynb"
TYPES = {"str": str, "int": int, "float": float, "bool": bool}
CELL_SECONDS = 120  # a cell that takes longer has hung


def render_report(content_path: Path, folder: Path, *, failed: Path | None = None) -> Rendered:
    """A council's report as HTML, PDF and spreadsheets from its release.

    Parameters
    ----------
    content_path : Path
        What may leave, written by `ReportContent.write`.
    folder : Path
        Receives `<study>_<code>.html`, `.pdf`, `.ods` and `.xlsx` (`..._simulated` when the data are simulated); nothing on failure.
    failed : Path or None
        Private folder for the notebook of a failed run; None keeps no copy.

    Raises
    ------
    ReportError
        The notebook fails, or a block cannot be set.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="evaluation-", dir=folder if Path(folder).is_dir() else None) as room:
        out, parameters = Path(room) / f"{Path(content_path).stem}.ipynb", {"content_path": str(Path(content_path).resolve())}
        executed = execute_notebook(project_file(COUNCIL_REPORT), out, parameters, failed=failed)
        blocks = blocks_of(json.loads(executed.read_text(encoding="utf-8")))
        page, made, *sheets = export(blocks, Path(folder), ReportContent.read(content_path))
    return Rendered(html=page, pdf=made, spreadsheets=tuple(sheets), seconds=time.perf_counter() - began)


def execute_notebook(source: Path, out: Path, parameters: Mapping[str, Any], *, failed: Path | None = None, cell_seconds: int = CELL_SECONDS) -> Path:
    """Execute a notebook by papermill in a fresh kernel of this interpreter.

    Parameters
    ----------
    source : Path
        Notebook with one cell tagged `parameters`, each parameter annotated with its type.
    out : Path
        The executed notebook; appears only when every cell has run.
    parameters : name -> value
        Names must be declared in the notebook, values of the declared type; parameters without a default must be given.
    failed : Path or None
        Folder (made private to this user) to which the notebook of a failed run goes, traceback and all. It may hold rows: it never leaves.
    cell_seconds : int
        Limit for one cell.

    Raises
    ------
    ReportError
        Parameters do not fit, or a cell fails; the message names the cell and the kind of error, and holds no traceback.
    """
    source, out = Path(source), Path(out)
    check_parameters(declared_parameters(source), parameters, source.name)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".notebook-", dir=out.parent) as room:
        working = Path(room) / "working.ipynb"
        with tempfile.TemporaryDirectory(prefix="k-", ignore_cleanup_errors=True) as kernel_room:  # short: a socket's path holds about 100 characters
            fault = _execute(source, working, parameters, cell_seconds, Path(kernel_room))
        if fault is None:
            os.replace(working, out)
            return out
        kept = _keep(working, failed, out.name)
    cause, words = fault
    raise ReportError(f"{source.name} must run to its end: {words.rstrip('.')}. {kept}", cause=cause)


def declared_parameters(source: Path) -> dict[str, tuple[str, bool]]:
    """Parameters of a notebook: name -> (type, whether it has a default other than '').

    Raises
    ------
    ReportError
        There is not exactly one cell tagged `parameters`, or it holds something else than annotated names.
    """
    if not Path(source).is_file():
        raise ReportError(f"The notebook must be there: {Path(source).name} is not. Reports need the folder notebooks/ beside the package.")
    cells = [cell for cell in json.loads(Path(source).read_text(encoding="utf-8"))["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    statements = ast.parse("".join(cells[0]["source"])).body if len(cells) == 1 else []
    good = [
        line for line in statements if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and ast.unparse(line.annotation) in TYPES
    ]
    if not good or len(good) != len(statements):
        raise ReportError(
            f"{Path(source).name} must have one cell tagged 'parameters' with lines like `content_path: str = \"\"`, types among {sorted(TYPES)}. "
            "Mend that cell."
        )
    return {line.target.id: (ast.unparse(line.annotation), line.value is not None and ast.unparse(line.value) != "''") for line in good}


def check_parameters(declared: Mapping[str, tuple[str, bool]], given: Mapping[str, Any], name: str) -> None:
    """Refuse names that the notebook does not declare, values of another type, and missing ones."""
    faults = [f"{key} is not among them" for key in given if key not in declared]
    faults += [
        f"{key} must be {declared[key][0]}, not {type(value).__name__}"
        for key, value in given.items()
        if key in declared and type(value) is not TYPES[declared[key][0]]
    ]
    faults += [f"{key} has no value" for key, (_, has_default) in declared.items() if not has_default and key not in given]
    if faults:
        raise ReportError(f"The parameters of {name} are {', '.join(declared)}: {'; '.join(faults)}. Mend the call.")


def _execute(source: Path, working: Path, parameters: Mapping[str, Any], cell_seconds: int, room: Path) -> tuple[str, str] | None:
    """Run; return None, or what stopped it ('died', 'time', 'memory' or '') and the fault in safe words."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from evaluation.runs.closed import papermill

    try:
        with waiting_kernel() as waiting:
            papermill.execute_notebook(
                str(source),
                str(working),
                parameters=dict(parameters),
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,
                execution_timeout=cell_seconds,
                start_timeout=60,
                kernel_manager_class=_kernel_manager(room, waiting),
            )
    except papermill.PapermillExecutionError as fault:
        cell = fault.exec_count - bool(parameters)  # papermill puts a cell with the values after the one with the defaults
        return "memory" if fault.ename == "MemoryError" else "", f"code cell {cell} raised {_safe(fault.ename, fault.evalue)}"
    except CellTimeoutError:
        return "time", f"a cell took longer than {cell_seconds} seconds"
    except DeadKernelError:
        return "died", "its kernel died, as happens when memory runs out"
    return None


def _safe(name: str, message: str) -> str:
    """Our own errors hold no row values and are told whole; of others only the kind."""
    kind = getattr(errors, str(name), None)
    return f"{name}: {message}" if isinstance(kind, type) and issubclass(kind, errors.EvaluationError) else str(name)


def _keep(working: Path, failed: Path | None, name: str) -> str:
    if failed is None or not working.is_file():
        return "No copy was kept; give a private folder for failed notebooks to look at it."
    failed = Path(failed)
    failed.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.replace(working, failed / name)
    os.chmod(failed / name, 0o600)
    return f"Look at the failed copy {failed.name}/{name}; it may hold rows, so it stays inside."


def _kernel_manager(room: Path, waiting: WaitingKernel | None) -> type:
    """A kernel of this very interpreter: no kernel need be installed, no file of the user is read, and on POSIX nothing listens on the network."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    path = os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH", ""))))
    spec = KernelSpec(
        argv=[
            sys.executable,
            "-m",
            "evaluation.runs.kernel",
            "-f",
            "{connection_file}",
            "--HistoryManager.enabled=False",
            f"--ipython-dir={room}",
            "--quiet",
        ],
        display_name="evaluation",
        language="python",
        env={"PYTHONPATH": path, "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
    )

    class FreshKernel(AsyncKernelManager):
        def __init__(self, **kwargs: Any):
            super().__init__(**kwargs)
            self._kernel_spec = spec
            if waiting is not None:
                self.provisioner = provisioner_of(waiting, kernel_spec=spec, parent=self)
            self.connection_file = str(room / "k.json")
            if os.name == "posix":
                self.transport = "ipc"
                self.ip = str(room / "s")

    return FreshKernel
