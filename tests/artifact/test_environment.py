"""What run_all.sh does before and beside the workflow, told by a Python that only writes down what it is asked."""

import os
import shutil
import subprocess

import psutil
import pytest

from artifact.files import ROOT

PYTHON = """#!/bin/sh
echo "PIP_USER=$PIP_USER $*" >>"$CALLS"
case "$*" in
    --version) echo "Python $VERSION" ;;
    -c*) exit 0 ;;
    *venv*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "VIRTUAL_ENV=$PWD/.venv" >.venv/bin/activate ;;
    *snakemake*--dry-run | *environment.py) exit 1 ;;
    *artifact.tidy*) if [ -n "$FAULT" ]; then printf "Traceback:\\n  File x\\n%s\\n" "$FAULT" >&2 && exit 1; fi ;;
    *snakemake*) echo "worker $$" >>"$CALLS" && for step in 1 2 3 4 5 6 7 8 9; do echo "$step of 9 steps"; sleep 1; done ;;
esac
"""


@pytest.fixture
def project(tmp_path):
    """A copy of the project, as far as run_all.sh needs it before any Python."""
    folder, python = tmp_path / "a {project}", tmp_path / "bin" / "python3.11"
    (folder / ".venv" / "bin").mkdir(parents=True)
    python.parent.mkdir()
    python.write_text(PYTHON)
    python.chmod(0o755)
    for name in ("run_all.sh", "environment.yml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


def variables(folder):
    above = folder.parent
    return {"PATH": f"{above}/bin:/usr/bin:/bin", "HOME": str(above), "CALLS": f"{above}/calls", "VERSION": "3.11.9"}


@pytest.mark.parametrize("user", ["1", "0"])
@pytest.mark.parametrize(
    ("there", "place", "made"), [("", "", True), ("3.11.9", "", False), ("3.11.2", "", True), ("3.11.9", "before/", True)]
)
def test_an_environment_is_made_anew_for_another_python_and_in_another_folder(project, there, place, made, user):
    if there:
        (project / ".venv/bin/activate").write_text(f"VIRTUAL_ENV={project.parent}/{place}{project.name}/.venv\n")
        (project / ".venv/bin/python").write_text(PYTHON.replace("$VERSION", there))
        (project / ".venv/bin/python").chmod(0o755)
    one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    plain = {**variables(project), "PIP_USER": user}
    subprocess.run([*one, project / "run_all.sh", "--dry-run"], env=plain, capture_output=True, check=False)
    asked = (project.parent / "calls").read_text()
    assert ("-m venv --clear .venv" in asked) == made
    assert "PIP_USER=0 -m pip install --disable-pip-version-check --no-input -r requirements.lock" in asked
    assert "PIP_USER=1" not in asked
    assert "-m snakemake summary --cores 1 " in asked


def test_a_run_that_nobody_reads_any_more_stops_what_it_started(project):
    run = subprocess.Popen([project / "run_all.sh"], env=variables(project), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdout.readline()
    run.stdout.close()
    assert b"Stopped. Run again to go on from here." in run.stderr.read()
    run.stderr.close()
    assert run.wait() == 130
    (worker,) = (line.split()[1] for line in (project.parent / "calls").read_text().splitlines() if line.startswith("worker "))
    assert not psutil.pid_exists(int(worker))


def test_a_variable_that_cannot_be_used_is_one_sentence(project):
    plain = {**variables(project), "FAULT": "variable NUMBA_NUM_THREADS = '0' is not usable"}
    done = subprocess.run([project / "run_all.sh"], env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"{plain['FAULT']}\n")


@pytest.mark.parametrize(("status", "begins"), [(0, True), (1, False), (71, True)])
def test_a_file_system_without_locks_is_no_other_run(project, status, begins):
    flock = project.parent / "bin" / "flock"
    flock.write_text(f"#!/bin/sh\nexit {status}\n")
    flock.chmod(0o755)
    run = [project / "run_all.sh", "--dry-run"]
    done = subprocess.run(run, env=variables(project), capture_output=True, text=True, check=False)
    assert ("another run is at work" in done.stderr) != begins
    assert (project.parent / "calls").exists() == begins


def test_lines_end_alike_whatever_git_is_told():
    command = ["git", "-c", "core.autocrlf=true", "check-attr", "eol", "text", "--", "run_all.sh", "figures/paper/fig1.png"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
    assert "run_all.sh: eol: lf" in asked.stdout
    assert "fig1.png: text: unset" in asked.stdout
