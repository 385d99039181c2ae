"""The landscape along training: overlaps, susceptibility, minima, gaps and spectra at each of a run's snapshots.

`overlap`, `order_parameters`, `parallel_tempering`, `count_minima`, `estimate_minima` and `barrier_tree` are found here too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from qnn_core.ising import IsingProblem, relax
from qnn_core.landscape.minima import BarrierTree, barrier_tree, count_minima, estimate_minima
from qnn_core.landscape.overlaps import OrderParameters, binder, order_parameters, overlap, overlap_bins, susceptibility
from qnn_core.landscape.tempering import Equilibrium, parallel_tempering
from qnn_core.limits import MAX_OUTPUTS
from qnn_core.network import QNN
from qnn_core.samplers.base import Reads, Sampler, derived_seed
from studies.stored import stack_rows

__all__ = [
    "BarrierTree",
    "Equilibrium",
    "Landscape",
    "OrderParameters",
    "barrier_tree",
    "binder",
    "count_minima",
    "estimate_minima",
    "follow",
    "landscape",
    "order_parameters",
    "overlap",
    "overlap_bins",
    "parallel_tempering",
    "quench",
    "spectrum",
    "susceptibility",
]


def quench(problem: IsingProblem, reads: Reads) -> Reads:
    """The minimum below each read, by zero-temperature descent: the reads without their last thermal flips."""
    spins = relax(problem, reads.spins)
    return Reads(spins, problem.energy(spins), reads.info)


@dataclass(frozen=True, eq=False)
class Landscape:
    """The reads of one image seen from its target.

    overlap: (R,) with the clamped state, over all spins. energy: (R,) above the clamped state's. wrong: (R,) whether another class is shown
    at least as clearly as the target. A wrong read with energy not above the margin is a head. undecided: (R,) which wrong reads show the
    target as clearly as any other class.
    """

    overlap: Float64[np.ndarray, " R"]
    energy: Float64[np.ndarray, " R"]
    wrong: Bool[np.ndarray, " R"]
    undecided: Bool[np.ndarray, " R"]


def landscape(net: QNN, x: Float32[np.ndarray, "1 D"], label: Int64[np.ndarray, " 1"], reads: Reads) -> Landscape:
    """Energy and overlap with the target of the reads of one image."""
    problem = net.problem(x)
    clamped = net.clamped(x, label)
    overlaps = reads.spins[0].astype(np.float64) @ clamped[0] / problem.num_spins
    energies = reads.energies[0].astype(np.float64) - problem.energy(clamped[:, None])[0, 0]
    outputs = problem.split(reads.spins)[-1]
    wrong, shown = net.is_wrong(outputs, label)[0], net.class_overlaps(outputs)[0]
    return Landscape(overlaps, energies, wrong, wrong & (shown[:, label[0]] == shown.max(axis=1)))


def spectrum(net: QNN) -> list[Float64[np.ndarray, " _"]]:
    """Singular values of each weight matrix, largest first, in units of the Marchenko-Pastur edge of a random matrix of its size and variance.

    The edge is sigma (sqrt n + sqrt m) for n x m independent entries of standard deviation sigma (Marchenko, Pastur, Math. USSR-Sbornik 1,
    457 (1967)); sigma is the root mean square of the entries. Values above 1 stand for structure.
    """
    scaled = []
    for matrix in net.weights:
        values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
        edge = np.sqrt(np.mean(matrix.astype(np.float64) ** 2)) * sum(np.sqrt(matrix.shape))
        scaled.append(values / edge if edge else values)
    return scaled


def follow(
    net: QNN,
    snapshots: dict[int, list[np.ndarray]],
    x: Float32[np.ndarray, "B D"],
    labels: Int64[np.ndarray, " B"],
    sampler: Sampler,
    num_reads: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Order parameters of B images at every snapshot of a training run, from `num_reads` quenched reads of each; `seed` is the reads'.

    Returns arrays over S snapshots. bins: edges of the histograms. step: (S,). For each image, (S, B): q_ea, q_variance, chi, distinct
    over all spins; distinct_raw, the same before the descent; q_hidden and q_output, the q_ea of the first hidden and of the output layer;
    minima, exact numbers, or -1 where the outputs are too many to enumerate or there are several hidden layers; minima_estimate and
    coverage, what the reads say about them; gap, energy of the best wrong class minus that of the right one, by their clamped states.
    overlap_density: (S, bins), P(q) pooled over images, its integral over q being 1. overlap_images: (S, B, bins), of each image.
    energies: (S, R), of the reads of the first image above the deepest of them. outliers, largest: (S, layers), of each weight matrix, how
    many singular values exceed the Marchenko-Pastur edge, and the largest in units of the edge. spin_updates: (S,), spent on the reads.
    """
    rows = []
    net = net.copy()
    bins = overlap_bins(sum(net.layers))
    for step, parameters in snapshots.items():
        net.set_parameters(parameters)
        problem = net.problem(x)
        raw = sampler.sample(problem, num_reads, derived_seed(seed, step))
        reads = quench(problem, raw)
        order, estimate = order_parameters(reads), estimate_minima(reads)
        columns = problem.layer_slices
        enumerable = len(problem.layers) == 2 and problem.layers[1] <= MAX_OUTPUTS
        q = overlap(reads)
        density = np.stack([np.histogram(values, bins=bins, density=True)[0] for values in q])
        singular = spectrum(net)
        row: dict[str, np.ndarray] = {
            "step": np.array(step),
            "q_ea": order.q_ea,
            "q_variance": order.q_variance,
            "chi": order.chi,
            "distinct": order.distinct,
            "distinct_raw": order_parameters(raw).distinct,
            "q_hidden": overlap(reads, columns[0]).mean(axis=1),
            "q_output": overlap(reads, columns[-1]).mean(axis=1),
            "minima": count_minima(problem) if enumerable else np.full(len(x), -1),
            "minima_estimate": estimate.number,
            "coverage": estimate.coverage,
            "gap": _gaps(net, x, labels),
            "overlap_density": density.mean(axis=0),
            "overlap_images": density,
            "energies": raw.energies[0] - reads.energies[0].min(),
            "outliers": np.array([(values > 1).sum() for values in singular]),
            "largest": np.array([values[0] for values in singular]),
            "spin_updates": np.array(raw.info["spin_updates"]),
        }
        rows.append(row)
    return {"bins": bins, **stack_rows(rows)}


def _gaps(net: QNN, x: np.ndarray, labels: np.ndarray) -> Float64[np.ndarray, " B"]:
    energies = net.class_energies(x).astype(np.float64)
    right = np.take_along_axis(energies, labels[:, None], axis=1)[:, 0]
    np.put_along_axis(energies, labels[:, None], np.inf, axis=1)
    return energies.min(axis=1) - right
