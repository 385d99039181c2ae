"""Every way in checks parameters before any work; notebooks and models name the same parameters."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest

from artifact import execute
from artifact.describe import UNITS, describe, parameters_cell
from artifact.parameters import NOTEBOOKS, assigned, from_cell, notebook_parameters
from artifact.profiles import Profile, load_profile
from qnn_core import InvalidInput
from qnn_core.files import write_record

PROJECT = Path(__file__).parents[1]
SOURCES = sorted((PROJECT / "notebooks").glob("*.ipynb"))
TRAINING = {"lr": 0.01, "result": "x.npz"}


def source_of_parameters(path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(cells) == 1, f"{path.name} needs one cell tagged parameters"
    return cells[0].source


def test_every_notebook_has_a_model_and_every_model_a_notebook():
    assert {path.stem for path in SOURCES} == set(NOTEBOOKS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebook_defaults_pass_their_model_and_name_every_parameter(path):
    values = assigned(source_of_parameters(path))
    assert set(values) == set(NOTEBOOKS[path.stem].model_fields)
    checked = notebook_parameters(path.stem, values)
    for name, field in NOTEBOOKS[path.stem].model_fields.items():
        assert field.description, f"{path.stem}: {name} has no description"
        if not field.is_required() and name != "lr" and name != "rates":
            assert getattr(checked, name) == field.default, f"{path.stem}: default of {name} differs from its model"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebooks_show_their_parameters_and_papermill_agrees_with_the_models(path):
    source = source_of_parameters(path)
    assert source == parameters_cell(NOTEBOOKS[path.stem], assigned(source)), "run python -m artifact.parameters --write"
    shown = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.source.endswith("\np.table")]
    assert len(shown) == 1
    assert f'from_cell("{path.stem}", globals())' in shown[0]
    read = papermill.inspect_notebook(path)
    assert set(read) == set(NOTEBOOKS[path.stem].model_fields)
    for one in describe(NOTEBOOKS[path.stem]):
        told = read[one.name]
        assert (told["inferred_type_name"], told["help"]) == (one.kind, one.help)
        if one.default is not None and one.name not in ("lr", "rates"):
            assert told["default"] == one.default.replace("'", '"')


def test_every_number_has_a_unit_and_every_unit_a_parameter():
    numbers = {one.name for model in NOTEBOOKS.values() for one in describe(model) if "int" in one.kind or "float" in one.kind}
    assert numbers == set(UNITS)


def test_descriptions_say_what_is_allowed():
    told = {(name, one.name): one.help for name, model in NOTEBOOKS.items() for one in describe(model)}
    assert told["02_training", "sweeps"] == "updates of every spin in one read [sweeps]; at least 1"
    assert told["02_training", "lr"].endswith("[weight/update]; above 0 and at most 10")
    assert told["02_training", "wrong"].endswith("class or spins")
    assert told["04b_equilibrium", "glass_sizes"].endswith("[spins]; 1 or more, each 2 of them, each at least 1")
    assert told["01_data", "result"] == "where to store the summary (.npz)"


def test_parameters_are_printed_and_written(tmp_path, capsys, monkeypatch):
    assert params.main([]) == 0
    printed = capsys.readouterr().out
    for name, model in NOTEBOOKS.items():
        assert f"{name}\n\nname" in printed
        assert all(f"\n{field}" in printed for field in model.model_fields)
    assert max(map(len, printed.splitlines())) <= 132
    assert params.main(["fig6"]) == 2
    assert "one of 01_data" in capsys.readouterr().err
    monkeypatch.setattr(params, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    cell = nbformat.v4.new_code_cell('result = "mine.npz"\ndataset = "mnist"', metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "notebooks" / "01_data.ipynb")
    assert params.main(["01_data", "--write"]) == 0
    written = source_of_parameters(tmp_path / "notebooks" / "01_data.ipynb")
    assert written.splitlines()[1] == 'result: str = "mine.npz"  # where to store the summary (.npz)'
    assert assigned(written) == {"result": "mine.npz", "dataset": "mnist"}


def test_the_table_of_a_run_marks_what_is_not_at_its_default():
    table = notebook_parameters("03_backprop", {"lr": 0.003, "epochs": 5, "result": "<x>.npz"}).table
    html = table._repr_html_()
    assert "11 parameters of this page, 2 of them not at their defaults" in html
    assert "<b>5</b>" in html
    assert "&lt;x&gt;.npz" in html
    assert "batch_size" in repr(table)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_carry_no_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


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


def test_names_of_other_cells_are_no_parameters():
    cells = ["", "scratch = 3", "dataset = 'digits'\nresult = 'x.npz'", "p = from_cell('01_data', globals())", "datset = 4"]
    assert (
        from_cell("01_data", {"In": cells, "dataset": "digits", "result": "x.npz", "scratch": 3, "datset": 4}).dataset == "digits"
    )
    with pytest.raises(InvalidInput, match="datset = 'mnist'"):
        from_cell("01_data", {"In": ["datset = 'mnist'\nresult = 'x.npz'"], "datset": "mnist", "result": "x.npz"})


def test_parameters_are_read_from_a_cells_names():
    names = {"dataset": "digits", "result": "x.npz", "perf_counter": object()}
    assert from_cell("01_data", names).dataset == "digits"
    with pytest.raises(InvalidInput, match="dataset = 3"):
        from_cell("01_data", names | {"dataset": 3})


@pytest.mark.parametrize("name", ["smoke", "quick", "paper"])
def test_profiles_are_valid(name):
    assert isinstance(load_profile(name), Profile)


def test_a_profile_that_is_no_yaml_or_says_a_thing_twice_is_refused(tmp_path):
    content = (PROJECT / "config" / "smoke.yaml").read_text()
    for broken, named in (
        (content + "epochs: 7\n", "epochs is given twice"),
        ("a: [1", "a readable yaml file"),
        ("- 1", "config/bad.yaml"),
    ):
        (tmp_path / "bad.yaml").write_text(broken)
        with pytest.raises(InvalidInput, match=named):
            load_profile("bad", tmp_path)
    with pytest.raises(InvalidInput, match="profile = 'large'"):
        load_profile("large")


def test_a_failing_notebook_is_kept_and_reported_and_leaves_no_result(tmp_path, capsys):
    (tmp_path / "altered.npz").write_bytes(b"altered")
    write_record(tmp_path / "altered.json", {"file": "altered.npz", "sha256": "0" * 64})
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
