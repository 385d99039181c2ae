"""The compiled inner loops of the samplers, by numba.

A replica is one read of one image. Replicas share the couplings, so a tile of LANES replicas is worked on together: the innermost loop
runs over its replicas, which the compiler turns into vector instructions, and each coupling is read once for the whole tile.

Every sum is made in one order, replica by replica, and every rounding is spelt out: nothing is reassociated, multiply-adds are fused
where `_fma` stands and nowhere else, and no function of a mathematical library is called. So the width of the processor's vectors does
not change a bit. A long loop over lanes has LANES turns, which the compiler makes vectors of; a short one it would unroll into scalars,
so that one runs to the length of an array instead. For the compiler's own time, whole numbers have one type wherever a function is called,
and slices are copied in loops: their assignment checks shapes by code that takes longer to compile than all the rest. All compiled code of
the annealers is in this one file: numba's cache on disk notices changes of the file that a function stands in, and of no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numba import float32, int32, types, uint32, uint64
from numba.extending import intrinsic

LANES = 16
"""Replicas of a tile."""
_TOGETHER = 8
"""Neighbours that are added to a field from one load of it to its store."""
_ANEW = 64
"""Sweeps after which fields are summed anew: rounding errors of their changes do not pile up over a long run."""
_BLOCK = 64
"""Hidden spins whose factors, at most 2 each, are multiplied up in a float32 before their logarithm is taken."""

_inlined = numba.njit(error_model="numpy", inline="always")
_hot = numba.njit(error_model="numpy", forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
_compiled = numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
_over_tiles = numba.njit(error_model="numpy", parallel=True, cache=True)


class Layers(NamedTuple):
    """The layers of a problem as the kernels take them: in an order in which the neighbours of each layer are consecutive."""

    order: np.ndarray  # (N,) the spin at each position
    first: np.ndarray  # (L,) position of each layer's first spin
    size: np.ndarray  # (L,) spins in each layer
    neighbour_first: np.ndarray  # (L,) position of the first neighbour
    neighbour_count: np.ndarray  # (L,) number of neighbours
    evens: int  # spins in the layers whose neighbours come after them
    couplings: np.ndarray  # the layers' (size, neighbour_count + 1) matrices, one after another; the last column is zero


class _Tile(NamedTuple):
    """What the spins of a tile are drawn with; rows are positions."""

    spins: np.ndarray  # (N, LANES)
    fields: np.ndarray  # (N, LANES) without neighbours
    felt: np.ndarray  # (N, LANES) with neighbours, when the spin was drawn last
    changes: np.ndarray  # (N, LANES) what its last draw added to the spin: -2, 0 or 2
    moved: np.ndarray  # (N,) whether that is not zero in some replica
    listed: np.ndarray  # (N + _TOGETHER,) room for a list of neighbours
    betas: np.ndarray  # (LANES,) each replica may have its own temperature
    keys: np.ndarray  # (2, LANES) of the random numbers


@intrinsic
def _fma(typing, a, b, c):  # noqa: ARG001
    """a b + c, rounded once."""
    return types.float32(types.float32, types.float32, types.float32), lambda _, builder, __, terms: builder.fma(*terms)


@_inlined
def _splitmix64(value):
    """The finaliser of the SplitMix64 generator (Steele, Lea, Flood, OOPSLA 2014)."""
    value += uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


@_inlined
def _random_bits(counter, low, high):
    """32 random bits for a counter under a 64-bit key, given in halves.

    The multiply and xor-shift rounds of the hash function lowbias32 (C. Wellons, "Prospecting for hash functions", 2018), with one half
    of the key added before them and the other half between.
    """
    bits = uint32(uint32(counter * uint32(0x9E3779B9)) + low)
    bits = uint32((bits ^ (bits >> uint32(16))) * uint32(0x7FEB352D))
    bits = uint32((bits ^ (bits >> uint32(15))) + high)
    bits = uint32((bits ^ (bits >> uint32(16))) * uint32(0x846CA68B))
    return uint32(bits ^ (bits >> uint32(15)))


# tanh(x) = x P(x^2) / Q(x^2): the rational function with the smallest largest error up to |x| = 6.5 (found by linear programming).
# The random bits, as a signed whole number, are a uniform number in [-1, 1) times 2^31, and so is P.
_P = tuple(np.float32(2.0**31 * c) for c in (4.21256241e-06, 0.00233477264, 0.123659472, 0.999997443))
_Q = tuple(np.float32(c) for c in (0.000148724617, 0.0213389053, 0.456983754, 1.0))


@_hot
def _heat_bath(exponent, bits):
    """+1 with probability (1 + tanh(exponent)) / 2, else -1: v < tanh(exponent) for v uniform in [-1, 1).

    Both sides are multiplied by Q > 0, so nothing is divided. The probability is within 2e-6 of the exact one: past 6.7 the fraction
    is above 1, where the exact probability is 7e-7 below it.
    """
    square = min(exponent * exponent, float32(49))
    p = exponent * _fma(_fma(_fma(_P[0], square, _P[1]), square, _P[2]), square, _P[3])
    q = _fma(_fma(_fma(_Q[0], square, _Q[1]), square, _Q[2]), square, _Q[3])
    return float32(1) if float32(int32(bits)) * q < p else float32(-1)


@_hot
def _add_neighbours(felt, rows, values, listed):
    """Add rows[:, listed] @ values[listed] to `felt`, (n, LANES), in the order of the list, whose length is a multiple of _TOGETHER."""
    for begin in range(0, len(listed), _TOGETHER):
        a, b, c, d = listed[begin], listed[begin + 1], listed[begin + 2], listed[begin + 3]
        e, f, g, h = listed[begin + 4], listed[begin + 5], listed[begin + 6], listed[begin + 7]
        for spin in range(len(felt)):
            row = rows[spin]
            to_a, to_b, to_c, to_d, to_e, to_f, to_g, to_h = row[a], row[b], row[c], row[d], row[e], row[f], row[g], row[h]
            for lane in range(LANES):
                total = _fma(to_a, values[a, lane], felt[spin, lane])
                total = _fma(to_b, values[b, lane], total)
                total = _fma(to_c, values[c, lane], total)
                total = _fma(to_d, values[d, lane], total)
                total = _fma(to_e, values[e, lane], total)
                total = _fma(to_f, values[f, lane], total)
                total = _fma(to_g, values[g, lane], total)
                felt[spin, lane] = _fma(to_h, values[h, lane], total)


@_hot
def _update_fields(tile, layers, layer, row, anew):
    """Bring the fields that a layer feels up to date with the neighbours that have moved since, or sum over all of them anew.

    row: where the layer's couplings begin.
    """
    begin, end = layers.first[layer], layers.first[layer] + layers.size[layer]
    first, count = layers.neighbour_first[layer], layers.neighbour_count[layer]
    if anew:
        for spin in range(begin, end):
            for lane in range(LANES):
                tile.felt[spin, lane] = tile.fields[spin, lane]
    moved = tile.moved[first : first + count]
    number = 0
    for place in range(count):
        tile.listed[number] = place
        number += anew | moved[place]
    whole = (number + _TOGETHER - 1) // _TOGETHER * _TOGETHER
    tile.listed[number:whole] = count
    rows = layers.couplings[row : row + (end - begin) * (count + 1)].reshape(end - begin, count + 1)
    values = (tile.spins if anew else tile.changes)[first : first + count + 1]
    _add_neighbours(tile.felt[begin:end], rows, values, tile.listed[:whole])


@_hot
def _draw_spins(tile, begin, end, counter):
    """Draw the spins begin .. end - 1 in every replica from their distribution in the fields that they feel; counters count up."""
    spins, felt, changes, moved = tile.spins[begin:end], tile.felt[begin:end], tile.changes[begin:end], tile.moved[begin:end]
    for spin in range(len(spins)):
        turn = uint32(counter + uint32(spin))
        some = False
        for lane in range(LANES):
            bits = _random_bits(turn, tile.keys[0, lane], tile.keys[1, lane])
            new = _heat_bath(tile.betas[lane] * felt[spin, lane], bits)
            change = new - spins[spin, lane]
            some |= change != 0
            changes[spin, lane] = change
            spins[spin, lane] = new
        moved[spin] = some


@_inlined
def _sweep_layers(tile, layers, anew, sweep):
    """One update of every spin of a tile, layer by layer; `sweep` is the number of the sweep, for the random numbers."""
    row = np.int64(0)
    for layer in range(layers.first.size):
        begin, size = layers.first[layer], layers.size[layer]
        _update_fields(tile, layers, layer, row, anew)
        _draw_spins(tile, begin, begin + size, uint32(sweep * len(tile.felt) + begin))
        row += size * (layers.neighbour_count[layer] + 1)


@_compiled
def _tiles(states):
    """How many tiles the replicas of `states`, (B, R, N), make up."""
    return (states.shape[0] * states.shape[1] + LANES - 1) // LANES


@_inlined
def _new_tile(fields, order, number, replicas, reads, stream):
    """A tile with all spins and betas zero; lanes past the last replica repeat it.

    The 64-bit keys of the random numbers, in halves, depend on the seed's stream and on each replica's own number.
    """
    num_spins = order.size
    tile = _Tile(
        np.zeros((num_spins + 1, LANES), np.float32),
        np.empty((num_spins, LANES), np.float32),
        np.zeros((num_spins, LANES), np.float32),
        np.zeros((num_spins + 1, LANES), np.float32),
        np.zeros(num_spins, np.bool_),
        np.empty(num_spins + _TOGETHER, np.int64),
        np.zeros(LANES, np.float32),
        np.empty((2, LANES), np.uint32),
    )
    for lane in range(LANES):
        replica = min(number * LANES + lane, replicas - 1)
        key = _splitmix64(stream ^ _splitmix64(uint64(replica)))
        tile.keys[0, lane] = uint32(key & uint64(0xFFFFFFFF))
        tile.keys[1, lane] = uint32(key >> uint64(32))
        for spin in range(num_spins):
            tile.fields[spin, lane] = fields[replica // reads, order[spin]]
    return tile


@_inlined
def _store_tile(tile, order, number, out):
    """Copy the spins of a tile's replicas, in the kernel's order, into `out`, (B, R, N) int8."""
    images, reads, num_spins = out.shape
    for lane in range(min(LANES, images * reads - number * LANES)):
        replica = number * LANES + lane
        for spin in range(num_spins):
            out[replica // reads, replica % reads, order[spin]] = np.int8(tile.spins[spin, lane])


@_inlined
def _store_energies(tile, evens, number, energies):
    """Copy the energies of a tile's replicas into `energies`, (B, R).

    Spins that come before position `evens` interact only with those after it, and these were the last to be drawn: what they feel is current.
    """
    images, reads = energies.shape
    totals = np.zeros(LANES, np.float64)
    for spin in range(len(tile.fields)):
        fields = tile.fields[spin] if spin < evens else tile.felt[spin]
        for lane in range(len(totals)):
            totals[lane] -= fields[lane] * tile.spins[spin, lane]
    for lane in range(min(LANES, images * reads - number * LANES)):
        replica = number * LANES + lane
        energies[replica // reads, replica % reads] = totals[lane]


@_over_tiles
def anneal(fields, layers, betas, seed, out, energies):
    """Block-Gibbs annealing of every replica through `betas` from a random start; spins go into `out`, (B, R, N) int8.

    fields: (B, N) float32. energies: (B, R) float32, room for those of the spins. A first draw at beta = 0 makes the random start.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(out)):
        _anneal_tile(np.int64(number), fields, layers, betas, stream, out, energies)


