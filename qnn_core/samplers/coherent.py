"""A fully coherent transverse-field annealer, simulated exactly for up to 20 spins.

    H(s) = -A(s) sum_n X_n + B(s) E(Z),     s = t / duration from 0 to 1,     hbar = 1,

with A and B from a table (`qnn_core.samplers.schedule`), starting in the ground state of the first term, the equal superposition of
all configurations. Time steps are symmetric Trotter products exp(-i dt B E / 2) exp(i dt A sum X) exp(-i dt B E / 2), each factor
exact, s taken at the middle of the step, so the only error is of order dt^2 (Suzuki, Phys. Lett. A 146, 319 (1990)); the norm is
conserved to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from jaxtyping import Complex128, Float64, Int8

from qnn_core.errors import check, check_count, check_number
from qnn_core.ising import IsingProblem
from qnn_core.limits import MAX_SPINS
from qnn_core.samplers.base import Reads, check_num_reads
from qnn_core.samplers.evolution import evolve
from qnn_core.samplers.exact import drawn_rows, output_states
from qnn_core.samplers.schedule import AnnealingSchedule, load_schedule

_BLOCK_AMPLITUDES = 1 << 22


def all_energies(problem: IsingProblem) -> Float64[np.ndarray, "B K"]:
    """Energy of each of the 2^N configurations, in the order of `configurations`, for each image."""
    states = configurations(problem.num_spins)
    without_fields = IsingProblem(problem.layers, np.zeros((1, problem.num_spins), np.float32), problem.couplings)
    return without_fields.energy(states[None]).astype(np.float64) - problem.fields @ states.T.astype(np.float32)


def configurations(num_spins: int) -> Int8[np.ndarray, "K N"]:
    """All 2^N configurations; bit n of the row number is spin n, 1 for +1."""
    check(num_spins <= MAX_SPINS, "spins", num_spins, f"at most {MAX_SPINS} spins for an exact state vector")
    return output_states(num_spins)


@dataclass(frozen=True, eq=False)
class AnnealingUnitary:
    """The evolution of a whole anneal for each of B problems, as an operator on state vectors (B, 2^N), and its inverse.

    energies: (B, 2^N). duration: of the anneal, in the inverse of the schedule's unit; with the tables here, of the transverse
    field at the start. steps: Trotter steps.
    """

    energies: Float64[np.ndarray, "B K"]
    duration: float
    steps: int
    schedule: AnnealingSchedule = field(default_factory=lambda: load_schedule("linear"))

    def __post_init__(self) -> None:
        _check_anneal(self.duration, self.steps)
        check(np.isfinite(self.energies).all(), "energies", "NaN or infinity", "finite energies")

    @property
    def start(self) -> Complex128[np.ndarray, "B K"]:
        """The equal superposition, ground state of the transverse field."""
        return np.full(self.energies.shape, self.energies.shape[1] ** -0.5, np.complex128)

    def apply(self, state: Complex128[np.ndarray, "B K"], *, backwards: bool = False) -> Complex128[np.ndarray, "B K"]:
        """U |state>: the anneal from s = 0 to 1; backwards U^dagger |state>, the same steps backwards in time."""
        step = self.duration / self.steps
        transverse, problem = self.schedule.at((np.arange(self.steps) + 0.5) / self.steps)
        halves = np.concatenate([[0.0], step * problem / 2, [0.0]])
        angles, phases = step * transverse, halves[:-1] + halves[1:]
        if backwards:
            angles, phases = -angles[::-1], -phases[::-1]
        real, imaginary = np.ascontiguousarray(state.real), np.ascontiguousarray(state.imag)
        evolve(real, imaginary, self.energies, phases, angles)
        return real + 1j * imaginary


def _check_anneal(duration: float, steps: int) -> None:
    check_number("duration", duration, above=True)
    check_count("steps", steps)


@dataclass(frozen=True)
class CoherentSampler:
    """Reads drawn from |psi|^2 at the end of an exactly simulated coherent anneal; at most 20 spins.

    duration, steps: as in `AnnealingUnitary`. schedule: `linear`, `dwave-like` or the path of a table, see `load_schedule`.
    """

    duration: float = 20.0
    steps: int = 200
    schedule: str = "linear"

    name: ClassVar[str] = "coherent"
    kind: ClassVar[str] = "exact simulation of coherent quantum dynamics"

    def __post_init__(self) -> None:
        _check_anneal(self.duration, self.steps)
        load_schedule(self.schedule)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        states = configurations(problem.num_spins)
        schedule = load_schedule(self.schedule)
        uniform = np.random.default_rng(seed).random((problem.num_images, num_reads))
        spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
        images_at_once = max(1, _BLOCK_AMPLITUDES // len(states))
        for image in range(0, problem.num_images, images_at_once):
            images = np.arange(problem.num_images)[image : image + images_at_once]
            unitary = AnnealingUnitary(all_energies(problem.select(images)), self.duration, self.steps, schedule)
            spins[images] = states[drawn_rows(np.abs(unitary.apply(unitary.start)) ** 2, uniform[images])]
        return Reads(spins, problem.energy(spins), {"spin_updates": 0})
