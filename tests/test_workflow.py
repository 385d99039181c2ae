"""The command people type, and the whole workflow in its smallest profile, in a copy of the project."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import snakemake

from qnn_core.params import INTERACTIVE

PROJECT = Path(__file__).parents[1]
OUTPUTS = ("data/results/smoke", "figures/smoke", "notebooks/rendered/smoke")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--profile", "huge"],
        ["--profile"],
        ["--cores", "0"],
        ["--cores", "two"],
        ["--only", "fig6"],
        ["--onyl", "fig1"],
        ["--only", "fig1", "--site"],
        ["test", "now"],
        ["fig1"],
    ],
)
def test_mistakes_on_the_command_line_are_usage_errors(arguments):
    done = subprocess.run([PROJECT / "run_all.sh", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Usage: ./run_all.sh" in done.stderr
    assert arguments[-1] in done.stderr


def test_help_names_every_option():
    done = subprocess.run([PROJECT / "run_all.sh", "--help"], capture_output=True, text=True, check=True)
    for option in ("--profile", "--cores", "--only", "--site", "--dry-run", "--force", "--help", "test"):
        assert option in done.stdout


def test_everything_is_made(finished):
    claims = json.loads((finished / "data/results/smoke/claims.json").read_text())
    assert claims["profile"] == "smoke"
    assert [claim["id"] for claim in claims["claims"]] == ["C1", "C2", "C3", "C4", "C5", "C6"]
    for claim in claims["claims"]:
        assert claim["verdict"] in ("agrees", "disagrees", "not testable here")
        assert (finished / "notebooks" / f"{claim['notebook']}.ipynb").is_file()
        assert (finished / "figures" / "smoke" / f"{claim['figure']}.png").is_file()
        assert "quantum" not in claim["sampler_kind"] or "simulation" in claim["sampler_kind"]
        if claim["value"] is not None:
            assert claim["low"] <= claim["value"] <= claim["high"]
    for number in range(1, 6):
        for ending in ("png", "pdf", "npz", "json"):
            assert (finished / "figures" / "smoke" / f"fig{number}.{ending}").stat().st_size > 0


def test_nothing_is_left_to_do_and_no_temporary_file_remains(finished):
    assert "Nothing to be done" in (done := snakemake(finished, "--dry-run")).stdout + done.stderr
    leftovers = [path for output in OUTPUTS for path in (finished / output).rglob(".*") if path.is_file()]
    assert leftovers == []


def test_a_changed_notebook_is_run_again(finished):
    notebook = finished / "notebooks" / "fig3.ipynb"
    before = notebook.read_bytes()
    notebook.write_bytes(before.replace(b"From glass to order", b"From glass to order, again"))
    try:
        done = snakemake(finished, "--dry-run")
    finally:
        notebook.write_bytes(before)
    assert "rule fig3" in done.stdout + done.stderr
    assert "rule phase" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("change", "again", "kept"),
    [
        (("sizes: {copies: [1, 2]", "sizes: {copies: [1, 3]"), {"sizes", "summary"}, {"training_run", "phase", "rates_run"}),
        (("snapshots: 4", "snapshots: 5"), {"training_run", "phase", "fig1"}, {"backprop_run", "rates_run", "sizes", "grover"}),
    ],
)
def test_a_changed_number_of_the_profile_runs_what_it_concerns(finished, change, again, kept):
    profile = finished / "config/smoke.yaml"
    before = profile.read_text()
    assert change[0] in before
    profile.write_text(before.replace(*change))
    try:
        done = snakemake(finished, "--dry-run")
    finally:
        profile.write_text(before)
    planned = set(re.findall(r"^(?:local)?rule (\w+):", done.stdout + done.stderr, flags=re.MULTILINE))
    assert again <= planned
    assert not kept & planned


def test_pages_and_results_name_no_path_of_the_machine(finished):
    for output in OUTPUTS:
        for path in (finished / output).rglob("*"):
            if path.suffix in (".ipynb", ".json"):
                text = path.read_text(encoding="utf-8")
                for secret in (str(finished), str(Path.home()) + "/", str(PROJECT), "site-packages"):
                    assert secret not in text, f"{path.name} names {secret}"


def test_rendered_pages_are_complete_and_free_of_errors(finished):
    pages = list((finished / "notebooks/rendered/smoke").rglob("*.ipynb"))
    made = {path.parent.name if path.parent.name != "smoke" else path.stem for path in pages}
    assert made == {path.stem for path in (PROJECT / "notebooks").glob("*.ipynb")} - set(INTERACTIVE)
    for path in pages:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert cell.execution_count is not None or not cell.source
                for output in cell.outputs:
                    assert output.output_type != "error"
                    assert output.get("name") != "stderr", f"{path.name}: {output.text[:200]}"


def test_a_second_run_gives_the_same_numbers_bit_for_bit(finished):
    result = finished / "data/results/smoke/training/gibbs-24-linear-s0.npz"
    page = finished / "notebooks/rendered/smoke/02_training/gibbs-24-linear-s0.ipynb"
    before = result.read_bytes(), page.read_bytes()
    done = snakemake(finished, str(result.relative_to(finished)), "--force", cores=1)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (result.read_bytes(), page.read_bytes()) == before
