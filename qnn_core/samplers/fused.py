"""The inner loops of `qnn_core.samplers.on_torch` as Triton kernels.

A network that fits makes all its sweeps in one launch, and its spins never leave the chip. A program holds some configurations, of any
images, and the couplings that all share. Fields of one block of spins are a product of the other block's spins with the couplings, on the
tensor cores, added up in single precision: spins are exact in half precision, and a coupling is the sum of two numbers in half precision,
scaled by a power of two so that the largest is near the top of the range. That is within 2^-23 of the coupling, or 2^-39 of the largest.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

_LOG2E = tl.constexpr(math.log2(math.e))
_HALF_RANGE = tl.constexpr(2.0**31)
_TOP = 14
"""Scaled couplings are below 2^14, in half precision, whose range ends at 2^16."""
_ROWS = 64
"""Configurations of a program of `sweep_on`: as many as the tensor cores take at a time."""
_WIDEST = 512
"""Spins of a block, a power of two, for which a multiprocessor has registers."""
_WIDEST_COLLAPSED = 2048
_BLOCK = 1024
"""Spins that a program of `draw` draws."""


def sweeps_fit(couplings: Tensor) -> bool:
    """Whether `sweep_on` takes the network."""
    even, odd = (_padded(size) for size in couplings.shape)
    # Both parts of the couplings, and the fields on their way to the tensor cores' layout.
    shared = 4 * even * odd + 4 * _ROWS * max(even, odd)
    return max(even, odd) <= _WIDEST and shared <= _shared_memory(couplings)


def _shared_memory(values: Tensor) -> int:
    """Bytes of shared memory that a program may have where the values are; Triton's interpreter, on a processor, does not mind."""
    if not values.is_cuda:
        return 1 << 20
    properties = torch.cuda.get_device_properties(values.device)
    return properties.shared_memory_per_block_optin  # type: ignore[attr-defined]


def collapsed_fits(couplings: Tensor) -> bool:
    """Whether `anneal_collapsed` takes the network."""
    return max(couplings.shape) <= _WIDEST_COLLAPSED


def sweep_on(fields: Tensor, couplings: Tensor, states: Tensor, scales: Tensor, betas: Tensor, low: Tensor, high: Tensor) -> None:
    """As in `qnn_core.samplers.on_torch`, with the keys of the configurations."""
    largest = float(couplings.abs().max()) if couplings.numel() else 0.0
    scale = 2.0 ** min(_TOP - math.frexp(largest)[1], 60)
    coarse = (couplings * scale).half()
    fine = (couplings * scale - coarse.float()).half()
    evens, odds = couplings.shape
    _sweeps[(triton.cdiv(len(states), _ROWS),)](
        fields,
        coarse,
        fine,
        states,
        scales,
        betas,
        low,
        high,
        len(states),
        len(states) // len(fields),
        evens,
        odds,
        len(scales),
        scale,
        ROWS=_ROWS,
        EVENS=_padded(evens),
        ODDS=_padded(odds),
        num_warps=4 if max(_padded(evens), _padded(odds)) < _WIDEST else 8,
    )


