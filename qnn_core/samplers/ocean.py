"""Samplers of D-Wave's Ocean that run on this computer, one binary quadratic model per image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qnn_core.errors import check_number
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, annealing_betas, check_num_reads, check_schedule, check_seed, derived_seed, own_range

if TYPE_CHECKING:
    import dimod


@dataclass(frozen=True)
class SimulatedAnnealing:
    """`dwave.samplers.SimulatedAnnealingSampler`: single-spin Metropolis annealing, the peer of our own sampler.

    sweeps and beta as in `GibbsSampler`.
    """

    sweeps: int = 100
    beta: tuple[float, float] | None = None

    name: ClassVar[str] = "sa"
    kind: ClassVar[str] = "classical annealer (dwave-samplers simulated annealing)"

    def __post_init__(self) -> None:
        check_schedule(self.sweeps, self.beta)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        from dwave.samplers import SimulatedAnnealingSampler

        options = {
            "beta_schedule_type": "custom",
            "beta_schedule": annealing_betas(problem, self.sweeps, self.beta).tolist(),
            "num_sweeps_per_beta": 1,
        }
        return _each_image(SimulatedAnnealingSampler(), problem, num_reads, seed, self.sweeps, options)


@dataclass(frozen=True)
class PathIntegralAnnealing:
    """`dwave.samplers.PathIntegralAnnealingSampler`: classical Monte Carlo over the world lines of a transverse-field annealer.

    The closest classical stand-in for a quantum annealer; its reads are not quantum. sweeps: of the world lines, while the
    transverse field falls linearly from `transverse` to 0 and the problem rises from 0 to its full size. beta: inverse
    temperature of the quantum system, in the problem's units of energy. None for the own scale of the couplings: the cold end of `own_range`, and
    as `transverse` the largest pull on a layer.
    """

    sweeps: int = 20
    beta: float | None = None
    transverse: float | None = None

    name: ClassVar[str] = "pia"
    kind: ClassVar[str] = "classical path-integral annealer (dwave-samplers)"

    def __post_init__(self) -> None:
        check_schedule(self.sweeps, None if self.beta is None else (self.beta, self.beta))
        if self.transverse is not None:
            check_number("transverse", self.transverse, above=True)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        from dwave.samplers import PathIntegralAnnealingSampler

        moments = (np.arange(self.sweeps) + 0.5) / self.sweeps
        hot, cold = own_range(problem)
        beta = cold if self.beta is None else self.beta
        transverse = 1 / hot if self.transverse is None else self.transverse
        options = {
            "Hp_field": beta * moments,
            "Hd_field": beta * transverse * (1 - moments),
            "num_sweeps_per_beta": 1,
            "beta_schedule_type": "custom",
        }
        return _each_image(PathIntegralAnnealingSampler(), problem, num_reads, seed, self.sweeps, options)


def _each_image(
    sampler: dimod.Sampler, problem: IsingProblem, num_reads: int, seed: int, sweeps: int, options: dict[str, Any]
) -> Reads:
    check_num_reads(num_reads)
    check_seed(seed)
    spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
    nanoseconds = 0
    for image in range(problem.num_images):
        # Small seeds give poor first random numbers in dwave-samplers, hence a hashed one of 31 bits.
        image_seed = derived_seed(seed, image) & 0x7FFFFFFF
        answer = sampler.sample(problem.to_bqm(image), num_reads=num_reads, seed=image_seed, **options)
        nanoseconds += answer.info["timing"]["sampling_ns"]
        columns = np.argsort(np.array(answer.variables))
        spins[image] = np.repeat(answer.record.sample, answer.record.num_occurrences, axis=0)[:, columns]
    return Reads(spins, problem.energy(spins), {"spin_updates": spins.size * sweeps, "kernel_seconds": 1e-9 * nanoseconds})
