"""Intervals cover what they are for, end where the quantity ends, and are written with the digits that they support."""

import numpy as np
import pytest

from qnn_core import InvalidInput
from qnn_core.statistics import (
    FRACTION,
    Interval,
    bootstrap_interval,
    difference_interval,
    mean_interval,
    percentile_interval,
    proportion_interval,
    resampled,
)


def test_student_intervals_cover_the_mean():
    random = np.random.default_rng(0)
    inside = [
        interval.low <= 3 <= interval.high for interval in (mean_interval(3 + random.standard_normal(4)) for _ in range(1000))
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_intervals_of_proportions_are_where_the_binomial_is_two_sigma_away():
    """Wilson's ends p solve (count / total - p)^2 = z^2 p (1 - p) / total."""
    for count, total in ((3, 40), (0, 10), (999, 1000)):
        found = proportion_interval(count, total)
        for end in (found.low, found.high):
            assert (found.value - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / total, abs=1e-7)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_paired_differences_remove_what_is_common():
    common = np.array([1.0, 5.0, 9.0, 13.0])
    interval = difference_interval(common + 0.5 + np.array([0.01, -0.01, 0.01, -0.01]), common)
    assert interval.low < 0.5 < interval.high
    assert interval.high - interval.low < 0.1
    with pytest.raises(InvalidInput, match="values"):
        mean_interval(np.array([1.0]))
    assert mean_interval(np.array([0.0, 0.02]), FRACTION).low == 0 == mean_interval(np.array([1.0, 0.98]), FRACTION).high - 1
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        mean_interval(np.array([2.1, 1.9]), FRACTION)


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


def test_bootstrap_over_runs_and_images_covers():
    """Runs and images both scatter; the interval must hold the truth about as often as it says, and never much less."""
    random = np.random.default_rng(1)
    covered = []
    for trial in range(150):
        values = (
            1 + 0.2 * random.standard_normal((4, 1)) + 0.5 * random.standard_normal((1, 30)) + random.standard_normal((4, 30))
        )
        found = bootstrap_interval(values, seed=trial, resamples=200)
        covered.append(found.low <= 1 <= found.high)
    assert np.mean(covered) >= 0.93
    free = bootstrap_interval(values, seed=0)
    bounded = bootstrap_interval(values, seed=0, bounds=(free.value - 0.01, np.inf))
    assert (bounded.low, bounded.high) == (free.value - 0.01, free.high)
    with pytest.raises(InvalidInput, match="two runs and two images"):
        bootstrap_interval(np.ones((1, 5)), seed=0)


def test_resamples_of_independent_numbers_spread_as_their_mean_does():
    values = np.random.default_rng(0).standard_normal(400)
    rows = resampled(400, 500, seed=1)
    assert rows.shape == (500, 400)
    assert set(np.unique(rows)) <= set(range(400))
    np.testing.assert_array_equal(rows, resampled(400, 500, seed=1))
    interval = percentile_interval(values.mean(), values[rows].mean(axis=1))
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    np.testing.assert_array_equal(np.array([interval]), [[interval.value, interval.low, interval.high]])
