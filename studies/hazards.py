"""How fast the heads of a dragon go when each is cut as soon as a search finds it and none regrows: reads against Grover's search.

The heads' weights are drawn from rho(p) ~ p^-gamma. What is left, eps, then falls as a power of the number of oracle calls:

    reads: a head is found at a rate p            eps ~ t^-alpha, alpha = 2 - gamma
    each: every head is searched for by itself, at a rate sqrt(p)         2 alpha
    together: all heads are marked at once, at a rate p / sqrt(eps)       2 alpha / (2 - alpha) for alpha <= 1, 2 alpha beyond
    fixed: all marked, but the depth of amplification is bounded          alpha, with another prefactor
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from jaxtyping import Float64

from qnn_core.errors import check, check_choice, check_count
from qnn_core.samplers.base import derived_seed
from qnn_core.statistics import Interval, percentile_interval, resampled
from studies.grover import amplified_probability, oracle_calls, plain_calls
from studies.paper import ANNEALER_EXPONENT
from studies.stored import Arrays

Search = Literal["reads", "each", "together", "fixed"]
SEARCHES: tuple[Search, ...] = get_args(Search)
Heads: TypeAlias = Float64[np.ndarray, "dragons heads"]
_DEEPEST = 8
"""The search "fixed" draws fewer steps than this in every attempt, as on a machine that keeps its coherence for no longer."""
_BETWEEN = (0.001, 0.03)
"""Parts of the first weight between which its decay is fitted."""


def draw_weights(gamma: float, dragons: int, heads: int, low: float, high: float, seed: int) -> Heads:
    """Weights of heads from rho(p) ~ p^-gamma between low and high; refuses dragons whose weights add up to more than 1."""
    check_count("dragons", dragons)
    check_count("heads", heads)
    check(0 < low < high <= 1, "low, high", (low, high), "0 < low < high <= 1")
    uniform = np.random.default_rng(seed).random((dragons, heads))
    power = 1 - gamma
    # The inverse of the cumulative distribution; its limit where gamma is 1.
    inverse = low * (high / low) ** uniform, (low**power + uniform * (high**power - low**power)) ** (1 / (power or 1))
    weights = inverse[0] if abs(power) < 1e-9 else inverse[1]
    allowed = "a value at which the weights of a dragon's heads add up to at most 1; fewer heads help too"
    check(weights.sum(axis=1).max() <= 1, "high", high, allowed)
    return weights


def calls_until_cut(weights: Heads, search: Search, seed: int) -> Heads:
    """Oracle calls after which each head has been found, drawn with the exact probabilities of every search.

    A read is one call; an amplified attempt of m steps is m + 1. With "each", time is that of searches side by side, one a head.
    The attempts of "fixed" are counted at their mean cost.
    """
    check_choice("search", search, SEARCHES)
    if search == "reads":
        return plain_calls(weights.ravel(), [seed, 0]).reshape(weights.shape)
    if search == "each":
        return oracle_calls(weights.ravel(), seed).reshape(weights.shape)
    random = np.random.default_rng([seed, SEARCHES.index(search)])
    left, found = weights.copy(), np.zeros(weights.shape)
    spent = np.zeros(len(weights))
    everyone = np.arange(len(weights))
    for _ in range(weights.shape[1]):
        total = left.sum(axis=1)
        if search == "together":
            spent += oracle_calls(total, seed=int(random.integers(2**32)))
        else:
            chance = amplified_probability(total[:, None], np.arange(_DEEPEST)).mean(axis=1)
            spent += random.geometric(np.minimum(chance, 1.0)) * (_DEEPEST + 1) / 2
        shares = np.cumsum(left, axis=1)
        one = (shares < (random.random(len(left)) * shares[:, -1])[:, None]).sum(axis=1)
        found[everyone, one] = spent
        left[everyone, one] = 0.0
    return found


def weight_left_after(weights: Heads, calls: Heads, at: Float64[np.ndarray, " T"]) -> Float64[np.ndarray, "dragons T"]:
    """Weight of each dragon's heads that are still there after some numbers of calls."""
    order = np.argsort(calls, axis=1)
    gone = np.concatenate([np.zeros((len(weights), 1)), np.take_along_axis(weights, order, axis=1).cumsum(axis=1)], axis=1)
    ordered = np.take_along_axis(calls, order, axis=1)
    number = np.stack([np.searchsorted(row, at, side="right") for row in ordered])
    return np.maximum(gone[:, -1:] - np.take_along_axis(gone, number, axis=1), 0.0)


