"""Overlaps between configurations of one problem, and the order parameters that follow from them.

The overlap of two reads of one image is q_ab = (1/N) sum_i s_i^a s_i^b, in [-1, 1] (Edwards, Anderson, J. Phys. F 5, 965 (1975);
Parisi, Phys. Rev. Lett. 50, 1946 (1983)). Reads of an annealer are quenched states: overlaps between them are *configurational*,
over the minima that the annealer finds. Configurations in equilibrium give *thermal* overlaps. The functions are the same for
both; the notebooks say which is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from qnn_core.errors import check
from qnn_core.samplers.base import Reads

MIN_READS = 10


def overlap(reads: Reads, spins: slice | None = None) -> Float64[np.ndarray, "B P"]:
    """Overlaps of all P = R (R - 1) / 2 pairs of reads of each image; `spins` restricts them to one layer's columns."""
    chosen = reads.spins if spins is None else reads.spins[..., spins]
    values = chosen.astype(np.float32)
    products = values @ values.transpose(0, 2, 1)
    first, second = np.triu_indices(values.shape[1], k=1)
    return products[:, first, second].astype(np.float64) / values.shape[2]


def overlap_bins(num_spins: int, bins: int = 50) -> Float64[np.ndarray, " edges"]:
    """Edges of about `bins` bins over [-1, 1], each holding equally many of the values -1, -1 + 2/N, .. 1 of overlaps of N = `num_spins`."""
    step = 2 / num_spins * max(1, round(num_spins / bins))
    return -1 - 1 / num_spins + step * np.arange(np.ceil((2 + 2 / num_spins) / step) + 1)


def susceptibility(pairs: Float64[np.ndarray, "*batch P"], num_spins: int) -> Float64[np.ndarray, "*batch"]:
    """Spin-glass susceptibility (1/N) sum_ij (<s_i s_j> - <s_i><s_j>)^2 from the overlaps of all pairs of R >= 4 replicas.

    Each product of averages is taken over different replicas, so there is no bias: N [<q_12^2> - 2 <q_12 q_13> + <q_12 q_34>], averaged
    over all ways to choose the replicas. pairs: in the order of `numpy.triu_indices`. num_spins: N. Raises InvalidInput for fewer replicas.
    """
    replicas = round((1 + np.sqrt(1 + 8 * pairs.shape[-1])) / 2)
    fits = replicas >= 4 and replicas * (replicas - 1) // 2 == pairs.shape[-1]
    check(fits, "pairs", pairs.shape[-1], "all pairs of at least 4 replicas")
    first, second = np.triu_indices(replicas, k=1)
    each = np.zeros((*pairs.shape[:-1], replicas))
    for replica in range(replicas):
        each[..., replica] = pairs[..., (first == replica) | (second == replica)].sum(axis=-1)
    squares = 2 * (pairs**2).sum(axis=-1)
    chains = (each**2).sum(axis=-1) - squares
    separate = (2 * pairs.sum(axis=-1)) ** 2 - 4 * chains - 2 * squares
    two = replicas * (replicas - 1)
    three, four = two * (replicas - 2), two * (replicas - 2) * (replicas - 3)
    return num_spins * (squares / two - 2 * chains / three + separate / four)


def order_susceptibility(alignment: Float64[np.ndarray, "*batch R"], num_spins: int) -> Float64[np.ndarray, "*batch"]:
    """N (<m^2> - <m>^2) of R >= 2 replicas; <m>^2 is taken over different replicas, without bias.

    alignment: m, the overlap of each with one given state. num_spins: N.
    """
    squares, replicas = (alignment**2).sum(axis=-1), alignment.shape[-1]
    return num_spins * (squares / replicas - (alignment.sum(axis=-1) ** 2 - squares) / (replicas * (replicas - 1)))


@dataclass(frozen=True, eq=False)
class OrderParameters:
    """Order of the reads of each of B images.

    q_ea: Edwards-Anderson parameter (1/N) sum_i <s_i>^2, without bias from the finite number of reads: the mean overlap of
    different reads. q_variance: variance of q over pairs. chi: spin-glass susceptibility. distinct: number of
    different reads.
    """

    q_ea: Float64[np.ndarray, " B"]
    q_variance: Float64[np.ndarray, " B"]
    chi: Float64[np.ndarray, " B"]
    distinct: Int64[np.ndarray, " B"]


def order_parameters(reads: Reads) -> OrderParameters:
    """Order parameters of each image; raises InvalidInput for fewer than 10 reads, whose overlaps say little."""
    number = reads.spins.shape[1]
    check(number >= MIN_READS, "reads", number, f"at least {MIN_READS} reads an image to speak of overlaps")
    q = overlap(reads)
    distinct = np.array([len(np.unique(image, axis=0)) for image in reads.spins], np.int64)
    return OrderParameters(q.mean(axis=1), q.var(axis=1), susceptibility(q, reads.spins.shape[2]), distinct)


def binder(second: Float64[np.ndarray, "*batch"], fourth: Float64[np.ndarray, "*batch"]) -> Float64[np.ndarray, "*batch"]:
    """Binder's cumulant (3 - <q^4> / <q^2>^2) / 2 from moments averaged over problems: 0 without order, 1 in full order; zero field only."""
    return (3 - fourth / second**2) / 2


def binder_error(second: Float64[np.ndarray, "S T"], fourth: Float64[np.ndarray, "S T"]) -> Float64[np.ndarray, " T"]:
    """Standard error of `binder` of means over S samples: the samples' scatter along its gradient."""
    mean_second, mean_fourth = second.mean(axis=0), fourth.mean(axis=0)
    along = mean_fourth / mean_second**3 * second - fourth / (2 * mean_second**2)
    return along.std(axis=0, ddof=1) / np.sqrt(len(second))
