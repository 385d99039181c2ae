"""The compiled inner loops of the samplers, by numba.

A replica is one read of one image. Replicas share the couplings, so a tile of LANES replicas is worked on together, one replica in
each lane of the processor's vector registers, and each coupling is read once for the whole tile.

The innermost parts are written in LLVM's intermediate language, because their sums must stay in vector registers from the first
neighbour to the last, which numba's arrays, being memory, do not allow. All compiled code is in this one file: numba's cache on
disk notices changes of the file that a function stands in, and of no other.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import float32, types, uint32, uint64
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Replicas of a tile."""
_WIDTH = 16
"""Numbers in a vector: 512 bits. LLVM splits them on processors with shorter registers."""
_ANEW = 64
"""Sweeps after which fields are summed anew: rounding errors of their changes do not pile up over a long run."""
_BLOCK = 64
"""Hidden spins whose factors, at most 2 each, are multiplied up in a float32 before their logarithm is taken."""

_FLOATS = ir.VectorType(ir.FloatType(), _WIDTH)
_INTEGERS = ir.VectorType(ir.IntType(32), _WIDTH)
_BITS = ir.VectorType(ir.IntType(1), _WIDTH)
_index = functools.partial(ir.Constant, ir.IntType(64))


@numba.njit(inline="always")
def _splitmix64(value: uint64) -> uint64:
    """The finaliser of the SplitMix64 generator (Steele, Lea, Flood, OOPSLA 2014)."""
    value += uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> uint64(27))) * uint64(0x94D049BB133111EB)
    return value ^ (value >> uint64(31))


@numba.njit(inline="always")
def _replica_keys(stream, tile, replicas, keys_low, keys_high):
    """Fill the 64-bit keys of a tile's random numbers: they depend on the seed's stream and on each replica's own number."""
    for lane in range(LANES):
        replica = min(tile * LANES + lane, replicas - 1)
        key = _splitmix64(stream ^ _splitmix64(uint64(replica)))
        keys_low[lane] = uint32(key & uint64(0xFFFFFFFF))
        keys_high[lane] = uint32(key >> uint64(32))


def _same(value: float, vector: ir.VectorType = _FLOATS) -> ir.Constant:
    """A constant in every lane."""
    return ir.Constant(vector, [value] * _WIDTH)


def _spread(builder: ir.IRBuilder, value: ir.Value, vector: ir.VectorType = _FLOATS) -> ir.Value:
    """A number known only at run time in every lane."""
    alone = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(alone, alone, ir.Constant(_INTEGERS, None))


def _intrinsic(builder: ir.IRBuilder, name: str, *arguments: ir.Value) -> ir.Value:
    """An LLVM intrinsic on vectors of floats."""
    kind = ir.FunctionType(_FLOATS, [_FLOATS] * len(arguments))
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{_WIDTH}f32"), arguments)


def _polynomial(builder: ir.IRBuilder, x: ir.Value, *coefficients: float) -> ir.Value:
    """A polynomial in x, highest power first."""
    value = _same(coefficients[0])
    for coefficient in coefficients[1:]:
        value = _intrinsic(builder, "fma", value, x, _same(coefficient))
    return value


