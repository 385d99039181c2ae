"""A bad input is stopped at every door, before any work, with its name, its value and what is allowed."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from bad_inputs import BAD

from artifact import execute
from artifact.parameters import declared, from_cell
from artifact.profiles import load_profile
from qnn_core import InvalidInput, MissingData

PROJECT = Path(__file__).parents[2]
ALLOWED = r"should|expected|must|at least|at most|valid|needs|give |not permitted|name a folder|finds nothing|does not exist|matches|takes"
NEEDED = {"result": "x.npz", "figure": "x", "runs": ["x.npz"]}
NAMED = [f"{number}-{bad.name}={bad.value}" for number, bad in enumerate(BAD)]


def defaults(notebook):
    """What the parameters cell of a notebook sets, its inputs left out: they need not exist here."""
    cells = nbformat.read(PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    source = next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    return source, {one.name: one.default for one in declared(notebook)}


def explains(message, *words):
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    assert any(phrase in message for phrase in ALLOWED.split("|")), f"nothing about what is allowed in: {message}"
    # Only a misspelling is refused for its name.
    assert "no such parameter" not in message or set(words) & {"epoch", "sweep"}


def test_the_table_is_long_and_uses_every_door():
    assert len(BAD) >= 60
    for door in ("given", "yaml", "call"):
        assert sum(getattr(bad, door) is not None for bad in BAD) >= 50


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.given is not None], ids=lambda bad: f"{bad.name}={bad.value}")
def test_a_notebook_never_starts_with_it(bad, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(execute.papermill, "execute_notebook", lambda *_, **__: pytest.fail("a kernel was started"))
    needed = {name: value for name, value in NEEDED.items() if name in {one.name for one in declared(bad.notebook)}}
    values = json.dumps({**needed, **bad.given})
    assert execute.main([bad.notebook, "--output", str(tmp_path / "out.ipynb"), "--parameters", values]) == 2
    explains(capsys.readouterr().err, bad.name, bad.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.given is not None], ids=lambda bad: f"{bad.name}={bad.value}")
def test_a_notebook_opened_by_papermill_stops_in_its_first_lines(bad):
    """What IPython knows when papermill has run the parameters cell, and behind it the one that it injects."""
    source, names = defaults(bad.notebook)
    injected = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in bad.given.items())
    with pytest.raises((InvalidInput, MissingData)) as stopped:
        from_cell(
            bad.notebook, {**names, **bad.given, "In": ["", source, injected, f'p = from_cell("{bad.notebook}", globals())']}
        )
    explains(str(stopped.value), bad.name, bad.value)


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.yaml is not None], ids=lambda bad: f"{bad.name}={bad.value}")
def test_no_profile_is_loaded_with_it(bad, tmp_path):
    content = yaml.safe_load((PROJECT / "config" / "smoke.yaml").read_text())
    for name, value in bad.yaml.items():
        content[name] = {**content[name], **value} if isinstance(value, dict) else value
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(InvalidInput) as stopped:
        load_profile("bad", tmp_path)
    explains(str(stopped.value), "config/bad.yaml", bad.in_yaml or bad.name, bad.value)


@pytest.fixture(scope="module")
def said():
    """What every call says, from a process without the tests' type checker."""
    done = subprocess.run(
        [sys.executable, PROJECT / "tests" / "artifact" / "bad_inputs.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "number", [number for number, bad in enumerate(BAD) if bad.call is not None], ids=lambda number: NAMED[number]
)
def test_no_call_begins_with_it(said, number):
    bad = BAD[number]
    kind, _, message = said[number].partition(": ")
    unknown_keyword = kind == "TypeError" and "unexpected keyword argument" in message
    assert unknown_keyword or kind in ("InvalidInput", "MissingData"), said[number]
    name, value = (bad.in_call or (bad.name,))[0], (bad.in_call[1:] or (bad.value,))[0]
    assert name in message
    assert unknown_keyword or value in message
    if not unknown_keyword:
        explains(message)
