"""Deep networks have no formula for the lowest state of a class: ways to search for it, and how often they find it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8

from qnn_core.cutting import held_reads
from qnn_core.data import Dataset
from qnn_core.ising import IsingProblem, cool, feed_forward, relax
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.exact import lowest_energies
from studies.stored import Arrays, Images, Labels
from studies.tables import Table, table

TOLERANCE = 1e-3
"""Energies closer than this are the same, in units of energy: single precision over a few hundred spins."""
SEARCHES = ("annealed", "cooled", "descended")
Search: TypeAlias = Callable[[IsingProblem], Int8[np.ndarray, "B N"]]


def searches(sampler: Sampler, num_reads: int, seed: int) -> dict[str, Search]:
    """Ways to look for the deepest state of hidden spins, by the names of `SEARCHES`.

    "annealed": the deepest of `num_reads` reads of the sampler. "cooled": what predictions use, without sampling. "descended": zero-temperature
    relaxation from the forward pass.
    """

    def annealed(hidden: IsingProblem) -> np.ndarray:
        reads = sampler.sample(hidden, num_reads, seed)
        return reads.spins[np.arange(hidden.num_images), reads.energies.argmin(axis=1)]

    def descended(hidden: IsingProblem) -> np.ndarray:
        return relax(hidden, feed_forward(hidden)[:, None])[:, 0]

    return dict(zip(SEARCHES, (annealed, cool, descended), strict=True))


def held_energies(net: QNN, x: Images, search: Search) -> Float32[np.ndarray, "B C"]:
    """Energy of the state that a search finds for every class, with the outputs held at its code; the lowest is the answer."""
    energies = np.empty((len(x), net.num_classes), np.float32)
    problem = net.problem(x)
    for label in range(net.num_classes):
        labels = np.full(len(x), label, np.int64)
        hidden = search(net.held(net.problem(x), labels))
        energies[:, label] = problem.energy(np.concatenate([hidden, net.codes[labels]], axis=1)[:, None])[:, 0]
    return energies


def answers(net: QNN, x: Images, sampler: Sampler, num_reads: int, seed: int) -> dict[str, Labels]:
    """What the network answers by each of `searches`, and "free": by the deepest of `num_reads` reads with the outputs free."""
    found = {name: held_energies(net, x, search).argmin(axis=1) for name, search in searches(sampler, num_reads, seed).items()}
    reads = sampler.sample(net.problem(x), num_reads, seed)
    deepest = reads.spins[np.arange(len(x)), reads.energies.argmin(axis=1), -net.layers[-1] :]
    return {**found, "free": net.decode(deepest)}


@dataclass(frozen=True, eq=False)
class Answers:
    """What networks of W ways to sample answer by each of K searches. agreement, wrong: (W, K) fractions of the images.

    agreement: with the answers of "annealed".
    """

    ways: list[str]
    by: list[str]
    agreement: Float64[np.ndarray, "W K"]
    wrong: Float64[np.ndarray, "W K"]

    def arrays(self) -> Arrays:
        """What is stored."""
        return {"answered_by": np.array(self.by), "agreement": self.agreement, "wrong_answers": self.wrong}

    def table(self) -> Table:
        """Agreement with the annealed answers, and error."""
        return table(
            {
                way: {name: f"{a:.1%} ({w:.1%})" for name, a, w in zip(self.by, agreed, wrong, strict=True)}
                for way, agreed, wrong in zip(self.ways, self.agreement, self.wrong, strict=True)
            },
            caption="agreement with the annealed answers (error)",
        )


def compare_answers(
    networks: Mapping[str, Iterable[QNN]], data: Dataset, images: int, sampler: Sampler, num_reads: int, seeds: Iterable[int]
) -> Answers:
    """Ask for the first of the test images; networks: by way to sample, one per seed."""
    x, y = data.x_test[:images], data.y_test[:images]
    by = [*SEARCHES, "free"]
    agreement, wrong = (np.empty((len(networks), len(by))) for _ in range(2))
    for row, nets in enumerate(networks.values()):
        given = [answers(net, x, sampler, num_reads, seed) for net, seed in zip(nets, seeds, strict=True)]
        agreement[row] = [np.mean([one[way] == one["annealed"] for one in given]) for way in by]
        wrong[row] = [np.mean([one[way] != y for one in given]) for way in by]
    return Answers(list(networks), by, agreement, wrong)


def held_overlaps(net: QNN, x: Images, sampler: Sampler, num_reads: int, seed: int) -> Float64[np.ndarray, "L 2"]:
    """How much two reads of an image have in common in each of L hidden layers: with the outputs held at one class, and at different ones.

    Mean of (1/N_l) sum_n s_n s'_n. What a cut teaches a layer is the difference of the two; what makes it noisy is how far the first is from 1.
    """
    problem, classes = net.problem(x), np.arange(net.num_classes)
    held = [
        held_reads(net, problem, np.full(len(x), one, np.int64), sampler, num_reads, derived_seed(seed, int(one))).spins
        for one in classes
    ]
    found, owner = [], classes.repeat(num_reads)
    for spins in problem.split(np.stack(held))[:-1]:
        states = spins.transpose(0, 2, 1, 3).reshape(len(owner), -1).astype(np.float32)
        overlaps = states @ states.T / states.shape[1]
        alike = owner[:, None] == owner
        found.append((overlaps[alike & ~np.eye(len(owner), dtype=bool)].mean(), overlaps[~alike].mean()))
    return np.array(found, np.float64)


def overlap_table(networks: Mapping[str, QNN], data: Dataset, images: int, sampler: Sampler, num_reads: int, seed: int) -> Table:
    """`held_overlaps` of some networks for the first of the test images, layer by layer."""
    rows = {}
    for name, net in networks.items():
        found = held_overlaps(net, data.x_test[:images], sampler, num_reads, seed)
        rows[name] = {f"layer {layer}": f"{same:.2f}, {other:.2f}" for layer, (same, other) in enumerate(found, start=1)}
    return table(rows, caption="overlap of two reads: same class held, different classes held")


def minimum_found(net: QNN, x: Images, sampler: Sampler, num_reads: int, seed: int) -> dict[str, Bool[np.ndarray, "B C"]]:
    """Whether each of `searches` finds the exact minimum of every class, known by enumeration, see `exact_minimum`."""
    problems = [net.held(net.problem(x), np.full(len(x), label, np.int64)) for label in range(net.num_classes)]
    exact = np.stack([exact_minimum(hidden) for hidden in problems], axis=1)
    return {
        name: np.stack([hidden.energy(search(hidden)[:, None])[:, 0] for hidden in problems], axis=1) <= exact + TOLERANCE
        for name, search in searches(sampler, num_reads, seed).items()
    }


def exact_minimum(problem: IsingProblem) -> Float32[np.ndarray, " B"]:
    """The lowest energy of each image, by enumeration.

    Layers of even and of odd number are two sides without couplings inside: given one, the other is at once at its minimum. The smaller side
    is enumerated, at most 20 spins.
    """
    if len(problem.layers) == 1:
        return -np.abs(problem.fields).sum(axis=1)
    large, small, couplings = problem.sides()
    if len(large) < len(small):
        large, small, couplings = small, large, np.ascontiguousarray(couplings.T)
    fields = problem.fields[:, np.concatenate([large, small])]
    return lowest_energies(IsingProblem((len(large), len(small)), fields, (couplings,))).min(axis=1)
