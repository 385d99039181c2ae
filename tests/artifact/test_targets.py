"""No file of the user's is overwritten: all that a run reads and writes is compared before any work."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from artifact import execute, files, results, targets
from artifact.parameters import declared, model_of, notebooks
from artifact.results import save_result
from qnn_core.errors import InvalidInput, MissingData, NotWritten
from qnn_core.files import check_writable, write_json


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of its own under git, with a source, a data set, a result, and a table that no run made."""
    for module in (files, results, targets):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(execute.papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel was started"))
    for folder in ("notebooks/rendered", "config", "docs", "data/results"):
        (tmp_path / folder).mkdir(parents=True)
    write_json("notebooks/01_data.ipynb", {"cells": [], "metadata": {}})
    write_json("config/costs.json", {"quick": {}})
    x, y = np.zeros((20, 4)), np.arange(20) % 2
    np.savez("mine.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    np.savez("notes.npz", x=x)
    write_json("notes.json", {"mine": True})
    (tmp_path / "page.ipynb").write_text('{"cells": [], "metadata": {"mine": true}}')
    (tmp_path / "folder").mkdir()
    for path in ("data/results/rates.npz", "docs/kept.npz"):
        save_result(path, {"x": x}, notebook="01b_rates", parameters={}, kind="none", seconds=0.0)
    os.link("mine.npz", "same.npz")
    os.symlink("mine.npz", "link.npz")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "notebooks", "config", "docs"], check=True)
    return tmp_path


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}


OUT = "notebooks/rendered/page.ipynb"
REFUSED = {
    "data set": (OUT, {"dataset": "mine.npz", "result": "mine.npz"}),
    "data set by another way": (OUT, {"dataset": "mine.npz", "result": "config/../mine.npz"}),
    "hard link": (OUT, {"dataset": "mine.npz", "result": "same.npz"}),
    "symbolic link": (OUT, {"dataset": "mine.npz", "result": "link.npz"}),
    "record of an input": (OUT, {"dataset": "data/results/rates.npz", "result": "data/results/rates.npz"}),
    "source as page": ("notebooks/01_data.ipynb", {"result": "new.npz"}),
    "page of the user": ("page.ipynb", {"result": "new.npz"}),
    "page that is none": ("notebooks/01_data.json", {"result": "new.npz"}),
    "record of a file that has none": (OUT, {"result": "config/costs.npz"}),
    "archive of the user": (OUT, {"result": "notes.npz"}),
    "tracked result": (OUT, {"result": "docs/kept.npz"}),
    "folder": (OUT, {"result": "folder/../folder.npz/"}),
    "zero byte": (OUT, {"result": "a\0b.npz"}),
    "surrogate": (OUT, {"result": "\ud800.npz"}),
    "long name": (OUT, {"result": "n" * 300 + ".npz"}),
    "long name of a page": ("n" * 300 + ".ipynb", {"result": "new.npz"}),
    "name without room for a temporary one": (OUT, {"result": "n" * 250 + ".npz"}),
}


