"""Images that rest, against a diary kept image by image."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qnn_core import QNN, get_sampler, load_dataset, train
from qnn_core.cutting import cut_gradient
from qnn_core.resting import Resting


@given(st.integers(0, 4), st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20))
def test_an_image_rests_longer_each_time_until_it_has_a_head_again(longest, epochs):
    resting, diary = Resting(3, longest), [[] for _ in range(3)]
    for epoch, heads in enumerate(epochs):
        awake = resting.awake(np.array([2, 0, 1]), epoch)
        for image, seen in enumerate(diary):
            idle = next((back for back, entry in enumerate(reversed(seen)) if entry is not None), len(seen))
            kept = [entry for entry in seen if entry is not None]
            without = next((count for count, entry in enumerate(reversed(kept)) if entry), len(kept))
            rests = idle < min(without, longest)
            assert (image not in awake) == rests
            seen.append(None if rests else heads[image])
        resting.note(awake, np.array(heads)[awake], epoch)


def test_resting_saves_reads_and_changes_nothing_before_the_second_epoch():
    data = load_dataset("digits")
    nets, histories = [], []
    for rest in (0, 2):
        for epochs in (1, 8):
            nets.append(QNN((64, 40, 10), seed=0))
            histories.append(train(nets[-1], data, get_sampler("gibbs"), epochs=epochs, batch_size=20, rest=rest, seed=0))
    for one, other in zip(nets[0].parameters, nets[2].parameters, strict=True):
        np.testing.assert_array_equal(one, other)
    assert histories[3].reads[-1] < 0.75 * histories[1].reads[-1]
    assert histories[3].test_error[-1] < histories[1].test_error[-1] + 0.015
    assert histories[3].head_fraction[-1] < 0.2


def test_images_that_rest_count_in_the_mean():
    net, generator = QNN((6, 5, 3), seed=0), np.random.default_rng(0)
    x = generator.uniform(0, 1, (4, 6)).astype(np.float32)
    clamped, spins = (
        np.sign(generator.normal(size=(4, 1, 8))).astype(np.int8),
        np.sign(generator.normal(size=(4, 2, 8))).astype(np.int8),
    )
    weights = np.array([[1, 0], [0, 0], [0, 1], [0, 0]], np.float32)
    awake = [0, 2]
    together = cut_gradient(net, x, clamped, spins, weights)
    apart = cut_gradient(net, x[awake], clamped[awake], spins[awake], weights[awake], images=4)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)
