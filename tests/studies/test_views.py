"""The reads of one image, and the annealer's own answers, along training."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from qnn_core import QNN, get_sampler
from qnn_core.answers import own_answers
from qnn_core.training import train
from studies.views import follow


def test_reads_and_answers_are_those_of_the_networks(digits):
    data = digits.only_classes((0, 1, 2)).take(100, 0)
    net = QNN((64, 6, 3), seed=0)
    history = train(net, data, epochs=3, batch_size=5, snapshots=6)
    networks = {step: QNN.assembled(net.layout(), parameters) for step, parameters in history.snapshots.items()}
    sampler = get_sampler("gibbs", sweeps=5)
    found = follow(networks, data, sampler, image=2, num_reads=30, seed=7)
    assert found.step.tolist() == list(networks)
    own = own_answers(networks[found.step[-1]], data.x_test, data.y_test, sampler, 10, 7)
    assert (found.wrong[-1], found.off_code[-1]) == (own.wrong.mean(), 1 - own.exact.mean())

    assert {found.step[0], found.step[-1]} <= set(found.moments.tolist()) <= set(found.step.tolist())
    nearest = found.step[1:-1][np.abs(found.wrong[1:-1] - 0.5).argmin()]
    assert nearest in found.moments
    last, x, label = networks[found.moments[-1]], data.x_test[2:3], data.y_test[2:3]
    reads = sampler.sample(last.problem(x), 30, 7)
    clamped = last.problem(x).energy(last.clamped(x, label)[:, None])[0, 0]
    np.testing.assert_allclose(found.energy[-1], reads.energies[0] - clamped, atol=1e-4)
    np.testing.assert_array_equal(found.read_wrong[-1], last.is_wrong(reads.spins[..., 6:], label)[0])

    counts = found.table().cells.iloc[-1, 1:]
    assert int(counts["right"]) + int(counts["wrong, below the right answer"]) + int(counts["wrong, above it"]) == 30
    figure = found.figure()
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), 100 * (1 - found.wrong))
    bars = sum(len(bars) for bars in figure.axes[0].containers)
    assert bars >= len(found.moments)

    few = replace(found, energy=np.repeat(found.energy, 10, axis=1), read_wrong=np.repeat(found.read_wrong, 10, axis=1))
    few.energy[0, 0] = 1000
    spectra = few.figure().axes[0]
    assert spectra.get_ylim()[1] < 1000
    assert [text.get_text() for text in spectra.texts if "%" not in text.get_text()] == ["1"]
    plt.close("all")
