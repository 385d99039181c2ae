"""Fits recover exponents that were put in, and refuse what cannot show one."""

import numpy as np
import pytest

from qnn_core import InvalidInput
from qnn_core.scaling import compare_fits, default_window, fit_power_law
from qnn_core.statistics import Interval, difference_interval, mean_interval

EFFORT = np.geomspace(0.1, 20, 40)


def synthetic(alpha, seed, runs=8, trials=2000, prefactor=0.05, offset=0.0):
    random = np.random.default_rng(seed)
    rate = np.clip(prefactor * EFFORT**-alpha + offset, 0, 1)
    return random.binomial(trials, rate, size=(runs, len(EFFORT)))


@pytest.mark.parametrize("alpha", [0.5, 0.78, 1.01])
def test_exponents_are_recovered_without_bias(alpha):
    found = [fit_power_law(EFFORT, synthetic(alpha, seed), 2000, window=(0.1, 20), resamples=100) for seed in range(12)]
    exponents = np.array([fit.exponent for fit in found])
    assert exponents.mean() == pytest.approx(alpha, abs=3 * exponents.std() / np.sqrt(12) + 1e-3)
    covered = np.mean([fit.low <= alpha <= fit.high for fit in found])
    assert covered >= 0.6
    assert np.mean([fit.prefactor for fit in found]) == pytest.approx(0.05, rel=0.05)


def test_an_offset_is_found_where_there_is_one_and_preferred_by_aicc():
    counts = synthetic(0.9, seed=1, offset=0.01)
    plain = fit_power_law(EFFORT, counts, 2000, window=(0.1, 20), resamples=100)
    shifted = fit_power_law(EFFORT, counts, 2000, window=(0.1, 20), offset=True, resamples=100)
    assert shifted.aicc < plain.aicc - 10
    assert shifted.exponent == pytest.approx(0.9, abs=0.08)
    assert shifted.offset == pytest.approx(0.01, rel=0.15)
    assert plain.exponent < 0.8
    np.testing.assert_allclose(shifted(EFFORT), shifted.prefactor * EFFORT**-shifted.exponent + shifted.offset)


def test_same_seed_same_resamples_so_methods_pair_up():
    first = fit_power_law(EFFORT, synthetic(0.8, 0), 2000, window=(0.1, 20), resamples=100, seed=4)
    again = fit_power_law(EFFORT, synthetic(0.8, 0), 2000, window=(0.1, 20), resamples=100, seed=4)
    np.testing.assert_array_equal(first.samples, again.samples)


def test_short_windows_and_bad_counts_are_refused():
    counts = synthetic(0.8, 0)
    for arguments, named in (
        ({"window": (0.1, 3.0)}, "window"),
        ({"window": (0.0, 20.0)}, "window"),
        ({"trials": 3}, "mistakes"),
        ({"mistakes": counts[:1]}, "mistakes"),
        ({"mistakes": counts[:, 1:]}, "mistakes"),
        ({"effort": EFFORT[::-1].copy()}, "effort"),
    ):
        with pytest.raises(InvalidInput, match=named):
            fit_power_law(**{"effort": EFFORT, "mistakes": counts, "trials": 2000, **arguments})
    refused = compare_fits(EFFORT[:10], counts[:, :10], 2000, resamples=100, seed=0)
    assert refused["power"] is None
    assert "window" in refused["refused"] or "mistakes" in refused["refused"]


def test_window_starts_where_the_error_has_halved():
    effort = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert default_window(effort, np.array([[99, 80, 41, 40, 5]])) == (3.0, 4.0)
    with pytest.raises(InvalidInput, match="never halves"):
        default_window(effort, np.array([[99, 80, 70, 60, 50]]))


def test_student_intervals_cover_the_mean():
    random = np.random.default_rng(0)
    inside = [
        interval.low <= 3 <= interval.high for interval in (mean_interval(3 + random.standard_normal(4)) for _ in range(1000))
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_paired_differences_remove_what_is_common():
    common = np.array([1.0, 5.0, 9.0, 13.0])
    interval = difference_interval(common + 0.5 + np.array([0.01, -0.01, 0.01, -0.01]), common)
    assert interval.low < 0.5 < interval.high
    assert interval.high - interval.low < 0.1
    with pytest.raises(InvalidInput, match="values"):
        mean_interval(np.array([1.0]))


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.12345, 0.10, 0.14), "0.123 [0.100, 0.140]"),
        (Interval(123.4, 100.0, 150.0), "123 [100, 150]"),
        (Interval(2.0, 2.0, 2.0), "2.000 [2.000, 2.000]"),
    ],
)
def test_numbers_are_written_to_two_digits_of_their_error(interval, text):
    assert str(interval) == text
