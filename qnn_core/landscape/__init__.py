"""The energy landscape: order parameters, minima and barriers, thermal equilibrium, and how reads lie in it."""

from qnn_core.landscape.minima import BarrierTree, MinimaEstimate, barrier_tree, count_minima, estimate_minima, quench
from qnn_core.landscape.overlaps import OrderParameters, binder, order_parameters, overlap, overlap_bins, susceptibility
from qnn_core.landscape.spectrum import spectrum
from qnn_core.landscape.tempering import Equilibrium, parallel_tempering
from qnn_core.landscape.view import Landscape, landscape

__all__ = [
    "BarrierTree",
    "Equilibrium",
    "Landscape",
    "MinimaEstimate",
    "OrderParameters",
    "barrier_tree",
    "binder",
    "count_minima",
    "estimate_minima",
    "landscape",
    "order_parameters",
    "overlap",
    "overlap_bins",
    "parallel_tempering",
    "quench",
    "spectrum",
    "susceptibility",
]
