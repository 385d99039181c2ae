"""Growth and sharpening on curves whose answers are known, and the study in small."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qnn_core import get_sampler
from qnn_core.statistics import Interval
from studies.equilibrium import growth
from studies.sizes import (
    PARTS,
    Sharpening,
    Sizes,
    before_and_after,
    collapse,
    follow_size,
    peak_at_rise,
    rise_times,
    size_exponent,
    spacing_at,
)  # fmt: skip


def test_powers_are_recovered_with_their_scatter():
    random = np.random.default_rng(0)
    steps = np.array([1, 4, 20, 90, 400])
    covered = []
    for _ in range(200):
        slopes = 0.3 + 0.05 * random.standard_normal(5)
        runs = random.uniform(0.5, 2, (5, 1)) * steps ** slopes[:, None]
        found = growth(steps, runs)
        covered.append(found.low <= 0.3 <= found.high)
        sizes = size_exponent(steps.astype(float), runs.T)
        assert (sizes.low, sizes.high) == pytest.approx((found.low, found.high))
    assert 0.9 <= np.mean(covered) <= 0.99


def logistic(time, middle, scale):
    return 0.3 + 0.6 / (1 + np.exp(-(time - middle) / scale))


def test_a_sharper_rise_is_narrower_and_a_later_one_later():
    step = np.array([0, *np.unique(np.geomspace(1, 10**4, 60).round())])
    time = np.log10(np.maximum(step, 1))
    for middle, scale in ((1.0, 0.2), (2.0, 0.2), (2.0, 0.05)):
        order = logistic(time, middle, scale)
        quarter, half, three = rise_times(step, order, np.array([0.25, 0.5, 0.75]), target=order[-1])
        assert half == pytest.approx(middle, abs=0.03)
        assert three - quarter == pytest.approx(2 * np.log(3) * scale, rel=0.1)
    lower = rise_times(step, order, np.array([0.5, 0.99]), target=0.6)
    assert lower[0] < half
    assert np.isnan(rise_times(step, order, np.array([0.5, 0.99]), target=0.95)[1])


def rises(power, random, sizes=(40, 80, 160, 320), runs=4):
    """Times of the parts of logistic rises whose width shrinks as N^-power, with scatter between runs."""
    spins = np.array(sizes, np.float64)
    parts = np.array([0.1, 0.25, 0.75, 0.9])
    scale = 0.3 * (spins / spins[0]) ** -power * np.exp(0.05 * random.standard_normal((runs, len(spins))))
    return spins, scale.T[..., None] * np.log(parts / (1 - parts))


def test_collapse_finds_the_exponent_and_says_when_there_is_none():
    random = np.random.default_rng(2)
    covered, held = [], []
    for _ in range(100):
        spins, times = rises(0.5, random)
        found = collapse(spins, times)
        covered.append(found.exponent.low <= 0.5 <= found.exponent.high)
        held.append(found.holds)
        assert found.unscaled > 10 * found.misfit
    assert np.mean(covered) >= 0.88
    assert np.mean(held) >= 0.9
    spins, times = rises(0.5, random)
    times[1] *= 2  # One size out of line: no power of N can mend it.
    assert not collapse(spins, times).holds


def verdict(width, peak, collapsed, interpolated):
    return Sharpening(width, peak, Interval(1, 1, 1), Interval(0, 0, 0), collapsed, interpolated).verdict


def test_the_verdict_follows_from_widths_susceptibility_and_collapse():
    spins, times = rises(0.5, np.random.default_rng(2))
    good = collapse(spins, times)
    times[1] *= 2
    bad = collapse(spins, times)
    narrower, wider, level, vague = (
        Interval(*ends) for ends in ((-0.5, -0.7, -0.3), (0.2, 0.1, 0.3), (0, -0.1, 0.1), (0, -1, 1))
    )
    grows, falls = Interval(1, 0.8, 1.2), Interval(-0.5, -0.8, -0.2)
    assert verdict(narrower, grows, good, 0.5) == "transition"
    assert verdict(narrower, grows, bad, 0.5) == "undecided"
    assert verdict(vague, grows, good, 0.5) == "undecided"
    for width, peak in ((wider, grows), (level, grows), (narrower, falls), (vague, falls)):
        assert verdict(width, peak, good, 0.5) == "crossover"
    assert verdict(narrower, None, good, 0.5) == "undecided"
    slowly = Interval(-0.1, -0.2, -0.05)
    assert verdict(slowly, None, good, 0.5) == "crossover"
    assert verdict(slowly, grows, good, 0.5) == "transition"
    assert verdict(slowly, grows, good, 0.51) == verdict(slowly, None, good, 0.51) == "undecided"


def test_only_a_peak_at_the_rise_is_one_of_the_change():
    order = np.array([0.2, 0.21, 0.4, 0.6, 0.5, 0.79, 0.8])
    assert peak_at_rise(order, np.array([1.0, 9.0, 2.0, 3.0, 4.0, 2.0, 1.0]), target=0.8) == 4.0
    assert np.isnan(peak_at_rise(order, np.array([5.0, 4.0, 3.0, 2.0, 2.0, 1.0, 1.0]), target=0.8))
    assert np.isnan(peak_at_rise(order, np.array([1.0, 1.0, 3.0, 2.0, 2.0, 1.0, 6.0]), target=0.8))
    assert np.isnan(peak_at_rise(np.array([0.2, 0.2, 0.9]), np.ones(3), target=0.8))


def test_widths_below_the_spacing_of_the_networks_are_told():
    step = np.array([0, 1, 10, 100, 200, 10000])
    middle = np.array([[0.0, 0.5], [1.5, 2.1], [3.0, 4.0]])
    expected = [[1, 1], [1, np.log10(2)], [np.log10(50), np.log10(50)]]
    np.testing.assert_allclose(spacing_at(step, middle), expected)


def known_sizes(power, step, runs=3):
    """Rises whose width shrinks as N^-power, which fall back after four fifths of their way; the smallest size never arrives."""
    spins = np.array([20, 40, 80, 160])
    time = np.log10(np.maximum(step, 1))
    late = 0.02 * np.arange(runs)
    order = np.array([[logistic(time, 2 + shift, 0.2 * (n / 40.0) ** -power) for shift in late] for n in spins])
    order[:, :, -1] -= 0.3
    order[0] = 0.3
    chi = np.ones_like(order) * spins[:, None, None]
    return Sizes(
        hidden=spins // 2, outputs=spins // 2, step=step, q_ea=order, q_variance=order, chi=chi, target=0.7,
        test_error=np.full((4, runs), 0.1), spin_updates=np.zeros((4, runs), np.int64),
    )  # fmt: skip


def test_a_study_of_sizes_recovers_how_known_rises_sharpen():
    study = known_sizes(0.5, np.array([0, *np.unique(np.geomspace(1, 10**4, 80).round().astype(int))]))
    assert study.resolved.tolist() == [False, True, True, True]
    fits = study.sharpening
    assert fits.width.value == pytest.approx(-0.5, abs=0.03)
    assert fits.collapse.exponent.value == pytest.approx(0.5, abs=0.03)
    halfway = 2 - 0.2 * np.log(2) * (study.spins[1:] / 40) ** -0.5  # Where the logistic is at a third of its height.
    assert fits.middle.value == pytest.approx(np.polyfit(np.log(study.spins[1:]), np.log(10) * halfway, 1)[0], abs=0.01)
    assert fits.untrained.value == pytest.approx(1)
    assert fits.peak is None
    assert fits.interpolated == 0
    rows = study.rows()
    assert rows[0]["width, decades"] is None
    assert rows[1]["width, decades"].value == study.width[1].mean()
    assert study.arrays()["narrowing"][0] == fits.width.value
    coarse = known_sizes(0.5, np.array([0, 1, 10, 1000, 10000]))
    assert coarse.sharpening.interpolated == 1


def test_drawn_rises_are_those_that_are_fitted():
    """Though the order falls back at the end: at each part of the rise stands the mean of the runs' times of it, from their middles."""
    study = known_sizes(0.5, np.array([0, *np.unique(np.geomspace(1, 10**4, 80).round().astype(int))]))
    _, axis = plt.subplots()
    study.plot_rises(axis)
    assert len(axis.lines) == study.resolved.sum()
    for line, times in zip(axis.lines, study.times()[study.resolved], strict=True):
        x, y = line.get_data()
        assert (np.diff(x) >= 0).all()
        np.testing.assert_allclose(np.interp(PARTS, y, x), (times - times[:, [2]]).mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(y[line.get_markevery()], PARTS)
    plt.close()


def test_sizes_grow_with_the_copies(digits):
    sampler = get_sampler("gibbs", sweeps=5)
    options = {"rule": "as-read", "slowness": 10.0, "images": 3, "reads": 10, "epochs": 1, "batch_size": 50, "snapshots": 3}
    study = follow_size(digits, 2, 1.5, sampler, 0, **options)
    assert study["step"][0] == 0
    assert study["q_ea"].shape == study["chi"].shape == study["step"].shape
    assert 0 <= study["test_error"] < 0.9
    reads_of_training, reads_of_study = 10 * len(digits.y_train), len(study["step"]) * 3 * 10
    assert study["spin_updates"] == (reads_of_training + reads_of_study) * 5 * 50
    again = follow_size(digits, 2, 1.5, sampler, 0, **options)
    np.testing.assert_array_equal(study["q_ea"], again["q_ea"])
    other = follow_size(digits, 1, 1.5, sampler, 0, **options)
    sizes = Sizes.of_runs([[other, other], [study, again]], target=0.5)
    np.testing.assert_array_equal(sizes.spins, [10 + 15, 20 + 30])
    np.testing.assert_array_equal(sizes.q_ea[1], [study["q_ea"], again["q_ea"]])
    np.testing.assert_array_equal(sizes.step, study["step"])
    assert before_and_after([study, again])["after"].value == pytest.approx(study["q_ea"][-1])
