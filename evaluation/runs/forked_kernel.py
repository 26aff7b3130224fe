"""A kernel forked from the process of a report's task, which has imported what kernels need, instead of one started by name that imports it all again.

It is a process of its own, in a session of its own, as every kernel is. It is forked before the first socket or loop is made in the task, from what
has done nothing but imports, and it serves one notebook.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

READY = "evaluation.runs.ready"  # imported by the server of tasks alone
TOLD = 3  # the one file that stays open besides the standard ones
MOST = 65_536  # files that a process may have open
LOOK = 0.02  # seconds between looks at whether it has ended


class WaitingKernel:
    """A process that waits to be told which kernel to be; a kernel manager holds it as it does a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        told, self.tell = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            become_a_kernel(told)
        os.close(told)

    def begin(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Tell it the command line and the environment of a kernel started by name."""
        with os.fdopen(self.tell, "wb") as pipe:
            pipe.write(json.dumps([list(command), dict(environment)]).encode())

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        """Wait until it has ended; its exit code."""
        while (code := self.poll()) is None:
            time.sleep(LOOK)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


@contextmanager
def waiting_kernel() -> Iterator[WaitingKernel | None]:
    """A kernel that waits, where this process is a task's; None elsewhere, and where processes cannot be forked. It is gone afterwards."""
    import signal

    if READY not in sys.modules or multiprocessing.parent_process() is None:
        yield None
        return
    waiting = WaitingKernel()
    try:
        yield waiting
    finally:
        waiting.send_signal(signal.SIGKILL)
        waiting.wait()


def provisioner_of(waiting: WaitingKernel, **options: Any) -> Any:
    """What a kernel manager is given so that it takes a waiting kernel instead of starting one."""
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner
    from nbclient.exceptions import DeadKernelError

    class Forked(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            try:
                waiting.begin([*cmd, f"--IPKernelApp.parent_handle={os.getpid()}"], kwargs["env"])
            except BrokenPipeError:
                raise DeadKernelError("It was killed before it began.") from None
            self.process, self.pid, self.pgid, self.cwd = waiting, waiting.pid, waiting.pid, os.getcwd()
            return self.connection_info

    return Forked(**options)


def become_a_kernel(told: int) -> NoReturn:
    """In the forked process: wait for a command line, be that kernel, end. No file of the task stays open, its lock least of all."""
    code = 1
    try:
        os.setsid()
        os.dup2(told, TOLD)
        os.closerange(TOLD + 1, MOST)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        with os.fdopen(TOLD, "rb") as pipe:
            words = pipe.read()
        if words:
            be_kernel(*json.loads(words))
        code = 0
    finally:
        os._exit(code)


def be_kernel(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a kernel as if started by `command` (an interpreter, -m, a module, its arguments): nothing that lies in the working folder is imported."""
    from evaluation.runs.kernel import launch

    os.environ.clear()
    os.environ.update(environment)
    places = dict.fromkeys([*environment["PYTHONPATH"].split(os.pathsep), *sys.path])
    sys.path[:] = [place for place in places if place not in ("", os.getcwd())]
    sys.argv = list(command[2:])
    launch()
