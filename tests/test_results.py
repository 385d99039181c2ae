"""Stored results: whole, checked, and traceable."""

import json
import os

import numpy as np
import pytest

from artifact import files, results
from artifact.files import in_project, relative
from artifact.origins import RECORDS, describe, main, origin_of, records_behind
from artifact.results import expand, load_result, save_result
from qnn_core import DamagedFile, InvalidInput, MissingData
from qnn_core.files import atomic_write, write_record
from studies.stored import stack


def store(path, **parameters):
    save_result(
        str(path),
        {"values": np.arange(3.0), "names": np.array(["a", "b"])},
        notebook="02_training",
        parameters={"seed": 4, **parameters},
        kind="classical annealer (block Gibbs)",
        seconds=1.5,
    )


def test_what_is_stored_comes_back_with_its_provenance(tmp_path):
    store(tmp_path / "one.npz")
    result = load_result(str(tmp_path / "one.npz"))
    np.testing.assert_array_equal(result["values"], [0, 1, 2])
    assert result["names"].tolist() == ["a", "b"]
    assert result.provenance["parameters"]["seed"] == 4
    assert result.provenance["sampler_kind"].startswith("classical")
    assert set(result.provenance["packages"]) >= {"numpy", "torch", "numba"}
    assert set(result.provenance["code"]) == {"commit", "changed"}


def test_same_numbers_same_bytes(tmp_path):
    store(tmp_path / "one.npz")
    store(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_truncated_and_altered_results_are_noticed(tmp_path):
    path = tmp_path / "one.npz"
    store(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(DamagedFile, match=r"one\.npz does not match its recorded SHA-256"):
        load_result(str(path))
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    with pytest.raises(DamagedFile):
        load_result(str(path))
    path.write_bytes(whole)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(DamagedFile, match=r"one\.json is not a record of this project; delete it"):
        load_result(str(path))
    path.with_suffix(".json").unlink()
    with pytest.raises(MissingData, match=r"one\.json does not exist"):
        load_result(str(path))


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write_half():
        with atomic_write(path, "w") as file:
            file.write("new")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_paths_are_shown_from_the_project_only(tmp_path):
    assert relative(in_project("data/results/x.npz")) == "data/results/x.npz"
    assert relative(tmp_path / "x.npz") == "x.npz"
    store(tmp_path / "one.npz")
    save_result(
        str(tmp_path / "two.npz"), {}, notebook="n", parameters={}, kind="none", seconds=0.0, inputs=[str(tmp_path / "one.npz")]
    )
    assert list(json.loads((tmp_path / "two.json").read_text())["inputs"]) == ["one.npz"]


def test_a_result_outside_the_project_can_be_an_input_of_another(tmp_path):
    store(tmp_path / "one.npz")
    read = load_result(str(tmp_path / "one.npz"))
    save_result(str(tmp_path / "two.npz"), {}, notebook="n", parameters={}, kind="none", seconds=0.0, inputs=[read.path])
    assert (tmp_path / "two.npz").is_file()


def test_other_names_and_empty_patterns_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="path"):
        store(tmp_path / "one.txt")
    with pytest.raises(MissingData, match="No result matches data/nothing"):
        expand(["data/nothing-*.npz"])
    assert expand(["a.npz", "b.npz"]) == ["a.npz", "b.npz"]


def test_runs_are_stacked_in_their_order(tmp_path):
    for number in range(2):
        store(tmp_path / f"{number}.npz", number=number)
    results = [load_result(str(tmp_path / f"{number}.npz")) for number in range(2)]
    assert stack(results, "values").shape == (2, 3)


def chain(folder):
    """A result, another made from it, and a figure made from that."""
    save_result(
        str(folder / "first.npz"),
        {"x": np.arange(2)},
        notebook="02_training",
        parameters={"seed": 7, "lr": 0.01},
        kind="classical annealer (block Gibbs)",
        seconds=1.0,
        data_sha256="d" * 64,
    )
    save_result(
        str(folder / "second.npz"),
        {"x": np.arange(2)},
        notebook="04_phase",
        parameters={"seed": 8},
        kind="exact enumeration",
        seconds=1.0,
        inputs=[str(folder / "first.npz")],
    )
    (folder / "fig.png").write_bytes(b"a picture")
    save_result(
        str(folder / "fig.npz"),
        {"x": np.arange(2)},
        notebook="fig3",
        parameters={"reads": 20},
        kind="exact enumeration",
        seconds=1.0,
        inputs=[str(folder / "second.npz")],
        pictures=[str(folder / "fig.png")],
    )


def test_show_leads_from_a_figure_to_everything_behind_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setattr(results, "code_version", lambda: {"commit": "c" * 40, "changed": False})
    chain(tmp_path)
    for name in ("fig.png", "fig.npz", "fig.json"):
        assert main(["show", name]) == 0
        shown = capsys.readouterr().out
        for told in ("notebooks/fig3.ipynb", '"reads": 20', "exact enumeration", "commit", "numpy 2", "Python 3.11", "processor"):
            assert told in shown
        assert "matches its" in shown
        assert "input       second.npz: 04_phase, exact enumeration" in shown
        assert '  input       first.npz: 02_training, classical annealer (block Gibbs), {"seed": 7, "lr": 0.01}' in shown
    assert main(["show", "first.npz"]) == 0
    assert "seed        7" in capsys.readouterr().out


def test_show_tells_what_is_not_there_or_was_altered(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    chain(tmp_path)
    (tmp_path / "fig.png").write_bytes(b"another picture")
    assert main(["show", "fig.png"]) == 1
    assert "fig.png does not match its recorded SHA-256" in capsys.readouterr().err
    kept = records_behind([origin_of("fig.npz")])
    assert [record["notebook"] for record in kept.values()].count("02_training") == 1
    (tmp_path / "first.json").unlink()
    assert "first.npz: not here any more" in describe("fig.npz")
    write_record(tmp_path / RECORDS, kept)
    assert "first.npz: 02_training" in describe("fig.npz")
    record = json.loads((tmp_path / "fig.json").read_text())
    record["parameters"]["reads"] = 21
    (tmp_path / "fig.json").write_text(json.dumps(record))
    (tmp_path / "notes.npz").write_bytes(b"")
    write_record(tmp_path / "many.json", {"one": 1})
    for name, sentence in (
        ("fig.png", "fig.json does not match its own SHA-256"),
        ("absent.npz", "absent.npz does not exist"),
        ("many.json", "says nothing about what made it"),
        ("notes.npz", "notes.json does not exist"),
    ):
        assert main(["show", name]) == 1
        assert sentence in capsys.readouterr().err