@pytest.mark.parametrize(("output", "values"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_the_projects_to_replace_is_refused(project, output, values, capsys, monkeypatch):
    monkeypatch.setattr(execute, "check_inputs", lambda _: None)
    if "folder.npz" in values["result"]:
        (project / "folder.npz").mkdir()
        values = {"result": "folder.npz"}
    before = everything(project)
    assert execute.main(["01_data", "--output", output, "--parameters", json.dumps(values)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 or "not usable:\n" in said
    assert "Traceback" not in said
    assert everything(project) == before


def test_rates_are_an_input_too(project, capsys, monkeypatch):
    monkeypatch.setattr(execute, "check_inputs", lambda _: None)
    before = everything(project)
    for result in ("data/results/rates.npz", "data/results/rates"):
        given = json.dumps({"result": f"{result.removesuffix('.npz')}.npz", "rates": "data/results/rates.npz"})
        assert execute.main(["02_training", "--output", OUT, "--parameters", given]) == 2
        assert "result = 'data/results/rates.npz'" in capsys.readouterr().err
    assert everything(project) == before


PAIRS = [
    (notebook, read.name, written.name)
    for notebook in notebooks()
    for read in declared(notebook)
    for written in declared(notebook)
    if (read.kind in ("Input", "Inputs", "DatasetName") or read.made_by) and written.name in files.STORED
]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("notebook", "read", "written"), PAIRS, ids="-".join)
def test_no_notebook_writes_what_it_reads(notebook, read, written):
    path = "mine.npz" if read == "dataset" else "data/results/rates.npz"
    target = {"result": path, "figure": path.removesuffix(".npz"), "claims": path.replace(".npz", ".json")}[written]
    parameters = model_of(notebook).model_construct(**{read: path, written: target})
    with pytest.raises(InvalidInput, match=rf"^{written} = .* a file other than those that this run reads"):
        targets.check_targets(parameters)


def test_a_folder_of_recorded_reads_holds_no_results(project, capsys):
    (project / "data/recorded").mkdir()
    given = json.dumps({"result": "data/recorded/x.npz", "sampler": "mock", "options": {"record": "data/recorded"}, "lr": 0.1})
    assert execute.main(["02_training", "--output", OUT, "--parameters", given]) == 2
    assert "result = 'data/recorded/x.npz'" in capsys.readouterr().err


def test_what_a_run_made_is_made_again(project):
    from artifact.parameters import notebook_parameters

    parameters = notebook_parameters("01_data", {"result": "data/results/rates.npz"})
    page = project / OUT
    write_json(page, {"cells": [], "metadata": {"provenance": {"page_sha256": ""}}})
    write_json(page.with_suffix(".failed.ipynb"), {"cells": [], "metadata": {targets.FAILED: True}})
    targets.check_targets(parameters, page, page.with_suffix(".failed.ipynb"))
    subprocess.run(["git", "add", "."], check=True)
    targets.check_targets(parameters, page, page.with_suffix(".failed.ipynb"))


def test_a_folder_or_an_odd_name_is_no_file_to_write(tmp_path):
    with pytest.raises(NotWritten, match="Is a directory"):
        check_writable(tmp_path)
    for name in ("a\0", "\ud800", "n" * 256):
        with pytest.raises(InvalidInput, match="without a zero byte"):
            check_writable(tmp_path / name)


@pytest.mark.parametrize("pattern", ["/nowhere/*.npz", "**.npz", "", "[", "***/*", "n" * 300 + "*", "a\0*"])
def test_odd_patterns_are_read_or_told_in_words(pattern):
    with suppress(MissingData, InvalidInput):
        results.expand([pattern])


def test_records_carry_the_commit_of_this_project_only(tmp_path, monkeypatch):
    def run(*arguments, folder):
        identity = ["-c", "user.name=n", "-c", "user.email=e"]
        done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    inside = tmp_path / "other" / "inside"
    inside.mkdir(parents=True)
    for folder in (tmp_path / "other", tmp_path):
        run("init", "-q", folder=folder)
        run("commit", "-q", "--allow-empty", "-m", folder.name, folder=folder)
    monkeypatch.setattr(results, "ROOT", inside)
    assert results.code_version.__wrapped__() == {"commit": None, "changed": None}
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    said = results.code_version.__wrapped__()
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_WORK_TREE")
    assert said["commit"] == run("rev-parse", "HEAD", folder=tmp_path)


@pytest.mark.parametrize("module", ["results show data/results/paper/claims.json", "parameters"])
def test_a_reader_that_stops_reading_ends_in_silence_and_letters_that_it_lacks_stop_nothing(module):
    command = [sys.executable, "-m", *f"artifact.{module}".split()]
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    subprocess.run(command, cwd=files.ROOT, env=plain, stdout=subprocess.DEVNULL, check=True)
    shown = subprocess.Popen(command, cwd=files.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown.stdout.close()
    assert shown.stderr.read() == b""
    shown.wait()
    shown.stderr.close()
