"""Deep networks have no formula for the lowest state of a class: ways to search for it, and how surely they find it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int64

from qnn_core.data import Dataset
from qnn_core.ising import IsingProblem, cool, feed_forward, relax
from qnn_core.network import QNN
from qnn_core.samplers import Sampler
from qnn_core.samplers.exact import lowest_energies
from studies.tables import Table, table

TOLERANCE = 1e-3
"""Energies closer than this are the same, in units of energy: single precision over a few hundred spins."""
SEARCHES = ("annealed", "cooled", "descended")


def searches(sampler: Sampler, num_reads: int, seed: int) -> dict[str, Callable[[IsingProblem], Int8[np.ndarray, "B N"]]]:
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


@dataclass(frozen=True, eq=False)
class Answers:
    """What networks of W ways to sample answer by each of K searches. agreement, wrong: (W, K) fractions of the images.

    agreement: with the answers of "annealed".
    """

    ways: list[str]
    by: list[str]
    agreement: Float64[np.ndarray, "W K"]
    wrong: Float64[np.ndarray, "W K"]

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored."""
        return {"answered_by": np.array(self.by), "agreement": self.agreement, "wrong_answers": self.wrong}

    def table(self) -> Table:
        """Agreement with the annealed answers, and error."""
        return table(
            {
                way: {name: f"{a:.1%} ({w:.1%})" for name, a, w in zip(self.by, agreed, wrong, strict=True)}
                for way, agreed, wrong in zip(self.ways, self.agreement, self.wrong, strict=True)
            },
            caption="agrees with annealed (error)",
        )


def compare_answers(
    networks: Mapping[str, Iterable[QNN]], data: Dataset, images: int, sampler: Sampler, num_reads: int, seeds: Iterable[int]
) -> Answers:
    """Ask for the first of the test images; networks: by way to sample, one a seed."""
    x, y = data.x_test[:images], data.y_test[:images]
    by = [*SEARCHES, "free"]
    agreement, wrong = (np.empty((len(networks), len(by))) for _ in range(2))
    for row, nets in enumerate(networks.values()):
        given = [answers(net, x, sampler, num_reads, seed) for net, seed in zip(nets, seeds, strict=True)]
        agreement[row] = [np.mean([one[way] == one["annealed"] for one in given]) for way in by]
        wrong[row] = [np.mean([one[way] != y for one in given]) for way in by]
    return Answers(list(networks), by, agreement, wrong)


def minimum_found(
    net: QNN, x: Float32[np.ndarray, "B D"], sampler: Sampler, num_reads: int, seed: int
) -> dict[str, Bool[np.ndarray, "B C"]]:
    """Whether each of `searches` finds the exact minimum of every class, known by enumeration, see `exact_minimum`."""
    problems = [net.clamped_problem(x, np.full(len(x), label, np.int64)) for label in range(net.num_classes)]
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
