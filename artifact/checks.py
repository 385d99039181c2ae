"""Rules between parameters, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from typing import Any

from artifact.files import ROOT
from qnn_core.data import size_of
from qnn_core.limits import MAX_OUTPUTS, MAX_SPINS, MAX_TREE_OUTPUTS

RULES: tuple[tuple[Callable[..., bool], str], ...] = (
    (lambda coldest, hottest: coldest < hottest, "coldest must be below hottest"),
    (lambda least, largest: least < largest, "least must be below largest"),
    (lambda sweeps, measurements: sweeps >= 8 * measurements, "sweeps must be at least 8 x measurements"),
    (lambda rate_seeds, seeds: rate_seeds <= len(seeds), "rate_seeds must not exceed the number of seeds"),
    (lambda wrong, rule: wrong != "spins" or rule != "completed", "wrong = 'spins' needs another rule than completed"),
    (lambda lr, rates: lr is None or rates is None, "give at most one of them"),
    (lambda method, lr, rates: lr is not None or rates is not None, "give lr or rates"),
    (lambda reads_tried, epochs, reads: not any(epochs * reads % tried for tried in reads_tried),
     "reads_tried: expected divisors of epochs x reads, so that runs with equally many reads are whole epochs"),
    (lambda windows, layers: all(window["width"] <= len(layers) + 1 for window in windows),
     "width must not exceed the layers of hidden and output spins"),
    (lambda classes, labels: len(set(classes)) == len(classes) and set(classes) <= set(range(labels)),
     "classes: expected different ones of the labels, which count from 0"),
    (lambda batch_size, training: batch_size <= training, "batch_size must not exceed the training images"),
    (lambda image, test: image < test, "image must be below the number of test images, since they count from 0"),
    (lambda image, images, training: images <= training, "images must not exceed the training images"),
    (lambda hidden_per_output, images, test: images <= test, "images must not exceed the test images"),
    (lambda train_images, batch_size, training: all(batch_size <= part <= training for part in _listed(train_images)),
     "train_images: expected at least batch_size, and at most all training images"),
    (lambda train_images, held_out, training: all(part <= training - math.ceil(training * held_out) for part in _one(train_images)),
     "train_images must not exceed what is not held out"),
    (lambda layers, sampled_by: len(layers) == 1 or not {"exact", "collapsed", "energy"} & set(sampled_by),
     "hidden: exact, collapsed and energy must have one hidden layer"),
    (lambda outputs, sampled_by: outputs <= MAX_OUTPUTS or "exact" not in sampled_by,
     f"exact enumerates at most {MAX_OUTPUTS} outputs, classes x copies"),
    (lambda layers, outputs, sampled_by: sum(layers) + outputs <= MAX_SPINS or "coherent" not in sampled_by,
     f"coherent holds at most {MAX_SPINS} spins"),
    (lambda outputs, samplers, classes: len(classes) <= outputs, "outputs must be at least the number of classes"),
    (lambda hidden, outputs, steps: hidden + outputs <= MAX_SPINS,
     f"hidden + outputs must be at most {MAX_SPINS} spins, for exact dynamics"),
    (lambda search_hidden, outputs: search_hidden + outputs <= MAX_SPINS,
     f"search_hidden + outputs must be at most {MAX_SPINS} spins, for exact dynamics"),
    (lambda image, classes, outputs: outputs <= MAX_TREE_OUTPUTS,
     f"the tree of minima has at most {MAX_TREE_OUTPUTS} outputs, classes x copies"),
    (lambda least, outputs: outputs <= MAX_OUTPUTS, f"weights are enumerated for at most {MAX_OUTPUTS} outputs, classes x copies"),
)  # fmt: skip
"""Rules, with what to say when one is broken; each applies to the notebooks that have all parameters that it names."""


def broken(values: Mapping[str, Any]) -> Iterator[str]:
    """One line for each rule that a notebook's parameters, as JSON has them, break."""
    known = {**_derived(values), **values}
    for rule, allowed in RULES:
        names = list(signature(rule).parameters)
        if all(name in known for name in names) and not rule(*(known[name] for name in names)):
            yield ", ".join(f"{name} = {known[name]!r}" for name in names) + f": {allowed}"


def _derived(values: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from values: numbers of labels, training and test images; hidden layers, output spins, and all that samples them."""
    samplers = (values.get(name) for name in ("sampler", "method", "samplers", "searchers"))
    found: dict[str, Any] = {"sampled_by": sorted({name for one in samplers for name in _listed(one)})}
    if layers := _listed(values.get("hidden", values.get("width"))):
        found["layers"] = layers
    if "dataset" in values:
        size = size_of(values["dataset"], ROOT)
        found |= {"labels": size.labels, "training": size.train, "test": size.test}
        for copies in _one(values.get("copies", 1)):
            found["outputs"] = copies * len(values.get("classes", range(size.labels)))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _one(value: Any) -> list[Any]:
    """The value, if it is one number."""
    return [value] if isinstance(value, int) else []
