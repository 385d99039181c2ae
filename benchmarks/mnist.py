"""Full MNIST with every default of `train`: python -m benchmarks.mnist [--hidden 120] [--epochs 20] [--seeds 5]

Only the sizes, the data and the number of epochs are named. Seconds are those of training with all its evaluations, on all processors.
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np

from qnn_core import QNN, load_dataset, train
from qnn_core.statistics import mean_interval


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mnist")
    parser.add_argument("--hidden", type=int, default=120)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    data = load_dataset("mnist")
    errors = []
    for seed in range(options.seeds):
        net = QNN(sizes=(784, options.hidden, 10), copies=4, seed=seed)
        start = perf_counter()
        train(net, data, epochs=options.epochs, seed=seed)
        seconds = perf_counter() - start
        errors.append(100 * net.error(data.x_test, data.y_test))
        print(f"784-{options.hidden}-10, seed {seed}: test error {errors[-1]:.2f} %, {seconds:.0f} s", flush=True)
    if len(errors) > 1:
        print(f"mean and 95 % interval: {mean_interval(np.array(errors))} %")


if __name__ == "__main__":
    main()
