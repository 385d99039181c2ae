"""A stored training as a script for the book's page that needs no Python: networks along it, and images to show them."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from qnn_core.data import Dataset
from studies.stored import Result, network_at, steps_of


def packed(numbers: np.ndarray) -> dict[str, Any]:
    """Numbers as whole multiples of `step`, a power of two, of 24 bits each: as exact as float32 is for the largest of them."""
    step = float(2.0 ** (np.frexp(np.abs(numbers).max())[1] - 23))
    whole = np.clip(np.rint(numbers.ravel() / step), None, 2**23 - 1).astype("<i4")
    return {"step": step, "bytes": base64.b64encode(whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()).decode()}


def network_script(training: Result, data: Dataset, moments: int = 10, each: int = 2, hard: int = 4) -> str:
    """JavaScript that defines DRAGON: networks of one hidden layer along a training, the untrained one first, and test images.

    moments: how many networks. each: images of every class. hard: more of those that the trained network gets wrong.
    """
    steps = steps_of(training)
    networks = {step: network_at(training, step) for step in [steps[0], *steps[1:][1 - moments :]]}
    net = networks[steps[-1]]
    centre = np.zeros(net.sizes[0]) if net.centre is None else net.centre
    rows = [np.flatnonzero(data.y_test == label)[:each] for label in range(data.num_classes)]
    wrong = np.setdiff1d(np.flatnonzero(net.predict(data.x_test) != data.y_test), rows)[:hard]
    rows = [*np.concatenate(rows).tolist(), *wrong.tolist()]
    content = {
        "sizes": net.sizes,
        "copies": net.copies,
        "centre": packed(centre),
        "margin": training.provenance["parameters"]["margin"],
        "sweeps": training.provenance["parameters"]["sweeps"],
        "images": [{"row": row, "label": int(data.y_test[row]), "pixels": packed(data.x_test[row])} for row in rows],
        "moments": [
            {
                "step": step,
                "error": one.error(data.x_test, data.y_test),
                "parameters": [packed(values) for values in one.parameters],
            }
            for step, one in networks.items()
        ],
    }
    return f"const DRAGON = {json.dumps(content)};\n"
