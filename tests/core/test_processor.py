"""Libraries compute by the same loops on every x86-64 processor with AVX2, and records say when they do not."""

import os
import subprocess
import sys

import pytest

from qnn_core import InvalidInput, processor
from qnn_core.processor import LOOPS

ASKED = (
    "import {first}\nimport qnn_core, numpy, scipy.linalg, torch\nfrom threadpoolctl import threadpool_info\n"
    "from numpy._core._multiarray_umath import __cpu_features__ as features\n"
    "cores = {{library.get('architecture') for library in threadpool_info() if library['user_api'] == 'blas'}}\n"
    "print(*cores, torch.backends.cpu.get_cpu_capability(), features['X86_V4'])\n"
    "print(qnn_core.processor.arithmetic())"
)
ours = pytest.mark.skipif(not {"avx2", "fma"} <= processor._features(), reason="for x86-64 with AVX2")


def asked(first="qnn_core", **changes):
    """What the libraries of a new process say of themselves, and what its records would."""
    alone = {name: value for name, value in os.environ.items() if name not in (*LOOPS, "NPY_DISABLE_CPU_FEATURES")}
    command = [sys.executable, "-W", "error", "-c", ASKED.format(first=first)]
    done = subprocess.run(command, env={**alone, **changes}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@ours
def test_every_library_takes_the_loops_of_the_first_processor_with_avx2():
    libraries, told = asked()
    assert libraries == "Haswell AVX2 False"
    assert told.startswith("loops of any x86-64 with AVX2; glibc 2.")


@ours
def test_the_projects_own_loops_are_the_same_bits_with_any_vectors():
    code = (
        "from qnn_core import QNN, load_dataset, train; data = load_dataset('digits').only_classes((0, 1));"
        "net = QNN((64, 20, 2), copies=2, centre=data.x_train.mean(axis=0)); history = train(net, data, epochs=1);"
        "print([parameter.tobytes().hex() for parameter in net.parameters], history.own_error)"
    )
    short = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}
    made = [
        subprocess.run([sys.executable, "-c", code], env={**os.environ, **changes}, capture_output=True, text=True, check=True)
        for changes in ({}, short)
    ]
    assert len({run.stdout for run in made}) == 1


@ours
@pytest.mark.parametrize(
    ("first", "changes", "told"),
    [
        ("numpy", {}, "loops the processor's own, since numpy was imported before qnn_core"),
        ("numpy", {**LOOPS, "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"}, "loops of any x86-64 with AVX2"),
        ("qnn_core", {"OPENBLAS_CORETYPE": "Nehalem"}, "loops of any x86-64 with AVX2, but for OPENBLAS_CORETYPE=Nehalem"),
    ],
)
def test_records_say_where_other_loops_are_used(first, changes, told):
    assert asked(first, **changes)[1].split(";")[0] == told


@pytest.mark.parametrize("features", [set(), {"avx2"}, {"avx", "fma"}])
def test_an_older_or_another_kind_of_processor_is_left_as_it_is(monkeypatch, features):
    monkeypatch.setattr(processor, "_features", lambda: features)
    assert processor.settle() == "the processor's own"


@pytest.mark.parametrize("name", ["NUMBA_NUM_THREADS", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1000000", "1,0"])
def test_numbers_of_threads_that_cannot_be_are_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=rf"variable {name} = '{value}' is not usable: expected a whole number from 1"):
        processor.check_threads()


def test_compiled_loops_find_a_place_where_neither_the_project_nor_home_can_be_written(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    processor.find_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(os, "access", lambda *_: False)
    processor.find_cache()
    assert os.path.isdir(os.environ["NUMBA_CACHE_DIR"])
    os.rmdir(os.environ["NUMBA_CACHE_DIR"])


def test_a_user_without_a_home_can_compute(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    processor.find_cache()


def test_sampling_after_a_fork_is_refused_where_it_would_hang():
    code = (
        "import os, numpy as np\nfrom qnn_core import QNN, get_sampler\n"
        "problem, sampler = QNN((4, 5, 2), seed=0).problem(np.ones((2, 4), np.float32)), get_sampler('gibbs')\n"
        "sampler.sample(problem, 3, 0)\nchild = os.fork()\n"
        "if child:\n    os.waitpid(child, 0)\nelse:\n    sampler.sample(problem, 3, 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert "RuntimeError: This process was forked from one that had sampled" in done.stderr
