"""Training by cutting heads.

A *head* is a low-energy read whose output is wrong and whose energy is not above that of the clamped state plus a margin.
For every image that has heads, a *cut* lowers the clamped state and raises the heads: one step down the gradient of

    E(clamped) - mean over the image's heads of E(head),

which is contrastive learning with the heads as the negative phase. The step is made by the Adam optimiser (Kingma, Ba,
arXiv:1412.6980). Images without heads contribute nothing, and when no image of a batch has any, nothing moves. The rule is a
reconstruction of the paper's "cutting the dragon's heads".
"""

from __future__ import annotations

from time import perf_counter
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int8, Int64
from tqdm import tqdm

from qnn_core.data import Dataset
from qnn_core.errors import InvalidInput
from qnn_core.history import History, check_training, evaluation_steps, log_spaced_steps, minibatches
from qnn_core.ising import IsingProblem
from qnn_core.network import QNN, WrongRule
from qnn_core.samplers.base import Metered, Reads, Sampler, check_num_reads, derived_seed

Schedule = Literal["constant", "linear"]


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


def cut_gradient(
    net: QNN,
    x: Float32[np.ndarray, "B D"],
    clamped: Int8[np.ndarray, "B N"],
    spins: Int8[np.ndarray, "B R N"],
    heads: Bool[np.ndarray, "B R"],
) -> list[np.ndarray]:
    """Gradient of mean over images of [E(clamped) - mean over its heads of E(head)], in the order of `net.parameters`.

    An image without heads contributes nothing. With dE/dW_l = - s^l (s^(l+1))^T the whole is a weighted sum of outer
    products: weight 1 for the clamped state and -1/(number of heads) for each head.
    """
    counts = heads.sum(axis=1)
    image, _ = np.nonzero(heads)
    active = np.flatnonzero(counts)
    states = np.concatenate([clamped[active], spins[heads]]).astype(np.float32)
    weights = np.concatenate([np.ones(len(active)), -1 / counts[image]]).astype(np.float32) / np.float32(len(x))
    owners = np.concatenate([active, image])
    ends = np.cumsum(net.layers)[:-1]
    layers = np.split(states, ends, axis=1)
    weighted = [layer * weights[:, None] for layer in layers]
    gradients = [-(x[owners].T @ weighted[0])]
    gradients += [-(left.T @ right) for left, right in zip(weighted[:-1], layers[1:], strict=True)]
    return gradients + [-layer.sum(axis=0) for layer in weighted]


