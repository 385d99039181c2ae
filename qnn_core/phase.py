"""Order parameters of the landscape: overlaps between reads, their distribution, and the number of minima.

The overlap of two reads of one image is q_ab = (1/N) sum_i s_i^a s_i^b, in [-1, 1] (Edwards, Anderson, J. Phys. F 5, 965 (1975);
Parisi, Phys. Rev. Lett. 50, 1946 (1983)). Reads of an annealer are quenched states: overlaps between them are *configurational*,
over the minima that the annealer finds. Reads of an equilibrated sampler give *thermal* overlaps. The functions are the same; the
pages say which is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from qnn_core.errors import InvalidInput
from qnn_core.ising import IsingProblem, relax
from qnn_core.network import QNN
from qnn_core.samplers.base import Reads, Sampler, derived_seed
from qnn_core.samplers.exact import MAX_OUTPUTS, local_minima

MIN_READS = 10


def overlap(reads: Reads, spins: slice | None = None) -> Float64[np.ndarray, "B P"]:
    """Overlaps of all P = R (R - 1) / 2 pairs of reads of each image; `spins` restricts them to one layer's columns."""
    chosen = reads.spins if spins is None else reads.spins[..., spins]
    values = chosen.astype(np.float32)
    products = values @ values.transpose(0, 2, 1)
    first, second = np.triu_indices(values.shape[1], k=1)
    return products[:, first, second].astype(np.float64) / values.shape[2]


def overlap_bins(num_spins: int, bins: int = 50) -> Float64[np.ndarray, " edges"]:
    """Edges of about `bins` bins over [-1, 1], each holding equally many of the values -1, -1 + 2/N, .. 1 that overlaps can take."""
    step = 2 / num_spins * max(1, round(num_spins / bins))
    return -1 - 1 / num_spins + step * np.arange(np.ceil((2 + 2 / num_spins) / step) + 1)


def quench(problem: IsingProblem, reads: Reads) -> Reads:
    """The minimum below each read, by zero-temperature descent: the reads without their last thermal flips."""
    spins = relax(problem, reads.spins)
    return Reads(spins, problem.energy(spins), reads.info)


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Order of the reads of each of B images.

    q_ea: Edwards-Anderson parameter (1/N) sum_i <s_i>^2, without bias from the finite number of reads: the mean overlap of
    different reads. q_abs: mean |q|. q_variance: variance of q over pairs. distinct: number of different reads.
    """

    q_ea: Float64[np.ndarray, " B"]
    q_abs: Float64[np.ndarray, " B"]
    q_variance: Float64[np.ndarray, " B"]
    distinct: Int64[np.ndarray, " B"]


def order_parameters(reads: Reads) -> OrderParameters:
    """Order parameters of each image; refuses fewer than 10 reads, whose overlaps say little."""
    if reads.spins.shape[1] < MIN_READS:
        raise InvalidInput("reads", reads.spins.shape[1], f"at least {MIN_READS} reads an image to speak of overlaps")
    q = overlap(reads)
    distinct = np.array([len(np.unique(image, axis=0)) for image in reads.spins], np.int64)
    return OrderParameters(q.mean(axis=1), np.abs(q).mean(axis=1), q.var(axis=1), distinct)


def count_minima(problem: IsingProblem) -> Int64[np.ndarray, " B"]:
    """Exact number of one-flip-stable minima of each image, by enumeration of the outputs (at most 20 output spins)."""
    return local_minima(problem).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Landscape:
    """The reads of one image seen from its target.

    overlap: (R,) with the clamped state, over all spins. energy: (R,) above the clamped state's. wrong: (R,) whether the decoded class
    is not the target. A wrong read with energy not above the margin is a head.
    """

    overlap: Float64[np.ndarray, " R"]
    energy: Float64[np.ndarray, " R"]
    wrong: Bool[np.ndarray, " R"]


def landscape(
    net: QNN, x: Float32[np.ndarray, "1 D"], label: Int64[np.ndarray, " 1"], sampler: Sampler, num_reads: int, seed: int
) -> Landscape:
    """Energy and overlap with the target of `num_reads` reads of one image."""
    problem = net.problem(x)
    reads = sampler.sample(problem, num_reads, seed)
    clamped = net.clamped(x, label)
    overlaps = reads.spins[0].astype(np.float64) @ clamped[0] / problem.num_spins
    energies = reads.energies[0].astype(np.float64) - problem.energy(clamped[:, None])[0, 0]
    return Landscape(overlaps, energies, net.is_wrong(problem.split(reads.spins)[-1], label)[0])


def follow(
    net: QNN,
    snapshots: dict[int, list[np.ndarray]],
    x: Float32[np.ndarray, "B D"],
    sampler: Sampler,
    num_reads: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Order parameters of B images at every snapshot of a training run, from quenched reads.

    Returns arrays over S snapshots: bins, the edges of the histogram; step (S,); q_ea, q_abs, q_variance, distinct (S, B) over all
    spins; distinct_raw, the same before the descent; q_hidden and q_output (S, B), the q_ea of the first hidden and of the output
    layer; minima (S, B), exact numbers, or -1 where the outputs are too many to enumerate or there are several hidden layers;
    overlap_density (S, bins), P(q) pooled over images, its integral over q being 1.
    """
    rows: dict[str, list[np.ndarray]] = {}
    net = net.copy()
    bins = overlap_bins(sum(net.layers))
    for step, parameters in snapshots.items():
        net.set_parameters(parameters)
        problem = net.problem(x)
        raw = sampler.sample(problem, num_reads, derived_seed(seed, step))
        reads = quench(problem, raw)
        order = order_parameters(reads)
        columns = problem.layer_slices
        enumerable = len(problem.layers) == 2 and problem.layers[1] <= MAX_OUTPUTS
        density, _ = np.histogram(overlap(reads), bins=bins, density=True)
        row = {
            "step": np.array(step),
            "q_ea": order.q_ea,
            "q_abs": order.q_abs,
            "q_variance": order.q_variance,
            "distinct": order.distinct,
            "distinct_raw": order_parameters(raw).distinct,
            "q_hidden": overlap(reads, columns[0]).mean(axis=1),
            "q_output": overlap(reads, columns[-1]).mean(axis=1),
            "minima": count_minima(problem) if enumerable else np.full(len(x), -1),
            "overlap_density": density,
        }
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    return {"bins": bins, **{name: np.stack(values) for name, values in rows.items()}}
