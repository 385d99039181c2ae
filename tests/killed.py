"""Kill the whole run at random moments, again and again, and see that nothing is lost: python -m tests.killed [--times 20]

In a scratch copy of the project ./run_all.sh is started, and after a random time every process that it has started is killed (SIGKILL);
then it is started again. After some kills the run is let to its end, and must equal, bit for bit, one that nobody disturbed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from artifact.tidy import outputs
from artifact.verify import compare, copy_sources


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """What makes ./run_all.sh of a copy use the environment of this process, as it uses an active conda environment."""
    active = {"CONDA_PREFIX": sys.prefix, "CONDA_DEFAULT_ENV": "qnn-artifact", "PYTHONPATH": str(folder)}
    return {**os.environ, **active, **changes}


def start(folder: Path, *options: str, **changes: str) -> subprocess.Popen[bytes]:
    """The run, its output in a file of the folder."""
    with (folder / "run.log").open("ab") as log:
        return subprocess.Popen(
            [folder / "run_all.sh", *options],
            cwd=folder,
            env=environment(folder, **changes),
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def processes(folder: Path) -> list[psutil.Process]:
    """All that work in a folder."""
    return [process for process in psutil.process_iter(["cwd", "cmdline"]) if process.info["cwd"] == str(folder)]


def kernels(folder: Path) -> list[psutil.Process]:
    """The notebooks that compute there, each in a session of its own."""
    found = []
    for process in processes(folder):
        with suppress(ProcessLookupError):
            found += [process] * (os.getsid(process.pid) == process.pid)
    return found


def kill(run: subprocess.Popen[bytes], folder: Path) -> int:
    """Kill the run and all that it has started, notebooks' kernels among them; how many processes that were."""
    killed = 0
    for _ in range(3):  # One may be started while the others are being killed.
        found = processes(folder)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
                killed += 1
        psutil.wait_procs(found, timeout=10)
    run.wait()
    return killed


def finish(folder: Path, *options: str, **changes: str) -> str:
    """Run to the end; what it said. Raises AssertionError if that was not the end."""
    run = start(folder, *options, **changes)
    run.wait()
    said = (folder / "run.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, said[-3000:]
    return said


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.killed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help="kills")
    parser.add_argument("--each", type=int, default=4, help="kills of one run before it is let to its end")
    parser.add_argument("--profile", default="smoke")
    parser.add_argument(
        "--longest", type=float, default=30.0, help="most seconds from the start, or from the first notebook, until a kill"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--reference", type=Path, help="a copy with a run that nobody disturbed (default: made here first)")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    scratch = Path(tempfile.mkdtemp(prefix="qnn-killed-"))
    folder, reference = scratch / "killed", options.reference or scratch / "undisturbed"
    command = ("--profile", options.profile)
    for copy in {folder, reference} - {options.reference}:
        copy_sources(copy)
    if options.reference is None:
        finish(reference, *command)
    for number in range(1, options.times + 1):
        begun = time.perf_counter()
        run = start(folder, *command)
        at_work = moments.random() < 0.75
        while at_work and run.poll() is None and not kernels(folder):
            time.sleep(0.1)
        with suppress(subprocess.TimeoutExpired):
            run.wait(options.longest * moments.random())
        notebooks = len(kernels(folder))
        told = "it had ended" if run.poll() is not None else f"{kill(run, folder)} processes, {notebooks} notebooks at work"
        print(f"kill {number} after {time.perf_counter() - begun:.0f} s: {told}", flush=True)
        if number % options.each and number < options.times:
            continue
        begun = time.perf_counter()
        damaged = [line for line in finish(folder, *command).splitlines() if "made again" in line]
        result = compare(reference, folder, options.profile)
        told = ", ".join(f"{count:,} {kind}" for kind, count in result.compared.items())
        print(
            f"let to its end in {time.perf_counter() - begun:.0f} s: {len(result.differences)} differences in {told}", flush=True
        )
        if result.differences or damaged:
            print("\n".join([*result.differences[:20], *damaged]))
            return 1
        for output in outputs(options.profile):
            shutil.rmtree(folder / output)
    shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
