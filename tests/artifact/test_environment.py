"""How run_all.sh makes .venv, told by a Python that only writes down what it is asked."""

import os
import shutil
import subprocess

import pytest

from artifact.files import ROOT

PYTHON = """#!/bin/sh
echo "PIP_USER=$PIP_USER $*" >>"$CALLS"
case "$*" in
    --version) echo "Python $VERSION" ;;
    -c*) exit 0 ;;
    *venv*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "VIRTUAL_ENV=$PWD/.venv" >.venv/bin/activate ;;
    *pip*) exit 0 ;;
    *) exit 1 ;;
esac
"""


@pytest.mark.parametrize("user", ["1", "0"])
@pytest.mark.parametrize(
    ("there", "place", "made"), [("", "", True), ("3.11.9", "", False), ("3.11.2", "", True), ("3.11.9", "before/", True)]
)
def test_an_environment_is_made_anew_for_another_python_and_in_another_folder(tmp_path, there, place, made, user):
    project, python = tmp_path / "a {project}", tmp_path / "bin" / "python3.11"
    (project / ".venv" / "bin").mkdir(parents=True)
    python.parent.mkdir()
    python.write_text(PYTHON)
    python.chmod(0o755)
    for name in ("run_all.sh", "environment.yml", "requirements.lock"):
        shutil.copy(ROOT / name, project)
    if there:
        (project / ".venv" / "bin" / "activate").write_text(f"VIRTUAL_ENV={tmp_path}/{place}a {{project}}/.venv\n")
        (project / ".venv" / "bin" / "python").write_text(PYTHON.replace("$VERSION", there))
        (project / ".venv" / "bin" / "python").chmod(0o755)
    calls = tmp_path / "calls"
    plain = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path), "CALLS": str(calls), "VERSION": "3.11.9"}
    one = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    subprocess.run([*one, project / "run_all.sh", "--dry-run"], env={**plain, "PIP_USER": user}, capture_output=True, check=False)
    asked = calls.read_text()
    assert ("-m venv --clear .venv" in asked) == made
    assert "PIP_USER=0 -m pip install --disable-pip-version-check --no-input -r requirements.lock" in asked
    assert "PIP_USER=1" not in asked
    assert "-m snakemake summary --cores 1 " in asked


def test_lines_end_alike_whatever_git_is_told():
    command = ["git", "-c", "core.autocrlf=true", "check-attr", "eol", "text", "--", "run_all.sh", "figures/paper/fig1.png"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    asked = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
    assert "run_all.sh: eol: lf" in asked.stdout
    assert "fig1.png: text: unset" in asked.stdout
