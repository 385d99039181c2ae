"""Parameters are what the notebooks' cells declare, and every way in checks them."""

import typing
from pathlib import Path

import nbformat
import papermill
import pytest

from artifact import parameters
from artifact.describe import allowed
from artifact.kinds import KINDS
from artifact.parameters import (
    INTERACTIVE,
    check_inputs,
    declared,
    from_cell,
    model_of,
    notebook_parameters,
    notebooks,
    read_cell,
)
from qnn_core import InvalidInput, backprop, cutting, network, optimiser, windows
from qnn_core.files import write_record

PROJECT = Path(__file__).parents[2]
SOURCES = sorted((PROJECT / "notebooks").glob("*.ipynb"))
WITHOUT_UNIT = {"seed", "seeds", "search_seeds", "image"}


def cell(notebook):
    cells = nbformat.read(PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    sources = [one.source for one in cells if "parameters" in one.metadata.get("tags", [])]
    assert len(sources) == 1, f"{notebook} needs one cell tagged parameters"
    return sources[0]


@pytest.mark.parametrize("notebook", notebooks())
def test_defaults_pass_and_every_parameter_has_a_type_a_meaning_and_numbers_a_unit(notebook):
    assert notebook_parameters(notebook, {one.name: one.default for one in declared(notebook)})
    schema = model_of(notebook).model_json_schema()
    for one in declared(notebook):
        assert one.meaning, f"{notebook}: {one.name} has no description"
        assert "Input" not in one.kind or one.made_by in notebooks(), f"{notebook}: of which notebook is {one.name} a result?"
        assert not one.is_path or "Input" in one.kind or "/mine/" in one.default, (
            f"{notebook}: a run by hand stores in the workflow's folder"
        )
        number = any(f'"{kind}"' in str(schema["properties"][one.name]).replace("'", '"') for kind in ("integer", "number"))
        assert bool(one.unit) == (number and one.name not in WITHOUT_UNIT), f"{notebook}: {one.name}"


def test_a_name_has_one_unit():
    units = {}
    for notebook in notebooks():
        for one in declared(notebook):
            if one.unit:
                assert units.setdefault(one.name, one.unit) == one.unit, f"{notebook}: {one.name}"


def test_choices_are_those_of_the_library():
    window = typing.get_type_hints(KINDS["Window"], include_extras=True)["schedule"]
    for mine, theirs in (
        (KINDS["Schedule"], optimiser.Schedule),
        (KINDS["Weighting"], cutting.Weighting),
        (KINDS["WrongRule"], network.WrongRule),
        (window, windows.WindowSchedule),
    ):
        assert set(typing.get_args(mine)) == set(typing.get_args(theirs))
    # No notebook but that of deep networks trains the binary one.
    assert {*typing.get_args(KINDS["Baseline"]), "binary"} == set(typing.get_args(backprop.Method))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_notebooks_show_their_parameters_and_papermill_reads_the_same(path):
    shown = [one.source for one in nbformat.read(path, as_version=4).cells if one.source.endswith("\np.table")]
    assert len(shown) == 1
    assert f'from_cell("{path.stem}", globals())' in shown[0]
    if path.stem not in INTERACTIVE:
        read = papermill.inspect_notebook(path)
        assert {name: one["inferred_type_name"] for name, one in read.items()} == {
            one.name: one.kind for one in declared(path.stem)
        }


def test_a_cell_declares_its_parameters():
    told = [
        *read_cell(
            '# fmt: off\nfrom __future__ import annotations\n\nlr: Optional[Rate] = 1e-4  # of Adam [1/update]\nto: str = "a # b"  # text'
        )
    ]
    assert [(one.name, one.kind, one.default, one.meaning, one.unit) for one in told] == [
        ("lr", "Optional[Rate]", 1e-4, "of Adam", "1/update"),
        ("to", "str", "a # b", "text", ""),
    ]
    with pytest.raises(InvalidInput, match=r"reads = 3.*name: type = default"):
        list(read_cell("reads = 3"))


def test_types_are_made_of_the_known_ones_and_nothing_else_is_evaluated(monkeypatch, tmp_path):
    monkeypatch.setattr(parameters, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    for place, (kind, value, good) in enumerate(
        (
            ("Between[1, 3]", "2", True),
            ("Count | None", "None", True),
            ('Literal["a", "b"]', '"b"', True),
            ("TwoOrMore[Seed]", "[0]", False),
        )
    ):
        source = f"x: {kind} = {value}  # of a test"
        written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})])
        nbformat.write(written, tmp_path / "notebooks" / f"mine{place}.ipynb")
        if good:
            assert notebook_parameters(f"mine{place}", {}).x == parameters.declared(f"mine{place}")[0].default
        else:
            with pytest.raises(InvalidInput, match="at least 2 items"):
                notebook_parameters(f"mine{place}", {})
    for kind in ("Cuont", "open('/etc/passwd')", "Count.__class__"):
        with pytest.raises(InvalidInput, match="type of a parameter"):
            parameters.kind_of(parameters.ast.parse(kind, mode="eval").body)


