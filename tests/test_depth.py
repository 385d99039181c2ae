"""Deep networks: code reads, how deep predictions search, and that they train."""

import itertools

import numpy as np
import pytest
import torch
from conftest import random_problem, random_spins

from qnn_core import QNN, InvalidInput, get_sampler, train
from qnn_core.cutting import code_reads, complete, cut_gradient, find_heads, head_weights
from qnn_core.ising import cool, feed_forward, relax
from qnn_core.rules import Rule
from qnn_core.training import default_rate
from qnn_core.windows import WindowSampler
from studies.searches import exact_minimum

GIBBS = get_sampler("gibbs", sweeps=20)


def test_cooling_ends_in_minima_and_finds_deeper_ones_than_the_forward_pass():
    problem = random_problem((12, 8, 12), images=60, seed=0)
    cooled = cool(problem)
    np.testing.assert_array_equal(relax(problem, cooled[:, None])[:, 0], cooled)
    descended = relax(problem, feed_forward(problem)[:, None])
    exact, energies = exact_minimum(problem), problem.energy(cooled[:, None])[:, 0]
    by_descent = problem.energy(descended)[:, 0]
    assert (energies >= exact - 1e-3).all()
    assert np.mean(energies <= exact + 1e-3) > np.mean(by_descent <= exact + 1e-3) + 0.15
    assert energies.mean() < by_descent.mean()


def test_the_centre_is_a_bias(digits, batch):
    x, labels = batch
    centre = digits.x_train.mean(axis=0)
    measured, plain = (QNN((64, 9, 10), seed=3, centre=value) for value in (centre, None))
    plain.biases[0] -= centre @ plain.weights[0]
    np.testing.assert_allclose(measured.problem(x).fields, plain.problem(x).fields, atol=1e-5)
    np.testing.assert_allclose(measured.class_energies(x), plain.class_energies(x), atol=1e-4)
    with torch.no_grad():
        np.testing.assert_allclose(measured.to_torch()(torch.from_numpy(x)).numpy(), -plain.class_energies(x), atol=1e-4)
    clamped = measured.clamped(x, labels)[:, None]
    spins = random_spins(measured.problem(x), 2, seed=0)
    weights = np.full((8, 2), 0.5, np.float32)
    gradients, others = (cut_gradient(net, x, clamped, spins, weights) for net in (measured, plain))
    # Of the inputs' weights, measured from the centre: that of the plain ones less the centre times the biases' gradient.
    np.testing.assert_allclose(gradients[0], others[0] - np.outer(centre, others[2]), atol=1e-5)
    for mine, same in zip(gradients[1:], others[1:], strict=True):
        np.testing.assert_array_equal(mine, same)
    assert measured.copy().centre is centre
    assert default_rate(measured, digits) >= default_rate(plain, digits)
    for wrong in (np.zeros(3, np.float32), np.full(64, np.nan, np.float32)):
        with pytest.raises(InvalidInput, match="centre"):
            QNN((64, 9, 10), centre=wrong)


def test_exported_deep_networks_with_a_centre_answer_alike(deep, digits):
    x = digits.x_test[:100]
    with torch.no_grad():
        scores = deep.to_torch()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(scores, -deep.class_energies(x), atol=1e-3)


def test_code_reads_hold_the_outputs_and_count_their_anneals(deep, batch):
    x, labels = batch
    problem = deep.problem(x)
    for sampler, stops in ((GIBBS, 1), (WindowSampler(GIBBS, 2), 3), (WindowSampler(GIBBS, 2, widest=4), 6)):
        reads = code_reads(deep, problem, labels, sampler, num_reads=3, seed=0)
        assert reads.spins.shape == (8, 3, 38)
        assert (reads.spins[..., -20:] == deep.codes[labels][:, None]).all()
        np.testing.assert_allclose(reads.energies, problem.energy(reads.spins), atol=1e-4)
        assert reads.info["anneals"] == 8 * 3 * stops
    exact = code_reads(QNN((64, 7, 10), seed=0), QNN((64, 7, 10), seed=0).problem(x), labels, GIBBS, num_reads=3)
    assert exact.spins.shape == (8, 1, 17)
    assert exact.info["anneals"] == 0


def test_code_reads_sample_the_hidden_spins_given_the_outputs(digits):
    """Against the Boltzmann distribution of all hidden configurations at a fixed temperature."""
    net = QNN((64, 3, 3, 10), seed=2, glass=1.0, centre=digits.x_train.mean(axis=0))
    x, labels = digits.x_train[:1], digits.y_train[:1]
    every = np.array(list(itertools.product((-1, 1), repeat=6)), np.int8)
    held = np.concatenate([every, np.repeat(net.codes[labels], len(every), axis=0)], axis=1)
    weights = np.exp(-net.problem(x).energy(held[None])[0].astype(np.float64))
    reads = code_reads(net, net.problem(x), labels, get_sampler("gibbs", sweeps=60, beta=(1.0, 1.0)), 4000, seed=1)
    np.testing.assert_allclose(reads.spins[0, :, :6].mean(axis=0, dtype=np.float64), weights @ every / weights.sum(), atol=0.06)


