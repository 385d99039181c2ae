"""How fast training is, beside other ways: python -m benchmarks.training [--quick] [--hidden 120] [--epochs 20] [--rounds 5].

1. Full MNIST with every default of `train` but the number of epochs, beside backpropagation (`train_backprop`, a multi-layer perceptron with as
   many hidden units, Adam) on the same batches, errors measured at the same updates. The share of the anneals is the time in calls of the
   sampler. The annealer's own answer is the deepest of ten reads of 100 sweeps, and a tie of classes is wrong.
2. Digits to the same test error as scikit-learn's MLPClassifier with its defaults, the larger of both last errors. Measuring the errors does
   not count: once it is known after how many epochs `train` gets there, it makes them again, with errors of ten images.
3. The published way of training by annealing, `benchmarks.peers`, an epoch of 1,000 images of MNIST.

In each of the rounds, with a seed of its own, all ways take turns in one process; medians over rounds of seconds, and of processor seconds in
brackets. --quick: one round, 5,000 images and 1,000 test images, two epochs.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import warnings
from collections.abc import Callable, Sequence
from math import ceil
from time import perf_counter, process_time
from typing import Any, TypeVar

import numba
import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.peers import our_epochs, their_epoch
from qnn_core import QNN, Dataset, IsingProblem, Reads, get_sampler, load_dataset, train, train_backprop
from qnn_core.answers import own_answers
from qnn_core.samplers.gibbs import GibbsSampler
from qnn_core.statistics import mean_interval

Outcome = TypeVar("Outcome")
Seconds = tuple[float, float]
BATCH, DIGITS_EPOCHS = 50, 40
THEIR_UPDATES: dict[str, Any] = {"optimiser": "adam", "schedule": "constant", "averaged": True}
"""Like those of `train`."""


@dataclasses.dataclass
class Timed:
    """The default sampler, with the time in its calls."""

    sampler: GibbsSampler = dataclasses.field(default_factory=GibbsSampler)
    spent: float = 0.0
    name = kind = "timed"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        start = perf_counter()
        reads = self.sampler.sample(problem, num_reads, seed)
        self.spent += perf_counter() - start
        return reads


def timed(work: Callable[..., Outcome], *arguments: Any, **options: Any) -> tuple[Outcome, Seconds]:
    """The outcome, and the seconds and processor seconds that it took."""
    start, used = perf_counter(), process_time()
    outcome = work(*arguments, **options)
    return outcome, (perf_counter() - start, process_time() - used)


def told(times: Sequence[Seconds]) -> str:
    seconds, used = np.median(times, axis=0)
    return f"{seconds:.2f} s ({used:.2f} s)"


def beside(name: str, ours: Sequence[Seconds], theirs: Sequence[Seconds]) -> None:
    ratio = np.median([one[0] / other[0] for one, other in zip(ours, theirs, strict=True)])
    print(f"  ours {told(ours)}, {name} {told(theirs)}: ours / {name} {ratio:.3g}, {name} / ours {1 / ratio:.3g}", flush=True)


def mnist(data: Dataset, hidden: int, epochs: int, rounds: int) -> None:
    ours, theirs, shares, errors = [], [], [], []
    for seed in range(rounds):
        net = QNN((784, hidden, 10), copies=4, seed=seed, centre=data.x_train.mean(axis=0))
        sampler = Timed()
        _, spent = timed(train, net, data, sampler, epochs, batch_size=BATCH, seed=seed)
        ours.append(spent)
        shares.append(sampler.spent / spent[0])
        other, spent = timed(train_backprop, "mlp", data, hidden, epochs, 0.001, BATCH, seed, **THEIR_UPDATES)
        theirs.append(spent)
        own = own_answers(net, data.x_test, data.y_test, get_sampler("gibbs", sweeps=100), 10, seed)
        errors.append((net.error(data.x_test, data.y_test), own.wrong.mean(), own.exact.mean(), other.test_error[-1]))
    print(f"MNIST, 784-{hidden}-10, {len(data.y_train):,} images, {epochs} epochs")
    beside("backpropagation", ours, theirs)
    print(f"  share of the anneals in train: {np.median(shares):.0%}")
    names = ("deployed error", "annealer's own answer wrong", "exactly the right code", "error of backpropagation")
    for name, values in zip(names, 100 * np.transpose(errors), strict=True):
        print(f"  {name}: {mean_interval(values) if rounds > 1 else f'{values[0]:.2f}'} %")


def digits(rounds: int) -> None:
    data = load_dataset("digits")
    ours, theirs, targets = [], [], []
    for seed in range(rounds):
        net = QNN((64, 120, 10), copies=4, seed=seed, centre=data.x_train.mean(axis=0))
        history = train(net.copy(), data, epochs=DIGITS_EPOCHS, seed=seed)
        classifier = MLPClassifier(random_state=seed)
        spent, errors = np.zeros((DIGITS_EPOCHS * 4, 2)), np.zeros(DIGITS_EPOCHS * 4)
        for epoch in range(len(spent)):
            _, spent[epoch] = timed(classifier.partial_fit, data.x_train, data.y_train, classes=np.arange(10))
            errors[epoch] = 1 - classifier.score(data.x_test, data.y_test)
        target = max(history.test_error[-1], errors[-1])
        needed = ceil(history.epoch[int(np.argmax(history.test_error <= target))])
        ours.append(timed(train, net, data, epochs=needed, seed=seed, evaluations=1, evaluation_images=10, asked=0)[1])
        theirs.append(tuple(spent[: int(np.argmax(errors <= target)) + 1].sum(axis=0)))
        targets.append(target)
    print(f"digits, 64-120-10 and MLPClassifier's 64-100-10, to the same test error ({np.median(targets):.2%})")
    beside("MLPClassifier", ours, theirs)


def published(rounds: int, epochs: int) -> None:
    data = load_dataset("mnist-1000")
    centre, sizes = data.x_train.mean(axis=0), (784, 120, 10)
    ours, defaults, theirs, errors = [], [], [], []
    for seed in range(rounds):
        nets = [QNN(sizes, 4, seed), QNN(sizes, 4, seed, centre=centre), QNN(sizes, 4, seed)]
        ours.append(np.divide(timed(our_epochs, nets[0], data, epochs, seed)[1], epochs))
        defaults.append(np.divide(timed(train, nets[1], data, epochs=epochs, seed=seed)[1], epochs))
        theirs.append(timed(their_epoch, nets[2], data.x_train, data.y_train, seed)[1])
        errors.append([100 * net.error(data.x_test, data.y_test) for net in nets])
    print(f"MNIST, 1,000 images, an epoch, mean of {epochs} of ours and the first of theirs")
    found = np.median(errors, axis=0)
    for name, times, error in (("10 reads x 100 sweeps, as theirs", ours, found[0]), ("defaults of train", defaults, found[1])):
        print(f" {name}: test error after {epochs} epochs {error:.1f} %, of the published way after one {found[2]:.1f} %")
        beside("the published way", times, theirs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round, few images, two epochs")
    for name, default in (("hidden", 120), ("epochs", 20), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", category=RuntimeWarning, module="sklearn")
    data = load_dataset("mnist")
    if options.quick:
        first = {"x_train": 5000, "y_train": 5000, "x_test": 1000, "y_test": 1000}
        data = dataclasses.replace(data, **{name: getattr(data, name)[:count] for name, count in first.items()})
        options.rounds, options.epochs = 1, 2
    print(f"medians of {options.rounds}, {numba.get_num_threads()} threads; seconds, and in brackets those of processors")
    train(QNN((784, 4, 10)), dataclasses.replace(data, x_train=data.x_train[:100], y_train=data.y_train[:100]), epochs=1)
    digits(options.rounds)
    published(options.rounds, options.epochs)
    mnist(data, options.hidden, options.epochs, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
