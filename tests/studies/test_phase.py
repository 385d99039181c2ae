"""The landscape along training where its answers are known, and one number for one quantity."""

import numpy as np
import pytest

from qnn_core import QNN, get_sampler
from studies.phase import MEASURES, Passage, follow


def glassy_and_plain():
    """A network of couplings alone and one without any."""
    net = QNN((4, 6, 5), seed=0)
    glassy = [value.copy() for value in net.parameters]
    glassy[0] *= 0
    glassy[1] *= 5
    plain = [value.copy() for value in net.parameters]
    plain[1] *= 0
    plain[3] += 1
    return {0: QNN.assembled(net.layout(), glassy), 5: QNN.assembled(net.layout(), plain)}


def some_images():
    return np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype(np.float32)


def test_following_a_training_counts_fewer_minima_for_a_network_without_couplings():
    networks, x = glassy_and_plain(), some_images()
    net = networks[5]
    labels = QNN((4, 6, 5), seed=0).predict(x)
    study = follow(networks, x, labels, get_sampler("gibbs", sweeps=30), 20, seed=0)
    np.testing.assert_array_equal(study["step"], [0, 5])
    np.testing.assert_array_equal(study["minima"][1], 1)
    assert (study["minima"][0] > 1).all()
    np.testing.assert_allclose(study["q_ea"][1], 1)
    assert study["q_ea"][0].mean() < 0.6
    right = np.take_along_axis(net.class_energies(x), labels[:, None], axis=1)[:, 0]
    others = np.where(np.arange(5) == labels[:, None], np.inf, net.class_energies(x)).min(axis=1)
    np.testing.assert_allclose(study["gap"][1], others - right, rtol=1e-5, atol=1e-5)
    assert (study["energies"] >= -1e-4).all()
    np.testing.assert_allclose(study["overlap_images"].mean(axis=1), study["overlap_density"])
    widths = np.diff(study["bins"])
    np.testing.assert_allclose((study["overlap_density"] * widths).sum(axis=1), 1)


def test_a_passage_gives_the_same_numbers_from_its_stored_arrays():
    networks, x = glassy_and_plain(), some_images()
    labels, sampler = np.zeros(6, np.int64), get_sampler("gibbs", sweeps=5)
    passage = Passage.of_runs([follow(networks, x, labels, sampler, 12, seed) for seed in (0, 1)])
    stored = Passage({name: values.copy() for name, values in passage.arrays.items()})
    assert passage["q_ea"].shape == (2, 2, 6)
    assert passage.exact
    assert passage.rows() == stored.rows()
    assert list(passage.rows(["chi"])) == ["chi_SG"]
    assert len(passage.structure()) == 2 * 2
    found = passage.interval("q_ea", 1)
    assert found.value == pytest.approx(1)
    assert passage.rows()["q_EA, all spins"]["5 updates"] == found
    assert passage.interval("minima", 1).low == 1
    for name in MEASURES:
        assert passage.interval(name, 0).value == pytest.approx(passage.of_images(name)[:, 0].mean())


def test_what_was_not_counted_is_left_out():
    net = QNN((4, 5, 4, 3), seed=0)
    found = follow({0: net}, some_images(), np.zeros(6, np.int64), get_sampler("gibbs", sweeps=5), 12, 0)
    passage = Passage.of_runs([found, found])
    assert not passage.exact
    assert MEASURES["minima"][0] not in passage.rows()
    assert "largest singular value, W2" in passage.structure()
