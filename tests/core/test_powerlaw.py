"""Fits recover exponents that were put in, and refuse what cannot show one."""

import numpy as np
import pytest

from qnn_core import InvalidInput, powerlaw
from qnn_core.powerlaw import (
    MODELS,
    default_window,
    effort_to_reach,
    fit_power_law,
    local_exponent,
    model_curve,
    paired_difference,
)

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
    """300 data sets of four runs whose exponents scatter, as runs of a network do; a percentile bootstrap would cover about 78 %."""
    random = np.random.default_rng(0)
    effort, found = EFFORT[::5], []
    for _ in range(300):
        alphas = 0.9 + 0.05 * random.standard_normal(4)
        rates = 0.03 * effort[None] ** -alphas[:, None]
        found.append(fit_power_law(effort, random.binomial(20_000, rates), 20_000, window=(0.1, 20), resamples=20, min_decades=1))
    # Student's t for 3 degrees of freedom, and the mean standard deviation of 4 gaussian numbers of deviation 0.05.
    assert np.mean([fit.high - fit.exponent for fit in found]) == pytest.approx(3.182 * 0.9213 * 0.05 / 2, rel=0.15)
    exponents = np.array([fit.exponent for fit in found])
    # Within three standard errors of the number of successes in 300, and of the mean.
    assert 0.95 - 3 * 0.0126 <= np.mean([fit.low <= 0.9 <= fit.high for fit in found]) <= 0.95 + 3 * 0.0126
    assert exponents.mean() == pytest.approx(0.9, abs=3 * exponents.std() / np.sqrt(300) + 1e-3)


def test_counts_that_follow_no_power_law_are_known_by_their_dispersion():
    random = np.random.default_rng(0)
    counts = random.binomial(2000, 0.3 * np.exp(-EFFORT / 4), size=(4, len(EFFORT)))
    assert fit_power_law(EFFORT, counts, 2000, window=(0.1, 20), resamples=50).dispersion > 10


RATES = {
    "power": lambda t: 0.05 * t**-0.8,
    "offset": lambda t: 0.05 * t**-0.9 + 0.01,
    "shifted": lambda t: 0.05 * (t + 0.5) ** -1.0,
    "stretched": lambda t: 0.5 * np.exp(-1.2 * t**0.4),
}
TRUTH = {"power": (0.8, 0.0), "offset": (0.9, 0.01), "shifted": (1.0, 0.5), "stretched": (0.4, 1.2)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["counts", "loss"])
def test_every_model_is_recovered_and_preferred_where_it_is_true(model, kind):
    random = np.random.default_rng(0)
    rate = RATES[model](EFFORT)
    if kind == "counts":
        counts = random.binomial(2000, rate, size=(8, len(EFFORT)))
        fits = {name: fit_power_law(EFFORT, counts, 2000, window=(0.1, 20), model=name, resamples=0) for name in MODELS}
    else:
        loss = rate * random.gamma(100, 0.01, size=(8, len(EFFORT)))
        fits = {name: fit_power_law(EFFORT, loss, window=(0.1, 20), model=name, resamples=0) for name in MODELS}
    exponent, extra = TRUTH[model]
    assert fits[model].exponent == pytest.approx(exponent, rel=0.08)
    assert fits[model].extra == pytest.approx(extra, rel=0.25)
    fit = fits[model]
    found = model_curve(model, EFFORT, fit.exponent, fit.prefactor, fit.extra)
    np.testing.assert_allclose(found, rate, rtol=0.1)
    wrong = [name for name in MODELS if fits[name].aicc < fits[model].aicc - 4]
    assert not wrong
    if model != "power":
        assert fits["power"].aicc > fits[model].aicc + 10


@pytest.mark.parametrize("model", MODELS)
def test_slopes_of_the_rates_are_their_derivatives(model):
    """Against central differences."""
    parameters = np.array([0.7, -1.2, -0.4])[: 2 if model == "power" else 3]
    t = np.geomspace(0.1, 5, 7)
    rate, slopes = powerlaw._RATES[model](t, parameters)
    assert (rate > 0).all()
    for number, slope in enumerate(slopes):
        step = 1e-6 * np.eye(len(parameters))[number]
        difference = (powerlaw._RATES[model](t, parameters + step)[0] - powerlaw._RATES[model](t, parameters - step)[0]) / 2e-6
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)


def test_the_unit_of_effort_changes_no_exponent():
    counts = synthetic(0.8, 0)
    one, other = (fit_power_law(EFFORT * unit, counts, 2000, window=(0.1 * unit, 20 * unit), resamples=50) for unit in (1.0, 1e4))
    assert other.exponent == pytest.approx(one.exponent, abs=1e-5)
    np.testing.assert_allclose(other.samples, one.samples, atol=1e-5)
    assert other.prefactor == pytest.approx(one.prefactor * 1e4**one.exponent, rel=1e-3)


def test_same_seed_same_resamples_so_methods_pair_up():
    first = fit_power_law(EFFORT, synthetic(0.8, 0), 2000, window=(0.1, 20), resamples=100, seed=4)
    again = fit_power_law(EFFORT, synthetic(0.8, 0), 2000, window=(0.1, 20), resamples=100, seed=4)
    np.testing.assert_array_equal(first.samples, again.samples)


def test_short_windows_and_bad_counts_are_refused():
    counts = synthetic(0.8, 0)
    for arguments, named in (
        ({"window": (0.1, 3.0)}, "window"),
        ({"window": (0.0, 20.0)}, "window"),
        ({"trials": 3}, "values"),
        ({"values": counts[:1]}, "values"),
        ({"values": counts[:, 1:]}, "values"),
        ({"effort": EFFORT[::-1].copy()}, "effort"),
        ({"values": np.zeros((3, len(EFFORT))), "trials": None}, "a loss down to 0"),
    ):
        with pytest.raises(InvalidInput, match=named):
            fit_power_law(**{"effort": EFFORT, "values": counts, "trials": 2000, **arguments})


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


def test_the_local_exponent_of_a_power_law_is_the_same_everywhere_and_nan_beyond_the_data():
    counts = synthetic(0.9, 0, trials=20_000)

    def fit(window):
        return fit_power_law(EFFORT, counts, 20_000, window=window, resamples=50, min_decades=0.99)

    found = local_exponent(EFFORT, fit, np.array([0.4, 1.0, 5.0, 19.0]))
    np.testing.assert_allclose(found[:3, 0], 0.9, atol=0.05)
    assert (found[:3, 1] < found[:3, 2]).all()
    assert np.isnan(found[3]).all()


def test_effort_to_reach_a_level():
    values = np.array([[0.9, 0.5, 0.2, 0.1], [0.9, 0.8, 0.7, 0.6]])
    np.testing.assert_array_equal(effort_to_reach(np.array([0.0, 1.0, 2.0, 3.0]), values, 0.2), [2.0, np.nan])
