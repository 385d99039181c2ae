"""How cost grows: python -m benchmarks.cost [--figure FILE.png].

Time of `gibbs` and `collapsed` on K_120,40 as the number of images, of reads and of sweeps grows one by one, with the exponent of the
growth between the two largest sizes; then the time and the memory of 60,000 images x 10 reads, with a bound for it: the reads
themselves, a byte a spin, and what does not grow. Every figure is measured in this run, the best of three.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import matplotlib.pyplot as plt
import numba
import numpy as np

from benchmarks.memory import added_by
from benchmarks.samplers import instance
from qnn_core import get_sampler

SHAPE = (120, 40)
GROWTH = {"images": (125, 250, 500, 1000, 2000, 4000), "reads": (5, 10, 20, 40, 80), "sweeps": (10, 20, 40, 80, 160, 320)}
START = {"images": 500, "reads": 10, "sweeps": 20}


def seconds(name: str, images: int, reads: int, sweeps: int) -> float:
    problem, sampler = instance(SHAPE, images, seed=1), get_sampler(name, sweeps=sweeps)
    times = []
    for _ in range(3):
        start = perf_counter()
        sampler.sample(problem, reads, seed=0)
        times.append(perf_counter() - start)
    return min(times)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figure", help="where to draw the growth")
    options = parser.parse_args(arguments)
    print(f"K_{SHAPE[0]},{SHAPE[1]}, {numba.get_num_threads()} threads; seconds, others fixed at {START}")
    figure, axes = plt.subplots(1, 3, figsize=(7, 2.6), sharey=True, layout="constrained")
    for axis, (quantity, values) in zip(axes, GROWTH.items(), strict=True):
        for name, style in (("gibbs", "o-"), ("collapsed", "s--")):
            seconds(name, **START)
            times = [seconds(name, **{**START, quantity: value}) for value in values]
            exponent = np.log(times[-1] / times[-2]) / np.log(values[-1] / values[-2])
            cells = "  ".join(f"{value}: {time:.3f}" for value, time in zip(values, times, strict=True))
            print(f"{name:10} {quantity:7} {cells}   exponent {exponent:.2f}")
            axis.loglog(values, times, style, label=name, markersize=4)
        line = np.array(values) * times[-1] / values[-1] / 20
        axis.loglog(values, line, color="0.6", linewidth=1, label="linear")
        axis.set_xticks(values[::2], [str(value) for value in values[::2]])
        axis.minorticks_off()
        axis.set_xlabel(quantity)
        axis.set_title(", ".join(f"{START[other]} {other}" for other in START if other != quantity), fontsize=8)
    axes[0].set_ylabel("seconds")
    axes[0].legend(fontsize=8)
    problem = instance(SHAPE, 60_000, seed=1)
    for name in ("gibbs", "collapsed"):
        sampler = get_sampler(name, sweeps=10)
        start = perf_counter()
        reads, mebibytes = added_by(lambda sampler=sampler: sampler.sample(problem, 10, seed=0))
        spent = perf_counter() - start
        own = reads.spins.nbytes + reads.energies.nbytes
        print(
            f"{name}: 60,000 images x 10 reads x 10 sweeps in {spent:.1f} s, {mebibytes:.0f} MiB added, {own / 2**20:.0f} MiB of it reads"
        )
        del reads
    if options.figure:
        figure.savefig(options.figure, dpi=150)
    return 0


if __name__ == "__main__":
    sys.exit(main())
