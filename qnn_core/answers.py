"""The annealer's own answers: the deepest of its reads, without any comparison of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from qnn_core.network import QNN
from qnn_core.samplers.base import Sampler, derived_seed


@dataclass(frozen=True, eq=False)
class OwnAnswers:
    """The annealer's own answers to B images, one entry per image; report the `.mean()` of each.

    wrong: whether the deepest read decodes to a wrong class, or to none because two classes tie. exact: whether its outputs are exactly
    the code of the right class. below: whether any read with other outputs lies below the clamped state of the right answer.
    reads_wrong: the fraction of the reads that decode to a wrong class or to none. overlap: m, the mean over reads of
    (1/N) sum_n s_n t_n with the clamped state t; it is 1 if all reads are the right answer.
    """

    wrong: Bool[np.ndarray, " B"]
    exact: Bool[np.ndarray, " B"]
    below: Bool[np.ndarray, " B"]
    reads_wrong: Float32[np.ndarray, " B"]
    overlap: Float32[np.ndarray, " B"]


def own_answers(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    sampler: Sampler,
    num_reads: int = 10,
    seed: int = 0,
    *,
    images_at_once: int = 500,
) -> OwnAnswers:
    """Sample every image `num_reads` times and compare its reads with the right answer.

    images_at_once: images in one call of the sampler. With the sampler "exact" the deepest read is the ground state.
    """
    parts = []
    for turn, first in enumerate(range(0, len(x), images_at_once)):
        images, right = x[first : first + images_at_once], labels[first : first + images_at_once]
        problem = net.problem(images)
        reads = sampler.sample(problem, num_reads, derived_seed(seed, turn))
        clamped = net.clamp(problem, right)
        outputs = problem.split(reads.spins)[-1]
        wrong = net.is_wrong(outputs, right)
        off_code = net.is_wrong(outputs, right, "spins")
        deepest = (np.arange(len(images)), reads.energies.argmin(axis=1))
        below = off_code & (reads.energies < problem.energy(clamped[:, None]))
        overlap = np.einsum("brn,bn->b", reads.spins.astype(np.float32), clamped.astype(np.float32)) / reads.spins[0].size
        parts.append((wrong[deepest], ~off_code[deepest], below.any(axis=1), wrong.mean(axis=1, dtype=np.float32), overlap))
    return OwnAnswers(*(np.concatenate(values) for values in zip(*parts, strict=True)))
