"""Speed of the samplers on a GPU, beside the compiled ones on the same machine: python -m benchmarks.device [--json FILE].

For K_120,40, K_256,10 and, as one that fills no kernel and is left to plain torch, K_1024,100 (hidden x output spins, every pair coupled;
gaussian couplings, and fields of each image's own): ten reads each of a training batch of 50 images, and of 1,000 to 60,000, are annealed
for a hundred sweeps from beta 0.1 to 5. Printed in spin updates a second, a spin update being a draw of one spin of one read in one
sweep: of the sweeps alone, with fields and couplings on the device, by the device's own clock (median of five), and of the whole
call, from fields in memory to spins and energies in memory (median of three), and of that with the compiled loops. `collapsed` draws the
outputs alone; its updates are those draws. `exact` finds the ten deepest minima; its states are output states of an image. "same" is the
share of reads that agree, spin by spin, with those of the compiled loops for the same seed: the others had a draw at the very edge.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numba
import numpy as np
import torch

from qnn_core import IsingProblem, get_sampler
from qnn_core.samplers import on_torch
from qnn_core.samplers.base import annealing_betas

SAMPLERS = {(120, 40): ("gibbs", "collapsed"), (256, 10): ("gibbs", "collapsed", "exact"), (1024, 100): ("gibbs",)}
IMAGES = (50, 1_000, 10_000, 60_000)
READS, SWEEPS, BETA = 10, 100, (0.1, 5.0)
COMPILED_IMAGES = 2_000
"""Enough for the compiled loops to be timed, whose cost is proportional."""
MOST_SPINS = 2e7
"""Images times spins: larger batches are left out."""


def instance(shape: tuple[int, int], images: int) -> IsingProblem:
    """Random images of one random network."""
    random = np.random.default_rng(1)
    fields = random.standard_normal((images, sum(shape)), np.float32)
    return IsingProblem(shape, fields, (random.standard_normal(shape, np.float32),))


def on_device(work: Callable[[], object], runs: int = 5) -> float:
    """Seconds that the device works, median of `runs` after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        times.append(1e-3 * start.elapsed_time(end))
    return median(times)


def whole(work: Callable[[], object], runs: int = 3) -> float:
    """Seconds of a call, median of `runs` after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return median(times)


def sweeps_alone(problem: IsingProblem, name: str) -> float:
    """Seconds of the anneals, fields and couplings being on the device."""
    blocks = on_torch.Bipartite.of(problem, slice(None), "cuda")
    states = torch.zeros((problem.num_images * READS, problem.num_spins), dtype=torch.int8, device="cuda")
    scales = torch.from_numpy(np.concatenate([[0], annealing_betas(problem, SWEEPS, BETA)]).astype(np.float32)).cuda()
    betas = torch.ones(len(states), device="cuda")
    if name == "gibbs":
        return on_device(lambda: on_torch.sweep_on(blocks, states, scales, betas, 7, 0))
    return on_device(lambda: on_torch.anneal_collapsed(blocks, states, scales, 7, 0))


def measure(shape: tuple[int, int]) -> list[dict[str, Any]]:
    """Rows of one table."""
    hidden, outputs = shape
    updates_of = {"gibbs": READS * SWEEPS * (hidden + outputs), "collapsed": READS * SWEEPS * outputs, "exact": 1 << outputs}
    rows: list[dict[str, Any]] = []
    for name in SAMPLERS[shape]:
        updates = updates_of[name]
        options: dict[str, Any] = {} if name == "exact" else {"sweeps": SWEEPS, "beta": BETA}
        compiled, gpu = get_sampler(name, **options), get_sampler(name, device="cuda", **options)
        few = instance(shape, COMPILED_IMAGES)
        speed = few.num_images * updates / whole(partial(compiled.sample, few, READS, 7), 1)
        same = (compiled.sample(few, READS, 7).spins == gpu.sample(few, READS, 7).spins).all(axis=2).mean()
        for images in IMAGES:
            if images * (hidden + outputs) < MOST_SPINS:
                problem = instance(shape, images)
                alone = images * updates / sweeps_alone(problem, name) if name != "exact" else None
                call = images * updates / whole(partial(gpu.sample, problem, READS, 7))
                rows.append(
                    {"sampler": name, "images": images, "alone": alone, "whole": call, "compiled": speed, "same": float(same)}
                )
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("torch finds no CUDA device here: nothing to measure.", file=sys.stderr)
        return 1
    card = torch.cuda.get_device_name()
    print(f"{card}, torch {torch.__version__}; compiled loops: {numba.get_num_threads()} threads, numba {numba.__version__}")
    print(f"{READS} reads an image, {SWEEPS} sweeps; updates (for exact: states) a second")
    found = {}
    for shape in SAMPLERS:
        name = "K_{},{}".format(*shape)
        found[name] = rows = measure(shape)
        print(f"\n{name:12}{'images':>8}{'sweeps alone':>15}{'whole call':>13}{'compiled':>13}{'same':>9}")
        for row in rows:
            alone = "" if row["alone"] is None else f"{row['alone']:.2e}"
            print(
                f"{row['sampler']:12}{row['images']:>8}{alone:>15}{row['whole']:>13.2e}{row['compiled']:>13.2e}{row['same']:>9.4f}"
            )
    if options.json:
        options.json.write_text(json.dumps({"card": card, "reads": READS, "sweeps": SWEEPS, "found": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
