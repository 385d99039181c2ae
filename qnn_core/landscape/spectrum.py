"""Structure in the weights: their singular values against those of noise."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from qnn_core.network import QNN


def spectrum(net: QNN) -> list[Float64[np.ndarray, " _"]]:
    """Singular values of each weight matrix, largest first, in units of the Marchenko-Pastur edge of a random matrix of its size and variance.

    The edge is sigma (sqrt n + sqrt m) for n x m independent entries of standard deviation sigma (Marchenko, Pastur, Math. USSR-Sbornik 1,
    457 (1967)); sigma is the root mean square of the entries. Values above 1 indicate structure.
    """
    scaled = []
    for matrix in net.weights:
        values = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
        edge = np.sqrt(np.mean(matrix.astype(np.float64) ** 2)) * sum(np.sqrt(matrix.shape))
        scaled.append(values / edge if edge else values)
    return scaled
