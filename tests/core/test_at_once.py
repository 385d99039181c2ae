"""The compiled cut against the same cut made of its parts."""

import copy

import numpy as np
import pytest

from qnn_core import QNN, get_sampler, load_dataset
from qnn_core.at_once import cut_at_once, is_possible
from qnn_core.cutting import cut_gradient
from qnn_core.loops import count_distinct
from qnn_core.optimiser import Adam
from qnn_core.rules import Batch, Rule
from qnn_core.training import Settings, TrainingRun

SAMPLER = get_sampler("gibbs", sweeps=6)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    "rule",
    [
        Rule("both", margin=0.5),
        Rule("both", wrong="spins", margin=0.0),
        Rule("as-read", margin=0.5),
        Rule("as-read", wrong="spins", margin=0.0),
        Rule("completed"),
    ],
)
def test_the_cut_at_once_is_that_of_its_parts(rule, centred):
    data = load_dataset("digits")
    net = QNN((64, 33, 10), copies=3, seed=0, centre=data.x_train.mean(axis=0) if centred else None)
    net.biases[1] += np.random.default_rng(1).standard_normal(30).astype(np.float32)
    optimiser = Adam(net.parameters)
    seen, compared = np.zeros(3, int), 0
    for step in range(150):
        rows = np.random.default_rng(step).permutation(len(data.y_train))[:40]
        batch = Batch(net, data.x_train[rows], data.y_train[rows], net.problem(data.x_train[rows]), SAMPLER, 7, step)
        twin = net.copy()
        other = Adam(twin.parameters)
        other.load_state(copy.deepcopy(optimiser.state()))
        free = SAMPLER.sample(batch.problem, 7, step)
        changing, heads = cut_at_once(rule, Batch(twin, *list(vars(batch).values())[1:]), free, 50, other, 0.01)

        contrast = rule.contrast(batch)
        if contrast.weights.any():
            optimiser.step(cut_gradient(net, batch.x, contrast.lowered, contrast.raised, contrast.weights, 50), 0.01)
        np.testing.assert_array_equal(changing, contrast.weights.any(axis=1))
        of_images = contrast.heads.sum(axis=1)
        assert heads == (np.count_nonzero(of_images), of_images.sum(), count_distinct(contrast.found.spins, contrast.heads))
        for held in ("means", "squares"):
            for mine, theirs in zip(getattr(other, held), getattr(optimiser, held), strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-7)
        for mine, theirs, square in zip(other.parameters, optimiser.parameters, optimiser.squares, strict=True):
            moved = square > 1e-9  # Adam makes whole steps of gradients that are nothing but rounding errors.
            np.testing.assert_allclose(mine[moved], theirs[moved], rtol=1e-4, atol=1e-5)
            compared += moved.sum()
        assert other.steps == optimiser.steps
        seen += changing.sum(), (~changing).sum(), heads[2]
    assert seen.all()
    assert compared > 150 * net.weights[0].size / 2


def test_a_batch_without_heads_changes_nothing_at_once():
    data = load_dataset("digits")
    net = QNN((64, 12, 10), seed=0)
    before, optimiser = net.copy(), Adam(net.parameters)
    x, labels = data.x_train[:9], data.y_train[:9]
    rule = Rule("completed", margin=0.0)
    right = net.decide(x) == labels
    batch = Batch(net, x[right], labels[right], net.problem(x[right]), SAMPLER, 3, 0)
    changing, heads = cut_at_once(rule, batch, SAMPLER.sample(batch.problem, 3, 0), 9, optimiser, 0.01)
    assert len(changing)
    assert not changing.any()
    assert not any(heads)
    assert optimiser.steps == 0
    for mine, theirs in zip(net.parameters, before.parameters, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_training_cuts_at_once_where_it_can(monkeypatch):
    made = []
    monkeypatch.setattr("qnn_core.training.cut_at_once", lambda *given: made.append(given) or cut_at_once(*given))
    data = load_dataset("digits").sample(200, 0)
    for hidden, rule, optimiser, expected in (
        ((9,), Rule("both"), "adam", True),
        ((9,), Rule("both"), "sgd", False),
        ((9,), Rule("both", weighting="uniform"), "adam", False),
        ((9,), Rule("equilibrium"), "adam", False),
        ((9, 8), Rule("as-read"), "adam", False),
    ):
        made.clear()
        net = QNN((64, *hidden, 10), seed=0)
        run = TrainingRun(net, data, SAMPLER, Settings(1, 3, 0.003, 20, 0, rule, optimiser, evaluations=1), None)
        while run.done < run.total:
            run.step()
        assert len(made) == expected * sum(step not in run.look for step in range(1, run.total + 1))
        assert is_possible(net, rule) or not expected
