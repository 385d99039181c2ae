"""A network to play with: change a setting and look again, cut heads a few updates at a time, ask about a digit of your own.

No widgets here: `artifact.controls` puts sliders in front of a `Playground`, and tests drive it without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64
from matplotlib.figure import Figure
from PIL import Image

from artifact.parameters import notebook_parameters
from qnn_core.data import Dataset, load_dataset
from qnn_core.errors import check
from qnn_core.landscape.minima import count_minima
from qnn_core.landscape.overlaps import overlap, overlap_bins
from qnn_core.landscape.view import Landscape, landscape
from qnn_core.network import QNN
from qnn_core.rules import Rule
from qnn_core.samplers import Sampler, get_sampler
from qnn_core.samplers.base import derived_seed
from qnn_core.samplers.descent import quench
from qnn_core.threads import one_thread_for_algebra
from qnn_core.training import Settings, TrainingRun, default_rate
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


class Measured(NamedTuple):
    """What was measured after some updates; heads and overlap are those of the image that was looked at then."""

    test_error: float
    heads_per_read: float
    mean_overlap: float


class Playground:
    """A network in training, one image to look at, and the settings of both. trace: what was measured, by number of updates."""

    def __init__(self, settings: Any) -> None:
        """settings: the checked parameters of the notebook `playground`."""
        self.settings, self.data = settings, load_dataset(settings.dataset)
        self.look_at(settings.image)
        self.restart()

    def restart(self) -> None:
        """A new, untrained network."""
        data, settings = self.data, self.settings
        sizes = (data.num_pixels, settings.hidden, data.num_classes)
        self.net = QNN(sizes, seed=settings.seed, centre=data.x_train.mean(axis=0))
        self.run = TrainingRun(self.net, self.data, self._sampler(), self._rules(), checkpoint=None)
        self.trace: dict[int, Measured] = {}
        self.untrained = self.cut(0)

    def change(self, **values: Any) -> None:
        """Change settings by name; some need a new network, the others act at once. Raises InvalidInput for unusable values."""
        fixed = sorted({"dataset", "image"} & set(values))
        check(not fixed, "change", fixed, "settings of the network and its reads; for another data set make another Playground")
        self.settings = notebook_parameters("playground", {**self.settings.model_dump(), **values})
        if _NEW_NETWORK & set(values):
            self.restart()
        else:
            self.run.sampler, self.run.settings = self._sampler(), self._rules()

    def look_at(self, image: int) -> None:
        """Look at a test image from now on, given by its number."""
        last = len(self.data.y_test) - 1
        check(0 <= image <= last, "image", image, f"0 .. {last}, the test images of {self.data.name}")
        self.image = image
        self.drawing: Float32[np.ndarray, "1 D"] | None = None

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
        """Make some updates of the training, fewer where it ends, look, and measure."""
        with one_thread_for_algebra():
            for _ in range(min(updates, self.run.total - self.run.done)):
                self.run.step()
        view = self.view()
        if self.run.done not in self.trace:
            error = self.run.trained.error(self.data.x_test, self.data.y_test)
            self.trace[self.run.done] = Measured(error, float(view.heads.mean()), float(view.overlaps.mean()))
        return view

    def view(self) -> View:
        """The image that is looked at, as the network sees it now."""
        settings, net = self.settings, self.run.trained
        chosen = slice(self.image, self.image + 1)
        with one_thread_for_algebra():
            x = self.data.x_test[chosen] if self.drawing is None else self.drawing
            label = self.data.y_test[chosen] if self.drawing is None else net.predict(x)
            energies, problem = net.class_energies(x)[0].astype(np.float64), net.problem(x)
            reads = self.run.sampler.sample(problem, settings.reads, derived_seed(settings.seed, self.run.done, self.image))
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
        what = "Your drawing" if self.drawing is not None else f"Test image {self.image}, a {view.label}"
        minima = "" if view.minima is None else f", {view.minima} minima in all"
        error = list(self.trace.values())[-1].test_error
        return (
            f"{self.run.done:,} of {self.run.total:,} updates, test error {error:.1%}. {what}: answered {view.answer}; "
            f"{view.heads.sum()} heads in {self.settings.reads} reads{minima}."
        )

    def picture(self, view: View) -> bytes:
        """A PNG: reads over the landscape, their overlaps, errors along training, and the energy of each answer."""
        # Margins are fixed: fitting them to the labels takes longer than drawing.
        figure = Figure(figsize=(8, 5.8), dpi=100)
        figure.set_layout_engine("none")
        margins = {"left": 0.08, "right": 0.98, "bottom": 0.08, "top": 0.95, "hspace": 0.36, "wspace": 0.22}
        axes = figure.subplots(2, 2, gridspec_kw=margins).ravel()
        reads, order, training, answers = axes
        plot_landscape(reads, view.reads, self.settings.margin)
        reads.set_title("energies of the reads")
        for seen, colour, line, label in ((self.untrained, "0.6", "--", "untrained"), (view, "C0", "-", "now")):
            style: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.2, "histtype": "step", "label": label}
            order.hist(seen.overlaps, bins=overlap_bins(sum(self.net.layers)), density=True, **style)
        order.set(
            xlim=(-1, 1.02), xticks=(-1, -0.5, 0, 0.5, 1), xlabel="overlap $q$ of two reads", ylabel="$P(q)$", title="order"
        )
        order.set_yscale("symlog", linthresh=1)
        looks = (
            ("C3", "-", "o", "test error"),
            ("C1", "--", "s", "reads of the image that are heads"),
            ("C0", ":", "^", "mean overlap of its reads"),
        )
        for values, (colour, line, marker, label) in zip(zip(*self.trace.values(), strict=True), looks, strict=True):
            training.plot(list(self.trace), values, color=colour, linestyle=line, marker=marker, markersize=2.5, label=label)
        step_axis(training)
        training.set(ylim=(-0.03, 1.03), xlim=(-0.2, max(10, self.run.total)), ylabel="fraction", title="training so far")
        classes = np.arange(len(view.energies))
        edges = np.where(classes == view.answer, "black", "none").tolist()
        answers.bar(classes, view.energies, color=np.where(classes == view.label, "C2", "0.7").tolist(), edgecolor=edges)
        answers.plot(view.answer, 0, marker="v", color="black", markersize=7, clip_on=False, label="answer: the lowest")
        answers.set(xticks=classes, xlabel="class", ylabel="energy above the lowest", title=f"the network answers {view.answer}")
        for axis, corner in zip(axes, ("upper right", "upper left", "best", "upper right"), strict=True):
            axis.legend(loc=corner, fontsize="x-small")
        label_panels(axes)
        content = BytesIO()
        figure.savefig(content, format="png", dpi=100)
        return content.getvalue()

    def _sampler(self) -> Sampler:
        """Reads end at `temperature`; `exact` draws from equilibrium at it."""
        beta = 1 / self.settings.temperature
        if self.settings.sampler == "exact":
            return get_sampler("exact", beta=beta)
        return get_sampler(self.settings.sampler, sweeps=self.settings.sweeps, beta=(min(0.1, beta), beta))

    def _rules(self) -> Settings:
        same = {name: getattr(self.settings, name) for name in ("epochs", "reads", "batch_size", "seed")}
        return Settings(**same, rule=Rule(margin=self.settings.margin), asked=0, lr=default_rate(self.net, self.data))


def as_image(ink: Float[np.ndarray, "H W"], data: Dataset) -> Float32[np.ndarray, " D"] | None:
    """A drawing as an image of a data set: cut out, scaled to the size that digits have there, centred, averaged down to its pixels.

    ink: (H, W) in [0, 1]. None if there is none. The pixels of scikit-learn's digits, too, are averages over blocks of 4 x 4 dots
    (Alpaydin, Kaynak, Kybernetika 34, 369 (1998)).
    """
    drawn = _cut_out(ink)
    if not drawn.size:
        return None
    height, width = data.image_shape
    fine = 4
    part = Image.fromarray(np.asarray(255 * drawn, np.uint8))
    # Digits are as long along their longer side as the median of some training images.
    examples = [_cut_out(image.reshape(data.image_shape)) for image in data.x_train[:200]]
    typical = np.median([max(one.shape) for one in examples if one.size])
    scale = fine * float(typical) / max(part.size)
    part = part.resize([max(1, round(side * scale)) for side in part.size], Image.Resampling.BOX)
    sheet = Image.new("L", (fine * width, fine * height))
    sheet.paste(part, ((sheet.width - part.width) // 2, (sheet.height - part.height) // 2))
    return (np.asarray(sheet.reduce(fine), np.float32) / np.float32(255)).ravel()


def _cut_out(ink: np.ndarray) -> np.ndarray:
    """The smallest rectangle that holds all dark ink; empty if there is none."""
    rows, columns = (np.flatnonzero((ink > 0.25).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else ink[:0]
