"""Deep networks on a modest annealer: only a few neighbouring layers are sampled at a time.

A *window* is w consecutive layers of spins. The layers outside it stay frozen and act on it only through fields, so each window is
an Ising problem of its own, smaller than the network's. The window moves over the layers from the input side to the output;
after one pass every layer has been sampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Int8

from qnn_core.errors import InvalidInput, check_count
from qnn_core.ising import IsingProblem, feed_forward
from qnn_core.samplers.base import Reads, Sampler, check_num_reads, check_seed, derived_seed


def window_problem(problem: IsingProblem, states: Int8[np.ndarray, "B N"], first: int, width: int) -> IsingProblem:
    """The problem of layers first .. first + width - 1 with all others frozen at `states`, one state an image.

    Its energies differ from the whole problem's by a constant of each image.
    """
    depth = len(problem.layers)
    if not 0 <= first < first + width <= depth:
        raise InvalidInput("window", (first, width), f"layers inside 0 .. {depth - 1}")
    columns = problem.layer_slices
    inside = columns[first : first + width]
    fields = problem.fields[:, inside[0].start : inside[-1].stop].copy()
    if first > 0:
        fields[:, : problem.layers[first]] += states[:, columns[first - 1]] @ problem.couplings[first - 1]
    if first + width < depth:
        last = first + width - 1
        fields[:, -problem.layers[last] :] += states[:, columns[last + 1]] @ problem.couplings[last].T
    return IsingProblem(problem.layers[first : first + width], fields, problem.couplings[first : first + width - 1])


def window_size(layers: tuple[int, ...], width: int) -> dict[str, int]:
    """Spins and couplers of the largest window of `width` layers: what an annealer must hold at once."""
    sizes = [layers[first : first + width] for first in range(len(layers) - width + 1)]
    return {
        "spins": max(sum(window) for window in sizes),
        "couplers": max(sum(left * right for left, right in pairwise(window)) for window in sizes),
    }


@dataclass(frozen=True)
class WindowSampler:
    """Reads of a deep network made by a sampler that only ever sees `width` layers at a time.

    sampler: for the windows. width: layers of a window. passes: of the window over the network, from the input to the output,
    after a start in the state of the forward pass. Each read keeps its own frozen states. With a window over all layers it is the
    sampler itself.
    """

    sampler: Sampler
    width: int
    passes: int = 1

    def __post_init__(self) -> None:
        for name, value in (("width", self.width), ("passes", self.passes)):
            check_count(name, value)

    @property
    def name(self) -> str:
        return f"{self.sampler.name}-window{self.width}"

    @property
    def kind(self) -> str:
        return f"{self.sampler.kind}, {self.width} layers at a time"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads)
        check_seed(seed)
        depth = len(problem.layers)
        if self.width >= depth:
            return self.sampler.sample(problem, num_reads, seed)
        one_per_read = problem.select(np.repeat(np.arange(problem.num_images), num_reads))
        states = feed_forward(one_per_read)
        columns = problem.layer_slices
        info: dict[str, Any] = {"spin_updates": 0, "anneals_per_read": 0}
        for turn in range(self.passes):
            for first in range(depth - self.width + 1):
                part = self.sampler.sample(
                    window_problem(one_per_read, states, first, self.width), 1, derived_seed(seed, turn, first)
                )
                states[:, columns[first].start : columns[first + self.width - 1].stop] = part.spins[:, 0]
                info["spin_updates"] += part.info["spin_updates"]
                info["anneals_per_read"] += 1
        spins = states.reshape(problem.num_images, num_reads, problem.num_spins)
        return Reads(spins, problem.energy(spins), info)
