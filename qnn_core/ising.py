"""Batches of layered Ising problems: one set of couplings, one set of fields per image.

The energy of spins s in {-1, +1}^N, arranged in layers s^1 .. s^L, for image i is

    E_i(s) = - sum_n fields[i, n] s_n - sum_l s^l . couplings[l] . s^(l+1)

Energies are dimensionless and physical in sign: a positive coupling favours equal spins. Ocean's convention has the opposite
sign, h = -fields and J = -couplings; `IsingProblem.to_bqm` makes the change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int8

from qnn_core.errors import InvalidInput, check
from qnn_core.loops import all_finite

if TYPE_CHECKING:
    import dimod

_BLOCK_SPINS = 1 << 22
"""Spins whose energies are worked out at a time: 16 MiB as floats."""


@dataclass(frozen=True, eq=False)
class IsingProblem:
    """B Ising problems over the same layers and couplings, each with fields of its own.

    layers: number of spins of each layer, input side first; N is their sum.
    fields: (B, N) float32, dimensionless; column n belongs to spin n, layers one after another.
    couplings: one (layers[l], layers[l + 1]) float32 matrix per pair of neighbouring layers.

    Raises InvalidInput when shapes disagree or a number is not finite.

    >>> problem = IsingProblem((2, 1), np.ones((1, 3), np.float32), (np.ones((2, 1), np.float32),))
    >>> float(problem.energy(np.ones((1, 1, 3), np.int8))[0, 0])  # three fields and two couplings are content
    -5.0
    """

    layers: tuple[int, ...]
    fields: Float32[np.ndarray, "B N"]
    couplings: tuple[Float32[np.ndarray, "_ _"], ...]

    def __post_init__(self) -> None:
        check(min(self.layers, default=0) >= 1, "layers", self.layers, "at least one layer, each with at least one spin")
        if self.fields.ndim != 2 or self.fields.shape[1] != sum(self.layers):
            allowed = f"shape (images, {sum(self.layers)}), one column a spin"
            raise InvalidInput("fields", f"shape {self.fields.shape}", allowed)
        expected, found = list(pairwise(self.layers)), [matrix.shape for matrix in self.couplings]
        if found != expected:
            raise InvalidInput("couplings", f"shapes {found}", f"shapes {expected}, one between each two layers")
        for name, arrays in (("fields", (self.fields,)), ("couplings", self.couplings)):
            finite = all(map(all_finite, arrays))
            check(finite, name, "NaN or infinity", "finite numbers; look for a division by zero or a diverged run")

    @property
    def num_images(self) -> int:
        """B."""
        return self.fields.shape[0]

    @property
    def num_spins(self) -> int:
        """N."""
        return self.fields.shape[1]

    @property
    def layer_slices(self) -> tuple[slice, ...]:
        """The columns of each layer, in order."""
        return layer_slices(tuple(self.layers))

    def split(self, spins: np.ndarray) -> list[np.ndarray]:
        """Views of the last axis of `spins`, (..., N), one for each layer."""
        return [spins[..., part] for part in self.layer_slices]

    def energy(self, spins: Int8[np.ndarray, "B R N"]) -> Float32[np.ndarray, "B R"]:
        """Energy of R configurations for each of the B problems."""
        fits = (spins.shape[0], spins.shape[-1]) == self.fields.shape
        check(fits, "spins", f"shape {spins.shape}", f"shape ({self.num_images}, reads, {self.num_spins}) for this problem")
        energies = np.empty(spins.shape[:2], np.float32)
        for images, reads in self._blocks(spins.shape[1]):
            values = spins[images, reads].astype(np.float32)
            block = -np.einsum("brn,bn->br", values, self.fields[images])
            for matrix, (left, right) in zip(self.couplings, pairwise(self.split(values)), strict=True):
                block -= np.einsum("brm,brm->br", _times(left, matrix), right)
            energies[images, reads] = block
        return energies

    def _blocks(self, num_reads: int) -> Iterator[tuple[slice, slice]]:
        """Slices of the images and of the reads that cut a batch into blocks of bounded size."""
        reads = max(1, min(num_reads, _BLOCK_SPINS // self.num_spins))
        images = max(1, _BLOCK_SPINS // (reads * self.num_spins))
        for image in range(0, self.num_images, images):
            for read in range(0, num_reads, reads):
                yield slice(image, image + images), slice(read, read + reads)

    def select(self, images: np.ndarray) -> IsingProblem:
        """The problems of some images: an index or boolean array over the first axis of `fields`."""
        return IsingProblem(self.layers, self.fields[images], self.couplings)

    def sides(self) -> tuple[np.ndarray, np.ndarray, Float32[np.ndarray, "E O"]]:
        """The numbers of the spins in even layers and in odd ones, arrays, and the couplings from the first to the second.

        Within a side there are no couplings.
        """
        columns = [np.arange(self.num_spins)[part] for part in self.layer_slices]
        even, odd = (np.concatenate([np.zeros(0, int), *columns[parity::2]]) for parity in (0, 1))
        matrix = np.zeros((self.num_spins, self.num_spins), np.float32)
        for couplings, (left, right) in zip(self.couplings, pairwise(self.layer_slices), strict=True):
            matrix[left, right], matrix[right, left] = couplings, couplings.T
        return even, odd, matrix[np.ix_(even, odd)]

    def to_bqm(self, image: int) -> dimod.BinaryQuadraticModel:
        """One image's problem for Ocean, in spin variables 0 .. N-1; `.to_qubo()` gives its QUBO.

        Energies of the model equal `energy` of this class for the same spins (h = -fields, J = -couplings).
        """
        import dimod

        check(0 <= image < self.num_images, "image", image, f"0 .. {self.num_images - 1}")
        rows, columns, values = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
        for matrix, (left, right) in zip(self.couplings, pairwise(self.layer_slices), strict=True):
            rows.append(np.arange(left.start, left.stop).repeat(matrix.shape[1]))
            columns.append(np.tile(np.arange(right.start, right.stop), len(matrix)))
            values.append(-matrix.ravel().astype(np.float64))
        quadratic = tuple(map(np.concatenate, (rows, columns, values)))
        return dimod.BinaryQuadraticModel.from_numpy_vectors(-self.fields[image].astype(np.float64), quadratic, 0.0, dimod.SPIN)


@lru_cache(maxsize=64)
def layer_slices(layers: tuple[int, ...]) -> tuple[slice, ...]:
    """The columns of each layer in states of the whole network, in order."""
    ends = np.cumsum(layers)
    return tuple(slice(int(end) - size, int(end)) for end, size in zip(ends, layers, strict=True))


def sign(values: np.ndarray) -> np.ndarray:
    """+1 where values >= 0 and -1 elsewhere: the spin that minimises -values * spin, ties to +1."""
    return (2 * (values >= 0).view(np.int8) - 1).astype(np.int8, copy=False)


def local_fields(problem: IsingProblem, spins: np.ndarray, layer: int) -> np.ndarray:
    """What layer `layer` feels from its own fields and its neighbours, (B, R, layers[layer]) for spins (B, R, N)."""
    parts = problem.split(spins)
    felt = np.broadcast_to(problem.fields[:, None, problem.layer_slices[layer]], parts[layer].shape).astype(np.float32)
    if layer > 0:
        felt += _times(parts[layer - 1], problem.couplings[layer - 1])
    if layer + 1 < len(problem.layers):
        felt += _times(parts[layer + 1], problem.couplings[layer].T)
    return felt


def _times(spins: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """spins @ matrix for (B, R, m) and (m, n), as one product: numpy makes B small ones of three axes."""
    rows = spins.reshape(-1, matrix.shape[0]).astype(np.float32, copy=False)
    return (rows @ matrix).reshape(*spins.shape[:-1], matrix.shape[1])


def feed_forward(problem: IsingProblem) -> Int8[np.ndarray, "B N"]:
    """Each layer aligned with its own fields and the layer before it, as in a feed-forward net: a start for `relax`."""
    states: list[np.ndarray] = []
    for layer, columns in enumerate(problem.layer_slices):
        felt = problem.fields[:, columns]
        if layer > 0:
            felt = felt + states[-1].astype(np.float32) @ problem.couplings[layer - 1]
        states.append(sign(felt))
    return np.concatenate(states, axis=1)


def cooling_schedule() -> Float32[np.ndarray, " sweeps"]:
    """Inverse temperatures of `cool`, dimensionless: ten, geometric from 0.3 to 5."""
    return np.geomspace(0.3, 5.0, 10).astype(np.float32)


def cool(problem: IsingProblem) -> Int8[np.ndarray, "B N"]:
    """Deterministic annealing: mean-field magnetisations m_n = tanh(beta h_n), layer by layer while beta rises, then `relax`.

    beta rises along `cooling_schedule`. At high temperature every spin hesitates, so that what comes from
    both ends of a chain of layers can meet before any is decided; a descent from the forward pass decides at the input side first.
    """
    means = np.zeros((problem.num_images, 1, problem.num_spins), np.float32)
    for beta in cooling_schedule():
        for parity in (0, 1):
            for layer in range(parity, len(problem.layers), 2):
                means[..., problem.layer_slices[layer]] = np.tanh(beta * local_fields(problem, means, layer))
    return relax(problem, sign(means))[:, 0]


def relax(problem: IsingProblem, spins: Int8[np.ndarray, "B R N"], max_sweeps: int = 100) -> Int8[np.ndarray, "B R N"]:
    """Zero-temperature descent, even layers then odd layers, until no spin wants to flip or `max_sweeps` is reached.

    Layers of one parity do not interact, so each half-sweep minimises over them exactly and the energy never rises.
    """
    spins = spins.copy()
    moving = np.arange(problem.num_images)
    for _ in range(max_sweeps):
        part, states = problem.select(moving), spins[moving]
        for parity in (0, 1):
            for layer in range(parity, len(problem.layers), 2):
                states[..., problem.layer_slices[layer]] = sign(local_fields(part, states, layer))
        moved = (states != spins[moving]).any(axis=(1, 2))
        spins[moving] = states
        moving = moving[moved]
        if not moving.size:
            break
    return spins
