"""Order parameters against sums over pairs, the number of minima against every configuration."""

import itertools

import numpy as np
import pytest
from conftest import random_problem, random_spins

from qnn_core import QNN, InvalidInput, Reads, get_sampler
from qnn_core.landscape.overlaps import binder_error
from studies import phase


def some_reads(reads=12):
    problem = random_problem((4, 3), images=3, seed=0)
    spins = random_spins(problem, reads=reads, seed=1)
    return problem, Reads(spins, problem.energy(spins))


def test_overlap_is_the_mean_product_of_every_pair():
    problem, reads = some_reads()
    found, hidden = phase.overlap(reads), phase.overlap(reads, problem.layer_slices[0])
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
    order = phase.order_parameters(reads)
    truth = np.mean(means**2)
    assert order.q_ea.mean() == pytest.approx(truth, abs=0.005)
    assert np.mean(spins.mean(axis=1) ** 2) > truth + 0.05


def test_distinct_reads_and_extremes():
    spins = np.ones((2, 10, 6), np.int8)
    spins[1, 5:] = -1
    order = phase.order_parameters(Reads(spins, np.zeros((2, 10), np.float32)))
    np.testing.assert_array_equal(order.distinct, [1, 2])
    assert order.q_ea[0] == 1
    assert order.q_variance[0] == 0
    assert order.q_abs[1] == 1
    assert order.q_ea[1] == pytest.approx((20 - 25) / 45)


def test_too_few_reads_are_refused():
    _, reads = some_reads(reads=9)
    with pytest.raises(InvalidInput, match="reads = 9"):
        phase.order_parameters(reads)


def test_bins_hold_equally_many_possible_overlaps():
    for spins in (7, 24, 130, 1000):
        edges = phase.overlap_bins(spins)
        values = -1 + 2 * np.arange(spins + 1) / spins
        counts, _ = np.histogram(values, edges)
        assert counts.sum() == spins + 1
        assert len(set(counts[:-1])) == 1


def test_quenched_reads_are_minima():
    problem, reads = some_reads()
    quenched = phase.quench(problem, reads)
    assert (quenched.energies <= reads.energies + 1e-5).all()
    for spin in range(problem.num_spins):
        flipped = quenched.spins.copy()
        flipped[..., spin] *= -1
        assert (problem.energy(flipped) >= quenched.energies - 1e-4).all()


def test_landscape_places_the_clamped_state_at_the_origin():
    net = QNN((4, 3, 2), seed=0)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 4)).astype(np.float32)
    reads = get_sampler("gibbs", sweeps=10).sample(net.problem(x), 50, seed=0)
    view = phase.landscape(net, x, np.array([1]), reads)
    at_target = view.overlap > 1 - 1e-9
    np.testing.assert_allclose(view.energy[at_target], 0, atol=1e-5)
    assert not view.wrong[at_target].any()
    assert not (view.undecided & ~view.wrong).any()
    shown = net.class_overlaps(reads.spins[0, :, -2:])
    np.testing.assert_array_equal(view.undecided, shown[:, 0] == shown[:, 1])
    assert view.undecided.any()
    assert (view.energy[~view.wrong] >= -1e-5).all()


def test_following_a_training_counts_fewer_minima_for_a_network_without_couplings():
    net = QNN((4, 6, 5), seed=0)
    glassy = [value.copy() for value in net.parameters]
    glassy[0] *= 0
    glassy[1] *= 5
    plain = [value.copy() for value in net.parameters]
    plain[1] *= 0
    plain[3] += 1
    x = np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype(np.float32)
    labels = net.predict(x)
    study = phase.follow(net, {0: glassy, 5: plain}, x, labels, get_sampler("gibbs", sweeps=30), 20, seed=0)
    np.testing.assert_array_equal(study["step"], [0, 5])
    np.testing.assert_array_equal(study["minima"][1], 1)
    assert (study["minima"][0] > 1).all()
    np.testing.assert_allclose(study["q_ea"][1], 1)
    assert study["q_ea"][0].mean() < 0.6
    net.set_parameters(plain)
    right = np.take_along_axis(net.class_energies(x), labels[:, None], axis=1)[:, 0]
    others = np.where(np.arange(5) == labels[:, None], np.inf, net.class_energies(x)).min(axis=1)
    np.testing.assert_allclose(study["gap"][1], others - right, rtol=1e-5, atol=1e-5)
    assert (study["energies"] >= -1e-4).all()
    np.testing.assert_allclose(study["overlap_images"].mean(axis=1), study["overlap_density"])
    widths = np.diff(study["bins"])
    np.testing.assert_allclose((study["overlap_density"] * widths).sum(axis=1), 1)


def test_susceptibility_is_unbiased_and_needs_four_replicas():
    """Independent spins: (1/N) sum_i (1 - m_i^2)^2, whatever the number of replicas; correlated pairs add theirs."""
    random = np.random.default_rng(0)
    means = random.uniform(-0.8, 0.8, 20)
    truth = np.mean((1 - means**2) ** 2)
    for replicas in (4, 7):
        spins = np.where(random.random((20000, replicas, 20)) < (1 + means) / 2, 1, -1).astype(np.int8)
        reads = Reads(spins, np.zeros(spins.shape[:2], np.float32))
        chi = phase.susceptibility(phase.overlap(reads), 20)
        assert chi.mean() == pytest.approx(truth, abs=5 * chi.std() / np.sqrt(len(chi)))
        doubled = Reads(np.concatenate([spins, spins], axis=2), reads.energies)
        chi = phase.susceptibility(phase.overlap(doubled), 40)
        assert chi.mean() == pytest.approx(2 * truth, abs=5 * chi.std() / np.sqrt(len(chi)))
    with pytest.raises(InvalidInput, match="at least 4 replicas"):
        phase.susceptibility(np.zeros((2, 3)), 20)


def test_error_of_the_binder_cumulant_is_its_scatter_over_repetitions():
    random = np.random.default_rng(0)
    second = random.gamma(9.0, 0.03, (1000, 100, 2))
    fourth = second**2 * random.uniform(1, 3, second.shape)
    found = phase.binder(second.mean(axis=1), fourth.mean(axis=1))
    errors = np.array([binder_error(*sample) for sample in zip(second, fourth, strict=True)])
    np.testing.assert_allclose(errors.mean(axis=0), found.std(axis=0), rtol=0.1)


def test_binder_cumulant_of_gauss_and_of_two_values():
    assert phase.binder(np.array([1.0]), np.array([3.0])) == pytest.approx(0)
    assert phase.binder(np.array([0.5]), np.array([0.25])) == pytest.approx(1)


def test_random_weights_stay_below_the_edge_and_planted_structure_does_not():
    net = QNN((400, 300, 10), copies=20, seed=0)
    for values in phase.spectrum(net):
        assert 0.9 < values[0] < 1.05
    random = np.random.default_rng(1)
    net.weights[1] += 0.3 * random.standard_normal((300, 1)) @ random.standard_normal((1, 200))
    values = phase.spectrum(net)[1].astype(float)
    assert values[0] > 1.5
    assert values[1] < 1
    np.testing.assert_allclose((values**2).sum() * (np.sqrt(300) + np.sqrt(200)) ** 2, 300 * 200, rtol=1e-4)
