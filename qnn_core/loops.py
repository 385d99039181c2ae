"""Compiled loops of networks and their training, by numba.

Every sum is made in one order and nothing is reassociated, so that the width of the processor's vectors does not change a bit.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import float32

_compiled = numba.njit(error_model="numpy", cache=True)
_over_images = numba.njit(error_model="numpy", cache=True, parallel=True)
_PIXELS = 96
"""Of a block, whose weights and their averages fit a processor's cache. With 96, products of blocks were those of the whole bit for bit; with
98 and 112, last bits differed (OpenBLAS 0.3.30)."""


@_compiled
def all_finite(matrix):
    """Whether no number is NaN or infinite."""
    for row in matrix:
        for value in row:
            if not np.isfinite(value):
                return False
    return True


@_compiled
def sum_of_squares(matrix):
    """In double precision."""
    total = 0.0
    for row in matrix:
        for value in row:
            total += np.float64(value) * np.float64(value)
    return total


@_over_images
def image_fields(x, weights, offset, fields):
    """Write offset[j] + sum_d x[i, d] weights[d, j] into the first columns of `fields` (B, N), passing over pixels that are 0, as most are.

    x: (B, D). weights: (D, N_h). offset: (N_h,). All float32.
    """
    for image in numba.prange(len(x)):
        _add_pixels(x[image], weights, offset, fields[image, : len(offset)])


@_compiled
def _add_pixels(pixels, weights, offset, total):
    total[:] = offset
    bright = np.flatnonzero(pixels)
    fours = len(bright) - len(bright) % 4
    for place in range(0, fours, 4):
        a, b, c, d = bright[place], bright[place + 1], bright[place + 2], bright[place + 3]
        of_a, of_b, of_c, of_d = pixels[a], pixels[b], pixels[c], pixels[d]
        row_a, row_b, row_c, row_d = weights[a], weights[b], weights[c], weights[d]
        for spin in range(len(total)):
            total[spin] = total[spin] + of_a * row_a[spin] + of_b * row_b[spin] + of_c * row_c[spin] + of_d * row_d[spin]
    for pixel in bright[fours:]:
        value, row = pixels[pixel], weights[pixel]
        for spin in range(len(total)):
            total[spin] += value * row[spin]


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
def shown_classes(outputs, copies, labels, shown):
    """Write into `shown` (B, R) the class whose code overlaps most with the outputs (B, R, C * copies); ties go against the right class.

    labels: (B,) the right classes. copies: of each entry of a code.
    """
    for image in range(shown.shape[0]):
        for read in range(shown.shape[1]):
            best, most = -1, -copies - 1
            for label in range(outputs.shape[2] // copies):
                overlap = 0
                for copy in range(label * copies, label * copies + copies):
                    overlap += outputs[image, read, copy]
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
def approach(values, targets, weight):
    """value + weight (target - value) on tuples of flat arrays, in place."""
    for value, target in zip(values, targets):  # noqa: B905  numba knows no strict.
        for at in range(len(value)):
            value[at] += weight * (target[at] - value[at])


@_compiled
def cut(x, centre, labels, fields, codes, spins, energies, forms, margin, strict, images, lr, step, parameters, means, squares):
    """Find the heads among the reads of a network with one hidden layer, and cut the deepest of each image by one step of Adam.

    x, centre: (B, D) images and what is subtracted from them. labels: (B,) their classes. fields: (B, N). codes: (C, O). spins, energies:
    (B, R, N), (B, R) of the reads. forms: whether reads count as they are, and completed. strict: whether one wrong output spin makes a read
    wrong. images: over how many the gradient is a mean. parameters: weights of the images, couplings, and the biases of both layers; means,
    squares: Adam's, of each; all flat. Returns for each image whether it had a part in the cut; and of the first of the forms, how many
    images have heads, how many heads there are, and how many different ones.
    """
    hidden, outputs, num_spins = len(parameters[2]), len(parameters[3]), spins.shape[2]
    couplings, classes = parameters[1].reshape(hidden, outputs), np.ascontiguousarray(codes.T).astype(np.float32)
    own = np.dot(np.ascontiguousarray(fields[:, hidden:]), classes)
    pulls, code_pulls = np.dot(couplings, classes), np.dot(codes.astype(np.float32), couplings.T)
    states, shares = np.zeros((len(x), 3, num_spins), np.float32), np.zeros((len(x), 3, 1), np.float32)
    counts = np.empty((len(x), 2), np.int64)
    _find_deepest(fields, own, pulls, code_pulls, codes, labels, margin, strict, forms, spins, energies, states, shares, counts)
    changing = shares[:, 0, 0] != 0
    active = np.flatnonzero(changing)
    if active.size:
        scale, chosen = float32(1 / images), states[active]
        shared = chosen * shares[active]
        sums = scale * shared.sum(axis=1)
        _learn_images(x[active] - centre, np.ascontiguousarray(sums[:, :hidden]), parameters[0], means[0], squares[0], lr, step)
        left = np.ascontiguousarray(shared.reshape(-1, num_spins)[:, :hidden])
        right = np.ascontiguousarray(chosen.reshape(-1, num_spins)[:, hidden:])
        total = scale * shared.reshape(-1, num_spins).sum(axis=0)
        gradients = scale * np.dot(left.T, right).reshape(-1), total[:hidden], total[hidden:]
        for place in range(len(gradients)):
            adam_step(parameters[place + 1], gradients[place], means[place + 1], squares[place + 1], lr, step)
    return changing, (np.count_nonzero(counts[:, 0]), counts[:, 0].sum(), counts[:, 1].sum())


@_over_images
def _find_deepest(fields, own, pulls, code_pulls, codes, labels, margin, strict, forms, spins, energies, states, shares, counts):
    """The states (B, 3, N) of a cut and their shares in it: of each image the right answer, and the deepest head in each form."""
    for image in numba.prange(len(labels)):
        one = slice(image, image + 1)
        _deepest_of_one(
            fields[one, : len(pulls)], own[image], pulls, code_pulls, codes, labels[one], margin, strict, forms,
            spins[one], energies[image], states[one], shares[image, :, 0], counts[image],
        )  # fmt: skip


@_compiled
def _deepest_of_one(driven, own, pulls, code_pulls, codes, label, margin, strict, forms, spins, energies, states, shares, counts):
    hidden, right, reads = len(pulls), label[0], len(energies)
    rewards, shown = np.empty((1, len(own)), np.float32), np.empty((1, reads), np.int64)
    class_rewards(driven, pulls, rewards)
    classes = -rewards[0] - own
    shown_classes(spins[:, :, hidden:], codes.shape[1] // len(codes), label, shown)
    heads, depths = np.empty((2, reads), np.bool_), np.empty((2, reads), np.float32)
    for read in range(reads):
        depths[0, read], depths[1, read] = energies[read], classes[shown[0, read]]
        heads[:, read] = shown[0, read] != right
        if strict:
            heads[0, read] = not np.array_equal(spins[0, read, hidden:], codes[right])
    code_spins(driven, code_pulls, codes, label.reshape(1, 1), states[:, :1])
    for form in range(2):
        heads[form] &= forms[form] & (depths[form] <= classes[right] + margin)
        if heads[form].any():
            deepest = np.where(heads[form], depths[form], np.inf).argmin()
            shares[form + 1] = 1 / (forms[0] + forms[1])
            if form == 0:
                states[0, 1] = spins[0, deepest]
            else:
                code_spins(driven, code_pulls, codes, shown[:, deepest : deepest + 1], states[:, 2:])
    shares[0] = -shares[1] - shares[2]
    first = 0 if forms[0] else 1
    counts[0] = heads[first].sum()
    counts[1] = count_distinct(spins, heads[:1]) if forms[0] else count_distinct(shown.reshape(1, reads, 1), heads[1:])


@_over_images
def _learn_images(measured, sums, weights, mean, square, lr, step):
    """A step of Adam on the weights of the images; a block of pixels at a time stays near the processor."""
    pixels, hidden = measured.shape[1], sums.shape[1]
    for block in numba.prange((pixels + _PIXELS - 1) // _PIXELS):
        begin, end = block * _PIXELS, min(block * _PIXELS + _PIXELS, pixels)
        gradient = np.dot(np.ascontiguousarray(measured[:, begin:end]).T, sums)
        part = slice(begin * hidden, end * hidden)
        adam_step(weights[part], gradient.reshape(-1), mean[part], square[part], lr, step)
