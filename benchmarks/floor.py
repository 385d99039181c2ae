"""What the processor can do at best: multiply-adds held in registers, and the samplers' random numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from time import perf_counter

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from qnn_core.samplers import kernels

_CHAINS = 16


def _over_lanes(builder: ir.IRBuilder, vector: ir.Value, join: Callable[[ir.Value, ir.Value], ir.Value]) -> ir.Value:
    """All lanes joined into one number, so that the compiler can leave none of them out."""
    lanes = [builder.extract_element(vector, ir.Constant(ir.IntType(32), lane)) for lane in range(kernels._WIDTH)]
    return reduce(join, lanes)


@intrinsic
def _multiply_adds(typing, count):  # noqa: ARG001
    """`count` rounds of 16 independent vector multiply-adds; returns a number that depends on all of them."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        scale = kernels._spread(builder, builder.sitofp(arguments[0], ir.FloatType()))
        lanes = ir.Constant(kernels._FLOATS, [float(lane) for lane in range(kernels._WIDTH)])
        starts = (builder.fadd(builder.fmul(scale, lanes), kernels._same(float(chain))) for chain in range(_CHAINS))
        chains = [kernels._register(builder, start) for start in starts]
        with cgutils.for_range(builder, arguments[0], intp=ir.IntType(64)):
            for chain in chains:
                value = kernels._intrinsic(builder, "fma", builder.load(chain), kernels._same(0.5), kernels._same(1.0))
                builder.store(value, chain)
        total = builder.load(chains[0])
        for chain in chains[1:]:
            total = builder.fadd(total, builder.load(chain))
        return _over_lanes(builder, total, builder.fadd)

    return types.float32(types.int64), generate


@intrinsic
def _random_vectors(typing, count):  # noqa: ARG001
    """`count` vectors of the samplers' random bits; returns a number that depends on all of them."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        # Lanes with different keys, as in the samplers: equal ones would be computed once.
        key = ir.Constant(kernels._INTEGERS, [7919 * (lane + 1) for lane in range(kernels._WIDTH)])
        total = kernels._register(builder, kernels._same(0, kernels._INTEGERS))
        with cgutils.for_range(builder, arguments[0], intp=ir.IntType(64)) as loop:
            counter = builder.trunc(loop.index, ir.IntType(32))
            bits = kernels._random_bits(builder, counter, key, key)
            builder.store(builder.xor(builder.load(total), bits), total)
        return _over_lanes(builder, builder.load(total), builder.xor)

    return types.int32(types.int64), generate


@numba.njit(parallel=True)
def _all_multiply_adds(count, tasks):
    total = np.zeros(tasks, np.float32)
    for task in numba.prange(tasks):
        total[task] = _multiply_adds(count)
    return total


@numba.njit(parallel=True)
def _all_random_vectors(count, tasks):
    total = np.zeros(tasks, np.int32)
    for task in numba.prange(tasks):
        total[task] = _random_vectors(count)
    return total


def _shortest(work, count: int) -> float:
    tasks = numba.get_num_threads()
    work(1, tasks)
    times = []
    for _ in range(5):
        start = perf_counter()
        work(count, tasks)
        times.append(perf_counter() - start)
    return min(times)


@cache
def multiply_add_rate(count: int = 5_000_000) -> float:
    """Floating-point operations a second of all threads, two for each multiply-add."""
    return 2 * kernels._WIDTH * _CHAINS * count * numba.get_num_threads() / _shortest(_all_multiply_adds, count)


@cache
def random_number_time(count: int = 5_000_000) -> float:
    """Seconds for one random number, all threads at work."""
    return _shortest(_all_random_vectors, count) / (count * kernels._WIDTH * numba.get_num_threads())
