"""Amplitude amplification of a coherent annealer's own final state.

Let U be the whole anneal and U|start> its final state, with heads carrying the weight p = sin^2(theta). One step of
Q = -U S_start U^dagger S_heads, where S changes the sign of the states named, turns the state by 2 theta, so that after m steps a
read is a head with probability sin^2((2m + 1) theta) (Brassard, Hoyer, Mosca, Tapp, quant-ph/0005055). A step uses the oracle
for heads once and the anneal twice, once backwards. Everything here is an exact simulation on a classical computer.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from qnn_core.errors import InvalidInput
from qnn_core.network import QNN
from qnn_core.samplers.coherent import AnnealingUnitary, configurations
from qnn_core.statistics import Interval


def head_states(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    energies: Float64[np.ndarray, "B K"],
    margin: float,
) -> Bool[np.ndarray, "B K"]:
    """Which of the 2^N configurations are heads of each image: wrong class, energy at most the clamped state's plus margin."""
    problem = net.problem(x)
    bar = problem.energy(net.clamped(x, labels)[:, None]) + margin
    outputs = problem.split(configurations(problem.num_spins))[-1]
    wrong = net.is_wrong(np.broadcast_to(outputs, (len(x), *outputs.shape)), labels)
    return wrong & (energies <= bar)


def single_heads(unitary: AnnealingUnitary, heads: Bool[np.ndarray, "B K"]) -> list[Float64[np.ndarray, " heads_of_image"]]:
    """Weight in the annealed state of each head that is a minimum (no single flip lowers its energy), image by image."""
    rows = np.arange(unitary.energies.shape[1])
    stable = heads.copy()
    for spin in range(len(rows).bit_length() - 1):
        stable &= unitary.energies <= unitary.energies[:, rows ^ (1 << spin)]
    weights = np.abs(unitary.apply(unitary.start)) ** 2
    return [image[chosen] for image, chosen in zip(weights, stable, strict=True)]


def head_weights(unitary: AnnealingUnitary, heads: Bool[np.ndarray, "B K"]) -> Float64[np.ndarray, " B"]:
    """p: probability that one read of the plain anneal is a head, for each image."""
    return ((np.abs(unitary.apply(unitary.start)) ** 2) * heads).sum(axis=1)


def amplify(unitary: AnnealingUnitary, heads: Bool[np.ndarray, "B K"], steps: int) -> Float64[np.ndarray, "B m"]:
    """Probability of reading a head after 0, 1, ... `steps` steps of amplitude amplification, by applying them all."""
    if heads.shape != unitary.energies.shape:
        raise InvalidInput("heads", f"shape {heads.shape}", f"shape {unitary.energies.shape}, one mark a configuration")
    if steps < 0:
        raise InvalidInput("steps", steps, "a whole number of at least 0")
    start = unitary.start
    state = unitary.apply(start)
    found = [(np.abs(state) ** 2 * heads).sum(axis=1)]
    for _ in range(steps):
        state = np.where(heads, -state, state)
        state = unitary.apply_inverse(state)
        state = 2 * start * (start.conj() * state).sum(axis=1, keepdims=True) - state
        state = unitary.apply(state)
        found.append((np.abs(state) ** 2 * heads).sum(axis=1))
    return np.stack(found, axis=1)


def amplified_probability(p: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """sin^2((2m + 1) theta) with p = sin^2(theta)."""
    return np.sin((2 * steps + 1) * np.arcsin(np.sqrt(p))) ** 2


def oracle_calls(
    p: Float64[np.ndarray, " S"], seed: int, *, growth: float = 6 / 5, most: float = np.inf
) -> Float64[np.ndarray, " S"]:
    """Oracle calls to find a head of unknown total weight p, drawn once for each of S searches; NaN where `most` calls are not enough.

    The schedule of Boyer, Brassard, Hoyer, Tapp (quant-ph/9605034): amplify a random number of steps below a bound that grows by
    `growth` after every failure. Each attempt costs its steps and one call to check the read; the anneals are twice the steps,
    plus one. A read succeeds with the exact probability sin^2((2m + 1) theta). A p of 0 is searched in vain, with a finite `most` only.
    """
    if not (p >= 0).all() or (p > 1 + 1e-9).any() or (not np.isfinite(most) and not (p > 0).all()):
        raise InvalidInput("p", p, "weights above 0 and at most 1; 0 only with a finite number of calls")
    random = np.random.default_rng(seed)
    calls = np.zeros(len(p))
    bound = 1.0
    searching = np.arange(len(p))
    while searching.size:
        steps = random.integers(0, int(np.ceil(bound)), size=searching.size)
        calls[searching] += steps + 1
        success = random.random(searching.size) < amplified_probability(np.minimum(p[searching], 1.0), steps)
        over = calls[searching] > most
        calls[searching[over]] = np.nan
        searching = searching[~success & ~over]
        bound *= growth
    return calls


def power_of(p: Float64[np.ndarray, " P"], calls: Float64[np.ndarray, " P"], seed: int, resamples: int = 200) -> Interval:
    """The exponent k of calls ~ p^k by least squares in the logarithms, with a 95 % interval from resampling the weights."""
    if len(p) < 10 or np.ptp(np.log10(p)) < 1:
        raise InvalidInput("p", f"{len(p)} weights", "at least ten weights over at least a decade")
    draws = np.random.default_rng(seed).integers(len(p), size=(resamples, len(p)))
    logs, heights = np.log(p), np.log(calls)
    samples = [np.polyfit(logs[draw], heights[draw], 1)[0] for draw in draws]
    low, high = np.quantile(samples, [0.025, 0.975])
    return Interval(float(np.polyfit(logs, heights, 1)[0]), float(low), float(high))
