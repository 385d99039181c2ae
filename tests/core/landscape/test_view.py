"""The reads of one image against what the network says of them."""

import numpy as np

from qnn_core import QNN, get_sampler
from qnn_core.landscape.view import landscape


def test_landscape_places_the_clamped_state_at_the_origin():
    net = QNN((4, 3, 2), seed=0)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 4)).astype(np.float32)
    reads = get_sampler("gibbs", sweeps=10).sample(net.problem(x), 50, seed=0)
    view = landscape(net, x, np.array([1]), reads)
    at_target = view.overlap > 1 - 1e-9
    np.testing.assert_allclose(view.energy[at_target], 0, atol=1e-5)
    assert not view.wrong[at_target].any()
    assert (view.energy[~view.wrong] >= -1e-5).all()
