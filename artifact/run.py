"""Run the workflow, tell how far it is, and print the table of claims: what ./run_all.sh does once there is an environment."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from joblib import cpu_count

from artifact.claims import load_claims
from artifact.environment import STOPPED, options, started, stop_as_by_hand
from artifact.failures import failures
from artifact.files import ROOT
from artifact.plan import expected, learn, planned
from artifact.tidy import outputs, set_aside, tidy
from qnn_core.terminal import command
from studies.claims import claims_table

LOG = ".snakemake/run_all.log"
TESTS = ("ruff check .", "ruff format --check .", "mypy", "pytest --cov --numprocesses logical --maxprocesses 4")


class Stopped(Exception):
    """Not everything could be made, and why."""


def make(target: str, profile: str, cores: int, *further: str) -> str:
    """Let Snakemake make a target, with its progress on the terminal; returns what it said, which LOG keeps.

    cores: notebooks side by side. further: options of Snakemake. Raises Stopped, with the reasons, when not everything could be made.
    """
    # Without Snakemake's own lock, which would outlive a killed run.
    command = [sys.executable, "-m", "artifact.warm", "-m", "snakemake", target, "--cores", str(cores)]
    command += ["--config", f"profile={profile}", "--rerun-incomplete", "--keep-going", "--nolock", *further]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told: dict[str, Any] = {
        "cwd": ROOT, "env": {**os.environ, "PATH": path, "PYTHONHASHSEED": "0"},
        "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace",
    }  # fmt: skip
    begun, said, is_planned = time.monotonic(), "", False
    (ROOT / LOG).parent.mkdir(exist_ok=True)
    with (
        (ROOT / LOG).open("w", encoding="utf-8", buffering=1) as log,
        started(command, **told) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            said += line
            if line.startswith("Select jobs") and not is_planned:
                is_planned = True
                print(expected(said, profile, cores), flush=True)
            elif steps := re.match(r"\d+ of \d+ steps.*", line):
                _show(f"{steps[0]}, {time.monotonic() - begun:.0f} s")
    if sys.stdout.isatty() and is_planned:
        print()
    with suppress(OSError):  # Times that cannot be kept stop no run.
        learn(said, profile)
    if process.returncode:
        raise Stopped(failures(said))
    return said


def _show(progress: str) -> None:
    """On a terminal, in place of the progress before."""
    print(f"\r{progress:<78}" if sys.stdout.isatty() else progress, end="" if sys.stdout.isatty() else "\n", flush=True)


def _on_slurm(jobs: int) -> list[str]:
    """Options that hand every notebook to Slurm. QNN_SLURM: what a cluster wants besides, such as slurm_account=NAME, one word each."""
    if not shutil.which("sbatch"):
        raise Stopped("--executor slurm: there is no sbatch here, the command of Slurm that takes jobs.")
    # Without an accounting database, which not every cluster has, only squeue sees a job end. A killed job is sent again.
    has_accounts = (
        shutil.which("sacct") and not subprocess.run(["sacct", "--noheader"], capture_output=True, check=False).returncode
    )
    query = ["--slurm-status-command", "sacct"] if has_accounts else ["--slurm-status-command", "squeue", "--slurm-no-account"]
    resources = ["--default-resources", "mem_mb=4000", "runtime=720", *shlex.split(os.environ.get("QNN_SLURM", ""))]
    waiting = ["--show-failed-logs", "--retries", "2", "--latency-wait", "60", "--slurm-init-seconds-before-status-checks", "5"]
    return ["--executor", "slurm", "--jobs", str(jobs), *waiting, *query, *resources]


def _listed(log: str) -> str:
    """What a dry run would make, each with the reason, and how many of each rule."""
    found = re.findall(r"^(?:local)?rule (\w+):\n(?:.*\n)*? +output: ([^,\n]+).*\n(?:.*\n)*? +reason: (.*)$", log, re.MULTILINE)
    counts = [f"{rule:<20}{count:>4}" for rule, count in planned(log).items()]
    return "\n".join([*(f"{rule}: {output}\n    {reason:.150}" for rule, output, reason in found), *counts])


def run(chosen: argparse.Namespace) -> None:
    """What the options ask for; raises Stopped, or what is wrong with the profile."""
    profile, cores = chosen.profile, chosen.cores or cpu_count()
    results, figures, pages = outputs(profile)
    kept = Path(pages, "summary.ipynb").is_file() and Path(results, "claims.json").is_file()
    if chosen.site and not kept:
        print(f"The {profile} profile has no rendered notebooks yet; making them first.", flush=True)
    if not (chosen.site and kept):
        further = _on_slurm(cores) if chosen.executor == "slurm" else []
        further += ["--dry-run"] * chosen.dry_run + ["--forceall"] * chosen.force
        found = [] if chosen.dry_run else tidy(profile)
        for sentence in (*found, *set_aside(profile, only_tell=chosen.dry_run)):
            print(sentence, flush=True)
        said = make(chosen.only, profile, cores, *further)
        if "Nothing to be done" in said:
            print("All is up to date.")
        elif chosen.dry_run:
            print(_listed(said))
        if chosen.only == "summary" and not chosen.dry_run:
            claims, agreement = load_claims(f"{results}/claims.json")
            print("", claims_table(claims), agreement, "", sep="\n")
            print(f"Table of claims:      {results}/claims.json")
            print(f"Figures:              {figures}/\nRendered notebooks:   {pages}/")
    if chosen.site:
        from artifact.book import write_book

        print(f"Site:                 {write_book(profile)}")


def run_tests() -> int:
    """Linters, types and tests side by side, all of them, whatever the first ones say."""
    with ExitStack() as all_of_them:
        processes = [all_of_them.enter_context(started([sys.executable, "-m", *command.split()])) for command in TESTS]
    return int(any(process.returncode for process in processes))


@command
def main(arguments: list[str] | None = None) -> int:
    chosen = options(sys.argv[1:] if arguments is None else arguments)
    stop_as_by_hand()
    try:
        if chosen.test:
            return run_tests()
        run(chosen)
    except (KeyboardInterrupt, BrokenPipeError):  # The latter: of `| head`, which reads no more.
        sys.stdout = None
        print("\nStopped. Run again to go on from here.", file=sys.stderr)
        return STOPPED
    except Stopped as failure:
        print(failure, file=sys.stderr)
        print(f"run_all.sh: not everything could be made; the whole log is {LOG}. Run again to go on from here.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
