"""Full MNIST with every default of `train`: python -m benchmarks.mnist [--hidden 120] [--epochs 20] [--seeds 5]

Only the sizes, the mean image, the data and the number of epochs are named. Seconds are those of training with all its evaluations, on all
processors. The annealer's own answer is the deepest of ten reads of 100 sweeps, and a tie of classes is wrong.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np

from qnn_core import QNN, get_sampler, load_dataset, train
from qnn_core.answers import own_answers
from qnn_core.statistics import mean_interval

NAMES = ("deployed error", "annealer's own answer wrong", "exactly the right code")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist")
    parser.add_argument("--hidden", type=int, default=120)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    data = load_dataset("mnist")
    measured: list[list[float]] = []
    for seed in range(options.seeds):
        net = QNN(sizes=(784, options.hidden, 10), copies=4, seed=seed, centre=data.x_train.mean(axis=0))
        start = perf_counter()
        train(net, data, epochs=options.epochs, seed=seed)
        seconds = perf_counter() - start
        own = own_answers(net, data.x_test, data.y_test, get_sampler("gibbs", sweeps=100), 10, seed)
        found = net.error(data.x_test, data.y_test), own.wrong.mean(), own.exact.mean()
        measured.append([100 * value for value in found])
        told = ", ".join(f"{name} {value:.2f} %" for name, value in zip(NAMES, measured[-1], strict=True))
        print(f"784-{options.hidden}-10, seed {seed}: {told}, {seconds:.0f} s", flush=True)
    if len(measured) > 1:
        for name, values in zip(NAMES, np.transpose(measured), strict=True):
            print(f"{name}: mean and 95 % interval {mean_interval(values)} %")


if __name__ == "__main__":
    main()
