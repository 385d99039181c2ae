"""What people type is understood, what goes wrong is said in its own words, and what is stopped stops with all that it has started."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from artifact import run
from artifact.environment import STOPPED, options, started, stop_as_by_hand

LOG = """host: here
Job stats:
job         count
--------  -------
fig1            1
phase           1
total           2


[Wed Nov  4 23:59:50 2026]
rule phase:
    input: notebooks/04_phase.ipynb, artifact/checks.py
    output: data/results/smoke/phase.npz, data/results/smoke/phase.json
    jobid: 1
    reason: Missing output files: data/results/smoke/phase.npz
[Wed Nov  4 23:59:50 2026]
localrule fig1:
    input: notebooks/fig1.ipynb
    output: figures/smoke/fig1.png
    jobid: 0
    reason: Input files updated by another job: data/results/smoke/phase.npz
"""


def test_a_dry_run_lists_what_would_be_made_and_why():
    assert run._listed(LOG).splitlines() == [
        "phase: data/results/smoke/phase.npz",
        "    Missing output files: data/results/smoke/phase.npz",
        "fig1: figures/smoke/fig1.png",
        "    Input files updated by another job: data/results/smoke/phase.npz",
        "fig1                   1",
        "phase                  1",
    ]


def test_slurm_is_asked_for_what_the_cluster_wants(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("QNN_SLURM", "slurm_account=mine mem_mb=8000")
    with pytest.raises(run.Stopped, match="there is no sbatch here"):
        run._on_slurm(50)
    for program, status in (("sbatch", 0), ("sacct", 1)):
        (tmp_path / program).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / program).chmod(0o755)
    asked = run._on_slurm(50)
    assert asked[:4] == ["--executor", "slurm", "--jobs", "50"]
    assert {"squeue", "--slurm-no-account"} <= set(asked)
    assert asked[-4:] == ["mem_mb=4000", "runtime=720", "slurm_account=mine", "mem_mb=8000"]
    (tmp_path / "sacct").write_text("#!/bin/sh\n")
    assert "--slurm-no-account" not in run._on_slurm(50)


def test_options_have_defaults_and_are_checked_before_anything_is_installed(capsys):
    chosen = options(["--cores=3", "--only", "fig3"])
    assert (chosen.profile, chosen.cores, chosen.only, chosen.executor, chosen.test) == ("quick", 3, "fig3", "local", None)
    assert options(["test"]).test
    for wrong in (["--cores", "1e3"], ["--prof", "smoke"], ["--site", "--force"], ["test", "--force"]):
        with pytest.raises(SystemExit) as left:
            options(wrong)
        assert left.value.code == 2
    capsys.readouterr()


def test_a_dry_run_removes_and_moves_nothing(monkeypatch):
    calls = []
    monkeypatch.setattr(run, "tidy", lambda profile: calls.append(f"tidy {profile}") or [])
    monkeypatch.setattr(run, "set_aside", lambda profile, only_tell: calls.append((profile, only_tell)) or [])
    monkeypatch.setattr(run, "make", lambda *asked: calls.append(asked) or "Nothing to be done")
    run.run(options(["--only", "fig1", "--cores", "2", "--dry-run"]))
    run.run(options(["--only", "fig1", "--cores", "3", "--force", "--profile", "smoke"]))
    assert calls == [
        ("quick", True), ("fig1", "quick", 2, "--dry-run"),
        "tidy smoke", ("smoke", False), ("fig1", "smoke", 3, "--forceall"),
    ]  # fmt: skip


@pytest.mark.parametrize("why", [KeyboardInterrupt, BrokenPipeError])
def test_a_run_that_is_stopped_or_that_nobody_reads_any_more_says_so(monkeypatch, capsys, why):
    def ended(_):
        raise why

    monkeypatch.setattr(sys, "argv", ["artifact.run", "--only", "fig1"])
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    monkeypatch.setattr(run, "stop_as_by_hand", lambda: None)
    monkeypatch.setattr(run, "run", ended)
    assert run.main() == STOPPED
    assert "Stopped. Run again to go on from here." in capsys.readouterr().err


def test_a_request_to_end_ends_the_whole_group():
    code = "import subprocess; subprocess.Popen(['sleep', '300']); print('ready', flush=True); input()"
    everything = []

    def stopped_at_work():
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with started([sys.executable, "-c", code], **pipes) as process:
            assert process.stdout.readline() == "ready\n"
            everything.extend([psutil.Process(process.pid), *psutil.Process(process.pid).children()])
            os.kill(os.getpid(), signal.SIGTERM)
            process.wait()

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        stop_as_by_hand()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        with pytest.raises(KeyboardInterrupt):
            stopped_at_work()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert len(everything) == 2
    assert not psutil.wait_procs(everything, timeout=60)[1]
