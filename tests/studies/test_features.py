"""Features in front of the network, trained with it."""

import numpy as np
import pytest
import torch

from qnn_core.rules import Rule
from qnn_core.samplers import get_sampler
from studies.features import Combined, Features, compare
from studies.stored import Result


@pytest.fixture
def recipe():
    return Combined((3, 4), (10,), 2, get_sampler("gibbs", sweeps=5), 3, Rule(), 2, 20, 0.01, 2)


def test_features_have_the_size_they_tell():
    for shape in ((28, 28), (8, 8), (9, 6)):
        features = Features(shape, (2, 5))
        assert features(torch.zeros(3, shape[0] * shape[1])).shape == (3, features.size)


def test_both_gradients_train_and_what_is_stored_is_what_was_counted(recipe, digits):
    few = digits.only_classes((0, 1, 2))
    alone = Result("alone", {"test_mistakes": np.array([70, 4])}, {})
    found = compare(recipe, few, (0, 1), [alone])
    assert found.num_test == len(few.y_test)
    for mistakes in found.mistakes.values():
        assert mistakes.shape == (2, len(found.step))
        assert (mistakes[:, 0] > 0.3 * found.num_test).all()
        assert (mistakes[:, -1] < 0.2 * found.num_test).all()
    assert (found.own < 0.15 * found.num_test).all()
    stored = found.arrays()
    np.testing.assert_array_equal(stored["cross_entropy_mistakes"], found.mistakes["cross-entropy"])
    assert stored["plain"].tolist() == [4]
    assert "4" in repr(found.table())
    assert found.figure().axes[0].get_lines()


def test_runs_are_repeated_and_both_start_alike(recipe, digits):
    few = digits.only_classes((0, 1)).take(60, seed=0)
    (model, first), (_, again), (_, other) = (recipe.train(few, 3, way) for way in ("annealer", "annealer", "cross-entropy"))
    assert first == again
    assert first[0] == other[0]
    with torch.no_grad():
        wrong = model(torch.from_numpy(few.x_test)).argmax(dim=1).numpy() != few.y_test
    assert wrong.sum() == list(first.values())[-1]
