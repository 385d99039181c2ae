"""The shape of the project: layers of modules, the two routes to an environment, what is public."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name as canonical

import qnn_core
from artifact.dependencies import modules_of
from artifact.environment import PROJECT as PROJECT_NAME
from artifact.environment import differences, targets
from artifact.origins import describe
from artifact.parameters import INTERACTIVE
from artifact.profiles import load_profile
from artifact.readme import FILLED, GALLERY, filled
from artifact.results import PACKAGES
from artifact.workflow import table
from qnn_core import landscape, samplers

PROJECT = Path(__file__).parents[1]


def imported_modules(path):
    """Modules of the project that a module imports when it is imported; imports for type checkers and inside functions are left out."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in PACKAGES:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in PACKAGES)


def test_imports_run_one_way():
    """From package to package only to the left, and without a circle inside of one."""
    graph = {}
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            name = ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
            graph[name] = set(imported_modules(path))
            for other in graph[name]:
                assert PACKAGES.index(other.split(".")[0]) <= PACKAGES.index(package), f"{name} imports {other}"
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph) > 50


def test_every_public_name_can_be_imported_and_is_documented():
    for name in qnn_core.__all__:
        assert getattr(qnn_core, name).__doc__
    assert dir(qnn_core) == sorted(qnn_core.__all__)


def locked():
    """The lock's versions by name."""
    lines = (PROJECT / "requirements.lock").read_text().splitlines()
    return {canonical(name): number for name, _, number in (line.partition("==") for line in lines if not line.startswith("#"))}


def direct_ones():
    """What the project names: its dependencies, and those of its extras but the peers of the benchmarks."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(name for extra in extras.keys() - {"benchmarks"} for name in extras[extra])]


def test_both_routes_name_the_same_versions():
    """conda's file names no version but Python's: all else it installs from the lock, as the other route does."""
    route = yaml.safe_load((PROJECT / "environment.yml").read_text())
    assert route["name"] == PROJECT_NAME
    assert route["dependencies"] == ["python=3.11", "pip", {"pip": ["-r requirements.lock", "-e ."]}]
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"] == "==3.11.*"


def test_the_lock_holds_all_that_the_project_needs_and_what_that_needs():
    """From nothing, the lock installs everything, in versions that suit each other: pip would have nothing to add or to choose."""
    pins = locked()
    waiting = [Requirement(text) for text in direct_ones()]
    needed = set()
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        assert name in pins, f"{requirement} is not in the lock"
        assert requirement.specifier.contains(pins[name], prereleases=True), (
            f"the lock has {name} {pins[name]}, not {requirement}"
        )
        if (name, frozenset(requirement.extras)) in needed:
            continue
        needed.add((name, frozenset(requirement.extras)))
        pythons = distribution(name).metadata.get("Requires-Python") or ""
        assert SpecifierSet(pythons).contains("3.11.0"), (
            f"{name} {pins[name]} wants Python {pythons}: not every 3.11 installs the lock"
        )
        for text in distribution(name).requires or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in requirement.extras or {""}):
                waiting.append(further)
    unneeded = set(pins) - {name for name, _ in needed}
    assert len(unneeded) < 10, f"nothing needs {sorted(unneeded)}"


def test_science_and_workflow_need_no_extra():
    """Every public name, and what runs notebooks, where only the dependencies proper can be imported."""
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    optional = {canonical(name) for extra in ("chip", "playground", "onnx", "slurm", "book") for name in extras[extra]}
    refused = {module for module, names in packages_distributions().items() if {canonical(name) for name in names} <= optional}
    # matplotlib brings pillow, and the kernel nothing of the rest.
    refused = (refused | {"dwave.cloud"}) - {"PIL"}
    assert {"ipycanvas", "onnxruntime", "sphinx", "dwave.cloud"} <= refused
    code = f"""
import sys

class Refuses:
    def find_spec(name, *_):
        if name in {sorted(refused)}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuses)
import qnn_core, artifact.execute, artifact.run, artifact.verify
print(all(getattr(qnn_core, name) for name in qnn_core.__all__))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


def public_surface():
    """Every public class and function with its name, and every public method and property of the classes."""
    for module in (qnn_core, landscape, samplers):
        for name in module.__all__:
            whole = getattr(module, name)
            if not callable(whole) or (inspect.isclass(whole) and issubclass(whole, Exception)):
                continue
            yield name, whole, inspect.getdoc(whole)
            for part, member in vars(whole).items() if inspect.isclass(whole) else ():
                function = member.fget if isinstance(member, property) else member
                # What every sampler has is described once, in the protocol.
                if (
                    inspect.isfunction(function)
                    and not part.startswith("_")
                    and (whole is samplers.Sampler or not hasattr(samplers.Sampler, part))
                ):
                    yield f"{name}.{part}", function, inspect.getdoc(whole)


