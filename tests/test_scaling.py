"""Fits recover exponents that were put in, and refuse what cannot show one."""

import numpy as np
import pytest

from qnn_core import InvalidInput
from qnn_core.results import Result
from qnn_core.scaling import compare_fits, comparison_arrays, default_window, fit_power_law, paired_difference
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
    assert np.mean([0.5 < fit.dispersion < 2 for fit in found]) == 1
    assert np.mean([fit.prefactor for fit in found]) == pytest.approx(0.05, rel=0.05)


def test_intervals_cover_at_the_nominal_rate_though_runs_differ_and_are_few():
    """Four runs whose exponents scatter, as runs of a network do; a percentile bootstrap would cover about 78 % of them."""
    random = np.random.default_rng(0)
    effort, inside, halves = EFFORT[::5], [], []
    for _ in range(80):
        alphas = 0.9 + 0.05 * random.standard_normal(4)
        rates = 0.03 * effort[None] ** -alphas[:, None]
        fit = fit_power_law(effort, random.binomial(20_000, rates), 20_000, window=(0.1, 20), resamples=40, min_decades=1)
        inside.append(fit.low <= 0.9 <= fit.high)
        halves.append(fit.high - fit.exponent)
    assert 0.87 <= np.mean(inside) <= 0.99
    # Student's t for 3 degrees of freedom, and the mean standard deviation of 4 gaussian numbers of deviation 0.05.
    assert np.mean(halves) == pytest.approx(3.182 * 0.9213 * 0.05 / 2, rel=0.15)


def test_counts_that_follow_no_power_law_are_told_by_their_dispersion():
    random = np.random.default_rng(0)
    counts = random.binomial(2000, 0.3 * np.exp(-EFFORT / 4), size=(4, len(EFFORT)))
    assert fit_power_law(EFFORT, counts, 2000, window=(0.1, 20), resamples=50).dispersion > 10


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


def run_of(counts, effort=EFFORT):
    arrays = {"epoch": effort, "train_mistakes": counts, "num_train": np.array(2000)}
    return Result("run.npz", arrays, {})


def test_comparisons_keep_what_was_fitted_and_why_not():
    runs = [run_of(counts) for counts in synthetic(0.9, seed=1, offset=0.01)]
    fitted = compare_fits("mlp", 120, "train", runs, window=None, resamples=100, seed=0)
    assert fitted.better is fitted.offset
    refused = compare_fits(
        "gibbs",
        120,
        "train",
        [run_of(run["train_mistakes"][:10], EFFORT[:10]) for run in runs],
        window=None,
        resamples=100,
        seed=0,
    )
    assert refused.power is None
    assert refused.better is None
    assert "window" in refused.refused
    arrays = comparison_arrays([fitted])
    assert arrays["power_exponent"][0] == fitted.power.exponent
    assert arrays["offset_window"].shape == (1, 2)
    assert np.isnan(comparison_arrays([refused])["power_low"]).all()


def test_paired_difference_of_a_method_with_itself_is_nothing():
    fit = fit_power_law(EFFORT, synthetic(0.8, 0), 2000, window=(0.1, 20), resamples=100)
    other = fit_power_law(EFFORT, synthetic(0.5, 0), 2000, window=(0.1, 20), resamples=100)
    assert (paired_difference(fit, fit).low, paired_difference(fit, fit).high) == (0, 0)
    assert paired_difference(fit, other).low < 0.3 < paired_difference(fit, other).high


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
