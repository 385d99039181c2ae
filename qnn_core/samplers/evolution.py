"""The compiled time step of the coherent annealer, by numba: state vectors of B problems, worked on side by side.

A state is a pair of float64 arrays, real and imaginary parts of 2^N amplitudes. One call makes a whole anneal of

    exp(-i phase_k E) then exp(i angle_k sum_n X_n)     for k = 0, 1, .., and exp(-i phase_last E) at the end,

so that neighbouring half steps of the problem's term are made as one.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _turn_phases(real, imaginary, energies, phase):
    """Multiply every amplitude by exp(-i phase E).

    sin and cos by Taylor series of a quarter of the angle, brought into +-pi / 4, and two doublings: within 1e-14, and unlike the
    library's functions in vector registers.
    """
    turns = phase / (2 * np.pi)
    for row in range(real.size):
        turn = energies[row] * turns
        angle = (turn - np.floor(turn + 0.5)) * (np.pi / 2)
        square = angle * angle
        sine = angle * (
            1
            + square
            * (
                -1 / 6
                + square
                * (1 / 120 + square * (-1 / 5040 + square * (1 / 362880 + square * (-1 / 39916800 + square / 6227020800))))
            )
        )
        # 1 - cos, which keeps its digits for small angles.
        versine = square * (
            1 / 2
            + square
            * (
                -1 / 24
                + square
                * (1 / 720 + square * (-1 / 40320 + square * (1 / 3628800 + square * (-1 / 479001600 + square / 87178291200))))
            )
        )
        cosine = 1 - versine
        for _ in range(2):
            sine, cosine = 2 * sine * cosine, 1 - 2 * sine * sine
        old = real[row]
        real[row] = old * cosine + imaginary[row] * sine
        imaginary[row] = imaginary[row] * cosine - old * sine


@numba.njit(cache=True, fastmath={"contract", "nsz"})
def _turn_spins(real, imaginary, angle):
    """exp(i angle X) on every spin, one after another."""
    stay, flip = np.cos(angle), np.sin(angle)
    distance = 1
    while distance < real.size:
        for begin in range(0, real.size, 2 * distance):
            for row in range(begin, begin + distance):
                other = row + distance
                up_real, up_imaginary = real[row], imaginary[row]
                down_real, down_imaginary = real[other], imaginary[other]
                real[row] = stay * up_real - flip * down_imaginary
                imaginary[row] = stay * up_imaginary + flip * down_real
                real[other] = stay * down_real - flip * up_imaginary
                imaginary[other] = stay * down_imaginary + flip * up_real
        distance *= 2


@numba.njit(parallel=True, cache=True)
def evolve(real, imaginary, energies, phases, angles):
    """Evolve B states in place. real, imaginary, energies: (B, 2^N) float64. angles: (K,), phases: (K + 1,)."""
    for image in numba.prange(real.shape[0]):
        for step in range(angles.size):
            _turn_phases(real[image], imaginary[image], energies[image], phases[step])
            _turn_spins(real[image], imaginary[image], angles[step])
        _turn_phases(real[image], imaginary[image], energies[image], phases[angles.size])
