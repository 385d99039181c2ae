"""Placing layered networks on an annealer's graph of qubits: one chain of qubits for each spin, many copies side by side.

The graph of couplings is the same for every image, so one *tile*, an embedding of that graph, serves all. The chip holds as many
disjoint tiles as fit, each for an image of its own. Layers of even and of odd number are the two sides of a bipartite graph, for which
minorminer's `busclique` knows embeddings with short chains; what they hold beyond the couplings that are there is trimmed away. Chips with too
many missing qubits get minorminer's general heuristic.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from qnn_core.errors import DamagedFile, InvalidInput
from qnn_core.files import read_record, reading, write_record
from qnn_dwave.chips import graph_identifier
from qnn_dwave.secrets import tell

Embedding = tuple[tuple[int, ...], ...]
"""The chain of qubits of each spin of one tile, spin 0 first."""

SHIPPED = Path(__file__).parent / "embeddings"


@dataclass(frozen=True, eq=False)
class Tiles:
    """Disjoint embeddings of one layered network on one graph."""

    layers: tuple[int, ...]
    embeddings: tuple[Embedding, ...]

    def __len__(self) -> int:
        return len(self.embeddings)

    @property
    def num_qubits(self) -> int:
        """Of all tiles."""
        return sum(len(chain) for embedding in self.embeddings for chain in embedding)

    @property
    def longest_chain(self) -> int:
        return max(len(chain) for embedding in self.embeddings for chain in embedding)

    @property
    def mean_chain(self) -> float:
        return self.num_qubits / (len(self) * sum(self.layers))

    def chains(self, images: int) -> Embedding:
        """Chains of the first tiles: spin n of image i is number i * N + n."""
        return tuple(chain for embedding in self.embeddings[:images] for chain in embedding)


def find_tiles(layers: tuple[int, ...], graph: nx.Graph, most: int, folder: str, *, heuristic: bool = True) -> Tiles:
    """At most `most` disjoint embeddings: shipped with the project, from the cache in `folder`, or found now and kept there.

    heuristic: whether minorminer's general heuristic may try if no biclique fits. There is no time limit, so the same tiles are found
    everywhere. A cached file that was altered, or whose chains do not fit the graph, is made again, with a warning. Raises
    InvalidInput when not even one tile fits.
    """
    kept = Path(graph_identifier(graph)) / f"{'-'.join(map(str, layers))}-tiles{most}.json"
    path = Path(folder) / kept
    for place in (SHIPPED / kept, path):
        cached = _load(place, layers, graph)
        if cached is not None:
            return cached
    tell(f"Placing a network of layers {'-'.join(map(str, layers))} on {len(graph):,} qubits; this is done once and kept.")
    embeddings = _find(layers, graph, most, heuristic)
    if not embeddings:
        qubits = graph.number_of_nodes()
        raise InvalidInput("layers", layers, f"a network that fits the {qubits} qubits of the annealer: fewer spins, or a window")
    tiles = Tiles(layers, tuple(embeddings))
    write_record(path, as_content(tiles))
    return tiles


def as_content(tiles: Tiles) -> dict[str, Any]:
    """The tiles as the content of a JSON file."""
    return {"layers": list(tiles.layers), "tiles": [[list(chain) for chain in embedding] for embedding in tiles.embeddings]}


def from_content(content: Mapping[str, Any]) -> Tiles:
    """The inverse of `as_content`."""
    embeddings = tuple(tuple(tuple(chain) for chain in embedding) for embedding in content["tiles"])
    return Tiles(tuple(content["layers"]), embeddings)


def layered_graph(layers: tuple[int, ...]) -> nx.Graph:
    """The couplings of a layered network: spins 0 .. N-1, every pair of neighbouring layers fully connected."""
    graph = nx.Graph()
    graph.add_nodes_from(range(sum(layers)))
    first = 0
    for size, following in pairwise(layers):
        graph.add_edges_from(product(range(first, first + size), range(first + size, first + size + following)))
        first += size
    return graph


def _find(layers: tuple[int, ...], graph: nx.Graph, most: int, heuristic: bool) -> list[Embedding]:
    from minorminer.utils.parallel_embeddings import find_multiple_embeddings

    source = layered_graph(layers)
    for embedder in (_biclique, _heuristic) if heuristic else (_biclique,):
        # Each tile is looked for on the qubits that the tiles before it left.
        found = find_multiple_embeddings(
            source, graph, max_num_emb=most, embedder=embedder, embedder_kwargs={"layers": layers}, one_to_iterable=True
        )
        if found:
            return [tuple(tuple(int(qubit) for qubit in chains[spin]) for spin in source.nodes) for chains in found]
    return []


def _biclique(source: nx.Graph, target: nx.Graph, layers: tuple[int, ...]) -> Mapping[int, Any]:
    if len(layers) == 1:
        return (
            {spin: (qubit,) for spin, qubit in zip(range(layers[0]), target.nodes, strict=False)}
            if layers[0] <= len(target)
            else {}
        )
    if target.graph.get("labels") != "int":  # No chimera, pegasus or zephyr, or a torus of one.
        return {}
    from minorminer.busclique import busgraph_cache

    ends = np.cumsum((0, *layers)).tolist()
    sides = [[spin for first in range(side, len(layers), 2) for spin in range(ends[first], ends[first + 1])] for side in (0, 1)]
    found = busgraph_cache(target).find_biclique_embedding(len(sides[0]), len(sides[1]))
    chains = dict(zip((*sides[0], *sides[1]), (found[number] for number in sorted(found)), strict=True)) if found else {}
    return trimmed(chains, source, target)


def trimmed(chains: Mapping[int, Any], source: nx.Graph, target: nx.Graph) -> dict[int, tuple[int, ...]]:
    """An embedding without the ends of chains that no coupling needs: its chains shrink one qubit at a time while it stays valid."""
    owner = {qubit: spin for spin, chain in chains.items() for qubit in chain}

    def reached(qubit: int, spin: int) -> Counter[frozenset[int]]:
        """The pairs of coupled chains that a qubit of a spin's chain joins, each as often as by couplers."""
        others = (owner.get(other, spin) for other in target[qubit])
        return Counter(frozenset((spin, other)) for other in others if other != spin and source.has_edge(spin, other))

    couplers: Counter[frozenset[int]] = Counter()  # Of each pair of coupled chains; every coupler counts at both of its ends.
    for qubit, spin in owner.items():
        couplers.update(reached(qubit, spin))
    kept: dict[int, tuple[int, ...]] = {}
    for spin, chain in chains.items():
        left = set(chain)
        ends = sorted(left)
        while ends and len(left) > 1:
            qubit = ends.pop()
            if qubit not in left:
                continue
            inside = [other for other in target[qubit] if other in left]
            lost = {pair: 2 * count for pair, count in reached(qubit, spin).items()}
            if len(inside) != 1 or any(couplers[pair] <= count for pair, count in lost.items()):
                continue
            couplers.subtract(lost)
            left.remove(qubit)
            del owner[qubit]
            ends.append(inside[0])
        kept[spin] = tuple(sorted(left))
    return kept


def _heuristic(source: nx.Graph, target: nx.Graph, layers: tuple[int, ...]) -> Mapping[int, Any]:  # noqa: ARG001
    from minorminer import find_embedding

    # So long that no clock has a say; an infinite time is taken for none.
    return find_embedding(source, target, random_seed=0, tries=3, timeout=10**6)


def _load(path: Path, layers: tuple[int, ...], graph: nx.Graph) -> Tiles | None:
    from dwave.embedding import verify_embedding

    if not path.is_file():
        return None
    try:
        with reading(path, f"an embedding of {layers} in this graph", "it is made again"):
            tiles = from_content(read_record(path, "it is made again"))
            used = [qubit for embedding in tiles.embeddings for chain in embedding for qubit in chain]
            if tiles.layers != layers or not len(tiles) or len(used) > len(set(used)):
                raise ValueError("other layers, or a qubit in two chains")
            for embedding in tiles.embeddings:
                verify_embedding(dict(enumerate(embedding)), layered_graph(layers), graph)
            return tiles
    except DamagedFile as failure:
        warnings.warn(str(failure), stacklevel=3)
        return None
