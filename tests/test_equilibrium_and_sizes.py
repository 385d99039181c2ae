"""Melting temperatures, growth and sharpening on curves whose answers are known, and the studies in small."""

import numpy as np
import pytest

from qnn_core import QNN, InvalidInput, get_sampler
from qnn_core.statistics import Interval, bootstrap_interval
from studies.equilibrium import follow_equilibrium, glass_temperature, growth, melting_temperature, random_glasses
from studies.sizes import collapse, follow_size, peak_at_rise, rise_times, size_exponent, verdict


def test_melting_temperature_of_known_curves():
    temperatures = np.geomspace(0.1, 10, 21)
    centres = np.array([0.4, 1.0, 3.3])
    order = 1 / (1 + (temperatures / centres[:, None]) ** 4)
    np.testing.assert_allclose(melting_temperature(temperatures, order), centres, rtol=0.02)
    always, never = np.full((1, 21), 0.9), np.full((1, 21), 0.1)
    assert np.isnan(melting_temperature(temperatures, np.concatenate([always, never]))).all()


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


def test_glass_temperature_of_random_networks():
    """The drawn couplings have temperature `glass`; a chain of equal layers maps onto the largest eigenvalue of a path, 2 cos(pi / (L + 1))."""
    assert glass_temperature(QNN((4, 300, 100), glass=0.7, seed=0)) == pytest.approx(0.7, rel=0.02)
    chain = QNN((4, 50, 50, 50, 50), seed=0)
    for matrix in chain.weights[1:]:
        matrix[:] = np.where(np.arange(50) % 2, 0.2, -0.2)
    assert glass_temperature(chain) == pytest.approx(0.2 * np.sqrt(2 * 50 * np.cos(np.pi / 5)), rel=1e-6)


def test_random_glasses_obey_the_identity_and_lose_order_above_the_transition():
    study = random_glasses((24, 12), np.array([0.6, 1.0, 1.8]), samples=16, sweeps=320, measurements=40, seed=0)
    assert (np.abs(study["identity"] - 1) < 4 * study["identity_error"]).all()
    assert (study["identity_error"] < 0.2).all()
    chi = study["chi"].mean(axis=0)
    assert chi[0] > 2 * chi[2]
    assert study["binder"][0] > study["binder"][2] + 0.3
    assert ((study["binder_error"] > 0) & (study["binder_error"] < 0.2)).all()


def test_networks_along_training_are_brought_to_equilibrium():
    net = QNN((4, 6, 3), seed=0)
    x = np.random.default_rng(0).uniform(0, 1, (3, 4)).astype(np.float32)
    strong = [value * 6 for value in net.parameters]
    temperatures = np.array([0.5, 1.0, 2.0, 4.0])
    study = follow_equilibrium(net, {0: net.parameters, 9: strong}, x, temperatures, 160, 20, seed=0)
    assert study["q"].shape == (2, 4, 3)
    assert study["acceptance"].shape == (2, 3)
    assert study["equilibrated"].dtype == bool
    assert (np.diff(study["q"].mean(axis=2), axis=1) < 0).all()
    assert (study["q"][1].mean() > study["q"][0].mean()).all()
    assert (np.diff(study["energy"].mean(axis=2), axis=1) > 0).all()


def test_sizes_grow_with_the_copies(digits):
    sampler = get_sampler("gibbs", sweeps=5)
    options = {"completed": False, "slowness": 10.0, "images": 3, "reads": 10, "epochs": 1, "batch_size": 50, "snapshots": 3}
    study = follow_size(digits, 2, 1.5, sampler, 0, **options)
    assert study["step"][0] == 0
    assert study["q_ea"].shape == study["chi"].shape == study["step"].shape
    assert 0 <= study["test_error"] < 0.9
    reads_of_training, reads_of_study = 10 * len(digits.y_train), len(study["step"]) * 3 * 10
    assert study["spin_updates"] == (reads_of_training + reads_of_study) * 5 * 50
    again = follow_size(digits, 2, 1.5, sampler, 0, **options)
    np.testing.assert_array_equal(study["q_ea"], again["q_ea"])


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
