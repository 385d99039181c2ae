"""A wide network on all of MNIST, with both of its errors: python -m benchmarks.wide [--hidden 512] [--seeds 3] [--first 0].

Rule, rate, reads and epochs are the defaults of `train`. Two things are not; they were chosen on held-out training images:

- The random weights at the start are smaller: the couplings a tenth, the input weights three tenths. Training changes a weight of a wide
  network no more than one of a narrow network, so what is random stays, and in a wide network it adds up to more.
- Reads are 100 sweeps at one temperature, at which output spins still flip now and then, 1 / 1.8 of the largest pull on a layer. Each ends
  in the minimum below it.

The annealer's own answer is the deepest of ten such reads; a tie of classes is wrong.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from time import process_time

import numpy as np

from qnn_core import QNN, IsingProblem, Reads, get_sampler, load_dataset, train
from qnn_core.answers import own_answers
from qnn_core.samplers.base import own_range
from qnn_core.statistics import PERCENT, mean_interval

NAMES = ("deployed error", "annealer's own answer wrong", "exactly the right code")


@dataclass(frozen=True)
class Warm:
    """Block Gibbs at one temperature, which goes with the couplings as they grow."""

    sweeps: int = 100
    name = "warm"
    kind = "classical sampler (block Gibbs at one temperature, each read finished by descent)"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        beta = 1.8 * own_range(problem)[0]
        return get_sampler("gibbs", sweeps=self.sweeps, beta=(beta, beta), descend=True).sample(problem, num_reads, seed)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wide", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args(arguments)
    data, found = load_dataset("mnist"), []
    for seed in range(options.first, options.first + options.seeds):
        centre = data.x_train.mean(axis=0)
        net = QNN((784, options.hidden, 10), copies=4, seed=seed, glass=0.1, drive=0.3, centre=centre)
        start = process_time()
        train(net, data, Warm(), epochs=20, seed=seed)
        seconds = process_time() - start
        own = own_answers(net, data.x_test, data.y_test, Warm(), 10, seed)
        found.append([100 * net.error(data.x_test, data.y_test), 100 * own.wrong.mean(), 100 * own.exact.mean()])
        told = ", ".join(f"{name} {value:.2f} %" for name, value in zip(NAMES, found[-1], strict=True))
        print(f"784-{options.hidden}-10, seed {seed}: {told}; {seconds:.0f} processor seconds", flush=True)
    for name, values in zip(NAMES, np.transpose(found), strict=True):
        print(f"  {name}: {mean_interval(values, PERCENT) if len(found) > 1 else f'{values[0]:.2f}'} %")


if __name__ == "__main__":
    main()
