"""Speed and quality of the samplers, side by side in one run: python -m benchmarks.samplers [--images N] [--reads N] [--sweeps N].

For K_120,40 and K_256,10 (hidden x output spins, every pair coupled) a batch of random images is sampled at equal sweeps: gaussian
couplings and fields of unit size, annealed from beta 0.1 to 5. Printed for each sampler: time per spin update, the probability that
a read is the exact ground state, as it is and after a zero-temperature descent that every sampler's reads get alike (not in the
time), ground states found a second with it, and the memory that sampling added. Below, the floor for the block-Gibbs sampler on
this machine: its multiply-adds at the measured peak rate plus the measured price of its random numbers. Every figure is measured in
this run; the best of three for the fast ones.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Callable
from time import perf_counter

import numba
import numpy as np

from benchmarks.floor import multiply_add_rate, random_number_time
from qnn_core import IsingProblem, Reads, get_sampler
from qnn_core.phase import quench
from qnn_core.samplers.exact import MAX_OUTPUTS, lowest_energies

SHAPES = ((120, 40), (256, 10))
BETA = (0.1, 5.0)
TOLERANCE = 1e-3


def instance(shape: tuple[int, int], images: int, seed: int) -> IsingProblem:
    """Random images of one random network."""
    random = np.random.default_rng(seed)
    fields = random.standard_normal((images, sum(shape)))
    couplings = random.standard_normal(shape)
    return IsingProblem(shape, fields.astype(np.float32), (couplings.astype(np.float32),))


def best_of(runs: int, work: Callable[[], Reads]) -> tuple[float, Reads]:
    """Shortest time of several runs, and the reads of the last."""
    times = []
    for _ in range(runs):
        start = perf_counter()
        reads = work()
        times.append(perf_counter() - start)
    return min(times), reads


def compare(shape: tuple[int, int], images: int, num_reads: int, sweeps: int) -> None:
    """Print one table."""
    problem = instance(shape, images, seed=1)
    few = max(2, images // 100)
    schedule = {"sweeps": sweeps, "beta": BETA}
    plan = [
        ("gibbs", "gibbs", schedule, images, 3),
        ("collapsed", "collapsed", schedule, images, 3),
        ("dwave SA, with a BQM per image", "sa", schedule, max(2, images // 5), 1),
        ("dwave path integral", "pia", {"sweeps": sweeps, "beta": BETA[1]}, few, 1),
    ]
    results: list[tuple[str, float, Reads, Reads, float]] = []
    for label, name, options, count, runs in plan:
        part = problem.select(np.arange(count))
        sampler = get_sampler(name, **options)
        sampler.sample(part.select(np.arange(1)), 1, seed=0)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, reads = best_of(runs, lambda sampler=sampler, part=part: sampler.sample(part, num_reads, seed=7))
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        results.append((label, seconds, reads, quench(part, reads), memory))
    if shape[1] <= MAX_OUTPUTS and shape[1] <= 12:
        lowest, source = lowest_energies(problem).min(axis=1), "exact"
    else:
        lowest = np.full(images, np.inf, np.float32)
        for *_, quenched, _ in results:
            count = len(quenched.energies)
            lowest[:count] = np.minimum(lowest[:count], quenched.energies.min(axis=1))
        source = "best of all samplers here"
    hidden, outputs = shape
    print(f"\nK_{hidden},{outputs}: {images} images x {num_reads} reads x {sweeps} sweeps, ground states: {source}")
    print(f"{'':34}{'ns / spin update':>18}{'P(ground)':>12}{'descended':>12}{'ground states / s':>20}{'MiB added':>12}")
    for label, seconds, reads, quenched, memory in results:
        count = len(reads.energies)
        updates = reads.spins.size * sweeps
        raw, hits = (np.mean(found.energies <= lowest[:count, None] + TOLERANCE) for found in (reads, quenched))
        rate = hits * reads.energies.size / seconds
        print(f"{label:34}{seconds / updates * 1e9:>18.2f}{raw:>12.3f}{hits:>12.3f}{rate:>20.3g}{memory:>12.0f}")
    flops = 4 * hidden * outputs / (hidden + outputs)
    floor = flops / multiply_add_rate() * 1e9 + random_number_time() * 1e9
    print(f"{'floor of gibbs: arithmetic + random numbers':43}{floor:>9.2f}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samplers", description=(__doc__ or "").splitlines()[0])
    for name, default in (("images", 1000), ("reads", 10), ("sweeps", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    print(
        f"{numba.get_num_threads()} threads; a spin update of collapsed counts all spins, so that sweeps cost alike are compared alike"
    )
    print(f"arithmetic at most {multiply_add_rate() / 1e9:.0f} GFLOP/s, a random number {random_number_time() * 1e9:.3f} ns")
    for shape in SHAPES:
        compare(shape, options.images, options.reads, options.sweeps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
