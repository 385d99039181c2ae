"""How well a sampler finds heads: the undesired minima of a network as it is, without training on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool

from qnn_core.cutting import code_reads, complete, cut_gradient, find_heads, head_weights
from qnn_core.data import Dataset
from qnn_core.errors import check_number
from qnn_core.ising import relax, sign
from qnn_core.limits import MAX_OUTPUTS
from qnn_core.network import QNN
from qnn_core.optimiser import Adam
from qnn_core.samplers.base import Reads, Sampler
from qnn_core.samplers.exact import local_minima, output_states
from studies.stored import Arrays, Images, Labels, Networks
from studies.tables import Table, table


def search_heads(net: QNN, x: Images, labels: Labels, sampler: Sampler, num_reads: int, margin: float, seed: int) -> Arrays:
    """Sample every image, let each read descend to the minimum below it, and count those that are heads.

    margin: energy above the clamped state up to which a wrong minimum is a head.

    Returns for each of B images, (B,): heads_per_read, fraction of reads that end in a head; distinct_heads, different ones among the reads;
    rival_found, whether a read decodes to the rival, the wrong class of lowest clamped energy, which training needs to see; existing_heads,
    how many there are, by exact enumeration, NaN where it is not possible (deep networks, more than 20 outputs).
    """
    check_number("margin", margin)
    enumerable = len(net.layers) == 2 and net.layers[1] <= MAX_OUTPUTS
    problem = net.problem(x)
    clamped = code_reads(net, problem, labels)
    reads = sampler.sample(problem, num_reads, seed)
    spins = relax(problem, reads.spins)
    heads = find_heads(net, problem, Reads(spins, problem.energy(spins)), clamped, labels, margin, "class")
    energies = net.class_energies(x)
    np.put_along_axis(energies, labels[:, None], np.inf, axis=1)
    classes = net.shown(problem.split(reads.spins)[-1], labels)
    return {
        "heads_per_read": heads.mean(axis=1),
        "distinct_heads": np.array([len(np.unique(image[found], axis=0)) for image, found in zip(spins, heads, strict=True)]),
        "rival_found": (classes == energies.argmin(axis=1)[:, None]).any(axis=1),
        "existing_heads": _existing(net, x, labels, margin).sum(axis=1) if enumerable else np.full(len(x), np.nan),
    }


def _existing(net: QNN, x: Images, labels: Labels, margin: float) -> Bool[np.ndarray, "B K"]:
    """Which output states, in the order of `output_states`, are minima and heads."""
    problem = net.problem(x)
    found = local_minima(problem)
    outputs = output_states(problem.layers[1])
    bar = problem.energy(net.clamp(problem, labels)[:, None]) + np.float32(margin)
    # One image at a time: a state of all its outputs with their hidden spins is large.
    for image in range(len(x)):
        one = problem.select(np.array([image]))
        stable = outputs[found[image]]
        hidden = sign(one.fields[0, : problem.layers[0]] + stable @ problem.couplings[0].T)
        wrong = net.is_wrong(stable[None], labels[image : image + 1])
        below = one.energy(np.concatenate([hidden, stable], axis=1)[None]) <= bar[image]
        found[image, found[image]] = (wrong & below)[0]
    return found


@dataclass(frozen=True, eq=False)
class Searched:
    """Heads that N samplers find in the same networks, those of S runs after M moments of training.

    moments: updates. means: over images, of what `search_heads` measures, by its name there, (N, S, M) each.
    """

    samplers: tuple[str, ...]
    moments: tuple[int, ...]
    means: Arrays

    def arrays(self) -> Arrays:
        """The measures by name, to store."""
        return self.means

    def table(self) -> Table:
        """Means over runs, a column for each moment, with how many heads there are, where that is known."""
        words = {"heads_per_read": "heads per read", "distinct_heads": "different heads", "rival_found": "rival found"}
        after = [f"after {moment:,} updates" for moment in self.moments]
        rows: list[dict[str, Any]] = [
            {"": what, "sampler": name, **dict(zip(after, self.means[measure][row].mean(axis=0), strict=True))}
            for measure, what in words.items()
            for row, name in enumerate(self.samplers)
        ]
        existing = dict(zip(after, self.means["existing_heads"][0].mean(axis=0), strict=True))
        return table([*rows, {"": "minima that are heads", "sampler": "", **existing}])


def some_images(data: Dataset, count: int, seed: int) -> tuple[Images, Labels]:
    """`count` of the test images, or all of them, drawn by the seed, and their labels."""
    chosen = np.random.default_rng(seed).permutation(len(data.y_test))[:count]
    return data.x_test[chosen], data.y_test[chosen]


def search_along(
    runs: Sequence[Networks], images: Sequence[tuple[Images, Labels]], samplers: Mapping[str, Sampler], num_reads: int,
    margin: float, seeds: Sequence[int],
) -> Searched:  # fmt: skip
    """`search_heads` with every sampler in every network.

    runs: the networks of each run by moment, the moments being the same. images: with their labels, for each run. seeds: of the reads of
    each run.
    """
    moments = tuple(sorted(runs[0]))
    means: Arrays = defaultdict(lambda: np.empty((len(samplers), len(runs), len(moments))))
    for run, (networks, (x, labels), seed) in enumerate(zip(runs, images, seeds, strict=True)):
        for (place, moment), (row, sampler) in product(enumerate(moments), enumerate(samplers.values())):
            with redirect_stdout(StringIO()):  # What a chip's time would cost is not asked here.
                found = search_heads(networks[moment], x, labels, sampler, num_reads, margin, seed)
            for name, values in found.items():
                means[name][row, run, place] = values.mean()
    return Searched(tuple(samplers), moments, dict(means))


def count_cut(net: QNN, x: Images, labels: Labels, reads: Reads, margin: float, lr: float) -> Arrays:
    """Cut the deepest head among the reads of each image once, in a copy of `net`, and count heads by exact enumeration.

    A head is a minimum, known by its outputs. The step is one of Adam from rest with rate `lr`, each parameter moving by about lr.

    Returns heads, those before the cut, gone and new, those that vanish and appear with it, means over images.
    """
    problem = net.problem(x)
    clamped = code_reads(net, problem, labels)
    completed = complete(net, problem, labels, reads)
    heads = find_heads(net, problem, completed, clamped, labels, margin, "class")
    changed = net.copy()
    if heads.any():
        weights = head_weights(heads, completed.energies, "deepest")
        Adam(changed.parameters).step(cut_gradient(net, x, clamped.spins, completed.spins, weights), lr)
    before, after = (_existing(network, x, labels, margin) for network in (net, changed))
    counted = {"heads": before, "gone": before & ~after, "new": after & ~before}
    return {name: np.array(marked.sum(axis=1).mean()) for name, marked in counted.items()}
