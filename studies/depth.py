"""The study of a deep network: the same training with the layers sampled in different ways, and how surely its answers are found."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int64
from tqdm import tqdm

from qnn_core.backprop import train_backprop
from qnn_core.data import Dataset
from qnn_core.history import History
from qnn_core.ising import IsingProblem, cool, feed_forward, relax
from qnn_core.network import QNN
from qnn_core.samplers import Sampler, get_sampler
from qnn_core.samplers.exact import lowest_energies
from qnn_core.training import TrainingWarning, default_rate, train
from qnn_core.windows import WindowSampler

if TYPE_CHECKING:
    from artifact.parameters import ActiveParameters, WindowChoice

TOLERANCE = 1e-3
"""Energies closer than this are the same, in units of energy: single precision over a few hundred spins."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the record of its training."""

    net: QNN
    history: History


def sampler_of(p: ActiveParameters, choice: WindowChoice) -> WindowSampler:
    """The sampler of a way to sample the layers."""
    return WindowSampler(
        get_sampler(p.sampler, **p.options_of(p.sampler)), choice.width, choice.passes, choice.schedule, choice.widest
    )


def untrained(p: ActiveParameters, data: Dataset, seed: int) -> QNN:
    """The network of a seed at the start, its pixels measured from the mean training image."""
    centre = data.x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
    return QNN((data.num_pixels, *p.hidden, data.num_classes), **p.network_options, seed=seed, centre=centre)


def train_windows(p: ActiveParameters, data: Dataset, folder: str, progress: bool = False) -> list[list[Trained]]:
    """A network for each way to sample the layers and each seed of `p`, all with the same images in the same order and equal reads.

    folder: where each run keeps its checkpoint, from which it goes on if it was stopped.
    """
    runs = [(choice, seed) for choice in p.windows for seed in p.seeds]
    trained = [_trained(p, data, choice, seed, folder) for choice, seed in tqdm(runs, desc="networks", disable=not progress)]
    return [trained[first : first + len(p.seeds)] for first in range(0, len(trained), len(p.seeds))]


def _trained(p: ActiveParameters, data: Dataset, choice: WindowChoice, seed: int, folder: str) -> Trained:
    net, sampler = untrained(p, data, seed), sampler_of(p, choice)
    settings = {**p.cut_options, "lr": p.lr or default_rate(net, data), "seed": seed}
    told = json.dumps([settings, p.network_options, net.sizes, repr(sampler), data.sha256], sort_keys=True)
    checkpoint = f"{folder}/{hashlib.sha256(told.encode()).hexdigest()[:16]}.checkpoint"
    with warnings.catch_warnings():
        # Which ways fail to train is what the study is about.
        warnings.simplefilter("ignore", TrainingWarning)
        return Trained(net, train(net, data, sampler, **settings, checkpoint=checkpoint))


def train_mlp(p: ActiveParameters, data: Dataset) -> tuple[float, list[History]]:
    """An MLP of the same depth for each seed, at the one of `mlp_rates` that does best on a fifth of the training images held out."""

    def run(images: Dataset, lr: float, seed: int) -> History:
        return train_backprop("mlp", images, p.hidden, p.epochs, lr, p.batch_size, seed, optimiser="adam")

    split = data.hold_out(0.2, p.seeds[0])
    errors = {lr: run(split, lr, p.seeds[0]).test_error[-1] for lr in p.mlp_rates} if len(p.mlp_rates) > 1 else {}
    chosen = min(errors, key=errors.__getitem__) if errors else p.mlp_rates[0]
    return chosen, [run(data, chosen, seed) for seed in p.seeds]


