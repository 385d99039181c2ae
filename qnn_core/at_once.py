"""The cut of a network with one hidden layer in one compiled call.

It makes the numbers of `Rule.contrast`, `cut_gradient` and `Adam.step`, bit for bit. These are a hundred small calls, which take about as long
as the anneals of an update.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg  # noqa: F401  Its matrix products are those of compiled loops, and must be there when threads are limited.
from jaxtyping import Bool

from qnn_core.loops import cut
from qnn_core.network import QNN
from qnn_core.optimiser import Adam
from qnn_core.rules import Batch, Rule
from qnn_core.samplers.base import Reads


def is_possible(net: QNN, rule: Rule) -> bool:
    """Whether `cut_at_once` knows such a cut."""
    return len(net.layers) == 2 and rule.name in ("both", "as-read", "completed") and rule.weighting == "deepest"


def cut_at_once(
    rule: Rule, batch: Batch, free: Reads, images: int, optimiser: Adam, lr: float
) -> tuple[Bool[np.ndarray, " B"], tuple[int, int, int]]:
    """Cut the heads among the reads `free` by one step of the optimiser.

    images: over how many the gradient is a mean. Returns which images have a part in the cut; and how many images have heads, how many heads
    there are, and how many different ones.
    """
    net = batch.net
    centre = np.zeros(net.sizes[0], np.float32) if net.centre is None else net.centre
    forms = rule.name != "completed", rule.name != "as-read"
    changing, counts = cut(
        batch.x, centre, batch.labels, batch.problem.fields, net.codes, free.spins, free.energies,
        forms, np.float32(rule.margin), rule.wrong == "spins", images, lr, optimiser.steps + 1,
        tuple(optimiser.parameters), tuple(optimiser.means), tuple(optimiser.squares),
    )  # fmt: skip
    optimiser.steps += bool(changing.any())
    return changing, counts
