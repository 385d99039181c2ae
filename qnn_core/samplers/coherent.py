"""A fully coherent transverse-field annealer, simulated exactly for up to 20 spins.

    H(s) = -(1 - s) sum_n X_n + s E(Z),     s = t / duration from 0 to 1,     hbar = 1,

starting in the ground state of the first term, the equal superposition of all configurations. Time steps are symmetric Trotter
products exp(-i dt s E / 2) exp(i dt (1 - s) sum X) exp(-i dt s E / 2), each factor exact, s taken at the middle of the step, so
the only error is of order dt^2 (Suzuki, Phys. Lett. A 146, 319 (1990)); the norm is conserved to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Complex128, Float64, Int8

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, check_num_reads, check_seed
from qnn_core.samplers.exact import output_states

MAX_SPINS = 20


def all_energies(problem: IsingProblem) -> Float64[np.ndarray, "B K"]:
    """Energy of each of the 2^N configurations, in the order of `configurations`, for each image."""
    states = configurations(problem.num_spins)
    energies = [problem.select(np.array([image])).energy(states[None])[0] for image in range(problem.num_images)]
    return np.array(energies, np.float64)


def configurations(num_spins: int) -> Int8[np.ndarray, "K N"]:
    """All 2^N configurations; bit n of the row number is spin n, 1 for +1."""
    if num_spins > MAX_SPINS:
        raise InvalidInput("spins", num_spins, f"at most {MAX_SPINS} spins for an exact state vector")
    return output_states(num_spins)


@dataclass(frozen=True, eq=False)
class AnnealingUnitary:
    """The evolution of a whole anneal for each of B problems, as an operator on state vectors (B, 2^N), and its inverse.

    energies: (B, 2^N). duration: of the anneal, in units of 1 / transverse field. steps: Trotter steps.
    """

    energies: Float64[np.ndarray, "B K"]
    duration: float
    steps: int

    def __post_init__(self) -> None:
        if not (np.isfinite(self.duration) and self.duration > 0):
            raise InvalidInput("duration", self.duration, "a finite time above 0")
        if self.steps < 1:
            raise InvalidInput("steps", self.steps, "at least one Trotter step")
        if not np.isfinite(self.energies).all():
            raise InvalidInput("energies", "NaN or infinity", "finite energies")

    @property
    def start(self) -> Complex128[np.ndarray, "B K"]:
        """The equal superposition, ground state of the transverse field."""
        return np.full(self.energies.shape, self.energies.shape[1] ** -0.5, np.complex128)

    def apply(self, state: Complex128[np.ndarray, "B K"]) -> Complex128[np.ndarray, "B K"]:
        """U |state>: the anneal from s = 0 to 1."""
        return self._evolve(state, forward=True)

    def apply_inverse(self, state: Complex128[np.ndarray, "B K"]) -> Complex128[np.ndarray, "B K"]:
        """U^dagger |state>: the same steps backwards in time."""
        return self._evolve(state, forward=False)

    def _evolve(self, state: np.ndarray, forward: bool) -> np.ndarray:
        step = (1 if forward else -1) * self.duration / self.steps
        moments = (np.arange(self.steps) + 0.5) / self.steps
        state = state.copy()
        for moment in moments if forward else moments[::-1]:
            half = np.exp(-0.5j * step * moment * self.energies)
            state *= half
            state = _turn(state, step * (1 - moment))
            state *= half
        return state


def _turn(state: np.ndarray, angle: float) -> np.ndarray:
    """exp(i angle sum_n X_n) on every spin of the state vectors."""
    stay, flip = np.cos(angle), 1j * np.sin(angle)
    images, size = state.shape
    for spin in range(size.bit_length() - 1):
        pairs = state.reshape(images, size >> (spin + 1), 2, 1 << spin)
        state = (stay * pairs + flip * pairs[:, :, ::-1]).reshape(images, size)
    return state


@dataclass(frozen=True)
class CoherentSampler:
    """Reads drawn from |psi|^2 at the end of an exactly simulated coherent anneal; at most 20 spins.

    duration: in units of 1 / transverse field. steps: Trotter steps.
    """

    duration: float = 20.0
    steps: int = 200

    name: ClassVar[str] = "coherent"
    kind: ClassVar[str] = "exact simulation of coherent quantum dynamics"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads)
        check_seed(seed)
        random = np.random.default_rng(seed)
        states = configurations(problem.num_spins)
        spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
        for image in range(problem.num_images):
            unitary = AnnealingUnitary(all_energies(problem.select(np.array([image]))), self.duration, self.steps)
            probability = np.abs(unitary.apply(unitary.start)[0]) ** 2
            chosen = random.choice(len(probability), size=num_reads, p=probability / probability.sum())
            spins[image] = states[chosen]
        return Reads(spins, problem.energy(spins), {"spin_updates": 0, "trotter_steps": self.steps * problem.num_images})
