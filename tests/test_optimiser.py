"""Steps against torch's own optimisers, without loading its compiler."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from qnn_core.optimiser import SGD, Adam, Average, rate_at


@pytest.mark.parametrize(("ours", "theirs"), [(Adam, torch.optim.Adam), (SGD, torch.optim.SGD)], ids=["adam", "sgd"])
def test_steps_are_those_of_torch(ours, theirs):
    random = np.random.default_rng(0)
    found = [random.standard_normal(shape).astype(np.float32) for shape in ((4, 3), (3,))]
    expected = [torch.nn.Parameter(torch.tensor(value)) for value in found]
    reference, optimiser = theirs(expected, lr=0.1), ours(found)
    for step in range(20):
        gradients = [random.standard_normal(value.shape).astype(np.float32) for value in found]
        lr = rate_at(0.1, "linear", step, 20)
        for parameter, gradient in zip(expected, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        reference.param_groups[0]["lr"] = lr
        reference.step()
        optimiser.step(gradients, lr)
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_allclose(one.detach().numpy(), other, rtol=1e-5, atol=1e-6)


def test_adam_goes_on_from_its_state():
    random = np.random.default_rng(1)
    gradients = [[random.standard_normal(5).astype(np.float32)] for _ in range(6)]
    whole, halved = np.zeros(5, np.float32), np.zeros(5, np.float32)
    first, begun, resumed = Adam([whole]), Adam([halved]), Adam([halved])
    for gradient in gradients:
        first.step(gradient, 0.1)
    for gradient in gradients[:3]:
        begun.step(gradient, 0.1)
    resumed.load_state(begun.state())
    for gradient in gradients[3:]:
        resumed.step(gradient, 0.1)
    np.testing.assert_array_equal(whole, halved)


def test_the_average_is_the_weighted_mean_over_all_steps():
    """Unrolled for eta = 8, step t counts in proportion to t (t + 1) .. (t + 7): the first steps hardly at all."""
    values = np.random.default_rng(0).standard_normal((30, 4))
    moved = np.empty(4)
    average = Average([np.zeros(4)], [moved])
    for step, value in enumerate(values, start=1):
        moved[:] = value
        average.update(step)
    weights = np.array([np.prod(np.arange(step, step + 8, dtype=float)) for step in range(1, 31)])
    np.testing.assert_allclose(average.values[0], weights @ values / weights.sum(), rtol=1e-12)


def test_rates():
    assert [rate_at(0.2, "linear", step, 4) for step in range(4)] == pytest.approx([0.2, 0.15, 0.1, 0.05])
    assert rate_at(0.2, "constant", 3, 4) == 0.2


def test_training_loads_no_torch_and_baselines_not_its_compiler():
    code = (
        "import sys; from qnn_core import QNN, load_dataset, train; data = load_dataset('digits');"
        "train(QNN((64, 4, 10)), data, epochs=1, seed=0); early = 'torch' in sys.modules;"
        "from qnn_core import train_backprop;"
        "train_backprop('mlp', data, hidden=4, epochs=1, optimiser='adam'); sys.exit(early or 'torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
