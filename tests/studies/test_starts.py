"""Untrained networks in equilibrium: identities and exponents whose values are known."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from studies.starts import Starts, untrained_starts


@pytest.fixture(scope="module")
def starts():
    x = np.random.default_rng(0).uniform(0, 1, (14, 30)).astype(np.float32)
    return untrained_starts(
        [1, 2], 2.0, 6, x, x.mean(axis=0), [0.5, 2.0], 1.0, np.array([0.6, 1.0, 1.8]), sweeps=320, measurements=40, seed=0
    )


def test_energies_obey_the_identity_of_gaussian_couplings_and_fields(starts):
    assert starts.spins.tolist() == [18, 36]
    assert starts.drive.tolist() == [0, 0.5, 1, 2]
    assert starts.drive[starts.trained] == 1
    assert (np.abs(starts.identity - 1) < 4.5 * starts.identity_error).all()
    assert (starts.identity_error < 0.2).all()
    assert starts.equilibrated.mean() > 0.9
    assert [row["spins"] for row in starts.evidence()] == [18, 36]


def test_fluctuations_grow_below_the_transition_and_a_field_takes_them_away(starts):
    chi = starts.chi.mean(axis=1)
    assert (chi[:, 0, 0] > 2 * chi[:, 0, 2]).all()
    assert (chi[:, 0, 0] > 2 * chi[:, 3, 0]).all()
    assert (np.diff(starts.line) < 0).all()
    np.testing.assert_allclose(chi[:, 0], starts.spins[:, None] * starts.second.mean(axis=1), rtol=0.3)
    np.testing.assert_allclose(starts.overlaps.sum(axis=2) * 2 / starts.overlaps.shape[2], 1)


def test_exponents_of_known_susceptibilities_are_recovered(starts):
    random = np.random.default_rng(0)
    covered = []
    for _ in range(100):
        noise = np.exp(0.5 * random.standard_normal(starts.chi.shape))
        spins = np.array([40, 160])
        powers = np.array([1.0, 0.7, 0.3, 0.0])[:, None]
        known = replace(starts, hidden=spins // 2, outputs=spins // 2, chi=noise * spins[:, None, None, None] ** powers)
        found = known.exponent(1)
        covered.append(found.low <= 0.7 <= found.high)
    assert np.mean(covered) > 0.8  # Nearly 0.95: percentiles of 14 networks are a little narrow.
    stored = known.arrays()
    np.testing.assert_array_equal(stored["glass_exponent"], np.array(known.exponent(2)))
    np.testing.assert_array_equal(stored["glass_exponent_no_image"], np.array(known.exponent(0)))
    again = Starts.of_arrays(stored)
    assert again.rows() == known.rows()
    assert len(again.figure().axes) == 6
    plt.close("all")
