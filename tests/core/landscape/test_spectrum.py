"""Singular values of noise and of planted structure."""

import numpy as np

from qnn_core import QNN
from qnn_core.landscape.spectrum import spectrum


def test_random_weights_stay_below_the_edge_and_planted_structure_does_not():
    net = QNN((400, 300, 10), copies=20, seed=0)
    for values in spectrum(net):
        assert 0.9 < values[0] < 1.05
    random = np.random.default_rng(1)
    net.weights[1] += 0.3 * random.standard_normal((300, 1)) @ random.standard_normal((1, 200))
    values = spectrum(net)[1].astype(float)
    assert values[0] > 1.5
    assert values[1] < 1
    np.testing.assert_allclose((values**2).sum() * (np.sqrt(300) + np.sqrt(200)) ** 2, 300 * 200, rtol=1e-4)
