"""Runs of notebooks as forks of one process that has imported what they use: python -m artifact.warm ARGUMENTS

becomes `python ARGUMENTS`, here Snakemake, with such a process beside it, which ends with it and to which `python -m artifact.execute`
hands itself over. That process only imports, so each run and its kernel begin as they would in processes of their own, seconds earlier.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from select import select
from typing import Any

ADDRESS = "QNN_WARM"
"""Variable with the socket of the process."""
_SOCKET = Path(".snakemake/warm")  # From the project's folder: a path of a socket may have 107 characters.
_IMPORTED = (
    "artifact.execute", "artifact.agreement", "fontTools.subset", "ipykernel.debugger", "ipykernel.kernelapp", "ipykernel.zmqshell",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_pdf", "matplotlib.pyplot", "pandas.io.formats.style",
    "scipy.optimize", "scipy.stats", "seaborn", "sklearn.datasets", "sklearn.model_selection", "torch",
)  # fmt: skip
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_OF_OTHER_KERNELS = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "MATPLOTLIBRC", "MPLBACKEND", "PYTHONSTARTUP")


def of_kernels(environment: dict[str, str]) -> dict[str, str]:
    """An environment with one thread for arithmetic, a fixed hash seed, and nothing of what is set for other kernels."""
    kept = {name: value for name, value in environment.items() if name not in _OF_OTHER_KERNELS}
    return {**kept, **dict.fromkeys(_THREADS, "1"), "PYTHONHASHSEED": "0"}


def hand_over() -> None:
    """Let a fork of the warm process, if there is one, do what this one was started for; end as it ended."""
    with socket.socket(socket.AF_UNIX) as warm:
        try:
            warm.connect(os.environ[ADDRESS])
        except (KeyError, OSError):
            return
        socket.send_fds(warm, [b"\n"], [0, 1, 2])
        warm.sendall(json.dumps(sys.argv[1:]).encode())
        warm.shutdown(socket.SHUT_WR)
        if status := warm.recv(1):
            sys.exit(status[0])
    os.kill(os.getpid(), signal.SIGKILL)


class _Kernel:
    """A fork of this process that waits to become a kernel, with what jupyter_client asks of a subprocess."""

    stdin = stdout = stderr = None
    returncode: int | None = None

    def __init__(self) -> None:
        told, self._tell = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._tell)
            _be_kernel(told)
        os.close(told)

    def start(self, command: list[str], *, env: dict[str, str], **_: Any) -> _Kernel:
        """As jupyter_client.launcher.launch_kernel."""
        with open(self._tell, "w", encoding="utf-8") as file:
            json.dump([command[command.index("-f") :], env, os.getcwd()], file)
        return self

    def poll(self) -> int | None:
        """The status with which it ended, if it has."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    wait = poll  # Asked of one that has ended.

    def send_signal(self, number: int) -> None:
        """As os.kill."""
        os.kill(self.pid, number)


def _be_kernel(told: int) -> None:
    os.setsid()
    with open(told, encoding="utf-8") as file:
        content = file.read()
    if content:
        arguments, environment, folder = json.loads(content)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        from ipykernel.kernelapp import IPKernelApp

        IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])
    os._exit(0)


def serve(listening: int) -> None:
    """Fork for every run that is handed over on a socket, until nobody holds the other end of standard input any more."""
    server = socket.socket(fileno=listening)
    while server in select([server, sys.stdin], [], [])[0]:
        connection, _ = server.accept()
        _import_all()
        if not os.fork():
            server.close()
            _run(connection)
        connection.close()


def _import_all() -> None:
    for module in _IMPORTED:
        import_module(module)
    from numba.core.registry import cpu_target

    # What numba imports when the first loop is called.
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


def _run(connection: socket.socket) -> None:
    """Do what was handed over, on the terminal of who did."""
    _, given, *_ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as file:
        arguments = json.load(file)
    for number, descriptor in enumerate(given):
        os.dup2(descriptor, number)
        os.close(descriptor)
    from jupyter_client.provisioning import local_provisioner

    from artifact.execute import main as execute

    local_provisioner.launch_kernel = _Kernel().start  # type: ignore[assignment,attr-defined]
    status: Any = 1
    try:
        status = execute(arguments)
    except SystemExit as stopped:
        status = stopped.code
    finally:
        sys.stdout.flush()
        connection.sendall(bytes([status]))
    os._exit(status)


def main() -> None:
    quiet = subprocess.DEVNULL
    environment = {**of_kernels(dict(os.environ)), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    server = socket.socket(socket.AF_UNIX)
    with suppress(OSError):  # Of a file system without sockets.
        _SOCKET.parent.mkdir(exist_ok=True)
        _SOCKET.unlink(missing_ok=True)
        server.bind(str(_SOCKET))
        server.listen()
        command = [sys.executable, "-c", f"from artifact.warm import serve; serve({server.fileno()})"]
        given: dict[str, Any] = {"env": environment, "pass_fds": [server.fileno()], "stdout": quiet, "stderr": quiet}
        warm = subprocess.Popen(command, stdin=subprocess.PIPE, **given)
        os.set_inheritable(warm.stdin.fileno(), True)  # type: ignore[union-attr]
        os.environ[ADDRESS] = str(_SOCKET)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
