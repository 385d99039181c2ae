"""How ./run_all.sh makes .venv: told by what it would install, and by a Python that only writes down what it is asked."""

import os
import platform
import subprocess
import sys
from contextlib import nullcontext

import pytest

from artifact import environment
from artifact.files import ROOT


@pytest.mark.parametrize(
    ("version", "place", "made"), [("", "", True), ("3.11.99", "", True), (platform.python_version(), "", False),
                                   (platform.python_version(), "before/", True)]
)  # fmt: skip
def test_an_environment_is_made_anew_for_another_python_and_in_another_folder(tmp_path, monkeypatch, version, place, made):
    project, asked = tmp_path / "a {project}", []
    (project / ".venv" / "bin").mkdir(parents=True)
    if version:
        (project / ".venv" / "bin" / "activate").write_text(f"VIRTUAL_ENV={tmp_path}/{place}a {{project}}/.venv\n")
        (project / ".venv" / "pyvenv.cfg").write_text(f"version = {version}\n")
    monkeypatch.setattr(environment, "ROOT", project)
    monkeypatch.setattr(environment, "_install", lambda _, *arguments: asked.append(arguments))
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    assert environment.environment() == project / ".venv"
    assert (asked[0] == ("venv", "--clear", project / ".venv")) == made
    assert [arguments[-2:] for arguments in asked[-2:]] == [("-r", "requirements.lock"), ("-e", ".")]


@pytest.mark.parametrize("user", ["1", "0"])
def test_pip_installs_nowhere_else(tmp_path, user):
    python = tmp_path / "python3.11"
    python.write_text('#!/bin/sh\necho "PIP_USER=$PIP_USER PIP_TARGET=$PIP_TARGET $*"\n')
    python.chmod(0o755)
    plain = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PIP_USER": user, "PIP_TARGET": "elsewhere"}
    done = subprocess.run([ROOT / "run_all.sh", "--dry-run"], env=plain, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "PIP_USER=0 PIP_TARGET= artifact/environment.py --dry-run"


@pytest.mark.parametrize(("failure", "begins"), [(None, True), (BlockingIOError, False), (OSError, True)])
def test_a_file_system_without_locks_is_no_other_run(tmp_path, monkeypatch, failure, begins):
    def flock(*_):
        if failure:
            raise failure

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment.fcntl, "flock", flock)
    with nullcontext() if begins else pytest.raises(SystemExit, match="another run is at work"):
        environment.lock()


def test_a_variable_that_cannot_be_used_is_one_sentence():
    plain = {**os.environ, "NUMBA_NUM_THREADS": "0"}
    command = [sys.executable, "-c", environment.GO_ON, "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("variable NUMBA_NUM_THREADS = '0' is not usable")
    assert done.stderr.count("\n") == 1


def test_lines_end_alike_whatever_git_is_told():
    command = ["git", "-c", "core.autocrlf=true", "check-attr", "eol", "text", "--", "run_all.sh", "figures/paper/fig1.png"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
    assert "run_all.sh: eol: lf" in asked.stdout
    assert "fig1.png: text: unset" in asked.stdout
