"""The reads of one image, seen from its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from qnn_core.network import QNN
from qnn_core.samplers.base import Reads


@dataclass(frozen=True, eq=False)
class Landscape:
    """The reads of one image seen from its target.

    overlap: (R,) with the clamped state, over all spins. energy: (R,) above the clamped state's. wrong: (R,) whether another class is shown
    at least as clearly as the target. A wrong read with energy not above the margin is a head.
    """

    overlap: Float64[np.ndarray, " R"]
    energy: Float64[np.ndarray, " R"]
    wrong: Bool[np.ndarray, " R"]


def landscape(net: QNN, x: Float32[np.ndarray, "1 D"], label: Int64[np.ndarray, " 1"], reads: Reads) -> Landscape:
    """Energy and overlap with the target of the reads of one image."""
    problem = net.problem(x)
    clamped = net.clamped(x, label)
    overlaps = reads.spins[0].astype(np.float64) @ clamped[0] / problem.num_spins
    energies = reads.energies[0].astype(np.float64) - problem.energy(clamped[:, None])[0, 0]
    return Landscape(overlaps, energies, net.is_wrong(problem.split(reads.spins)[-1], label)[0])
