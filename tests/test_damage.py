"""Full disks, read-only folders, altered and truncated files: found, said in one sentence, and made again where that is safe."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from artifact import execute, files, tidy
from artifact.origins import page_digest
from artifact.parameters import notebook_parameters
from artifact.results import save_result
from qnn_core import DamagedFile
from qnn_core.errors import NotWritten
from qnn_core.files import atomic_write, check_writable, read_record, write_json, write_record, write_sealed

RESULTS, FIGURES, PAGES = tidy.outputs("quick")


def store(path, *pictures):
    save_result(
        path, {"x": np.arange(50.0)}, notebook="02_training", parameters={"seed": 4}, kind="none", seconds=1.0, pictures=pictures
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one of everything that a run leaves."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    store(f"{RESULTS}/training/s0.npz")
    for ending in (".png", ".pdf"):
        with atomic_write(f"{FIGURES}/fig1{ending}") as file:
            file.write(b"a picture")
    store(f"{FIGURES}/fig1.npz", f"{FIGURES}/fig1.png", f"{FIGURES}/fig1.pdf")
    write_record(f"{RESULTS}/claims.json", {"profile": "quick", "claims": [], "provenance": {"notebook": "summary"}})
    cells = [{"cell_type": "markdown", "source": ["text"]}]
    for page in ("02_training/s0", "02_training/fig1", "summary"):
        write_json(f"{PAGES}/{page}.ipynb", {"cells": cells, "metadata": {"provenance": {"page_sha256": page_digest(cells)}}})
    write_sealed(f"{RESULTS}/training/run.checkpoint", b"the state of a run")
    write_record(f"{tidy.EMBEDDINGS}/zephyr-4/8-4-tiles2.json", {"layers": [8, 4], "tiles": []})
    return tmp_path


FIGURE = {f"fig1{ending}" for ending in (".npz", ".json", ".png", ".pdf", ".ipynb")}
FAMILIES = ({"s0.npz", "s0.json", "s0.ipynb"}, FIGURE, {"claims.json", "summary.ipynb"})


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sound_folder_is_left_as_it_is(project):
    before = everything(project)
    assert len(before) == 12
    assert tidy.tidy("quick") == []
    assert everything(project) == before


@pytest.mark.parametrize("how", ["truncated", "altered", "empty"])
def test_every_kind_of_file_is_found_when_it_is_damaged_and_made_again(project, how):
    """What is removed is made again by the next run: Snakemake misses the file of the family that others need."""
    sound = everything(project)
    for path, content in sound.items():
        middle = len(content) // 2
        altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        path.write_bytes({"truncated": content[:-3], "altered": altered, "empty": b""}[how])
        (sentence,) = [said for said in tidy.tidy("quick") if path.name in said]
        assert sentence.endswith((" it is made again.", "training begins from its start."))
        gone = {other.name for other in sound if not other.exists()}
        family = next((family for family in FAMILIES if path.name in family), {path.name})
        # A record that cannot be read does not tell which page is its own; that page is written anew anyway.
        assert gone in (family, {name for name in family if not name.endswith(".ipynb")})
        assert gone == family or path.suffix == ".json"
        for other, whole in sound.items():
            other.write_bytes(whole)
        assert tidy.tidy("quick") == []


def test_a_source_dated_in_the_future_becomes_one_of_now(project):
    (project / "notebooks").mkdir(exist_ok=True)
    source = project / "notebooks" / "01_data.ipynb"
    source.touch()
    os.utime(source, (2e9 + 9e8, 2e9 + 9e8))
    assert tidy.tidy("quick") == []
    assert source.stat().st_mtime <= time.time()


def test_what_a_stopped_removal_left_goes_too_and_what_has_no_record_stays(project):
    (project / FIGURES / "fig1.pdf").unlink()
    (project / RESULTS / "mine.npz").write_bytes(b"of the user's own")
    assert tidy.tidy("quick") == [f"{FIGURES}/fig1.pdf is missing; it is made again."]
    assert not list((project / FIGURES).iterdir())
    assert (project / RESULTS / "mine.npz").exists()


def test_a_record_whose_large_result_is_not_kept_stays_and_so_does_what_jupyter_keeps(project):
    (project / RESULTS / "training" / "s0.npz").unlink()
    copy = project / PAGES / ".ipynb_checkpoints" / "summary-checkpoint.ipynb"
    copy.parent.mkdir()
    copy.write_text("{}")
    before = everything(project)
    assert tidy.tidy("quick") == []
    assert everything(project) == before


def test_what_a_killed_write_left_goes_away(project):
    leftover = project / RESULTS / "training" / ".s0.npz.x8d3kq"
    leftover.write_bytes(b"half")
    assert tidy.tidy("quick") == []
    assert not leftover.exists()


def test_every_flipped_byte_of_a_record_is_noticed(tmp_path):
    path = tmp_path / "record.json"
    write_record(path, {"name": "value", "numbers": [1, 2.5, None]})
    whole = path.read_bytes()
    content = read_record(path, "")
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 2]) + whole[place + 1 :])
        with suppress(DamagedFile):
            assert read_record(path, "") == content  # A blank that became another one.


def disk(tmp_path, options):
    """A small file system of its own, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    return folder


