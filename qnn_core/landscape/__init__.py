"""The energy landscape: order parameters, minima and barriers, thermal equilibrium."""

from qnn_core.landscape.minima import BarrierTree, barrier_tree, count_minima, estimate_minima
from qnn_core.landscape.overlaps import OrderParameters, binder, order_parameters, overlap, overlap_bins, susceptibility
from qnn_core.landscape.tempering import Equilibrium, parallel_tempering

__all__ = [
    "BarrierTree",
    "Equilibrium",
    "OrderParameters",
    "barrier_tree",
    "binder",
    "count_minima",
    "estimate_minima",
    "order_parameters",
    "overlap",
    "overlap_bins",
    "parallel_tempering",
    "susceptibility",
]
