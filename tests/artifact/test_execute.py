"""Notebooks run with checked parameters only, and what fails leaves no result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from artifact import execute
from qnn_core.files import write_record

PROJECT = Path(__file__).parents[2]


def test_unknown_notebooks_and_broken_json_are_refused(tmp_path, capsys):
    assert execute.main(["08_nothing", "--output", str(tmp_path / "x.ipynb")]) == 2
    assert "one of 01_data" in capsys.readouterr().err
    for broken in (["{"], ["3"], ['{"seed": 1}', '{"seed": 2}'], ['{"seed": 1, "seed": 2}']):
        given = [part for text in broken for part in ("--parameters", text)]
        with pytest.raises(SystemExit) as stopped:
            execute.main(["01_data", "--output", str(tmp_path / "x.ipynb"), *given])
        assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("injected", "named"),
    [
        (["-p", "datset", "mnist"], "datset = 'mnist'"),
        (["-y", "dataset: 1e-4"], "dataset = '1e-4'"),
        (["-r", "dataset", "emnist"], "dataset = 'emnist'"),
    ],
)
def test_papermill_itself_stops_at_the_first_lines(injected, named, tmp_path):
    output = tmp_path / "out.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--cwd",
        PROJECT,
        "-k",
        "python3",
        PROJECT / "notebooks" / "01_data.ipynb",
        output,
    ]
    done = subprocess.run([*command, "-p", "result", tmp_path / "x.npz", *injected], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Parameters of notebook 01_data are not usable" in done.stderr
    assert named in done.stderr
    assert not (tmp_path / "x.npz").exists()


def test_a_failing_notebook_is_kept_and_reported_and_leaves_no_result(tmp_path, capsys):
    (tmp_path / "altered.npz").write_bytes(b"altered")
    write_record(tmp_path / "altered.json", {"file": "altered.npz", "sha256": "0" * 64, "notebook": "02_training"})
    arguments = {"runs": [str(tmp_path / "altered.npz")], "result": str(tmp_path / "phase.npz")}
    output = tmp_path / "04_phase.ipynb"
    before = dict(os.environ)
    assert execute.main(["04_phase", "--output", str(output), "--parameters", json.dumps(arguments)]) == 1
    message = capsys.readouterr().err
    assert "04_phase stopped: DamagedFile: altered.npz does not match its recorded SHA-256; delete it and run again." in message
    assert (tmp_path / "04_phase.failed.ipynb").is_file()
    assert not output.exists()
    assert not (tmp_path / "phase.npz").exists()
    assert os.environ == before
