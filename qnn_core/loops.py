"""Compiled loops of networks and their training, by numba.

Every sum is made in one order and nothing is reassociated, so that the width of the processor's vectors does not change a bit.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import float32

_compiled = numba.njit(error_model="numpy", cache=True)


@_compiled
def class_rewards(driven, pulls, rewards):
    """Write sum_j |driven[i, j] + pulls[j, c]| of every image i and class c into `rewards` (B, C).

    driven: (B, N_h) fields of the hidden spins. pulls: (N_h, C) what the code of a class adds to them. All float32.
    """
    rewards[:] = 0
    for image in range(len(driven)):
        for spin in range(len(pulls)):
            for label in range(pulls.shape[1]):
                rewards[image, label] += abs(driven[image, spin] + pulls[spin, label])


@_compiled
def code_spins(driven, pulls, codes, classes, spins):
    """Write into `spins` (B, R, N_h + O) the states of lowest energy with the outputs held at the codes of `classes` (B, R).

    driven: as for `class_rewards`. pulls: (C, N_h). codes: (C, O).
    """
    hidden = pulls.shape[1]
    for image in range(classes.shape[0]):
        for read in range(classes.shape[1]):
            label, state = classes[image, read], spins[image, read]
            for spin in range(hidden):
                state[spin] = 1 if driven[image, spin] + pulls[label, spin] >= 0 else -1
            state[hidden:] = codes[label]


@_compiled
def shown_classes(outputs, labels, shown):
    """Write into `shown` (B, R) the class whose code overlaps most with the outputs (B, R, C, copies): of several the right one last.

    labels: (B,) the right classes.
    """
    for image in range(shown.shape[0]):
        for read in range(shown.shape[1]):
            best, most = -1, -outputs.shape[3] - 1
            for label in range(outputs.shape[2]):
                overlap = 0
                for copy in range(outputs.shape[3]):
                    overlap += outputs[image, read, label, copy]
                if overlap > most or (overlap == most and best == labels[image]):
                    best, most = label, overlap
            shown[image, read] = best


@_compiled
def count_distinct(spins, chosen):
    """How many different states there are among the chosen (B, R) of `spins` (B, R, N), image by image."""
    number = 0
    for image in range(chosen.shape[0]):
        for read in range(chosen.shape[1]):
            new = chosen[image, read]
            for earlier in range(read):
                if new and chosen[image, earlier]:
                    new = not np.array_equal(spins[image, read], spins[image, earlier])
            number += new
    return number


@_compiled
def collect(lowered, raised, weights, states, shares, sums):
    """Gather the states of a cut and their shares in it, image by image.

    lowered: (B, K, N), which share -sum_r weights[i, r] alike. raised, weights: (B, R, N), (B, R). states (M, N), shares (M,): room for those
    of the A images with a weight that is not zero. sums: (A, N), room for sum_m shares[m] states[m] of each.
    """
    row, place = 0, 0
    for image in range(len(weights)):
        if not weights[image].any():
            continue
        sums[place] = 0
        each = -weights[image].sum() / float32(lowered.shape[1])
        for state in lowered[image]:
            _add(state, each, states[row], sums[place])
            shares[row] = each
            row += 1
        for read in np.flatnonzero(weights[image]):
            _add(raised[image, read], weights[image, read], states[row], sums[place])
            shares[row] = weights[image, read]
            row += 1
        place += 1


@numba.njit(error_model="numpy", inline="always")
def _add(spins, share, state, total):
    for spin in range(len(spins)):
        state[spin] = spins[spin]
        total[spin] += share * state[spin]


@_compiled
def adam_step(parameter, gradient, mean, square, lr, step):
    """One step of Adam (Kingma, Ba, arXiv:1412.6980) on flat arrays in place; step: its number, from 1."""
    rate = float32(lr / (1 - 0.9**step))
    scale = float32(1 / np.sqrt(1 - 0.999**step))
    for at in range(len(parameter)):
        mean[at] = float32(0.9) * mean[at] + float32(0.1) * gradient[at]
        square[at] = float32(0.999) * square[at] + float32(0.001) * (gradient[at] * gradient[at])
        parameter[at] -= rate * mean[at] / (scale * np.sqrt(square[at]) + float32(1e-8))


@_compiled
def approach(value, target, weight):
    """value + weight (target - value) on flat arrays, in place."""
    for at in range(len(value)):
        value[at] += weight * (target[at] - value[at])
