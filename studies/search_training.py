"""Training in which every head is searched for, by plain reads of a coherent annealer or by Grover's search, and cut when it is found.

An exact simulation: for every image of a batch the final state of the coherent anneal is computed, heads are marked in it, and the number of
oracle calls until a read is a head is drawn from the exact probabilities. Amplification changes the weight of all heads together and not
their shares, so the head that is found is drawn in proportion to its own weight either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from tqdm import tqdm

from qnn_core.cutting import cut_gradient
from qnn_core.data import Dataset
from qnn_core.errors import check, check_count
from qnn_core.history import check_training, evaluation_steps, minibatches
from qnn_core.network import QNN
from qnn_core.optimiser import Adam
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.coherent import AnnealingUnitary, all_energies, configurations
from qnn_core.statistics import FRACTION, difference_interval, mean_interval
from qnn_core.threads import one_thread_for_algebra
from studies.grover import SINGLE_SEARCHES, head_states, weights_after_anneal
from studies.stored import Arrays

MEASURES = ("train", "test", "weight")


def train_by_search(
    net: QNN, data: Dataset, *, search: str, most: int, epochs: int, lr: float, batch_size: int, margin: float, duration: float,
    steps: int, seed: int, progress: bool = False,
) -> Arrays:  # fmt: skip
    """Train `net` in place: in every update each image is searched for a head with at most `most` oracle calls, and what is found is cut.

    search: one of `SINGLE_SEARCHES`. lr: of Adam, constant. margin: as in `train`. duration, steps: of the anneal, as in
    `AnnealingUnitary`. seed: of the order of the images and of the searches.

    Returns (T,) for each evaluation, the untrained network first: calls, oracle calls spent so far; a plain read takes one and one anneal, an
    attempt of m steps of amplification m + 1 calls and 2 m + 1 anneals; train, test, fraction of images answered wrongly; weight, mean
    weight of heads of the images seen since the evaluation before, NaN at the first.
    """
    check_training(data, epochs, lr, batch_size, seed)
    check_count("most", most)
    fits = net.sizes[0] == data.num_pixels and net.num_classes >= data.num_classes
    check(fits, "sizes", net.sizes, f"{data.num_pixels} inputs and {data.num_classes} classes, as {data.name} has")
    states = configurations(sum(net.layers))
    batches = minibatches(len(data.y_train), batch_size, epochs, seed)
    evaluated = evaluation_steps(len(batches), len(batches) // epochs)
    optimiser = Adam(net.parameters)
    entries: list[Any] = []
    weights: list[float] = []
    calls = 0

    def evaluate() -> None:
        train, test = ((net.predict(x) != y).mean() for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)))
        entries.append((calls, train, test, np.mean(weights) if weights else np.nan))
        weights.clear()

    with one_thread_for_algebra():
        evaluate()
        for step, rows in enumerate(tqdm(batches, desc="searching", unit="update", disable=not progress)):
            x, labels = data.x_train[rows], data.y_train[rows]
            unitary = AnnealingUnitary(all_energies(net.problem(x)), duration, steps)
            heads = head_states(net, x, labels, unitary.energies, margin)
            shares = weights_after_anneal(unitary, heads)
            p = np.minimum(shares.sum(axis=1), 1.0)
            weights += p.tolist()
            found = SINGLE_SEARCHES[search](p, derived_seed(seed, step), most=most)
            calls += int(np.where(np.isnan(found), most, found).sum())
            known = np.flatnonzero(np.isfinite(found))
            if known.size:
                draws = np.random.default_rng(derived_seed(seed, step, 1)).random(len(known))
                totals = np.cumsum(shares[known], axis=1)
                chosen = (totals < (draws * totals[:, -1])[:, None]).sum(axis=1)
                cut = np.zeros((len(rows), 1), np.float32)
                cut[known] = 1
                spins = np.repeat(states[:1][None], len(rows), axis=0)
                spins[known, 0] = states[chosen]
                optimiser.step(cut_gradient(net, x, net.clamped(x, labels)[:, None], spins, cut), lr)
            if step + 1 in evaluated:
                evaluate()
    return dict(zip(("calls", *MEASURES), np.array(entries, np.float64).T, strict=True))


def compare_searches(data: Dataset, hidden: int, seeds: Sequence[int], **options: Any) -> Arrays:
    """Train a network for each of R seeds with either search; options: of `train_by_search`.

    Returns for "reads" and "amplified" training_<search>_calls (T,), mean over runs, and training_<search>_<measure> (R, T) with the measures
    train, test and weight; budget, the calls that both have spent, and budget_<search>_<measure> (R,) then; num_train.
    """
    arrays = {"num_train": np.array(len(data.y_train))}
    for name in SINGLE_SEARCHES:
        runs = []
        for seed in seeds:
            net = QNN((data.num_pixels, hidden, data.num_classes), seed=seed, centre=data.x_train.mean(axis=0))
            runs.append(train_by_search(net, data, search=name, seed=seed, **options))
        arrays[f"training_{name}_calls"] = np.mean([run["calls"] for run in runs], axis=0)
        arrays |= {f"training_{name}_{measure}": np.array([run[measure] for run in runs]) for measure in MEASURES}
    spent = {name: arrays[f"training_{name}_calls"][1:] for name in SINGLE_SEARCHES}
    arrays["budget"] = budget = min(calls[-1] for calls in spent.values())
    for (name, calls), measure in product(spent.items(), MEASURES):
        values = arrays[f"training_{name}_{measure}"][:, 1:]
        arrays[f"budget_{name}_{measure}"] = np.array([np.interp(np.log(budget), np.log(calls), run) for run in values])
    return arrays


def budget_rows(arrays: Arrays) -> Iterator[dict[str, Any]]:
    """Every measure of `compare_searches` when the budget is spent."""
    for measure, words in zip(MEASURES, ("training error", "test error", "weight of heads"), strict=True):
        runs = {name: arrays[f"budget_{name}_{measure}"] for name in SINGLE_SEARCHES}
        means = {name: mean_interval(values, FRACTION) for name, values in runs.items()}
        yield {"measure": words, **means, "amplified minus reads": difference_interval(runs["amplified"], runs["reads"])}
