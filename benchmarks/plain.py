"""What the compiled loop of `gibbs` gains by its tiles: python -m benchmarks.plain.

Beside it a plain one, read by read, with the same random numbers and sums in the same order, so that both must give the same reads: an
oracle as well. Printed, for 50 images x 5 reads x 20 sweeps as in a step of `train`: nanoseconds of processor time an update, least of 40.
"""

from __future__ import annotations

import sys
from time import process_time
from typing import Any

import numba
import numpy as np
from numba import float32, uint32, uint64

from benchmarks.samplers import instance
from qnn_core.samplers.base import annealing_betas
from qnn_core.samplers.gibbs import _pack
from qnn_core.samplers.kernels import _ANEW, _fma, _heat_bath, _random_bits, _splitmix64, anneal

SHAPES = ((120, 40), (256, 10))
IMAGES, READS, SWEEPS = 50, 5, 20


@numba.njit(error_model="numpy")
def _draw(spins, changes, felt, beta, counter, low, high):  # type: ignore[no-untyped-def]
    for spin in range(len(spins)):
        new = _heat_bath(beta * felt[spin], _random_bits(uint32(counter + uint32(spin)), low, high))
        changes[spin] = new - spins[spin]
        spins[spin] = new


@numba.njit(error_model="numpy")
def _sum_up(felt, couplings, values):  # type: ignore[no-untyped-def]
    for neighbour in range(len(values)):
        if values[neighbour]:
            for spin in range(len(felt)):
                felt[spin] = _fma(couplings[neighbour, spin], values[neighbour], felt[spin])


@numba.njit(error_model="numpy", parallel=True)
def _plain(fields, by_hidden, by_output, betas, seed, out):  # type: ignore[no-untyped-def]
    """Two layers; couplings row by row, from the hidden spins and from the outputs."""
    images, reads, num_spins = out.shape
    hidden = len(by_hidden)
    for replica in numba.prange(images * reads):
        key = _splitmix64(_splitmix64(seed) ^ _splitmix64(uint64(replica)))
        low, high = uint32(key & uint64(0xFFFFFFFF)), uint32(key >> uint64(32))
        own = fields[replica // reads]
        felt, spins, changes = np.zeros((3, num_spins), np.float32)
        _draw(spins, changes, felt, float32(0), uint32(0), low, high)
        for sweep in range(len(betas)):
            anew = sweep % _ANEW == 0
            if anew:
                felt[:] = own
            values, turn = (spins if anew else changes), uint32((sweep + 1) * num_spins)
            _sum_up(felt[:hidden], by_output, values[hidden:])
            _draw(spins[:hidden], changes[:hidden], felt[:hidden], betas[sweep], turn, low, high)
            _sum_up(felt[hidden:], by_hidden, values[:hidden])
            _draw(spins[hidden:], changes[hidden:], felt[hidden:], betas[sweep], uint32(turn + hidden), low, high)
        out[replica // reads, replica % reads] = spins.astype(np.int8)


def least(work: Any, arguments: tuple[Any, ...]) -> float:
    """Seconds of processor time of a call, the least of 40 after one to compile."""
    times = []
    for _ in range(41):
        start = process_time()
        work(*arguments)
        times.append(process_time() - start)
    return min(times[1:])


def main() -> int:
    print(f"{numba.get_num_threads()} threads, numba {numba.__version__}; ns an update")
    for shape in SHAPES:
        problem = instance(shape, IMAGES, seed=1)
        betas, seed, couplings = annealing_betas(problem, SWEEPS, None), np.uint64(7), problem.couplings[0]
        spins, others = np.empty((2, IMAGES, READS, sum(shape)), np.int8)
        tiles = problem.fields, _pack(problem), betas, seed, spins, np.empty((IMAGES, READS), np.float32)
        plain = problem.fields, couplings, np.ascontiguousarray(couplings.T), betas, seed, others
        seconds = [least(work, arguments) for work, arguments in ((anneal, tiles), (_plain, plain))]
        told = ", ".join(
            f"{name} {1e9 * spent / (spins.size * SWEEPS):.2f}" for name, spent in zip(("tiles", "plain"), seconds, strict=True)
        )
        print(f"K_{shape[0]},{shape[1]}: {told}; {'same' if np.array_equal(spins, others) else 'OTHER'} reads", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
