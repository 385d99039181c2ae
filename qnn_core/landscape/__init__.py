"""The energy landscape: order parameters, minima and barriers, thermal equilibrium, and where reads lie in it."""

from qnn_core.landscape.minima import BarrierTree, MinimaEstimate, barrier_tree, count_minima, estimate_minima
from qnn_core.landscape.overlaps import (
    OrderParameters,
    binder,
    order_parameters,
    order_susceptibility,
    overlap,
    overlap_bins,
    susceptibility,
)
from qnn_core.landscape.replicas import ReplicaSymmetric, glass_line, replica_symmetric
from qnn_core.landscape.spectrum import spectrum
from qnn_core.landscape.tempering import Equilibrium, parallel_tempering
from qnn_core.landscape.view import Landscape, landscape
from qnn_core.samplers.descent import quench

__all__ = [
    "BarrierTree", "Equilibrium", "Landscape", "MinimaEstimate", "OrderParameters", "ReplicaSymmetric", "barrier_tree", "binder",
    "count_minima", "estimate_minima", "glass_line", "landscape", "order_parameters", "order_susceptibility", "overlap", "overlap_bins",
    "parallel_tempering", "quench", "replica_symmetric", "spectrum", "susceptibility",
]  # fmt: skip
