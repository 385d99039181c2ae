"""Reads of one image before and after training."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from qnn_core import QNN, get_sampler
from studies.views import AS_CUT, AS_READ, view_reads


@pytest.mark.parametrize("completed", [True, False])
def test_views_hold_what_is_read_and_what_is_cut(digits, completed):
    before, after = QNN((64, 6, 10), seed=0), QNN((64, 6, 10), seed=1)
    x, label = digits.x_test[:1], digits.y_test[:1]
    sampler = get_sampler("gibbs", sweeps=5)
    found = view_reads(before, after, x, label, sampler, 30, 7, margin=2.0, completed=completed)
    reads = sampler.sample(after.problem(x), 30, 7)
    clamped = after.problem(x).energy(after.clamped(x, label)[:, None])[0, 0]
    np.testing.assert_allclose(found.views["after", AS_READ].energy, reads.energies[0] - clamped, atol=1e-4)
    assert set(found.views) == {
        (moment, way) for moment in ("before", "after") for way in ([AS_READ, AS_CUT] if completed else [AS_READ])
    }
    if completed:
        view = found.views["after", AS_CUT]
        others = after.class_energies(x)[0] - clamped
        assert np.abs(view.energy[:, None] - others).min(axis=1).max() < 1e-4
        assert "heads" not in found.arrays()
        assert int(found.table().cells["wrong, up to the margin"][3]) == (view.wrong & (view.energy <= 2)).sum()
    assert len(found.figure(9).axes) == (4 if completed else 2)
    plt.close("all")
