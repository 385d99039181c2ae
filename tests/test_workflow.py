"""The command people type, and the whole workflow in its smallest profile, in a copy of the project."""

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import nbformat
import psutil
import pytest
from conftest import WHO, snakemake
from killed import finish, kernels, kill, processes, start

from artifact.environment import STOPPED, targets
from artifact.parameters import INTERACTIVE
from artifact.verify import compare, copy_sources
from qnn_core.files import read_arrays
from studies.claims import Verdict
from studies.rules import PARTS

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
        ["--executor", "pbs"],
        ["--only", "fig1", "--site"],
        ["test", "now"],
        ["fig1"],
    ],
)
def test_mistakes_on_the_command_line_are_usage_errors(arguments):
    done = subprocess.run([PROJECT / "run_all.sh", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: ./run_all.sh" in done.stderr
    assert any(argument in done.stderr.splitlines()[-1] for argument in arguments)


def test_help_names_every_option_and_target():
    done = subprocess.run([PROJECT / "run_all.sh", "--help"], capture_output=True, text=True, check=True)
    for option in (
        "--profile",
        "--cores",
        "--only",
        "--dry-run",
        "--force",
        "--executor",
        "--site",
        "--help",
        "test",
        *targets(),
    ):
        assert option in done.stdout


def test_everything_is_made(finished):
    claims = json.loads((finished / "data/results/smoke/claims.json").read_text())
    assert claims["profile"] == "smoke"
    assert [claim["id"] for claim in claims["claims"]] == list(PARTS)
    assert {claim["figure"] for claim in claims["claims"]} >= {f"fig{number}" for number in range(1, 6)}
    for claim in claims["claims"]:
        assert claim["verdict"] in get_args(Verdict)
        assert (finished / "notebooks" / f"{claim['notebook']}.ipynb").is_file()
        if claim["figure"]:  # Some parts are shown by no figure.
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


def test_pages_results_and_figures_name_no_path_user_or_token_of_the_machine(finished):
    secrets = [str(finished), str(Path.home()) + "/", str(PROJECT), "site-packages", *WHO.values()]
    files = [path for output in OUTPUTS for path in (finished / output).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".npz", ".json", ".png", ".pdf", ".ipynb"}
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".npz":
            content = "\n".join(
                str(array.tolist()) for array in read_arrays(path, "").values() if array.dtype.kind == "U"
            ).encode()
        for secret in secrets:
            assert secret.encode() not in content, f"{path.name} names {secret}"
        if path.suffix not in (".png", ".pdf"):
            assert not re.search(rb"/(home|root|Users|tmp|private|var|usr|opt)/", content), path.name


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


def test_a_run_that_was_killed_and_stopped_elsewhere_gives_the_same_numbers_bit_for_bit(finished, tmp_path_factory):
    """In another folder, time zone, locale and hash seed, on another number of cores: SIGKILL to everything, then SIGTERM to the script.

    One figure with all that it needs; python -m tests.killed does it with the whole workflow, and many times.
    """
    folder = tmp_path_factory.mktemp("another place, é")
    copy_sources(folder, finished)
    options = ("--profile", "smoke", "--cores", "3", "--only", "fig3")
    changes = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
    for steps in (0, 3):
        run = start(folder, *options, **changes)
        while not (kernels(folder) and len(list((folder / OUTPUTS[2]).rglob("*.ipynb"))) >= steps):
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(0.2)
        if steps == 0:
            assert kill(run, folder) > 3
        else:
            run.terminate()
            assert run.wait() == STOPPED
            assert not psutil.wait_procs(processes(folder), timeout=60)[1]
        assert not kernels(folder)
    assert "made again" not in finish(folder, *options, **changes)
    result = compare(finished, folder, "smoke", partial=True)
    assert result.differences == []
    # The choice of the rate, two trainings, the three parts of the phase study, and the figure.
    assert result.compared["pages"] == 7
    assert result.compared["pictures"] == 2
    assert result.compared["numbers"] > 10_000


def test_damaged_outputs_are_named_and_made_again(finished):
    figure, claims = finished / "figures/smoke/fig1.npz", finished / "data/results/smoke/claims.json"
    before = {path: path.read_bytes() for path in (figure, claims)}
    figure.write_bytes(before[figure][:-20])
    claims.write_text(before[claims].decode().replace('"id": "C1a"', '"id": "C7"'))
    said = finish(finished, "--profile", "smoke")
    assert "figures/smoke/fig1.npz does not match its recorded SHA-256; it is made again." in said
    assert "data/results/smoke/claims.json does not match its own SHA-256; it is made again." in said
    assert figure.read_bytes() == before[figure]
    assert compare(finished, finished, "smoke").differences == []


def test_a_profile_that_cannot_be_used_is_refused_before_any_work(finished):
    profile = finished / "config/smoke.yaml"
    before = profile.read_text()
    profile.write_text(before.replace("epochs: 3\n", 'epochs: "3"\n', 1))
    try:
        with pytest.raises(AssertionError, match="epochs = '3': Input should be a valid integer"):
            finish(finished, "--profile", "smoke", "--dry-run")
    finally:
        profile.write_text(before)
