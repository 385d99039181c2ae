"""Order parameters against sums over pairs."""

import itertools

import numpy as np
import pytest
from conftest import random_problem, random_spins

from qnn_core import InvalidInput, Reads
from qnn_core.landscape.overlaps import (
    binder,
    binder_error,
    order_parameters,
    order_susceptibility,
    overlap,
    overlap_bins,
    susceptibility,
)


def some_reads(reads=12):
    problem = random_problem((4, 3), images=3, seed=0)
    spins = random_spins(problem, reads=reads, seed=1)
    return problem, Reads(spins, problem.energy(spins))


def test_overlap_is_the_mean_product_of_every_pair():
    problem, reads = some_reads()
    found, hidden = overlap(reads), overlap(reads, problem.layer_slices[0])
    for image in range(3):
        pairs = itertools.combinations(reads.spins[image].astype(float), 2)
        for column, (left, right) in enumerate(pairs):
            assert found[image, column] == pytest.approx(np.mean(left * right))
            assert hidden[image, column] == pytest.approx(np.mean(left[:4] * right[:4]))


def test_edwards_anderson_parameter_is_unbiased():
    """Its mean over draws of reads equals (1/N) sum_i m_i^2 of the distribution, which the plain estimate overshoots."""
    random = np.random.default_rng(0)
    means = random.uniform(-0.8, 0.8, 30)
    spins = np.where(random.random((4000, 10, 30)) < (1 + means) / 2, 1, -1).astype(np.int8)
    reads = Reads(spins, np.zeros((4000, 10), np.float32))
    order = order_parameters(reads)
    truth = np.mean(means**2)
    assert order.q_ea.mean() == pytest.approx(truth, abs=0.005)
    assert np.mean(spins.mean(axis=1) ** 2) > truth + 0.05


def test_distinct_reads_and_extremes():
    spins = np.ones((2, 10, 6), np.int8)
    spins[1, 5:] = -1
    order = order_parameters(Reads(spins, np.zeros((2, 10), np.float32)))
    np.testing.assert_array_equal(order.distinct, [1, 2])
    assert order.q_ea[0] == 1
    assert order.q_variance[0] == 0
    assert order.q_ea[1] == pytest.approx((20 - 25) / 45)


def test_too_few_reads_are_refused():
    _, reads = some_reads(reads=9)
    with pytest.raises(InvalidInput, match="reads = 9"):
        order_parameters(reads)


def test_bins_hold_equally_many_possible_overlaps():
    for spins in (7, 24, 130, 1000):
        edges = overlap_bins(spins)
        values = -1 + 2 * np.arange(spins + 1) / spins
        counts, _ = np.histogram(values, edges)
        assert counts.sum() == spins + 1
        assert len(set(counts[:-1])) == 1


def test_susceptibility_is_unbiased_and_needs_four_replicas():
    """Independent spins: (1/N) sum_i (1 - m_i^2)^2, whatever the number of replicas; correlated pairs add theirs."""
    random = np.random.default_rng(0)
    means = random.uniform(-0.8, 0.8, 20)
    truth = np.mean((1 - means**2) ** 2)
    for replicas in (4, 7):
        spins = np.where(random.random((20000, replicas, 20)) < (1 + means) / 2, 1, -1).astype(np.int8)
        reads = Reads(spins, np.zeros(spins.shape[:2], np.float32))
        chi = susceptibility(overlap(reads), 20)
        assert chi.mean() == pytest.approx(truth, abs=5 * chi.std() / np.sqrt(len(chi)))
        doubled = Reads(np.concatenate([spins, spins], axis=2), reads.energies)
        chi = susceptibility(overlap(doubled), 40)
        assert chi.mean() == pytest.approx(2 * truth, abs=5 * chi.std() / np.sqrt(len(chi)))
    with pytest.raises(InvalidInput, match="at least 4 replicas"):
        susceptibility(np.zeros((2, 3)), 20)


def test_error_of_the_binder_cumulant_is_its_scatter_over_repetitions():
    random = np.random.default_rng(0)
    second = random.gamma(9.0, 0.03, (1000, 100, 2))
    fourth = second**2 * random.uniform(1, 3, second.shape)
    found = binder(second.mean(axis=1), fourth.mean(axis=1))
    errors = np.array([binder_error(*sample) for sample in zip(second, fourth, strict=True)])
    np.testing.assert_allclose(errors.mean(axis=0), found.std(axis=0), rtol=0.1)


def test_binder_cumulant_of_gauss_and_of_two_values():
    assert binder(np.array([1.0]), np.array([3.0])) == pytest.approx(0)
    assert binder(np.array([0.5]), np.array([0.25])) == pytest.approx(1)


def test_susceptibility_of_the_order_is_the_variance_of_the_sum_over_spins():
    """Of independent spins, (1/N) sum_i (1 - m_i^2), from as few as two replicas without bias."""
    random = np.random.default_rng(0)
    means = random.uniform(-0.8, 0.8, 30)
    spins = np.where(random.random((20000, 3, 30)) < (1 + means) / 2, 1, -1)
    alignment = spins.mean(axis=2)
    truth = np.mean(1 - means**2)
    for replicas in (2, 3):
        assert order_susceptibility(alignment[:, :replicas], 30).mean() == pytest.approx(truth, rel=0.03)
    assert 30 * alignment.var(axis=1).mean() < 0.8 * truth
