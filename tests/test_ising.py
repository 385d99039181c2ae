"""Energies against dimod and against a sum written out term by term."""

import itertools

import dimod
import numpy as np
import pytest
from conftest import random_problem, random_spins
from hypothesis import given, settings
from hypothesis import strategies as st

from qnn_core import InvalidInput, IsingProblem
from qnn_core.ising import feed_forward, local_fields, relax

LAYERS = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@given(layers=LAYERS, seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_energy_is_the_sum_over_fields_and_couplings(layers, seed):
    problem = random_problem(layers, images=2, seed=seed)
    spins = random_spins(problem, reads=3, seed=seed)
    starts = np.concatenate([[0], np.cumsum(layers)])
    for image, read in itertools.product(range(2), range(3)):
        s = spins[image, read].astype(float)
        expected = -sum(problem.fields[image, n] * s[n] for n in range(problem.num_spins))
        for layer, matrix in enumerate(problem.couplings):
            for i, j in itertools.product(range(layers[layer]), range(layers[layer + 1])):
                expected -= s[starts[layer] + i] * matrix[i, j] * s[starts[layer + 1] + j]
        assert problem.energy(spins)[image, read] == pytest.approx(expected, abs=1e-4)


@given(layers=LAYERS, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_bqm_and_qubo_have_the_same_energies(layers, seed):
    problem = random_problem(layers, images=2, seed=seed)
    spins = random_spins(problem, reads=4, seed=seed)
    energies = problem.energy(spins)
    for image in range(2):
        bqm = problem.to_bqm(image)
        assert bqm.vartype is dimod.SPIN
        assert bqm.num_variables == problem.num_spins
        qubo, constant = bqm.to_qubo()
        for read in range(4):
            sample = dict(enumerate(spins[image, read].tolist()))
            binary = {n: (1 + s) // 2 for n, s in sample.items()}
            assert bqm.energy(sample) == pytest.approx(energies[image, read], abs=1e-4)
            by_qubo = constant + sum(value * binary[i] * binary[j] for (i, j), value in qubo.items())
            assert by_qubo == pytest.approx(energies[image, read], abs=1e-4)


def test_a_flip_changes_the_energy_by_twice_the_local_field():
    problem = random_problem((4, 3, 5), images=3, seed=1)
    spins = random_spins(problem, reads=2, seed=1)
    for layer, columns in enumerate(problem.layer_slices):
        felt = local_fields(problem, spins, layer)
        for place, spin in enumerate(range(columns.start, columns.stop)):
            flipped = spins.copy()
            flipped[..., spin] *= -1
            change = problem.energy(flipped) - problem.energy(spins)
            np.testing.assert_allclose(change, 2 * felt[..., place] * spins[..., spin], atol=1e-4)


@given(layers=LAYERS, seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_relaxed_states_are_stable_and_not_higher(layers, seed):
    problem = random_problem(layers, images=2, seed=seed)
    spins = random_spins(problem, reads=3, seed=seed)
    relaxed = relax(problem, spins)
    assert (problem.energy(relaxed) <= problem.energy(spins) + 1e-4).all()
    for layer, part in enumerate(problem.split(relaxed)):
        assert (local_fields(problem, relaxed, layer) * part >= -1e-5).all()


def test_feed_forward_follows_fields_layer_by_layer():
    problem = random_problem((3, 4), images=5, seed=2)
    states = feed_forward(problem)
    hidden = np.where(problem.fields[:, :3] >= 0, 1, -1)
    output = np.where(problem.fields[:, 3:] + hidden @ problem.couplings[0] >= 0, 1, -1)
    np.testing.assert_array_equal(states, np.concatenate([hidden, output], axis=1))


@pytest.mark.parametrize(
    ("layers", "fields", "couplings", "named"),
    [
        ((2, 2), np.zeros((1, 5)), [np.zeros((2, 2))], "fields"),
        ((2, 2), np.full((1, 4), np.nan), [np.zeros((2, 2))], "fields = 'NaN or infinity'"),
        ((2, 2), np.full((1, 4), np.inf), [np.zeros((2, 2))], "fields = 'NaN or infinity'"),
        ((2, 2), np.zeros((1, 4)), [np.full((2, 2), -np.inf)], "couplings = 'NaN or infinity'"),
        ((2, 2), np.zeros((1, 4)), [np.zeros((2, 3))], "couplings"),
        ((2, 2), np.zeros((1, 4)), [], "couplings"),
        ((2, 0), np.zeros((1, 2)), [np.zeros((2, 0))], "layers"),
        ((), np.zeros((2, 0)), [], "layers"),
    ],
)
def test_bad_problems_are_refused_by_name(layers, fields, couplings, named):
    with pytest.raises(InvalidInput, match=named):
        IsingProblem(layers, fields.astype(np.float32), tuple(matrix.astype(np.float32) for matrix in couplings))


def test_spins_of_another_problem_are_refused():
    problem = random_problem((2, 3), images=2, seed=0)
    with pytest.raises(InvalidInput, match=r"spins = 'shape \(2, 1, 4\)'"):
        problem.energy(np.ones((2, 1, 4), np.int8))
    with pytest.raises(InvalidInput, match="image = 2"):
        problem.to_bqm(2)
