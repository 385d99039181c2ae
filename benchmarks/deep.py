"""Block Gibbs on deep networks beside one hidden layer: python -m benchmarks.deep [--widths N ...] [--depths N ...].

For networks of equally wide layers, the time of a spin update by `gibbs` against the number of layers, the first being one hidden layer and
the outputs. A spin inside has two layers of neighbours, a spin at an end one, so a network of L equal layers has 2 (L - 1) / L layers of
neighbours for each spin, where one hidden layer has 1; the last number is the time of a coupling, whether it is added up or, its neighbour
not having flipped, passed over. Measured is processor time of one thread,
so that other work on the machine counts little; depths take turns, and the fastest of their runs count.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from time import process_time

import numba
import numpy as np

from qnn_core import IsingProblem, get_sampler

IMAGES, READS, SWEEPS, RUNS = 64, 10, 20, 7


def instance(layers: tuple[int, ...]) -> IsingProblem:
    """Random images of one random network."""
    random = np.random.default_rng(0)
    fields = random.standard_normal((IMAGES, sum(layers))).astype(np.float32)
    return IsingProblem(layers, fields, tuple(random.standard_normal(shape).astype(np.float32) for shape in pairwise(layers)))


def update_times(width: int, depths: list[int]) -> dict[int, float]:
    """Seconds of a spin update, by the number of layers."""
    sampler = get_sampler("gibbs", sweeps=SWEEPS)
    problems = {depth: instance((width,) * depth) for depth in depths}
    fastest = dict.fromkeys(depths, np.inf)
    for run in range(RUNS + 1):
        for depth, problem in problems.items():
            start = process_time()
            updates = sampler.sample(problem, READS, seed=run).info["spin_updates"]
            if run:
                fastest[depth] = min(fastest[depth], (process_time() - start) / updates)
    return fastest


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deep", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=[64, 120, 256])
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 3, 4, 5, 8], help="layers of spins, outputs included")
    options = parser.parse_args(arguments)
    numba.set_num_threads(1)
    print(
        f"{IMAGES} images x {READS} reads x {SWEEPS} sweeps, 1 thread; ns of processor time a spin update, and against one hidden layer"
    )
    for width in options.widths:
        depths = sorted({2, *options.depths})
        times = update_times(width, depths)
        print(f"layers of {width} spins")
        for depth in depths:
            ratio = times[depth] / times[2]
            neighbours = 2 * (depth - 1) / depth
            costs = f"{1e9 * times[depth]:6.2f} ns, x {ratio:.2f}"
            print(f"  {depth} layers: {costs}; layers of neighbours x {neighbours:.2f}, a coupling x {ratio / neighbours:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
