"""The study of sizes on rises whose answers are known, and in small."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qnn_core import get_sampler
from studies.rises import PARTS
from studies.sizes import Sizes, before_and_after, follow_size

TEMPERATURE = np.array([0.5, 0.7])


def logistic(time, middle, scale):
    return 0.9 / (1 + np.exp(-(time - middle) / scale))


def known_sizes(power, time, runs=3, images=5):
    """Rises at a time of their own for each image, whose width shrinks as N^-power, chi_m growing as N; the smallest size does not settle."""
    spins = np.array([20, 40, 80, 160])
    logs = np.log10(np.maximum(time, 1e-3))
    starts = 2 + 0.02 * np.arange(runs)[:, None] + np.linspace(-0.5, 0.5, images)
    m = np.stack([[[logistic(logs, start, 0.2 * (n / 40.0) ** -power) for start in run] for run in starts] for n in spins])
    m[0, :, :, -1] += 0.2
    m = np.repeat(m.swapaxes(2, 3)[:, :, :, None], 2, axis=3)
    size = spins[:, None, None, None, None]
    bell = 4 * m / 0.9 * (1 - m / 0.9)
    layers = np.repeat((spins // 2)[:, None, None], runs, axis=1).repeat(2, axis=2)
    some = np.zeros((4, runs))
    return Sizes(
        layers=layers, step=np.arange(len(time)), time=time, temperature=TEMPERATURE, m=m, chi_m=size * bell + 0.1, q_ea=m,
        q_variance=m, chi=size * np.ones_like(m), equilibrated=np.ones((4, runs, 2)), train_error=some, test_error=some,
        spin_updates=some.astype(np.int64),
    )  # fmt: skip


def moments(count=80):
    return np.array([0, *np.geomspace(1, 10**5, count)])


def test_a_study_of_sizes_recovers_how_known_rises_sharpen():
    study = known_sizes(0.5, moments())
    assert study.resolved.tolist() == [False, True, True, True]
    for fits in study.sharpening:
        assert fits.width.value == pytest.approx(-0.5, abs=0.03)
        assert fits.collapse.exponent.value == pytest.approx(0.5, abs=0.03)
        assert fits.untrained.value == pytest.approx(1)
        assert fits.peak.value == pytest.approx(1, abs=0.05)
        assert fits.interpolated == 0
    halfway = 2.02 - 0.2 * np.log(2) * (study.spins / 40) ** -0.5  # Where the logistic is at a third of its height.
    np.testing.assert_allclose(study.middle().mean(axis=1)[1:], halfway[1:], atol=0.01)
    assert study.verdict == "transition"
    assert study.rows()[1]["width, decades"].value == study.width()[1].mean()
    assert study.arrays()["narrowing"][0] == study.sharpening[0].width.value
    again = Sizes.of_arrays(study.arrays())
    assert again.rows() == study.rows()
    assert list(again.powers()) == ["T = 0.5 T_c", "T = 0.7 T_c"]
    assert len(again.figure().axes) == len(again.figure_of_scaling().axes) == 4
    plt.close("all")


def test_the_spread_of_images_is_no_width_and_an_equal_width_no_transition():
    study = known_sizes(0.0, moments())
    np.testing.assert_allclose(study.width()[1:], 0.2 * np.log(5), rtol=0.1)
    assert study.width().max() < 0.5  # The rises of single images; those of all together take a decade more.
    assert study.verdict == "crossover"
    assert known_sizes(0.5, moments(8)).verdict == "undecided"


def test_where_no_image_is_ordered_nothing_is_claimed():
    study = known_sizes(0.5, moments())
    flat = Sizes.of_arrays({**study.arrays(), "m": np.full_like(study.m, 0.1)})
    assert not flat.resolved.any()
    assert flat.sharpening is None
    assert flat.verdict == "undecided"
    assert np.isnan(flat.arrays()["narrowing"]).all()
    assert flat.rows()[0]["width, decades"] is None
    flat.figure()
    plt.close("all")


def test_drawn_rises_are_those_that_are_fitted():
    """At each part of the rise stands the mean over runs of its time, from the middle."""
    study = known_sizes(0.5, moments())
    _, axis = plt.subplots()
    study.plot_rises(axis)
    assert len(axis.lines) == study.resolved.sum()
    for line, offsets in zip(axis.lines, study.offsets(0)[study.resolved], strict=True):
        x, y = line.get_data()
        np.testing.assert_allclose(np.interp(PARTS, y, x), offsets.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(y[line.get_markevery()], PARTS)
    plt.close("all")


def test_sizes_grow_with_the_copies(digits):
    sampler, ladder = get_sampler("gibbs", sweeps=5), np.array([0.5, 0.75, 1.0, 1.5])
    options = {
        "drive": 0.1, "rule": "both", "reads": 5, "warm_up": 4, "epochs": 1, "batch_size": 100, "moments": 4, "images": 3,
        "ladder": ladder, "sweeps": 80, "measurements": 10,
    }  # fmt: skip
    study = follow_size(digits, 2, 1.5, sampler, 0, **options)
    assert study["step"][[0, -1]].tolist() == [0, -(-len(digits.y_train) // 100)]
    rates = np.minimum(1, (np.arange(study["step"][-1]) + 1) / 4)
    np.testing.assert_allclose(study["time"], [rates[:step].sum() for step in study["step"]])
    assert study["m"].shape == study["chi"].shape == (len(study["step"]), 2, 3)
    assert study["test_error"] < 0.9
    tempering = len(study["step"]) * 80 * 3 * 4 * len(ladder) * 50
    assert study["spin_updates"] == tempering + 5 * 5 * 50 * len(digits.y_train)
    again = follow_size(digits, 2, 1.5, sampler, 0, **options)
    np.testing.assert_array_equal(study["m"], again["m"])
    other = follow_size(digits, 1, 1.5, sampler, 0, **options)
    sizes = Sizes.of_runs([[other, other], [study, again]], ladder)
    np.testing.assert_array_equal(sizes.spins, [10 + 15, 20 + 30])
    np.testing.assert_array_equal(sizes.temperature, [0.5, 0.75])
    np.testing.assert_array_equal(sizes.m[1], [study["m"], again["m"]])
    assert before_and_after([study, again])["m trained"].value == pytest.approx(study["m"][-1, 0].mean())
