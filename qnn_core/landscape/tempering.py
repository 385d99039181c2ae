"""Thermal equilibrium by parallel tempering, with evidence that it was reached.

Replicas of one problem at neighbouring temperatures are exchanged by the Metropolis rule (Hukushima, Nemoto, J. Phys. Soc. Jpn. 65, 1604
(1996)); between exchanges each makes a few block-Gibbs sweeps. Every temperature has an even number of replicas, which share nothing
but the problem: half of them start from random spins, half from deep annealed states. In equilibrium both must have the same energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int64

from qnn_core.errors import NotEquilibrated, check, check_count
from qnn_core.ising import IsingProblem, relax
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.gibbs import GibbsSampler, gibbs_sweeps

_TOLERATED_ERRORS = 4.0
"""Standard errors that the two halves' energies may differ by: of some twenty temperatures hardly one does so by chance."""
_BLOCKS = 5
"""Into which a replica's measurements are cut to see how much its mean may be off."""
_TOLERATED_ENERGY = 2e-3
"""Difference of the two halves' energies that is no cause for worry, in units of energy per spin and of the temperature."""


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """M measurements of B problems at T temperatures with R replicas each.

    temperatures: (T,) rising. energies: (M, B, T, R). overlaps: by name ("all", and the layers' numbers as "0", "1", ..), (M, B, T, P) for
    the P = R (R - 1) / 2 pairs of replicas, in the order of `numpy.triu_indices`. spins: (B, T, R, N) the last configurations.
    acceptance: (T - 1,) fraction of accepted exchanges between neighbouring temperatures. num_spins: by the names of `overlaps`.
    alignment: (M, B, T, R) overlaps of all spins with the `target` of each problem, NaN without one. spin_updates: spent at all temperatures.
    """

    temperatures: Float64[np.ndarray, " T"]
    energies: Float32[np.ndarray, "M B T R"]
    overlaps: dict[str, Float32[np.ndarray, "M B T P"]]
    spins: Int8[np.ndarray, "B T R N"]
    acceptance: Float64[np.ndarray, " T1"]
    num_spins: dict[str, int]
    alignment: Float32[np.ndarray, "M B T R"]
    spin_updates: int

    @property
    def start_gap(self) -> Float64[np.ndarray, " T"]:
        """Mean energy per spin of the replicas that started at random minus that of those that started deep."""
        half = self.energies.shape[-1] // 2
        means = self.energies.mean(axis=(0, 1), dtype=np.float64)
        return (means[:, :half].mean(axis=1) - means[:, half:].mean(axis=1)) / self.num_spins["all"]

    @property
    def start_gap_error(self) -> Float64[np.ndarray, " T"]:
        """Its standard error, from how the means of blocks of measurements scatter within each replica."""
        blocks = np.array_split(self.energies.astype(np.float64), _BLOCKS)
        means = np.stack([block.mean(axis=0) for block in blocks])
        errors = means.var(axis=0, ddof=1) / _BLOCKS
        problems, _, replicas = errors.shape
        return 2 * np.sqrt(errors.sum(axis=(0, 2))) / (problems * replicas) / self.num_spins["all"]

    @property
    def equilibrated(self) -> Bool[np.ndarray, " T"]:
        """At which temperatures both starts agree: within 0.002 T per spin, or within four standard errors."""
        tolerated = np.maximum(_TOLERATED_ENERGY * self.temperatures, _TOLERATED_ERRORS * self.start_gap_error)
        return np.abs(self.start_gap) <= tolerated


def parallel_tempering(
    problem: IsingProblem,
    temperatures: Sequence[float] | np.ndarray,
    sweeps: int,
    seed: int,
    *,
    replicas: int = 4,
    measurements: int = 100,
    between: int = 4,
    strict: bool = True,
    device: str = "cpu",
    target: Int8[np.ndarray, "B N"] | None = None,
) -> Equilibrium:
    """Sample every problem of a batch in equilibrium at every temperature.

    temperatures: different, above 0, in units of energy. sweeps: of every replica, with exchanges after every `between` of them. The
    first half is discarded; `measurements` evenly spaced ones are taken in the second. replicas: per temperature, even and at least 4, as
    the susceptibility needs. seed: of starts and moves. Raises NotEquilibrated if the two kinds of start disagree at the end, unless
    `strict` is False. device: where the sweeps run, as for `GibbsSampler`. target: a state of each problem.
    """
    temperatures = np.sort(np.asarray(temperatures, np.float64))
    fits = temperatures.ndim == 1 and len(temperatures) >= 2 and (temperatures > 0).all() and (np.diff(temperatures) > 0).all()
    check(fits, "temperatures", temperatures, "at least two different numbers above 0")
    check_count("measurements", measurements, least=2 * _BLOCKS)
    check_count("between", between)
    check_count("sweeps", sweeps, least=2 * measurements * between)
    check_count("seed", seed, least=0)
    check(replicas >= 4 and replicas % 2 == 0, "replicas", replicas, "an even number of at least 4")
    run = _Run(problem, temperatures, replicas, seed, device)
    rounds = sweeps // between
    kept = np.linspace(rounds / 2, rounds, measurements + 1).round().astype(int)[1:]
    towards = np.full((problem.num_images, problem.num_spins), np.nan) if target is None else target
    measured: list[dict[str, np.ndarray]] = []
    for number in range(1, rounds + 1):
        run.advance(number, between)
        if number in kept:
            alignment = run.sorted(run.spins @ (towards / np.float32(problem.num_spins))[:, :, None])[..., 0]
            measured.append({"energies": run.sorted(run.energies), "alignment": alignment, **run.overlaps()})
    found = {name: np.stack([values[name] for values in measured]) for name in measured[0]}
    equilibrium = Equilibrium(
        temperatures, found.pop("energies"), spins=run.sorted(run.spins), acceptance=run.accepted / np.maximum(run.tried, 1),
        num_spins={"all": problem.num_spins, **{str(layer): size for layer, size in enumerate(problem.layers)}},
        alignment=found.pop("alignment").astype(np.float32), overlaps=found, spin_updates=rounds * between * run.spins.size,
    )  # fmt: skip
    if strict and not equilibrium.equilibrated.all():
        cold = ", ".join(f"{temperature:.3g}" for temperature in temperatures[~equilibrium.equilibrated])
        raise NotEquilibrated(
            f"After {sweeps} sweeps replicas started at random and from deep states differ in energy at temperature {cold}; "
            "use more sweeps, or higher temperatures."
        )
    return equilibrium


