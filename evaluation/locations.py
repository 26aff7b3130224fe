"""Where the project's own files and the published data lie on this machine.

The data dictionary, the notebooks and the studies lie beside the package in a checkout and inside it in an installed wheel;
nobody else needs to know which. What the files hold is none of this module's business.
"""
from __future__ import annotations

import os
from pathlib import Path

from evaluation.errors import EvaluationError

OPEN_DATA_VARIABLE = "EVALUATION_OPEN_DATA"
_PACKAGE = Path(__file__).resolve().parent


def project_file(name: str) -> Path:
    """The path of a file or folder that comes with the project.

    Parameters
    ----------
    name : str
        Path seen from the project's root, such as `data_dictionary` or `notebooks/council_report.ipynb`.

    Returns
    -------
    Path
        An existing path: in the checkout of an editable install, else inside the installed package.

    Raises
    ------
    EvaluationError
        It is in neither place.
    """
    places = (_PACKAGE.parent / name, _PACKAGE / "_shipped" / name)
    # An installed wheel lies among other packages, where a folder called `studies` may be somebody else's: what was shipped comes first.
    for place in reversed(places):
        if place.exists():
            return place
    raise EvaluationError(f"{name} must come with the project and is at neither {places[0]} nor {places[1]}. "
                          "Mend the name, or install the package again from a complete copy of the project.")


def seen(path: str | Path) -> Path:
    """A path as given where it is there, else the same seen from the project's root where that is there; a notebook works in a folder of its own."""
    here = Path(path).expanduser()
    try:
        return here if here.exists() else project_file(str(here))
    except EvaluationError:
        return here


def open_data_folder() -> Path:
    """The folder of published statistics, whether or not it is there.

    Returns
    -------
    Path
        The folder that the environment variable EVALUATION_OPEN_DATA names; without it `../shared/open-data` seen from the project's root.
    """
    named = os.environ.get(OPEN_DATA_VARIABLE, "").strip()
    return Path(named).expanduser() if named else _PACKAGE.parent.parent / "shared" / "open-data"