def anneal_collapsed(fields: Tensor, couplings: Tensor, states: Tensor, scales: Tensor, low: Tensor, high: Tensor) -> None:
    """As in `qnn_core.samplers.on_torch`, with the keys of the configurations."""
    hidden, outputs = couplings.shape
    rows = max(1, 2048 // max(_padded(hidden), _padded(outputs)))
    _collapsed[(triton.cdiv(len(states), rows),)](
        fields,
        couplings.T.contiguous(),
        states,
        scales,
        low,
        high,
        len(states),
        len(states) // len(fields),
        hidden,
        outputs,
        len(scales),
        ROWS=rows,
        HIDDEN=_padded(hidden),
        OUTPUTS=_padded(outputs),
        num_warps=4,
    )


def draw(felt: Tensor, twice_beta: Tensor, counter: int, low: Tensor, high: Tensor) -> Tensor:
    """As in `qnn_core.samplers.on_torch`, in place; arrays are contiguous."""
    _draw[(triton.cdiv(felt.numel(), _BLOCK),)](felt, twice_beta, low, high, counter, felt.shape[1], felt.numel(), BLOCK=_BLOCK)
    return felt


def _padded(size: int) -> int:
    """A block has a power of two of spins, and at least 16, which the tensor cores take at a time."""
    return max(16, triton.next_power_of_2(size))


@triton.jit
def _random_bits(counters, low, high):
    bits = counters * 0x9E3779B9 + low
    bits = (bits ^ (bits >> 16)) * 0x7FEB352D
    bits = (bits ^ (bits >> 15)) + high
    bits = (bits ^ (bits >> 16)) * 0x846CA68B
    return bits ^ (bits >> 15)


@triton.jit
def _heat_bath(log2_odds, bits):
    scaled = bits.to(tl.int32, bitcast=True).to(tl.float32)
    decay = tl.exp2(-log2_odds)
    return tl.where(scaled + decay * (scaled + _HALF_RANGE) <= _HALF_RANGE, 1.0, -1.0)


@triton.jit
def _draw(felt, twice_beta, keys_low, keys_high, counter, columns, number, BLOCK: tl.constexpr):
    spin = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = spin < number
    row = spin // columns
    low = tl.load(keys_low + row, mask=there, other=0).to(tl.uint32, bitcast=True)
    high = tl.load(keys_high + row, mask=there, other=0).to(tl.uint32, bitcast=True)
    bits = _random_bits(tl.cast(counter, tl.uint32) + (spin - row * columns).to(tl.uint32), low, high)
    field = tl.load(felt + spin, mask=there, other=0.0)
    tl.store(felt + spin, _heat_bath(_LOG2E * tl.load(twice_beta + row, mask=there, other=0.0) * field, bits), mask=there)


@triton.jit
def _sweeps(
    fields,
    coarse,
    fine,
    states,
    scales,
    betas,
    keys_low,
    keys_high,
    number,
    reads,
    evens,
    odds,
    sweeps,
    scale,
    ROWS: tl.constexpr,
    EVENS: tl.constexpr,
    ODDS: tl.constexpr,
):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    live = row < number
    spins = evens + odds
    even, odd = tl.arange(0, EVENS), tl.arange(0, ODDS)
    even_there, odd_there = live[:, None] & (even < evens)[None, :], live[:, None] & (odd < odds)[None, :]
    own = fields + (row // reads).to(tl.int64)[:, None] * spins
    own_even = tl.load(own + even[None, :], mask=even_there, other=0.0) * scale
    own_odd = tl.load(own + evens + odd[None, :], mask=odd_there, other=0.0) * scale
    place = states + row.to(tl.int64)[:, None] * spins
    odd_spins = tl.load(place + evens + odd[None, :], mask=odd_there, other=0).to(tl.float16)
    even_spins = tl.zeros((ROWS, EVENS), tl.float16)
    matrix, inside = even[:, None] * odds + odd[None, :], (even < evens)[:, None] & (odd < odds)[None, :]
    coarse_part = tl.load(coarse + matrix, mask=inside, other=0.0)
    fine_part = tl.load(fine + matrix, mask=inside, other=0.0)
    beta = tl.load(betas + row, mask=live, other=0.0) * (2 * _LOG2E / scale)
    low = tl.load(keys_low + row, mask=live, other=0).to(tl.uint32, bitcast=True)[:, None]
    high = tl.load(keys_high + row, mask=live, other=0).to(tl.uint32, bitcast=True)[:, None]
    for sweep in range(sweeps):
        twice_beta = (tl.load(scales + sweep) * beta)[:, None]
        turn = (sweep * spins).to(tl.uint32)
        felt = tl.dot(odd_spins, tl.trans(fine_part), own_even)
        felt = tl.dot(odd_spins, tl.trans(coarse_part), felt)
        bits = _random_bits((turn + even.to(tl.uint32))[None, :], low, high)
        even_spins = _heat_bath(twice_beta * felt, bits).to(tl.float16)
        felt = tl.dot(even_spins, fine_part, own_odd)
        felt = tl.dot(even_spins, coarse_part, felt)
        bits = _random_bits((turn + evens + odd.to(tl.uint32))[None, :], low, high)
        odd_spins = _heat_bath(twice_beta * felt, bits).to(tl.float16)
    tl.store(place + even[None, :], even_spins.to(tl.int8), mask=even_there)
    tl.store(place + evens + odd[None, :], odd_spins.to(tl.int8), mask=odd_there)


@triton.jit
def _collapsed(
    fields,
    by_output,
    states,
    scales,
    keys_low,
    keys_high,
    number,
    reads,
    hidden,
    outputs,
    sweeps,
    ROWS: tl.constexpr,
    HIDDEN: tl.constexpr,
    OUTPUTS: tl.constexpr,
):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    live = row < number
    spins = hidden + outputs
    at, column = tl.arange(0, HIDDEN), tl.arange(0, OUTPUTS)
    hidden_there, output_there = live[:, None] & (at < hidden)[None, :], live[:, None] & (column < outputs)[None, :]
    own = fields + (row // reads).to(tl.int64)[:, None] * spins
    own_hidden = tl.load(own + at[None, :], mask=hidden_there, other=0.0)
    own_output = fields + (row // reads).to(tl.int64) * spins + hidden
    low = tl.load(keys_low + row, mask=live, other=0).to(tl.uint32, bitcast=True)
    high = tl.load(keys_high + row, mask=live, other=0).to(tl.uint32, bitcast=True)
    driven = own_hidden
    drawn = tl.zeros((ROWS, OUTPUTS), tl.float32)
    turn = 0
    for sweep in range(sweeps):
        twice_beta = 2 * _LOG2E * tl.load(scales + sweep)
        for output in range(outputs):
            couplings = tl.load(by_output + output * hidden + at, mask=at < hidden, other=0.0)[None, :]
            chosen = (column == output)[None, :]
            old = tl.sum(tl.where(chosen, drawn, 0.0), axis=1)[:, None]
            rest = driven - old * couplings
            up, down = tl.abs(rest + couplings), tl.abs(rest - couplings)
            # ln 2 cosh(beta h) = beta |h| + ln(1 + exp(-2 beta |h|))
            tails = tl.log2((1 + tl.exp2(-twice_beta * up)) / (1 + tl.exp2(-twice_beta * down)))
            field = tl.load(own_output + output, mask=live, other=0.0)
            log2_odds = twice_beta * field + tl.sum(0.5 * twice_beta * (up - down) + tails, axis=1)
            new = _heat_bath(log2_odds, _random_bits(tl.cast(turn + output, tl.uint32), low, high))[:, None]
            driven += couplings * (new - old)
            drawn = tl.where(chosen, new, drawn)
        turn += spins
    felt = own_hidden
    for output in range(outputs):
        couplings = tl.load(by_output + output * hidden + at, mask=at < hidden, other=0.0)[None, :]
        felt += couplings * tl.sum(tl.where((column == output)[None, :], drawn, 0.0), axis=1)[:, None]
    turn += outputs - spins
    bits = _random_bits(tl.cast(turn + at, tl.uint32)[None, :], low[:, None], high[:, None])
    # The hidden spins, at the temperature of the last sweep.
    drawn_hidden = _heat_bath(2 * _LOG2E * tl.load(scales + sweeps - 1) * felt, bits)
    place = states + row.to(tl.int64)[:, None] * spins
    tl.store(place + at[None, :], drawn_hidden.to(tl.int8), mask=hidden_there)
    tl.store(place + hidden + column[None, :], drawn.to(tl.int8), mask=output_there)
