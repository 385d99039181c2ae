"""How cost grows, to ten times what this project uses: python -m benchmarks.cost [--figure FILE.png].

Processor time on one thread, as one quantity after the other grows. Sampling: gaussian problems, 500 images of K_120,40, 10 reads, 20 sweeps,
but 5 where images grow, and for `collapsed` where hidden spins do; hidden layers have 64 spins each.
Training: one epoch by the rule `both` on 6,000 images of 784 bytes, 784-120-10, errors at both ends of the run included; the images are
noisy copies of ten patterns, which stay in a file on disk, and none rests. Each exponent is the slope of a straight line through the
logarithms of those times that belong to the largest tenfold growth. With the largest of each goes the memory that it added at its peak,
besides its inputs and what was free in the process. Short times are the least of three. Every figure is measured in this run.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import process_time

import matplotlib.pyplot as plt
import numba
import numpy as np

from benchmarks.memory import added_by
from qnn_core import QNN, Dataset, IsingProblem, get_sampler, load_dataset, train
from qnn_core.threads import one_thread_for_algebra

PIXELS, IMAGES = 784, 600_000
STYLE = {"gibbs": "C0o-", "collapsed": "C1s--", "training": "C2^:"}


def sampling(name: str, layers: tuple[int, ...] = (120, 40), images: int = 500, reads: int = 10, sweeps: int = 20) -> Callable:
    """Work for the clock: reads of random images of one random network."""
    random = np.random.default_rng(1)
    couplings = tuple(random.standard_normal(pair, np.float32) for pair in pairwise(layers))
    problem = IsingProblem(layers, random.standard_normal((images, sum(layers)), np.float32), couplings)
    return lambda: get_sampler(name, sweeps=sweeps).sample(problem, reads, seed=0)


def training(data: Dataset, hidden: int = 120, images: int = 6000, epochs: int = 1) -> Callable:
    """Work for the clock: a whole run of `train`."""
    some = data.take(images, seed=0)
    net = QNN((PIXELS, hidden, 10), centre=np.full(PIXELS, 0.5, np.float32))
    return lambda: train(net, some, epochs=epochs, rest=0, evaluations=1, asked=0)


def write_images(folder: Path) -> Dataset:
    """Noisy copies of ten random patterns, left on disk."""
    random = np.random.default_rng(0)
    patterns = random.integers(0, 156, (10, PIXELS), np.uint8)
    for part, count in (("train", IMAGES), ("test", 1000)):
        labels = np.arange(count) % 10
        np.save(folder / f"y_{part}.npy", labels)
        file = np.lib.format.open_memmap(folder / f"x_{part}.npy", "w+", np.uint8, (count, PIXELS))
        for begin in range(0, count, 10_000):
            rows = labels[begin : begin + 10_000]
            file[begin : begin + len(rows)] = patterns[rows] + random.integers(0, 100, (len(rows), PIXELS), np.uint8)
    return load_dataset(folder)


def measured(work: Callable) -> tuple[float, float]:
    """Processor time in seconds, the least of three runs where a second is enough for them, and MiB added by the last."""
    times: list[float] = []
    while len(times) < 3 and sum(times) < 1:
        start = process_time()
        outcome, mebibytes = added_by(work)
        times.append(process_time() - start)
        del outcome
    return min(times), mebibytes


def growth(data: Dataset) -> dict[str, dict[str, tuple[list[int], Callable[[int], Callable]]]]:
    """What grows, in which panel: its values, and the work for one of them."""
    return {
        "images": {
            "gibbs": ([600, 6000, 60_000, IMAGES], lambda n: sampling("gibbs", images=n, sweeps=5)),
            "collapsed": ([600, 6000, 60_000], lambda n: sampling("collapsed", images=n, sweeps=5)),
            "training": ([6000, 60_000, IMAGES], lambda n: training(data, images=n)),
        },
        "reads": {name: ([10, 30, 100], lambda n, name=name: sampling(name, reads=n)) for name in ("gibbs", "collapsed")},
        "sweeps": {name: ([20, 60, 200], lambda n, name=name: sampling(name, sweeps=n)) for name in ("gibbs", "collapsed")},
        "hidden spins": {
            "gibbs": ([128, 400, 1280, 4096], lambda n: sampling("gibbs", (n, 40))),
            "collapsed": ([128, 400, 1280, 4096], lambda n: sampling("collapsed", (n, 40), sweeps=5)),
            "training": ([128, 400, 1280, 4096], lambda n: training(data, hidden=n)),
        },
        "hidden layers": {"gibbs": ([4, 13, 40], lambda n: sampling("gibbs", (64,) * n + (40,)))},
        "epochs": {"training": ([1, 3, 10], lambda n: training(data, epochs=n))},
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figure", help="where to draw the growth")
    options = parser.parse_args(arguments)
    numba.set_num_threads(1)
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}")
    figure, axes = plt.subplots(2, 3, figsize=(7, 4.6), sharey=True, layout="constrained")
    with tempfile.TemporaryDirectory() as folder, one_thread_for_algebra():
        data = write_images(Path(folder))
        for name in ("gibbs", "collapsed"):
            sampling(name, images=16)()  # Compiles.
        training(data)()
        for axis, (quantity, lines) in zip(axes.flat, growth(data).items(), strict=True):
            for name, (values, work) in lines.items():
                found = [measured(work(value)) for value in values]
                times = np.array([seconds for seconds, _ in found])
                late = np.array(values) >= values[-1] / 11
                exponent = np.polyfit(np.log(np.array(values)[late]), np.log(times[late]), 1)[0]
                cells = "  ".join(f"{value:,}: {seconds:.3g} s" for value, seconds in zip(values, times, strict=True))
                print(f"{quantity:13} {name:9} {cells}   exponent {exponent:.2f}, {found[-1][1]:,.0f} MiB", flush=True)
                axis.loglog(values, times, STYLE[name], label=f"{name}, {exponent:.2f}", markersize=4)
            axis.set_xticks(values, [f"{value:,}" for value in values])
            axis.minorticks_off()
            axis.set_xlabel(quantity)
            axis.legend(fontsize=7)
    for axis in axes[:, 0]:
        axis.set_ylabel("processor time (s)")
    if options.figure:
        figure.savefig(options.figure, dpi=150)
    return 0


if __name__ == "__main__":
    sys.exit(main())
