"""How heads differ in weight: the probability that one read shows each of them, by exact enumeration.

A head of an image is a wrong class whose code state is not above the clamped state by more than the margin; its weight p is the
probability that a read decodes to it. If the density of weights is rho(p) ~ p^-gamma, and each head is cut when a read first shows it
and none regrows, then after n reads the weight left is the integral of p rho(p) e^(-p n), which falls as n^-(2 - gamma).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import scipy
from jaxtyping import Float64
from scipy.special import logsumexp

from qnn_core.data import Dataset
from qnn_core.errors import InvalidInput, check
from qnn_core.history import History
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN
from qnn_core.powerlaw import Fit, fit_power_law, local_exponent
from qnn_core.samplers.base import Reads, Sampler, derived_seed
from qnn_core.samplers.exact import output_log_weights, output_states
from qnn_core.statistics import Interval, percentile_interval, resampled
from studies.stored import Arrays, Images, Labels, Networks, networks_of, stack_rows
from studies.training import Recipe

_LEAST_HEADS = 30
_IMAGES_FOR_BETA = 50
_STEEPEST = 30.0


def effective_beta(problem: IsingProblem, reads: Reads) -> float:
    """The inverse temperature at which Boltzmann's distribution makes the outputs of the reads most likely.

    Annealed reads are not in equilibrium; this is the temperature that describes them best (Benedetti and others, Phys. Rev. A 94, 022308
    (2016), do so for a quantum annealer). One hidden layer, at most 20 outputs. More than 50 images are not looked at.
    """
    few = np.arange(min(problem.num_images, _IMAGES_FOR_BETA))
    problem, reads = problem.select(few), Reads(reads.spins[few], reads.energies[few])
    outputs = problem.split(reads.spins)[-1]
    rows = (outputs > 0) @ (1 << np.arange(problem.layers[-1]))

    def cost(log_beta: float) -> float:
        logs = output_log_weights(problem, float(np.exp(log_beta)))
        return float(-(np.take_along_axis(logs, rows, axis=1) - logsumexp(logs, axis=1, keepdims=True)).mean())

    return float(np.exp(scipy.optimize.minimize_scalar(cost, bounds=(np.log(0.01), np.log(20)), method="bounded").x))


def weights_by_class(net: QNN, x: Images, labels: Labels, beta: float, margin: float) -> Float64[np.ndarray, "B C"]:
    """Weight of each class that is a head of each image, in Boltzmann's distribution at inverse temperature beta; NaN where it is none."""
    problem = net.problem(x)
    states = output_states(problem.layers[-1])
    classes = np.arange(net.num_classes)
    shown = net.shown(np.broadcast_to(states, (len(classes), *states.shape)), classes)
    logs = output_log_weights(problem, beta)
    chances = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    weights = np.stack([(chances * (shown[labels] == one)).sum(axis=1) for one in classes], axis=1)
    energies = net.class_energies(x)
    right = np.take_along_axis(energies, labels[:, None], axis=1)
    return np.where((energies <= right + np.float32(margin)) & (labels[:, None] != classes), weights, np.nan)


def follow_heads(
    networks: Networks, x: Images, labels: Labels, sampler: Sampler, num_reads: int, margin: float, seed: int
) -> Arrays:
    """Weights of the heads of B images in each of S networks along training.

    Returns beta (S,), the effective inverse temperature of the sampler's reads, and weights (S, B, C) at it.
    """
    rows = []
    for step, net in networks.items():
        problem = net.problem(x)
        beta = effective_beta(problem, sampler.sample(problem, num_reads, derived_seed(seed, step)))
        rows.append({"beta": np.array(beta), "weights": weights_by_class(net, x, labels, beta, margin)})
    return stack_rows(rows)


def weight_density(p: Float64[np.ndarray, " P"], gamma: float, low: float, high: float) -> Float64[np.ndarray, " P"]:
    """rho(p) ~ p^-gamma, normalised between low and high."""
    power = 1 - gamma
    whole = np.log(high / low) if abs(power) < 1e-9 else (high**power - low**power) / power
    return p**-gamma / whole


def fit_weight_law(weights: Float64[np.ndarray, "B C"], low: float, high: float, *, seed: int) -> Interval:
    """gamma of rho(p) ~ p^-gamma between two bounds, by maximum likelihood (Clauset, Shalizi, Newman, SIAM Rev. 51, 661 (2009)).

    weights: NaN where there is no head. The interval is from resampling images, whose heads depend on each other. Raises InvalidInput
    with fewer than 30 heads between the bounds.
    """
    check(0 < low < high <= 1, "low, high", (low, high), "0 < low < high <= 1")
    inside = (weights >= low) & (weights <= high)
    count = inside.sum(axis=1)
    check(count.sum() >= _LEAST_HEADS, "weights", f"{count.sum()} heads", f"at least {_LEAST_HEADS} between {low:g} and {high:g}")
    logs = np.where(inside, np.log(np.where(inside, weights, 1.0)), 0.0).sum(axis=1)
    rows = np.concatenate([np.arange(len(weights))[None], resampled(len(weights), 200, seed)])
    mean_logs = logs[rows].sum(axis=1) / np.maximum(count[rows].sum(axis=1), 1)
    # The likelihood is largest where the mean of ln p is that of the law: the gamma of each is read from a table, to about 1e-5. The table
    # holds the mean place of ln p in its range, for a density of places u ~ e^(power * span * u).
    span = np.log(high / low)
    powers = np.linspace(-_STEEPEST, _STEEPEST, 12_000)
    scaled = powers * span
    gammas = 1 - np.interp((mean_logs - np.log(low)) / span, 1 / -np.expm1(-scaled) - 1 / scaled, powers)
    return percentile_interval(gammas[0], gammas[1:])


