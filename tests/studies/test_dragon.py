"""Trees and cuts of small networks."""

import numpy as np

from qnn_core import QNN, get_sampler
from qnn_core.landscape.minima import barrier_tree, count_minima
from qnn_core.samplers.base import derived_seed
from studies.dragon import Dragon, cut_once
from studies.heads import count_cut


def small_networks():
    net = QNN((4, 8, 3), copies=2, seed=1)
    net.weights[1] *= 4
    plain = QNN.assembled(net.layout(), [np.zeros_like(value) for value in net.parameters])
    plain.biases[1][:] = plain.codes[1]
    return {0: net, 7: plain}, np.random.default_rng(0).uniform(-1, 1, (5, 4)).astype(np.float32)


def test_trees_are_told_and_stored_whole():
    networks, x = small_networks()
    dragon = Dragon.of_networks(networks, x[:1], np.array([1]))
    first, last = dragon.rows()
    assert first["minima"] == len(barrier_tree(networks[0].problem(x[:1])).energies) > 1
    assert first["of them wrong"] == dragon.wrong[0].sum()
    assert (last["minima"], last["of them wrong"], last["place of the deepest right one"]) == (1, 0, 1)
    assert (last["median depth of the others"], last["states that drain into the deepest, %"]) == (None, 100)
    stored = dragon.arrays()
    assert stored["moments"].tolist() == [0, 7]
    for name in ("energies", "joins", "passes", "basins"):
        np.testing.assert_array_equal(stored[f"tree_7_{name}"], getattr(dragon.trees[7], name))
    np.testing.assert_array_equal(stored["tree_0_wrong"], dragon.wrong[0])


def test_cuts_are_counted_in_every_network():
    networks, x = small_networks()
    labels, sampler = np.array([0, 1, 2, 0, 1]), get_sampler("gibbs", sweeps=10)
    found = cut_once(networks, x, labels, sampler, reads=6, margin=100.0, rate=0.5, seed=3)
    assert found["step"].tolist() == [0, 7]
    reads = sampler.sample(networks[0].problem(x), 6, derived_seed(3, 0))
    alone = count_cut(networks[0], x, labels, reads, 100.0, 0.5)
    assert {name: values[0] for name, values in found.items()} == {"step": 0, **alone}
    assert 0 < found["gone"][0] <= found["heads"][0] <= count_minima(networks[0].problem(x)).mean()
