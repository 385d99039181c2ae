"""The shape of the project: layers of modules, the two routes to an environment, what is public."""

import ast
import re
import tomllib
from pathlib import Path

import qnn_core
from qnn_core.claims import load_claims
from qnn_core.dependencies import modules_of
from qnn_core.environment import differences
from qnn_core.readme import GALLERY, MNIST, claims_table, mnist_table, with_table
from qnn_core.results import load_result

PROJECT = Path(__file__).parents[1]
ORDER = [
    "environment",
    "errors",
    "files",
    "threads",
    "paper",
    "data",
    "history",
    "ising",
    "deployment",
    "network",
    "samplers.base",
    "samplers.kernels",
    "samplers.gibbs",
    "samplers.collapsed",
    "samplers.enumeration",
    "samplers.exact",
    "samplers.schedule",
    "samplers.evolution",
    "samplers.control_errors",
    "samplers.ocean",
    "samplers.coherent",
    "samplers.embedding",
    "samplers.records",
    "samplers.device",
    "samplers.hardware",
    "samplers",
    "optimiser",
    "cutting",
    "checkpoint",
    "training",
    "heads",
    "backprop",
    "active",
    "footprint",
    "results",
    "statistics",
    "minima",
    "params",
    "ablation",
    "depth",
    "overlaps",
    "tempering",
    "equilibrium",
    "phase",
    "sizes",
    "scaling",
    "grover",
    "claims",
    "plots",
    "readme",
    "dependencies",
    "execute",
]


def imported_modules(path):
    """Modules of the project that a module imports when it runs; imports for type checkers and inside functions are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.module.removeprefix("qnn_core.")
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("qnn_core.")
    }


def test_data_flows_one_way():
    paths = {path for path in (PROJECT / "qnn_core").rglob("*.py") if path.parent.name != "__pycache__"}
    names = {
        ".".join(path.relative_to(PROJECT / "qnn_core").with_suffix("").parts).removesuffix(".__init__"): path for path in paths
    }
    names.pop("__init__")
    assert set(names) == set(ORDER)
    for name, path in names.items():
        for imported in imported_modules(path):
            assert ORDER.index(imported) < ORDER.index(name), f"{name} imports {imported}, which comes after it"


def test_every_public_name_can_be_imported_and_is_documented():
    for name in qnn_core.__all__:
        assert getattr(qnn_core, name).__doc__
    assert dir(qnn_core) == sorted(qnn_core.__all__)


def test_both_routes_install_the_same_lock_and_it_is_complete():
    conda = (PROJECT / "environment.yml").read_text()
    assert "-r requirements.lock" in conda
    assert "python=3.11" in conda
    lock = (PROJECT / "requirements.lock").read_text()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lock.splitlines() if "==" in line}
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[^\s+]+", line) for line in lock.splitlines() if not line.startswith("#"))
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    assert {name.lower().replace("_", "-") for name in direct} <= pinned
    assert "torch==2.13.0" in lock.splitlines()


def test_the_readme_shows_the_claims_of_its_gallery():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, claims_table(load_claims(f"{GALLERY}/claims.json"))) == readme
    for number in range(1, 6):
        assert f"{GALLERY}/fig{number}.png" in readme
        assert (PROJECT / GALLERY / f"fig{number}.png").stat().st_size > 10_000


def test_the_readme_shows_the_numbers_of_full_mnist():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert with_table(readme, mnist_table(load_result(f"{GALLERY}/mnist.npz")), MNIST) == readme


def test_the_readmes_python_runs():
    code = (PROJECT / "README.md").read_text(encoding="utf-8").split("```python")[1].split("```")[0]
    shown: list[object] = []
    exec(
        code.replace("epochs=20", "epochs=1").replace("progress=True", "progress=False"),
        {"print": lambda *values: shown.extend(values)},
    )
    assert shown[:2] == [(5, 10, 130), (5, 10)]
    assert all(0 <= value < 0.9 for value in shown[2:])


def test_the_environment_is_compared_with_the_lock(tmp_path):
    assert differences() == []
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nnumpy==1.0.0\nno-such-package==2.0\n")
    assert [line.split(" ")[0] for line in differences(lock)] == ["numpy", "no-such-package"]


def test_modules_of_a_notebook_are_found_through_others():
    found = modules_of("02_training")
    assert {"qnn_core/training.py", "qnn_core/samplers/kernels.py", "qnn_core/deployment.py"} <= set(found)
    assert "qnn_core/grover.py" not in found
    assert all((PROJECT / path).is_file() for path in found)
