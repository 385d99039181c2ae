"""What ./run_all.sh does before anything is installed: options, a lock, the environment. Then `artifact.run` continues there.

Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = "qnn-artifact"
STOPPED = 130
"""Exit status of a run that was stopped."""
GO_ON = """import sys
try:
    from artifact.run import main
except ValueError as failure:
    sys.exit(str(failure))
sys.exit(main())
"""
"""`artifact.run` in the environment; a variable that cannot be used, such as numba's number of threads, is one sentence."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of ./run_all.sh; leaves with status 2 where they are wrong."""
    profiles = sorted(path.stem for path in (ROOT / "config").glob("*.yaml"))
    parser = argparse.ArgumentParser(
        "./run_all.sh", description="Run the workflow and print the table of claims.", allow_abbrev=False
    )
    parser.add_argument("test", nargs="?", help="the word test: run linters, types and tests instead")
    how_large = "how large (default quick: minutes, on scikit-learn's digits; paper: full MNIST)"
    parser.add_argument("--profile", default="quick", choices=profiles, help=how_large)
    parser.add_argument("--cores", type=int, metavar="N", help="notebooks run side by side (default: all processors)")
    part = f"with what it needs: {', '.join(targets())}"
    parser.add_argument("--only", default="summary", choices=targets(), metavar="TARGET", help=part)
    where = "on this machine (default), or hand each notebook to Slurm, at most N of --cores at once"
    parser.add_argument("--executor", default="local", choices=["local", "slurm"], help=where)
    site = "write site/index.html from the profile's rendered notebooks, made first if there are none"
    parser.add_argument("--site", action="store_true", help=site)
    parser.add_argument("--dry-run", action="store_true", help="list what would run and why, and run nothing")
    parser.add_argument("--force", action="store_true", help="run all of it again, up to date or not")
    chosen = parser.parse_args(arguments)
    if chosen.test and list(arguments) != ["test"]:
        parser.error(f"{chosen.test}: expected options, or test alone")
    if chosen.cores is not None and chosen.cores < 1:
        parser.error(f"--cores {chosen.cores}: expected a whole number of at least 1")
    if chosen.site and (chosen.only != "summary" or chosen.dry_run or chosen.force):
        parser.error("--site goes with --profile and --cores only")
    return chosen


def targets() -> list[str]:
    """The keys of the table of the workflow, read as text, since it cannot be imported yet, and the figures."""
    table = (ROOT / "artifact" / "workflow.py").read_text(encoding="utf-8")
    return [
        *re.findall(r'^        "(\w+)": ', table, re.MULTILINE),
        *sorted(path.stem for path in ROOT.glob("notebooks/fig*.ipynb")),
    ]


@contextmanager
def started(command: Sequence[str | Path], **choices: Any) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, waited for at the end; if this process is stopped, so is the whole group."""
    with subprocess.Popen(command, text=True, process_group=0, close_fds=False, **choices) as process:
        try:
            yield process
            process.wait()
        except BaseException:
            _tell(process, signal.SIGINT)  # At Ctrl-C, Snakemake takes back what it has handed to a cluster.
            try:
                process.wait(timeout=30)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                _tell(process, signal.SIGTERM)
                process.wait()
            raise


def _tell(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def stop_as_by_hand() -> None:
    """Let a request to end, or the end of the terminal, do what Ctrl-C does, unless it is to be ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def lock() -> None:
    """One run at a time. The lock lives as long as this process or any that has it from here, however they end."""
    try:
        Path(".snakemake").mkdir(exist_ok=True)
        held = os.open(".snakemake/run", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        sys.exit("run_all.sh: this folder cannot be written, and results go into it; copy it to a place of yours.")
    os.set_inheritable(held, True)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("run_all.sh: another run is at work in this folder; wait for it to end.")
    except OSError:
        pass  # A file system that knows no locks.


def differences(environment: Path, lock: Path = ROOT / "requirements.lock") -> list[str]:
    """How an environment differs from the lock, apart from local parts such as +cpu, or from this folder."""
    packages = {one.name: one for one in distributions(path=[str(environment / "lib/python3.11/site-packages")])}
    installed = {_canonical(name): one.version.split("+")[0] for name, one in packages.items()}
    pins = re.findall(r"^([\w.-]+)==(\S+)$", lock.read_text(encoding="utf-8"), re.MULTILINE)
    found = [
        f"{name} is {installed.get(_canonical(name), 'missing')}, the lock says {version}"
        for name, version in pins
        if installed.get(_canonical(name)) != version
    ]
    linked = PROJECT in packages and f'"{ROOT.as_uri()}"' in (packages[PROJECT].read_text("direct_url.json") or "")
    return found if linked else [*found, f"{PROJECT} is not installed from this folder"]


def _canonical(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


def environment() -> Path:
    """The folder of the environment: an active one of conda that has the lock's versions, or the project's name, as it is.

    Else .venv, made or brought up to date where it differs from the lock.
    """
    conda, called = os.environ.get("CONDA_PREFIX"), os.environ.get("CONDA_DEFAULT_ENV")
    if conda and (not (found := differences(Path(conda))) or called == PROJECT):
        print(f"Using the active conda environment {called or conda}.", *found[:10], sep="\n", flush=True)
        return Path(conda)
    own = ROOT / ".venv"
    if differences(own):
        print("Making the environment .venv from requirements.lock (a few minutes, once).", flush=True)
        if not _is_of_here(own):
            _install(sys.executable, "venv", "--clear", own)
        pip = (own / "bin/python", "pip", "--require-virtualenv", "--disable-pip-version-check", "--no-input", "install")
        # Python compiles the few modules that are used, when they are; pip would compile all.
        _install(*pip, "--no-compile", "-r", "requirements.lock")
        _install(*pip, "--no-deps", "--no-build-isolation", "-e", ".")
    return own


def _is_of_here(own: Path) -> bool:
    """Whether an environment is of this Python and this folder: its programs name their place, so one that was moved is of no use."""
    try:
        version, place = ((own / name).read_text(encoding="utf-8") for name in ("pyvenv.cfg", "bin/activate"))
    except OSError:
        return False
    return f"version = {platform.python_version()}\n" in version and str(own) in place


def _install(python: str | Path, module: str, *arguments: str | Path) -> None:
    with started([python, "-m", module, *arguments]) as process:
        pass
    if process.returncode:
        sys.exit("run_all.sh: the packages could not be installed, see above.")


def main() -> None:
    arguments = sys.argv[1:]
    options(arguments)  # Mistakes are told before minutes of installing.
    stop_as_by_hand()
    try:
        lock()
        python = str(environment() / "bin" / "python")
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(STOPPED)
    os.execv(python, [python, "-c", GO_ON, *arguments])


if __name__ == "__main__":
    main()
