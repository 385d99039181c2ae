"""Trainings with each sampler, and the accuracy of the coherent one."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qnn_core import QNN, get_sampler, train
from qnn_core.samplers import CoherentSampler
from studies.answers import ask
from studies.plots import METHOD_STYLE
from studies.samplers import simulation_accuracy, train_with_each


@pytest.fixture(scope="module")
def data(digits):
    return digits.only_classes((0, 1, 2)).take(60, 0)


def test_each_sampler_trains_the_same_networks(data):
    samplers = {"gibbs": get_sampler("gibbs", sweeps=5), "exact": get_sampler("exact")}
    found = train_with_each(samplers, data, (64, 4, 3), (1, 5), epochs=1, reads=4, batch_size=20, lr=0.01, snapshots=2)
    centre = data.x_train.mean(axis=0)
    net = QNN((64, 4, 3), seed=5, centre=centre)
    history = train(net, data, samplers["exact"], epochs=1, reads=4, batch_size=20, lr=0.01, seed=5)
    np.testing.assert_array_equal(found.runs["exact"][1].history.test_error, history.test_error)
    train(
        net := QNN((64, 4, 3), seed=5, centre=centre), data, samplers["gibbs"], epochs=1, reads=4, batch_size=20, lr=0.01, seed=5
    )
    np.testing.assert_array_equal(found.networks[1][3].class_energies(data.x_test), net.class_energies(data.x_test))
    arrays = found.arrays()
    assert list(zip(arrays["sampler"], arrays["seed"], strict=True)) == [("gibbs", 1), ("gibbs", 5), ("exact", 1), ("exact", 5)]
    np.testing.assert_array_equal(arrays["test_error"][3], history.test_error)
    assert found.table().cells["minus gibbs"][0] == ""
    assert found.runs["gibbs"][1].own_error == arrays["own_error"][1] == ask(net, data, samplers["gibbs"], 5).wrong.mean()
    found.figure()
    plt.close("all")
    assert found.announced == ""


def test_halving_the_steps_changes_less_the_more_there_are(data):
    """Trotter's error falls with the square of the step: by 16 from 20 steps to 80."""
    problem = QNN((64, 3, 3), seed=0).problem(data.x_test[:3])
    anneals = {
        name: CoherentSampler(*options) for name, options in {"rough": (5.0, 20), "fine": (5.0, 80), "long": (100.0, 400)}.items()
    }
    found = simulation_accuracy({**anneals, "gibbs": get_sampler("gibbs")}, problem)
    variation, ground = ({name: row[what] for name, row in found.items()} for what in ("total variation", "P(ground state)"))
    assert 8 < variation["rough"] / variation["fine"] < 32
    assert list(ground) == list(anneals)
    assert ground["fine"] < ground["long"] <= 1


def test_a_sampler_without_a_style_of_its_own_is_told_from_all_others():
    styles = type(METHOD_STYLE)(METHOD_STYLE)
    assert styles["mine"]["label"] == "mine"
    assert styles["mine"] is styles["mine"]
    assert styles["another"]["label"] == "another"
    looks = {(style["linestyle"], style["marker"]) for style in styles.values()}
    assert len(looks) == len(METHOD_STYLE) + 2
