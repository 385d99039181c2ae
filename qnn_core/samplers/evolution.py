"""The compiled time step of the coherent annealer, by numba: state vectors of B problems, worked on side by side.

A state is a pair of float64 arrays, real and imaginary parts of 2^N amplitudes. One call makes a whole anneal of

    exp(-i phase_k E) then exp(i angle_k sum_n X_n)     for k = 0, 1, .., and exp(-i phase_last E) at the end,

so that neighbouring half steps of the problem's term are made as one.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(error_model="numpy", forceinline=True)
def _sine_and_cosine(angle):
    """By Taylor series of a quarter of the angle, brought into +-pi / 4, and two doublings: within 1e-14.

    Unlike the library's functions in vector registers, and the same bits on every processor.
    """
    turn = angle * (1 / (2 * np.pi))
    quarter = (turn - np.floor(turn + 0.5)) * (np.pi / 2)
    square = quarter * quarter
    series = square * (1 / 6227020800) - 1 / 39916800
    series = square * (square * series + 1 / 362880) - 1 / 5040
    sine = quarter * (square * (square * (square * series + 1 / 120) - 1 / 6) + 1)
    # 1 - cos, which keeps its digits for small angles.
    series = square * (1 / 87178291200) - 1 / 479001600
    series = square * (square * series + 1 / 3628800) - 1 / 40320
    versine = square * (square * (square * series + 1 / 720) - 1 / 24) + 1 / 2
    cosine = 1 - square * versine
    for _ in range(2):
        sine, cosine = 2 * sine * cosine, 1 - 2 * sine * sine
    return sine, cosine


@numba.njit(error_model="numpy", cache=True)
def _turn_phases(real, imaginary, energies, phase):
    """Multiply every amplitude by exp(-i phase E)."""
    for row in range(real.size):
        sine, cosine = _sine_and_cosine(energies[row] * phase)
        old = real[row]
        real[row] = old * cosine + imaginary[row] * sine
        imaginary[row] = imaginary[row] * cosine - old * sine


@numba.njit(error_model="numpy", cache=True)
def _turn_spins(real, imaginary, angle):
    """exp(i angle X) on every spin, one after another."""
    flip, stay = _sine_and_cosine(angle)
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


@numba.njit(error_model="numpy", parallel=True, cache=True)
def evolve(real, imaginary, energies, phases, angles):
    """Evolve B states in place. real, imaginary, energies: (B, 2^N) float64. angles: (K,), phases: (K + 1,)."""
    for image in numba.prange(real.shape[0]):
        for step in range(angles.size):
            _turn_phases(real[image], imaginary[image], energies[image], phases[step])
            _turn_spins(real[image], imaginary[image], angles[step])
        _turn_phases(real[image], imaginary[image], energies[image], phases[angles.size])
