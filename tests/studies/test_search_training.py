"""Amplification against its formula, searches for heads and training by them against closed forms and laws that are known."""

import itertools

import numpy as np
import pytest
from conftest import random_problem

from qnn_core import QNN, InvalidInput
from qnn_core.samplers.coherent import AnnealingUnitary, all_energies, configurations
from studies.grover import (
    SINGLE_SEARCHES,
    amplified_probability,
    amplify,
    head_states,
    minima,
    oracle_calls,
    power_of,
    search_single_heads,
    weights_after_anneal,
)
from studies.hazards import (
    SEARCHES,
    calls_until_cut,
    decay_exponent,
    dragon_rows,
    draw_weights,
    expected_exponent,
    study_dragons,
    weight_left_after,
)
from studies.search_training import budget_rows, compare_searches, train_by_search


@pytest.fixture(scope="module")
def problem():
    return random_problem((3, 2), images=2, seed=0)


def test_amplification_turns_by_twice_theta_each_step(problem):
    unitary = AnnealingUnitary(all_energies(problem), 2.0, 50)
    heads = np.zeros((2, 32), bool)
    heads[0, [3, 17]] = True
    heads[1, 8] = True
    found = amplify(unitary, heads, 12)
    weights = weights_after_anneal(unitary, heads).sum(axis=1)
    np.testing.assert_allclose(found[:, 0], weights, atol=1e-12)
    for image, steps in itertools.product(range(2), range(13)):
        theta = np.arcsin(np.sqrt(weights[image]))
        assert found[image, steps] == pytest.approx(np.sin((2 * steps + 1) * theta) ** 2, abs=1e-10)
    assert found.max() > 0.9 > weights.max()


def test_head_states_are_wrong_and_deep():
    net = QNN((4, 3, 2), copies=2, seed=2)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 4)).astype(np.float32)
    labels = np.array([0, 1, 1])
    energies = all_energies(net.problem(x))
    heads = head_states(net, x, labels, energies, margin=0.5)
    lowest = net.class_energies(x)
    for image, row in itertools.product(range(3), range(128)):
        outputs = configurations(7)[row, 3:].astype(int)
        overlaps = net.codes.astype(int) @ outputs
        wrong = overlaps[1 - labels[image]] >= overlaps[labels[image]]
        assert heads[image, row] == (wrong and energies[image, row] <= lowest[image, labels[image]] + 0.5 + 1e-6)


def test_single_heads_are_minima(problem):
    energies = all_energies(problem)
    for image, found in enumerate(minima(energies)):
        for row in range(32):
            assert found[row] == all(energies[image, row] <= energies[image, row ^ 1 << spin] for spin in range(5))


def test_searches_of_known_success_take_the_expected_calls():
    assert (oracle_calls(np.ones(50), seed=0) == 1).all()
    small = np.geomspace(1e-4, 1e-2, 12)
    calls = oracle_calls(np.repeat(small, 1000), seed=1).reshape(12, -1).mean(axis=1)
    assert (calls < 9 / 4 * small**-0.5 * 1.1).all()
    power = power_of(small, calls, seed=0)
    assert power.value == pytest.approx(-0.5, abs=0.05)
    assert power.low <= power.value <= power.high
    assert amplified_probability(np.array(0.25), np.array([0, 1])) == pytest.approx([0.25, 1.0])


def test_searches_are_given_up_when_their_calls_are_spent():
    calls = oracle_calls(np.array([0.0, 1.0, 1e-9]), seed=0, most=20)
    assert np.isnan(calls[[0, 2]]).all()
    assert calls[1] == 1


def test_weights_outside_0_and_1_are_refused():
    for p in (np.zeros(2), np.array([1.5]), np.array([-0.1])):
        with pytest.raises(InvalidInput, match="p = "):
            oracle_calls(p, seed=0)
    with pytest.raises(InvalidInput, match="p = "):
        power_of(np.array([0.1, 0.2, 0.3]), np.ones(3), seed=0)


def test_drawn_weights_follow_their_law():
    low, high = 1e-6, 1e-3
    for gamma in (0.5, 1.0, 1.3):
        weights = draw_weights(gamma, 200, 100, low, high, seed=1).ravel()
        edges = np.geomspace(low, high, 7)
        density = np.histogram(weights, edges)[0] / np.diff(edges)
        slope = np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(density), 1)[0]
        assert slope == pytest.approx(-gamma, abs=0.06)
    with pytest.raises(InvalidInput, match="high"):
        draw_weights(0.5, 10, 100, 1e-6, 1.0, seed=0)


def test_weight_left_after_some_calls_counts_what_is_still_there():
    weights = np.array([[0.1, 0.2, 0.3]])
    calls = np.array([[5.0, 1.0, 9.0]])
    np.testing.assert_allclose(
        weight_left_after(weights, calls, np.array([0.0, 1.0, 4.0, 5.0, 100.0]))[0], [0.6, 0.4, 0.4, 0.3, 0.0]
    )


