"""Numbers of minima and the barriers between them, against brute force."""

import itertools

import numpy as np
import pytest
from conftest import random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from qnn_core import QNN, InvalidInput, Reads, get_sampler
from qnn_core.landscape.minima import barrier_tree, count_minima, estimate_minima
from qnn_core.samplers.descent import quench
from qnn_core.samplers.exact import lowest_energies, output_states


def reads_of(rows):
    spins = np.array([2 * output_states(6)[row] // 2 for row in rows], np.int8)[None]
    return Reads(spins, np.zeros(spins.shape[:2], np.float32))


def test_chao_and_good_on_counts_worked_out_by_hand():
    """Two states seen once, one twice, one three times, of 7 reads."""
    found = estimate_minima(reads_of([1, 2, 3, 3, 4, 4, 4]))
    assert found.seen[0] == 4
    assert found.number[0] == pytest.approx(4 + 2 * 1 / (2 * 2))
    assert found.coverage[0] == pytest.approx(1 - 2 / 7)


def test_estimates_against_enumeration():
    """Uniform draws from the minima of a glass: the estimate is close; an annealer's draws are not uniform, and it stays a lower bound."""
    problem = random_problem((30, 12), images=8, seed=3, scale=0.5)
    exact = count_minima(problem)
    annealed = quench(problem, get_sampler("gibbs", sweeps=5, beta=(0.1, 1.0)).sample(problem, 300, seed=0))
    found = estimate_minima(annealed)
    assert (found.seen <= exact).all()
    assert (found.number <= 1.3 * exact).all()
    assert (found.number >= found.seen).all()
    random = np.random.default_rng(0)
    uniform = estimate_minima(reads_of(random.integers(0, 50, 120)))
    assert uniform.number[0] == pytest.approx(50, rel=0.25)
    assert uniform.coverage[0] == pytest.approx(uniform.seen[0] / 50, abs=0.1)


def test_random_glasses_have_as_many_minima_as_theory_says():
    """Two equal layers map onto the Sherrington-Kirkpatrick model: ln(mean number) / N -> 0.1992 (Bray, Moore, J. Phys. C 13, L469 (1980)).

    Small sizes lie above; a straight line in 1 / N through four of them must lead there.
    """
    sizes, black = np.array([6, 8, 10, 12]), np.zeros((1, 1), np.float32)
    growth = []
    for size in sizes:
        counts = [count_minima(QNN((1, size, size), seed=seed).problem(black))[0] for seed in range(200)]
        growth.append(np.log(np.mean(counts)) / (2 * size))
    limit = np.polyfit(1 / (2 * sizes), growth, 1)[1]
    assert limit == pytest.approx(0.1992, abs=0.01)
    assert min(growth) > 0.1992


def minimax(energies, outputs, start, end):
    """Lowest ceiling under which single flips lead from one state to the other, by raising it step by step."""
    for ceiling in np.sort(energies):
        reached, frontier = {start}, [start]
        while frontier:
            state = frontier.pop()
            for flip in range(outputs):
                other = state ^ (1 << flip)
                if other not in reached and energies[other] <= ceiling:
                    reached.add(other)
                    frontier.append(other)
        if energies[start] <= ceiling and end in reached:
            return ceiling
    raise AssertionError


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), outputs=st.integers(1, 6), hidden=st.integers(1, 12), scale=st.sampled_from([0.2, 1.0, 3.0]))
def test_every_barrier_is_the_minimax_over_paths(seed, outputs, hidden, scale):
    problem = random_problem((hidden, outputs), images=1, seed=seed)
    problem = type(problem)(problem.layers, problem.fields * np.float32(0.3), (problem.couplings[0] * np.float32(scale),))
    energies = lowest_energies(problem)[0]
    tree = barrier_tree(problem)
    flips = 1 << np.arange(outputs)
    rows = [state for state in range(1 << outputs) if (energies[state ^ flips] > energies[state]).all()]
    found = ((tree.outputs > 0) * flips).sum(axis=1)
    assert sorted(found) == rows
    assert (np.diff(tree.energies) >= 0).all()
    assert tree.basins.sum() == 1 << outputs
    assert len(tree.joins) == len(rows) - 1
    for one, other in itertools.combinations(range(len(rows)), 2):
        expected = minimax(energies, outputs, int(found[one]), int(found[other])) - max(tree.energies[one], tree.energies[other])
        assert tree.barrier(one, other) == pytest.approx(expected, abs=1e-5)
    for minimum in range(1, len(rows)):
        assert tree.depths[minimum] == pytest.approx(min(tree.barrier(minimum, deeper) for deeper in range(minimum)), abs=1e-5)
    assert np.isinf(tree.depths[0])


def test_trees_of_several_images_and_of_too_many_outputs_are_refused():
    with pytest.raises(InvalidInput, match="one image"):
        barrier_tree(random_problem((4, 3), images=2, seed=0))
    with pytest.raises(InvalidInput, match="at most 16 outputs"):
        barrier_tree(random_problem((4, 17), images=1, seed=0))
    with pytest.raises(InvalidInput, match="one hidden layer"):
        barrier_tree(random_problem((4, 4, 3), images=1, seed=0))
    with pytest.raises(InvalidInput, match="reads = 1"):
        estimate_minima(Reads(np.ones((1, 1, 3), np.int8), np.zeros((1, 1), np.float32)))
