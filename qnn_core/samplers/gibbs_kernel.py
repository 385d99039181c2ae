"""The inner loops of block-Gibbs annealing, compiled by numba.

A replica is one read of one image. Replicas share the couplings, so a tile of them is updated together, spin by spin, with the
replicas of the tile in the lanes of the processor's vector registers: each coupling is read once for the whole tile.

The update of a few spins is written in LLVM's intermediate language, because its sums must stay in vector registers from the
first neighbour to the last, which numba's arrays, being memory, do not allow.
"""

from __future__ import annotations

import functools
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import float32, types, uint32, uint64
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 32
"""Replicas of a tile."""
_WIDTH = 16
"""Numbers in a vector: 512 bits. LLVM splits them on processors with shorter registers."""

_FLOATS = ir.VectorType(ir.FloatType(), _WIDTH)
_INTEGERS = ir.VectorType(ir.IntType(32), _WIDTH)
_index = functools.partial(ir.Constant, ir.IntType(64))


@numba.njit(inline="always")
def _splitmix64(value: uint64) -> uint64:
    """The finaliser of the SplitMix64 generator (Steele, Lea, Flood, OOPSLA 2014)."""
    value += uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


def _same(value: float, vector: ir.VectorType = _FLOATS) -> ir.Constant:
    """A constant in every lane."""
    return ir.Constant(vector, [value] * _WIDTH)


def _spread(builder: ir.IRBuilder, value: ir.Value, vector: ir.VectorType) -> ir.Value:
    """A number known only at run time in every lane."""
    alone = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(alone, alone, ir.Constant(_INTEGERS, None))


def _random_bits(builder: ir.IRBuilder, counter: ir.Value, key_low: ir.Value, key_high: ir.Value) -> ir.Value:
    """32 random bits a lane for a counter (i32) under 64-bit keys: multiply and xor-shift rounds, half of the key between."""

    def shifted(bits: ir.Value, by: int) -> ir.Value:
        return builder.xor(bits, builder.lshr(bits, _same(by, _INTEGERS)))

    scaled = builder.mul(counter, ir.Constant(ir.IntType(32), 0x9E3779B9))
    bits = builder.add(_spread(builder, scaled, _INTEGERS), key_low)
    bits = builder.mul(shifted(bits, 16), _same(0x7FEB352D, _INTEGERS))
    bits = builder.add(shifted(bits, 15), key_high)
    bits = builder.mul(shifted(bits, 16), _same(0x846CA68B, _INTEGERS))
    bits = builder.mul(shifted(bits, 15), _same(0x9E3779B1, _INTEGERS))
    return shifted(bits, 16)


def _fma(builder: ir.IRBuilder, *factors_and_term: ir.Value) -> ir.Value:
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{_WIDTH}f32"), factors_and_term)


def _heat_bath(builder: ir.IRBuilder, exponent: ir.Value, bits: ir.Value) -> ir.Value:
    """+1 with probability (1 + tanh(exponent)) / 2, else -1: v < tanh(exponent) for v uniform in [-1, 1).

    tanh is Lambert's continued fraction cut after nine terms, p / q; both sides are multiplied by q > 0, so nothing is divided.
    The probability is within 1e-5 of the exact one: the fraction errs by less up to |exponent| = 6, and beyond, where it passes 1, the
    exact probability is as close to 1.
    """

    def polynomial(x: ir.Value, *coefficients: float) -> ir.Value:
        value = _same(coefficients[0])
        for coefficient in coefficients[1:]:
            value = _fma(builder, value, x, _same(coefficient))
        return value

    limit = _same(9.0)
    exponent = builder.select(builder.fcmp_ordered("<", exponent, limit), exponent, limit)
    exponent = builder.select(builder.fcmp_ordered(">", exponent, _same(-9.0)), exponent, _same(-9.0))
    square = builder.fmul(exponent, exponent)
    p = builder.fmul(exponent, polynomial(square, 1.0, 990.0, 135135.0, 4729725.0, 34459425.0))
    q = polynomial(square, 45.0, 13860.0, 945945.0, 16216200.0, 34459425.0)
    uniform = builder.fmul(builder.sitofp(bits, _FLOATS), _same(2.0**-31))
    return builder.select(builder.fcmp_ordered("<", builder.fmul(uniform, q), p), _same(1.0), _same(-1.0))


