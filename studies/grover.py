"""Amplitude amplification of a coherent annealer's own final state.

Let U be the whole anneal and U|start> its final state, with heads carrying the weight p = sin^2(theta). One step of
Q = -U S_start U^dagger S_heads, where S changes the sign of the states named, turns the state by 2 theta, so that after m steps a
read is a head with probability sin^2((2m + 1) theta) (Brassard, Hoyer, Mosca, Tapp, quant-ph/0005055). A step uses the oracle
for heads once and the anneal twice, once backwards. Everything here is an exact simulation on a classical computer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
from jaxtyping import Bool, Float64

from qnn_core.errors import InvalidInput, check, check_count
from qnn_core.network import QNN
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.coherent import AnnealingUnitary, all_energies, configurations
from qnn_core.statistics import UNKNOWN, Interval, percentile_interval, resampled
from studies.stored import Arrays, Images, Labels, networks_of

RARE = 0.03
"""Weight below which the law of calls is fitted: where heads are common, amplification does not pay."""
_GROWTH = 6 / 5


def head_states(
    net: QNN, x: Images, labels: Labels, energies: Float64[np.ndarray, "B K"], margin: float
) -> Bool[np.ndarray, "B K"]:
    """Which of the 2^N configurations are heads of each image: wrong class, energy at most the clamped state's plus margin."""
    problem = net.problem(x)
    bar = problem.energy(net.clamped(x, labels)[:, None]) + margin
    outputs = problem.split(configurations(problem.num_spins))[-1]
    wrong = net.is_wrong(np.broadcast_to(outputs, (len(x), *outputs.shape)), labels)
    return wrong & (energies <= bar)


def weights_after_anneal(unitary: AnnealingUnitary, heads: Bool[np.ndarray, "B K"]) -> Float64[np.ndarray, "B K"]:
    """Probability that a read of the plain anneal shows each head, 0 for other configurations; p is the sum over an image's."""
    return np.abs(unitary.apply(unitary.start)) ** 2 * heads


def minima(energies: Float64[np.ndarray, "B K"]) -> Bool[np.ndarray, "B K"]:
    """Which of the 2^N configurations are minima: no single flip lowers their energy."""
    rows = np.arange(energies.shape[1])
    flips = [1 << spin for spin in range(len(rows).bit_length() - 1)]
    return np.logical_and.reduce([energies <= energies[:, rows ^ flip] for flip in flips])


def amplify(unitary: AnnealingUnitary, heads: Bool[np.ndarray, "B K"], steps: int) -> Float64[np.ndarray, "B m"]:
    """Probability of reading a head after 0, 1, ... `steps` steps of amplitude amplification, by applying them all."""
    expected = unitary.energies.shape
    check(heads.shape == expected, "heads", f"shape {heads.shape}", f"shape {expected}, one mark a configuration")
    check_count("steps", steps, least=0)
    start = unitary.start
    state = unitary.apply(start)
    found = [(np.abs(state) ** 2 * heads).sum(axis=1)]
    for _ in range(steps):
        state = np.where(heads, -state, state)
        state = unitary.apply(state, backwards=True)
        state = 2 * start * (start.conj() * state).sum(axis=1, keepdims=True) - state
        state = unitary.apply(state)
        found.append((np.abs(state) ** 2 * heads).sum(axis=1))
    return np.stack(found, axis=1)


def amplified_probability(p: np.ndarray | float, steps: np.ndarray) -> np.ndarray:
    """sin^2((2m + 1) theta) with p = sin^2(theta)."""
    return np.sin((2 * steps + 1) * np.arcsin(np.sqrt(p))) ** 2


def oracle_calls(p: Float64[np.ndarray, " S"], seed: int, *, most: float = np.inf) -> Float64[np.ndarray, " S"]:
    """Oracle calls to find a head of unknown total weight p, drawn once for each of S searches; NaN where `most` calls are not enough.

    The schedule of Boyer, Brassard, Hoyer, Tapp (quant-ph/9605034): amplify a random number of steps below a bound that grows by a
    fifth after every failure. Each attempt costs its steps and one call to check the read; the anneals are twice the steps,
    plus one. A read succeeds with the exact probability sin^2((2m + 1) theta). For p = 0 the search fails, and `most` must be finite.
    """
    fits = ((p >= 0) & (p <= 1 + 1e-9)).all() and (np.isfinite(most) or (p > 0).all())
    check(fits, "p", p, "weights above 0 and at most 1; 0 only with a finite number of calls")
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
        bound *= _GROWTH
    return calls


