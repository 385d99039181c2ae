"""Notebooks run with checked parameters only, and what fails leaves no result."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
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
    write_record(
        tmp_path / "altered.json",
        {"file": "altered.npz", "sha256": "0" * 64, "pictures": {}, "notebook": "02_training", "parameters": {"snapshots": 1}},
    )
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


def run_here(tmp_path, monkeypatch, source, **changes):
    """Executes a notebook of one cell as if it were 01_data; returns the exit status and what the cell printed."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    page = nbformat.v4.new_notebook(metadata={"kernelspec": kernel}, cells=[nbformat.v4.new_code_cell(source)])
    project = tmp_path / "a {project} of {0}"
    (project / "notebooks").mkdir(parents=True)
    nbformat.write(page, project / "notebooks" / "01_data.ipynb")
    monkeypatch.setattr(execute, "ROOT", project)
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    values = json.dumps({"result": str(tmp_path / "x.npz")})
    status = execute.main(["01_data", "--output", str(tmp_path / "page.ipynb"), "--parameters", values])
    cells = nbformat.read(next(tmp_path.glob("page*.ipynb")), 4).cells
    return status, "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", ()))


def test_a_killed_kernel_is_one_sentence_about_memory_and_its_page_is_kept(tmp_path, monkeypatch, capsys):
    (tmp_path / "{t}").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "{t}"))
    status, _ = run_here(tmp_path, monkeypatch, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    said = capsys.readouterr().err
    assert status == 1
    assert "01_data stopped: its kernel was killed, which is what the system does when memory runs out" in said
    assert "Traceback" not in said
    assert (tmp_path / "page.failed.ipynb").is_file()


def test_kernel_style_and_folders_are_the_projects_own_whatever_the_user_has(tmp_path, monkeypatch):
    """Another kernel of the same name, a start-up file, a style, and a folder for temporary files too long for sockets."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "another", "language": "python"}))
    started = tmp_path / "ipython" / "profile_default" / "startup" / "00.py"
    started.parent.mkdir(parents=True)
    started.write_text("print('a start-up file')")
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 77")
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    changes = {"JUPYTER_PATH": "jupyter", "IPYTHONDIR": "ipython", "MATPLOTLIBRC": "matplotlibrc"}
    changes = {"MPLBACKEND": "pdf", **{name: str(tmp_path / place) for name, place in changes.items()}}
    source = (
        "from studies.plots import set_style\nimport matplotlib\nset_style()\nprint(matplotlib.rcParams['lines.linewidth'] < 2)"
        "\nprint('inline' in matplotlib.get_backend())"
    )
    assert run_here(tmp_path, monkeypatch, source, PYTHONPATH=str(PROJECT), **changes) == (0, "True\nTrue\n")
