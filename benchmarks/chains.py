"""Markov chains at a fixed temperature, beside other projects: python -m benchmarks.chains [--chains 1000] [--sweeps 200].

One network K_120,40 with gaussian couplings and fields of unit size, at 1.5 times its spin-glass temperature, T = 1.5 (120 x 40)^(1/4). All
samplers make block-Gibbs sweeps, so that their chains must have the same mean energy and the same integrated autocorrelation time of the
energy, tau = 1 + 2 sum_t rho(t), summed until rho is below 0. Chains x sweeps / tau / seconds are the effective samples a second: what a user
pays for. Seconds are those of all sweeps in one call, compilation and building the model left out; energies after every sweep come from a
second run. Without thrml 0.1.4 (JAX, Extropic) its line is left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import product
from time import perf_counter
from typing import Any, TypeAlias

import numba
import numpy as np

from benchmarks.samplers import instance
from qnn_core import IsingProblem
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.gibbs import gibbs_sweeps

SHAPE = (120, 40)
BETA = 1 / (1.5 * (SHAPE[0] * SHAPE[1]) ** 0.25)
BURN_IN = 100

Chains: TypeAlias = Callable[[int], np.ndarray]
"""Goes on for some sweeps and returns where all chains are, (chains, N) of -1 and +1."""


def ours(problem: IsingProblem, chains: int) -> Chains:
    random = np.random.default_rng(0)
    spins = np.where(random.random((1, chains, problem.num_spins)) < 0.5, 1, -1).astype(np.int8)
    betas, calls = np.full((1, chains), BETA, np.float32), 0

    def go_on(sweeps: int) -> np.ndarray:
        nonlocal spins, calls
        calls += 1
        spins = gibbs_sweeps(problem, spins, betas, sweeps, derived_seed(calls))
        return spins[0]

    return go_on


def thrml(problem: IsingProblem, chains: int) -> Chains:
    import jax
    from thrml import Block, SamplingSchedule, SpinNode, sample_states
    from thrml.models import IsingEBM, IsingSamplingProgram

    nodes = [SpinNode() for _ in range(problem.num_spins)]
    hidden, outputs = nodes[: SHAPE[0]], nodes[SHAPE[0] :]
    numbers = (jax.numpy.asarray(array.ravel()) for array in (problem.fields[0], problem.couplings[0], np.float32(BETA)))
    fields, couplings, beta = numbers
    model = IsingEBM(nodes, list(product(hidden, outputs)), fields, couplings, beta[0])
    blocks = [Block(hidden), Block(outputs)]
    program = IsingSamplingProgram(model, blocks, [])
    key = jax.random.key(0)
    states = [jax.random.bernoulli(key, 0.5, (chains, size)) for size in SHAPE]

    @partial(jax.jit, static_argnums=2)
    def swept(keys: Any, states: Any, sweeps: int) -> Any:
        def one(key: Any, state: Any) -> Any:
            return sample_states(key, program, SamplingSchedule(sweeps, 1, 1), state, [], blocks)

        return [found[:, 0] for found in jax.vmap(one)(keys, states)]

    def go_on(sweeps: int) -> np.ndarray:
        nonlocal key, states
        key, own = jax.random.split(key)
        states = swept(jax.random.split(own, chains), states, sweeps)
        return np.where(np.concatenate([np.asarray(state) for state in states], axis=1), 1, -1).astype(np.int8)

    return go_on


def autocorrelation_time(energies: np.ndarray) -> float:
    """tau in sweeps of energies (sweeps, chains), all chains in equilibrium."""
    away = energies - energies.mean()
    number = len(away)
    rho = np.array([(away[: number - lag] * away[lag:]).mean() for lag in range(number // 4)]) / (away**2).mean()
    ends = int(np.argmax(rho < 0)) if (rho < 0).any() else len(rho)
    return float(1 + 2 * rho[1:ends].sum())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chains", description=(__doc__ or "").splitlines()[0])
    for name, default in (("chains", 1000), ("sweeps", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    problem = instance(SHAPE, 1, seed=1)
    print(
        f"K_{SHAPE[0]},{SHAPE[1]} at beta {BETA:.4f}, {options.chains} chains, {options.sweeps} sweeps, {numba.get_num_threads()} threads"
    )
    print(f"{'':26}{'ns an update':>14}{'mean energy':>18}{'tau, sweeps':>13}{'effective samples / s':>23}")
    makers = {"gibbs": ours, **({"thrml, float32 on the CPU": thrml} if find_spec("thrml") else {})}
    for label, make in makers.items():
        go_on = make(problem, options.chains)
        go_on(BURN_IN)
        go_on(options.sweeps)  # Compiles what the number of sweeps decides.
        start = perf_counter()
        go_on(options.sweeps)
        seconds = perf_counter() - start
        energies = np.array([problem.energy(go_on(1)[None])[0] for _ in range(options.sweeps)], np.float64)
        tau, updates = autocorrelation_time(energies), options.chains * options.sweeps
        error = energies.mean(axis=0).std() / np.sqrt(options.chains)
        mean = f"{energies.mean():.2f} +- {error:.2f}"
        print(
            f"{label:26}{1e9 * seconds / updates / sum(SHAPE):>14.2f}{mean:>18}{tau:>13.2f}{updates / tau / seconds:>23.3g}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
