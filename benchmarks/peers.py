"""Training as in the nearest published work, for `benchmarks.training`.

Laydevant, Markovic, Grollier (Nature Communications 15, 3671 (2024), arXiv:2305.18321) train a 784-120-40 network, four output spins a
class, on 1,000 MNIST images with simulated annealing in the place of a D-Wave machine: for every image a model is built, annealed free
(10 reads x 100 sweeps, the lowest read counts) and annealed again with the outputs nudged towards the target, from the free
state; couplings move along the difference of the two states' correlations. `their_epoch` is a short rewriting from that
description, with dwave-samplers and a model from dictionaries for every image; the rate and the nudge, ours, are those of four tries that
learned fastest. `our_epochs` is `qnn_core.train` at the same reads and sweeps on the same images, in one phase instead of two, all threads at
work where `their_epoch` has one; its rate and batch were chosen on 10,000 other images of MNIST's training set, the batch then so that
its reads fill whole tiles of the sampler.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from dwave.samplers import SimulatedAnnealingSampler

from qnn_core import QNN, Dataset, get_sampler, train
from qnn_core.samplers.base import derived_seed

HIDDEN, COPIES, READS, SWEEPS = 120, 4, 10, 100
BETA = (0.1, 5.0)
NUDGE, RATE = 5.0, 0.001
OURS: dict[str, Any] = {"batch_size": 6, "lr": 0.0015}


def lowest(
    fields: dict[int, float], couplings: dict[tuple[int, int], float], seed: int, start: np.ndarray | None = None
) -> np.ndarray:
    """The lowest of the reads of one image's problem, annealed from hot, or reheated half-way from a state."""
    options = {"beta_range": list(BETA)}
    if start is not None:
        options = {"beta_range": [float(np.sqrt(BETA[0] * BETA[1])), BETA[1]], "initial_states": (start, range(len(start)))}
        options["initial_states_generator"] = "tile"
    answer = SimulatedAnnealingSampler().sample_ising(fields, couplings, num_reads=READS, num_sweeps=SWEEPS, seed=seed, **options)
    best = answer.first.sample
    return np.array([best[spin] for spin in range(len(best))], np.float32)


def their_epoch(net: QNN, x: np.ndarray, labels: np.ndarray, seed: int) -> None:
    """One pass over the images, an update for each."""
    order = np.random.default_rng(seed).permutation(len(x))
    for turn, image in enumerate(order):
        problem = net.problem(x[image : image + 1])
        fields = {spin: -float(value) for spin, value in enumerate(problem.fields[0])}
        couplings = {(row, HIDDEN + column): -float(value) for (row, column), value in np.ndenumerate(problem.couplings[0])}
        name = derived_seed(seed, turn) & 0x7FFFFFFF
        free = lowest(fields, couplings, name)
        for output, target in enumerate(net.codes[labels[image]]):
            fields[HIDDEN + output] -= NUDGE * float(target)
        nudged = lowest(fields, couplings, name + 1, start=free.astype(np.int8))
        change = nudged - free
        if not change.any():
            continue
        hidden, outputs = np.split(change, [HIDDEN])
        net.weights[0] += RATE * np.outer(x[image], hidden)
        net.weights[1] += RATE * (np.outer(nudged[:HIDDEN], nudged[HIDDEN:]) - np.outer(free[:HIDDEN], free[HIDDEN:]))
        net.biases[0] += RATE * hidden
        net.biases[1] += RATE * outputs


def our_epochs(net: QNN, data: Dataset, epochs: int, seed: int) -> None:
    """As many passes over the images, at the same reads and sweeps."""
    train(net, data, get_sampler("gibbs", sweeps=SWEEPS, beta=BETA), epochs=epochs, reads=READS, seed=seed, **OURS)
