"""Heads that samplers find in networks as they are, against enumeration."""

import dataclasses

import numpy as np
import pytest

from qnn_core import QNN, InvalidInput, get_sampler
from qnn_core.cutting import code_reads, complete, cut_gradient, find_heads, head_weights
from qnn_core.samplers.base import Reads
from qnn_core.samplers.exact import output_states
from studies.heads import count_cut, search_along, search_heads, some_images


def test_heads_that_exist_are_those_that_enumeration_finds(digits):
    """The existing heads against a count over all 2^9 configurations, and against the reads of enough deepest minima."""
    data = digits.only_classes((0, 1, 2))
    net = QNN((64, 5, 4), seed=0)
    x, labels = data.x_test[:6], data.y_test[:6]
    search = search_heads(net, x, labels, get_sampler("exact"), 16, margin=2.0, seed=0)
    np.testing.assert_array_equal(search["distinct_heads"], search["existing_heads"])
    every = output_states(9)
    rows = np.arange(512)
    for image in range(6):
        one = net.problem(x[image : image + 1])
        energies = one.energy(every[None])[0]
        stable = np.all([energies <= energies[rows ^ (1 << spin)] for spin in range(9)], axis=0)
        wrong = net.is_wrong(every[None, :, 5:], labels[image : image + 1])[0]
        bar = one.energy(net.clamped(x[image : image + 1], labels[image : image + 1])[:, None])[0, 0] + 2
        assert search["existing_heads"][image] == (stable & wrong & (energies <= bar)).sum()
    assert search["existing_heads"].max() > 1


def test_a_cut_is_counted_by_enumeration_before_and_after(digits):
    """Nothing moves at a rate near zero; at a real rate what vanishes and appears adds up to the change of the whole number."""
    data = digits.only_classes((0, 1, 2))
    net = QNN((64, 8, 3), copies=3, seed=0)
    x, labels = data.x_test[:20], data.y_test[:20]
    reads = get_sampler("gibbs", sweeps=10).sample(net.problem(x), 10, seed=0)
    still = count_cut(net, x, labels, reads, margin=3.0, lr=1e-9)
    assert (still["gone"], still["new"]) == (0, 0)
    before = net.weights[0].copy()
    cut = count_cut(net, x, labels, reads, margin=3.0, lr=0.01)
    np.testing.assert_array_equal(net.weights[0], before)
    assert (
        cut["heads"]
        == still["heads"]
        == search_heads(net, x, labels, get_sampler("exact"), 1, 3.0, seed=0)["existing_heads"].mean()
    )
    assert cut["gone"] > 0
    completed = complete(net, net.problem(x), labels, reads)
    clamped = code_reads(net, net.problem(x), labels)
    heads = find_heads(net, net.problem(x), completed, clamped, labels, 3.0, "class")
    gradients = cut_gradient(net, x, clamped.spins, completed.spins, head_weights(heads, completed.energies, "deepest"))
    for parameter, gradient in zip(net.parameters, gradients, strict=True):
        parameter -= np.float32(0.01) * np.sign(gradient)
    after = search_heads(net, x, labels, get_sampler("exact"), 1, 3.0, seed=0)["existing_heads"].mean()
    assert cut["heads"] - cut["gone"] + cut["new"] == pytest.approx(after)
    with pytest.raises(InvalidInput, match="one hidden layer"):
        count_cut(QNN((64, 4, 4, 3)), x, labels, reads, margin=3.0, lr=0.01)


def test_the_rival_is_the_wrong_class_of_lowest_energy(digits):
    """Samplers that show the clamped state of one class each: only the one with the best wrong class finds the rival."""
    net = QNN((64, 5, 4), seed=0)
    data = digits.only_classes((0, 1, 2, 3))
    x, labels = data.x_test[:8], data.y_test[:8]
    energies = net.class_energies(x)

    @dataclasses.dataclass
    class Shows:
        label: int
        name = kind = "shows"

        def sample(self, problem, num_reads, _seed):
            states = net.clamped(x, np.full(len(x), self.label))[:, None].repeat(num_reads, axis=1)
            return Reads(states, problem.energy(states), {"spin_updates": 0})

    for image, label in enumerate(labels):
        others = [other for other in range(4) if other != label]
        rival = min(others, key=lambda other: energies[image, other])
        found = [search_heads(net, x, labels, Shows(shown), 3, margin=2.0, seed=0)["rival_found"][image] for shown in range(4)]
        assert found == [shown == rival for shown in range(4)]


def test_networks_along_training_are_searched_one_by_one(digits):
    """Every number is the mean of `search_heads` in that network, with that sampler, on the images and with the seed of its run."""
    data = digits.only_classes((0, 1, 2))
    runs = [{moment: QNN((64, 5, 4), seed=10 * run + moment) for moment in (9, 0)} for run in (1, 2)]
    images = [some_images(data, 7, seed) for seed in (3, 4)]
    samplers = {"gibbs": get_sampler("gibbs", sweeps=3), "exact": get_sampler("exact")}
    found = search_along(runs, images, samplers, 6, 2.0, (3, 4))
    assert (found.samplers, found.moments) == (("gibbs", "exact"), (0, 9))
    one = search_heads(runs[1][9], *images[1], samplers["gibbs"], 6, 2.0, 4)
    for name, values in found.arrays().items():
        assert values.shape == (2, 2, 2)
        assert values[0, 1, 1] == one[name].mean()
    cells = found.table().cells
    assert cells.iloc[:, 1].tolist() == [*3 * ["gibbs", "exact"], ""]
    assert float(cells.iloc[6, 2]) == pytest.approx(found.means["existing_heads"][0, :, 0].mean(), rel=0.01)
    assert float(cells.iloc[3, 3]) == pytest.approx(found.means["distinct_heads"][1, :, 1].mean(), rel=0.01)


def test_some_images_are_different_ones_with_their_labels(digits):
    x, labels = some_images(digits, 50, 1)
    assert len(np.unique(x, axis=0)) == 50
    for image, label in zip(x, labels, strict=True):
        assert label in digits.y_test[(digits.x_test == image).all(axis=1)]
    assert len(some_images(digits, 10_000, 1)[1]) == len(digits.y_test)
