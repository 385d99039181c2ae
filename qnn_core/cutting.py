"""Heads, and the gradient that cuts them.

A read may first be *completed*: its outputs become the code of the class that it decodes to, its hidden spins their minimum given
that code. Of the many states that show one wrong answer, this is the one that the trained network compares.

With several hidden layers that minimum has no closed form. Each class in a cut, right or wrong, is then
represented by a few *code reads*: anneals with its code held on the outputs. Energy and gradient of the class are means over these reads,
because the noise of single reads, passed on from layer to layer, would hide what a deep network has to learn.

A *head* is a low-energy read whose output is wrong and whose energy is not above that of the clamped state plus a margin.
A *cut* lowers the clamped state and raises the heads: one step down the gradient of

    E(clamped) - sum over the image's heads of weight * E(head),     weights adding up to 1,

which is contrastive learning with the heads as the negative phase. The rule is a reconstruction of the paper's "cutting the dragon's
heads".
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int64

from qnn_core.errors import check
from qnn_core.ising import IsingProblem, layer_slices
from qnn_core.loops import code_spins, collect
from qnn_core.network import QNN, WrongRule
from qnn_core.samplers.base import Reads, Sampler, derived_seed

Weighting = Literal["deepest", "uniform"]


def code_reads(
    net: QNN,
    problem: IsingProblem,
    classes: Int64[np.ndarray, " B"],
    sampler: Sampler | None = None,
    num_reads: int = 1,
    seed: int = 0,
) -> Reads:
    """Reads of each image with the outputs held at the code of a class: `num_reads` anneals of the hidden spins by `sampler`.

    problem: that of the images. With one hidden layer, or without a sampler, it is one read an image, `QNN.clamp`. info: `spin_updates`,
    and `anneals`, the number of anneals.
    """
    if sampler is None or len(net.layers) == 2:
        return code_states(net, problem, classes[:, None], {"spin_updates": 0, "anneals": 0})
    return held_reads(net, problem, classes, sampler, num_reads, derived_seed(seed, 3))


def code_states(net: QNN, problem: IsingProblem, classes: Int64[np.ndarray, "B R"], info: dict[str, Any]) -> Reads:
    """The lowest states found, without sampling, with the outputs held at the codes of R classes an image, `QNN.clamp`; info: of the reads."""
    if len(net.layers) == 2:
        spins = np.empty((*classes.shape, problem.num_spins), np.int8)
        code_spins(problem.split(problem.fields)[0], net.codes @ net.weights[1].T, net.codes, classes, spins)
        return Reads(spins, net.energies_of_classes(problem)[np.arange(len(classes))[:, None], classes], info)
    pairs, place = np.unique(np.arange(len(classes))[:, None] * net.num_classes + classes, return_inverse=True)
    owners, held = np.divmod(pairs, net.num_classes)
    chosen = problem.select(owners)
    spins = net.clamp(chosen, held)
    return Reads(spins[place], chosen.energy(spins[:, None])[:, 0][place], info)


def held_reads(
    net: QNN, problem: IsingProblem, classes: Int64[np.ndarray, " B"], sampler: Sampler, num_reads: int, seed: int
) -> Reads:
    """`num_reads` reads of the hidden spins of each image, at the sampler's temperature, the outputs held at the code of a class."""
    hidden = sampler.sample(net.held(problem, classes), num_reads, seed)
    outputs = np.repeat(net.codes[classes][:, None], num_reads, axis=1)
    spins = np.concatenate([hidden.spins, outputs], axis=2)
    return Reads(spins, problem.energy(spins), effort(hidden))


