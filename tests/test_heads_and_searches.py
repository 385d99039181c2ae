"""Weights of heads, dragons that lose them, training by search: against enumeration, closed forms and laws that are known."""

import itertools

import numpy as np
import pytest

from qnn_core import QNN, InvalidInput, get_sampler
from qnn_core.cutting import shown_class
from studies.hazards import SEARCHES, calls_until_cut, decay_exponent, draw_weights, expected_exponent, weight_left_after
from studies.head_distribution import effective_beta, fit_weight_law, follow_heads, weight_left, weights_by_class
from studies.search_training import search_heads_of, train_by_search
from tests.conftest import random_problem


def test_a_read_stands_for_the_class_it_decodes_to_and_ties_count_against_the_right_one(small_net):
    outputs = np.array(list(itertools.product([-1, 1], repeat=6)), np.int8)
    for label in range(3):
        shown = shown_class(small_net, outputs[None], np.array([label]))[0]
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
        shown = shown_class(small_net, states[None, :, 5:], labels[image : image + 1])[0]
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
        covered.append(law.gamma.low <= gamma <= law.gamma.high)
        assert law.heads == np.isfinite(weights).sum()
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 120)
    grid = np.geomspace(1e-4, 1e-1, 20_001)
    assert np.trapezoid(law.density(grid), grid) == pytest.approx(1, rel=1e-3)


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
    strong = [3 * parameter for parameter in net.parameters]
    found = follow_heads(
        net, {0: net.parameters, 5: strong}, digits.x_train[:8], digits.y_train[:8], get_sampler("gibbs"), 10, 8.0, 0
    )
    assert found["weights"].shape == (2, 8, 10)
    assert (found["beta"] > 0).all()
    assert np.nansum(found["weights"], axis=2).max() <= 1 + 1e-9


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
        found = decay_exponent(at, left, seed=0, between=(0.001, 0.03))
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
    for amplified in (False, True):
        found, spent = (part.reshape(3, -1) for part in search_heads_of(p, amplified, most=40, seed=0))
        assert (found[0] == 1).all()
        assert np.isnan(found[2]).all()
        assert (spent[2] == 40).all()
        success = np.isfinite(found[1]).mean()
        if amplified:
            assert success > 0.9
        else:
            assert success == pytest.approx(1 - 0.98**40, abs=0.03)


def test_training_by_search_learns_and_counts_its_calls(digits):
    data = digits.only_classes((0, 1)).take(120, 0)
    settings = {"most": 10, "epochs": 2, "lr": 0.01, "batch_size": 10, "margin": 1.0, "duration": 1.0, "steps": 20, "seed": 0}
    for amplified in (False, True):
        net = QNN((64, 5, 2), seed=0)
        history = train_by_search(net, data, amplified=amplified, **settings)
        assert history.train_mistakes[-1] < history.train_mistakes[0] / 2
        assert history.calls[0] == 0
        assert (np.diff(history.calls) > 0).all()
        assert history.calls[-1] <= 10 * 240
        twin = QNN((64, 5, 2), seed=0)
        assert train_by_search(twin, data, amplified=amplified, **settings) == history or np.isnan(history.weight[0])
        np.testing.assert_array_equal(twin.weights[0], net.weights[0])
    with pytest.raises(InvalidInput, match="most = 0"):
        train_by_search(net, data, amplified=True, **{**settings, "most": 0})
