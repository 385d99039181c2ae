"""Networks of stored trainings."""

import numpy as np
import pytest

from qnn_core import QNN, InvalidInput, train
from studies.stored import Result, network_at, network_layout, steps_of


@pytest.mark.parametrize("centred", [False, True])
def test_the_networks_of_a_stored_training_answer_as_they_did(digits, centred):
    data = digits.take(60, 0)
    net = QNN((64, 6, 10), copies=2, seed=1, centre=data.x_train.mean(axis=0) if centred else None)
    before = net.class_energies(data.x_test)
    history = train(net, data, epochs=2, reads=3, batch_size=20, snapshots=3)
    result = Result("run.npz", {**history.arrays(), **network_layout(net)}, {})
    assert steps_of(result) == [0, 1, 2, 6]
    np.testing.assert_array_equal(network_at(result, 0).class_energies(data.x_test), before)
    np.testing.assert_array_equal(network_at(result, 6).class_energies(data.x_test), net.class_energies(data.x_test))
    with pytest.raises(InvalidInput, match=r"step = 3 .*\[0, 1, 2, 6\].*run.npz"):
        network_at(result, 3)
