"""Our samplers behind Ocean's interface."""

from __future__ import annotations

import secrets
from typing import Any

import dimod
import networkx as nx
import numpy as np

from qnn_core.errors import check
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Sampler


class LayeredSampler(dimod.Sampler):  # type: ignore[misc]
    """One of our samplers as one of Ocean's, for bipartite models, such as the even and odd layers of a network.

    sampler: ours; `properties` gives its name and kind. Other models are refused with InvalidInput.
    """

    parameters: dict[str, Any] = {"num_reads": [], "seed": []}  # noqa: RUF012
    properties: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler
        self.properties = {"name": sampler.name, "kind": sampler.kind}

    def __repr__(self) -> str:
        return f"LayeredSampler({self.sampler!r})"

    def sample(
        self, bqm: dimod.BinaryQuadraticModel, num_reads: int = 1, seed: int | None = None, **others: Any
    ) -> dimod.SampleSet:
        """As `dimod.Sampler.sample`. seed: None for reads that differ from call to call."""
        self.remove_unknown_kwargs(**others)
        if not bqm.num_variables:
            return dimod.SampleSet.from_samples_bqm([], bqm)
        model = bqm.change_vartype(dimod.SPIN, inplace=False)
        first, second = _sides(model)
        fields = np.array([[-model.get_linear(variable) for variable in (*first, *second)]], np.float32)
        couplings = np.zeros((len(first), len(second)), np.float32)
        rows, columns = ({variable: place for place, variable in enumerate(side)} for side in (first, second))
        for (left, right), bias in model.quadratic.items():
            if bias:
                one, other = (left, right) if left in rows else (right, left)
                couplings[rows[one], columns[other]] = -bias
        problem = IsingProblem((len(first), len(second)) if second else (len(first),), fields, (couplings,) if second else ())
        reads = self.sampler.sample(problem, num_reads, secrets.randbits(63) if seed is None else seed)
        answer = dimod.SampleSet.from_samples_bqm((reads.spins[0], [*first, *second]), model, info=reads.info)
        return answer.change_vartype(bqm.vartype, inplace=False)


def _sides(model: dimod.BinaryQuadraticModel) -> tuple[list[Any], list[Any]]:
    """The variables of each side, the larger one first; what has no couplings is on the side of whoever is first."""
    graph = nx.Graph()
    graph.add_nodes_from(model.variables)
    graph.add_edges_from(pair for pair, bias in model.quadratic.items() if bias)
    allowed = "couplings between two sides only, as between the layers of a network: this one has rings of odd length"
    check(nx.is_bipartite(graph), "bqm", f"{model.num_variables} variables, {model.num_interactions} couplings", allowed)
    side = nx.bipartite.color(graph)
    sides = [variable for variable in side if side[variable]], [variable for variable in side if not side[variable]]
    return max(sides, key=len), min(reversed(sides), key=len)
