"""Searches for the lowest state of a class in deep networks, against enumeration."""

import itertools

import numpy as np
import pytest
from conftest import random_problem

from qnn_core import QNN, get_sampler
from studies.searches import (
    SEARCHES,
    answers,
    compare_answers,
    exact_minimum,
    held_energies,
    held_overlaps,
    minimum_found,
    overlap_table,
    searches,
)

GIBBS = get_sampler("gibbs", sweeps=20)


@pytest.mark.parametrize("layers", [(5,), (3, 4), (3, 4, 2), (4, 2, 3, 2), (2, 3, 2, 2, 3)])
def test_the_exact_minimum_is_that_of_all_configurations(layers):
    problem = random_problem(layers, images=3, seed=2)
    every = np.array(list(itertools.product((-1, 1), repeat=sum(layers))), np.int8)
    energies = problem.energy(np.repeat(every[None], 3, axis=0))
    np.testing.assert_allclose(exact_minimum(problem), energies.min(axis=1), atol=1e-4)


def test_searches_never_go_below_the_exact_minimum_and_answers_follow_energies(deep, batch):
    x, _ = batch
    found = minimum_found(deep, x, GIBBS, 20, seed=0)
    assert {name: values.shape for name, values in found.items()} == dict.fromkeys(("annealed", "cooled", "descended"), (8, 10))
    assert found["annealed"].mean() > 0.9
    given = answers(deep, x, GIBBS, 20, seed=0)
    np.testing.assert_array_equal(given["cooled"], deep.predict(x))
    for name, search in searches(GIBBS, 20, seed=0).items():
        energies = held_energies(deep, x, search)
        np.testing.assert_array_equal(given[name], energies.argmin(axis=1))
        hit = found[name]
        exact = np.minimum.reduce(
            [np.where(found[other], held_energies(deep, x, s), np.inf) for other, s in searches(GIBBS, 20, 0).items()]
        )
        assert (energies[hit] <= exact[hit] + 2e-3).all()


def test_answers_are_compared_with_the_annealed_ones(deep, digits):
    other = QNN((64, 7, 5, 6, 10), copies=2, seed=2)
    compared = compare_answers({"one": [deep], "two": [other]}, digits, 6, GIBBS, 20, [3])
    assert compared.by == [*SEARCHES, "free"]
    np.testing.assert_array_equal(compared.agreement[:, 0], 1)
    given = answers(other, digits.x_test[:6], GIBBS, 20, 3)
    for column, way in enumerate(compared.by):
        assert compared.agreement[1, column] == np.mean(given[way] == given["annealed"])
        assert compared.wrong[1, column] == np.mean(given[way] != digits.y_test[:6])
    assert f"{compared.agreement[1, 1]:.1%} ({compared.wrong[1, 1]:.1%})" in repr(compared.table())


def test_overlaps_of_held_reads_are_those_of_their_distributions(batch):
    """Against the Boltzmann distribution of all hidden configurations at a fixed temperature, class by class."""
    x, net = batch[0][:2], QNN((64, 3, 2, 3), copies=2, seed=4)
    problem = net.problem(x)
    every = np.array(list(itertools.product((-1, 1), repeat=5)), np.int8)
    means = np.empty((3, 2, 5))
    for label in range(3):
        held = np.concatenate([every, np.repeat(net.codes[[label]], len(every), axis=0)], axis=1)
        weights = np.exp(-problem.energy(np.repeat(held[None], 2, axis=0)).astype(np.float64))
        means[label] = weights @ every / weights.sum(axis=1, keepdims=True)
    found = held_overlaps(net, x, get_sampler("gibbs", sweeps=40, beta=(1.0, 1.0)), 600, seed=0)
    for layer, part in enumerate((means[..., :3], means[..., 3:])):
        products = np.einsum("cbn,dbn->cd", part, part) / part[0].size
        other = products[~np.eye(3, dtype=bool)].mean()
        np.testing.assert_allclose(found[layer], [np.diag(products).mean(), other], atol=0.04)


def test_overlaps_are_told_layer_by_layer(deep, digits):
    told = repr(overlap_table({"deep": deep}, digits, 2, GIBBS, 2, seed=0))
    first = held_overlaps(deep, digits.x_test[:2], GIBBS, 2, seed=0)[0]
    assert f"{first[0]:.2f}, {first[1]:.2f}" in told
