"""What a layered problem needs on an annealer's chip: qubits, by an embedding that is found, and modelled time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from qnn_core.errors import InvalidInput
from qnn_core.samplers.base import Sampler
from qnn_core.windows import Window, WindowSampler
from qnn_dwave.device import modelled_seconds
from qnn_dwave.tiles import Tiles, find_tiles


@dataclass(frozen=True)
class Footprint:
    """One problem of these layers on one chip.

    spins, couplers: of the problem. qubits: of its embedding; None if none was found. side_by_side: disjoint embeddings found, so problems of
    one submission. longest_chain, mean_chain: qubits of a spin. degree: couplers of the chip that a qubit uses, on average, those
    inside of chains included.
    """

    spins: int
    couplers: int
    qubits: int | None = None
    side_by_side: int = 0
    longest_chain: int = 0
    mean_chain: float = math.nan
    degree: float = math.nan


def footprint(layers: tuple[int, ...], graph: nx.Graph, folder: str, most: int = 1) -> Footprint:
    """Measured on embeddings by `find_tiles`: bicliques only, since the general heuristic takes minutes for networks that do not fit.

    folder: where embeddings are kept. most: how many to place side by side.
    """
    logical = sum(layers), sum(left * right for left, right in pairwise(layers))
    try:
        tiles = find_tiles(layers, graph, most, folder, heuristic=False)
    except InvalidInput:
        return Footprint(*logical)
    qubits, degree = sum(map(len, tiles.embeddings[0])), _degree(tiles, graph)
    return Footprint(*logical, qubits, len(tiles), tiles.longest_chain, tiles.mean_chain, degree)


def _degree(tiles: Tiles, graph: nx.Graph) -> float:
    """Couplers in use an embedding: those inside chains, and those between the chains of neighbouring layers."""
    layer_of_spin = np.repeat(np.arange(len(tiles.layers)), tiles.layers).tolist()
    ends = 0
    for embedding in tiles.embeddings:
        owner = {qubit: spin for spin, chain in enumerate(embedding) for qubit in chain}
        for qubit, spin in owner.items():
            others = [owner[other] for other in graph[qubit] if other in owner]
            ends += sum(other == spin or abs(layer_of_spin[other] - layer_of_spin[spin]) == 1 for other in others)
    return ends / tiles.num_qubits


@dataclass(frozen=True)
class Demand:
    """What sampling a network needs on a chip, window by window.

    spins, couplers, qubits: of its largest window, qubits None if one of them does not fit. windows: anneals of a read.
    seconds: modelled access time for the reads of one batch of images, None if it does not fit.
    """

    spins: int
    couplers: int
    qubits: int | None
    windows: int
    seconds: float | None


def demand(
    sampler: Sampler, layers: tuple[int, ...], graph: nx.Graph, folder: str, images: int, num_reads: int, most: int = 1
) -> Demand:
    """What `sampler`, a `WindowSampler` or one that takes the network whole, needs for `num_reads` reads of each of some images.

    All at once, an image is one problem that is read `num_reads` times. In windows each read has its own frozen states, so it is a problem
    of its own. Problems are placed side by side, at most `most` of them; a submission's time is `modelled_seconds`, with anneals of 20
    microseconds.
    """
    whole = Window(0, tuple((0, size) for size in layers))
    windows = sampler.windows(layers) if isinstance(sampler, WindowSampler) else [whole]
    found = {window.sizes: footprint(window.sizes, graph, folder, most) for window in windows}
    problems, reads = (images, num_reads) if windows == [whole] else (images * num_reads, 1)
    spins, couplers = (max(getattr(one, name) for one in found.values()) for name in ("spins", "couplers"))
    if any(one.qubits is None for one in found.values()):
        return Demand(spins, couplers, None, len(windows), None)
    seconds = sum(math.ceil(problems / found[window.sizes].side_by_side) * modelled_seconds(reads) for window in windows)
    return Demand(spins, couplers, max(one.qubits or 0 for one in found.values()), len(windows), seconds)
