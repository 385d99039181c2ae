"""How well a sampler finds heads: the undesired minima of a network as it is, without training on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from qnn_core.cutting import complete, find_heads
from qnn_core.errors import InvalidInput
from qnn_core.ising import relax, sign
from qnn_core.network import QNN
from qnn_core.samplers.base import Reads, Sampler
from qnn_core.samplers.exact import MAX_OUTPUTS, local_minima, output_states


@dataclass(frozen=True, eq=False)
class HeadSearch:
    """Heads that are minima, for each of B images.

    per_read: fraction of reads that end in one. distinct: different ones among the reads. existing: how many there are, by exact
    enumeration; NaN where it is not possible (deep networks, more than 20 outputs).
    rival_found: whether a read decodes to the rival, the wrong class of lowest clamped energy, which training needs to see.
    """

    per_read: Float64[np.ndarray, " B"]
    distinct: Int64[np.ndarray, " B"]
    existing: Float64[np.ndarray, " B"]
    rival_found: Bool[np.ndarray, " B"]


def search_heads(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    sampler: Sampler,
    num_reads: int,
    margin: float,
    seed: int,
) -> HeadSearch:
    """Sample every image, let each read descend to the minimum below it, and count those that are heads.

    margin: energy above the clamped state up to which a wrong minimum is a head.
    """
    if not (np.isfinite(margin) and margin >= 0):
        raise InvalidInput("margin", margin, "a finite number of at least 0")
    problem = net.problem(x)
    clamped = net.clamped(x, labels)
    reads = sampler.sample(problem, num_reads, seed)
    spins = relax(problem, reads.spins)
    heads = find_heads(net, problem, Reads(spins, problem.energy(spins)), clamped, labels, margin, "class")
    distinct = [len(np.unique(image[marked], axis=0)) for image, marked in zip(spins, heads, strict=True)]
    return HeadSearch(
        heads.mean(axis=1),
        np.array(distinct, np.int64),
        _existing(net, x, labels, margin),
        _rival_found(net, x, labels, complete(net, problem, x, labels, reads)),
    )


def _rival_found(net: QNN, x: np.ndarray, labels: np.ndarray, completed: Reads) -> Bool[np.ndarray, " B"]:
    energies = net.class_energies(x)
    np.put_along_axis(energies, labels[:, None], np.inf, axis=1)
    classes = net.decode(completed.spins[..., -net.layers[-1] :])
    return (classes == energies.argmin(axis=1)[:, None]).any(axis=1)


def _existing(net: QNN, x: np.ndarray, labels: np.ndarray, margin: float) -> Float64[np.ndarray, " B"]:
    problem = net.problem(x)
    if len(problem.layers) != 2 or problem.layers[1] > MAX_OUTPUTS:
        return np.full(len(x), np.nan)
    outputs = output_states(problem.layers[1])
    bar = problem.energy(net.clamped(x, labels)[:, None]) + np.float32(margin)
    counts = np.empty(len(x))
    # One image at a time: a state of all its outputs with their hidden spins is large.
    for image in range(len(x)):
        one = problem.select(np.array([image]))
        stable = outputs[local_minima(one)[0]]
        hidden = sign(one.fields[0, : problem.layers[0]] + stable @ problem.couplings[0].T)
        wrong = net.is_wrong(stable[None], labels[image : image + 1])
        counts[image] = (wrong & (one.energy(np.concatenate([hidden, stable], axis=1)[None]) <= bar[image])).sum()
    return counts