def test_completed_reads_stand_together_with_their_mean_energy(deep, batch):
    x, labels = batch
    problem = deep.problem(x)
    free = GIBBS.sample(problem, 5, seed=0)
    completed = complete(deep, problem, labels, free, GIBBS, num_reads=4, seed=1)
    spins, energies = completed.spins.reshape(8, 5, 4, -1), completed.energies.reshape(8, 5, 4)
    wrong = deep.is_wrong(free.spins[..., -20:], labels)
    assert wrong.any()
    assert (energies == energies[..., :1]).all()
    own = problem.energy(completed.spins).reshape(8, 5, 4)
    np.testing.assert_allclose(energies[wrong], own[wrong].mean(axis=1, keepdims=True) * np.ones(4), atol=1e-3)
    for image, read in np.argwhere(wrong):
        outputs = spins[image, read][:, -20:]
        (label,) = {deep.decode(one[None])[0] for one in outputs}
        assert label != labels[image]
        assert (outputs == deep.codes[label]).all()
        overlaps = deep.class_overlaps(free.spins[image, read, -20:])
        assert overlaps[label] == np.delete(overlaps, labels[image]).max()
    np.testing.assert_array_equal(spins[~wrong], np.repeat(free.spins[~wrong][:, None], 4, axis=1))
    assert (
        not find_heads(deep, problem, completed, code_reads(deep, problem, labels), labels, 1e6, "class")
        .reshape(8, 5, 4)[~wrong]
        .any()
    )
    assert completed.info["anneals"] > free.energies.size


def test_reads_that_stand_together_share_the_weight_of_the_deepest():
    heads = np.array([[True, True, True, True], [False, False, True, True], [False] * 4])
    energies = np.array([[-1, -1, -2, -2], [-9, -9, -3, -3], [0, 0, 0, 0]], np.float32)
    shared = head_weights(heads, energies, "deepest", together=2)
    np.testing.assert_array_equal(shared, [[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 0]])
    np.testing.assert_array_equal(head_weights(heads[:, ::2], energies[:, ::2], "deepest"), shared[:, ::2] * 2)


def test_the_cut_of_several_code_reads_is_the_mean_of_single_cuts(deep, batch):
    x, labels = batch
    problem = deep.problem(x)
    right = code_reads(deep, problem, labels, GIBBS, 3, seed=0).spins
    wrong = code_reads(deep, problem, (labels + 1) % 10, GIBBS, 3, seed=1).spins
    some = np.array([1, 1, 0, 1, 0, 1, 1, 1], np.float32)[:, None]
    together = cut_gradient(deep, x, right, wrong, np.repeat(some / 3, 3, axis=1))
    singles = [cut_gradient(deep, x, right[:, one : one + 1], wrong[:, one : one + 1], some) for one in range(3)]
    for mean, *parts in zip(together, *singles, strict=True):
        np.testing.assert_allclose(mean, np.mean(parts, axis=0), atol=1e-5)


@pytest.mark.parametrize("width", [3, 2])
def test_deep_networks_train_and_go_on_after_an_interruption(digits, tmp_path, width):
    data = digits.take(300, seed=0)
    settings = {
        "epochs": 6,
        "batch_size": 10,
        "lr": 0.006,
        "reads": 4,
        "rule": Rule(code_reads=2),
        "seed": 0,
        "evaluations": 1,
        "evaluation_images": 100,
        "rest": 0,
    }
    sampler = WindowSampler(get_sampler("gibbs", sweeps=8), width)

    def fresh():
        return QNN((64, 32, 24, 10), copies=4, seed=0, glass=0.5, centre=data.x_train.mean(axis=0))

    net = fresh()
    history = train(net, data, sampler, **settings, checkpoint=str(tmp_path / "a.checkpoint"))
    assert history.test_error[0] > 0.6
    assert history.test_error[-1] < 0.35
    assert history.train_images == [*[100] * (len(history.step) - 1), 300]
    stops = 1 if width == 3 else 3
    assert history.reads[-1] == 6 * 300 * 4
    # Of each image every read, and with the outputs held at least the right class.
    assert history.anneals[-1] >= stops * history.reads[-1] + 6 * 300 * 2
    again = fresh()
    train(again, data, sampler, **settings, checkpoint=str(tmp_path / "a.checkpoint"))
    for mine, same in zip(net.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(mine, same)
    other = QNN((64, 32, 24, 10), copies=4, seed=0, glass=0.5)
    with pytest.raises(InvalidInput, match="checkpoint"):
        train(other, data, sampler, **settings, checkpoint=str(tmp_path / "a.checkpoint"))


def test_evaluation_images_are_drawn_once_and_all_there_is_if_few(digits):
    few = digits.sample(100, seed=1)
    assert len(few.x_train) == len(few.y_train) == len(few.x_test) == len(few.y_test) == 100
    rows = [np.flatnonzero((digits.x_test == image).all(axis=1))[0] for image in few.x_test]
    assert rows == sorted(rows)
    np.testing.assert_array_equal(digits.y_test[rows], few.y_test)
    np.testing.assert_array_equal(digits.sample(100, seed=1).x_train, few.x_train)
    assert not np.array_equal(digits.sample(100, seed=2).x_train, few.x_train)
    np.testing.assert_array_equal(digits.sample(10**6, seed=0).x_test, digits.x_test)