@pytest.mark.parametrize("search", SEARCHES)
def test_dragons_lose_their_heads_as_theory_says(search):
    """Exponents of the weight left between 3 % and 0.1 % of the first; the range of weights is finite, so 6 % is allowed."""
    at = np.concatenate([[0.0], np.geomspace(1, 1e9, 181)])
    for alpha in (0.78, 1.01):
        weights = draw_weights(2 - alpha, 150, 300, 1e-9, 1e-3, seed=0)
        left = weight_left_after(weights, calls_until_cut(weights, search, seed=1), at)
        found = decay_exponent(at, left, seed=0)
        assert found.value == pytest.approx(expected_exponent(alpha, search), rel=0.06)
        assert found.low < found.value < found.high


def test_theory_of_searches():
    """The numbers of the theory itself: 0.78 becomes 1.28, and the gain ends at a factor of 2."""
    assert expected_exponent(0.78, "together") == pytest.approx(2 * 0.78 / 1.22)
    assert expected_exponent(1.0, "together") == 2.0
    assert expected_exponent(1.5, "together") == 3.0
    assert expected_exponent(0.78, "fixed") == 0.78


def test_searching_heads_of_known_weight():
    p = np.repeat([1.0, 0.02, 0.0], 3000)
    for name, search in SINGLE_SEARCHES.items():
        found = search(p, 0, most=40).reshape(3, -1)
        assert (found[0] == 1).all()
        assert np.isnan(found[2]).all()
        success = np.isfinite(found[1]).mean()
        if name == "amplified":
            assert success > 0.9
        else:
            assert success == pytest.approx(1 - 0.98**40, abs=0.03)


def test_training_by_search_learns_and_counts_its_calls(digits):
    data = digits.only_classes((0, 1)).take(120, 0)
    settings = {"most": 10, "epochs": 2, "lr": 0.01, "batch_size": 10, "margin": 1.0, "duration": 1.0, "steps": 20, "seed": 0}
    for search in SINGLE_SEARCHES:
        net = QNN((64, 5, 2), seed=0)
        history = train_by_search(net, data, search=search, **settings)
        assert history["train"][-1] < history["train"][0] / 2
        assert history["train"][-1] == (net.predict(data.x_train) != data.y_train).mean()
        assert history["calls"][0] == 0
        assert (np.diff(history["calls"]) > 0).all()
        assert history["calls"][-1] <= 10 * 240
        twin = QNN((64, 5, 2), seed=0)
        np.testing.assert_equal(train_by_search(twin, data, search=search, **settings), history)
        np.testing.assert_array_equal(twin.weights[0], net.weights[0])
    with pytest.raises(InvalidInput, match="most = 0"):
        train_by_search(net, data, search="reads", **{**settings, "most": 0})


def test_searches_are_compared_at_the_calls_that_both_have_spent(digits):
    data = digits.only_classes((0, 1)).take(100, 0)
    settings = {"most": 5, "epochs": 2, "lr": 0.01, "batch_size": 10, "margin": 1.0, "duration": 1.0, "steps": 10}
    found = compare_searches(data, 4, [0, 1], **settings)
    last = {name: found[f"training_{name}_calls"][-1] for name in SINGLE_SEARCHES}
    assert found["budget"] == min(last.values())
    first = min(last, key=last.get)
    for measure in ("train", "test", "weight"):
        np.testing.assert_allclose(found[f"budget_{first}_{measure}"], found[f"training_{first}_{measure}"][:, -1])
    train, _, weight = budget_rows(found)
    assert train["amplified minus reads"].value == pytest.approx(train["amplified"].value - train["reads"].value)
    assert 0 <= weight["reads"].low <= weight["reads"].high <= 1


def test_a_study_of_single_heads_meets_the_formula(digits):
    data = digits.only_classes((0, 1)).take(100, 0)
    net = QNN((64, 4, 2), seed=0)
    snapshots = {0: net.parameters, 9: [2 * parameter for parameter in net.parameters]}
    found = search_single_heads(
        net, snapshots, data.x_test[:6], data.y_test[:6], (3.0, 0.5), steps=20, margin=3.0, searches=20, seed=0
    )
    assert found["weight_of_heads"].shape == (2, 2, 6)
    assert found["largest_error"] < 1e-9
    assert (np.diff(found["found"]) >= 0).all()
    assert found["found"].sum() <= found["weight_of_heads"].sum() + 1e-9
    np.testing.assert_allclose(np.median(found["calls_reads"] * found["found"]), 1, atol=0.3)


def test_a_study_of_dragons_keeps_the_weight_left_of_the_papers_exponent():
    found = study_dragons([0.78, 1.01], 20, seed=0)
    assert found["left_alpha"] == 1.01
    for column, search in enumerate(SEARCHES):
        left = found[f"left_{search}"]
        assert (np.diff(left) <= 1e-12).all()
        assert found["expected"][0, column] == expected_exponent(0.78, search)
    rows = list(dragon_rows(found))
    assert len(rows) == 2 * len(SEARCHES)
    assert all(abs(row["exponent"].value - row["theory"]) < 0.3 * row["theory"] for row in rows)
