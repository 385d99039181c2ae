"""Speed and quality of the samplers, side by side in one run: python -m benchmarks.samplers [--images N] [--reads N] [--sweeps N].

For K_120,40 and K_256,10 (hidden x output spins, every pair coupled) random images are sampled at equal sweeps: gaussian couplings and
fields of unit size, annealed from beta 0.1 to 5. Printed for each sampler: time per spin update, of its inner loop alone where it says so
and of the whole path from fields to energies; the probability that a read is a ground state, as it is and after a zero-temperature descent
that every sampler's reads get alike (not in the time); ground states found a second with it; and the memory that sampling added at its
peak, each sampler in a process of its own. Reads of `exact` are an image's deepest minima, each once, so that one in `--reads` of them is
its ground state. Slow samplers get fewer images. Below, the floor on this machine of block Gibbs that adds up all neighbours in every
sweep: its multiply-adds at the measured rate of a matrix product plus the measured price of its random numbers. `gibbs` adds up those alone
that have flipped since, and may take less. Ground states are exact where the outputs can be enumerated, else the lowest energies of ten
times as many reads of `collapsed`, ten times as long. Every figure is measured in this run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from time import perf_counter
from typing import Any

import numba
import numpy as np

from benchmarks import others
from benchmarks.floor import multiply_add_rate, random_number_time
from benchmarks.memory import added_by
from qnn_core import IsingProblem, Reads, get_sampler
from qnn_core.samplers.descent import quench
from qnn_core.samplers.exact import lowest_energies

SHAPES = ((120, 40), (256, 10))
BETA = (0.1, 5.0)
ENUMERABLE = 12
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Entry:
    """A sampler to measure. share: of the images that it gets. runs: of which the fastest counts."""

    label: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    runs: int = 3
    all_threads: bool = True


@dataclass(frozen=True)
class Measurement:
    """seconds: of the whole path. kernel: of the inner loop, None where it is not told apart."""

    seconds: float
    kernel: float | None
    reads: Reads
    mebibytes: float


def entries(sweeps: int, outputs: int) -> list[Entry]:
    schedule = {"sweeps": sweeps, "beta": BETA}
    found = [Entry("gibbs", "gibbs", schedule), Entry("collapsed", "collapsed", schedule)]
    if outputs <= ENUMERABLE:
        found.append(Entry("exact", "exact"))
    found.append(Entry("dwave simulated annealing", "sa", schedule, 0.2, 1, False))
    found.append(Entry("dwave path integral", "pia", {"sweeps": sweeps, "beta": BETA[1]}, 0.01, 1, False))
    found += [Entry(label, name, share=0.02, runs=1, all_threads=False) for label, name in others.installed().items()]
    return found


def instance(shape: tuple[int, int], images: int, seed: int) -> IsingProblem:
    """Random images of one random network."""
    random = np.random.default_rng(seed)
    fields = random.standard_normal((images, sum(shape)))
    couplings = random.standard_normal(shape)
    return IsingProblem(shape, fields.astype(np.float32), (couplings.astype(np.float32),))


def measure(entry: Entry, shape: tuple[int, int], images: int, num_reads: int, sweeps: int) -> Measurement:
    """Runs in a process of its own."""
    problem = instance(shape, images, seed=1).select(np.arange(max(2, round(images * entry.share))))

    def work(part: IsingProblem, reads: int) -> Reads:
        if entry.name in others.installed().values():
            sampled: Reads = getattr(others, entry.name)(part, reads, sweeps, BETA)
            return sampled
        return get_sampler(entry.name, **entry.options).sample(part, reads, seed=7)

    work(problem.select(np.arange(1)), 1)
    reads, added = added_by(lambda: work(problem, num_reads))
    times = []
    for _ in range(entry.runs):
        start = perf_counter()
        reads = work(problem, num_reads)
        times.append(perf_counter() - start)
    return Measurement(min(times), reads.info.get("kernel_seconds"), reads, added)


def ground_energies(problem: IsingProblem, sweeps: int, found: list[Reads]) -> np.ndarray:
    if problem.layers[1] <= ENUMERABLE:
        return lowest_energies(problem).min(axis=1)
    long = get_sampler("collapsed", sweeps=10 * sweeps, beta=BETA).sample(problem, 100, seed=3)
    lowest = quench(problem, long).energies.min(axis=1)
    for reads in found:
        count = len(reads.energies)
        lowest[:count] = np.minimum(lowest[:count], reads.energies.min(axis=1))
    return lowest


def compare(shape: tuple[int, int], images: int, num_reads: int, sweeps: int) -> None:
    """Print one table."""
    hidden, outputs = shape
    problem = instance(shape, images, seed=1)
    rows = []
    for entry in entries(sweeps, outputs):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            rows.append((entry, alone.submit(measure, entry, shape, images, num_reads, sweeps).result()))
    descended = [quench(problem.select(np.arange(len(row.reads.energies))), row.reads) for _, row in rows]
    lowest = ground_energies(problem, sweeps, descended)
    source = "exact" if outputs <= ENUMERABLE else "lowest found, long reads included"
    print(f"\nK_{hidden},{outputs}: {images} images x {num_reads} reads x {sweeps} sweeps; ground states: {source}")
    columns = (
        ("threads", 8),
        ("ns, kernel", 12),
        ("ns, whole", 11),
        ("P(ground)", 11),
        ("descended", 11),
        ("found / s", 11),
        ("MiB", 7),
    )
    print(f"{'':39}" + "".join(f"{name:>{width}}" for name, width in columns))
    for (entry, row), quenched in zip(rows, descended, strict=True):
        count = len(row.reads.energies)
        updates = row.reads.spins.size * sweeps
        raw, hits = (np.mean(reads.energies <= lowest[:count, None] + TOLERANCE) for reads in (row.reads, quenched))
        cells = (
            str(numba.get_num_threads() if entry.all_threads else 1),
            f"{row.kernel / updates * 1e9:.2f}" if row.kernel is not None else "",
            f"{row.seconds / updates * 1e9:.2f}",
            f"{raw:.3f}",
            f"{hits:.3f}",
            f"{hits * row.reads.energies.size / row.seconds:.3g}",
            f"{row.mebibytes:.0f}",
        )
        print(f"{entry.label:39}" + "".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, columns, strict=True)))
    flops = 4 * hidden * outputs / (hidden + outputs)
    print(
        f"{'floor of summing all neighbours + random numbers':59}{flops / multiply_add_rate() * 1e9 + random_number_time() * 1e9:>11.2f}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samplers", description=(__doc__ or "").splitlines()[0])
    for name, default in (("images", 1000), ("reads", 10), ("sweeps", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "dwave-samplers"))
    print(f"{platform.machine()}, {numba.get_num_threads()} threads, Python {platform.python_version()}, {packages}")
    print("A spin update counts every spin of every sweep, for all samplers, so that equal sweeps are compared.")
    print(f"arithmetic at most {multiply_add_rate() / 1e9:.0f} GFLOP/s, a random number {random_number_time() * 1e9:.3f} ns")
    for shape in SHAPES:
        compare(shape, options.images, options.reads, options.sweeps)
    return 0


if __name__ == "__main__":
    sys.exit(main())