def weight_left(weights: Float64[np.ndarray, "B C"], reads: Float64[np.ndarray, " T"]) -> Float64[np.ndarray, " T"]:
    """Mean over images of the weight of heads left after some reads of each image, if each is cut when first shown and none regrows."""
    known = np.nan_to_num(weights)
    return np.array([(known * np.exp(number * np.log1p(-np.minimum(known, 1 - 1e-12)))).sum(axis=1).mean() for number in reads])


MEASURES = {"heads per read": "heads_per_read", "images with a head": "head_fraction", "training error": "train_error"}
"""What is held against 2 - gamma, and where a `History` has it."""


def study_heads(
    data: Dataset, recipe: Recipe, seeds: Sequence[int], *, snapshots: int, images: int, between: tuple[float, float]
) -> Arrays:
    """Train a network for each of R seeds and weigh the heads of B training images along the way.

    snapshots: networks along training. between: the weights between which the law is fitted.

    Returns, of N networks, step, epoch (N,), beta (R, N), weights (R, N, B, C) and gamma (N, 3), value and 95 % interval, NaN where unknown;
    test_error (R,), at the end; and the arrays of `measured_exponents`.
    """
    rows = np.random.default_rng(seeds[0]).choice(len(data.x_train), size=min(images, len(data.x_train)), replace=False)
    x, labels = data.x_train[rows], data.y_train[rows]
    reads, margin, histories, heads = recipe.training["reads"], recipe.training["margin"], [], []
    for seed in seeds:
        net = recipe.untrained(data, seed)
        weights_by_class(net, x[:1], labels[:1], 1.0, margin)  # Refuses what cannot be enumerated.
        histories.append(recipe.train(data, seed, snapshots=snapshots))
        networks = networks_of(net, histories[-1].snapshots)
        heads.append(follow_heads(networks, x, labels, recipe.sampler, reads, margin, seed))
    step = np.array(list(histories[0].snapshots))
    arrays = {"step": step, "epoch": step * recipe.training["epochs"] / histories[0].step[-1], **stack_rows(heads)}
    arrays["gamma"] = np.full((len(step), 3), np.nan)
    for place, weights in enumerate(np.concatenate(list(arrays["weights"]), axis=2)):
        with suppress(InvalidInput):
            arrays["gamma"][place] = fit_weight_law(weights, *between, seed=seeds[0])
    arrays["test_error"] = np.array([run.test_error[-1] for run in histories])
    return arrays | measured_exponents(histories, reads)


def measured_exponents(histories: Sequence[History], reads: int) -> Arrays:
    """What was counted along R runs with `reads` reads an image, and its exponents.

    Returns evaluated (T,), in epochs, and for each of `MEASURES`, with _ for spaces, count_<measure> (R, T) out of trials_<measure> (T,), local
    exponents local_<measure> (K, 3) at centres (K,), and where a power law can be fitted, alpha_<measure> (3,) over window_<measure> (2,),
    with dispersion_<measure>.
    """
    epochs = np.array(histories[0].epoch)
    arrays = {"evaluated": epochs, "centres": np.geomspace(0.3, epochs[-1] / 10**0.5, 6)}
    seen = np.round(np.diff(epochs, prepend=0) * histories[0].num_train).astype(np.int64)
    every = np.full(len(epochs), histories[0].num_train)
    for (measure, column), trials in zip(MEASURES.items(), (seen * reads, seen, every), strict=True):
        name = measure.replace(" ", "_")
        counts = np.round(np.stack([np.nan_to_num(getattr(run, column)) for run in histories]) * trials).astype(np.int64)

        def fit(window: tuple[float, float], counts: np.ndarray = counts, trials: np.ndarray = trials) -> Fit:
            return fit_power_law(epochs, counts, trials, window=window, resamples=100, min_decades=0.99)

        arrays |= {f"count_{name}": counts, f"trials_{name}": trials}
        arrays[f"local_{name}"] = local_exponent(epochs, fit, arrays["centres"])
        with suppress(InvalidInput):
            law = fit_power_law(epochs, counts, trials, min_decades=1.0)
            arrays |= {f"alpha_{name}": np.array(law.interval), f"window_{name}": np.array(law.window)}
            arrays[f"dispersion_{name}"] = np.array(law.dispersion)
    return arrays


def agreement(arrays: Arrays, measure: str) -> tuple[int, int]:
    """For how many networks inside the window of a measure's power law, and of how many, 2 - gamma agrees with its exponent."""
    inside = np.isfinite(arrays["gamma"][:, 0]) & (arrays["epoch"] >= arrays[f"window_{measure}"][0])
    low, high = 2 - arrays["gamma"][inside][:, [2, 1]].T
    agree = (low <= arrays[f"alpha_{measure}"][2]) & (high >= arrays[f"alpha_{measure}"][1])
    return int(agree.sum()), len(agree)