@_compiled
def _anneal_tile(number, fields, layers, betas, stream, out, energies):
    images, reads, num_spins = out.shape
    tile = _new_tile(fields, layers.order, number, images * reads, reads, stream)
    _draw_spins(tile, np.int64(0), num_spins, uint32(0))
    for sweep in range(betas.size):
        tile.betas[:] = betas[sweep]
        _sweep_layers(tile, layers, sweep % _ANEW == 0, sweep + 1)
    _store_tile(tile, layers.order, number, out)
    _store_energies(tile, layers.evens, number, energies)


@_over_tiles
def sweep_on(fields, layers, betas, sweeps, seed, states):
    """`sweeps` block-Gibbs sweeps of the configurations `states`, (B, R, N) int8, in place, each at its own beta of `betas`, (B, R).

    fields: (B, N) float32.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(states)):
        _sweep_tile(np.int64(number), fields, layers, betas, sweeps, stream, states)


@_compiled
def _sweep_tile(number, fields, layers, betas, sweeps, stream, states):
    images, reads, num_spins = states.shape
    tile = _new_tile(fields, layers.order, number, images * reads, reads, stream)
    for lane in range(LANES):
        replica = min(number * LANES + lane, images * reads - 1)
        image, read = replica // reads, replica % reads
        tile.betas[lane] = betas[image, read]
        for spin in range(num_spins):
            tile.spins[spin, lane] = states[image, read, layers.order[spin]]
    for sweep in range(sweeps):
        _sweep_layers(tile, layers, sweep % _ANEW == 0, sweep)
    _store_tile(tile, layers.order, number, states)


@_hot
def _decay(y):
    """exp(-y) for y >= 0: (exp(-y / 32))^32 with the Taylor series to sixth order, y at most 18; within 1e-6."""
    t = (y if y < float32(18) else float32(18)) * float32(1 / 32)  # min() takes twice the time here
    value = _fma(_fma(_fma(float32(1 / 720), t, float32(-1 / 120)), t, float32(1 / 24)), t, float32(-1 / 6))
    value = _fma(_fma(_fma(value, t, float32(0.5)), t, float32(-1)), t, float32(1))
    for _ in range(5):
        value *= value
    return value


@_inlined
def _logarithm(x):
    """ln x for finite x > 0: exponent times ln 2, and 2 artanh((f - 1) / (f + 1)) of the mantissa f in [1, 2); within 1e-5."""
    bits = np.float32(x).view(np.int32)
    power = float32((bits >> 23) - 127)
    mantissa = np.int32((bits & 0x007FFFFF) | 0x3F800000).view(np.float32)
    s = (mantissa - float32(1)) / (mantissa + float32(1))
    square = s * s
    series = _fma(_fma(float32(2 / 9), square, float32(2 / 7)), square, float32(2 / 5))
    series = _fma(_fma(series, square, float32(2 / 3)), square, float32(2))
    return _fma(power, float32(np.log(2.0)), s * series)


@_hot
def _draw_output(driven, spins, fields, weights, beta, counter, keys, sums):
    """Draw one output in every replica of a tile with the hidden spins summed out, and carry the flips into the hidden fields.

    The exponent for +1 is beta b + 1/2 sum_j [ln 2cosh(beta (x_j + w_j)) - ln 2cosh(beta (x_j - w_j))], with x_j the field on
    hidden spin j without this output, w_j its coupling and ln 2cosh(y) = |y| + ln(1 + exp(-2 |y|)).

    driven (N_h, LANES): fields of the hidden spins, this output's part included. spins, fields (LANES,): of the output. weights (N_h,): its
    couplings. sums: four arrays (LANES,) of room. They are no rows of one array, which the compiler would not know to be apart.
    """
    linear, logarithms, above, below = sums
    twice_beta = float32(2) * beta
    linear[:] = 0
    logarithms[:] = 0
    for begin in range(0, len(driven), _BLOCK):
        above[:] = 1
        below[:] = 1
        block, some = driven[begin : begin + _BLOCK], weights[begin : begin + _BLOCK]
        for hidden in range(len(block)):
            weight = some[hidden]
            for lane in range(LANES):
                rest = _fma(-weight, spins[lane], block[hidden, lane])
                linear[lane] += abs(rest + weight) - abs(rest - weight)
                above[lane] = _fma(above[lane], _decay(twice_beta * abs(rest + weight)), above[lane])
                below[lane] = _fma(below[lane], _decay(twice_beta * abs(rest - weight)), below[lane])
        for lane in range(LANES):
            logarithms[lane] += _logarithm(above[lane] / below[lane])
    changes = above
    for lane in range(LANES):
        ordered = twice_beta * (fields[lane] + float32(0.5) * linear[lane])
        new = _heat_bath(float32(0.5) * (ordered + logarithms[lane]), _random_bits(counter, keys[0, lane], keys[1, lane]))
        changes[lane] = new - spins[lane]
        spins[lane] = new
    for hidden in range(len(driven)):
        weight = weights[hidden]
        for lane in range(len(changes)):
            driven[hidden, lane] = _fma(weight, changes[lane], driven[hidden, lane])


@_over_tiles
def anneal_collapsed(fields, by_hidden, by_output, betas, seed, out, energies):
    """Anneal the outputs of every replica with the hidden spins summed out, then draw the hidden spins at the last beta.

    fields: (B, N_h + N_o) float32. by_hidden, by_output: the couplings row by row, N_h rows of N_o and N_o rows of N_h. The spins go
    into `out`, (B, R, N_h + N_o) int8, their energies into `energies`, (B, R) float32.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(out)):
        _anneal_collapsed_tile(np.int64(number), fields, by_hidden, by_output, betas, stream, out, energies)


