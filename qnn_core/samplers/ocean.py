"""Samplers of D-Wave's Ocean as ours, one binary quadratic model per image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from qnn_core.errors import AnnealerError, check, check_number
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, annealing_betas, check_num_reads, check_schedule, derived_seed, own_range

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
    temperature of the quantum system, in the problem's units of energy. None for the own scale of the couplings: the cold end of `own_range`,
    and as `transverse` the largest pull on a layer.
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


@dataclass(frozen=True, repr=False)
class OceanSampler:
    """Any sampler of Ocean, composed or not.

    sampler: that sampler. options: further arguments of its `sample`. It gets `num_reads` and a seed if it accepts them; without a seed, runs
    do not repeat read for read. If it returns more reads than asked for, the lowest are kept; if fewer, they are repeated in turn.
    `reads_an_image` in `info` is the smallest number of reads returned for an image.
    """

    sampler: dimod.Sampler
    options: Mapping[str, Any] = field(default_factory=dict)

    name: ClassVar[str] = "ocean"

    def __post_init__(self) -> None:
        bare = hasattr(self.sampler, "nodelist") and not hasattr(self.sampler, "children")
        allowed = "it in an EmbeddingComposite, since networks do not lie on its graph; for a D-Wave machine rather the name qpu"
        check(not bare, "sampler", type(self.sampler).__name__, allowed)

    @property
    def kind(self) -> str:
        """The classes of the sampler and of what it is composed of."""
        return f"{_composition(self.sampler)} of Ocean"

    def __repr__(self) -> str:
        told = "".join(f", {name}={value!r}" for name, value in sorted(self.options.items()))
        return f"OceanSampler({_composition(self.sampler)}{told})"

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        return _each_image(self.sampler, problem, num_reads, seed, 0, dict(self.options))


def _composition(sampler: dimod.Sampler) -> str:
    children = ", ".join(map(_composition, getattr(sampler, "children", None) or ()))
    return type(sampler).__name__ + (f"({children})" if children else "")


def _each_image(
    sampler: dimod.Sampler, problem: IsingProblem, num_reads: int, seed: int, sweeps: int, options: dict[str, Any]
) -> Reads:
    check_num_reads(num_reads, seed)
    start = perf_counter()
    answers = []
    for image in range(problem.num_images):
        # Small seeds give poor first random numbers in dwave-samplers, hence a hashed one of 31 bits.
        known = {"num_reads": num_reads, "seed": derived_seed(seed, image) & 0x7FFFFFFF}
        told = {name: value for name, value in known.items() if name in sampler.parameters}
        answers.append(sampler.sample(problem.to_bqm(image), **{**told, **options}))
    came = [int(answer.record.num_occurrences.sum()) for answer in answers]
    if not all(came):
        takes = f"look whether it takes problems of {problem.num_spins} spins."
        raise AnnealerError(f"{_composition(sampler)} gave no reads of an image: {takes}")
    spins = np.stack([_as_asked(answer, num_reads) for answer in answers])
    timings = [answer.info.get("timing", {}) for answer in answers]
    known_time = all("sampling_ns" in timing for timing in timings)
    info = {
        "spin_updates": spins.size * sweeps,
        "kernel_seconds": 1e-9 * sum(timing["sampling_ns"] for timing in timings) if known_time else perf_counter() - start,
        "reads_an_image": min(came),
    }
    return Reads(spins, problem.energy(spins), info)


def _as_asked(answer: dimod.SampleSet, num_reads: int) -> Int8[np.ndarray, "R N"]:
    """The reads of one image, each as often as it occurred, the spins in our order."""
    answer = answer.change_vartype("SPIN", inplace=False)
    rows = np.repeat(np.arange(len(answer)), answer.record.num_occurrences)
    if len(rows) > num_reads:
        rows = rows[np.argsort(answer.record.energy[rows], kind="stable")[:num_reads]]
    return answer.record.sample[np.resize(rows, num_reads)][:, np.argsort(np.array(answer.variables))].astype(np.int8, copy=False)
