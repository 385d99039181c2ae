"""Training in which every head is searched for, by plain reads of a coherent annealer or by Grover's search, and cut when it is found.

An exact simulation: for every image of a batch the final state of the coherent anneal is computed, heads are marked in it, and the number of
oracle calls until a read is a head is drawn from the exact probabilities. Amplification changes the weight of all heads together and not
their shares, so the head that is found is drawn in proportion to its own weight either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float64
from tqdm import tqdm

from qnn_core.cutting import cut_gradient
from qnn_core.data import Dataset
from qnn_core.errors import InvalidInput, check_count
from qnn_core.history import check_training, evaluation_steps, minibatches
from qnn_core.network import QNN
from qnn_core.optimiser import Adam
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.coherent import AnnealingUnitary, all_energies, configurations
from qnn_core.threads import one_thread_for_algebra
from studies.grover import head_states, oracle_calls


@dataclass
class SearchHistory:
    """One entry for each look, the untrained network first.

    calls: oracle calls spent so far; a plain read takes one and one anneal, an attempt of m steps of amplification m + 1 calls and 2 m + 1
    anneals. train_mistakes, test_mistakes: images answered wrongly. weight: mean weight of heads of the images
    seen since the look before; NaN at the first.
    """

    num_train: int
    num_test: int
    step: list[int] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    train_mistakes: list[int] = field(default_factory=list)
    test_mistakes: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)


def search_heads_of(
    p: Float64[np.ndarray, " B"], amplified: bool, most: int, seed: int
) -> tuple[Float64[np.ndarray, " B"], Float64[np.ndarray, " B"]]:
    """Calls until a head of weight p is found, NaN where `most` calls do not find one, and the calls spent either way."""
    if amplified:
        found = oracle_calls(p, seed, most=most)
    else:
        random = np.random.default_rng(seed)
        draws = random.geometric(np.clip(p, 1e-12, 1)).astype(np.float64)
        found = np.where((p > 0) & (draws <= most), draws, np.nan)
    return found, np.where(np.isnan(found), most, found)


def train_by_search(
    net: QNN,
    data: Dataset,
    *,
    amplified: bool,
    most: int,
    epochs: int,
    lr: float,
    batch_size: int,
    margin: float,
    duration: float,
    steps: int,
    seed: int,
    progress: bool = False,
) -> SearchHistory:
    """Train `net` in place: in every update each image is searched for a head with at most `most` oracle calls, and what is found is cut.

    amplified: by amplitude amplification of unknown depth, else by plain reads. lr: of Adam, constant. margin: as in `train`. duration,
    steps: of the anneal, as in `AnnealingUnitary`. seed: of the order of the images and of the searches.
    """
    check_training(data, epochs, lr, batch_size, seed)
    check_count("most", most)
    if net.sizes[0] != data.num_pixels or net.num_classes < data.num_classes:
        raise InvalidInput("sizes", net.sizes, f"{data.num_pixels} inputs and {data.num_classes} classes, as {data.name} has")
    states = configurations(sum(net.layers))
    batches = minibatches(len(data.y_train), batch_size, epochs, seed)
    look = evaluation_steps(len(batches), len(batches) // epochs)
    optimiser = Adam([torch.from_numpy(parameter) for parameter in net.parameters])
    history = SearchHistory(len(data.y_train), len(data.y_test))
    calls = 0
    weights: list[float] = []

    def evaluate(step: int) -> None:
        history.step.append(step)
        history.calls.append(calls)
        history.train_mistakes.append(int((net.predict(data.x_train) != data.y_train).sum()))
        history.test_mistakes.append(int((net.predict(data.x_test) != data.y_test).sum()))
        history.weight.append(float(np.mean(weights)) if weights else float("nan"))
        weights.clear()

    with one_thread_for_algebra():
        evaluate(0)
        for step, rows in enumerate(tqdm(batches, desc="searching", unit="update", disable=not progress)):
            x, labels = data.x_train[rows], data.y_train[rows]
            unitary = AnnealingUnitary(all_energies(net.problem(x)), duration, steps)
            heads = head_states(net, x, labels, unitary.energies, margin)
            shares = np.abs(unitary.apply(unitary.start)) ** 2 * heads
            p = np.minimum(shares.sum(axis=1), 1.0)
            weights += p.tolist()
            found, spent = search_heads_of(p, amplified, most, derived_seed(seed, step))
            calls += int(spent.sum())
            known = np.flatnonzero(np.isfinite(found))
            if known.size:
                draws = np.random.default_rng(derived_seed(seed, step, 1)).random(len(known))
                totals = np.cumsum(shares[known], axis=1)
                chosen = (totals < (draws * totals[:, -1])[:, None]).sum(axis=1)
                cut = np.zeros((len(rows), 1), np.float32)
                cut[known] = 1
                spins = np.repeat(states[:1][None], len(rows), axis=0)
                spins[known, 0] = states[chosen]
                gradients = cut_gradient(net, x, net.clamped(x, labels)[:, None], spins, cut)
                optimiser.step([torch.from_numpy(gradient) for gradient in gradients], lr)
            if step + 1 in look:
                evaluate(step + 1)
    return history
