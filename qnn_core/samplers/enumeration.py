"""The compiled loops of exact enumeration, by numba: all output states of one hidden layer, for many images side by side."""

from __future__ import annotations

import numba
import numpy as np

LANES = 32
"""Images of a tile, one in each lane of the processor's vector registers."""
_BLOCK = 1 << 10
"""States after which the hidden fields are worked out anew, so that rounding does not add up."""


@numba.njit(error_model="numpy", parallel=True, cache=True)
def enumerate_energies(hidden_fields, output_fields, by_output, energies):
    """Lowest energy of every output state, -sum_j |a_j + (W o)_j| - b.o, into `energies` (B, 2^O) float32.

    hidden_fields: (B, N_h) a. output_fields: (B, O) b. by_output: (O, N_h) couplings. States are visited in the order of a Gray code,
    so that each differs from the one before it in a single output.
    """
    images, hidden = hidden_fields.shape
    outputs = output_fields.shape[1]
    states = 1 << outputs
    block = min(states, _BLOCK)
    blocks = states // block
    tiles = (images + LANES - 1) // LANES
    for task in numba.prange(tiles * blocks):
        tile, begin = task // blocks, (task % blocks) * block
        driven = np.empty((hidden, LANES), np.float32)
        own = np.empty((outputs, LANES), np.float32)
        for lane in range(LANES):
            image = min(tile * LANES + lane, images - 1)
            for row in range(hidden):
                driven[row, lane] = hidden_fields[image, row]
            for output in range(outputs):
                own[output, lane] = output_fields[image, output]
        state = begin ^ (begin >> 1)
        direct = np.zeros(LANES, np.float32)
        for output in range(outputs):
            spin = np.float32(1 if state >> output & 1 else -1)
            for lane in range(LANES):
                direct[lane] += spin * own[output, lane]
            for row in range(hidden):
                pull = spin * by_output[output, row]
                for lane in range(LANES):
                    driven[row, lane] += pull
        for step in range(block):
            change = np.float32(0)
            output = 0
            if step:
                while not (begin + step) >> output & 1:
                    output += 1
                state ^= 1 << output
                change = np.float32(2 if state >> output & 1 else -2)
            total = np.zeros(LANES, np.float32)
            for row in range(hidden):
                pull = change * by_output[output, row]
                fields = driven[row]
                for lane in range(LANES):
                    fields[lane] += pull
                    total[lane] += abs(fields[lane])
            for lane in range(LANES):
                direct[lane] += change * own[output, lane]
            for lane in range(min(LANES, images - tile * LANES)):
                energies[tile * LANES + lane, state] = -total[lane] - direct[lane]


@numba.njit(error_model="numpy", cache=True)
def _is_stable(state, hidden_fields, output_fields, by_output, driven):
    """Whether o = sign(b + W^T sign(a + W o)) for one image's output state; `driven` (N_h,) is scratch."""
    outputs = len(output_fields)
    for row in range(len(driven)):
        driven[row] = hidden_fields[row]
    for output in range(outputs):
        spin = np.float32(1 if state >> output & 1 else -1)
        for row in range(len(driven)):
            driven[row] += spin * by_output[output, row]
    for output in range(outputs):
        felt = np.float32(0)
        for row in range(len(driven)):
            felt += by_output[output, row] if driven[row] >= 0 else -by_output[output, row]
        felt += output_fields[output]
        if (felt if state >> output & 1 else -felt) < 0:
            return False
    return True


@numba.njit(parallel=True, cache=True)
def deepest_minima(hidden_fields, output_fields, by_output, energies, chosen):
    """The lowest one-flip-stable states of every image, deepest first, into `chosen` (B, R); fewer than R repeat in turn."""
    for image in numba.prange(len(chosen)):
        driven = np.empty(hidden_fields.shape[1], np.float32)
        found = 0
        for state in np.argsort(energies[image]):
            if _is_stable(state, hidden_fields[image], output_fields[image], by_output, driven):
                chosen[image, found] = state
                found += 1
                if found == chosen.shape[1]:
                    break
        for read in range(found, chosen.shape[1]):
            chosen[image, read] = chosen[image, read - found]
