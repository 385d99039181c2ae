"""A run that is handed over to the warm process ends as it would by itself."""

import json
import signal
import subprocess
import sys

import nbformat

from artifact.verify import copy_sources

CELL = """
import os, signal, sys
from numba.np.ufunc import parallel
print("torch" in sys.modules, parallel._is_initialized, os.environ["OMP_NUM_THREADS"], os.environ["PYTHONHASHSEED"])
if "killed" in result:
    os.kill(os.getpid() if "kernel" in result else os.getppid(), signal.SIGKILL)
"""
EACH = """
import subprocess, sys
for given in sys.argv[1:]:
    command = [sys.executable, "-m", "artifact.execute", "01_data", "--output", "page.ipynb", "--parameters", given]
    print(subprocess.run(command).returncode, flush=True)
"""


def test_forks_begin_with_everything_imported_and_nothing_done_and_end_as_processes_do(tmp_path):
    copy_sources(tmp_path)
    path = tmp_path / "notebooks" / "01_data.ipynb"
    page = nbformat.read(path, 4)
    page.cells = [cell for cell in page.cells if "parameters" in cell.metadata.get("tags", ())]
    page.cells.append(nbformat.v4.new_code_cell(CELL))
    nbformat.write(page, path)
    given = [
        {"result": "x.npz"},
        {"result": "x.npz", "dataset": "none"},
        {"result": "kernel-killed.npz"},
        {"result": "killed.npz"},
    ]
    command = [sys.executable, "-m", "artifact.warm", "-c", EACH, *map(json.dumps, given)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["0", "2", "1", str(-signal.SIGKILL)]
    assert "Parameters of notebook 01_data are not usable" in done.stderr
    assert "01_data stopped: its kernel was killed" in done.stderr
    (shown,) = nbformat.read(tmp_path / "page.ipynb", 4).cells[-1].outputs
    assert shown.text == "True False 1 0\n"