class _Run:
    """The configurations and which temperature each has: families of T replicas exchange temperatures among themselves."""

    def __init__(self, problem: IsingProblem, temperatures: np.ndarray, replicas: int, seed: int, device: str) -> None:
        self.problem, self.seed, self.device = problem, seed, device
        self.betas = (1 / temperatures).astype(np.float32)
        self.shape = (problem.num_images, replicas, len(temperatures))
        self.random = np.random.default_rng([seed, 1])
        half = replicas // 2 * len(temperatures)
        at_random = self.random.integers(0, 2, (problem.num_images, half, problem.num_spins), np.int8) * 2 - 1
        deep = relax(
            problem, GibbsSampler(sweeps=100, beta=(0.1, 5.0), device=device).sample(problem, half, derived_seed(seed, 0)).spins
        )
        self.spins: Int8[np.ndarray, "B R N"] = np.concatenate([at_random, deep], axis=1)
        # holder[b, r, t]: the configuration of family r that is at temperature t.
        self.holder: Int64[np.ndarray, "B R T"] = np.broadcast_to(
            np.arange(self.spins.shape[1]).reshape(self.shape[1:]), self.shape
        ).copy()
        self.energies = problem.energy(self.spins)
        self.accepted = np.zeros(len(temperatures) - 1)
        self.tried = np.zeros(len(temperatures) - 1)

    def advance(self, number: int, sweeps: int) -> None:
        """Some sweeps of every replica, then exchanges between every second pair of neighbouring temperatures."""
        betas = np.empty(self.spins.shape[:2], np.float32)
        flat = self.holder.reshape(len(self.holder), -1)
        np.put_along_axis(betas, flat, np.broadcast_to(self.betas, self.shape).reshape(flat.shape), axis=1)
        self.spins = gibbs_sweeps(self.problem, self.spins, betas, sweeps, derived_seed(self.seed, 2, number), self.device)
        self.energies = self.problem.energy(self.spins)
        lower = np.arange(number % 2, self.shape[2] - 1, 2)
        at = np.take_along_axis(self.energies, flat, axis=1).reshape(self.shape)
        gain = (self.betas[lower] - self.betas[lower + 1]) * (at[..., lower] - at[..., lower + 1])
        swap = np.log(self.random.random(gain.shape)) < gain
        low, high = self.holder[..., lower], self.holder[..., lower + 1]
        self.holder[..., lower] = np.where(swap, high, low)
        self.holder[..., lower + 1] = np.where(swap, low, high)
        self.accepted[lower] += swap.mean(axis=(0, 1))
        self.tried[lower] += 1

    def sorted(self, values: np.ndarray) -> np.ndarray:
        """Values of the configurations, (B, R T, ..), by temperature and replica: (B, T, R, ..)."""
        return values[np.arange(len(values))[:, None, None], self.holder.transpose(0, 2, 1)]

    def overlaps(self) -> dict[str, np.ndarray]:
        """Overlaps of all pairs of replicas at equal temperature, (B, T, P), of all spins and of each layer."""
        spins = self.sorted(self.spins).astype(np.float32)
        first, second = np.triu_indices(self.shape[1], k=1)
        products = {}
        for layer, part in enumerate(self.problem.layer_slices):
            values = spins[..., part]
            products[str(layer)] = (values @ values.swapaxes(-1, -2))[..., first, second]
        whole = sum(products.values()) / self.problem.num_spins
        layers = {name: products[name] / size for name, size in zip(products, self.problem.layers, strict=True)}
        return {"all": np.asarray(whole), **layers}
