"""Heads, and the gradient that cuts them.

A read may first be *completed*: its outputs become the code of the class that it decodes to, its hidden spins their minimum given
that code. Of the many states that stand for one wrong answer, it is this one that the trained network is asked about.

A *head* is a low-energy read whose output is wrong and whose energy is not above that of the clamped state plus a margin.
A *cut* lowers the clamped state and raises the heads: one step down the gradient of

    E(clamped) - sum over the image's heads of weight * E(head),     weights adding up to 1,

which is contrastive learning with the heads as the negative phase. The rule is a reconstruction of the paper's "cutting the dragon's
heads".
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int64

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN, WrongRule
from qnn_core.samplers.base import Reads

Weighting = Literal["deepest", "uniform"]


def shown_class(net: QNN, outputs: Int8[np.ndarray, "B R O"], labels: Int64[np.ndarray, " B"]) -> Int64[np.ndarray, "B R"]:
    """The class that each read stands for: the one it decodes to, where a tie of the right class with another is the other.

    labels: the right classes.
    """
    overlaps = net.class_overlaps(outputs)
    wrong = net.is_wrong(outputs, labels)
    right = np.broadcast_to(labels[:, None, None], (*wrong.shape, 1))
    np.put_along_axis(overlaps, right, np.where(wrong, -net.copies - 1, net.copies + 1)[..., None], axis=-1)
    return overlaps.argmax(axis=-1)


def complete(
    net: QNN, problem: IsingProblem, x: Float32[np.ndarray, "B D"], labels: Int64[np.ndarray, " B"], reads: Reads
) -> Reads:
    """Every read replaced by the code state of the class that it decodes to; a wrong read stays wrong.

    problem: that of the images x. labels: the right classes; where they tie with another class, a read is wrong.
    """
    classes = shown_class(net, problem.split(reads.spins)[-1], labels)
    pairs, place = np.unique(np.arange(len(x))[:, None] * net.num_classes + classes, return_inverse=True)
    owners, codes = np.divmod(pairs, net.num_classes)
    states = net.clamped(x[owners], codes)
    energies = problem.select(owners).energy(states[:, None])[:, 0]
    place = place.reshape(classes.shape)
    return Reads(states[place], energies[place], reads.info)


def find_heads(
    net: QNN,
    problem: IsingProblem,
    reads: Reads,
    clamped: Int8[np.ndarray, "B N"],
    labels: Int64[np.ndarray, " B"],
    margin: float,
    wrong: WrongRule,
) -> Bool[np.ndarray, "B R"]:
    """Which reads are heads: wrong, and with E(read) <= E(clamped) + margin (margin in units of energy)."""
    bar = problem.energy(clamped[:, None]) + np.float32(margin)
    outputs = problem.split(reads.spins)[-1]
    return net.is_wrong(outputs, labels, wrong) & (reads.energies <= bar)


def head_weights(
    heads: Bool[np.ndarray, "B R"], energies: Float32[np.ndarray, "B R"], weighting: Weighting
) -> Float32[np.ndarray, "B R"]:
    """How much each head counts in the cut of its image: 1 for the deepest alone, or all alike. Rows without heads are 0."""
    if weighting == "uniform":
        return (heads / np.maximum(heads.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    if weighting != "deepest":
        raise InvalidInput("weighting", weighting, '"deepest" or "uniform"')
    deepest = np.where(heads, energies, np.inf).argmin(axis=1)
    weights = np.zeros(heads.shape, np.float32)
    weights[np.arange(len(heads)), deepest] = heads.any(axis=1)
    return weights


def cut_gradient(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    clamped: Int8[np.ndarray, "B N"],
    spins: Int8[np.ndarray, "B R N"],
    weights: Float32[np.ndarray, "B R"],
) -> list[np.ndarray]:
    """Gradient of mean over images of sum_r weight_r [E(clamped) - E(read r)], in the order of `net.parameters`.

    With dE/dW_l = - s^l (s^(l+1))^T it is a weighted sum of outer products; an image without heads contributes nothing.
    """
    image, read = np.nonzero(weights)
    firsts = np.flatnonzero(np.diff(image, prepend=-1))
    active = image[firsts]
    share = weights[image, read] / np.float32(len(x))
    ends = np.cumsum(net.layers)[:-1]
    heads = np.split(spins[image, read].astype(np.float32), ends, axis=1)
    right = np.split(clamped[active].astype(np.float32), ends, axis=1)
    weighted_heads = [layer * share[:, None] for layer in heads]
    weighted_right = [layer * np.add.reduceat(share, firsts)[:, None] for layer in right]
    differences = [
        lowered - np.add.reduceat(raised, firsts, axis=0) for lowered, raised in zip(weighted_right, weighted_heads, strict=True)
    ]
    couplings = [
        weighted_heads[layer].T @ heads[layer + 1] - weighted_right[layer].T @ right[layer + 1] for layer in range(len(ends))
    ]
    return [-(x[active].T @ differences[0]), *couplings, *(-difference.sum(axis=0) for difference in differences)]
