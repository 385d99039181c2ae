"""Exact enumeration for one hidden layer: the oracle the other samplers are checked against.

Given the outputs o, the hidden spins are independent, so the 2^O output states are enough:

    E_min(o) = - sum_j | a_j + (W o)_j | - b.o
    Z = sum_o exp(beta b.o) prod_j 2 cosh(beta (a_j + (W o)_j))

with a the fields of the hidden layer (image included) and b those of the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int8, Int64

from qnn_core.errors import check, check_number
from qnn_core.ising import IsingProblem, sign
from qnn_core.limits import MAX_OUTPUTS
from qnn_core.samplers.base import Reads, check_device, check_num_reads, on_gpu
from qnn_core.samplers.enumeration import deepest_minima, enumerate_energies

_BLOCK_CELLS = 1 << 23
_FACTORS = 512


def output_states(num_outputs: int) -> Int8[np.ndarray, "K O"]:
    """All 2^O output states; bit k of the row number is output spin k, 1 for +1."""
    bits = np.arange(1 << num_outputs)[:, None] >> np.arange(num_outputs) & 1
    return (2 * bits - 1).astype(np.int8)


def _check(problem: IsingProblem) -> None:
    check(len(problem.layers) == 2, "layers", problem.layers, "one hidden layer and the outputs for exact enumeration")
    outputs = problem.layers[1]
    check(outputs <= MAX_OUTPUTS, "outputs", outputs, f"at most {MAX_OUTPUTS} output spins for exact enumeration")


def _blocks(problem: IsingProblem) -> Iterator[tuple[slice, slice, Int8[np.ndarray, "k O"]]]:
    """Images and output states, as slices with the states themselves, in blocks whose local fields fit a bounded buffer."""
    states = output_states(problem.layers[1])
    cells = max(1, _BLOCK_CELLS // problem.layers[0])
    state_step = min(len(states), cells)
    image_step = max(1, cells // state_step)
    for state in range(0, len(states), state_step):
        for image in range(0, problem.num_images, image_step):
            chosen = slice(state, state + state_step)
            yield slice(image, image + image_step), chosen, states[chosen]


def lowest_energies(problem: IsingProblem) -> Float32[np.ndarray, "B K"]:
    """E_min(o) of every output state o, in the order of `output_states`."""
    _check(problem)
    energies = np.empty((problem.num_images, 1 << problem.layers[1]), np.float32)
    enumerate_energies(*_arrays(problem), energies)
    return energies


def _arrays(problem: IsingProblem) -> tuple[np.ndarray, ...]:
    """Fields of the hidden spins, fields of the outputs, and the couplings output by output, as the compiled loops take them."""
    hidden, outputs = problem.split(problem.fields)
    return tuple(np.ascontiguousarray(part) for part in (hidden, outputs, problem.couplings[0].T))


def output_log_weights(problem: IsingProblem, beta: float) -> Float64[np.ndarray, "B K"]:
    """ln of the Boltzmann weight of every output state, hidden spins summed out; its log-sum-exp is ln Z."""
    _check(problem)
    hidden, outputs = problem.split(problem.fields.astype(np.float64))
    weights = np.empty((problem.num_images, 1 << problem.layers[1]))
    for images, rows, states in _blocks(problem):
        felt = np.abs(beta * (hidden[images, None, :] + states @ problem.couplings[0].T.astype(np.float64)))
        # ln 2 cosh f = |f| + ln(1 + e^(-2 |f|)); the factors are at most 2, so products of some hundreds of them do not overflow.
        factors = 1 + np.exp(-2 * felt)
        logs = [np.log(factors[..., first : first + _FACTORS].prod(axis=2)) for first in range(0, factors.shape[2], _FACTORS)]
        weights[images, rows] = felt.sum(axis=2) + sum(logs) + beta * outputs[images] @ states.T
    return weights


def local_minima(problem: IsingProblem) -> Bool[np.ndarray, "B K"]:
    """Which output states are one-flip-stable minima: o = sign(b + W^T sign(a + W o)), its hidden spins at their minimum.

    A state with an output spin that feels no field at all counts as stable.
    """
    _check(problem)
    hidden, outputs = problem.split(problem.fields)
    stable = np.empty((problem.num_images, 1 << problem.layers[1]), bool)
    for images, rows, states in _blocks(problem):
        aligned = sign(hidden[images, None, :] + states.astype(np.float32) @ problem.couplings[0].T)
        felt = outputs[images, None, :] + aligned.astype(np.float32) @ problem.couplings[0]
        stable[images, rows] = (felt * states >= 0).all(axis=2)
    return stable


@dataclass(frozen=True)
class ExactSampler:
    """Reads from full enumeration of the outputs; one hidden layer, at most 20 output spins.

    beta None: the lowest local minima in rising order of energy, deepest first; when an image has fewer minima than
    `num_reads`, they are repeated in turn. beta > 0: independent draws from the exact Boltzmann distribution. device: as for
    `GibbsSampler`; draws at a temperature differ between devices.
    """

    beta: float | None = None
    device: str = "cpu"

    name: ClassVar[str] = "exact"
    kind: ClassVar[str] = "exact enumeration"

    def __post_init__(self) -> None:
        if self.beta is not None:
            check_number("beta", self.beta, above=True)
        check_device(self.device)

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        if len(problem.layers) == 1:
            return self._of_one_layer(problem, num_reads, seed)
        _check(problem)
        if on_gpu(self.device):
            from qnn_core.samplers.enumeration_on_torch import exact_reads

            return Reads(*exact_reads(problem, num_reads, self.beta, seed, "cuda"), {"spin_updates": 0})
        states = output_states(problem.layers[1])
        spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
        for_outputs, for_hidden = (np.random.default_rng([seed, part]) for part in (0, 1))
        images_at_once = max(1, _BLOCK_CELLS // max(len(states), num_reads * problem.num_spins))
        for image in range(0, problem.num_images, images_at_once):
            images = slice(image, image + images_at_once)
            block = problem.select(np.arange(problem.num_images)[images])
            if self.beta is None:
                chosen = _deepest_minima(block, num_reads)
                felt = _hidden_fields(block, states[chosen])
            else:
                logs = output_log_weights(block, self.beta)
                weights = np.exp(logs - logs.max(axis=1, keepdims=True))
                chosen = drawn_rows(weights, for_outputs.random((len(weights), num_reads)))
                felt = np.tanh(self.beta * _hidden_fields(block, states[chosen]))
                felt -= 2 * for_hidden.random(felt.shape) - 1
            spins[images] = np.concatenate([sign(felt), states[chosen]], axis=2)
        return Reads(spins, problem.energy(spins), {"spin_updates": 0})

    def _of_one_layer(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        """Spins that do not interact: each in its field, or drawn in it."""
        felt = np.repeat(problem.fields[:, None], num_reads, axis=1)
        if self.beta is not None:
            felt = np.tanh(self.beta * felt) - (2 * np.random.default_rng(seed).random(felt.shape) - 1)
        spins = sign(felt)
        return Reads(spins, problem.energy(spins), {"spin_updates": 0})


def _hidden_fields(problem: IsingProblem, outputs: np.ndarray) -> np.ndarray:
    """What the hidden spins feel given outputs (B, R, O)."""
    return problem.fields[:, None, : problem.layers[0]] + outputs.astype(np.float32) @ problem.couplings[0].T


def _deepest_minima(problem: IsingProblem, num_reads: int) -> np.ndarray:
    """Row numbers of the lowest minima, (B, R); an image with fewer than R repeats them in turn."""
    chosen = np.empty((problem.num_images, num_reads), np.int64)
    deepest_minima(*_arrays(problem), lowest_energies(problem), chosen)
    return chosen


def drawn_rows(weights: Float64[np.ndarray, "B K"], uniform: Float64[np.ndarray, "B R"]) -> Int64[np.ndarray, "B R"]:
    """Row numbers drawn in proportion to weights, by uniform random numbers from 0 to 1."""
    cumulative = np.cumsum(weights, axis=1)
    places = uniform * cumulative[:, -1:]
    rows = [np.searchsorted(total, draws, side="right") for total, draws in zip(cumulative, places, strict=True)]
    return np.minimum(np.array(rows), weights.shape[1] - 1)