def _update(members: int) -> Any:
    """Compiled code that draws `members` spins of one layer, in every replica of a tile, from their distribution given the rest.

    update(spins, fields, couplings, row, spin, first, count, beta, counter, keys_low, keys_high): the spins are
    spin .. spin + members - 1, their neighbours first .. first + count - 1, their couplings `members` rows of `count` numbers from
    couplings[row] on, the counters of their random numbers counter .. counter + members - 1. spins and fields are (N, LANES).
    """

    @intrinsic
    def update(typing, spins, fields, couplings, row, spin, first, count, beta, counter, keys_low, keys_high):  # noqa: ARG001
        def generate(context, builder, signature, arguments):
            def start_of(place: int) -> ir.Value:
                return context.make_array(signature.args[place])(context, builder, arguments[place]).data

            def lanes(data: ir.Value, number: ir.Value, vector: ir.VectorType = _FLOATS) -> list[ir.Value]:
                """Pointers to the vectors of one row of LANES numbers."""
                begin = builder.bitcast(builder.gep(data, [builder.mul(number, _index(LANES))]), vector.as_pointer())
                return [builder.gep(begin, [_index(part)]) for part in range(LANES // _WIDTH)]

            def load(pointers: list[ir.Value]) -> list[ir.Value]:
                return [builder.load(pointer, align=4) for pointer in pointers]

            spin_data, field_data, coupling_data = start_of(0), start_of(1), start_of(2)
            row, spin, first, count = arguments[3:7]
            drawn = [builder.add(spin, _index(member)) for member in range(members)]
            rows = [builder.add(row, builder.mul(count, _index(member))) for member in range(members)]
            fields_felt = [part for one in drawn for part in load(lanes(field_data, one))]

            before = builder.block
            loop, after = builder.append_basic_block("neighbour"), builder.append_basic_block("drawn")
            builder.cbranch(builder.icmp_signed(">", count, _index(0)), loop, after)

            builder.position_at_end(loop)
            k = builder.phi(ir.IntType(64))
            k.add_incoming(_index(0), before)
            sums = [builder.phi(_FLOATS) for _ in fields_felt]
            neighbour = load(lanes(spin_data, builder.add(first, k)))
            raised = []
            for member in range(members):
                coupling = builder.load(builder.gep(coupling_data, [builder.add(rows[member], k)]))
                spread = _spread(builder, coupling, _FLOATS)
                mine = sums[member * len(neighbour) : (member + 1) * len(neighbour)]
                raised += [_fma(builder, spread, part, total) for part, total in zip(neighbour, mine, strict=True)]
            following = builder.add(k, _index(1))
            builder.cbranch(builder.icmp_signed("<", following, count), loop, after)
            k.add_incoming(following, loop)

            builder.position_at_end(after)
            felt = [builder.phi(_FLOATS) for _ in fields_felt]
            for total, begin, more, whole in zip(sums, fields_felt, raised, felt, strict=True):
                total.add_incoming(begin, before)
                total.add_incoming(more, loop)
                whole.add_incoming(begin, before)
                whole.add_incoming(more, loop)
            scale = _spread(builder, arguments[7], _FLOATS)
            keys = [load(lanes(start_of(place), _index(0), _INTEGERS)) for place in (9, 10)]
            for member in range(members):
                number = builder.add(arguments[8], ir.Constant(ir.IntType(32), member))
                mine = felt[member * len(neighbour) : (member + 1) * len(neighbour)]
                for part, low, high, place in zip(mine, *keys, lanes(spin_data, drawn[member]), strict=True):
                    bits = _random_bits(builder, number, low, high)
                    builder.store(_heat_bath(builder, builder.fmul(scale, part), bits), place, align=4)
            return context.get_dummy_value()

        numbers = (types.int64,) * 4
        return types.void(spins, fields, couplings, *numbers, types.float32, types.uint32, keys_low, keys_high), generate

    return update


_update_eight, _update_two, _update_one = (_update(members) for members in (8, 2, 1))


@numba.njit(parallel=True, cache=True)
def anneal(fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, seed, out):
    """Anneal every replica through `betas` from a random start and write the spins into `out`, (B, R, N) int8.

    The layout of order .. couplings is that of `qnn_core.samplers.gibbs._Packed`; fields are (B, N) float32. A first sweep at
    beta = 0, where neighbours do not matter, makes the random start.
    """
    images, reads, num_spins = out.shape
    replicas = images * reads
    stream = _splitmix64(seed)
    for tile in numba.prange((replicas + LANES - 1) // LANES):
        spins = np.zeros((num_spins, LANES), np.float32)
        tile_fields = np.empty((num_spins, LANES), np.float32)
        keys_low = np.empty(LANES, np.uint32)
        keys_high = np.empty(LANES, np.uint32)
        for lane in range(LANES):
            replica = min(tile * LANES + lane, replicas - 1)
            key = _splitmix64(stream ^ _splitmix64(uint64(replica)))
            keys_low[lane] = uint32(key & uint64(0xFFFFFFFF))
            keys_high[lane] = uint32(key >> uint64(32))
            for spin in range(num_spins):
                tile_fields[spin, lane] = fields[replica // reads, order[spin]]
        for sweep in range(betas.size + 1):
            beta = betas[sweep - 1] if sweep else float32(0)
            row = 0
            for layer in range(first.size):
                begin, count = neighbour_first[layer], neighbour_count[layer]
                spin, end = first[layer], first[layer] + size[layer]
                while spin < end:
                    counter = uint32(sweep * num_spins + spin)
                    if end - spin >= 8:
                        drawn = 8
                        _update_eight(spins, tile_fields, couplings, row, spin, begin, count, beta, counter, keys_low, keys_high)
                    elif end - spin >= 2:
                        drawn = 2
                        _update_two(spins, tile_fields, couplings, row, spin, begin, count, beta, counter, keys_low, keys_high)
                    else:
                        drawn = 1
                        _update_one(spins, tile_fields, couplings, row, spin, begin, count, beta, counter, keys_low, keys_high)
                    spin += drawn
                    row += drawn * count
        for lane in range(LANES):
            replica = tile * LANES + lane
            if replica < replicas:
                for spin in range(num_spins):
                    out[replica // reads, replica % reads, order[spin]] = np.int8(spins[spin, lane])
