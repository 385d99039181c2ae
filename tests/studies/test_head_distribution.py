"""Weights of heads against enumeration and laws that are known."""

import itertools

import numpy as np
import pytest
from conftest import random_problem

from qnn_core import QNN, InvalidInput, get_sampler, train
from studies.head_distribution import (
    agreement,
    effective_beta,
    fit_weight_law,
    follow_heads,
    study_heads,
    weight_density,
    weight_left,
    weights_by_class,
)
from studies.training import Recipe, with_rule


def test_a_read_stands_for_the_class_it_decodes_to_and_ties_count_against_the_right_one(small_net):
    outputs = np.array(list(itertools.product([-1, 1], repeat=6)), np.int8)
    for label in range(3):
        shown = small_net.shown(outputs[None], np.array([label]))[0]
        for state, found in zip(outputs, shown, strict=True):
            overlaps = state.reshape(3, 2).sum(axis=1).astype(int)
            best = np.flatnonzero(overlaps == overlaps.max())
            others = [one for one in best if one != label]
            assert found == (others[0] if others else label)


def test_weights_of_classes_are_boltzmann_sums_over_all_states(small_net):
    """All 2^11 configurations, hidden and output, with their own energies."""
    x = np.random.default_rng(0).uniform(0, 1, (3, 6)).astype(np.float32)
    labels = np.array([0, 1, 2])
    beta = 0.7
    weights = weights_by_class(small_net, x, labels, beta, margin=1e6)
    states = np.array(list(itertools.product([-1, 1], repeat=11)), np.int8)
    problem = small_net.problem(x)
    energies = problem.energy(np.broadcast_to(states, (3, *states.shape)).copy())
    for image in range(3):
        chances = np.exp(-beta * (energies[image] - energies[image].min()).astype(np.float64))
        chances /= chances.sum()
        shown = small_net.shown(states[None, :, 5:], labels[image : image + 1])[0]
        for one in range(3):
            expected = np.nan if one == labels[image] else chances[shown == one].sum()
            np.testing.assert_allclose(weights[image, one], expected, rtol=1e-4)
    none = weights_by_class(small_net, x, labels, beta, margin=0.0)
    own = small_net.class_energies(x)
    for image, one in itertools.product(range(3), range(3)):
        is_head = one != labels[image] and own[image, one] <= own[image, labels[image]]
        assert np.isfinite(none[image, one]) == is_head


@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_the_effective_temperature_of_boltzmann_reads_is_theirs(beta):
    problem = random_problem((12, 6), 20, seed=3, scale=0.4)
    reads = get_sampler("exact", beta=beta).sample(problem, 400, 0)
    assert effective_beta(problem, reads) == pytest.approx(beta, rel=0.05)


def test_weight_laws_are_recovered_with_error_bars_that_cover():
    random = np.random.default_rng(0)
    covered = []
    for trial in range(120):
        gamma = (0.4, 1.0, 1.6)[trial % 3]
        power = 1 - gamma
        uniform = random.random((200, 4))
        low, high = 1e-4, 1e-1
        ends = (low**power, high**power)
        weights = low * (high / low) ** uniform if gamma == 1.0 else (ends[0] + uniform * (ends[1] - ends[0])) ** (1 / power)
        weights[random.random(weights.shape) < 0.3] = np.nan
        law = fit_weight_law(weights, low, high, seed=trial)
        covered.append(law.low <= gamma <= law.high)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 120)
    grid = np.geomspace(1e-4, 1e-1, 20_001)
    for gamma in (0.4, 1.0, 1.6):
        assert np.trapezoid(weight_density(grid, gamma, 1e-4, 1e-1), grid) == pytest.approx(1, rel=1e-3)


def test_too_few_heads_give_no_law():
    with pytest.raises(InvalidInput, match="29 heads"):
        fit_weight_law(np.full((29, 1), 0.01), 1e-4, 0.1, seed=0)
    with pytest.raises(InvalidInput, match="low, high"):
        fit_weight_law(np.full((50, 1), 0.01), 0.1, 0.1, seed=0)


def test_weight_left_is_what_many_dragons_of_reads_leave():
    weights = np.array([[0.3, 0.01, np.nan], [0.002, 0.05, 0.4]])
    random = np.random.default_rng(0)
    numbers = np.array([0.0, 3.0, 30.0, 300.0])
    many = np.repeat(np.nan_to_num(weights)[None], 40_000, axis=0)
    found = np.where(many > 0, random.geometric(np.maximum(many, 1e-12)), np.inf)
    expected = [(many * (found > number)).sum(axis=2).mean() for number in numbers]
    np.testing.assert_allclose(weight_left(weights, numbers), expected, rtol=0.02)


def test_heads_along_training(digits):
    net = QNN((64, 12, 10), seed=0)
    strong = QNN.assembled(net.layout(), [3 * parameter for parameter in net.parameters])
    found = follow_heads({0: net, 5: strong}, digits.x_train[:8], digits.y_train[:8], get_sampler("gibbs"), 10, 8.0, 0)
    assert found["weights"].shape == (2, 8, 10)
    assert (found["beta"] > 0).all()
    assert np.nansum(found["weights"], axis=2).max() <= 1 + 1e-9


def test_a_study_of_heads_counts_what_its_runs_did(digits):
    data = digits.only_classes((0, 1, 2)).take(150, 0)
    training = {"reads": 4, "margin": 8.0, "epochs": 1, "batch_size": 75, "lr": 0.01, "schedule": "constant"}
    recipe = Recipe("gibbs", (6,), training, {"copies": 1}, {})
    found = study_heads(data, recipe, [0, 1], snapshots=3, images=30, between=(1e-5, 0.1))
    assert found["weights"].shape == (2, len(found["step"]), 30, 3)
    assert found["epoch"][-1] == 1
    assert found["trials_images_with_a_head"].sum() == 150
    np.testing.assert_array_equal(found["trials_heads_per_read"], 4 * found["trials_images_with_a_head"])
    for name in ("heads_per_read", "images_with_a_head", "training_error"):
        assert (found[f"count_{name}"] <= found[f"trials_{name}"]).all()
    net = QNN((64, 6, 3), seed=1, centre=data.x_train.mean(axis=0))
    again = train(net, data, get_sampler("gibbs"), **with_rule(training), seed=1)
    np.testing.assert_array_equal(found["count_training_error"][1], again.train_mistakes)
    assert found["test_error"][1] == again.test_error[-1]


def test_agreement_counts_overlapping_intervals_inside_the_window():
    gamma = np.array([[1.0, 0.9, 1.1], [1.5, 1.4, 1.6], [np.nan] * 3, [1.05, 1.0, 1.1]])
    arrays = {"gamma": gamma, "epoch": np.array([0.0, 1.0, 2.0, 3.0]), "window_x": np.array([0.5, 3.0])}
    assert agreement({**arrays, "alpha_x": np.array([0.97, 0.95, 1.0])}, "x") == (1, 2)
    assert agreement({**arrays, "alpha_x": np.array([0.7, 0.55, 0.95])}, "x") == (2, 2)
    assert agreement({**arrays, "alpha_x": np.array([1.3, 1.2, 1.4])}, "x") == (0, 2)