def searches(sampler: Sampler, num_reads: int, seed: int) -> dict[str, Callable[[IsingProblem], Int8[np.ndarray, "B N"]]]:
    """Ways to look for the deepest state of hidden spins, by name.

    "annealed": the deepest of `num_reads` reads of the sampler. "cooled": what predictions use, without sampling. "descended": zero-temperature
    relaxation from the forward pass.
    """

    def annealed(hidden: IsingProblem) -> np.ndarray:
        reads = sampler.sample(hidden, num_reads, seed)
        return reads.spins[np.arange(hidden.num_images), reads.energies.argmin(axis=1)]

    def descended(hidden: IsingProblem) -> np.ndarray:
        return relax(hidden, feed_forward(hidden)[:, None])[:, 0]

    return {"annealed": annealed, "cooled": cool, "descended": descended}


def held_energies(
    net: QNN, x: Float32[np.ndarray, "B D"], search: Callable[[IsingProblem], np.ndarray]
) -> Float32[np.ndarray, "B C"]:
    """Energy of the state that a search finds for every class, with the outputs held at its code; the lowest is the answer."""
    energies = np.empty((len(x), net.num_classes), np.float32)
    problem = net.problem(x)
    for label in range(net.num_classes):
        labels = np.full(len(x), label, np.int64)
        hidden = search(net.clamped_problem(x, labels))
        energies[:, label] = problem.energy(np.concatenate([hidden, net.codes[labels]], axis=1)[:, None])[:, 0]
    return energies


def answers(
    net: QNN, x: Float32[np.ndarray, "B D"], sampler: Sampler, num_reads: int, seed: int
) -> dict[str, Int64[np.ndarray, " B"]]:
    """What the network answers by each of `searches`, and "free": by the deepest of `num_reads` reads with the outputs free."""
    found = {name: held_energies(net, x, search).argmin(axis=1) for name, search in searches(sampler, num_reads, seed).items()}
    reads = sampler.sample(net.problem(x), num_reads, seed)
    deepest = reads.spins[np.arange(len(x)), reads.energies.argmin(axis=1), -net.layers[-1] :]
    return {**found, "free": net.decode(deepest)}


def minimum_found(
    net: QNN, x: Float32[np.ndarray, "B D"], sampler: Sampler, num_reads: int, seed: int
) -> dict[str, Bool[np.ndarray, "B C"]]:
    """Whether each of `searches` finds the exact minimum of every class, known by enumeration, see `exact_minimum`."""
    exact = np.stack(
        [exact_minimum(net.clamped_problem(x, np.full(len(x), label, np.int64))) for label in range(net.num_classes)], axis=1
    )
    found = {}
    for name, search in searches(sampler, num_reads, seed).items():
        lowest = []
        for label in range(net.num_classes):
            hidden = net.clamped_problem(x, np.full(len(x), label, np.int64))
            lowest.append(hidden.energy(search(hidden)[:, None])[:, 0])
        found[name] = np.stack(lowest, axis=1) <= exact + TOLERANCE
    return found


def exact_minimum(problem: IsingProblem) -> Float32[np.ndarray, " B"]:
    """The lowest energy of each image, by enumeration.

    Layers of even and of odd number are two sides without couplings inside: given one, the other is at once at its minimum. The smaller side
    is enumerated, at most 20 spins.
    """
    if len(problem.layers) == 1:
        return -np.abs(problem.fields).sum(axis=1)
    return lowest_energies(_as_two_layers(problem)).min(axis=1)


def _as_two_layers(problem: IsingProblem) -> IsingProblem:
    """The same problem with its even and its odd layers joined, the larger side first."""
    columns = problem.layer_slices
    sides = [np.concatenate([np.arange(problem.num_spins)[part] for part in columns[side::2]]) for side in (0, 1)]
    sides.sort(key=len, reverse=True)
    full = np.zeros((problem.num_spins, problem.num_spins), np.float32)
    for matrix, left, right in zip(problem.couplings, columns, columns[1:], strict=False):
        full[left, right] = matrix
    couplings = full + full.T
    return IsingProblem(
        (len(sides[0]), len(sides[1])), problem.fields[:, np.concatenate(sides)], (couplings[np.ix_(sides[0], sides[1])],)
    )
