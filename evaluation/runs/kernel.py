"""A Jupyter kernel that listens to its runner and to nobody else: python -m evaluation.runs.kernel -f CONNECTION_FILE.

ipykernel opens a port of its own on 127.0.0.1 for what forked children of a kernel print. Reports fork nothing, so it stays shut.
"""

from __future__ import annotations

import sys
from pathlib import Path


def launch() -> None:
    """Run a kernel until it is told to stop."""
    from ipykernel import kernelapp
    from ipykernel.iostream import IOPubThread

    class Shut(IOPubThread):
        def __init__(self, socket: object, pipe: bool = False, **others: object):
            super().__init__(socket, pipe=False, **others)

    kernelapp.IOPubThread = Shut
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    if sys.path[0] == "" or Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # as ipykernel does: nothing that lies in the working folder is imported by chance
    launch()
