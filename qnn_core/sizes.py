"""The same training in networks of growing size: does the change from glass to order sharpen?

Hidden and output layers grow in proportion, because at a fixed number of outputs there is no thermodynamic glass; the outputs grow by
copies of each class.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from qnn_core.data import Dataset
from qnn_core.equilibrium import growth
from qnn_core.network import QNN
from qnn_core.overlaps import order_parameters
from qnn_core.phase import quench
from qnn_core.samplers.base import Sampler, derived_seed
from qnn_core.statistics import Interval
from qnn_core.training import train


def follow_size(
    data: Dataset,
    copies: int,
    hidden_per_output: float,
    sampler: Sampler,
    seed: int,
    *,
    images: int,
    reads: int,
    epochs: int,
    batch_size: int,
    snapshots: int,
) -> dict[str, np.ndarray]:
    """Train one network, hidden = hidden_per_output x outputs, and follow the order of the reads of `images` test images.

    Returns step (S,) and q_ea, q_variance, chi, means over images, (S,); test_error, of the trained network.
    """
    outputs = data.num_classes * copies
    net = QNN((data.num_pixels, round(hidden_per_output * outputs), data.num_classes), copies=copies, seed=seed)
    history = train(net, data, sampler, epochs=epochs, batch_size=batch_size, seed=seed, snapshots=snapshots)
    rows = np.random.default_rng(seed).choice(len(data.x_test), size=images, replace=False)
    orders = []
    for step, parameters in history.snapshots.items():
        net.set_parameters(parameters)
        problem = net.problem(data.x_test[rows])
        orders.append(order_parameters(quench(problem, sampler.sample(problem, reads, derived_seed(seed, step)))))
    means = {name: np.array([getattr(order, name).mean() for order in orders]) for name in ("q_ea", "q_variance", "chi")}
    return {"step": np.array(list(history.snapshots)), **means, "test_error": np.array(history.test_error[-1])}


def rise(step: np.ndarray, order: Float64[np.ndarray, " S"]) -> tuple[float, float]:
    """Middle and width of a rise in the logarithm (base 10) of time: where a quarter, half and three quarters of it are done.

    order: at each of the rising numbers of updates, the untrained network first, which is taken to be at one update. The rise goes from its
    first value to its largest. Returns (log10 of the middle, decades from a quarter to three quarters).
    """
    time = np.log10(np.maximum(step, 1))
    done = np.maximum.accumulate((order - order[0]) / (order.max() - order[0]))
    quarter, half, three = (float(np.interp(part, done, time)) for part in (0.25, 0.5, 0.75))
    return half, three - quarter


def size_exponent(spins: Float64[np.ndarray, " K"], values: Float64[np.ndarray, "K R"]) -> Interval:
    """Power of N with which values of K sizes and R runs each grow: the slope of each run's straight line through the logarithms."""
    return growth(spins, values.T)
