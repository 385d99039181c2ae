"""The samplers `gibbs` and `collapsed` in torch, for a graphics processor.

The distribution is that of the compiled loops in `qnn_core.samplers.kernels`, and so are the random numbers: the same seed gives the same
reads, but for draws so close to the edge between +1 and -1 that rounding decides. A read depends on the seed and on its place in the
batch alone, however the batch is cut. On a CUDA device the sweeps run in kernels of `qnn_core.samplers.fused`, if the network fits;
plain torch does the rest, on any device.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float, Float32, Int8, Int32, Int64
from torch import Tensor

from qnn_core.ising import IsingProblem

_BATCH_SPINS = 1 << 28
"""Spins that are on the device at a time, a byte each."""
_BLOCK_SPINS = {"cpu": 1 << 16, "cuda": 1 << 23}
"""Spins that plain torch works on at a time, as floats."""
_MASK = (1 << 64) - 1


@dataclass(frozen=True, eq=False)
class Bipartite:
    """A batch of layered problems as two blocks of spins, each without couplings inside: the even layers, then the odd ones.

    fields: (B, N) in that order. couplings: (E, N - E). order: (N,) the spin at each position.
    """

    fields: Float32[Tensor, "B N"]
    couplings: Float32[Tensor, "E O"]
    order: Int64[Tensor, " N"]

    @classmethod
    def of(cls, problem: IsingProblem, images: slice, device: str) -> Bipartite:
        even, odd, couplings = problem.sides()
        order = torch.from_numpy(np.concatenate([even, odd])).to(device)
        fields = torch.from_numpy(np.require(problem.fields[images], requirements=["C", "W"])).to(device)
        return cls(fields.index_select(1, order), torch.from_numpy(couplings).to(device), order)

    def energies(self, spins: Int8[Tensor, "K N"]) -> Float32[Tensor, " K"]:
        """Of K configurations, the same number for each problem, in the order of the problems."""
        found = torch.empty(len(spins), device=spins.device)
        reads = len(spins) // len(self.fields)
        for part, rows in _blocks(spins):
            values, fields = spins[rows].float(), self.fields[rows // reads]
            even, odd = values.tensor_split([len(self.couplings)], dim=1)
            energies = -(values * fields).sum(dim=1) - ((even @ self.couplings) * odd).sum(dim=1)
            found[part] = energies[: part.stop - part.start]
        return found


def annealed_reads(
    problem: IsingProblem, num_reads: int, betas: Float32[np.ndarray, " S"], seed: int, device: str, collapsed: bool = False
) -> tuple[Int8[np.ndarray, "B R N"], Float32[np.ndarray, "B R"]]:
    """Spins and energies after annealing from a random start through `betas`: see `GibbsSampler`, or, collapsed, `CollapsedSampler`.

    device: as torch names it.
    """
    # As in the compiled loops, a first sweep at beta = 0, where neighbours do not matter, makes the random start.
    scales = torch.from_numpy(np.concatenate([[0], betas]).astype(np.float32)).to(device)
    spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
    energies = np.empty(spins.shape[:2], np.float32)
    for images, first in _batches(problem, num_reads):
        blocks = Bipartite.of(problem, images, device)
        states = torch.zeros((len(blocks.fields) * num_reads, problem.num_spins), dtype=torch.int8, device=device)
        if collapsed:
            anneal_collapsed(blocks, states, scales, seed, first)
        else:
            sweep_on(blocks, states, scales, torch.ones(len(states), device=device), seed, first)
        energies[images] = blocks.energies(states).reshape(-1, num_reads).cpu().numpy()
        _download(states, blocks.order, spins[images])
    return spins, energies


def gibbs_moves(
    problem: IsingProblem,
    spins: Int8[np.ndarray, "B R N"],
    betas: Float32[np.ndarray, "B R"],
    sweeps: int,
    seed: int,
    device: str,
) -> Int8[np.ndarray, "B R N"]:
    """Given configurations after some sweeps, each at its own inverse temperature: see `gibbs_sweeps`. device: as torch names it."""
    moved = np.empty_like(spins)
    for images, first in _batches(problem, spins.shape[1]):
        blocks = Bipartite.of(problem, images, device)
        states = torch.from_numpy(spins[images].reshape(-1, problem.num_spins)).to(device).index_select(1, blocks.order)
        own_betas = torch.from_numpy(betas[images].ravel()).to(device)
        sweep_on(blocks, states, torch.ones(sweeps, device=device), own_betas, seed, first)
        _download(states, blocks.order, moved[images])
    return moved


def sweep_on(
    blocks: Bipartite,
    states: Int8[Tensor, "K N"],
    scales: Float32[Tensor, " S"],
    betas: Float32[Tensor, " K"],
    seed: int,
    first: int,
) -> None:
    """S block-Gibbs sweeps of K configurations, in place: in sweep s configuration k is at inverse temperature scales[s] betas[k].

    K is a multiple of the number of problems, whose configurations follow each other. first: the number of the first one, for the random
    numbers.
    """
    keys = replica_keys(seed, first, len(states), states.device)
    kernels = fused(states.device)
    if kernels is not None and kernels.sweeps_fit(blocks.couplings):
        kernels.sweep_on(blocks.fields, blocks.couplings, states, scales, betas, *keys)
        return
    reads, num_spins = len(states) // len(blocks.fields), states.shape[1]
    evens = len(blocks.couplings)
    for part, rows in _blocks(states):
        low, high = (key[rows, None] for key in keys)
        own_even, own_odd = blocks.fields[rows // reads].tensor_split([evens], dim=1)
        _, odd = states[rows].float().tensor_split([evens], dim=1)
        for sweep, scale in enumerate(scales):
            twice_beta = 2 * (scale * betas[rows, None])
            turn = sweep * num_spins
            even = draw(torch.addmm(own_even, odd, blocks.couplings.T), twice_beta, turn, low, high)
            odd = draw(torch.addmm(own_odd, even, blocks.couplings), twice_beta, turn + evens, low, high)
        states[part] = torch.cat([even, odd], dim=1)[: part.stop - part.start].to(torch.int8)


def anneal_collapsed(
    blocks: Bipartite, states: Int8[Tensor, "K N"], scales: Float32[Tensor, " S"], seed: int, first: int
) -> None:
    """Write into `states` K configurations of hidden and output spins, annealed with the hidden spins summed out.

    scales: inverse temperatures, the first of which, 0, makes the random start. first: as for `sweep_on`.
    """
    keys = replica_keys(seed, first, len(states), states.device)
    kernels = fused(states.device)
    if kernels is not None and kernels.collapsed_fits(blocks.couplings):
        kernels.anneal_collapsed(blocks.fields, blocks.couplings, states, scales, *keys)
        return
    reads, num_spins = len(states) // len(blocks.fields), states.shape[1]
    hidden, num_outputs = blocks.couplings.shape
    for part, rows in _blocks(states):
        low, high = (key[rows, None] for key in keys)
        own_hidden, own_outputs = blocks.fields[rows // reads].tensor_split([hidden], dim=1)
        driven, outputs = own_hidden.clone(), torch.zeros_like(own_outputs)
        for sweep, beta in enumerate(scales):
            for output in range(num_outputs):
                couplings, old = blocks.couplings[:, output], outputs[:, output, None]
                rest = driven - old * couplings
                up, down = (rest + couplings).abs(), (rest - couplings).abs()
                # ln 2 cosh(beta h) = beta |h| + ln(1 + exp(-2 beta |h|))
                tails = torch.log1p(torch.exp(-2 * beta * up)) - torch.log1p(torch.exp(-2 * beta * down))
                log_odds = 2 * beta * own_outputs[:, output] + (beta * (up - down) + tails).sum(dim=1)
                new = heat_bath(log_odds[:, None], random_bits(sweep * num_spins + output, 1, low, high))
                driven += couplings * (new - old)
                outputs[:, output, None] = new
        felt = own_hidden + outputs @ blocks.couplings.T
        counter = (len(scales) - 1) * num_spins + num_outputs
        spins = heat_bath(2 * scales[-1] * felt, random_bits(counter, hidden, low, high))
        states[part] = torch.cat([spins, outputs], dim=1)[: part.stop - part.start].to(torch.int8)


def draw(
    felt: Float32[Tensor, "K M"],
    twice_beta: Float32[Tensor, "K 1"],
    counter: int,
    low: Int32[Tensor, "K 1"],
    high: Int32[Tensor, "K 1"],
) -> Float32[Tensor, "K M"]:
    """Spins drawn in the fields that they feel, at beta of their own; random numbers count up from `counter`. `felt` may be written over."""
    kernels = fused(felt.device)
    if kernels is not None:
        return kernels.draw(felt, twice_beta, counter, low, high)
    return heat_bath(twice_beta * felt, random_bits(counter, felt.shape[1], low, high))


def heat_bath(log_odds: Float[Tensor, "*K"], bits: Int32[Tensor, "*K"]) -> Float[Tensor, "*K"]:
    """+1 with probability 1 / (1 + exp(-log_odds)), else -1: v (1 + e) <= 1 - e for v uniform in [-1, 1) and e = exp(-log_odds)."""
    scaled, decay = bits.to(log_odds.dtype), torch.exp(-log_odds)
    return torch.where(scaled + decay * (scaled + 2.0**31) <= 2.0**31, 1.0, -1.0)


def random_bits(counter: int, number: int, low: Int32[Tensor, "K 1"], high: Int32[Tensor, "K 1"]) -> Int32[Tensor, "K {number}"]:
    """32 random bits for `number` counters from `counter` on, under each key: the hash of `qnn_core.samplers.kernels`."""

    def shifted(bits: Tensor, by: int) -> Tensor:
        return bits ^ (bits >> by & (1 << 32 - by) - 1)

    counters = torch.arange(counter, counter + number, device=low.device) * 0x9E3779B9
    bits = counters.to(torch.int32) + low
    bits = shifted(bits, 16) * 0x7FEB352D
    bits = shifted(bits, 15) + high
    return shifted(shifted(bits, 16) * (0x846CA68B - (1 << 32)), 15)


def replica_keys(seed: int, first: int, number: int, device: torch.device) -> tuple[Int32[Tensor, " K"], Int32[Tensor, " K"]]:
    """Low and high halves of the keys of `number` configurations from number `first` on."""

    def signed(value: int) -> int:
        return (value & _MASK) - (1 << 64 if value & 1 << 63 else 0)

    def shifted(value: Tensor, by: int) -> Tensor:
        return value ^ (value >> by & (1 << 64 - by) - 1)

    def splitmix64(value: Tensor) -> Tensor:
        value = shifted(value + signed(0x9E3779B97F4A7C15), 30) * signed(0xBF58476D1CE4E5B9)
        return shifted(shifted(value, 27) * signed(0x94D049BB133111EB), 31)

    stream = splitmix64(torch.tensor(signed(seed), device=device))
    keys = splitmix64(stream ^ splitmix64(torch.arange(first, first + number, device=device)))
    return keys.to(torch.int32), (keys >> 32).to(torch.int32)


def fused(device: torch.device) -> ModuleType | None:
    """The kernels for a device, None where plain torch does everything."""
    if device.type != "cuda":
        return None
    try:
        from qnn_core.samplers import fused as kernels
    except ImportError:  # torch for Windows comes without Triton
        return None
    return kernels


def _batches(problem: IsingProblem, num_reads: int) -> Iterator[tuple[slice, int]]:
    """Slices of the images that fit on the device, each with the number of its first configuration."""
    step = max(1, _BATCH_SPINS // (num_reads * problem.num_spins))
    for image in range(0, problem.num_images, step):
        yield slice(image, image + step), image * num_reads


def _blocks(states: Int8[Tensor, "K N"]) -> Iterator[tuple[slice, Tensor]]:
    """The rows that are worked on together, as a slice and as numbers.

    The numbers are as many for every block, the last filled up with copies of the last row: so a product of matrices adds up a row's
    terms in the same order, whatever the number of rows.
    """
    step = 1 << max(0, (_BLOCK_SPINS[states.device.type] // states.shape[1]).bit_length() - 1)
    for row in range(0, len(states), step):
        rows = torch.arange(row, row + step, device=states.device).clamp_(max=len(states) - 1)
        yield slice(row, min(row + step, len(states))), rows


def _download(states: Int8[Tensor, "K N"], order: Int64[Tensor, " N"], out: Int8[np.ndarray, "B R N"]) -> None:
    """Copy configurations into `out`, spins in the order of the problem."""
    if (order.diff() != 1).any():
        states = states[:, order.argsort()]
    torch.from_numpy(out).copy_(states.view(out.shape))
