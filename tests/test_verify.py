"""The comparison of two runs sees what it should, passes over what it says, and tolerates another processor and no more."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from artifact import files, tidy, verify
from artifact.origins import page_digest
from artifact.results import provenance, save_result
from artifact.verify import compare, compare_gallery
from qnn_core import MissingData
from qnn_core.files import write_json, write_record

RESULTS, FIGURES, PAGES = tidy.outputs("quick")
CLAIM = {"id": "C1", "verdict": "agrees", "value": 2.0, "low": 1.5, "high": 2.5, "runtime": 3.0, "measured": "2.0"}


def page(path, text="shown"):
    cells = [{"cell_type": "code", "source": ["x = 1"], "outputs": [{"output_type": "stream", "text": [text]}]}]
    write_json(path, {"cells": cells, "metadata": {"provenance": {"page_sha256": page_digest(cells), "seed": 0}}})


def made(folder, monkeypatch, claim=CLAIM, **changes):
    """A small run: a result of an annealer, one without, a figure, a page and a claim."""
    monkeypatch.setattr(files, "ROOT", folder)
    arrays = {"test_mistakes": np.array([300, 100]), "loss": np.array([2.0, 1.0]), "names": np.array(["a", "b"])} | changes
    options = {"parameters": {"seed": 4}, "seconds": float(np.random.default_rng().random())}
    save_result(f"{RESULTS}/gibbs.npz", arrays, notebook="02_training", kind="classical annealer (block Gibbs)", **options)
    save_result(
        f"{RESULTS}/mlp.npz", arrays, notebook="03_backprop", kind="backpropagation", inputs=[f"{RESULTS}/gibbs.npz"], **options
    )
    (folder / FIGURES).mkdir(parents=True)
    (folder / FIGURES / "fig1.png").write_bytes(b"a picture")
    save_result(f"{FIGURES}/fig1.npz", arrays, notebook="fig1", kind="none", pictures=[f"{FIGURES}/fig1.png"], **options)
    told = provenance("summary", {}, "none", 1.0)
    write_record(folder / RESULTS / "claims.json", {"profile": "quick", "claims": [claim], "provenance": told})
    page(folder / PAGES / "02_training.ipynb")
    return folder


@pytest.fixture
def twins(tmp_path, monkeypatch):
    return [made(tmp_path / name, monkeypatch) for name in ("one", "other")]


def test_equal_runs_are_equal_and_what_was_compared_is_told(twins):
    result = compare(*twins, "quick")
    assert result.differences == []
    assert result.compared == {
        "records": 4, "claims": 1, "files of numbers": 3, "arrays": 9, "numbers": 18, "pages": 1, "pictures": 1,
    }  # fmt: skip
    assert compare(*twins, "quick", tolerant=True).differences == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"loss": np.array([2.0, np.nextafter(1.0, 2)])}, r"loss differs in 1 of 2 numbers, first at \(1,\): was .*, is .*1\.0000000000000002"),
        ({"loss": np.array([2.0, 1.0], np.float32)}, r"loss was float64 \(2,\) and is float32"),
        ({"loss": np.array([2.0, 1.0, 0.5])}, r"loss was float64 \(2,\) and is float64 \(3,\)"),
        ({"test_mistakes": np.array([300, 101])}, "test_mistakes differs in 1 of 2"),
        ({"names": np.array(["a", "c"])}, "names differs in 1 of 2"),
        ({"more": np.zeros(1)}, "more is new"),
    ],
)  # fmt: skip
def test_a_number_that_changed_is_found(tmp_path, monkeypatch, twins, change, told):
    other = made(tmp_path / "changed", monkeypatch, **change)
    found = compare(twins[0], other, "quick").differences
    assert len(found) == 3
    assert found[0].startswith(f"{RESULTS}/gibbs.npz: ") or found[0].startswith(f"{FIGURES}/")
    assert re.search(told, found[0]), found[0]


def test_nothing_that_is_not_a_number_but_shown_escapes(twins):
    one, other = twins
    page(other / PAGES / "02_training.ipynb", "something else")
    (other / FIGURES / "fig1.png").write_bytes(b"another picture")
    (other / RESULTS / "mlp.npz").unlink()
    (other / RESULTS / "new.npz").write_bytes((one / RESULTS / "mlp.npz").read_bytes())
    record = json.loads((other / RESULTS / "gibbs.json").read_text())
    record.pop("record_sha256")
    write_record(other / RESULTS / "gibbs.json", {**record, "parameters": {"seed": 5}, "seconds": 99.0, "code": {}})
    assert compare(one, other, "quick").differences == [
        f"{RESULTS}/new.npz: is new",
        f"{RESULTS}/mlp.npz: was there before, and was not made again",
        f"{RESULTS}/gibbs.json: parameters was {{'seed': 4}}, is {{'seed': 5}}",
        f"{FIGURES}/fig1.png: is another picture",
        f"{PAGES}/02_training.ipynb: cell 0 shows something else: was 'shown', is 'something else'",
    ]
    assert len(compare(one, other, "quick", partial=True).differences) == 4


def test_a_file_that_is_too_large_to_keep_is_known_by_its_record(tmp_path, monkeypatch, twins):
    (twins[0] / RESULTS / "gibbs.npz").unlink()
    same = compare(*twins, "quick")
    assert same.differences == []
    assert same.compared["files known by their record alone"] == 1
    other = made(tmp_path / "changed", monkeypatch, loss=np.array([2.0, 1.1]))
    assert f"{RESULTS}/gibbs.npz: does not have the SHA-256 of its record" in compare(twins[0], other, "quick").differences


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        ({"test_mistakes": np.array([350, 120])}, 0),
        ({"test_mistakes": np.array([300, 200])}, 3),
        ({"loss": np.array([2.01, 1.0])}, 0),
        ({"loss": np.array([2.1, 1.0])}, 2),
        ({"loss": np.array([2.0, np.nan])}, 2),
        ({"loss": np.array([2, 1])}, 3),
        ({"claim": {**CLAIM, "value": 2.6, "low": 2.4, "high": 2.8, "measured": "2.6"}}, 0),
        ({"claim": {**CLAIM, "value": 3.0, "low": 2.6, "high": 3.4}}, 1),
        ({"claim": {**CLAIM, "id": "C2"}}, 1),
    ],
)
def test_the_tolerance_is_what_it_says(tmp_path, monkeypatch, twins, change, differences):
    """Single numbers count where no annealer had a part, to a hundredth of the largest; counts by their standard error; claims by intervals."""
    other = made(tmp_path / "changed", monkeypatch, **change)
    found = compare(twins[0], other, "quick", tolerant=True)
    assert len(found.differences) == differences, found.differences
    assert compare(twins[0], other, "quick").differences


def test_the_numbers_of_the_readme_are_held_against_the_run(tmp_path, monkeypatch, twins):
    gallery = tmp_path / "gallery"
    assert compare_gallery(twins[0], "quick", gallery=gallery).compared == {}
    gallery.mkdir()
    for source in (twins[0] / RESULTS / "claims.json", *(twins[0] / FIGURES).glob("fig1.*")):
        shutil.copy2(source, gallery)
    assert compare_gallery(twins[1], "paper", gallery=gallery).compared == {}
    same = compare_gallery(twins[1], "quick", gallery=gallery)
    assert (same.differences, same.compared["claims"], same.compared["numbers"]) == ([], 1, 6)
    other = made(tmp_path / "changed", monkeypatch, claim={**CLAIM, "value": 2.1})
    assert compare_gallery(other, "quick", gallery=gallery).differences == ["docs/gallery/claims.json: C1, value was 2.0, is 2.1"]


def test_without_results_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(MissingData, match=r"no results of the profile quick .* \./run_all\.sh --profile quick makes them"):
        compare(tmp_path, tmp_path, "quick")


@pytest.mark.parametrize("changed", [False, True])
def test_the_command_says_what_it_compared_and_fails_on_a_difference(tmp_path, monkeypatch, capsys, twins, changed):
    def rerun(profile, folder, cores, target):
        assert (profile, cores, target) == ("quick", 2, "summary")
        assert (folder / "Snakefile").is_file()
        source = made(tmp_path / "changed", monkeypatch, loss=np.array([2.0, 1.5])) if changed else twins[1]
        shutil.copytree(source, folder, dirs_exist_ok=True)

    monkeypatch.setattr(verify, "rerun", rerun)
    monkeypatch.setattr(verify, "compare_gallery", lambda *_, **__: verify.Comparison())
    status = verify.main(["--against", str(twins[0]), "--cores", "2", "--folder", str(tmp_path / "scratch")])
    said = capsys.readouterr().out
    assert status == int(changed)
    assert "compared with the results here: " in said
    assert "not compared: wall times" in said
    assert f"{3 if changed else 0} differences" in said
    assert ("loss differs in 1 of 2 numbers" in said) == changed


def test_a_folder_with_files_of_the_users_is_left_alone(tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text("mine")
    assert verify.main(["--folder", str(tmp_path)]) == 1
    assert "expected an empty folder" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_target_that_there_is_not_is_refused(capsys):
    with pytest.raises(SystemExit):
        verify.main(["--only", "nothing"])
    assert "invalid choice: 'nothing' (choose from 'summary', 'data'" in capsys.readouterr().err


def test_one_part_is_made_again_and_compared(tmp_path, monkeypatch, capfd):
    """The real thing, on the smallest notebook: run, then verified against itself from the folder it was run in."""
    monkeypatch.setattr(verify, "compare_gallery", lambda *_, **__: verify.Comparison())
    options = ["--profile", "smoke", "--only", "data", "--cores", "1"]
    verify.copy_sources(tmp_path / "before")
    os.utime(tmp_path / "before" / "Snakefile", (4e9, 4e9))
    verify.rerun("smoke", tmp_path / "before", 1, "data")
    assert verify.main([*options, "--against", str(tmp_path / "before")]) == 0
    said = capfd.readouterr().out
    assert "1 of 1 steps" in said
    assert "1 pages" in said
    assert said.endswith("0 differences\n")


OTHER_PROCESSOR = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 X86_V3",
    "NUMBA_CPU_NAME": "nehalem",
    "NUMBA_CPU_FEATURES": "",
}
"""What makes libraries compute as an x86 processor of 2008 does, without fused multiply-add and with short vectors."""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="another type of x86 processor can only be played on one")
def test_another_processor_rounds_otherwise_and_stays_within_the_tolerance(tmp_path):
    code = (
        "import sys; from qnn_core import load_dataset, train_backprop; from artifact.results import save_result;"
        "h = train_backprop('mlp', load_dataset('digits'), hidden=30, epochs=4, lr=0.003, optimiser='adam');"
        "save_result(sys.argv[1], h.arrays(), notebook='03_backprop', parameters={}, kind='backpropagation', seconds=0.0)"
    )
    folders = [tmp_path / "here", tmp_path / "elsewhere"]
    for folder, changes in zip(folders, ({}, OTHER_PROCESSOR), strict=True):
        path = str(folder / RESULTS / "mlp.npz")
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, path], env={**os.environ, **changes}, check=True)
    assert compare(*folders, "quick").differences
    assert compare(*folders, "quick", tolerant=True).differences == []
