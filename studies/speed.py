"""The cost of a training on a D-Wave machine, by a model, against the measured cost of backpropagation on a processor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from qnn_core.samplers import get_sampler
from qnn_core.statistics import Interval, mean_interval
from qnn_dwave.chips import chip
from qnn_dwave.device import PROGRAMMING, READOUT
from qnn_dwave.footprint import demand, footprint
from studies.stored import Result
from studies.tables import Table, table

ANNEAL = 20e-6
MACHINE_WATTS, CORE_WATTS = 25_000.0, 10.0
_EMBEDDINGS = "data/embeddings"
ASSUMED = {
    "chip": "Zephyr of size 12, every qubit working: 4,800",
    "problems of a submission": "as many images of a batch as disjoint embeddings were found for",
    "images that rest": "are not submitted; every update leaves all but one place of its last submission empty",
    "programming of a submission": f"{1000 * PROGRAMMING:g} ms",
    "anneal": f"{1e6 * ANNEAL:g} microseconds",
    "readout of a read": f"{1e6 * READOUT:g} microseconds",
    "annealer, with its cooling": f"{MACHINE_WATTS / 1000:g} kW",
    "one core of a processor, with its share of memory": f"{CORE_WATTS:g} W",
    "queues, network, updates of the weights": "nothing",
    "reads": "as good as those of the classical annealer in its place",
    "backpropagation": "the MLP's notebook: wall time of one thread, errors along the way counted in, and with matrix products that give"
    " the same bits on every processor; the fastest products would take less time",
}


@dataclass(frozen=True)
class Race:
    """The times of one training, in seconds. annealer: modelled; anneals: the anneals alone. backprop: measured, one per seed."""

    annealer: float
    anneals: float
    backprop: tuple[float, ...]

    @classmethod
    def of_runs(cls, annealer: Result, mlp: Sequence[Result]) -> Race:
        """From a training with a stand-in, and the MLPs of the same size and data."""
        settings = annealer.provenance["parameters"]
        layers = (*settings["hidden"], int(annealer["network_sizes"][-1]) * settings["copies"])
        reads, batch = settings["reads"], settings["batch_size"]
        seconds, tiles = _of_a_batch(layers, batch, reads, _EMBEDDINGS)
        updates, images = int(annealer["step"][-1]), int(annealer["reads"][-1]) / reads
        full = math.ceil(batch / tiles) if tiles else 1
        # Images that rest are not submitted; the last submission of an update may be filled by a single image.
        submissions = min(updates * full, (images + updates * (tiles - 1)) / tiles) if tiles else math.inf
        times = tuple(float(result.provenance["seconds"]) for result in mlp)
        return cls(submissions * seconds / full, submissions * reads * ANNEAL, times)

    def slower(self, seconds: float | None = None) -> Interval:
        """Time of the annealer over that of backpropagation; seconds: of the annealer, None for the modelled time."""
        logs = mean_interval(np.log(self.annealer if seconds is None else seconds) - np.log(self.backprop))
        return Interval(*np.exp(logs).tolist())

    def table(self) -> Table:
        """Time and energy of both."""
        took = float(np.mean(self.backprop))
        rows = {
            "annealer, modelled": {"seconds": self.annealer, "kJ": self.annealer * MACHINE_WATTS / 1000},
            "its anneals alone": {"seconds": self.anneals, "kJ": self.anneals * MACHINE_WATTS / 1000},
            "backpropagation, measured time": {"seconds": took, "kJ": took * CORE_WATTS / 1000},
        }
        return table(rows, caption="one training of the network")


def assumptions() -> Table:
    """What the model assumes."""
    return table(ASSUMED, caption="assumed")


@cache
def _of_a_batch(layers: tuple[int, ...], batch: int, reads: int, folder: str) -> tuple[float, int]:
    """Modelled seconds for the reads of a batch, infinite if an image does not fit, and images of a submission."""
    graph = chip("zephyr", 12)
    seconds = demand(get_sampler("gibbs"), layers, graph, folder, batch, reads, most=batch).seconds
    return (math.inf if seconds is None else seconds), footprint(layers, graph, folder, most=batch).side_by_side
