"""The study of deep networks on few images: what it trains is what `train` does, and what it stores is what figure 5 reads."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from qnn_core import QNN, get_sampler, train
from qnn_core.backprop import train_backprop
from qnn_core.statistics import PERCENT, mean_interval
from qnn_core.windows import WindowSampler
from qnn_dwave.chips import chip
from studies.chips import Chip, chip_needs, window_table
from studies.depth import DeepRecipe, Depths, minima_of_small_twin, train_ways
from studies.stored import Result
from studies.training import with_rule

GIBBS = get_sampler("gibbs", sweeps=4)
WAYS = {"all 3 layers at once": WindowSampler(GIBBS, 3), "2 layers at a time": WindowSampler(GIBBS, 2)}
RECIPE = DeepRecipe(
    (8, 6),
    {"copies": 1, "glass": 0.5, "drive": 1.0},
    {
        "epochs": 1,
        "batch_size": 20,
        "reads": 2,
        "code_reads": 2,
        "evaluations": 1,
        "evaluation_images": 150,
        "lr": None,
        "rule": "both",
    },
)


@pytest.fixture(scope="module")
def few(digits):
    return digits.take(200, seed=0)


@pytest.fixture(scope="module")
def study(few, tmp_path_factory):
    return train_ways(WAYS, few, RECIPE, [0.001, 0.03], [0, 1], str(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def needs(tmp_path_factory):
    chips = [Chip("Zephyr-1", chip("zephyr", 1), 1), Chip("Zephyr-4", chip("zephyr", 4), 2)]
    return chip_needs(WAYS, (8, 6, 10), chips, str(tmp_path_factory.mktemp("embeddings")), images=20, num_reads=2)


def test_each_way_trains_from_the_same_start(study, few):
    net = QNN(
        (64, 8, 6, 10), copies=1, glass=0.5, drive=1.0, seed=1, centre=few.x_train.mean(axis=0, dtype=np.float64).astype("f4")
    )
    options = {**RECIPE.training, "lr": RECIPE.rate(net, few), "seed": 1}
    history = train(net, few, WAYS["2 layers at a time"], **with_rule(options))
    stored = study.arrays()
    np.testing.assert_array_equal(stored["test_error"][1, 1], history.test_error)
    np.testing.assert_array_equal(stored["anneals"][1, 1], history.anneals[-1])
    assert stored["own_error"][1, 1] == history.own_error[-1]
    np.testing.assert_array_equal(stored["test_error"][0, :, 0], stored["test_error"][1, :, 0])
    assert stored["reads"].tolist() == [400, 400]
    for mine, same in zip(study.networks()["2 layers at a time"][1].parameters, net.parameters, strict=True):
        np.testing.assert_array_equal(mine, same)


@pytest.mark.parametrize("method", ["mlp", "binary"])
def test_a_baseline_has_the_rate_that_does_best_on_images_held_out(study, few, method):
    split, stored = few.hold_out(0.2, 0), study.arrays()
    errors = {
        rate: train_backprop(method, split, (8, 6), 1, rate, 20, 0, optimiser="adam").test_error[-1] for rate in (0.001, 0.03)
    }
    rate = float(stored[f"{method}_rate"])
    assert errors[rate] == min(errors.values())
    again = train_backprop(method, few, (8, 6), 1, rate, 20, 1, optimiser="adam")
    np.testing.assert_array_equal(stored[f"{method}_error"][1], again.test_error)


def test_what_does_not_fit_a_chip_is_stored_as_such(needs, tmp_path):
    stored = needs.arrays()
    assert stored["spins"].tolist() == [24, 16]
    assert stored["couplers"].tolist() == [8 * 6 + 6 * 10, 6 * 10]
    assert stored["chip_qubits"].tolist() == [len(one.graph) for one in needs.chips]
    small, large = stored["qubits"].T
    assert (large >= stored["spins"]).all()
    assert (large <= stored["chip_qubits"][1]).all()
    np.testing.assert_array_equal(small == -1, stored["qpu_seconds"][:, 0] == -1)
    assert ("does not fit" in repr(needs.table())) == (small == -1).any()
    assert "problem of 6-10 spins" in repr(window_table(WAYS, (8, 6, 10), needs.chips, str(tmp_path)))


def test_figure_5_shows_what_was_stored(study, needs):
    arrays = study.arrays() | needs.arrays()
    arrays["qubits"], arrays["qpu_seconds"] = np.array([[-1, 400], [300, 200]]), np.array([[-1.0, 0.5], [7.0, 9.0]])
    deeper = arrays | {"layers": np.array([8, 8, 6, 10]), "qubits": np.array([[-1, -1], [-1, 250]])}
    depths = Depths([Result("deeper.npz", deeper, {}), Result("depth3.npz", arrays, {})])
    stored = depths.arrays()
    np.testing.assert_array_equal(stored["8-6-10 error"], 100 * arrays["test_error"][..., -1])
    # Of the first chip that a way fits on.
    np.testing.assert_array_equal(stored["8-6-10 qubits"], [400, 300])
    np.testing.assert_array_equal(stored["8-6-10 seconds"], [0.5, 7])
    np.testing.assert_array_equal(stored["8-8-6-10 qubits"], [np.nan, 250])
    np.testing.assert_array_equal(stored["8-8-6-10 seconds"], [np.nan, 9])
    assert str(mean_interval(100 * arrays["own_error"][1], PERCENT)) in repr(depths.table())
    needs = depths.chips().cells
    assert (needs.iloc[:, 3:] == "-").to_numpy().sum() == 4
    assert "400; 0.5 s" in needs.to_numpy()
    errors, own, qubits, _ = depths.figure().axes
    means = {line.get_marker(): line.get_ydata() for line in own.lines if line.get_linestyle() != "None"}
    np.testing.assert_allclose(means["o"], [100 * arrays["own_error"][0].mean()] * 2)
    np.testing.assert_allclose(means["s"], [100 * arrays["own_error"][1].mean()] * 2)
    heights = {line.get_marker(): line.get_ydata() for line in qubits.lines}
    np.testing.assert_array_equal(heights["s"], [300, 250])
    assert {"^", "v"} <= {line.get_marker() for line in errors.lines}
    assert len(study.figure().axes) == 2
    plt.close("all")
    assert "minus all 3 layers at once" in repr(study.table())


def test_minima_of_the_small_twin_are_known(few, tmp_path):
    found = minima_of_small_twin(few, RECIPE, GIBBS, 0, str(tmp_path), images=2)
    assert list(found.found) == ["64-24-8-10, untrained", "64-24-8-10, trained"]
    stored = found.arrays()["minimum_found"]
    assert stored.shape == (2, 3)
    assert ((stored >= 0) & (stored <= 1)).all()
    assert f"{stored[1, 0]:.1%}" in repr(found.table())
