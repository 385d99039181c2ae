"""What must hold for any input: data loaders give clean images or say no, energies and fits keep the symmetries of their formulas."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from conftest import random_problem, random_spins
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qnn_core import DamagedFile, IsingProblem, load_dataset
from qnn_core.errors import InvalidInput
from qnn_core.powerlaw import fit_power_law
from qnn_core.statistics import bootstrap_interval, difference_interval, mean_interval

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from([np.uint8, np.int64, np.float32, np.float64, np.bool_, np.complex64, "U2"])


@st.composite
def own_arrays(draw):
    """Four arrays that may or may not make a data set."""
    count, test_count = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    shape = draw(st.sampled_from([(4,), (2, 3), (1,), (0,), ()]))
    made = {}
    for part, number in (("train", count), ("test", test_count)):
        number += draw(st.sampled_from([0, 0, 0, 1]))
        made[f"x_{part}"] = draw(arrays.arrays(draw(DTYPES), (number, *shape)))
        made[f"y_{part}"] = draw(arrays.arrays(draw(st.sampled_from([np.int64, np.uint8, np.float64])), (number,)))
    return made


@given(made=own_arrays())
@settings(max_examples=150, deadline=None)
def test_any_file_of_arrays_is_a_clean_data_set_or_refused(made):
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "own.npz", **made)
        try:
            data = load_dataset(str(Path(folder) / "own.npz"))
        except InvalidInput:
            return
    for x, y, given_x in ((data.x_train, data.y_train, made["x_train"]), (data.x_test, data.y_test, made["x_test"])):
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        assert len(x) == len(y) == len(given_x) > 0
        assert ((y >= 0) & (y < data.num_classes)).all()
        back = x.astype(np.float64) * data.scaling.scale + data.scaling.offset
        given_x = given_x.reshape(len(x), -1).astype(np.float64)
        assert (
            np.abs(back - given_x) <= 1e-6 * (np.abs(given_x) + np.abs(data.scaling.offset)) + 1e-7 * data.scaling.scale
        ).all()
    assert np.prod(data.image_shape) == data.num_pixels


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_byte_that_changed_is_harmless_or_refused(place, change, cut):
    """zip keeps a CRC-32 of each array; what it does not cover does not change what is read, or makes it unreadable."""
    random = np.random.default_rng(0)
    made = {
        "x_train": random.random((6, 4)),
        "y_train": np.arange(6) % 2,
        "x_test": random.random((2, 4)),
        "y_test": np.arange(2),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.npz"
        np.savez_compressed(path, allow_pickle=False, **made)
        content = bytearray(path.read_bytes())
        at = int(place * len(content))
        content[at] ^= change
        path.write_bytes(content[:at] if cut else content)
        try:
            data = load_dataset(str(path))
        except (DamagedFile, InvalidInput):
            return
    np.testing.assert_allclose(data.x_train, made["x_train"], rtol=1e-6)
    np.testing.assert_array_equal(data.y_train, made["y_train"])


@given(fraction=st.floats(0.05, 0.95), seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_held_out_images_and_the_others_are_all_of_the_training_images(digits, fraction, seed):
    split = digits.hold_out(fraction, seed)
    both = np.concatenate([split.x_train, split.x_test])
    order = [np.lexsort(rows.T) for rows in (both, digits.x_train)]
    np.testing.assert_array_equal(both[order[0]], digits.x_train[order[1]])
    assert len(split.x_test) == int(np.ceil(fraction * len(digits.x_train)))
    expected = np.bincount(digits.y_train) * fraction
    assert (np.abs(np.bincount(split.y_test, minlength=10) - expected) < 2).all()


@given(
    layers=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple), seed=st.integers(0, 10_000), factor=st.floats(0.1, 10)
)
@settings(max_examples=30, deadline=None)
def test_energies_keep_the_symmetries_of_their_formula(layers, seed, factor):
    problem = random_problem(layers, images=2, seed=seed)
    spins = random_spins(problem, reads=3, seed=seed)
    energies = problem.energy(spins)
    flipped = IsingProblem(layers, -problem.fields, problem.couplings).energy(-spins)
    np.testing.assert_allclose(flipped, energies, atol=1e-4)
    scaled = IsingProblem(
        layers, np.float32(factor) * problem.fields, tuple(np.float32(factor) * matrix for matrix in problem.couplings)
    )
    np.testing.assert_allclose(scaled.energy(spins), factor * energies, rtol=1e-4, atol=1e-3)
    order = np.random.default_rng(seed).permutation(layers[0])
    moved = [
        np.concatenate([part[..., : layers[0]][..., order], part[..., layers[0] :]], axis=-1) for part in (problem.fields, spins)
    ]
    couplings = (problem.couplings[0][order], *problem.couplings[1:]) if problem.couplings else ()
    np.testing.assert_allclose(IsingProblem(layers, moved[0], couplings).energy(moved[1]), energies, atol=1e-4)


EFFORT = np.geomspace(1, 100, 12)


def counts(alpha, prefactor, runs, seed):
    rate = np.clip(prefactor * EFFORT**-alpha, 0, 1)
    return np.random.default_rng(seed).binomial(100_000, rate, size=(runs, len(EFFORT)))


@given(alpha=st.floats(0.2, 1.5), prefactor=st.floats(0.02, 0.8), unit=st.floats(1e-3, 1e3), seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_exponents_do_not_depend_on_the_unit_of_effort_or_on_the_order_of_runs(alpha, prefactor, unit, seed):
    mistakes = counts(alpha, prefactor, 3, seed)
    options = {"trials": 100_000, "resamples": 3}
    fit = fit_power_law(EFFORT, mistakes, window=(1, 100), **options)
    moved = fit_power_law(EFFORT * unit, mistakes[::-1], window=(0.999 * unit, 100.001 * unit), **options)
    spread = 5 / np.sqrt(mistakes.sum()) + 1e-3
    assert fit.exponent == pytest.approx(alpha, abs=max(0.02, 5 * spread))
    assert moved.exponent == pytest.approx(fit.exponent, abs=1e-3)
    assert np.log(moved.prefactor) == pytest.approx(np.log(fit.prefactor) + fit.exponent * np.log(unit), abs=0.02)
    assert fit.low <= fit.exponent <= fit.high


NUMBERS = arrays.arrays(np.float64, st.integers(2, 8), elements=st.floats(-1e3, 1e3))


@given(values=NUMBERS, shift=st.floats(-100, 100), factor=st.floats(0.01, 100))
@settings(max_examples=60, deadline=None)
def test_intervals_move_with_their_numbers(values, shift, factor):
    plain, moved = mean_interval(values), mean_interval(factor * values + shift)
    for end in ("value", "low", "high"):
        assert getattr(moved, end) == pytest.approx(factor * getattr(plain, end) + shift, rel=1e-6, abs=1e-5)
    assert plain.low <= plain.value <= plain.high
    assert difference_interval(values, values[::-1]).value == pytest.approx(0, abs=1e-9)


@given(values=arrays.arrays(np.float64, (3, 5), elements=st.floats(0, 1)), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_bootstrapped_means_stay_within_their_bounds(values, seed):
    interval = bootstrap_interval(values, seed, resamples=50, bounds=(0, 1))
    assert 0 <= interval.low <= interval.value + 1e-12
    assert interval.value - 1e-12 <= interval.high <= 1