@pytest.fixture
def small_disk(tmp_path):
    folder = disk(tmp_path, "size=64k")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(small_disk):
    store(str(small_disk / "x.npz"))
    before = everything(small_disk)
    noise = np.random.default_rng(0).standard_normal(100_000)
    for _ in range(2):
        with pytest.raises(NotWritten, match=r"x\.npz could not be written \(No space left on device\)\. Make room"):
            save_result(str(small_disk / "x.npz"), {"x": noise}, notebook="n", parameters={}, kind="none", seconds=0.0)
        assert everything(small_disk) == before


def test_a_read_only_folder_is_found_before_any_work(small_disk, monkeypatch, capsys):
    monkeypatch.setattr(execute.papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel was started"))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    values = json.dumps({"result": str(small_disk / "data.npz")})
    for output in (small_disk / "page.ipynb", "page.ipynb"):
        assert execute.main(["01_data", "--output", str(output), "--parameters", values]) == 2
        assert "could not be written (Read-only file system)" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_writes_that_cannot_be_say_so(tmp_path, monkeypatch, number):
    """The same without a file system of its own."""
    path = tmp_path / "file"
    path.write_text("old")

    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refused)
        with (
            pytest.raises(NotWritten, match=rf"file could not be written \({os.strerror(number)}\)"),
            atomic_write(path, "w") as file,
        ):
            file.write("new")
    assert everything(tmp_path) == {path: b"old"}
    monkeypatch.setattr(tempfile, "mkstemp", refused)
    with pytest.raises(NotWritten), atomic_write(path) as file:
        pass
    (tmp_path / "folder").write_text("a file, no folder")
    with pytest.raises(NotWritten):
        check_writable(tmp_path / "folder" / "x.npz")


def test_other_errors_of_the_system_keep_their_own_words(tmp_path):

    def broken():
        with atomic_write(tmp_path / "file") as file:
            file.write(b"half")
            raise ConnectionResetError(errno.ECONNRESET, "reset")

    with pytest.raises(ConnectionResetError):
        broken()
    assert everything(tmp_path) == {}


def test_one_run_at_a_time_and_no_lock_outlives_its_run(tmp_path):
    """A lock that a process holds stops a second run; one that a killed run left does not."""
    (tmp_path / ".snakemake").mkdir()
    (tmp_path / "artifact").mkdir()
    script = tmp_path / "run_all.sh"
    for name in ("run_all.sh", "requirements.lock", *(f"artifact/{part}.py" for part in ("__init__", "environment", "workflow"))):
        (tmp_path / name).write_bytes((Path(__file__).parents[1] / name).read_bytes())
    (tmp_path / ".snakemake" / "run").touch()
    (tmp_path / ".snakemake" / "locks").mkdir()
    (tmp_path / ".snakemake" / "locks" / "0.output.lock").write_text("figures/quick/fig1.png")
    # An environment that cannot be made ends it there, having taken the lock.
    (tmp_path / ".venv").write_text("a file, no folder")
    command = ["bash", script, "--dry-run"]
    alone = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, env=alone, capture_output=True, text=True, check=False)
    assert done.stderr.endswith("run_all.sh: the packages could not be installed, see above.\n")
    with (tmp_path / ".snakemake" / "run").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = subprocess.run(command, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "run_all.sh: another run is at work in this folder; wait for it to end.\n"


def test_without_python_311_it_says_so(tmp_path):
    for name in ("python3.11", "python3", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "run_all.sh").write_bytes((Path(__file__).parents[1] / "run_all.sh").read_bytes())
    alone = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["bash", tmp_path / "run_all.sh"], env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Python 3.11 is needed" in done.stderr


@pytest.mark.parametrize(
    ("changed", "told"), [({}, None), ({"dataset": "mnist"}, "dataset = 'mnist'"), ({"more": 3}, "more = 3")]
)
def test_a_result_of_other_parameters_than_the_profiles_is_told_and_set_aside(project, changed, told):
    path = Path("data/results/smoke/data.npz")
    made = notebook_parameters("01_data", {"dataset": "digits", "result": str(path)}).model_dump(mode="json")
    save_result(str(path), {"x": np.zeros(1)}, notebook="01_data", parameters={**made, **changed}, kind="none", seconds=1.0)
    before = everything(project)
    said = tidy.set_aside("smoke", only_tell=True)
    assert everything(project) == before
    assert tidy.set_aside("smoke") == said
    aside = Path("data/results/before/data.npz")
    if told:
        assert said == [f"data/results/smoke/data.json was made with {told}, unlike config/smoke.yaml; it is made again."]
        assert not path.exists()
        assert aside.is_file()
        assert aside.with_suffix(".json").is_file()
    else:
        assert (said, everything(project)) == ([], before)