def _rows(builder: ir.IRBuilder, data: ir.Value, row: ir.Value, vector: ir.VectorType = _FLOATS) -> list[ir.Value]:
    """Pointers to the vectors that make up one row of an array (.., LANES)."""
    begin = builder.bitcast(builder.gep(data, [builder.mul(row, _index(LANES))]), vector.as_pointer())
    return [builder.gep(begin, [_index(part)]) for part in range(LANES // _WIDTH)]


def _load(builder: ir.IRBuilder, pointers: list[ir.Value]) -> list[ir.Value]:
    return [builder.load(pointer, align=4) for pointer in pointers]


def _register(builder: ir.IRBuilder, start: ir.Value) -> ir.Value:
    """A variable that LLVM keeps in a register, set to `start`."""
    place = cgutils.alloca_once(builder, start.type)
    builder.store(start, place)
    return place


def _random_bits(builder: ir.IRBuilder, counter: ir.Value, key_low: ir.Value, key_high: ir.Value) -> ir.Value:
    """32 random bits a lane for a counter (i32) under 64-bit keys.

    The multiply and xor-shift rounds of the hash function lowbias32 (C. Wellons, "Prospecting for hash functions", 2018), with one half
    of the key added before them and the other half between.
    """

    def shifted(bits: ir.Value, by: int) -> ir.Value:
        return builder.xor(bits, builder.lshr(bits, _same(by, _INTEGERS)))

    scaled = builder.mul(counter, ir.Constant(ir.IntType(32), 0x9E3779B9))
    bits = builder.add(_spread(builder, scaled, _INTEGERS), key_low)
    bits = builder.mul(shifted(bits, 16), _same(0x7FEB352D, _INTEGERS))
    bits = builder.add(shifted(bits, 15), key_high)
    bits = builder.mul(shifted(bits, 16), _same(0x846CA68B, _INTEGERS))
    return shifted(bits, 15)


def _heat_bath(builder: ir.IRBuilder, exponent: ir.Value, bits: ir.Value) -> ir.Value:
    """+1 with probability (1 + tanh(exponent)) / 2, else -1: v < tanh(exponent) for v uniform in [-1, 1).

    tanh is the rational function p / q with the smallest largest error up to |exponent| = 6.5 (found by linear programming); both
    sides are multiplied by q > 0, so nothing is divided. The probability is within 2e-6 of the exact one: at 6.7 the fraction
    passes 1, where the exact probability is 7e-7 below it.
    """
    limit = _same(7.0)
    exponent = builder.select(builder.fcmp_ordered("<", exponent, limit), exponent, limit)
    exponent = builder.select(builder.fcmp_ordered(">", exponent, _same(-7.0)), exponent, _same(-7.0))
    square = builder.fmul(exponent, exponent)
    # The random bits, as a whole number, are v times 2^31.
    scaled = (2.0**31 * coefficient for coefficient in (4.21256241e-06, 0.00233477264, 0.123659472, 0.999997443))
    p = builder.fmul(exponent, _polynomial(builder, square, *scaled))
    q = _polynomial(builder, square, 0.000148724617, 0.0213389053, 0.456983754, 1.0)
    uniform = builder.sitofp(bits, _FLOATS)
    return builder.select(builder.fcmp_ordered("<", builder.fmul(uniform, q), p), _same(1.0), _same(-1.0))


def _decay(builder: ir.IRBuilder, y: ir.Value) -> ir.Value:
    """exp(-y) for y >= 0: (exp(-y / 32))^32 with the Taylor series to sixth order, y at most 18; within 1e-6."""
    y = builder.select(builder.fcmp_ordered("<", y, _same(18.0)), y, _same(18.0))
    t = builder.fmul(y, _same(1 / 32))
    value = _polynomial(builder, t, 1 / 720, -1 / 120, 1 / 24, -1 / 6, 0.5, -1.0, 1.0)
    for _ in range(5):
        value = builder.fmul(value, value)
    return value


def _logarithm(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """ln x for finite x > 0: exponent times ln 2, and 2 artanh((f - 1) / (f + 1)) of the mantissa f in [1, 2); within 1e-5."""
    bits = builder.bitcast(x, _INTEGERS)
    power = builder.sitofp(builder.sub(builder.lshr(bits, _same(23, _INTEGERS)), _same(127, _INTEGERS)), _FLOATS)
    fraction = builder.or_(builder.and_(bits, _same(0x007FFFFF, _INTEGERS)), _same(0x3F800000, _INTEGERS))
    mantissa = builder.bitcast(fraction, _FLOATS)
    s = builder.fdiv(builder.fsub(mantissa, _same(1.0)), builder.fadd(mantissa, _same(1.0)))
    series = _polynomial(builder, builder.fmul(s, s), 2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0)
    return _intrinsic(builder, "fma", power, _same(float(np.log(2.0))), builder.fmul(s, series))


class _Tile(NamedTuple):
    """What the spins of a tile are drawn with; each array has its own row for every spin, in the kernel's order."""

    couplings: np.ndarray  # of all layers, row by row, as in `qnn_core.samplers.gibbs`
    spins: np.ndarray  # (N, LANES)
    fields: np.ndarray  # (N, LANES) without neighbours
    felt: np.ndarray  # (N, LANES) with neighbours, when the spin was drawn last
    flips: np.ndarray  # (N, LANES / 16) bits: in which replicas the spin changed when it was drawn last
    listed: np.ndarray  # (N,) room for a list of neighbours
    betas: np.ndarray  # (LANES,) each replica may have its own temperature
    keys_low: np.ndarray  # (LANES,) of the random numbers
    keys_high: np.ndarray


@numba.njit(inline="always")
def _new_tile(couplings, num_spins):
    """A tile with all spins zero, betas zero, and fields and keys still to be filled in."""
    return _Tile(
        couplings,
        np.zeros((num_spins, LANES), np.float32),
        np.empty((num_spins, LANES), np.float32),
        np.empty((num_spins, LANES), np.float32),
        np.zeros((num_spins, LANES // _WIDTH), np.uint16),
        np.empty(num_spins, np.int64),
        np.zeros(LANES, np.float32),
        np.empty(LANES, np.uint32),
        np.empty(LANES, np.uint32),
    )


def _words_of(builder: ir.IRBuilder, flips: ir.Value, spin: ir.Value) -> list[ir.Value]:
    """Pointers to the words that make up the row of one spin in tile.flips."""
    words = LANES // _WIDTH
    begin = builder.mul(spin, _index(words))
    return [builder.gep(flips, [builder.add(begin, _index(word))]) for word in range(words)]


def _starts(context: Any, builder: ir.IRBuilder, tile: Any, arrays: ir.Value) -> dict[str, ir.Value]:
    """Pointers to the first number of each array of a tile, by name. tile: its type. arrays: its value."""
    parts = (
        (name, kind, builder.extract_value(arrays, place))
        for place, (name, kind) in enumerate(zip(tile.fields, tile.types, strict=True))
    )
    return {name: context.make_array(kind)(context, builder, value).data for name, kind, value in parts}


def _add_neighbours(members: int) -> Any:
    """Compiled code that brings the fields of `members` spins of one layer up to date, in every replica of a tile.

    add(tile, anew, row, spin, first, count, number): the spins are spin .. spin + members - 1, their neighbours
    first .. first + count - 1, of which the first `number` in tile.listed are summed over. With `anew` they are added to
    tile.fields, without it what has changed of them is added to tile.felt: a flip changes a spin by twice its new value. The
    couplings are `members` rows of `count` numbers from tile.couplings[row] on.
    """

    @intrinsic
    def add(typing, tile, anew, row, spin, first, count, number):  # noqa: ARG001
        def generate(context, builder, signature, arguments):  # noqa: ARG001
            arrays, anew, row, spin, first, count, number = arguments
            start = _starts(context, builder, tile, arrays)
            always = builder.sext(anew, ir.IntType(_WIDTH))
            change = _spread(builder, builder.select(anew, ir.Constant(ir.FloatType(), 1.0), ir.Constant(ir.FloatType(), 2.0)))
            before = builder.select(anew, start["fields"], start["felt"])
            spins = [builder.add(spin, _index(member)) for member in range(members)]
            totals = [[_register(builder, field) for field in _load(builder, _rows(builder, before, one))] for one in spins]
            with cgutils.for_range(builder, number, intp=ir.IntType(64)) as loop:
                place = builder.load(builder.gep(start["listed"], [loop.index]))
                neighbour = builder.add(first, place)
                values = _load(builder, _rows(builder, start["spins"], neighbour))
                changes = []
                for word, value in zip(_words_of(builder, start["flips"], neighbour), values, strict=True):
                    counted = builder.bitcast(builder.or_(builder.load(word), always), _BITS)
                    changes.append(builder.fmul(builder.select(counted, value, _same(0.0)), change))
                for member in range(members):
                    at = builder.add(builder.add(row, builder.mul(count, _index(member))), place)
                    coupling = _spread(builder, builder.load(builder.gep(start["couplings"], [at])))
                    for total, part in zip(totals[member], changes, strict=True):
                        builder.store(_intrinsic(builder, "fma", coupling, part, builder.load(total)), total)
            for member, one in enumerate(spins):
                for total, place in zip(totals[member], _rows(builder, start["felt"], one), strict=True):
                    builder.store(builder.load(total), place, align=4)
            return context.get_dummy_value()

        return types.void(tile, types.boolean, *(types.int64,) * 5), generate

    return add


_add_to_sixteen, _add_to_eight, _add_to_two, _add_to_one = (_add_neighbours(members) for members in (16, 8, 2, 1))


@intrinsic
def _draw_spins(typing, tile, spin, end, counter):  # noqa: ARG001
    """Draw the spins spin .. end - 1 in every replica of a tile from their distribution in the fields tile.felt.

    Their random numbers count up from `counter`. tile.flips tells afterwards which are not what they were.
    """

    def generate(context, builder, signature, arguments):  # noqa: ARG001
        arrays, spin, end, counter = arguments
        start = _starts(context, builder, tile, arrays)
        betas = _load(builder, _rows(builder, start["betas"], _index(0)))
        keys = [_load(builder, _rows(builder, start[f"keys_{half}"], _index(0), _INTEGERS)) for half in ("low", "high")]
        with cgutils.for_range(builder, builder.sub(end, spin), intp=ir.IntType(64)) as loop:
            one = builder.add(spin, loop.index)
            turn = builder.add(counter, builder.trunc(loop.index, ir.IntType(32)))
            felt = _load(builder, _rows(builder, start["felt"], one))
            places = zip(_rows(builder, start["spins"], one), _words_of(builder, start["flips"], one), strict=True)
            for field, beta, low, high, (place, word) in zip(felt, betas, *keys, places, strict=True):
                new = _heat_bath(builder, builder.fmul(beta, field), _random_bits(builder, turn, low, high))
                flipped = builder.fcmp_unordered("!=", new, builder.load(place, align=4))
                builder.store(builder.bitcast(flipped, ir.IntType(_WIDTH)), word)
                builder.store(new, place, align=4)
        return context.get_dummy_value()

    return types.void(tile, types.int64, types.int64, types.uint32), generate


@numba.njit(inline="always")
def _draw_layer(tile, coupled, anew, row, spin, end, counter, first, count):
    """Draw the spins spin .. end - 1 of one layer; their random numbers count up from `counter`.

    coupled: whether neighbours count at all. anew: whether all of them are summed over, instead of those alone that have changed since
    the layer was drawn last.
    """
    number = 0
    for place in range(count if coupled else 0):
        tile.listed[number] = place
        counts = anew
        for word in range(tile.flips.shape[1]):
            counts |= tile.flips[first + place, word] != 0
        number += counts
    one = spin
    while one < end:
        if end - one >= 16:
            added = 16
            _add_to_sixteen(tile, anew, row, one, first, count, number)
        elif end - one >= 8:
            added = 8
            _add_to_eight(tile, anew, row, one, first, count, number)
        elif end - one >= 2:
            added = 2
            _add_to_two(tile, anew, row, one, first, count, number)
        else:
            added = 1
            _add_to_one(tile, anew, row, one, first, count, number)
        one += added
        row += added * count
    _draw_spins(tile, spin, end, counter)


@numba.njit(inline="always")
def _sweep_layers(tile, coupled, anew, sweep, first, size, neighbour_first, neighbour_count):
    """One update of every spin of a tile, layer by layer; `sweep` is the number of the sweep, for the random numbers.

    coupled, anew: as in `_draw_layer`.
    """
    row = 0
    for layer in range(first.size):
        begin, count = neighbour_first[layer], neighbour_count[layer]
        spin, end = first[layer], first[layer] + size[layer]
        counter = uint32(sweep * len(tile.spins) + spin)
        _draw_layer(tile, coupled, anew, row, spin, end, counter, begin, count)
        row += size[layer] * count


@numba.njit
def _tiles(states):
    """How many tiles the replicas of `states`, (B, R, N), make up."""
    return (states.shape[0] * states.shape[1] + LANES - 1) // LANES


@numba.njit(inline="always")
def _store_tile(spins, order, tile, out):
    """Copy the spins of a tile's replicas, in the kernel's order, into `out`, (B, R, N) int8."""
    images, reads, num_spins = out.shape
    for lane in range(LANES):
        replica = tile * LANES + lane
        if replica < images * reads:
            for spin in range(num_spins):
                out[replica // reads, replica % reads, order[spin]] = np.int8(spins[spin, lane])


@numba.njit(parallel=True, cache=True)
def anneal(fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, seed, out):
    """Block-Gibbs annealing of every replica through `betas` from a random start; spins go into `out`, (B, R, N) int8.

    The layout of order .. couplings is that of `qnn_core.samplers.gibbs`; fields are (B, N) float32. A first sweep at beta = 0,
    where neighbours do not matter, makes the random start.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(out)):
        _anneal_tile(number, fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, stream, out)


@numba.njit
def _anneal_tile(number, fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, stream, out):
    images, reads, num_spins = out.shape
    tile = _new_tile(couplings, num_spins)
    _replica_keys(stream, number, images * reads, tile.keys_low, tile.keys_high)
    for lane in range(LANES):
        replica = min(number * LANES + lane, images * reads - 1)
        for spin in range(num_spins):
            tile.fields[spin, lane] = fields[replica // reads, order[spin]]
    for sweep in range(betas.size + 1):
        beta = betas[sweep - 1] if sweep else float32(0)
        for lane in range(LANES):
            tile.betas[lane] = beta
        _sweep_layers(tile, sweep > 0, sweep % _ANEW <= 1, sweep, first, size, neighbour_first, neighbour_count)
    _store_tile(tile.spins, order, number, out)


@numba.njit(parallel=True, cache=True)
def sweep_on(fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, sweeps, seed, states):
    """`sweeps` block-Gibbs sweeps of the configurations `states`, (B, R, N) int8, in place, each at its own beta of `betas`, (B, R).

    The layout of order .. couplings is that of `qnn_core.samplers.gibbs`; fields are (B, N) float32.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(states)):
        _sweep_tile(
            number, fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, sweeps, stream, states
        )


@numba.njit
def _sweep_tile(number, fields, order, first, size, neighbour_first, neighbour_count, couplings, betas, sweeps, stream, states):
    images, reads, num_spins = states.shape
    tile = _new_tile(couplings, num_spins)
    _replica_keys(stream, number, images * reads, tile.keys_low, tile.keys_high)
    for lane in range(LANES):
        replica = min(number * LANES + lane, images * reads - 1)
        image, read = replica // reads, replica % reads
        tile.betas[lane] = betas[image, read]
        for spin in range(num_spins):
            tile.fields[spin, lane] = fields[image, order[spin]]
            tile.spins[spin, lane] = states[image, read, order[spin]]
    for sweep in range(sweeps):
        _sweep_layers(tile, True, sweep % _ANEW == 0, sweep, first, size, neighbour_first, neighbour_count)
    _store_tile(tile.spins, order, number, states)


@intrinsic
def _draw_output(typing, driven, outputs, fields, couplings, row, output, count, beta, counter, keys_low, keys_high):  # noqa: ARG001
    """Draw one output in every replica of a tile with the hidden spins summed out, and carry the flips into the hidden fields.

    The exponent for +1 is beta b + 1/2 sum_j [ln 2cosh(beta (x_j + w_j)) - ln 2cosh(beta (x_j - w_j))], with x_j the field on
    hidden spin j without this output, w_j its coupling and ln 2cosh(y) = |y| + ln(1 + exp(-2 |y|)).

    driven (N_h, LANES): fields of the hidden spins, this output's part included. outputs, fields (N_o, LANES): output spins and
    their fields b. Couplings of the output: `count` numbers from couplings[row] on.
    """

    def generate(context, builder, signature, arguments):
        def start_of(place: int) -> ir.Value:
            return context.make_array(signature.args[place])(context, builder, arguments[place]).data

        driven_data, output_data, field_data, coupling_data = (start_of(place) for place in range(4))
        row, output, count, beta, counter = arguments[4:9]
        parts = range(LANES // _WIDTH)
        old = _load(builder, _rows(builder, output_data, output))
        twice_beta = _spread(builder, builder.fmul(beta, ir.Constant(ir.FloatType(), 2.0)))
        linear, logarithms, above, below = ([_register(builder, _same(start)) for _ in parts] for start in (0.0, 0.0, 1.0, 1.0))

        def coupling_at(hidden: ir.Value) -> ir.Value:
            return _spread(builder, builder.load(builder.gep(coupling_data, [builder.add(row, hidden)])))

        def take_logarithms() -> None:
            for total, up, down in zip(logarithms, above, below, strict=True):
                ratio = builder.fdiv(builder.load(up), builder.load(down))
                builder.store(builder.fadd(builder.load(total), _logarithm(builder, ratio)), total)
                builder.store(_same(1.0), up)
                builder.store(_same(1.0), down)

        with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
            weight = coupling_at(loop.index)
            negative = builder.fneg(weight)
            for part, field in enumerate(_load(builder, _rows(builder, driven_data, loop.index))):
                rest = _intrinsic(builder, "fma", negative, old[part], field)
                up = _intrinsic(builder, "fabs", builder.fadd(rest, weight))
                down = _intrinsic(builder, "fabs", builder.fsub(rest, weight))
                builder.store(builder.fadd(builder.load(linear[part]), builder.fsub(up, down)), linear[part])
                for product, size in ((above[part], up), (below[part], down)):
                    value = builder.load(product)
                    factor = _decay(builder, builder.fmul(twice_beta, size))
                    builder.store(_intrinsic(builder, "fma", value, factor, value), product)
            last_of_block = builder.icmp_unsigned("==", builder.and_(loop.index, _index(_BLOCK - 1)), _index(_BLOCK - 1))
            with builder.if_then(last_of_block, likely=False):
                take_logarithms()
        take_logarithms()

        half = _same(0.5)
        keys = [_load(builder, _rows(builder, start_of(place), _index(0), _INTEGERS)) for place in (9, 10)]
        changes = []
        for part, (place, field) in enumerate(
            zip(_rows(builder, output_data, output), _load(builder, _rows(builder, field_data, output)), strict=True)
        ):
            ordered = builder.fmul(twice_beta, builder.fadd(field, builder.fmul(half, builder.load(linear[part]))))
            exponent = builder.fmul(half, builder.fadd(ordered, builder.load(logarithms[part])))
            new = _heat_bath(builder, exponent, _random_bits(builder, counter, keys[0][part], keys[1][part]))
            builder.store(new, place, align=4)
            changes.append(builder.fsub(new, old[part]))
        with cgutils.for_range(builder, count, intp=ir.IntType(64)) as loop:
            weight = coupling_at(loop.index)
            for place, change in zip(_rows(builder, driven_data, loop.index), changes, strict=True):
                builder.store(_intrinsic(builder, "fma", weight, change, builder.load(place, align=4)), place, align=4)
        return context.get_dummy_value()

    numbers = (types.int64,) * 3
    return types.void(driven, outputs, fields, couplings, *numbers, types.float32, types.uint32, keys_low, keys_high), generate


@numba.njit(inline="always")
def _keep_deepest(driven, spins, own, num_outputs, kept, depths):
    """In every replica of a tile, remember the outputs if their lowest energy, -sum_j |x_j| - b.o, is below the depth so far."""
    energies = np.zeros(LANES, np.float32)
    for hidden in range(driven.shape[0]):
        for lane in range(LANES):
            energies[lane] -= abs(driven[hidden, lane])
    for output in range(num_outputs):
        for lane in range(LANES):
            energies[lane] -= own[output, lane] * spins[output, lane]
    for lane in range(LANES):
        if energies[lane] < depths[lane]:
            depths[lane] = energies[lane]
            for output in range(num_outputs):
                kept[output, lane] = spins[output, lane]


@numba.njit(parallel=True, cache=True)
def anneal_collapsed(fields, by_hidden, by_output, betas, anneals, seed, out):
    """Anneal the outputs of every replica with the hidden spins summed out, then draw the hidden spins at the last beta.

    fields: (B, N_h + N_o) float32. by_hidden, by_output: the couplings row by row, N_h rows of N_o and N_o rows of N_h. betas: of one
    anneal. anneals: how many each replica makes, from a random start each; the outputs of the deepest are kept. The spins go into
    `out`, (B, R, N_h + N_o) int8.
    """
    stream = _splitmix64(seed)
    for number in numba.prange(_tiles(out)):
        _anneal_collapsed_tile(number, fields, by_hidden, by_output, betas, anneals, stream, out)


@numba.njit
def _anneal_collapsed_tile(number, fields, by_hidden, by_output, betas, anneals, stream, out):
    images, reads, num_spins = out.shape
    num_outputs, hidden = by_output.shape
    replicas = images * reads
    # Outputs first, then hidden spins, so that the outputs are the hidden spins' neighbours 0 .. N_o - 1.
    tile = _new_tile(by_hidden.ravel(), num_spins)
    spins, own = tile.spins, tile.fields
    driven = np.empty((hidden, LANES), np.float32)
    rows_of_outputs = by_output.ravel()
    _replica_keys(stream, number, replicas, tile.keys_low, tile.keys_high)
    for lane in range(LANES):
        image = min(number * LANES + lane, replicas - 1) // reads
        for output in range(num_outputs):
            own[output, lane] = fields[image, hidden + output]
        for spin in range(hidden):
            own[num_outputs + spin, lane] = fields[image, spin]
            driven[spin, lane] = fields[image, spin]
    kept = np.empty((num_outputs, LANES), np.float32)
    depths = np.full(LANES, np.float32(np.inf))
    for turn in range(anneals):
        for sweep in range(betas.size + 1):
            beta = betas[sweep - 1] if sweep else float32(0)
            for output in range(num_outputs):
                counter = uint32((turn * (betas.size + 1) + sweep) * num_spins + output)
                row = output * hidden
                keys = tile.keys_low, tile.keys_high
                _draw_output(driven, spins, own, rows_of_outputs, row, output, hidden, beta, counter, *keys)
        if anneals > 1:
            _keep_deepest(driven, spins, own, num_outputs, kept, depths)
    if anneals > 1:
        for output in range(num_outputs):
            for lane in range(LANES):
                spins[output, lane] = kept[output, lane]
    counter = uint32((anneals * (betas.size + 1) - 1) * num_spins + num_outputs)
    for lane in range(LANES):
        tile.betas[lane] = betas[-1]
    _draw_layer(tile, True, True, 0, num_outputs, num_spins, counter, 0, num_outputs)
    for lane in range(LANES):
        replica = number * LANES + lane
        if replica < replicas:
            for output in range(num_outputs):
                out[replica // reads, replica % reads, hidden + output] = np.int8(spins[output, lane])
            for spin in range(hidden):
                out[replica // reads, replica % reads, spin] = np.int8(spins[num_outputs + spin, lane])
