"""Shape annotations are checked at run time in every test; the compiled kernels are left as they are."""

import os
import pkgutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import qnn_core  # noqa: F401  # Before numpy and the like, whose loops it chooses.

# Work is small here: several threads would mostly wait for each other, and in a loop, on cores that other tests need.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

# isort: split
import numba
import numpy as np
import pytest
from jaxtyping import install_import_hook
from threadpoolctl import threadpool_limits

PROJECT = Path(__file__).parents[1]
WHO = {"USER": "somebody-particular", "LOGNAME": "somebody-particular", "DWAVE_API_TOKEN": "DEV-a-token-of-somebody"}
"""What no page or result may repeat."""
COMPILED = {"qnn_core.loops", *(f"qnn_core.samplers.{name}" for name in ("kernels", "enumeration", "evolution", "fused"))}

PACKAGES = ("qnn_core", "qnn_dwave", "studies", "artifact")
_modules = {
    info.name
    for package in PACKAGES
    for info in pkgutil.walk_packages([str(PROJECT / package)], prefix=f"{package}.")
    if not info.ispkg
}
_hook = install_import_hook(sorted(_modules - COMPILED), "typecheck.checker")
_hook.__enter__()
numba.set_num_threads(1)
threadpool_limits(1, user_api="blas")  # Of numpy, which a plugin may have imported before.

from artifact.verify import copy_sources  # noqa: E402
from qnn_core.data import load_dataset  # noqa: E402
from qnn_core.ising import IsingProblem  # noqa: E402
from qnn_core.network import QNN  # noqa: E402


def random_problem(layers: tuple[int, ...], images: int, seed: int, scale: float = 1.0) -> IsingProblem:
    """Gaussian fields and couplings."""
    random = np.random.default_rng(seed)
    fields = scale * random.standard_normal((images, sum(layers)))
    couplings = [scale * random.standard_normal(shape) for shape in pairwise(layers)]
    return IsingProblem(layers, fields.astype(np.float32), tuple(matrix.astype(np.float32) for matrix in couplings))


def random_spins(problem: IsingProblem, reads: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.choice(np.array([-1, 1], np.int8), size=(problem.num_images, reads, problem.num_spins))


FIRST = ("test_samplers", "test_bad_inputs", "test_workflow", "test_book", "test_playground", "test_inputs", "test_estimator")
"""Files that are begun first, in this order: one that compiles the kernels, one that needs none, those that run copies of the project,
and other long ones. The rest follows by its number of tests, so that no process waits long for another at the end."""

TOGETHER = dict.fromkeys(("tests/test_workflow.py", "tests/test_book.py"), "the finished run")
TOGETHER |= dict.fromkeys(
    ("tests/test_network.py", "tests/core/test_inputs.py"), "the exporter of ONNX, which takes long to start"
)


def pytest_collection_modifyitems(items):
    number = Counter(item.path for item in items)
    place = {name: at for at, name in enumerate(FIRST)}
    items.sort(key=lambda item: (place.get(item.path.stem, len(FIRST)), -number[item.path], item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One process runs all tests of a file, and of files that share what takes long; files in the order of the tests."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return TOGETHER.get(file, file)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits")


@pytest.fixture
def small_net():
    """6 inputs, 5 hidden spins, 3 classes of 2 copies, with biases that are not zero."""
    net = QNN((6, 5, 3), copies=2, seed=3)
    random = np.random.default_rng(4)
    net.set_parameters([*net.weights, *(random.standard_normal(bias.shape).astype(np.float32) for bias in net.biases)])
    return net


@pytest.fixture
def deep(digits):
    """64 inputs, hidden layers of 7, 5 and 6 spins, pixels measured from the mean image."""
    return QNN((64, 7, 5, 6, 10), copies=2, seed=1, drive=3.0, centre=digits.x_train.mean(axis=0))


@pytest.fixture
def batch(digits):
    """Eight images and their labels."""
    return digits.x_train[:8], digits.y_train[:8]


def environment(folder: Path) -> dict[str, str]:
    """Of a command in a copy of the project."""
    return {**os.environ, **WHO, "PYTHONPATH": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def snakemake(folder: Path, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess[str]:
    warm = [sys.executable, "-m", "artifact.warm", "-m", "snakemake"]
    command = [*warm, "--cores", str(cores), "--config", "profile=smoke", "--nolock", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=1500, check=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the project, kernels compiled so far included, with everything that the smoke profile makes."""
    folder = tmp_path_factory.mktemp("project")
    copy_sources(folder)
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder
