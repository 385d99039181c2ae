"""Simulated annealing by block-Gibbs sweeps over the layers, for a whole batch of images at once.

Layers of one parity do not interact, so all their spins are drawn from their exact conditional distribution,
P(s = +1) = 1 / (1 + exp(-2 beta h)), given the layers of the other parity. It is a classical stand-in for an annealer. The field h is kept
from sweep to sweep and only updated for neighbours that have flipped; in the cold part of an anneal these are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from jaxtyping import Float32, Int8

from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, annealing_betas, check_counters, check_device, check_num_reads, check_schedule, on_gpu
from qnn_core.samplers.kernels import Layers, anneal, sweep_on


@dataclass(frozen=True)
class GibbsSampler:
    """Batched block-Gibbs annealing; any depth, any size.

    sweeps: updates of every spin per read. beta: inverse temperatures (hot, cold), dimensionless, passed through
    geometrically; equal numbers sample at a fixed temperature; None for the own scale of the couplings, `own_range`.

    device: "cpu" for the compiled loops, "cuda" for a GPU, "auto" for a GPU if there is one.

    The random numbers are counter-based. A read depends on the seed and on its place in the batch, but not on the number of threads; nor
    on the device, except for draws so close to the edge between +1 and -1 that rounding decides.
    """

    sweeps: int = 20
    beta: tuple[float, float] | None = None
    device: str = "cpu"

    name: ClassVar[str] = "gibbs"
    kind: ClassVar[str] = "classical annealer (block Gibbs)"

    def __post_init__(self) -> None:
        check_schedule(self.sweeps, self.beta)
        check_device(self.device)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        check_counters(problem, self.sweeps)
        betas = annealing_betas(problem, self.sweeps, self.beta)
        if on_gpu(self.device):
            from qnn_core.samplers.on_torch import annealed_reads

            spins, energies = annealed_reads(problem, num_reads, betas, seed, "cuda")
        else:
            spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
            energies = np.empty(spins.shape[:2], np.float32)
            anneal(problem.fields, _pack(problem), betas, np.uint64(seed), spins, energies)
        return Reads(spins, energies, {"spin_updates": spins.size * self.sweeps})


def gibbs_sweeps(
    problem: IsingProblem,
    spins: Int8[np.ndarray, "B R N"],
    betas: Float32[np.ndarray, "B R"],
    sweeps: int,
    seed: int,
    device: str = "cpu",
) -> Int8[np.ndarray, "B R N"]:
    """`sweeps` block-Gibbs updates of every spin of given configurations, each at its own fixed inverse temperature.

    device: as for `GibbsSampler`.
    """
    check_counters(problem, sweeps)
    if on_gpu(device):
        from qnn_core.samplers.on_torch import gibbs_moves

        return gibbs_moves(problem, spins, betas, sweeps, seed, "cuda")
    moved = spins.copy()
    sweep_on(problem.fields, _pack(problem), betas, sweeps, np.uint64(seed), moved)
    return moved


def _pack(problem: IsingProblem) -> Layers:
    """The problem in the order of the kernels."""
    sequence, layout = _layout(tuple(problem.layers))
    matrices: list[np.ndarray] = []
    for layer in sequence:
        blocks = [problem.couplings[layer - 1].T] if layer else []
        blocks += problem.couplings[layer : layer + 1]
        blocks.append(np.zeros((problem.layers[layer], 1), np.float32))
        matrices.append(np.concatenate(blocks, axis=1).ravel())
    return layout._replace(couplings=np.concatenate(matrices))


@lru_cache(maxsize=64)
def _layout(layers: tuple[int, ...]) -> tuple[list[int], Layers]:
    """Even layers, then odd layers: in that order the layers before and after each one, its neighbours, stand side by side."""
    depth = len(layers)
    sequence = [*range(0, depth, 2), *range(1, depth, 2)]
    sizes = np.array([layers[layer] for layer in sequence], np.int64)
    firsts = np.cumsum(sizes) - sizes
    position = dict(zip(sequence, firsts.tolist(), strict=True))
    neighbours = [[other for other in (layer - 1, layer + 1) if 0 <= other < depth] for layer in sequence]
    columns = np.split(np.arange(sum(layers)), np.cumsum(layers)[:-1])
    return sequence, Layers(
        order=np.concatenate([columns[layer] for layer in sequence]),
        first=firsts,
        size=sizes,
        neighbour_first=np.array([position[others[0]] if others else 0 for others in neighbours], np.int64),
        neighbour_count=np.array([sum(layers[other] for other in others) for others in neighbours], np.int64),
        evens=sum(layers[::2]),
        couplings=np.zeros(0, np.float32),
    )
