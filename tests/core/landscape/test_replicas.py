"""The theory of untrained networks against its known limits, adaptive quadrature and a large network in equilibrium."""

import numpy as np
import pytest
from scipy.integrate import quad

from qnn_core import QNN
from qnn_core.landscape import glass_line, parallel_tempering, replica_symmetric


def test_without_a_field_the_glass_begins_at_its_temperature_whatever_the_sizes():
    for ratio in (0.5, 1.0, 3.2):
        assert glass_line(ratio, 0.0) == 1
        warm = replica_symmetric(1.1, ratio, 0.0)
        assert (warm.hidden, warm.outputs) == pytest.approx((0, 0), abs=1e-6)
        assert warm.instability == pytest.approx(1.1**-4)
        assert replica_symmetric(0.95, ratio, 0.0).instability > 1


def test_the_line_meets_the_zero_of_the_field_with_the_power_of_two_thirds():
    """Near T_c a field Delta lowers the line by an amount ~ Delta^(2/3) (de Almeida, Thouless 1978)."""
    fields = np.array([1e-3, 3e-3, 1e-2])
    drops = [1 - glass_line(2.0, field) for field in fields]
    assert np.polyfit(np.log(fields), np.log(drops), 1)[0] == pytest.approx(2 / 3, abs=0.02)
    assert (np.diff([glass_line(2.0, field) for field in (0.1, 0.5, 2.0)]) < 0).all()


def test_overlaps_and_instability_solve_their_equations():
    temperature, ratio, field = 0.6, 3.0, 0.4
    found = replica_symmetric(temperature, ratio, field)

    def mean(of, width):
        return quad(lambda z: of(width * z / temperature) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), -12, 12)[0]

    felt_hidden, felt_outputs = np.sqrt(field**2 + found.outputs / np.sqrt(ratio)), np.sqrt(found.hidden * np.sqrt(ratio))
    assert found.hidden == pytest.approx(mean(lambda u: np.tanh(u) ** 2, felt_hidden), abs=1e-6)
    assert found.outputs == pytest.approx(mean(lambda u: np.tanh(u) ** 2, felt_outputs), abs=1e-6)
    free = [mean(lambda u: np.cosh(u) ** -4.0, width) for width in (felt_hidden, felt_outputs)]
    assert found.instability == pytest.approx(free[0] * free[1] / temperature**4, rel=1e-6)


def test_a_large_network_above_the_line_has_these_overlaps():
    x = np.random.default_rng(0).standard_normal((6, 400)).astype(np.float32)
    x *= 20 / np.linalg.norm(x, axis=1, keepdims=True)
    net = QNN((400, 480, 160), seed=0, drive=0.8)
    temperatures = np.array([0.9, 1.4])
    found = parallel_tempering(net.problem(x), temperatures, 400, seed=0, measurements=50)
    for place, temperature in enumerate(temperatures):
        theory = replica_symmetric(temperature, 3.0, 0.8)
        assert theory.instability < 1
        for layer, overlap in (("0", theory.hidden), ("1", theory.outputs)):
            assert found.overlaps[layer][:, :, place].mean() == pytest.approx(overlap, abs=0.03)
