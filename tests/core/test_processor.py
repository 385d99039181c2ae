"""Libraries compute by the same loops on every x86-64 processor with AVX2, and records say when they do not."""

import os
import subprocess
import sys

import pytest

from qnn_core import processor
from qnn_core.processor import LOOPS

ASKED = (
    "import {first}\nimport qnn_core, numpy, scipy.linalg, torch\nfrom threadpoolctl import threadpool_info\n"
    "from llvmlite import binding\nfrom numba.core.registry import cpu_target\n"
    "from numpy._core._multiarray_umath import __cpu_features__ as features\n"
    "cores = {{library.get('architecture') for library in threadpool_info() if library['user_api'] == 'blas'}}\n"
    "print(*cores, torch.backends.cpu.get_cpu_capability(), features['X86_V4'], cpu_target.target_context.codegen().magic_tuple()[1])\n"
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
    assert libraries == "Haswell AVX2 False haswell"
    assert told.startswith("loops of any x86-64 with AVX2; glibc 2.")


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
