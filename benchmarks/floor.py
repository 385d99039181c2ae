"""What the processor can do at best: multiply-adds of a matrix product, and the samplers' random numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from time import perf_counter

import numba
import numpy as np
from numba import uint32

from qnn_core.samplers.kernels import _random_bits

_KEYS = 256


@numba.njit(parallel=True)
def _random_numbers(count, keys, totals):  # type: ignore[no-untyped-def]
    """`count` random numbers for each key, joined in `totals`, so that the compiler can leave none of them out; (tasks, _KEYS)."""
    for task in numba.prange(len(totals)):
        for counter in range(count):
            for key in range(_KEYS):
                totals[task, key] ^= _random_bits(uint32(counter), keys[task, key], keys[task, key])


def _shortest(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(5):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


@cache
def multiply_add_rate(size: int = 2_000) -> float:
    """Floating-point operations a second of a matrix product by all threads, two for each multiply-add."""
    matrix = np.ones((size, size), np.float32)
    return 2 * size**3 / _shortest(lambda: matrix @ matrix)


@cache
def random_number_time(count: int = 200_000) -> float:
    """Seconds for one random number, all threads at work."""
    tasks = numba.get_num_threads()
    keys = np.arange(tasks * _KEYS, dtype=np.uint32).reshape(tasks, _KEYS)
    totals = np.zeros_like(keys)
    return _shortest(lambda: _random_numbers(count, keys, totals)) / (count * totals.size)
