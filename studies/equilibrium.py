"""Studies in thermal equilibrium: random glasses that are understood, and networks along their training."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.landscape.overlaps import binder, binder_error, susceptibility
from qnn_core.landscape.tempering import Equilibrium, parallel_tempering
from qnn_core.network import QNN
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import Interval, mean_interval
from studies.stored import stack_rows


def random_glass(hidden: int, outputs: int, random: np.random.Generator) -> IsingProblem:
    """Two layers, gaussian couplings scaled to T_c = sigma (N_h N_o)^(1/4) = 1, no fields."""
    couplings = (hidden * outputs) ** -0.25 * random.standard_normal((hidden, outputs))
    return IsingProblem((hidden, outputs), np.zeros((1, hidden + outputs), np.float32), (couplings.astype(np.float32),))


def random_glasses(
    sizes: tuple[int, int], temperatures: Float64[np.ndarray, " T"], samples: int, sweeps: int, measurements: int, seed: int
) -> dict[str, np.ndarray]:
    """Equilibrium of `samples` random glasses of `sizes` = (hidden, outputs) at temperatures in units of T_c.

    Returns binder (T,), Binder's cumulant; chi (samples, T), N <q^2>, the susceptibility of the symmetric phase; identity (T,), the energy
    divided by - beta sigma^2 N_h N_o (1 - [<q_h q_o>]), 1 in equilibrium; binder_error and identity_error (T,), standard errors over
    samples; equilibrated (samples, T); acceptance (samples, T - 1); spin_updates (samples,), spent at all temperatures.
    """
    hidden, outputs = sizes
    random = np.random.default_rng([seed, hidden, outputs])
    rows = []
    for sample in range(samples):
        problem = random_glass(hidden, outputs, random)
        found = parallel_tempering(
            problem, temperatures, sweeps, derived_seed(seed, hidden, sample), measurements=measurements, strict=False
        )
        q = found.overlaps["all"].astype(np.float64)
        product = found.overlaps["0"].astype(np.float64) * found.overlaps["1"]
        row: dict[str, np.ndarray] = {
            "second": (q**2).mean(axis=(0, 1, 3)),
            "fourth": (q**4).mean(axis=(0, 1, 3)),
            "energy": found.energies.mean(axis=(0, 1, 3), dtype=np.float64),
            "product": product.mean(axis=(0, 1, 3)),
            "equilibrated": found.equilibrated,
            "acceptance": found.acceptance,
            "spin_updates": np.array(sweeps * found.spins.size),
        }
        rows.append(row)
    stacked = stack_rows(rows)
    expected = -np.sqrt(hidden * outputs) / temperatures * (1 - stacked["product"])
    ratio = stacked["energy"].mean(axis=0) / expected.mean(axis=0)
    # Of a ratio of means: the scatter of numerator minus ratio times denominator.
    residual = (stacked["energy"] - ratio * expected).std(axis=0, ddof=1) / np.sqrt(samples)
    return {
        "binder": binder(stacked["second"].mean(axis=0), stacked["fourth"].mean(axis=0)),
        "binder_error": binder_error(stacked["second"], stacked["fourth"]),
        "chi": (hidden + outputs) * stacked["second"],
        "identity": ratio,
        "identity_error": residual / np.abs(expected.mean(axis=0)),
        "equilibrated": stacked["equilibrated"],
        "acceptance": stacked["acceptance"],
        "spin_updates": stacked["spin_updates"],
    }


def follow_equilibrium(
    net: QNN,
    snapshots: dict[int, list[np.ndarray]],
    x: Float32[np.ndarray, "B D"],
    temperatures: Float64[np.ndarray, " T"],
    sweeps: int,
    measurements: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Equilibrium of B images at every snapshot of a training run.

    Returns arrays over S snapshots: q, the mean |q| of two replicas, and chi, the spin-glass susceptibility, (S, T, B); energy, the mean
    per spin, (S, T, B); equilibrated (S, T); acceptance (S, T - 1); spin_updates (S,), spent at all temperatures.
    """
    rows = []
    net = net.copy()
    for step, parameters in snapshots.items():
        net.set_parameters(parameters)
        found = parallel_tempering(
            net.problem(x), temperatures, sweeps, derived_seed(seed, step), measurements=measurements, strict=False
        )
        rows.append({**_observables(found), "spin_updates": np.array(sweeps * found.spins.size)})
    return stack_rows(rows)


def _observables(found: Equilibrium) -> dict[str, np.ndarray]:
    q = found.overlaps["all"].astype(np.float64)
    spins = found.num_spins["all"]
    return {
        "q": np.abs(q).mean(axis=(0, 3)).T,
        "chi": susceptibility(q, spins).mean(axis=0).T,
        "energy": found.energies.mean(axis=(0, 3), dtype=np.float64).T / spins,
        "equilibrated": found.equilibrated,
        "acceptance": found.acceptance,
    }


def glass_temperature(net: QNN) -> float:
    """Spin-glass temperature of random couplings as strong as the network's: with no structure, it would be a glass below it.

    T_c^2 is the largest eigenvalue of the tridiagonal matrix whose entries are sigma_l^2 sqrt(N_l N_{l+1}), sigma_l being the root mean
    square of the couplings between two layers of N_l and N_{l+1} spins; sigma (N_h N_o)^(1/4) for one hidden layer.
    """
    couplings = net.weights[1:]
    entries = np.array([np.mean(matrix.astype(np.float64) ** 2) * np.sqrt(matrix.size) for matrix in couplings])
    return float(np.sqrt(np.linalg.eigvalsh(np.diag(entries, 1) + np.diag(entries, -1))[-1]))


def melting_temperature(
    temperatures: Float64[np.ndarray, " T"], order: Float64[np.ndarray, "S T"], level: float = 0.5
) -> Float64[np.ndarray, " S"]:
    """Where the order last falls through `level` as the temperature rises, linear in its logarithm; NaN if it does not."""
    melting = np.full(len(order), np.nan)
    for row, values in enumerate(order):
        above = np.flatnonzero(values >= level)
        if above.size and above[-1] + 1 < len(values):
            low = above[-1]
            part = (values[low] - level) / (values[low] - values[low + 1])
            melting[row] = temperatures[low] * (temperatures[low + 1] / temperatures[low]) ** part
    return melting


def growth(steps: np.ndarray, values: Float64[np.ndarray, "R S"]) -> Interval:
    """Power kappa of values ~ steps^kappa: the slope of a straight line through the logarithms of each run, with its scatter over R runs."""
    if len(steps) < 2:
        raise InvalidInput("steps", steps, "at least two, to tell how the values grow")
    slopes = np.polyfit(np.log(steps), np.log(values).T, 1)[0]
    return mean_interval(slopes)
