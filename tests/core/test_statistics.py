"""Error bars that cover at the rate they say."""

import numpy as np
import pytest

from qnn_core import InvalidInput
from qnn_core.statistics import bootstrap_interval


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
