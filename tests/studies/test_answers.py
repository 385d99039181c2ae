"""The annealer's own answers: asked slowly, counted, and told with intervals."""

import numpy as np
import pytest

from qnn_core import QNN, get_sampler, train
from qnn_core.samplers import Metered
from qnn_core.samplers.exact import ExactSampler
from studies.answers import READS, SWEEPS, ask, own_counts, own_table


class Witness:
    """Answers as exact enumeration does and remembers how it was asked."""

    name, kind = ExactSampler.name, ExactSampler.kind

    def __init__(self):
        self.asked = []

    def sample(self, problem, num_reads, seed):
        self.asked.append((problem.num_images, num_reads))
        return ExactSampler().sample(problem, num_reads, seed)


def test_some_or_all_test_images_are_asked_about(digits):
    net, witness = QNN((64, 5, 10), seed=1), Witness()
    found = ask(net, digits, witness, 0, most=30)
    assert witness.asked == [(30, READS)]
    states = ExactSampler().sample(net.problem(digits.x_test[:30]), 1, 0).spins[:, :, -10:]
    np.testing.assert_array_equal(found.exact, (states[:, 0] == net.codes[digits.y_test[:30]]).all(axis=1))
    assert len(ask(net, digits, ExactSampler(), 0).wrong) == len(digits.y_test)


def test_reads_are_slow_where_a_sampler_has_sweeps(digits):
    net = QNN((64, 5, 10), seed=1)
    quick, slow = (ask(net, digits, get_sampler("gibbs", sweeps=sweeps), 3, most=20) for sweeps in (1, SWEEPS))
    np.testing.assert_array_equal(quick.overlap, slow.overlap)


def test_counts_and_fractions_are_of_the_same_images(digits):
    found = ask(QNN((64, 5, 10), seed=1), digits, get_sampler("exact"), 0, most=40)
    counts = own_counts(found)
    assert counts["own_images"] == 40
    assert counts["own_wrong"] == found.wrong.sum() > 0
    assert counts["own_exact"] <= 40 - counts["own_wrong"]
    first = own_table(found).cells.iloc[0].tolist()
    assert float(first[1].split()[0]) == pytest.approx(found.wrong.mean(), abs=0.01)


def test_a_machine_is_asked_as_it_was_set_up(digits, tmp_path):
    """A folder of records belongs to one way of asking."""
    options = {"topology": ("zephyr", 3), "sweeps": 5, "record": str(tmp_path / "record"), "embeddings": str(tmp_path)}
    sampler, net = get_sampler("mock", max_qpu_seconds=1.0, **options), QNN((64, 5, 10), seed=1)
    train(net, digits.take(20, 0), sampler, epochs=1, reads=3, batch_size=10, asked=0)
    found = ask(net, digits, sampler, 0, most=4)
    replay = get_sampler("replay", record=options["record"])
    assert isinstance(replay, Metered)
    np.testing.assert_array_equal(ask(net, digits, replay, 0, most=4).overlap, found.overlap)
