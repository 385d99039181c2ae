"""Growth and sharpening on curves whose answers are known."""

import numpy as np
import pytest

from qnn_core.statistics import Interval
from studies.equilibrium import growth
from studies.rises import Sharpening, at_rise, collapse, rise_times, spacing_at


def test_powers_are_recovered_with_their_scatter():
    random = np.random.default_rng(0)
    steps = np.array([1, 4, 20, 90, 400])
    covered = []
    for _ in range(200):
        slopes = 0.3 + 0.05 * random.standard_normal(5)
        runs = random.uniform(0.5, 2, (5, 1)) * steps ** slopes[:, None]
        found = growth(steps, runs)
        covered.append(found.low <= 0.3 <= found.high)
    assert 0.9 <= np.mean(covered) <= 0.99


def logistic(time, middle, scale):
    return 0.3 + 0.6 / (1 + np.exp(-(time - middle) / scale))


def test_a_sharper_rise_is_narrower_and_a_later_one_later():
    """Of an order that ends at 0.9, the rise is to 0.6: to half of the logistic's height, its middle at a quarter."""
    step = np.array([0, *np.unique(np.geomspace(1, 10**4, 60).round())])
    time = np.log10(np.maximum(step, 1))
    for middle, scale in ((1.0, 0.2), (2.0, 0.2), (2.0, 0.05)):
        quarter, half, three = rise_times(step, logistic(time, middle, scale), np.array([0.25, 0.5, 0.75]))
        assert half == pytest.approx(middle - scale * np.log(3), abs=0.03)
        assert three - quarter == pytest.approx(scale * np.log(4.2), rel=0.1)
    assert np.isnan(rise_times(step, np.full(len(step), 0.5))).all()


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


def test_the_susceptibility_of_the_rise_is_that_of_its_middle_half():
    order = np.array([0.3, 0.31, 0.4, 0.5, 0.45, 0.79, 0.9])  # The rise is to 0.6; done: 0, .03, .33, .67, .67, 1.63, 2.
    assert at_rise(order, np.array([1.0, 9.0, 2.0, 3.0, 4.0, 9.0, 1.0])) == 3
    assert at_rise(np.array([0.2, 0.25, 0.9]), np.array([1.0, 5.0, 7.0])) == 5
    assert np.isnan(at_rise(np.array([0.2, 0.9, 0.3]), np.ones(3)))


def test_widths_below_the_spacing_of_the_networks_are_told():
    step = np.array([0.0, 1, 10, 100, 200, 10000])
    middle = np.array([[0.0, 0.5], [1.5, 2.1], [3.0, 4.0]])
    expected = [[1, 1], [1, np.log10(2)], [np.log10(50), np.log10(50)]]
    np.testing.assert_allclose(spacing_at(step, middle), expected)
