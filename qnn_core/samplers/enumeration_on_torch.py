"""The sampler `exact` in torch, for a graphics processor: all output states of one hidden layer, image by image.

The deepest minima are those of `qnn_core.samplers.enumeration`, but for the order of states of equal energy. Draws from the Boltzmann
distribution have counter-based random numbers, as in `qnn_core.samplers.on_torch`.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Float32, Int8
from torch import Tensor

from qnn_core.ising import IsingProblem
from qnn_core.samplers.on_torch import Bipartite, heat_bath, random_bits, replica_keys

_CELLS = {"cpu": 1 << 20, "cuda": 1 << 27}
"""Fields of hidden spins, of some images in some output states, that are worked out at a time."""


def exact_reads(
    problem: IsingProblem, num_reads: int, beta: float | None, seed: int, device: str
) -> tuple[Int8[np.ndarray, "B R N"], Float32[np.ndarray, "B R"]]:
    """Spins and energies: see `ExactSampler`. device: as torch names it."""
    hidden, num_outputs = problem.layers
    bits = torch.arange(1 << num_outputs, device=device)[:, None] >> torch.arange(num_outputs, device=device) & 1
    states = 2.0 * bits - 1
    spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
    energies = np.empty(spins.shape[:2], np.float32)
    step = max(1, _CELLS[device] // max(len(states) * min(hidden, 64), num_reads * problem.num_spins))
    for image in range(0, problem.num_images, step):
        images = slice(image, image + step)
        blocks = Bipartite.of(problem, images, device)
        own = blocks.fields[:, None, :hidden]
        if beta is None:
            outputs = states[_deepest_minima(blocks, states, num_reads)]
            felt = own + outputs @ blocks.couplings.T
            drawn = torch.where(felt >= 0, 1.0, -1.0)
        else:
            count = len(blocks.fields) * num_reads
            low, high = (key[:, None] for key in replica_keys(seed, image * num_reads, count, blocks.fields.device))
            # 53 of 64 random bits, as a number from 0 to 1.
            first, second = ((random_bits(turn, 1, low, high).double() + 2.0**31) / 2.0**32 for turn in (0, 1))
            uniform = (first + torch.floor(second * 2.0**21) / 2.0**53).reshape(-1, num_reads)
            outputs = states[_boltzmann_draws(_log_weights(blocks, states, beta), uniform)]
            felt = own + outputs @ blocks.couplings.T
            drawn = heat_bath(2 * beta * felt.reshape(count, hidden), random_bits(2, hidden, low, high)).view_as(felt)
        chosen = torch.cat([drawn, outputs], dim=2).to(torch.int8)
        energies[images] = blocks.energies(chosen.flatten(0, 1)).reshape(-1, num_reads).cpu().numpy()
        torch.from_numpy(spins[images]).copy_(chosen)
    return spins, energies


def _pieces(blocks: Bipartite, states: Tensor) -> list[slice]:
    """Slices of the output states for which the hidden spins' fields of all images fit."""
    step = max(1, _CELLS[states.device.type] // (len(blocks.fields) * len(blocks.couplings)))
    return [slice(state, state + step) for state in range(0, len(states), step)]


def _deepest_minima(blocks: Bipartite, states: Float32[Tensor, "K O"], num_reads: int) -> Tensor:
    """Row numbers of the lowest one-flip-stable states of every image, (B, R), deepest first; fewer than R repeat in turn."""
    own_hidden, own_outputs = blocks.fields.tensor_split([len(blocks.couplings)], dim=1)
    depths, stable = [], []
    for piece in _pieces(blocks, states):
        outputs = states[piece]
        driven = own_hidden[:, None] + outputs @ blocks.couplings.T
        felt = own_outputs[:, None] + torch.where(driven >= 0, 1.0, -1.0) @ blocks.couplings
        stable.append((felt * outputs >= 0).all(dim=2))
        depths.append(-driven.abs().sum(dim=2) - own_outputs @ outputs.T)
    energies, minima = torch.cat(depths, dim=1), torch.cat(stable, dim=1)
    # The ground state is a minimum, even if rounding says otherwise.
    minima.scatter_(1, energies.argmin(dim=1, keepdim=True), True)
    ordered = energies.masked_fill(~minima, torch.inf).topk(min(num_reads, len(states)), largest=False).indices
    found = minima.sum(dim=1, keepdim=True).clamp(max=num_reads)
    return ordered.gather(1, torch.arange(num_reads, device=states.device) % found)


def _log_weights(blocks: Bipartite, states: Float32[Tensor, "K O"], beta: float) -> Float[Tensor, "B K"]:
    """ln of the Boltzmann weight of every output state, hidden spins summed out, in double precision."""
    own_hidden, own_outputs = blocks.fields.double().tensor_split([len(blocks.couplings)], dim=1)
    weights = []
    for piece in _pieces(blocks, states):
        outputs = states[piece].double()
        felt = beta * (own_hidden[:, None] + outputs @ blocks.couplings.double().T).abs()
        weights.append((felt + torch.log1p(torch.exp(-2 * felt))).sum(dim=2) + beta * own_outputs @ outputs.T)
    return torch.cat(weights, dim=1)


def _boltzmann_draws(log_weights: Float[Tensor, "B K"], uniform: Float[Tensor, "B R"]) -> Tensor:
    """Row numbers drawn in proportion to exp(log_weights), (B, R)."""
    cumulative = torch.softmax(log_weights, dim=1).cumsum(dim=1)
    return torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True).clamp_(max=log_weights.shape[1] - 1)
