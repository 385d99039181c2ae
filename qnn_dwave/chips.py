"""Graphs of qubits: made by `dwave.graphs`, reported by a machine, or any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx
import numpy as np

from qnn_core.errors import InvalidInput, check

Topology = tuple[Any, ...] | nx.Graph
"""A family and its shape, as `chip` takes them, or a graph whose nodes are numbers."""


def chip(family: str, *shape: Any, missing: int = 0, seed: int = 0) -> nx.Graph:
    """A graph of `dwave.graphs`: a family ("zephyr", "pegasus", "chimera", or a torus such as "zephyr_torus") and a shape.

    missing: number of qubits to leave out at random, since no real chip is complete.

    >>> len(chip("zephyr", 2)), len(chip("chimera", 2, 3)), len(chip("pegasus_torus", 3, missing=4))
    (160, 48, 92)
    """
    import dwave.graphs

    make: Any = getattr(dwave.graphs, str(family) if str(family).endswith("_torus") else f"{family}_graph", None)
    try:
        graph = make(*shape)
    except (TypeError, ValueError) as failure:
        allowed = 'a family of dwave.graphs and its shape, such as ("zephyr", 12)'
        raise InvalidInput("topology", (family, *shape), f"{allowed} ({failure})") from None
    if graph.graph.get("labels") != "int":  # Tori come in coordinates.
        graph = nx.convert_node_labels_to_integers(graph, ordering="sorted")
    check(len(graph), "topology", (family, *shape), "a graph with qubits")
    check(0 <= missing < len(graph), "missing", missing, f"0 .. {len(graph) - 1}")
    graph.remove_nodes_from(np.random.default_rng(seed).choice(sorted(graph), missing, replace=False).tolist())
    return graph


def chip_of(topology: Topology) -> nx.Graph:
    """The graph of a topology; raises InvalidInput if it is not one."""
    if not isinstance(topology, nx.Graph):
        check(
            isinstance(topology, tuple | list) and len(topology), "topology", topology, '("zephyr", 12), for example, or a graph'
        )
        return chip(*topology)
    fits = len(topology) and all(isinstance(node, int) for node in topology)
    check(fits, "topology", str(topology), "a graph whose nodes are whole numbers")
    return topology


def working_graph(topology: Mapping[str, Any], nodes: Iterable[int], edges: Iterable[tuple[int, int]]) -> nx.Graph:
    """The working qubits that a machine reports, with the coordinates that embedding algorithms use where Ocean knows its topology."""
    from dwave.system import qpu_graph

    try:
        return qpu_graph(topology["type"], topology["shape"], list(nodes), list(edges))
    except ValueError:
        graph = nx.Graph(list(edges), family=topology["type"])
        graph.add_nodes_from(nodes)
        return graph


def graph_identifier(graph: nx.Graph) -> str:
    """Topology, size and a digest of the qubits and couplers that are there."""
    edges = sorted(tuple(sorted(edge)) for edge in graph.edges)
    digest = hashlib.sha256(json.dumps([sorted(graph.nodes), edges]).encode()).hexdigest()
    return f"{graph.graph.get('family', 'graph')}-{graph.graph.get('rows', 0)}-{digest[:12]}"
