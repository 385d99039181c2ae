"""The network: an energy over hidden and output spins, driven by an image through fields on the first hidden layer.

    E(s, y | x) = - x.W_0.s^1 - sum_l s^l.W_l.s^(l+1) - sum_l b_l.s^l ,      s^(L+1) = y

Every image is one Ising problem with the same couplings W_1 .. W_L and its own fields (`QNN.problem`). A class c is written
on the outputs as its code t_c: one-hot in {-1, +1}, each entry repeated `copies` times. This architecture is a
reconstruction: the abstract of arXiv:2506.05244 names a network trained by an annealer on MNIST digits, not its layout.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import copy
from itertools import pairwise
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int64

from qnn_core.errors import DamagedFile, InvalidInput, MissingData, check, check_choice, check_count, check_number
from qnn_core.files import atomic_write, read_arrays, shown
from qnn_core.inputs import Images, Labels, Rows, Scaling, as_rows, class_numbers, some
from qnn_core.ising import IsingProblem, cool, feed_forward
from qnn_core.loops import class_rewards, image_fields, shown_classes

if TYPE_CHECKING:
    from qnn_core.data import Dataset
    from qnn_core.export import EnergyClassifier

WrongRule = Literal["class", "spins"]

_IMAGES_AT_ONCE = 512
_FORMAT = 2
"""Of the files that `QNN.save` writes."""


class QNN:
    """A layered network of Ising spins.

    sizes: (inputs, hidden ..., classes), at least three numbers; the output layer has classes * copies spins.
    copies: how often each entry of the one-hot code is repeated.
    seed: of the random initial weights. centre: an image that is subtracted from every image.

    The couplings start gaussian, scaled so that the free network (no image) has its spin-glass temperature at T_c = `glass`:
    for two layers T_c = sigma (N_1 N_2)^(1/4); in a chain the same scale is used for each pair of layers. The input weights
    have standard deviation `drive` / sqrt(inputs), so the field of an image on a hidden spin is of order `drive` times its pixels' root
    mean square.

    Attributes: `weights`, a list of float32 matrices, weights[0] (inputs, N_1) and weights[l] (N_l, N_(l+1)); `biases`, a
    list of float32 vectors, one for each layer of spins; `codes`, (classes, outputs) int8. Energies are dimensionless. A network made by
    `for_data` has the `classes` (their names) and the `scaling` of the data; otherwise classes are numbers from 0, and there is no scaling.
    `origin`: a note on where the network comes from, stored with it.

    In all methods x is B scaled images (B, inputs) float32, and labels are their classes (B,) int64, from 0; other shapes and types raise
    InvalidInput. Only `predict` and `error` accept unscaled rows and the names of classes.

    >>> net = QNN(sizes=(64, 12, 10), copies=2, seed=0)
    >>> net.layers, net.weights[0].shape, net.codes.shape
    ((12, 20), (64, 12), (10, 20))
    >>> net.predict(np.zeros((3, 64), np.float32)).shape
    (3,)
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        copies: int = 1,
        seed: int = 0,
        *,
        glass: float = 1.0,
        drive: float = 1.0,
        centre: Float32[np.ndarray, " D"] | None = None,
    ) -> None:
        whole = isinstance(sizes, tuple | list) and all(
            isinstance(size, Integral) and not isinstance(size, bool) for size in sizes
        )
        allowed = "(inputs, hidden ..., classes), whole numbers, with at least one hidden layer and two classes"
        check(whole and len(sizes) >= 3 and min(sizes) >= 1 and sizes[-1] >= 2, "sizes", sizes, allowed)
        check_count("copies", copies)
        check_count("seed", seed, least=0)
        check_number("glass", glass, above=True)
        check_number("drive", drive, above=True)
        if centre is not None and (centre.shape != (sizes[0],) or not np.isfinite(centre).all()):
            raise InvalidInput("centre", f"shape {centre.shape}", f"an image of {sizes[0]} finite numbers, or None")
        self.sizes = tuple(map(int, sizes))
        self.centre = centre
        self.copies = copies
        self.seed = seed
        self.classes: np.ndarray = np.arange(sizes[-1])
        self.scaling = Scaling()
        self.origin: dict[str, str] = {}
        self.layers = (*sizes[1:-1], sizes[-1] * copies)
        self.codes: Int8[np.ndarray, "C O"] = np.repeat(2 * np.eye(sizes[-1], dtype=np.int8) - 1, copies, axis=1)
        random = np.random.default_rng(seed)
        scales = [drive / np.sqrt(sizes[0])]
        scales += [glass / (left * right) ** 0.25 for left, right in pairwise(self.layers)]
        self.weights: list[Float32[np.ndarray, "_ _"]] = [
            (scale * random.standard_normal(shape)).astype(np.float32)
            for scale, shape in zip(scales, pairwise((sizes[0], *self.layers)), strict=True)
        ]
        self.biases: list[Float32[np.ndarray, " _"]] = [np.zeros(size, np.float32) for size in self.layers]

    @classmethod
    def for_data(cls, data: Dataset, hidden: tuple[int, ...] = (120,), copies: int = 4, seed: int = 0, **options: float) -> QNN:
        """A network to train on `data`, with its numbers of inputs and classes, its mean training image as centre, its names and its scaling.

        hidden: spins of each hidden layer. copies, seed, options: as above.

        >>> from qnn_core.data import Dataset
        >>> data = Dataset.from_arrays([[150.0], [160.0], [180.0], [190.0]], ["short", "short", "tall", "tall"], test=0.5)
        >>> QNN.for_data(data, hidden=(3,), copies=1)
        QNN(1-3-2, copies=1, 14 parameters, 2 classes short, tall, scaling 'standard')
        """
        layers = hidden if isinstance(hidden, tuple | list) else (hidden,)
        net = cls((data.num_pixels, *layers, data.num_classes), copies, seed, centre=data.x_train.mean(axis=0), **options)
        net.classes, net.scaling, net.origin = data.classes, data.scaling, {"data": data.name, "data_sha256": data.sha256}
        return net

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        count = sum(parameter.size for parameter in self.parameters)
        classes = f"{self.num_classes} classes {some(self.classes)}"
        return f"QNN({sizes}, copies={self.copies}, {count:,} parameters, {classes}, scaling {self.scaling.rule!r})"

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.sizes[-1]

    @property
    def parameters(self) -> list[np.ndarray]:
        """The arrays that training changes, weights first: the network's own memory, not copies."""
        return [*self.weights, *self.biases]

    def copy(self) -> QNN:
        """An independent network with the same parameters."""
        twin = copy(self)
        twin.weights, twin.biases = [value.copy() for value in self.weights], [value.copy() for value in self.biases]
        return twin

    def set_parameters(self, values: list[np.ndarray]) -> None:
        """Overwrite all parameters with arrays of the same shapes, in the order of `parameters`."""
        shapes, expected = ([value.shape for value in arrays] for arrays in (values, self.parameters))
        check(shapes == expected, "values", f"shapes {shapes}", f"shapes {expected}")
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter[...] = value

    def layout(self) -> dict[str, np.ndarray]:
        """What defines the network besides its parameters, as arrays to store: `sizes`, `copies`, and any of `centre`, names of
        classes and scaling."""
        stored = {"sizes": np.array(self.sizes), "copies": np.array(self.copies)}
        if self.centre is not None:
            stored["centre"] = self.centre
        if not np.array_equal(self.classes, np.arange(self.num_classes)):
            stored["classes"] = self.classes
        if self.scaling.rule != "none":
            stored |= {"rule": np.array(self.scaling.rule), "offset": self.scaling.offset, "scale": self.scaling.scale}
        return stored

    @classmethod
    def assembled(cls, layout: Mapping[str, np.ndarray], parameters: list[np.ndarray], seed: int = 0) -> QNN:
        """The network with this `layout` and these `parameters`; raises InvalidInput where they do not fit each other.

        seed: of its initial weights, if that is known."""
        net = cls(tuple(layout["sizes"].tolist()), layout["copies"].item(), seed, centre=layout.get("centre"))
        net.set_parameters(parameters)
        net.classes = layout.get("classes", net.classes)
        if "rule" in layout:
            net.scaling = Scaling(layout["rule"].item(), layout["offset"], layout["scale"])
        numbers = (net.scaling.offset, net.scaling.scale)
        fits = all(values.shape in ((), net.sizes[:1]) and np.isfinite(values).all() for values in numbers)
        allowed = "a name for each class, and a scaling of the inputs"
        check(fits and net.classes.shape == (net.num_classes,), "layout", f"{len(net.classes)} names", allowed)
        return net

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to `path`, an .npz file, whole or not at all; raises NotWritten if that is impossible."""
        parameters = {f"parameter_{number}": value for number, value in enumerate(self.parameters)}
        told: dict[str, Any] = {"format": _FORMAT, "seed": self.seed, "origin": json.dumps(self.origin), "codes": self.codes}
        with atomic_write(path) as file:
            np.savez(file, allow_pickle=False, **told, **self.layout(), **parameters)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> QNN:
        """The network in a file of `save`.

        Raises MissingData where there is none, and DamagedFile for what is damaged, no network, or of another format; nothing is unpickled.
        """
        if not Path(path).is_file():
            raise MissingData(f"{shown(path)} does not exist; QNN.save writes such files.")
        remedy = "save the network again"
        arrays = read_arrays(path, remedy)
        if "format" not in arrays or arrays["format"].tolist() != _FORMAT:
            raise DamagedFile(f"{shown(path)} is no network of format {_FORMAT}; {remedy}.")
        parameters = [value for name, value in arrays.items() if name.startswith("parameter_")]
        try:
            net = cls.assembled(arrays, parameters, arrays["seed"].item())
            net.origin = dict(json.loads(arrays["origin"].item()))
            fits = np.array_equal(arrays["codes"], net.codes)
            check(fits, "codes", f"shape {arrays['codes'].shape}", "one-hot codes of the classes, with copies")
        except (LookupError, TypeError, ValueError, RecursionError) as failure:
            raise DamagedFile(f"{shown(path)} is no whole network ({failure}); {remedy}.") from failure
        return net

    def measured(self, x: Float32[np.ndarray, "B D"]) -> Float32[np.ndarray, "B D"]:
        """Images minus `centre`."""
        return x if self.centre is None else x - self.centre

    def problem(self, x: Float32[np.ndarray, "B D"]) -> IsingProblem:
        """The Ising problems of B images: fields (B, N), couplings shared."""
        check(x.ndim == 2 and x.shape[1] == self.sizes[0], "x", f"shape {x.shape}", f"shape (images, {self.sizes[0]})")
        if x.dtype != np.float32:  # Its name takes long to tell, and this is asked before every update.
            raise InvalidInput("x", f"dtype {x.dtype}", "float32; QNN.scaled makes it of numbers as they came")
        fields = np.empty((len(x), sum(self.layers)), np.float32)
        first = self.layers[0]
        offset = self.biases[0] if self.centre is None else self.biases[0] - self.centre @ self.weights[0]
        # One kind of array, for which the loop is compiled: images on disk cannot be written, say.
        image_fields(np.require(x, requirements=["C", "W"]), self.weights[0], offset, fields)
        fields[:, first:] = np.concatenate(self.biases[1:])
        return IsingProblem(self.layers, fields, tuple(self.weights[1:]))

    def nudged(self, free: IsingProblem, labels: Int64[np.ndarray, " B"], nudge: float) -> IsingProblem:
        """The problems with a field of `nudge` on each output spin towards its image's target code."""
        fields = free.fields.copy()
        fields[:, free.layer_slices[-1]] += np.float32(nudge) * self.codes[labels]
        return IsingProblem(free.layers, fields, free.couplings)

    def held(self, free: IsingProblem, labels: Int64[np.ndarray, " B"]) -> IsingProblem:
        """The problems of the hidden spins alone, with the outputs held at each image's target code, from the problems `free` of the images.

        Its energies leave out the constant -b_y.t_c of the outputs' own bias.
        """
        hidden = sum(self.layers[:-1])
        fields = free.fields[:, :hidden].copy()
        fields[:, hidden - self.layers[-2] :] += self.codes[labels] @ self.weights[-1].T
        return IsingProblem(self.layers[:-1], fields, tuple(self.weights[1:-1]))

    def clamped(self, x: Float32[np.ndarray, "B D"], labels: Int64[np.ndarray, " B"]) -> Int8[np.ndarray, "B N"]:
        """The lowest state found, without sampling, with the outputs held at the target.

        One hidden layer: s = sign(a + W t_c), exact. Deeper: a local minimum, by `qnn_core.ising.cool`.
        """
        return self.clamp(self.problem(x), labels)

    def clamp(self, free: IsingProblem, labels: Int64[np.ndarray, " B"]) -> Int8[np.ndarray, "B N"]:
        """As `clamped`, from the problems of the images."""
        hidden = self.held(free, labels)
        spins = feed_forward(hidden) if len(hidden.layers) == 1 else cool(hidden)
        return np.concatenate([spins, self.codes[labels]], axis=1)

    def energies_of_classes(self, free: IsingProblem) -> Float32[np.ndarray, "B C"]:
        """As `class_energies`, from the problems of the images."""
        if len(self.layers) == 2:
            hidden, outputs = free.split(free.fields)
            rewards = np.empty((free.num_images, self.num_classes), np.float32)
            class_rewards(hidden, self.weights[1] @ self.codes.T, rewards)
            return -rewards - outputs @ self.codes.T
        labels = np.arange(self.num_classes).repeat(free.num_images)
        everyone = free.select(np.tile(np.arange(free.num_images), self.num_classes))
        energies = everyone.energy(self.clamp(everyone, labels)[:, None])
        return np.ascontiguousarray(energies.reshape(self.num_classes, -1).T)

    def class_energies(self, x: Images) -> Float32[np.ndarray, "B C"]:
        """Energy of the clamped state of every class; the network answers with the lowest.

        One hidden layer: min_s E(s, t_c | x) = - sum_j |a_j + (W t_c)_j| - b.t_c, exact and free of any sampling.
        """
        parts = (x[first : first + _IMAGES_AT_ONCE] for first in range(0, len(x), _IMAGES_AT_ONCE))
        return np.concatenate([self.energies_of_classes(self.problem(part)) for part in parts])

    def decide(self, x: Images) -> Int64[np.ndarray, " B"]:
        """The class with the lowest clamped energy, found without sampling."""
        return np.argmin(self.class_energies(x), axis=1)

    def scaled(self, x: Rows) -> Images:
        """Unscaled rows, scaled for the network; x: arrays, lists, pandas tables or tensors, (rows, features) or images."""
        rows = as_rows("x", x)
        allowed = f"shape (rows, {self.sizes[0]}), or images of {self.sizes[0]} pixels in all"
        check(rows[0].size == self.sizes[0], "x", f"shape {rows.shape}", allowed)
        scaled = self.scaling.of(rows)
        self.scaling.check("x", scaled)
        return scaled

    def predict(self, x: Rows) -> np.ndarray:
        """The name of the class of each row (rows,), found without sampling; x: unscaled rows, see `scaled`."""
        return self.classes[self.decide(self.scaled(x))]

    def error(self, x: Rows, labels: Labels) -> float:
        """Fraction of the rows that `predict` gets wrong; labels: their classes (rows,), named as in the data that the network is for."""
        numbers = class_numbers("labels", labels, self.classes)
        scaled = self.scaled(x)
        check(len(scaled) == len(numbers), "x, labels", f"{len(scaled)} rows, {len(numbers)} labels", "a label for each row")
        return float(np.mean(self.decide(scaled) != numbers))

    def class_overlaps(self, outputs: Int8[np.ndarray, "*batch O"]) -> Int64[np.ndarray, "*batch C"]:
        """Sum of the output spins that belong to each class: the larger, the closer to that class's code."""
        return outputs.reshape(*outputs.shape[:-1], self.num_classes, self.copies).sum(axis=-1, dtype=np.int64)

    def decode(self, outputs: Int8[np.ndarray, "*batch O"]) -> Int64[np.ndarray, "*batch"]:
        """The class whose code overlaps most with the outputs; ties go to the lowest number."""
        return np.argmax(self.class_overlaps(outputs), axis=-1)

    def shown(self, outputs: Int8[np.ndarray, "B R O"], labels: Int64[np.ndarray, " B"]) -> Int64[np.ndarray, "B R"]:
        """The class that each read shows: the one it decodes to; in a tie with the right class, `labels`, the other one."""
        shown = np.empty(outputs.shape[:2], np.int64)
        shown_classes(outputs, self.copies, labels, shown)
        return shown

    def is_wrong(
        self, outputs: Int8[np.ndarray, "B R O"], labels: Int64[np.ndarray, " B"], rule: WrongRule = "class"
    ) -> Bool[np.ndarray, "B R"]:
        """Which reads do not show the target; `rule` says what counts.

        "class": another class's code overlaps at least as much as the target's (so a tie is wrong).
        "spins": any output spin differs from the target code.
        """
        if rule == "spins":
            return (outputs != self.codes[labels][:, None, :]).any(axis=-1)
        check_choice("rule", rule, get_args(WrongRule))
        return self.shown(outputs, labels) != labels[:, None]

    def to_torch(self) -> EnergyClassifier:
        """A plain `torch.nn.Module` that maps images (B, inputs) to class scores (B, classes), minus `class_energies`.

        It takes unscaled images; the scaling is part of its first layer.
        """
        from qnn_core.export import EnergyClassifier

        return EnergyClassifier(self)
