"""Training as in the nearest published work, beside ours: python -m benchmarks.peers [--epochs N] [--ours N] [--images N].

Laydevant, Markovic, Grollier (Nature Communications 15, 3671 (2024), arXiv:2305.18321) train a 784-120-40 network, four output spins a
class, on 1,000 MNIST images with simulated annealing in the place of a D-Wave machine: for every image a model is built, annealed free
(10 reads x 100 sweeps, the lowest read counts) and annealed again with the outputs nudged towards the target, from the free
state; couplings move along the difference of the two states' correlations. `theirs` is a short rewriting from that
description, with dwave-samplers and a model from dictionaries for every image; the rate and the nudge, ours, are those of four tries that
learned fastest.
`ours` is `qnn_core.train` at the same reads and sweeps on the same images, in one phase instead of two, all threads at work where `theirs`
has one; its rate and batch were chosen on 10,000 other images of MNIST's training set, the batch then so that its reads fill whole
tiles of the sampler.

Printed: seconds an epoch, accuracy after each of the epochs on the 100 and on the 10,000 test images (by the energies of the code
states, for both), and the ratio of the times.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter
from typing import Any

import numpy as np
from dwave.samplers import SimulatedAnnealingSampler

from qnn_core import QNN, Dataset, get_sampler, load_dataset, train
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import mean_interval

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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=(__doc__ or "").splitlines()[0])
    for name, default, meaning in (
        ("epochs", 3, "of theirs"),
        ("ours", 50, "epochs of ours, for the accuracy of five seeds"),
        ("images", 1000, "training images, for a quick look"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=meaning)
    options = parser.parse_args(arguments)
    small, full = load_dataset("mnist-1000"), load_dataset("mnist")
    x, y = small.x_train[: options.images], small.y_train[: options.images]
    sizes = (small.num_pixels, HIDDEN, small.num_classes)
    few = Dataset("mnist-1000", x, y, small.x_test, small.y_test, small.image_shape)

    def accuracy(net: QNN) -> str:
        return f"{1 - net.error(small.x_test, small.y_test):.1%} on 100, {1 - net.error(full.x_test, full.y_test):.2%} on 10,000"

    net = QNN(sizes, COPIES, seed=0)
    times = []
    for epoch in range(options.epochs):
        start = perf_counter()
        their_epoch(net, x, y, seed=epoch)
        times.append(perf_counter() - start)
        print(f"theirs, epoch {epoch + 1}: {times[-1]:.1f} s, {accuracy(net)}", flush=True)
    sampler = get_sampler("gibbs", sweeps=SWEEPS, beta=BETA)
    net = QNN(sizes, COPIES, seed=0)
    train(net, few, sampler, epochs=options.epochs, reads=READS, **OURS)
    print(f"ours, epoch {options.epochs}: {accuracy(net)}", flush=True)
    errors, seconds = [], []
    for seed in range(5):
        net = QNN(sizes, COPIES, seed=seed)
        start = perf_counter()
        train(net, few, sampler, epochs=options.ours, reads=READS, seed=seed, **OURS)
        seconds.append((perf_counter() - start) / options.ours)
        errors.append((net.error(small.x_test, small.y_test), net.error(full.x_test, full.y_test)))
    ours = float(np.median(seconds))
    print(f"ours: {ours:.3f} s an epoch, the errors along the way counted in; {min(times) / ours:.0f} times faster an epoch")
    for column, name in enumerate(("100", "10,000")):
        accuracies = 100 * (1 - np.array(errors)[:, column])
        print(f"ours after {options.ours} epochs, 5 seeds: {mean_interval(accuracies)} % on {name} test images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
