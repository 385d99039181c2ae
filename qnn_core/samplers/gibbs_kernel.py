"""The inner loops of block-Gibbs annealing, compiled by numba.

A replica is one read of one image. Replicas share the couplings, so a tile of them is updated together, spin by spin, with
the replicas of the tile in the lanes of the processor's vector registers: each coupling is read once for the whole tile.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import float32, int32, uint32, uint64

LANES = 64
"""Replicas of a tile: four 512-bit vectors of float32."""

_ARITHMETIC = {"contract", "nsz", "nnan", "ninf"}
_STEP = uint32(0x9E3779B9)


@numba.njit(inline="always")
def _splitmix64(value: uint64) -> uint64:
    """The finaliser of the SplitMix64 generator (Steele, Lea, Flood, OOPSLA 2014)."""
    value += uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


@numba.njit(inline="always")
def _random_bits(counter: uint32, key_low: uint32, key_high: uint32) -> uint32:
    """32 random bits for a counter under a 64-bit key: multiply and xor-shift rounds, the second half of the key between."""
    bits = counter * _STEP + key_low
    bits = (bits ^ (bits >> uint32(16))) * uint32(0x7FEB352D)
    bits = (bits ^ (bits >> uint32(15))) + key_high
    bits = (bits ^ (bits >> uint32(16))) * uint32(0x846CA68B)
    bits = (bits ^ (bits >> uint32(15))) * uint32(0x9E3779B1)
    return bits ^ (bits >> uint32(16))


@numba.njit(fastmath=_ARITHMETIC, cache=True)
def _local_fields_of_four(felt, fields, spins, couplings, row, spin, first, count):
    """felt[m] = fields + sum over neighbours of coupling * spin, for four spins that share their neighbours."""
    felt0, felt1, felt2, felt3 = felt[0], felt[1], felt[2], felt[3]
    row1, row2, row3 = row + count, row + 2 * count, row + 3 * count
    for lane in range(LANES):
        felt0[lane] = fields[spin, lane]
        felt1[lane] = fields[spin + 1, lane]
        felt2[lane] = fields[spin + 2, lane]
        felt3[lane] = fields[spin + 3, lane]
    whole = count - count % 4
    for k in range(0, whole, 4):
        a, b, c, d = spins[first + k], spins[first + k + 1], spins[first + k + 2], spins[first + k + 3]
        a0, b0, c0, d0 = couplings[row + k], couplings[row + k + 1], couplings[row + k + 2], couplings[row + k + 3]
        a1, b1, c1, d1 = couplings[row1 + k], couplings[row1 + k + 1], couplings[row1 + k + 2], couplings[row1 + k + 3]
        a2, b2, c2, d2 = couplings[row2 + k], couplings[row2 + k + 1], couplings[row2 + k + 2], couplings[row2 + k + 3]
        a3, b3, c3, d3 = couplings[row3 + k], couplings[row3 + k + 1], couplings[row3 + k + 2], couplings[row3 + k + 3]
        for lane in range(LANES):
            sa, sb, sc, sd = a[lane], b[lane], c[lane], d[lane]
            felt0[lane] = felt0[lane] + a0 * sa + b0 * sb + c0 * sc + d0 * sd
            felt1[lane] = felt1[lane] + a1 * sa + b1 * sb + c1 * sc + d1 * sd
            felt2[lane] = felt2[lane] + a2 * sa + b2 * sb + c2 * sc + d2 * sd
            felt3[lane] = felt3[lane] + a3 * sa + b3 * sb + c3 * sc + d3 * sd
    for k in range(whole, count):
        a = spins[first + k]
        a0, a1, a2, a3 = couplings[row + k], couplings[row1 + k], couplings[row2 + k], couplings[row3 + k]
        for lane in range(LANES):
            felt0[lane] += a0 * a[lane]
            felt1[lane] += a1 * a[lane]
            felt2[lane] += a2 * a[lane]
            felt3[lane] += a3 * a[lane]


@numba.njit(fastmath=_ARITHMETIC, cache=True)
def _local_field_of_one(felt, fields, spins, couplings, row, spin, first, count):
    """felt = fields + sum over neighbours of coupling * spin, for a single spin."""
    for lane in range(LANES):
        felt[lane] = fields[spin, lane]
    whole = count - count % 4
    for k in range(0, whole, 4):
        a, b, c, d = spins[first + k], spins[first + k + 1], spins[first + k + 2], spins[first + k + 3]
        ja, jb, jc, jd = couplings[row + k], couplings[row + k + 1], couplings[row + k + 2], couplings[row + k + 3]
        for lane in range(LANES):
            felt[lane] = felt[lane] + ja * a[lane] + jb * b[lane] + jc * c[lane] + jd * d[lane]
    for k in range(whole, count):
        a, ja = spins[first + k], couplings[row + k]
        for lane in range(LANES):
            felt[lane] += ja * a[lane]


@numba.njit(fastmath=_ARITHMETIC, cache=True)
def _heat_bath(felt, spins, spin, beta, counter, keys_low, keys_high):
    """Draw one spin of every replica: +1 when v < tanh(beta h), v uniform in [-1, 1).

    tanh is Lambert's continued fraction cut after nine terms, p / q (both sides multiplied by q > 0, so nothing is divided);
    for |beta h| <= 9 it is within 1e-5 of tanh, and clamped beyond.
    """
    for lane in range(LANES):
        bits = _random_bits(counter, keys_low[lane], keys_high[lane])
        uniform = float32(int32(bits)) * float32(2.0**-31)
        y = min(max(beta * felt[lane], float32(-9.0)), float32(9.0))
        z = y * y
        p = y * (float32(34459425.0) + z * (float32(4729725.0) + z * (float32(135135.0) + z * (float32(990.0) + z))))
        q = float32(34459425.0) + z * (float32(16216200.0) + z * (float32(945945.0) + z * (float32(13860.0) + z * float32(45.0))))
        spins[spin, lane] = float32(1.0) if uniform * q < p else float32(-1.0)


@numba.njit(parallel=True, fastmath=_ARITHMETIC, cache=True)
def anneal(fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, seed, out):
    """Anneal every replica through `betas` from a random start and write the spins into `out`, (B, R, N) int8.

    The layout of order .. couplings is that of `qnn_core.samplers.gibbs._Packed`; fields are (B, N) float32.
    """
    images, reads, num_spins = out.shape
    replicas = images * reads
    stream = _splitmix64(seed)
    for tile in numba.prange((replicas + LANES - 1) // LANES):
        spins = np.empty((num_spins, LANES), np.float32)
        tile_fields = np.empty((num_spins, LANES), np.float32)
        felt = np.empty((4, LANES), np.float32)
        keys_low = np.empty(LANES, np.uint32)
        keys_high = np.empty(LANES, np.uint32)
        for lane in range(LANES):
            replica = min(tile * LANES + lane, replicas - 1)
            key = _splitmix64(stream ^ _splitmix64(uint64(replica)))
            keys_low[lane] = uint32(key & uint64(0xFFFFFFFF))
            keys_high[lane] = uint32(key >> uint64(32))
            for spin in range(num_spins):
                tile_fields[spin, lane] = fields[replica // reads, order[spin]]
                bits = _random_bits(uint32(spin), keys_low[lane], keys_high[lane])
                spins[spin, lane] = float32(1.0) if bits & uint32(0x80000000) else float32(-1.0)
        for sweep in range(betas.size):
            row = 0
            for layer in range(first.size):
                start, count = neighbour_first[layer], neighbour_count[layer]
                spin, end = first[layer], first[layer] + size[layer]
                while spin + 4 <= end:
                    _local_fields_of_four(felt, tile_fields, spins, couplings, row, spin, start, count)
                    for member in range(4):
                        counter = uint32((sweep + 1) * num_spins + spin + member)
                        _heat_bath(felt[member], spins, spin + member, betas[sweep], counter, keys_low, keys_high)
                    spin += 4
                    row += 4 * count
                while spin < end:
                    _local_field_of_one(felt[0], tile_fields, spins, couplings, row, spin, start, count)
                    counter = uint32((sweep + 1) * num_spins + spin)
                    _heat_bath(felt[0], spins, spin, betas[sweep], counter, keys_low, keys_high)
                    spin += 1
                    row += count
        for lane in range(LANES):
            replica = tile * LANES + lane
            if replica < replicas:
                for spin in range(num_spins):
                    out[replica // reads, replica % reads, order[spin]] = np.int8(spins[spin, lane])