def decay_exponent(at: Float64[np.ndarray, " T"], left: Float64[np.ndarray, "dragons T"], seed: int) -> Interval:
    """Slope of ln eps against ln t while the mean weight left is between 3 % and 0.1 % of the first, with an interval over dragons."""
    part = left.mean(axis=0) / left[:, 0].mean()
    inside = (part >= _BETWEEN[0]) & (part <= _BETWEEN[1]) & (at > 0)
    check(inside.sum() >= 3, "at", f"{int(inside.sum())} points between {_BETWEEN}", "at least 3 points there")
    logs = np.log(at[inside])

    def slope(dragons: np.ndarray) -> float:
        return -np.polyfit(logs, np.log(np.maximum(left[dragons][:, inside].mean(axis=0), 1e-300)), 1)[0]

    samples = [slope(dragons) for dragons in resampled(len(left), 200, seed)]
    return percentile_interval(slope(np.arange(len(left))), np.array(samples))


def expected_exponent(alpha: float, search: Search) -> float:
    """The exponent that theory predicts from that of plain reads."""
    together = 2 * alpha / (2 - alpha) if alpha <= 1 else 2 * alpha
    return {"reads": alpha, "fixed": alpha, "each": 2 * alpha, "together": together}[search]


def study_dragons(alphas: Sequence[float], dragons: int, seed: int) -> Arrays:
    """Simulate dragons for each exponent of plain reads, with every search.

    Returns alphas (A,), searches (S,), exponents (A, S, 3), value and interval, expected (A, S) by theory; left_<search> (T,), the mean weight
    left after left_calls (T,), for left_alpha, which is the paper's or the first.
    """
    at = np.concatenate([[0.0], np.geomspace(1, 1e9, 181)])
    shown = ANNEALER_EXPONENT if ANNEALER_EXPONENT in alphas else alphas[0]
    arrays = {"alphas": np.array(alphas), "searches": np.array(SEARCHES), "left_calls": at, "left_alpha": np.array(shown)}
    arrays["expected"] = np.array([[expected_exponent(alpha, search) for search in SEARCHES] for alpha in alphas])
    exponents = np.empty((len(alphas), len(SEARCHES), 3))
    for row, alpha in enumerate(alphas):
        # Few heads where their density is flat: else many are large, and no dragon's weights may add up to more than 1.
        heads, high = (300, 1e-3) if alpha <= 1.2 else (8, 1e-2)
        weights = draw_weights(2 - alpha, dragons, heads, 1e-9, high, derived_seed(seed, 3, row))
        for column, search in enumerate(SEARCHES):
            left = weight_left_after(weights, calls_until_cut(weights, search, derived_seed(seed, 4, row)), at)
            exponents[row, column] = decay_exponent(at, left, seed)
            if alpha == shown:
                arrays[f"left_{search}"] = left.mean(axis=0)
    return {**arrays, "exponents": exponents}


def dragon_rows(arrays: Arrays) -> Iterator[dict[str, Any]]:
    """The exponents of `study_dragons`, found and expected."""
    for row, alpha in enumerate(arrays["alphas"].tolist()):
        for column, search in enumerate(SEARCHES):
            found, theory = Interval(*arrays["exponents"][row, column].tolist()), arrays["expected"][row, column]
            yield {"alpha of plain reads": alpha, "search": search, "exponent": found, "theory": theory}