def expected_calls(p: Float64[np.ndarray, " P"]) -> Float64[np.ndarray, " P"]:
    """Mean of `oracle_calls` for each weight below 1, summed over the attempts of its schedule."""
    mean, searching, bound, theta = np.zeros(len(p)), np.ones(len(p)), 1.0, np.arcsin(np.sqrt(p))
    while searching.max(initial=0.0) > 1e-9:
        most = int(np.ceil(bound))
        mean += searching * (most + 1) / 2
        # The mean of sin^2((2m + 1) theta) over m = 0 .. most - 1 is 1/2 - sin(4 most theta) / (4 most sin(2 theta)).
        searching = searching * (0.5 + np.sin(4 * most * theta) / (4 * most * np.sin(2 * theta)))
        bound *= _GROWTH
    return mean


def plain_calls(p: Float64[np.ndarray, " S"], seed: int | list[int], *, most: float = np.inf) -> Float64[np.ndarray, " S"]:
    """The same of plain reads, each of which is one call."""
    calls = np.random.default_rng(seed).geometric(np.clip(p, 1e-12, 1)).astype(np.float64)
    return np.where((p > 0) & (calls <= most), calls, np.nan)


SINGLE_SEARCHES: dict[str, Callable[..., np.ndarray]] = {"reads": plain_calls, "amplified": oracle_calls}
"""Ways to find one head."""


def power_of(p: Float64[np.ndarray, " P"], calls: Float64[np.ndarray, " P"], seed: int) -> Interval:
    """The exponent k of calls ~ p^k by least squares in the logarithms, with a 95 % interval from resampling the weights."""
    fits = len(p) >= 10 and np.ptp(np.log10(p)) >= 1
    check(fits, "p", f"{len(p)} weights", "at least ten weights over at least a decade")
    logs, heights = np.log(p), np.log(calls)
    samples = [np.polyfit(logs[rows], heights[rows], 1)[0] for rows in resampled(len(p), 200, seed)]
    return percentile_interval(np.polyfit(logs, heights, 1)[0], np.array(samples))


def search_single_heads(
    net: QNN, snapshots: Mapping[int, list[np.ndarray]], x: Images, labels: Labels, durations: Sequence[float], *, steps: int,
    margin: float, searches: int, seed: int,
) -> Arrays:  # fmt: skip
    """Anneal images in every network for every duration, and search `searches` times for each head that is a minimum.

    durations, steps: of the anneals, as in `AnnealingUnitary`. margin: of heads.

    Returns step, of the networks; weight_of_heads (D, N, B), p of every image by duration and network; found (H,), p of the single heads in
    rising order; calls_<search> (H,), mean oracle calls to find each by plain reads and amplified; power_<search> (3,), k of calls ~ p^k for p
    below 0.03, value and interval, NaN where it cannot be fitted; simulated, predicted (M,), probability of a head after each step of
    amplification for one image, of small weight, and largest_error between the two.
    """
    anneals, singles, candidates = [], [], []
    for duration, trained in product(durations, networks_of(net, snapshots).values()):
        unitary = AnnealingUnitary(all_energies(trained.problem(x)), duration, steps)
        heads = head_states(trained, x, labels, unitary.energies, margin)
        weights = weights_after_anneal(unitary, heads)
        anneals.append(weights.sum(axis=1))
        singles.append(weights[heads & minima(unitary.energies)])
        candidates += [(p, unitary, heads, image) for image, p in enumerate(anneals[-1].tolist())]
    usable = [one for one in candidates if 1e-4 < one[0] < 0.1] or [one for one in candidates if one[0] > 0]
    p, unitary, heads, image = min(usable, key=lambda one: one[0])
    alone = AnnealingUnitary(unitary.energies[[image]], unitary.duration, unitary.steps)
    count = int(min(40, np.ceil(np.pi / 2 / np.sqrt(p))))
    simulated, predicted = amplify(alone, heads[[image]], count)[0], amplified_probability(p, np.arange(count + 1))

    found = np.sort(np.concatenate(singles))
    found = found[found > 1e-7]
    many = np.repeat(found, searches)
    arrays = {"step": np.array(list(snapshots)), "weight_of_heads": np.reshape(anneals, (len(durations), len(snapshots), len(x)))}
    arrays |= {"found": found, "simulated": simulated, "predicted": predicted}
    arrays["largest_error"] = np.abs(simulated - predicted).max()
    for number, (name, search) in enumerate(SINGLE_SEARCHES.items(), start=1):
        arrays[f"calls_{name}"] = spent = search(many, derived_seed(seed, number)).reshape(len(found), -1).mean(axis=1)
        try:
            power = power_of(found[found < RARE], spent[found < RARE], seed)
        except InvalidInput:
            power = UNKNOWN
        arrays[f"power_{name}"] = np.array(power)
    return arrays