def test_public_docstrings_explain_every_setting_and_give_arrays_a_shape():
    wanting = []
    for name, what, around in public_surface():
        own = what.__doc__ or ""
        text = " ".join([own, around or "", *(base.__doc__ or "" for base in getattr(what, "__mro__", ()))])
        if not own.strip():
            wanting.append(f"{name} has no docstring")
        for parameter in inspect.signature(what).parameters.values():
            kind = str(parameter.annotation)
            # Networks, data, problems and reads explain themselves; numbers and choices do not.
            if re.match(r"(tuple|int|float|bool|str|Literal)\b", kind) and not re.search(rf"\b{parameter.name}\b", text):
                wanting.append(f"{name} does not say what {parameter.name} is")
            if kind.startswith("np.ndarray") and not re.search(r"\(\.\.\.|array", own):
                wanting.append(f"{name} gives {parameter.name} no shape")
    assert wanting == []


def test_the_lock_is_exact():
    lock = (PROJECT / "requirements.lock").read_text()
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[^\s+]+", line) for line in lock.splitlines() if not line.startswith("#"))
    assert "torch==2.13.0" in lock.splitlines()


def test_readme_and_documents_show_the_paper_profile():
    for name in FILLED:
        document = (PROJECT / name).read_text(encoding="utf-8")
        assert filled(name) == document
        assert name == "README.md" or document.count("<!-- ablation: ") >= 3
    for number in range(1, 6):
        assert (PROJECT / f"figures/paper/fig{number}.png").stat().st_size > 10_000


def test_the_paper_profile_is_committed_whole_and_small():
    folders = [PROJECT / name / "paper" for name in ("data/results", "figures", "notebooks/rendered")]
    # Networks along training are known by their records alone.
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.match("training/gibbs-*.npz")
    ]
    assert sum(path.stat().st_size for path in files) <= 25e6
    rendered = {path.relative_to(folders[2]).parts[0].removesuffix(".ipynb") for path in files if path.suffix == ".ipynb"}
    assert rendered == {path.stem for path in (PROJECT / "notebooks").glob("*.ipynb")} - set(INTERACTIVE)


def test_what_is_committed_names_no_path_or_user_of_a_machine():
    for path in (PROJECT / "docs").rglob("*"):
        if path.suffix in (".ipynb", ".json", ".txt", ".md"):
            found = re.findall(r"/(?:home|root|Users|private|var|opt|tmp/tmp)/\S*", path.read_text(encoding="utf-8"))
            assert found == [], f"{path.name}: {found}"


def test_every_committed_number_and_figure_tells_where_it_came_from():
    """In one step: python -m artifact.results show FILE."""
    folders = (GALLERY, "figures/paper", "data/results/paper", "notebooks/rendered/paper")
    shown = [
        path for folder in folders for path in (PROJECT / folder).rglob("*") if path.is_file() and path.name != "records.json"
    ]
    assert len(shown) >= 100
    for path in shown:
        told = describe(str(path.relative_to(PROJECT)))
        for line in ("notebook ", "made by ", "seed ", "parameters ", "code ", "packages ", "processor "):
            assert f"\n{line}" in told, told


def test_the_environment_is_compared_with_the_lock(tmp_path):
    here = Path(sys.prefix)
    assert set(differences(here)) <= {f"{PROJECT_NAME} is not installed from this folder"}
    lock = tmp_path / "requirements.lock"
    lock.write_text("# a comment\nnumpy==1.0.0\nno-such-package==2.0\n")
    told = differences(here, lock)[:2]
    assert told[0].startswith("numpy is 2.")
    assert told[1] == "no-such-package is missing, the lock says 2.0"
    assert len(differences(tmp_path)) > 100


@pytest.mark.parametrize("name", ["smoke", "paper"])
def test_every_notebook_is_made_and_every_target_is_an_option(name):
    rows = table(name, load_profile(name))
    assert targets() == list(rows)
    assert {row.notebook for row in rows.values()} == {path.stem for path in (PROJECT / "notebooks").glob("*.ipynb")} - set(
        INTERACTIVE
    )
    made = [file.format(**wildcards) for row in rows.values() for wildcards in row.each() for file in row.files]
    assert len(made) == len(set(made))
    for row in rows.values():
        for wildcards in row.each():
            read = [path for paths in row.paths(wildcards).values() for path in ([paths] if isinstance(paths, str) else paths)]
            assert all(path in made or f"{path}.png" in made for path in read), row


def test_modules_of_a_notebook_are_found_through_others():
    found = modules_of("02_training")
    assert {"qnn_core/training.py", "qnn_core/samplers/kernels.py", "qnn_core/export.py"} <= set(found)
    assert "studies/grover.py" not in found
    assert all((PROJECT / path).is_file() for path in found)
