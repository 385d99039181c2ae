"""Minima of the landscape: how many there are, and the barriers between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int64

from qnn_core.errors import InvalidInput, check
from qnn_core.ising import IsingProblem
from qnn_core.limits import MAX_TREE_OUTPUTS
from qnn_core.samplers.base import Reads
from qnn_core.samplers.exact import local_minima, lowest_energies, output_states


def count_minima(problem: IsingProblem) -> Int64[np.ndarray, " B"]:
    """Exact number of one-flip-stable minima of each image, by enumeration of the outputs (at most 20 output spins)."""
    return local_minima(problem).sum(axis=1)


@dataclass(frozen=True, eq=False)
class MinimaEstimate:
    """What the reads of each of B images say about how many states there are.

    seen: different reads. number: Chao's lower bound of the number of states. coverage: Good's estimate of the probability that one more
    read is a state already seen.
    """

    seen: Int64[np.ndarray, " B"]
    number: Float64[np.ndarray, " B"]
    coverage: Float64[np.ndarray, " B"]


def estimate_minima(reads: Reads) -> MinimaEstimate:
    """Number of states behind a sample, from how many were seen once and twice.

    Chao1, S + f_1 (f_1 - 1) / (2 (f_2 + 1)) (Chao, Scand. J. Statist. 11, 265 (1984), in its bias-corrected form), a lower bound when
    states are not equally likely; Good's coverage 1 - f_1 / R (Good, Biometrika 40, 237 (1953)). The reads must be independent.
    """
    check(reads.spins.shape[1] >= 2, "reads", reads.spins.shape[1], "at least 2 reads an image")
    times = [np.unique(image, axis=0, return_counts=True)[1] for image in reads.spins]
    seen, once, twice = np.array([(len(counts), (counts == 1).sum(), (counts == 2).sum()) for counts in times]).T
    return MinimaEstimate(seen, seen + once * (once - 1) / (2 * (twice + 1)), 1 - once / reads.spins.shape[1])


@dataclass(frozen=True, eq=False)
class BarrierTree:
    """The M minima of one image's landscape over output states, and the passes between them.

    outputs, energies: of the minima, deepest first. joins: (M - 1, 2) the two groups that meet at each pass, the lowest pass first; a group is
    the number of a minimum, or M + k for the group that pass k made. passes: (M - 1,) their energies. basins: (M,) how many output
    states drain into each minimum by the steepest descent of single output flips.
    """

    outputs: Int8[np.ndarray, "M O"]
    energies: Float32[np.ndarray, " M"]
    joins: Int64[np.ndarray, "M1 2"]
    passes: Float32[np.ndarray, " M1"]
    basins: Int64[np.ndarray, " M"]

    def barrier(self, one: int, other: int) -> float:
        """Energy of the lowest pass between minima `one` and `other`, above the higher of them: the least that a path must climb."""
        group = np.arange(len(self.energies))
        for number, (left, right) in enumerate(self.joins):
            group[(group == left) | (group == right)] = len(self.energies) + number
            if group[one] == group[other]:
                return float(self.passes[number] - max(self.energies[one], self.energies[other]))
        raise InvalidInput("one, other", (one, other), f"two different minima out of 0 .. {len(self.energies) - 1}")

    @property
    def depths(self) -> Float64[np.ndarray, " M"]:
        """How far each minimum lies below the lowest pass to a deeper one; infinite for the deepest."""
        escape = np.full(len(self.energies), np.inf)
        lowest = list(range(len(self.energies)))
        for (left, right), height in zip(self.joins, self.passes, strict=True):
            deeper, shallower = sorted((lowest[left], lowest[right]), key=lambda place: (self.energies[place], place))
            escape[shallower] = height - self.energies[shallower]
            lowest.append(deeper)
        return escape


def barrier_tree(problem: IsingProblem) -> BarrierTree:
    """The tree of minima of one image (Hoffmann, Sibani, Phys. Rev. A 38, 4261 (1988); Becker, Karplus, J. Chem. Phys. 106, 1495 (1997)).

    The landscape is E_min(o), the energy of an output state with the hidden spins at their minimum; a step flips one output. Its states are
    flooded in rising order, so each pass is the exact minimax over all paths. One hidden layer, at most 16 outputs.
    """
    check(problem.num_images == 1, "problem", f"{problem.num_images} images", "one image; use problem.select")
    fits = len(problem.layers) == 2 and problem.layers[1] <= MAX_TREE_OUTPUTS
    check(fits, "layers", problem.layers, f"one hidden layer and at most {MAX_TREE_OUTPUTS} outputs")
    energies = lowest_energies(problem)[0]
    outputs = problem.layers[1]
    neighbours = np.arange(len(energies))[:, None] ^ (1 << np.arange(outputs))
    order = np.argsort(energies, kind="stable")
    rank = np.argsort(order)
    minima: list[int] = []
    drains = np.empty(len(energies), np.int64)  # The minimum below each flooded state; by way of `lake`, the group it is in.
    lake: list[int] = []  # For each minimum another one of its group, or itself, as in a union-find.
    name: list[int] = []  # For each minimum that stands for its group, the number in `joins`; -k if pass k made it, from 1 on.
    joins: list[tuple[int, int]] = []
    passes: list[float] = []

    def surface(minimum: int) -> int:
        while lake[minimum] != minimum:
            lake[minimum] = minimum = lake[lake[minimum]]
        return minimum

    for state in order:
        below = neighbours[state][rank[neighbours[state]] < rank[state]]
        if not below.size:
            drains[state] = len(minima)
            lake.append(len(minima))
            name.append(len(minima))
            minima.append(int(state))
            continue
        drains[state] = drains[below[rank[below].argmin()]]
        first, *others = sorted({surface(int(drains[other])) for other in below})
        for other in others:
            joins.append((name[first], name[other]))
            passes.append(float(energies[state]))
            lake[other] = first
            name[first] = -len(passes)
    pairs = np.array(joins, np.int64).reshape(-1, 2)
    return BarrierTree(
        output_states(outputs)[minima],
        energies[minima],
        np.where(pairs < 0, len(minima) - 1 - pairs, pairs),  # Groups that a pass made follow the minima.
        np.array(passes, np.float32),
        np.bincount(drains, minlength=len(minima)),
    )
