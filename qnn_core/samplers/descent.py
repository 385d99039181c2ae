"""Reads that end in minima, whatever sampler made them."""

from __future__ import annotations

from dataclasses import dataclass

from qnn_core.ising import IsingProblem, relax
from qnn_core.samplers.base import Metered, Reads, Sampler


def quench(problem: IsingProblem, reads: Reads) -> Reads:
    """The minimum below each read, by zero-temperature descent: the reads without their last thermal flips."""
    spins = relax(problem, reads.spins)
    return Reads(spins, problem.energy(spins), reads.info)


@dataclass(frozen=True)
class WithDescent:
    """A sampler whose reads are all brought to the minimum below them by `quench`, where no single flip lowers the energy.

    The descent takes a few sweeps on this computer, which are not counted as spin updates. Reads that end hot lie above the minima to which
    they belong; after the descent, samplers can be compared by the minima that they find.
    """

    sampler: Sampler

    @property
    def name(self) -> str:
        """Of the sampler."""
        return self.sampler.name

    @property
    def kind(self) -> str:
        """Of the sampler, and that its reads descend."""
        return f"{self.sampler.kind}, each read finished by descent"

    def announce(self, layers: tuple[int, ...], images: int, num_reads: int, calls: int) -> None:
        """As `Metered`: layers, images, num_reads and calls are those of the sampler itself."""
        if isinstance(self.sampler, Metered):
            self.sampler.announce(layers, images, num_reads, calls)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        return quench(problem, self.sampler.sample(problem, num_reads, seed))
