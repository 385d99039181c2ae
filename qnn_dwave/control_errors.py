"""Control errors of an analog annealer (D-Wave calls them integrated control errors, ICE), for samplers that have none.

A chip is programmed with fields and couplings scaled into its ranges, each of which comes out slightly wrong. Here every image is
programmed once per call with its own gaussian errors. All its reads see the same errors, and energies are those of the intended
problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qnn_core.errors import check, check_pair
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, Sampler, check_num_reads, derived_seed

FIELD_RANGE, COUPLING_RANGE = 4.0, 1.0
"""Largest field and coupling of a chip, in its own unit."""


def check_control_error(control_error: tuple[float, float]) -> None:
    check_pair("control_error", control_error, "(of fields, of couplings), two finite numbers of at least 0")


@dataclass(frozen=True)
class WithControlErrors:
    """A sampler whose problems are programmed with errors.

    sampler: any that runs on this computer. control_error: standard deviations of fields and couplings in the chip's unit, in which
    couplings reach 1 and fields 4; each image's problem is scaled to fill these ranges.
    """

    sampler: Sampler
    control_error: tuple[float, float]

    def __post_init__(self) -> None:
        allowed = f"nothing: {self.sampler.name} has the errors of its machine"
        check(self.sampler.name not in ("qpu", "replay"), "control_error", self.control_error, allowed)
        check_control_error(self.control_error)

    @property
    def name(self) -> str:
        return self.sampler.name

    @property
    def kind(self) -> str:
        return f"{self.sampler.kind}, with control errors"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
        updates = 0
        for image in range(problem.num_images):
            programmed = self._programmed(problem.select(np.array([image])), derived_seed(seed, image, 0))
            reads = self.sampler.sample(programmed, num_reads, derived_seed(seed, image, 1))
            spins[image] = reads.spins[0]
            updates += reads.info["spin_updates"]
        return Reads(spins, problem.energy(spins), {"spin_updates": updates})

    def _programmed(self, problem: IsingProblem, seed: int) -> IsingProblem:
        random = np.random.default_rng(seed)
        largest = max((float(np.abs(matrix).max()) for matrix in problem.couplings), default=0.0)
        unit = max(float(np.abs(problem.fields).max()) / FIELD_RANGE, largest / COUPLING_RANGE)
        of_fields, of_couplings = (np.float32(unit * error) for error in self.control_error)

        def wrong(values: np.ndarray, error: np.float32) -> np.ndarray:
            return values + error * random.standard_normal(values.shape, dtype=np.float32)

        couplings = tuple(wrong(matrix, of_couplings) for matrix in problem.couplings)
        return IsingProblem(problem.layers, wrong(problem.fields, of_fields), couplings)
