"""Recipes train what `train` and `train_backprop` train; rates are chosen on the images held out; pages show what is stored."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qnn_core import QNN, get_sampler, train, train_backprop
from qnn_core.history import History
from qnn_core.rules import Rule
from qnn_core.statistics import PERCENT, difference_interval, mean_interval
from studies.stored import Result
from studies.training import Methods, RateSearch, Recipe, compare_rates, different_answers, outcome, plot_training, qubo

CUT = {"reads": 4, "rule": "as-read", "margin": 2.0, "epochs": 2, "batch_size": 20, "lr": 0.01, "schedule": "linear"}
NETWORK = {"copies": 2, "glass": 1.0, "drive": 1.0}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data(digits):
    return digits.take(100, 0)


@pytest.mark.parametrize("method", ["gibbs", "mlp", "energy"])
def test_a_recipe_trains_what_its_method_trains(data, method):
    recipe = Recipe(method, (6,), CUT, NETWORK, {"sweeps": 5})
    found = recipe.train(data, seed=3)
    if method == "gibbs":
        options = {**CUT, "rule": Rule("as-read", margin=2.0)}
        del options["margin"]
        net = QNN((64, 6, 10), 2, 3, centre=data.x_train.mean(axis=0))
        expected = train(net, data, get_sampler("gibbs", sweeps=5), **options, seed=3)
        assert recipe.kind == "classical annealer (block Gibbs)"
    else:
        expected = train_backprop(method, data, 6, 2, 0.01, 20, 3, copies=2, optimiser="adam")
        assert recipe.kind == "backpropagation"
    assert found.test_mistakes == expected.test_mistakes
    assert found.cross_entropy == expected.cross_entropy


def test_each_rate_is_tried_and_the_one_with_the_fewest_mistakes_is_chosen(digits):
    split = digits.take(200, 0).hold_out(0.25, 0)
    recipe = Recipe("mlp", (8,), CUT, NETWORK, {})
    search = compare_rates(recipe, split, [0.001, 0.03, 0.01], seed=1)
    expected = [recipe.varied(lr=rate).train(split, 1).test_mistakes[-1] for rate in (0.001, 0.03, 0.01)]
    assert search.mistakes.tolist() == expected
    assert search.num_validation == 50
    assert search.arrays()["chosen"] == search.rates[np.argmin(expected)]
    search.figure()


@pytest.mark.parametrize(
    ("mistakes", "chosen", "at_edge"), [((5, 3, 3, 9), 0.003, False), ((2, 2, 3, 3), 0.001, True), ((9, 8, 7, 1), 0.03, True)]
)
def test_ties_go_to_the_smaller_rate_and_edges_are_told(mistakes, chosen, at_edge):
    order = [2, 0, 3, 1]
    search = RateSearch("gibbs", np.array([0.001, 0.003, 0.01, 0.03])[order], np.array(mistakes)[order], 90)
    assert (search.chosen, search.at_edge) == (chosen, at_edge)
    told = search.table().cells
    assert told.loc[told["rate"] == f"{chosen:.3g}", ""].item() == (
        "chosen, at the edge of the rates tried" if at_edge else "chosen"
    )


def test_the_qubo_has_the_energies_of_the_spins(small_net):
    problem = small_net.problem(np.random.default_rng(0).random((2, 6)).astype(np.float32))
    matrix, constant = qubo(problem, 1)
    assert np.array_equal(matrix, np.triu(matrix))
    spins = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (2, 20, problem.num_spins))
    bits = (1 + spins[1]) / 2
    np.testing.assert_allclose(np.einsum("ri,ij,rj->r", bits, matrix, bits) + constant, problem.energy(spins)[1], atol=1e-4)


def test_answers_of_a_changed_module_differ(small_net):
    x = np.random.default_rng(0).random((40, 6)).astype(np.float32)
    module = small_net.to_torch()
    assert different_answers(module, small_net, x) == 0
    module.biases[1].data += np.float32(100) * module.codes[2]
    assert different_answers(module, small_net, x) == (small_net.predict(x) != 2).sum()


def test_a_training_is_told_and_drawn(data):
    history = train(QNN((64, 6, 10)), data, get_sampler("gibbs", sweeps=5), epochs=2, reads=4, batch_size=20)
    told = outcome(history).cells.to_numpy().tolist()
    assert told[0][1].startswith(f"{history.train_error[-1]:.2%} ({history.train_mistakes[-1]} of 100 images)")
    assert told[2] == ["reads", f"{history.reads[-1]:,}"]
    labels = [line.get_label() for axis in plot_training(history).axes for line in axis.get_lines()]
    assert labels[:4] == ["training", "test", "own answer, test", "images with a head"]
    unsampled = History(train_images=[1], test_images=[1], train_mistakes=[1], test_mistakes=[1], reads=[0], spin_updates=[0])
    assert len(outcome(unsampled).cells) == 2


def stored(mistakes):
    columns = {"train_mistakes": [50, mistakes], "test_mistakes": [25, mistakes], "epoch": [0, 1.0]}
    columns |= {"train_images": [100, 100], "test_images": [50, 50]}
    columns |= {"own_error": [0.9, 0.4], "own_wrong": mistakes + 1, "own_images": 50, "lr": 0.01}
    return Result("run.npz", {name: np.array(values) for name, values in columns.items()}, {})


def test_methods_are_compared_at_the_end_seed_by_seed():
    methods = Methods({name: [stored(count) for count in counts] for name, counts in {"gibbs": (4, 6), "mlp": (1, 2)}.items()})
    cells = methods.table().cells
    network, own, other = np.array([8.0, 12.0]), np.array([10.0, 14.0]), np.array([2.0, 4.0])
    assert cells["test error, %"].tolist() == [str(mean_interval(errors, PERCENT)) for errors in (network, own, other)]
    assert cells["first minus this"].tolist() == ["", *(str(difference_interval(network, errors)) for errors in (own, other))]
    arrays = methods.arrays()
    assert arrays["mlp_test_error"].tolist() == [[0.5, 0.02], [0.5, 0.04]]
    assert arrays["gibbs_own_error"].tolist() == [[0.9, 0.1], [0.9, 0.14]]
    assert methods.message == "Annealer and backpropagation:\nno difference seen in the error"
    apart = Methods({name: [stored(count) for count in counts] for name, counts in {"gibbs": (4, 6), "mlp": (3, 5)}.items()})
    assert apart.message == "The annealer's network makes 2.0 points\nmore errors than an MLP by backprop"
    methods.figure()