def train(
    net: QNN,
    data: Dataset,
    sampler: Sampler,
    epochs: int = 20,
    reads: int = 10,
    lr: float = 0.01,
    batch_size: int = 10,
    seed: int = 0,
    *,
    margin: float = 3.0,
    wrong: WrongRule = "class",
    schedule: Schedule = "linear",
    snapshots: int = 0,
    progress: bool = False,
) -> History:
    """Train `net` in place by cutting the heads that `sampler` finds.

    reads: per image and update. lr: of the Adam optimiser. seed: of the order of the images and of
    the sampler's reads. margin: how far above the clamped energy a wrong read still counts as a head, in units of energy.
    wrong: "class" (the decoded class differs) or "spins" (any output spin differs). schedule: "linear" lets lr fall to 0 over
    the run, "constant" keeps it. snapshots: how many log-spaced copies of the parameters to keep, besides the initial ones.
    progress: show a bar.

    Returns the `History`; its loss is the mean over training images of E(clamped) - min over wrong classes of E(class), below
    zero where the answer is right, in units of energy.
    """
    _check(net, data, reads, margin, schedule, epochs, lr, batch_size, seed, snapshots)
    batches = minibatches(len(data.y_train), batch_size, epochs, seed)
    total = len(batches)
    look = evaluation_steps(total, total // epochs)
    if isinstance(sampler, Metered):
        sampler.announce(tuple(net.layers), min(batch_size, len(data.y_train)), reads, total + len(look))
    keep = set(log_spaced_steps(total, snapshots)) if snapshots else set()
    optimiser = torch.optim.Adam([torch.from_numpy(parameter) for parameter in net.parameters], lr=lr)
    tensors = optimiser.param_groups[0]["params"]
    history = History(len(data.y_train), len(data.y_test))
    tally = _Tally()
    spent_reads = spent_anneals = spent_updates = 0
    start = perf_counter()

    def evaluate(step: int, **after_cut: float) -> None:
        history.record(
            step=step,
            epoch=step * epochs / total,
            **_errors(net, data),
            reads=spent_reads,
            anneals=spent_anneals,
            spin_updates=spent_updates,
            seconds=perf_counter() - start,
            **tally.means(),
            **after_cut,
        )
        tally.reset()

    for step, rows in enumerate(tqdm(batches, desc="training", disable=not progress, unit="cut")):
        if step in keep:
            history.snapshots[step] = [parameter.copy() for parameter in net.parameters]
        if step == 0:
            evaluate(0)
        x, labels = data.x_train[rows], data.y_train[rows]
        problem = net.problem(x)
        found = sampler.sample(problem, reads, derived_seed(seed, step))
        clamped = net.clamped(x, labels)
        heads = find_heads(net, problem, found, clamped, labels, margin, wrong)
        spent_reads += heads.size
        spent_anneals += heads.size * found.info.get("anneals_per_read", 1)
        spent_updates += found.info["spin_updates"]
        tally.add(found, heads)
        set_rate(optimiser, lr, schedule, step, total)
        if heads.any():
            for tensor, gradient in zip(tensors, cut_gradient(net, x, clamped, found.spins, heads), strict=True):
                tensor.grad = torch.from_numpy(gradient)
            optimiser.step()
        if step + 1 in look:
            evaluate(step + 1, **_after_cut(net, x, labels, sampler, found, heads, margin, wrong, derived_seed(seed, step, 1)))
    if total in keep:
        history.snapshots[total] = [parameter.copy() for parameter in net.parameters]
    return history


def set_rate(optimiser: torch.optim.Optimizer, lr: float, schedule: Schedule, step: int, total: int) -> None:
    """Give the optimiser the rate of this step: `lr`, or `lr` falling linearly to 0 over the run."""
    rate = lr if schedule == "constant" else lr * (1 - step / total)
    for group in optimiser.param_groups:
        group["lr"] = rate


class _Tally:
    """Head statistics since the last evaluation."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.images = self.images_with_heads = self.reads = self.heads = self.distinct = 0

    def add(self, reads: Reads, heads: Bool[np.ndarray, "B R"]) -> None:
        self.images += len(heads)
        self.images_with_heads += int(heads.any(axis=1).sum())
        self.reads += heads.size
        self.heads += int(heads.sum())
        for image in np.flatnonzero(heads.any(axis=1)):
            self.distinct += len({spins.tobytes() for spins in reads.spins[image, heads[image]]})

    def means(self) -> dict[str, float]:
        if not self.images:
            return {}
        return {
            "head_fraction": self.images_with_heads / self.images,
            "heads_per_read": self.heads / self.reads,
            "distinct_heads": self.distinct / self.images,
        }


def _errors(net: QNN, data: Dataset) -> dict[str, float]:
    energies = net.class_energies(data.x_train)
    index = data.y_train[:, None]
    target = np.take_along_axis(energies, index, axis=1)[:, 0]
    mistakes = int((np.argmin(energies, axis=1) != data.y_train).sum())
    np.put_along_axis(energies, index, np.inf, axis=1)
    loss = float((target - energies.min(axis=1)).mean(dtype=np.float64))
    test_mistakes = int((net.predict(data.x_test) != data.y_test).sum())
    return {"train_mistakes": mistakes, "test_mistakes": test_mistakes, "loss": loss}


def _after_cut(
    net: QNN,
    x: np.ndarray,
    labels: np.ndarray,
    sampler: Sampler,
    reads: Reads,
    heads: Bool[np.ndarray, "B R"],
    margin: float,
    wrong: WrongRule,
    seed: int,
) -> dict[str, float]:
    """What became of the heads of the last batch, and which are there now: a diagnostic, not counted as effort."""
    problem = net.problem(x)
    clamped = net.clamped(x, labels)
    old = Reads(reads.spins, problem.energy(reads.spins))
    still = find_heads(net, problem, old, clamped, labels, margin, wrong) & heads
    again = sampler.sample(problem, reads.spins.shape[1], seed)
    regrown = find_heads(net, problem, again, clamped, labels, margin, wrong)
    surviving = {"heads_surviving": float(still.sum() / heads.sum())} if heads.any() else {}
    return {**surviving, "heads_regrown": float(regrown.mean())}


def _check(
    net: QNN,
    data: Dataset,
    reads: int,
    margin: float,
    schedule: Schedule,
    epochs: int,
    lr: float,
    batch_size: int,
    seed: int,
    snapshots: int,
) -> None:
    check_training(data, epochs, lr, batch_size, seed)
    check_num_reads(reads)
    if net.sizes[0] != data.num_pixels:
        raise InvalidInput("sizes", net.sizes, f"{data.num_pixels} inputs, the pixels of {data.name}")
    if net.num_classes < data.num_classes:
        raise InvalidInput("sizes", net.sizes, f"at least {data.num_classes} classes, as many as {data.name} has")
    if not (np.isfinite(margin) and margin >= 0):
        raise InvalidInput("margin", margin, "a finite number of at least 0")
    if schedule not in ("constant", "linear"):
        raise InvalidInput("schedule", schedule, '"constant" or "linear"')
    if snapshots < 0:
        raise InvalidInput("snapshots", snapshots, "a whole number of at least 0")
