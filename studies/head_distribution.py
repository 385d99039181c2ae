"""How heads differ in weight: the probability that one read shows each of them, by exact enumeration.

A head of an image is a wrong class whose code state is not above the clamped state by more than the margin; its weight p is the
probability that a read decodes to it. If the density of weights is rho(p) ~ p^-gamma, and each head is cut when a read first shows it
and none regrows, then after n reads the weight left is the integral of p rho(p) e^(-p n), which falls as n^-(2 - gamma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from qnn_core.cutting import shown_class
from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN
from qnn_core.samplers.base import Reads, Sampler, derived_seed
from qnn_core.samplers.exact import output_log_weights, output_states
from qnn_core.statistics import Interval

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

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(0.01), np.log(20)), method="bounded").x))


def weights_by_class(
    net: QNN, x: Float32[np.ndarray, "B D"], labels: Int64[np.ndarray, " B"], beta: float, margin: float
) -> Float64[np.ndarray, "B C"]:
    """Weight of each class that is a head of each image, in Boltzmann's distribution at inverse temperature beta; NaN where it is none."""
    problem = net.problem(x)
    states = output_states(problem.layers[-1])
    classes = np.arange(net.num_classes)
    shown = shown_class(net, np.broadcast_to(states, (len(classes), *states.shape)), classes)
    logs = output_log_weights(problem, beta)
    chances = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    weights = np.stack([(chances * (shown[labels] == one)).sum(axis=1) for one in classes], axis=1)
    energies = net.class_energies(x)
    right = np.take_along_axis(energies, labels[:, None], axis=1)
    return np.where((energies <= right + np.float32(margin)) & (labels[:, None] != classes), weights, np.nan)


def follow_heads(
    net: QNN,
    snapshots: dict[int, list[np.ndarray]],
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    sampler: Sampler,
    num_reads: int,
    margin: float,
    seed: int,
) -> dict[str, np.ndarray]:
    """Weights of the heads of B images in each network along training.

    Returns arrays over S snapshots: beta (S,), the effective inverse temperature of the sampler's reads, and weights (S, B, C) at it.
    """
    net = net.copy()
    betas, weights = [], []
    for step, parameters in snapshots.items():
        net.set_parameters(parameters)
        problem = net.problem(x)
        betas.append(effective_beta(problem, sampler.sample(problem, num_reads, derived_seed(seed, step))))
        weights.append(weights_by_class(net, x, labels, betas[-1], margin))
    return {"beta": np.array(betas), "weights": np.stack(weights)}


@dataclass(frozen=True)
class WeightLaw:
    """rho(p) ~ p^-gamma between low and high: the exponent with its 95 % interval over images, and how many heads lie in between."""

    gamma: Interval
    low: float
    high: float
    heads: int

    def density(self, p: np.ndarray) -> np.ndarray:
        """Normalised between low and high."""
        return np.asarray(p, np.float64) ** -self.gamma.value / _integral(self.gamma.value, self.low, self.high)


def fit_weight_law(weights: Float64[np.ndarray, "B C"], low: float, high: float, *, seed: int, resamples: int = 200) -> WeightLaw:
    """Maximum likelihood of a power law for the weights between two bounds (Clauset, Shalizi, Newman, SIAM Rev. 51, 661 (2009)).

    weights: NaN where there is no head. The interval is from resampling images, whose heads depend on each other. Raises InvalidInput
    with fewer than 30 heads between the bounds.
    """
    if not 0 < low < high <= 1:
        raise InvalidInput("low, high", (low, high), "0 < low < high <= 1")
    inside = (weights >= low) & (weights <= high)
    if inside.sum() < _LEAST_HEADS:
        raise InvalidInput("weights", f"{int(inside.sum())} heads", f"at least {_LEAST_HEADS} between {low:g} and {high:g}")
    count = inside.sum(axis=1)
    logs = np.where(inside, np.log(np.where(inside, weights, 1.0)), 0.0).sum(axis=1)

    draws = np.random.default_rng(seed).integers(len(weights), size=(resamples, len(weights)))
    rows = np.concatenate([np.arange(len(weights))[None], draws])
    exponents = _exponents_of(logs[rows].sum(axis=1) / np.maximum(count[rows].sum(axis=1), 1), low, high)
    bounds = np.quantile(exponents[1:], [0.025, 0.975])
    return WeightLaw(Interval(*(float(value) for value in (exponents[0], *bounds))), low, high, int(inside.sum()))


def weight_left(weights: Float64[np.ndarray, "B C"], reads: Float64[np.ndarray, " T"]) -> Float64[np.ndarray, " T"]:
    """Mean over images of the weight of heads left after some reads of each image, if each is cut when first shown and none regrows."""
    known = np.nan_to_num(weights)
    return np.array([(known * np.exp(number * np.log1p(-np.minimum(known, 1 - 1e-12)))).sum(axis=1).mean() for number in reads])


def _integral(gamma: float, low: float, high: float) -> float:
    """Of p^-gamma."""
    power = 1 - gamma
    if abs(power) < 1e-9:
        return float(np.log(high / low))
    return float((high**power - low**power) / power)


def _exponents_of(mean_logs: Float64[np.ndarray, " S"], low: float, high: float) -> Float64[np.ndarray, " S"]:
    """The gammas at which the mean of ln p is as given, which is where the likelihood is largest; from a table, to about 1e-5."""
    span = np.log(high / low)
    powers = np.linspace(-_STEEPEST, _STEEPEST, 12_000)
    # Mean place of ln p in its range, for a density of places u ~ e^(power * span * u).
    scaled = powers * span
    means = 1 / -np.expm1(-scaled) - 1 / scaled
    return 1 - np.interp((mean_logs - np.log(low)) / span, means, powers)
