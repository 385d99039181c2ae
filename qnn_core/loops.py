"""Compiled loops over images and classes, by numba."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
def class_rewards(driven, pulls, rewards):
    """Write sum_j |driven[i, j] + pulls[c, j]| of every image i and class c into `rewards` (B, C).

    driven: (B, N_h) fields of the hidden spins. pulls: (C, N_h) what the code of a class adds to them. All float32.
    """
    for image in numba.prange(len(driven)):
        for label in range(len(pulls)):
            total = np.float32(0)
            for spin in range(pulls.shape[1]):
                total += abs(driven[image, spin] + pulls[label, spin])
            rewards[image, label] = total
