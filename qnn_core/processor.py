"""One way to compute on every x86-64 processor with AVX2, so that results are the same bits on all of them.

Libraries choose their loops by the processor they find, with other vectors and so other orders of sums. `settle` asks them for the loops
of the first processor with AVX2, which all later ones run; it must come before they are imported. The project's own loops, by numba, are
the same bits with vectors of any width, so they use the widest. What remains is the system's C library, whose functions may change from
version to version.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from qnn_core.errors import check

LOOPS = {
    "OPENBLAS_CORETYPE": "Haswell",  # matrix products and linear algebra of numpy and scipy
    "MKL_CBWR": "COMPATIBLE",  # matrix products of torch: the one choice that holds for AMD's processors too
    "ATEN_CPU_CAPABILITY": "avx2",  # all else of torch
}
_LATER = {"X86_V4": "avx512vl", "AVX512_ICL": "avx512_bitalg", "AVX512_SPR": "avx512_fp16"}
"""What numpy calls later processors, and what the system calls a part of each; numpy warns of those that are not there."""
_MOST_THREADS = 4096
_READ_ONCE = ("numpy", "scipy", "torch")


def settle() -> str:
    """Ask for these loops, unless an environment variable asks for others; returns the outcome in words."""
    has = _features()
    if not {"avx2", "fma"} <= has:
        return "the processor's own"
    wanted = {**LOOPS, "NPY_DISABLE_CPU_FEATURES": " ".join(name for name, feature in _LATER.items() if feature in has)}
    loaded = [name for name in _READ_ONCE if name in sys.modules]
    if loaded and not wanted.keys() <= os.environ.keys():
        return f"the processor's own, since {loaded[0]} was imported before qnn_core"
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    others = [
        f"{name}={os.environ[name]}" for name, value in wanted.items() if not {*value.split()} <= {*os.environ[name].split()}
    ]
    return "of any x86-64 with AVX2" + "".join(f", but for {other}" for other in others)


def _features() -> set[str]:
    """What the system says that an x86-64 processor has; nothing of others."""
    told = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or not told.is_file():
        return set()
    with told.open(encoding="utf-8", errors="replace") as lines:
        return set(next((line for line in lines if line.startswith("flags")), "").split())


def check_threads() -> None:
    """Raise InvalidInput for numbers of threads that numba would refuse without saying where they come from."""
    for name in (name for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS") if os.environ.get(name)):
        fits = all(number.isdigit() and 1 <= int(number) <= _MOST_THREADS for number in os.environ[name].split(","))
        check(fits, f"variable {name}", os.environ[name], f"a whole number from 1 to {_MOST_THREADS}, or no such variable")


def find_cache() -> None:
    """Give numba a folder for compiled loops if neither the project's folder nor the user's is writable."""
    if not any(os.access(folder, os.W_OK) for folder in (Path(__file__).parent, os.path.expanduser("~"))):
        os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp(prefix="qnn-numba-"))


check_threads()
find_cache()
SETTLED = settle()
"""Which loops the libraries of this process use, in words."""


def arithmetic() -> str:
    """What this process computes with, for records: the loops of its libraries, and the C library."""
    return f"loops {SETTLED}; {' '.join(platform.libc_ver()) or 'unknown C library'}"
