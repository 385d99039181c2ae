"""Melting temperatures on curves whose answers are known, and the study in small."""

import numpy as np
import pytest

from qnn_core import QNN
from studies.equilibrium import follow_equilibrium, glass_temperature, growth, melting_temperature, phase_diagram


def test_melting_temperature_of_known_curves():
    temperatures = np.geomspace(0.1, 10, 21)
    centres = np.array([0.4, 1.0, 3.3])
    order = 1 / (1 + (temperatures / centres[:, None]) ** 4)
    np.testing.assert_allclose(melting_temperature(temperatures, order), centres, rtol=0.02)
    always, never = np.full((1, 21), 0.9), np.full((1, 21), 0.1)
    assert np.isnan(melting_temperature(temperatures, np.concatenate([always, never]))).all()


def test_glass_temperature_of_random_networks():
    """The drawn couplings have temperature `glass`; a chain of equal layers maps onto the largest eigenvalue of a path, 2 cos(pi / (L + 1))."""
    assert glass_temperature(QNN((4, 300, 100), glass=0.7, seed=0)) == pytest.approx(0.7, rel=0.02)
    chain = QNN((4, 50, 50, 50, 50), seed=0)
    for matrix in chain.weights[1:]:
        matrix[:] = np.where(np.arange(50) % 2, 0.2, -0.2)
    assert glass_temperature(chain) == pytest.approx(0.2 * np.sqrt(2 * 50 * np.cos(np.pi / 5)), rel=1e-6)


def test_networks_along_training_are_brought_to_equilibrium():
    net = QNN((4, 6, 3), seed=0)
    x = np.random.default_rng(0).uniform(0, 1, (3, 4)).astype(np.float32)
    strong = [value * 6 for value in net.parameters]
    networks = {0: net, 9: QNN.assembled(net.layout(), strong)}
    temperatures = np.array([0.5, 1.0, 2.0, 4.0])
    labels = np.array([0, 1, 2])
    study = follow_equilibrium(networks, x, labels, temperatures, 160, 20, seed=0)
    assert study["q"].shape == study["m"].shape == (2, 4, 3)
    answers = networks[9].predict(x)
    told = follow_equilibrium({9: networks[9]}, x, answers, temperatures, 160, 20, seed=0)
    assert told["m"][0, 0].mean() > study["m"][1, 0][labels != answers].max() + 0.2
    assert study["acceptance"].shape == (2, 3)
    assert study["equilibrated"].dtype == bool
    assert (np.diff(study["q"].mean(axis=2), axis=1) < 0).all()
    assert (study["q"][1].mean() > study["q"][0].mean()).all()
    assert (np.diff(study["energy"].mean(axis=2), axis=1) > 0).all()


def test_a_diagram_holds_each_run_and_says_what_lies_outside():
    net, steep = QNN((4, 6, 3), seed=0), [value * 20 for value in QNN((4, 6, 3), seed=0).parameters]
    runs = [{0: net, 1: net, 4: net, 9: QNN.assembled(net.layout(), steep)}] * 2
    x = np.random.default_rng(0).uniform(0, 1, (3, 4)).astype(np.float32)
    temperatures = np.array([0.2, 1.0, 4.0])
    labels = np.array([0, 1, 2])
    diagram = phase_diagram(runs, x, labels, temperatures, 160, 20, seed=0)
    alone = follow_equilibrium(runs[1], x, labels, temperatures, 160, 20, seed=1)
    np.testing.assert_array_equal(diagram["image_q"][1], alone["q"])
    assert np.isnan(diagram["free_m"]).all()
    assert diagram.stored()["order_end"][0] == pytest.approx(diagram["image_m"][:, -1, 0].mean())
    np.testing.assert_array_equal(diagram["melting_image"][1], melting_temperature(temperatures, alone["q"].mean(axis=2)))
    np.testing.assert_allclose(diagram["random_couplings"][:, -1], 20 * glass_temperature(net))
    rows = diagram.rows()
    assert rows["T_m, with an image"]["after"] == "outside the temperatures"
    assert rows["T_m, with an image"]["growth exponent"] is None
    assert rows["T_c of random couplings"]["growth exponent"] == growth(np.array([1, 4, 9]), diagram["random_couplings"][:, 1:])


def test_without_an_image_only_the_biases_are_fields():
    """Also in a network that measures images from a centre: its black image is not one without fields."""
    centre = np.full(4, 0.5, np.float32)
    centred = QNN((4, 6, 3), seed=0, centre=centre)
    plain = QNN.assembled(QNN((4, 6, 3), seed=0).layout(), centred.parameters)
    x = np.random.default_rng(0).uniform(0, 1, (3, 4)).astype(np.float32)
    diagrams = [
        phase_diagram([{0: net}], x, np.array([0, 1, 2]), np.array([0.5, 2.0]), 80, 10, seed=0) for net in (centred, plain)
    ]
    np.testing.assert_array_equal(diagrams[0]["free_q"], diagrams[1]["free_q"])
    assert (diagrams[0]["image_energy"] != diagrams[1]["image_energy"]).any()
