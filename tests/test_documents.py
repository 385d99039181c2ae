"""The pages that people read in the repository: links that lead somewhere, code that runs, files that other tools read."""

import json
import re
from pathlib import Path
from typing import get_args

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml

from artifact.claims import load_claims
from artifact.parameters import notebook_parameters
from artifact.readme import kept_claims
from artifact.results import PACKAGES, expand, load_result
from qnn_core import data, load_dataset
from qnn_core.statistics import difference_interval
from studies.claims import Verdict
from studies.rules import TOLERATED

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_exist(page):
    text = page.read_text(encoding="utf-8")
    for address in re.findall(r"\]\(([^)]+)\)", text):
        if address.startswith("https://"):
            continue
        path, _, anchor = address.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {address}"
        if anchor:
            headings = {
                re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                for line in target.read_text(encoding="utf-8").splitlines()
                if line[:1] == "#"
            }
            assert anchor in headings


def test_commands_of_the_pages_name_notebooks_and_parameters_that_exist(tmp_path, monkeypatch):
    checked = 0
    own_images = tmp_path / "shuffled.npz"
    digits = load_dataset("digits")
    np.savez(own_images, x_train=digits.x_train, y_train=digits.y_train, x_test=digits.x_test, y_test=digits.y_test)
    monkeypatch.setattr(data, "_own_file", lambda *_: own_images)
    for page in PAGES:
        for notebook, given in re.findall(
            r"artifact\.execute (\w+) .*?--parameters\s+(?:\\\s+)?'(\{.*?\})'", page.read_text(), flags=re.DOTALL
        ):
            notebook_parameters(notebook, json.loads(given))
            checked += 1
    assert checked >= 7


def test_the_python_of_the_qpu_page_runs(tmp_path, capsys):
    code = (PROJECT / "docs/qpu.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    exec(code.replace("tiles=4", f"tiles=2, embeddings={str(tmp_path)!r}"), {})
    assert "submissions of up to 2 images side by side" in capsys.readouterr().out


def test_the_python_of_the_page_on_own_data_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in (PROJECT / "docs/own-data.md").read_text(encoding="utf-8").split("```python")[1:]:
        exec(block.split("```")[0], names)
    plt.close()
    assert "3 classes 0, 1, 2, scaling 'standard'" in capsys.readouterr().out
    assert names["net"].error(names["x"], names["y"]) < 0.03
    assert names["model"].score(names["x"], names["y"]) > 0.97


def test_the_map_names_every_package():
    text = (PROJECT / "docs/map.md").read_text(encoding="utf-8")
    assert all(f"`{package}/`" in text for package in (*PACKAGES, "qnn_core/samplers", "qnn_core/landscape"))


def test_the_project_can_be_cited_by_its_paper():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert [author["family-names"] for author in citation["references"][0]["authors"]] == ["Zhang", "Kamenev"]
    assert citation["references"][0]["identifiers"][0]["value"] == "arXiv:2506.05244"
    assert all("family-names" not in author for author in citation["authors"])


def test_other_ways_to_an_environment_use_the_same_file():
    container = json.loads((PROJECT / ".devcontainer/devcontainer.json").read_text())
    assert "environment.yml" in container["postCreateCommand"]
    name = yaml.safe_load((PROJECT / "environment.yml").read_text())["name"]
    assert f"/envs/{name}/" in container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert f"conda activate {name}" in container["postCreateCommand"]
    # Binder reads environment.yml at the root, unless a folder for it hides it.
    assert not any((PROJECT / folder).exists() for folder in ("binder", ".binder"))


def test_the_readme_starts_with_figure_claims_and_commands_and_is_short():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    marks = [
        "fig1.png",
        "| C1a",
        "| C6c",
        "./run_all.sh          #",
        "./run_all.sh test",
        *(f"**{n}." for n in range(1, 6)),
        "## Read",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert all(f"figures/paper/fig{number}.png" in text for number in range(1, 6))
    assert len(text.splitlines()) <= 120
    assert max(line.count("|") for line in text.splitlines()) == 5


def test_the_short_answer_of_the_readme_agrees_with_the_verdicts():
    """It is written by hand, as is that of the book's first page: if one of these changes, write both again."""
    assert "**In short:**" in (PROJECT / "README.md").read_text(encoding="utf-8")
    claims, _ = load_claims(kept_claims("paper"))
    verdicts = {claim.id: claim.verdict for claim in claims}
    assert next(claim.low for claim in claims if claim.id == "C1c") > 10  # "Far slower".
    told = {"C1b": "reproduced", "C1c": "not reproduced", "C2b": "reproduced", "C3a": "reproduced", "C4": "depends"}
    told["C6a"] = "not reproduced"  # "Stay behind an MLP".
    assert told.items() <= verdicts.items()


def test_what_is_written_of_deep_networks_is_what_was_found():
    """README and the book's first page: "a third or more"; docs/mnist.md: "within a point", and "a window of three layers"."""
    for study in map(load_result, expand(["data/results/paper/active/depth[2-9].npz"])):
        whole, few = 100 * study["test_error"][:2, :, -1].mean(axis=1)
        mlp, binary = (100 * study[f"{name}_error"][:, -1].mean() for name in ("mlp", "binary"))
        assert binary - mlp >= (few - mlp) / 3
        assert whole - binary < 1
    wider, whole = (
        100 * study["test_error"][row, :, -1] for row in (study["width"].tolist().index(3), 0)
    )  # Of the last: the deepest.
    assert len(study["layers"]) == 5
    assert difference_interval(wider, whole).high < TOLERATED


@pytest.mark.parametrize("page", [PROJECT / "README.md", PROJECT / "docs/use.md"], ids=lambda page: page.name)
def test_the_python_of_a_page_runs_in_its_order(page):
    """One after the other, as a reader pastes it, with fewer epochs; what is printed as an error is one of a network that has learned."""
    code = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    shown: list[object] = []
    known = {"print": lambda *values: shown.extend(values)}
    for part in code:
        exec(re.sub(r"epochs=\d+", "epochs=2", part).replace("progress=True", "progress=False"), known)
    errors = [value for value in shown if not isinstance(value, tuple)]
    assert [value for value in shown if isinstance(value, tuple)] == [(5, 10, 130), (5, 10)]
    assert len(errors) == {"README.md": 1, "use.md": 4}[page.name]
    assert all(0 <= error < 0.5 for error in errors), errors


def test_every_word_of_ours_is_defined():
    text = (PROJECT / "docs/words.md").read_text(encoding="utf-8")
    assert all(f"**{word}**" in text for word in ("clamped", "head", "cut", "completed", *get_args(Verdict)))