def complete(
    net: QNN,
    problem: IsingProblem,
    labels: Int64[np.ndarray, " B"],
    reads: Reads,
    sampler: Sampler | None = None,
    num_reads: int = 1,
    seed: int = 0,
) -> Reads:
    """Every read replaced by the code reads of the class that it decodes to, each with their mean energy; a wrong read stays wrong.

    problem: that of the images. labels: the right classes; where they tie with another class, a read is wrong. sampler, num_reads, seed: of
    `code_reads`, K for each read, so that R reads become R K, those of one read together. Where code reads must be sampled, right reads are
    only repeated, since they cannot be heads.
    """
    shown = net.shown(problem.split(reads.spins)[-1], labels)
    if sampler is None or len(net.layers) == 2:
        return code_states(net, problem, shown, {**reads.info, **effort(reads)})
    replaced = shown != labels[:, None]
    pairs, place = np.unique((np.arange(len(labels))[:, None] * net.num_classes + shown)[replaced], return_inverse=True)
    spins, energies = (np.repeat(values[:, :, None], num_reads, axis=2) for values in (reads.spins, reads.energies))
    spent = effort(reads)
    if pairs.size:
        owners, classes = np.divmod(pairs, net.num_classes)
        found = code_reads(net, problem.select(owners), classes, sampler, num_reads, derived_seed(seed, 2))
        spins[replaced] = found.spins[place]
        energies[replaced] = found.energies.mean(axis=1)[place, None]
        spent = effort(reads, found)
    num_images, num_spins = len(labels), spins.shape[-1]
    return Reads(spins.reshape(num_images, -1, num_spins), energies.reshape(num_images, -1), {**reads.info, **spent})


def effort(*phases: Reads) -> dict[str, int]:
    """The anneals made for some reads, including those for their code states, and the updates of single spins."""
    anneals = (reads.info.get("anneals", reads.energies.size * reads.info.get("anneals_per_read", 1)) for reads in phases)
    return {"anneals": sum(anneals), "spin_updates": sum(reads.info.get("spin_updates", 0) for reads in phases)}


def find_heads(
    net: QNN,
    problem: IsingProblem,
    reads: Reads,
    clamped: Reads,
    labels: Int64[np.ndarray, " B"],
    margin: float,
    wrong: WrongRule,
) -> Bool[np.ndarray, "B R"]:
    """Which reads are heads: wrong, and with E(read) <= mean E(clamped) + margin (margin in units of energy).

    clamped: states of the right answers, as `code_reads` gives them.
    """
    bar = clamped.energies.mean(axis=1, keepdims=True) + np.float32(margin)
    outputs = problem.split(reads.spins)[-1]
    return net.is_wrong(outputs, labels, wrong) & (reads.energies <= bar)


def head_weights(
    heads: Bool[np.ndarray, "B R"], energies: Float32[np.ndarray, "B R"], weighting: Weighting, together: int = 1
) -> Float32[np.ndarray, "B R"]:
    """How much each head counts in the cut of its image: 1 for the deepest alone, or all alike. Rows without heads are 0.

    together: how many consecutive reads stand for one, and share its weight.
    """
    if weighting == "uniform":
        return (heads / np.maximum(heads.sum(axis=1, keepdims=True), 1)).astype(np.float32)
    check(weighting == "deepest", "weighting", weighting, '"deepest" or "uniform"')
    deepest = np.where(heads, energies, np.inf)[:, ::together].argmin(axis=1)
    weights = np.zeros((len(heads), heads.shape[1] // together, together), np.float32)
    weights[np.arange(len(heads)), deepest] = heads.any(axis=1, keepdims=True) / np.float32(together)
    return weights.reshape(heads.shape)


def cut_gradient(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    clamped: Int8[np.ndarray, "B K N"],
    spins: Int8[np.ndarray, "B R N"],
    weights: Float32[np.ndarray, "B R"],
    images: int | None = None,
) -> list[np.ndarray]:
    """Gradient of mean over images of sum_r weight_r [mean E(clamped) - E(read r)], in the order of `net.parameters`.

    images: how many images the mean runs over, if it includes some without weights.

    With dE/dW_l = - s^l (s^(l+1))^T it is a weighted sum of outer products; an image without heads contributes nothing.
    """
    scale = np.float32(1 / (images or len(x)))  # Put in last: sums of spins, of weight 1 or 1/2 each, are exact.
    active = np.flatnonzero(weights.any(axis=1))
    number = len(active) * clamped.shape[1] + np.count_nonzero(weights)
    states, shares = np.empty((number, spins.shape[2]), np.float32), np.empty((number, 1), np.float32)
    sums = np.empty((len(active), spins.shape[2]), np.float32)
    collect(clamped, spins, weights, states, shares[:, 0], sums)
    shared, total, columns = states * shares, scale * sums.sum(axis=0), layer_slices(net.layers)
    couplings = [scale * (shared[:, left].T @ states[:, right]) for left, right in pairwise(columns)]
    return [net.measured(x[active]).T @ (scale * sums[:, columns[0]]), *couplings, *(total[part] for part in columns)]
