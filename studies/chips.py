"""What a deep network needs on annealers' chips, with all layers sampled at once and a few layers at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from qnn_core.windows import WindowSampler
from qnn_dwave.footprint import Demand, demand, footprint
from studies.stored import Arrays
from studies.tables import Table, table


@dataclass(frozen=True, eq=False)
class Chip:
    """Where problems are embedded. name: shown. graph: of its qubits. most: problems placed side by side at most."""

    name: str
    graph: nx.Graph
    most: int


@dataclass(frozen=True, eq=False)
class ChipNeeds:
    """demands: by way to sample the layers, one per chip."""

    chips: Sequence[Chip]
    demands: Mapping[str, list[Demand]]

    def arrays(self) -> Arrays:
        """What is stored; -1 stands for qubits and seconds of what does not fit."""
        rows = list(self.demands.values())
        return {
            "spins": np.array([row[0].spins for row in rows]),
            "couplers": np.array([row[0].couplers for row in rows]),
            "chip": np.array([chip.name for chip in self.chips]),
            "chip_qubits": np.array([len(chip.graph) for chip in self.chips]),
            "qubits": np.array([[-1 if one.qubits is None else one.qubits for one in row] for row in rows]),
            "qpu_seconds": np.array([[-1.0 if one.seconds is None else one.seconds for one in row] for row in rows]),
        }

    def table(self) -> Table:
        """The largest problem of each way, one a column, and what it takes of each chip."""
        rows: dict[str, dict[str, int | str]] = defaultdict(dict)
        for way, row in self.demands.items():
            for name, count in (("spins", row[0].spins), ("couplers", row[0].couplers), ("stops per read", row[0].windows)):
                rows[name][way] = count
            for chip, one in zip(self.chips, row, strict=True):
                fits = "does not fit" if one.qubits is None else f"{one.qubits:,}, {one.seconds:.2g}"
                rows[f"{chip.name}: qubits, s"][way] = fits
        return table(rows)


def chip_needs(
    ways: Mapping[str, WindowSampler], layers: tuple[int, ...], chips: Sequence[Chip], folder: str, images: int, num_reads: int
) -> ChipNeeds:
    """For `num_reads` reads of each of some images; folder: where embeddings are kept."""
    demands = {
        way: [demand(sampler, layers, chip.graph, folder, images, num_reads, most=chip.most) for chip in chips]
        for way, sampler in ways.items()
    }
    return ChipNeeds(chips, demands)


def window_table(ways: Mapping[str, WindowSampler], layers: tuple[int, ...], chips: Sequence[Chip], folder: str) -> Table:
    """Chains and couplers of the embedding of each problem that any of the ways poses, on each chip."""
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for sizes in sorted({window.sizes for sampler in ways.values() for window in sampler.windows(layers)}, key=sum):
        for chip in chips:
            one = footprint(sizes, chip.graph, folder, most=chip.most)
            needs = "does not fit" if one.qubits is None else f"{one.mean_chain:.1f}, {one.longest_chain}; {one.degree:.1f}"
            rows[chip.name][f"problem of {'-'.join(map(str, sizes))} spins"] = needs
    return table(rows, caption="chain length mean, max; degree")