@_compiled
def _anneal_collapsed_tile(number, fields, by_hidden, by_output, betas, stream, out, energies):
    images, reads, num_spins = out.shape
    num_outputs, hidden = by_output.shape
    # Outputs first, then hidden spins.
    order = np.concatenate((np.arange(hidden, num_spins), np.arange(hidden)))
    tile = _new_tile(fields, order, number, images * reads, reads, stream)
    spins, own, driven, felt = tile.spins, tile.fields, tile.fields[num_outputs:].copy(), tile.felt[num_outputs:]
    sums = np.empty(LANES, np.float32), np.empty(LANES, np.float32), np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    for sweep in range(betas.size + 1):
        beta = betas[sweep - 1] if sweep else float32(0)
        for output in range(num_outputs):
            counter = uint32(sweep * num_spins + output)
            _draw_output(driven, spins[output], own[output], by_output[output], beta, counter, tile.keys, sums)
    for spin in range(hidden):
        for lane in range(felt.shape[1]):
            felt[spin, lane] = own[num_outputs + spin, lane]
        for output in range(num_outputs):
            weight = by_hidden[spin, output]
            for lane in range(felt.shape[1]):
                felt[spin, lane] = _fma(weight, spins[output, lane], felt[spin, lane])
    tile.betas[:] = betas[-1]
    _draw_spins(tile, num_outputs, num_spins, uint32(betas.size * num_spins + num_outputs))
    _store_tile(tile, order, number, out)
    _store_energies(tile, num_outputs, number, energies)
