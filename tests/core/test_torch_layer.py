"""The network as a torch layer: its gradients against autograd, `train` and the linearity of the energy."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from qnn_core import QNN, InvalidInput, train
from qnn_core.history import minibatches
from qnn_core.rules import Batch, Rule
from qnn_core.samplers import get_sampler
from qnn_core.torch_layer import AnnealedLayer, _Loss


def energy(weights, biases, features, spins):
    """E of states (B, R, N) by its definition, in float64."""
    layers = torch.split(spins, [len(bias) for bias in biases], dim=-1)
    value = -torch.einsum("bd,dn,brn->br", features, weights[0], layers[0])
    for coupling, left, right in zip(weights[1:], layers[:-1], layers[1:], strict=True):
        value = value - torch.einsum("brm,mn,brn->br", left, coupling, right)
    return value - sum((bias * layer).sum(dim=-1) for bias, layer in zip(biases, layers, strict=True))


@pytest.fixture(params=[(5, 7, 3), (5, 6, 4, 3)], ids=["one hidden layer", "two"])
def held(request):
    """A layer with biases, features, and a contrast of their reads."""
    net = QNN(request.param, copies=2, seed=0)
    random = np.random.default_rng(1)
    for bias in net.biases:
        bias[:] = random.standard_normal(bias.shape)
    layer = AnnealedLayer(net, get_sampler("gibbs", sweeps=3), reads=4, rule=Rule(margin=20.0))
    x = random.standard_normal((6, 5)).astype(np.float32)
    labels = np.arange(6) % 3
    batch = Batch(layer.network, x, labels, net.problem(x), layer.sampler, 4, 0)
    return layer, torch.from_numpy(x).requires_grad_(), layer.rule.contrast(batch)


def test_value_and_every_gradient_are_those_of_the_energy_by_autograd(held):
    layer, features, contrast = held
    value = _Loss.apply(layer.network, contrast, features, *layer.weights, *layer.biases)
    (3 * value).backward()
    inputs = [tensor.detach().double().requires_grad_() for tensor in (features, *layer.weights, *layer.biases)]
    depth = len(layer.weights)
    lowered, raised, weights = (torch.from_numpy(part).double() for part in (contrast.lowered, contrast.raised, contrast.weights))
    parts = (inputs[1 : 1 + depth], inputs[1 + depth :], inputs[0])
    expected = (weights * (energy(*parts, lowered).mean(dim=1, keepdim=True) - energy(*parts, raised))).sum(dim=1).mean()
    (3 * expected).backward()
    assert weights.any()
    assert value.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-4)
    for ours, theirs in zip((features, *layer.weights, *layer.biases), inputs, strict=True):
        torch.testing.assert_close(ours.grad.double(), theirs.grad, atol=1e-4, rtol=1e-4)


def test_a_change_of_the_features_changes_the_loss_by_its_gradient(held):
    layer, features, contrast = held
    parameters = (*layer.weights, *layer.biases)
    value = _Loss.apply(layer.network, contrast, features, *parameters)
    (slope,) = torch.autograd.grad(value, features)
    step = torch.randn(features.shape, generator=torch.Generator().manual_seed(0))
    moved = _Loss.apply(layer.network, contrast, features + step, *parameters)
    assert (moved - value).item() == pytest.approx((slope * step).sum().item(), rel=1e-3, abs=1e-3)


def test_a_step_is_that_of_train(digits):
    few = digits.only_classes((0, 1)).take(30, seed=0)
    net, seed = QNN((64, 8, 2), copies=3, seed=2), 5
    layer = AnnealedLayer(net, "gibbs", reads=5, seed=seed)
    (rows,) = minibatches(30, 30, 1, seed)
    loss = layer.loss(torch.from_numpy(few.x_train[rows]), torch.from_numpy(few.y_train[rows]))
    loss.backward()
    moved = [parameter.detach().numpy() - 0.01 * parameter.grad.numpy() for parameter in (*layer.weights, *layer.biases)]
    train(net, few, get_sampler("gibbs"), 1, 5, 0.01, 30, seed, optimiser="sgd", averaged=False, asked=0)
    for ours, theirs in zip(moved, net.parameters, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_scores_are_minus_the_class_energies_and_survive_copies(held):
    layer, features, _ = held
    expected = -layer.network.class_energies(features.detach().numpy())
    for same in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_allclose(same(features).detach().numpy(), expected, atol=1e-4)
    other = AnnealedLayer(QNN(layer.network.sizes, copies=2, seed=9))
    other.load_state_dict(layer.state_dict())
    np.testing.assert_allclose(-other.network.class_energies(features.detach().numpy()), expected, atol=1e-4)


def test_without_heads_nothing_moves():
    layer = AnnealedLayer(QNN((4, 6, 2), seed=0), rule=Rule(margin=0.0))
    with torch.no_grad():
        layer.biases[-1][:] = torch.tensor([50.0, -50.0])
    features = torch.ones(3, 4, requires_grad=True)
    value = layer.loss(features, torch.zeros(3, dtype=torch.int64))
    value.backward()
    assert value.item() == 0
    assert not any(tensor.grad.any() for tensor in (features, *layer.parameters()))


def test_what_stands_in_front_learns(digits):
    """The layer's own parameters are held: all that is learned is learned through its inputs."""
    few = digits.only_classes((0, 1))
    torch.manual_seed(0)
    front, layer = nn.Linear(64, 12), AnnealedLayer(QNN((12, 8, 2), seed=0))
    optimiser = torch.optim.SGD(front.parameters(), lr=0.02)
    x, y, test = (torch.from_numpy(part) for part in (few.x_train, few.y_train, few.x_test))

    def error():
        with torch.no_grad():
            return float((layer(front(test)).argmax(dim=1).numpy() != few.y_test).mean())

    before = error()
    for first in range(0, 200, 20):
        optimiser.zero_grad()
        layer.loss(front(x[first : first + 20]), y[first : first + 20]).backward()
        optimiser.step()
    assert before > 0.1
    assert error() < 0.03


def test_features_of_the_wrong_shape_or_type_are_refused():
    layer = AnnealedLayer(QNN((4, 6, 2), seed=0))
    for features in (torch.ones(3, 5), torch.ones(3, 4, dtype=torch.float64)):
        with pytest.raises(InvalidInput, match="x = "):
            layer.loss(features, torch.zeros(3, dtype=torch.int64))
    with pytest.raises(InvalidInput, match="num_reads = 0"):
        AnnealedLayer(QNN((4, 6, 2)), reads=0)
