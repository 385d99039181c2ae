"""A network to play with: change a setting and look again, cut heads a few updates at a time, ask about a digit of your own.

No widgets here: `artifact.controls` puts sliders in front of a `Playground`, and tests drive it without them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from PIL import Image

from artifact.parameters import PlaygroundParameters, notebook_parameters
from qnn_core.data import Dataset, load_dataset
from qnn_core.errors import InvalidInput
from qnn_core.landscape.minima import count_minima, quench
from qnn_core.landscape.overlaps import overlap, overlap_bins
from qnn_core.landscape.view import Landscape, landscape
from qnn_core.network import QNN
from qnn_core.samplers import Sampler, get_sampler
from qnn_core.samplers.base import derived_seed
from qnn_core.threads import one_thread_for_algebra
from qnn_core.training import Rules, TrainingRun, default_rate
from studies.plots import label_panels, plot_landscape, step_axis

_NEW_NETWORK = {"hidden", "epochs", "batch_size", "seed"}
"""Settings that a network keeps for life; all others act on the one that is there."""
_COUNTED = 12
"""Most output spins whose minima are counted while somebody waits."""


@dataclass(frozen=True, eq=False)
class View:
    """One image as the network sees it now.

    label: the answer that counts as right; for a drawing, the network's own. energies: (C,) clamped energy of each class above the lowest.
    reads: the annealed reads seen from the target. heads: (R,) which of them are heads. overlaps: (P,) of all pairs of the reads, each brought
    to the minimum below it. minima: exact number of minima, None where there are too many outputs to count in a moment.
    """

    label: int
    energies: Float64[np.ndarray, " C"]
    reads: Landscape
    heads: Bool[np.ndarray, " R"]
    overlaps: Float64[np.ndarray, " P"]
    minima: int | None

    @property
    def answer(self) -> int:
        """The class that the network answers with."""
        return int(self.energies.argmin())


@dataclass
class Trace:
    """What was measured along training, one entry for each look at a new number of updates.

    heads_per_read and mean_overlap are those of the image that was looked at.
    """

    step: list[int] = field(default_factory=list)
    test_error: list[float] = field(default_factory=list)
    heads_per_read: list[float] = field(default_factory=list)
    mean_overlap: list[float] = field(default_factory=list)


class Playground:
    """A network in training, one image to look at, and the settings of both."""

    def __init__(self, settings: PlaygroundParameters) -> None:
        self.settings = settings
        self.data: Dataset = load_dataset(settings.dataset)
        self.drawing: Float32[np.ndarray, "1 D"] | None = None
        self.look_at(settings.image)
        self.restart()

    def restart(self) -> None:
        """A new, untrained network."""
        settings = self.settings
        self.net = QNN((self.data.num_pixels, settings.hidden, self.data.num_classes), seed=settings.seed)
        self.run = TrainingRun(self.net, self.data, self._sampler(), self._rules(), checkpoint=None)
        self.trace = Trace()
        self.untrained = self.view()
        self._measure(self.untrained)

    def change(self, **values: Any) -> None:
        """Change settings by name; some need a new network, the others act at once. Raises InvalidInput for unusable values."""
        if fixed := sorted({"dataset", "image"} & set(values)):
            raise InvalidInput(
                "change", fixed, "settings of the network and its reads; for another data set make another Playground"
            )
        self.settings = notebook_parameters("playground", {**self.settings.model_dump(), **values})
        if _NEW_NETWORK & set(values):
            self.restart()
        else:
            self.run.sampler, self.run.rules = self._sampler(), self._rules()

    def look_at(self, image: int) -> None:
        """Look at a test image from now on, given by its number."""
        if not 0 <= image < len(self.data.y_test):
            raise InvalidInput("image", image, f"0 .. {len(self.data.y_test) - 1}, the test images of {self.data.name}")
        self.image, self.drawing = image, None

    def look_at_drawing(self, ink: Float[np.ndarray, "H W"]) -> bool:
        """Look at a drawing from now on, dark ink as numbers towards 1; False, and nothing changes, if it is empty."""
        pixels = as_image(ink, self.data)
        if pixels is not None:
            self.drawing = pixels[None]
        return pixels is not None

    @property
    def finished(self) -> bool:
        """Whether the last update of the training has been made."""
        return self.run.done >= self.run.total

    def cut(self, updates: int = 1) -> View:
        """Make some updates of the training, fewer where it ends, and look."""
        with one_thread_for_algebra():
            for _ in range(min(updates, self.run.total - self.run.done)):
                self.run.step()
        view = self.view()
        self._measure(view)
        return view

    def view(self) -> View:
        """The image that is looked at, as the network sees it now."""
        settings, net = self.settings, self.net
        with one_thread_for_algebra():
            if self.drawing is None:
                x, label = self.data.x_test[self.image : self.image + 1], self.data.y_test[self.image : self.image + 1]
            else:
                x, label = self.drawing, net.predict(self.drawing)
            energies = net.class_energies(x)[0].astype(np.float64)
            problem = net.problem(x)
            seed = derived_seed(settings.seed, self.run.done, self.image)
            reads = self.run.sampler.sample(problem, settings.reads, seed)
            seen = landscape(net, x, label, reads)
            return View(
                int(label[0]),
                energies - energies.min(),
                seen,
                seen.wrong & (seen.energy <= settings.margin),
                overlap(quench(problem, reads))[0],
                int(count_minima(problem)[0]) if net.layers[-1] <= _COUNTED else None,
            )

    def status(self, view: View) -> str:
        """One line on where training stands and what is seen."""
        run, settings = self.run, self.settings
        what = "Your drawing" if self.drawing is not None else f"Test image {self.image}, a {view.label}"
        minima = "" if view.minima is None else f", {view.minima} minima in all"
        return (
            f"{run.done:,} of {run.total:,} updates, test error {self.trace.test_error[-1]:.1%}. {what}: answered {view.answer}; "
            f"{view.heads.sum()} heads in {settings.reads} reads{minima}."
        )

    def picture(self, view: View) -> bytes:
        """A PNG: reads over the landscape, their overlaps, errors along training, and the energy of each answer."""
        # Margins are fixed: fitting them to the labels takes longer than drawing.
        figure, axes = plt.subplots(2, 2, figsize=(8, 5.8), dpi=100, layout="none")
        figure.subplots_adjust(left=0.08, right=0.98, bottom=0.08, top=0.95, hspace=0.36, wspace=0.22)
        try:
            (reads, overlaps), (errors, answers) = axes
            plot_landscape(reads, view.reads, self.settings.margin)
            reads.set_title("energies of the reads")
            reads.legend(loc="upper right", fontsize="x-small")
            self._draw_overlaps(overlaps, view)
            self._draw_trace(errors)
            self._draw_answers(answers, view)
            label_panels(axes.ravel())
            content = BytesIO()
            figure.savefig(content, format="png", dpi=100)
        finally:
            plt.close(figure)
        return content.getvalue()

    def _draw_overlaps(self, axis: plt.Axes, view: View) -> None:
        bins = overlap_bins(sum(self.net.layers))
        for overlaps, look in (
            (self.untrained.overlaps, {"color": "0.6", "linestyle": "--", "label": "untrained"}),
            (view.overlaps, {"color": "C0", "linestyle": "-", "label": "now"}),
        ):
            axis.hist(overlaps, bins=bins, density=True, histtype="step", linewidth=1.2, **look)
        axis.set(xlim=(-1, 1.02), xticks=(-1, -0.5, 0, 0.5, 1), xlabel="overlap $q$ of two reads", ylabel="$P(q)$", title="order")
        axis.set_yscale("symlog", linthresh=1)
        axis.legend(loc="upper left", fontsize="x-small")

    def _draw_trace(self, axis: plt.Axes) -> None:
        trace = self.trace
        for values, look in (
            (trace.test_error, {"color": "C3", "linestyle": "-", "marker": "o", "label": "test error"}),
            (
                trace.heads_per_read,
                {"color": "C1", "linestyle": "--", "marker": "s", "label": "reads of the image that are heads"},
            ),
            (trace.mean_overlap, {"color": "C0", "linestyle": ":", "marker": "^", "label": "mean overlap of its reads"}),
        ):
            axis.plot(trace.step, values, markersize=2.5, **look)
        step_axis(axis)
        axis.set(ylim=(-0.03, 1.03), xlim=(-0.2, max(10, self.run.total)), ylabel="fraction", title="training so far")
        axis.legend(loc="best", fontsize="x-small")

    def _draw_answers(self, axis: plt.Axes, view: View) -> None:
        classes = np.arange(len(view.energies))
        colours = ["C2" if label == view.label else "0.7" for label in classes]
        axis.bar(
            classes, view.energies, color=colours, edgecolor=["black" if label == view.answer else "none" for label in classes]
        )
        axis.plot(view.answer, 0, marker="v", color="black", markersize=7, clip_on=False, label="answer: the lowest")
        axis.set(xticks=classes, xlabel="class", ylabel="energy above the lowest", title=f"the network answers {view.answer}")
        axis.legend(loc="upper right", fontsize="x-small")

    def _sampler(self) -> Sampler:
        name = self.settings.sampler
        return get_sampler(name, **self.settings.options_of(name))

    def _rules(self) -> Rules:
        settings = self.settings
        return Rules(
            epochs=settings.epochs,
            reads=settings.reads,
            lr=default_rate(self.net, self.data),
            batch_size=settings.batch_size,
            seed=settings.seed,
            margin=settings.margin,
            wrong="class",
            weighting="deepest",
            completed=True,
            schedule="linear",
        )

    def _measure(self, view: View) -> None:
        if self.trace.step and self.trace.step[-1] == self.run.done:
            return
        self.trace.step.append(self.run.done)
        self.trace.test_error.append(self.net.error(self.data.x_test, self.data.y_test))
        self.trace.heads_per_read.append(float(view.heads.mean()))
        self.trace.mean_overlap.append(float(view.overlaps.mean()))


def as_image(ink: Float[np.ndarray, "H W"], data: Dataset) -> Float32[np.ndarray, " D"] | None:
    """A drawing as an image of a data set: cut out, scaled to the size that digits have there, centred, averaged down to its pixels.

    ink: (H, W) in [0, 1]. None if there is none. The pixels of scikit-learn's digits, too, are averages over blocks of 4 x 4 dots
    (Alpaydin, Kaynak, Kybernetika 34, 369 (1998)).
    """
    box = _box(ink)
    if box is None:
        return None
    height, width = data.image_shape
    fine = 4
    rows, columns = box
    part = Image.fromarray(np.asarray(255 * ink[rows, columns], np.uint8))
    scale = fine * _typical_size(data) / max(part.size)
    part = part.resize([max(1, round(side * scale)) for side in part.size], Image.Resampling.BOX)
    sheet = Image.new("L", (fine * width, fine * height))
    sheet.paste(part, ((sheet.width - part.width) // 2, (sheet.height - part.height) // 2))
    return (np.asarray(sheet.reduce(fine), np.float32) / np.float32(255)).ravel()


def _box(ink: np.ndarray) -> tuple[slice, slice] | None:
    dark = ink > 0.25
    if not dark.any():
        return None
    rows, columns = (np.flatnonzero(dark.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _typical_size(data: Dataset) -> float:
    """Pixels along the longer side of a digit, the median of some training images."""
    boxes = [_box(image.reshape(data.image_shape)) for image in data.x_train[:200]]
    return float(np.median([max(side.stop - side.start for side in box) for box in boxes if box is not None]))