def test_what_is_allowed_is_told_in_words():
    assert allowed(model_of("02_training"))["sweeps"] == "a whole number at least 1"
    assert allowed(model_of("02_training"))["lr"] == "a number above 0 and at most 10, or null"
    assert allowed(model_of("02_training"))["wrong"] == "class or spins"
    assert allowed(model_of("04b_equilibrium"))["start_copies"] == "a list of 2 or more, each a whole number at least 1"
    assert allowed(model_of("07_active_layers"))["windows"].endswith(
        "an object with width, schedule (optional), passes (optional), widest (optional)"
    )


def test_parameters_are_printed(capsys):
    assert parameters.main([]) == 0
    printed = capsys.readouterr().out
    for notebook in notebooks():
        told = printed.split(f"{notebook}\n\n")[1]
        for one in declared(notebook):
            assert f"{one.name} = {one.default!r}" in told or f"{one.name} must be given" in told
    assert max(map(len, printed.splitlines())) <= 132
    assert parameters.main(["fig6"]) == 1
    assert "one of 01_data" in capsys.readouterr().err


def test_the_table_of_a_run_marks_what_is_not_at_its_default():
    table = notebook_parameters("03_backprop", {"lr": 0.003, "epochs": 5, "result": "<x>.npz"}).table
    html = table._repr_html_()
    assert "11 parameters of this page, 2 of them not at their defaults" in html
    assert "<b>5</b>" in html
    assert "&lt;x&gt;.npz" in html
    assert "batch_size" in repr(table)
    windows_at_their_defaults = notebook_parameters("07_active_layers", {"result": "x.npz"}).table
    assert ", all at their defaults" in windows_at_their_defaults._repr_html_()


def test_a_misspelt_parameter_is_met_with_the_one_that_is_meant():
    with pytest.raises(InvalidInput, match=r"epoch = 3: no such parameter, expected epochs\?"):
        notebook_parameters("02_training", {"epoch": 3, "result": "x.npz"})


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_carry_no_outputs(path):
    for one in nbformat.read(path, as_version=4).cells:
        if one.cell_type == "code":
            assert one.outputs == []
            assert one.execution_count is None


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


def test_a_result_of_another_notebook_is_refused_by_name(tmp_path):
    write_record(tmp_path / "own.json", {"notebook": "06_grover"})
    (tmp_path / "own.npz").touch()
    values = dict.fromkeys(("phase", "equilibrium", "sizes", "landscape"), str(tmp_path / "own.npz")) | {
        "figure": "figures/mine/fig3"
    }
    parameters = notebook_parameters("fig3", {name: values[name] for name in model_of("fig3").model_fields})
    with pytest.raises(
        InvalidInput, match=r"phase = '.*own\.npz' is not usable: expected a stored result of 04_phase; this is one of 06_grover"
    ):
        check_inputs(parameters)


@pytest.mark.parametrize(
    ("notebook", "name", "made_by", "made_with", "told"),
    [
        ("fig2", "mlp_runs", "03_backprop", {"method": "energy"}, "with method mlp; this is one of energy"),
        ("fig2", "energy_runs", "03_backprop", {"method": "mlp"}, "with method energy; this is one of mlp"),
        ("summary", "mlp_runs", "03_backprop", {}, "with method mlp; this is one of None"),
        ("fig1", "run", "02_training", {"snapshots": 0}, "with snapshots of at least 1"),
        ("04_phase", "runs", "02_training", {"snapshots": 0}, "with snapshots of at least 1"),
        ("04b_equilibrium", "runs", "02_training", {"snapshots": 0}, "with snapshots of at least 1"),
    ],
)
def test_a_result_that_lacks_what_is_read_of_it_is_refused_by_name(tmp_path, notebook, name, made_by, made_with, told):
    write_record(tmp_path / "own.json", {"notebook": made_by, "parameters": made_with})
    (tmp_path / "own.npz").touch()
    values = {one.name: None for one in declared(notebook) if one.made_by}
    path = str(tmp_path / "own.npz")
    parameters = model_of(notebook).model_construct(**{**values, name: [path] if name.endswith("runs") else path})
    with pytest.raises(InvalidInput, match=told):
        check_inputs(parameters)
