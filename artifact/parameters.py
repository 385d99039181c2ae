"""The parameters of every notebook: names, types, bounds and meaning.

Checked strictly, before any work, by every way in: a profile's yaml, `artifact.execute`, and the first lines of each notebook.

python -m artifact.parameters [NOTEBOOK ...] prints them; with --write it puts types and help into the parameters cells of the notebooks.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

import qnn_dwave  # noqa: F401  # Its samplers are known by name from here on.
from artifact.describe import ParameterTable, describe, parameters_cell, text_table
from artifact.files import ROOT, in_project
from artifact.results import expand
from qnn_core.data import size_of
from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import atomic_write
from qnn_core.limits import MAX_COUNT, MAX_OUTPUTS, MAX_SPINS, MAX_TREE_OUTPUTS
from qnn_core.windows import WindowSchedule
from studies.paper import ANNEALER_EXPONENT, BACKPROP_EXPONENT

SamplerName = Literal["gibbs", "collapsed", "exact", "sa", "pia"]
AnySampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "coherent", "mock", "qpu", "replay"]
OfflineSampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "mock"]
ComparedSampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "coherent", "dwave-like", "mock"]
Method = Literal["gibbs", "collapsed", "exact", "sa", "pia", "mlp", "energy"]
Fraction = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(gt=0, le=10)]
Widths = Annotated[tuple[Count, ...], Field(min_length=1)]
Paths = Annotated[tuple[str, ...], Field(min_length=1)]


def _known_dataset(name: str) -> str:
    if name.endswith(".npz") and (Path(name).is_absolute() or ".." in Path(name).parts):
        raise ValueError(
            f"{name!r}: expected a path that counts from the project's folder and stays in it, such as data/mine/images.npz: records and "
            "pages show it, and shall not show where your folders are; copy or link the file there"
        )
    try:
        size_of(name, ROOT)
    except (InvalidInput, MissingData, DamagedFile) as failure:
        raise ValueError(str(failure)) from failure
    return name


DatasetName = Annotated[str, AfterValidator(_known_dataset)]
ArrayFile = Annotated[str, Field(pattern=r"\.npz$")]
FigureName = Annotated[str, Field(pattern=r"^(.*/)?[^/.]+$")]
"""Without an ending: a figure has several."""


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _suits_its_data(self) -> Strict:
        """What cannot be done with the images of `dataset`: labels that it has not, batches larger than it is."""
        dataset = getattr(self, "dataset", None)
        if dataset is None:
            return self
        size = size_of(dataset, ROOT)
        classes = getattr(self, "classes", ())
        if len(set(classes)) < len(classes) or not set(classes) <= set(range(size.labels)):
            raise ValueError(
                f"classes = {list(classes)}: expected different labels out of 0 .. {size.labels - 1}, which {dataset} has"
            )
        batch_size = getattr(self, "batch_size", 1)
        if batch_size > size.train:
            raise ValueError(f"batch_size = {batch_size} must not exceed the {size.train} training images of {dataset}")
        return self

    @property
    def table(self) -> ParameterTable:
        """The parameters as a table, for the notebook that has them."""
        return ParameterTable(self)


def _check_sampler(name: str, hidden: tuple[int, ...], outputs: int) -> None:
    """What a sampler cannot do with a network."""
    if name in ("exact", "collapsed", "energy") and len(hidden) > 1:
        raise ValueError(f"hidden = {list(hidden)}: {name} needs one hidden layer")
    if name == "exact" and outputs > MAX_OUTPUTS:
        raise ValueError(f"sampler exact enumerates at most {MAX_OUTPUTS} outputs, labels x copies are {outputs}")
    if name == "coherent" and sum(hidden) + outputs > MAX_SPINS:
        raise ValueError(
            f"sampler coherent holds at most {MAX_SPINS} spins, hidden {list(hidden)} and {outputs} outputs are more"
        )


def _check_part(train_images: int | None, available: int, dataset: str, batch_size: int) -> None:
    """A part of the training images that does not exist, or is smaller than a batch; None is all of them."""
    if train_images is not None and not batch_size <= train_images <= available:
        raise ValueError(
            f"train_images = {train_images}: expected {batch_size}, the batch size, .. {available}, all of {dataset}"
        )


class DataParameters(Strict):
    """01_data"""

    dataset: DatasetName = Field("digits", description='"digits", "mnist", "mnist-1000" or the path of an .npz file')
    result: ArrayFile = Field(description="where to store the summary (.npz)")


class ScheduleParameters(Strict):
    """How an annealer anneals."""

    sweeps: Count = Field(20, description="updates of every spin in one read")
    beta_hot: float = Field(0.1, gt=0, description="inverse temperature at the start of a read")
    beta_cold: float = Field(5.0, gt=0, description="inverse temperature at its end, not below beta_hot")

    @model_validator(mode="after")
    def _cools(self) -> ScheduleParameters:
        if self.beta_hot > self.beta_cold:
            raise ValueError(f"beta_hot = {self.beta_hot} must not exceed beta_cold = {self.beta_cold}")
        return self

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes."""
        if sampler in ("exact", "coherent", "qpu", "replay"):
            return {}
        if sampler == "pia":
            return {"sweeps": self.sweeps, "beta": self.beta_cold}
        return {"sweeps": self.sweeps, "beta": (self.beta_hot, self.beta_cold)}


class CutParameters(ScheduleParameters):
    """What every notebook that cuts heads needs."""

    copies: Count = Field(1, description="output spins of each class")
    glass: float = Field(1.0, gt=0, description="spin-glass temperature of each pair of layers at the start")
    drive: float = Field(1.0, gt=0, description="typical field of bright pixels on a hidden spin at the start")
    reads: Count = Field(10, description="reads of each image and update")
    margin: float = Field(8.0, ge=0, description="energy above the clamped state up to which a wrong read is a head")
    wrong: Literal["class", "spins"] = Field("class", description="what makes a read wrong: its class, or any output spin")
    weighting: Literal["deepest", "uniform"] = Field(
        "deepest", description="which heads of an image are cut: the deepest, or all alike"
    )
    completed: bool = Field(True, description="reads become the code state of the class that they decode to before they are cut")
    epochs: Count = Field(20, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")

    @model_validator(mode="after")
    def _one_rule(self) -> CutParameters:
        if self.completed and self.wrong == "spins":
            raise ValueError("wrong = 'spins' needs completed = false: a completed read has no single wrong spins")
        return self

    @property
    def network_options(self) -> dict[str, Any]:
        """The options of `QNN`."""
        return {"copies": self.copies, "glass": self.glass, "drive": self.drive}

    @property
    def cut_options(self) -> dict[str, Any]:
        """The options of `train`, but for rate and seed."""
        names = ("reads", "margin", "wrong", "weighting", "completed", "epochs", "batch_size")
        return {name: getattr(self, name) for name in names}


class RatesParameters(CutParameters):
    """01b_rates"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    method: Method = Field("gibbs", description="a sampler, or a backpropagation baseline")
    hidden: Widths = Field((120,), description="spins or units of each hidden layer")
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = Field(description="learning rates to try")
    held_out: float = Field(0.2, gt=0, lt=1, description="fraction of the training images used for validation")
    seed: Seed = Field(0, description="of the split, the initial weights, the order of images and the reads")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _possible(self) -> RatesParameters:
        _check_sampler(self.method, self.hidden, self.copies * size_of(self.dataset, ROOT).labels)
        return self


class TrainingParameters(CutParameters):
    """02_training"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    sampler: AnySampler = Field("gibbs", description="which sampler proposes the reads")
    hidden: Widths = Field((120,), description="spins of each hidden layer")
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
    lr: Rate | None = Field(None, description="learning rate of Adam; null takes the one chosen in `rates`, or else the default")
    rates: str | None = Field(None, description="result of 01b_rates to take the learning rate from")
    record: str | None = Field(None, description="folder of the answers of qpu, mock or replay; null keeps none (mock only)")
    solver: str | None = Field(None, description="name of the D-Wave machine, qpu only; null for Ocean's choice")
    max_qpu_seconds: float = Field(20.0, gt=0, description="most annealer time of the whole run, qpu only")
    annealing_time: float = Field(20.0, gt=0, description="of an anneal, qpu and mock only")
    cycles: int = Field(0, ge=0, description="reverse anneals from the best read after the forward one, qpu and mock only")
    field_error: Fraction = Field(0.0, description="control error of the fields, not for qpu and replay")
    coupling_error: Fraction = Field(0.0, description="control error of the couplings, not for qpu and replay")
    snapshots: int = Field(12, ge=0, description="log-spaced copies of the parameters to keep, for 04_phase")
    seed: Seed = Field(0, description="of the initial weights, the order of images and the reads")
    result: ArrayFile = Field(description="where to store the history (.npz)")

    @model_validator(mode="after")
    def _consistent(self) -> TrainingParameters:
        if self.lr is not None and self.rates is not None:
            raise ValueError(f"lr = {self.lr} and rates = {self.rates!r}: give at most one of them")
        if self.sampler in ("qpu", "replay") and self.record is None:
            raise ValueError(f"record must name a folder for sampler {self.sampler}")
        _check_sampler(self.sampler, self.hidden, self.copies * size_of(self.dataset, ROOT).labels)
        return self

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes."""
        options = super().options_of(sampler)
        if sampler == "replay":
            return {"record": self.record}
        if sampler in ("qpu", "mock"):
            options |= {"annealing_time": self.annealing_time, "cycles": self.cycles, "record": self.record}
        if sampler == "qpu":
            return {**options, "solver": self.solver, "max_qpu_seconds": self.max_qpu_seconds}
        if self.field_error or self.coupling_error:
            options["control_error"] = (self.field_error, self.coupling_error)
        return options


class SamplersParameters(ScheduleParameters):
    """02b_samplers"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    classes: Annotated[tuple[int, ...], Field(min_length=2)] = Field((0, 1, 2), description="labels to tell apart")
    hidden: Annotated[int, Field(ge=1, le=16)] = Field(8, description="hidden spins; with the outputs at most 20")
    outputs: Annotated[int, Field(ge=2, le=16)] = Field(4, description="output spins, at least one for each class")
    samplers: Annotated[tuple[ComparedSampler, ...], Field(min_length=1)] = Field(description="samplers to compare")
    epochs: Count = Field(2, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    reads: Count = Field(8, description="reads of each image and update")
    margin: float = Field(3.0, ge=0, description="energy above the clamped state up to which a wrong read is a head")
    lr: Rate = Field(0.01, description="learning rate of Adam")
    duration: float = Field(10.0, gt=0, description="of a coherent anneal")
    dwave_duration: float = Field(40.0, gt=0, description="of one with the D-Wave-like schedule")
    steps: Count = Field(60, description="Trotter steps of a coherent anneal")
    mock_size: Annotated[int, Field(ge=1, le=15)] = Field(4, description="size of the mock chip's Zephyr graph")
    field_error: Fraction = Field(0.03, description="control error of the mock chip's fields")
    coupling_error: Fraction = Field(0.02, description="control error of the mock chip's couplings")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        description="of weights, order of images and reads; one run each"
    )
    images: Count = Field(50, description="test images whose heads are searched")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _fits(self) -> SamplersParameters:
        if self.outputs < len(self.classes):
            raise ValueError(f"outputs = {self.outputs} must be at least the {len(self.classes)} classes")
        if self.hidden + self.outputs > 20:
            raise ValueError(f"hidden + outputs = {self.hidden + self.outputs} must be at most 20, for exact dynamics")
        return self

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes."""
        if sampler == "coherent":
            return {"duration": self.duration, "steps": self.steps}
        options = super().options_of(sampler)
        if sampler == "mock":
            options |= {"topology": ("zephyr", self.mock_size), "control_error": (self.field_error, self.coupling_error)}
        return options

    @property
    def choices(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """What `get_sampler` needs for each of `samplers`: `dwave-like` is `coherent` under another schedule."""
        known: dict[str, tuple[str, dict[str, Any]]] = {name: (name, self.options_of(name)) for name in self.samplers}
        if "dwave-like" in known:
            known["dwave-like"] = ("coherent", {"duration": self.dwave_duration, "steps": self.steps, "schedule": "dwave-like"})
        return known


class AblationParameters(CutParameters):
    """02c_ablation"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    held_out: float = Field(0.3, gt=0, lt=1, description="fraction of the training images used for validation")
    train_images: Count | None = Field(None, description="how many of the others to train on; null for all")
    hidden: Widths = Field((120,), description="spins of each hidden layer")
    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
    lr: Rate | None = Field(None, description="learning rate of Adam; null for the default")
    epochs: Count = Field(6, description="passes over the training images")
    reads_tried: Annotated[tuple[Count, ...], Field(min_length=2)] = Field(
        (1, 10, 60), description="reads of an update to compare"
    )
    samplers: Annotated[tuple[SamplerName, ...], Field(min_length=1)] = Field(
        ("gibbs", "collapsed", "exact"), description="samplers to train with"
    )
    searchers: Annotated[tuple[OfflineSampler, ...], Field(min_length=1)] = Field(
        ("gibbs", "collapsed", "exact", "sa", "pia", "mock"), description="samplers to search heads with"
    )
    mock_size: Annotated[int, Field(ge=1, le=15)] = Field(12, description="size of the mock chip's Zephyr graph")
    field_error: Fraction = Field(0.03, description="control error of the mock chip's fields")
    coupling_error: Fraction = Field(0.02, description="control error of the mock chip's couplings")
    images: Count = Field(20, description="validation images whose heads are searched")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2), description="of weights, order of images and reads; one run each"
    )
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _possible(self) -> AblationParameters:
        size = size_of(self.dataset, ROOT)
        uneven = [reads for reads in self.reads_tried if self.epochs * self.reads % reads]
        if uneven:
            raise ValueError(
                f"reads_tried = {list(self.reads_tried)}: expected divisors of epochs * reads = {self.epochs * self.reads}, so that runs "
                f"with equally many reads are whole epochs; {uneven} are none"
            )
        for name in (self.sampler, *self.samplers, *self.searchers):
            _check_sampler(name, self.hidden, self.copies * size.labels)
        most = size.train - math.ceil(size.train * self.held_out)
        if self.train_images is not None and not size.labels <= self.train_images <= most:
            raise ValueError(
                f"train_images = {self.train_images}: expected {size.labels} .. {most}, what is not held out of {self.dataset}"
            )
        return self

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes."""
        options = super().options_of(sampler)
        if sampler == "mock":
            options |= {"topology": ("zephyr", self.mock_size), "control_error": (self.field_error, self.coupling_error)}
        return options

    def varied(self, changes: Mapping[str, Any]) -> AblationParameters:
        """These parameters with some changed, checked again."""
        return validated(AblationParameters, {**self.model_dump(), **changes}, "02c_ablation")


class BackpropParameters(Strict):
    """03_backprop"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    method: Literal["mlp", "energy"] = Field("mlp", description="standard MLP, or the energy model by autodiff")
    hidden: Widths = Field((120,), description="units of each hidden layer")
    copies: Count = Field(1, description="output spins of each class, energy model only")
    epochs: Count = Field(20, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
    lr: Rate | None = Field(None, description="learning rate of Adam; null takes the one chosen in `rates`")
    rates: str | None = Field(None, description="result of 01b_rates to take the learning rate from")
    seed: Seed = Field(0, description="of the initial weights and the order of images")
    result: ArrayFile = Field(description="where to store the history (.npz)")

    @model_validator(mode="after")
    def _one_rate(self) -> BackpropParameters:
        _exactly_one_rate(self.lr, self.rates)
        _check_sampler(self.method, self.hidden, self.copies)
        return self


class PhaseParameters(ScheduleParameters):
    """04_phase"""

    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    runs: Paths = Field(description="training histories with snapshots (names or patterns)")
    images: Count = Field(50, description="test images whose landscape is measured")
    reads: Annotated[int, Field(ge=10)] = Field(100, description="reads of each image")
    seed: Seed = Field(0, description="of the choice of images and the reads")
    result: ArrayFile = Field(description="where to store the result (.npz)")


class EquilibriumParameters(Strict):
    """04b_equilibrium"""

    runs: Paths = Field(description="training histories with snapshots (names or patterns)")
    images: Annotated[int, Field(ge=2)] = Field(10, description="test images")
    moments: Annotated[int, Field(ge=2)] = Field(6, description="networks along each run, log-spaced in updates")
    coldest: float = Field(0.25, gt=0, description="lowest temperature")
    hottest: float = Field(8.0, gt=0, description="highest temperature")
    temperatures: Annotated[int, Field(ge=4)] = Field(14, description="how many temperatures, geometrically spaced")
    sweeps: Count = Field(400, description="updates of every spin at each temperature; the first half is thrown away")
    measurements: Annotated[int, Field(ge=10)] = Field(
        50, description="looks at the second half; at most an eighth of the sweeps"
    )
    glass_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)] = Field(
        ((30, 10), (60, 20), (120, 40)), description="hidden and output spins of the random glasses"
    )
    glasses: Annotated[int, Field(ge=2)] = Field(20, description="random glasses of each size")
    seed: Seed = Field(0, description="of the images, the glasses and the sampler")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _fits(self) -> EquilibriumParameters:
        if self.coldest >= self.hottest:
            raise ValueError(f"coldest = {self.coldest} must be below hottest = {self.hottest}")
        if self.sweeps < 8 * self.measurements:
            raise ValueError(f"sweeps = {self.sweeps} must be at least 8 x measurements = {8 * self.measurements}")
        return self


class SizesParameters(ScheduleParameters):
    """04c_sizes"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    copies: Annotated[tuple[Count, ...], Field(min_length=2)] = Field(
        (1, 2, 4), description="output spins of each class, one network size each"
    )
    hidden_per_output: float = Field(3.2, gt=0, description="hidden spins for each output spin")
    train_images: Annotated[int, Field(ge=100)] | None = Field(None, description="training images; null for all")
    completed: bool = Field(False, description="reads become the code state of the class that they decode to before they are cut")
    slowness: float = Field(10.0, ge=1, description="the rate is the default of each network divided by this, and constant")
    target: float = Field(0.5, gt=0, lt=1, description="order at which the rise counts as done")
    images: Annotated[int, Field(ge=2)] = Field(20, description="test images")
    reads: Annotated[int, Field(ge=10)] = Field(40, description="reads of each image")
    epochs: Count = Field(3, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    snapshots: Annotated[int, Field(ge=3)] = Field(30, description="log-spaced networks along training")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field((0, 1, 2), description="one network of each size for each")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _enough_images(self) -> SizesParameters:
        size = size_of(self.dataset, ROOT)
        if self.images > size.test:
            raise ValueError(f"images = {self.images} must not exceed the {size.test} test images of {self.dataset}")
        _check_part(self.train_images, size.train, self.dataset, self.batch_size)
        return self


class LandscapeParameters(ScheduleParameters):
    """04d_landscape"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    classes: Annotated[tuple[int, ...], Field(min_length=2)] = Field((0, 1, 2, 3), description="labels to tell apart")
    hidden: Count = Field(64, description="hidden spins")
    copies: Count = Field(4, description="output spins of each class; at most 16 in all")
    epochs: Count = Field(6, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    snapshots: Annotated[int, Field(ge=2)] = Field(8, description="log-spaced networks along training that are looked at")
    image: int = Field(0, ge=0, description="test image whose tree is drawn")
    images: Count = Field(20, description="training images whose heads are counted before and after a cut")
    reads: Count = Field(10, description="reads of each image for the cut")
    margin: float = Field(8.0, ge=0, description="energy above the clamped state up to which a wrong minimum is a head")
    seed: Seed = Field(0, description="of the network, training, the choice of images and the reads")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _enumerable(self) -> LandscapeParameters:
        if len(self.classes) * self.copies > MAX_TREE_OUTPUTS:
            raise ValueError(f"{len(self.classes)} classes x {self.copies} copies must be at most {MAX_TREE_OUTPUTS} outputs")
        return self


class LearningCurvesParameters(CutParameters):
    """05a_curves"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    method: Method = Field("gibbs", description="a sampler, or a backpropagation baseline: mlp, energy")
    width: Count = Field(120, description="hidden spins or units")
    train_images: Annotated[tuple[Annotated[int, Field(ge=100)], ...], Field(min_length=1)] = Field(
        (718, 1437), description="training images, one study each"
    )
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = Field(description="constant learning rates to try")
    held_out: float = Field(0.2, gt=0, lt=1, description="fraction of the largest training set used to choose the rate")
    epochs: Count = Field(28, description="passes over the training images")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2, 3), description="of the choice of images, their order, weights and reads; one run each"
    )
    rate_seeds: Annotated[int, Field(ge=2)] = Field(2, description="runs at every rate, with the first seeds")
    result: ArrayFile = Field(description="where to store the curves (.npz)")

    @model_validator(mode="after")
    def _possible(self) -> LearningCurvesParameters:
        if self.rate_seeds > len(self.seeds):
            raise ValueError(f"rate_seeds = {self.rate_seeds} must not exceed the {len(self.seeds)} seeds")
        size = size_of(self.dataset, ROOT)
        _check_sampler(self.method, (self.width,), self.copies * size.labels)
        for images in self.train_images:
            _check_part(images, size.train, self.dataset, self.batch_size)
        return self

    @property
    def run_settings(self) -> dict[str, Any]:
        """All that decides what one run computes but images, rate and seed."""
        studied = {"train_images", "rates", "held_out", "seeds", "rate_seeds", "result"}
        return {name: value for name, value in self.model_dump().items() if name not in studied}


class ScalingParameters(Strict):
    """05_scaling"""

    curves: Paths = Field(description="learning curves of annealer, mlp and energy, results of 05a_curves (names or patterns)")
    plateau: float = Field(0.002, ge=0, lt=1, description="training error at which a window ends: below, counts are too few")
    resamples: Annotated[int, Field(ge=100)] = Field(200, description="bootstrap resamples of the runs")
    seed: Seed = Field(0, description="of the bootstrap")
    result: ArrayFile = Field(description="where to store the fits (.npz)")


class HeadsParameters(CutParameters):
    """05b_heads"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    train_images: Annotated[int, Field(ge=100)] | None = Field(None, description="training images; null for all")
    width: Count = Field(120, description="hidden spins")
    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    lr: Rate = Field(0.003, description="learning rate of Adam, constant")
    epochs: Count = Field(16, description="passes over the training images")
    snapshots: Annotated[int, Field(ge=3)] = Field(8, description="log-spaced networks along training that are looked at")
    images: Annotated[int, Field(ge=10)] = Field(200, description="training images whose heads are weighed")
    least: float = Field(1e-5, gt=0, lt=1, description="weight from which on heads are fitted")
    largest: float = Field(0.1, gt=0, le=1, description="weight up to which heads are fitted")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2), description="of weights, order of images and reads; one run each"
    )
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _possible(self) -> HeadsParameters:
        if self.least >= self.largest:
            raise ValueError(f"least = {self.least} must be below largest = {self.largest}")
        size = size_of(self.dataset, ROOT)
        # Weights are enumerated, whatever the sampler.
        for name in (self.sampler, "exact"):
            _check_sampler(name, (self.width,), self.copies * size.labels)
        _check_part(self.train_images, size.train, self.dataset, self.batch_size)
        return self


class GroverParameters(Strict):
    """06_grover"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    classes: Annotated[tuple[int, ...], Field(min_length=2)] = Field((0, 1, 2), description="labels to tell apart")
    hidden: Annotated[int, Field(ge=2, le=18)] = Field(12, description="hidden spins; with the outputs at most 20")
    search_hidden: Annotated[int, Field(ge=2, le=18)] = Field(8, description="hidden spins of the networks trained by search")
    epochs: Count = Field(4, description="passes over the training images")
    lr: Rate = Field(0.01, description="learning rate of Adam")
    reads: Count = Field(8, description="deepest minima of each image and update that training looks at")
    snapshots: Count = Field(6, description="log-spaced networks along training whose heads are searched")
    images: Count = Field(12, description="test images whose heads are searched")
    duration: float = Field(10.0, gt=0, description="of a slow anneal, in units of 1 / transverse field")
    fast_duration: float = Field(1.0, gt=0, description="of a fast anneal, and of those in training by search, in the same units")
    steps: Count = Field(50, description="Trotter steps of an anneal")
    margin: float = Field(3.0, ge=0, description="energy above the clamped state up to which a wrong state is a head")
    searches: Annotated[int, Field(ge=10)] = Field(400, description="simulated searches for each head weight")
    search_epochs: Count = Field(6, description="passes over the training images in training by search")
    search_lr: Rate = Field(0.003, description="learning rate of Adam in training by search, constant")
    search_margin: float = Field(1.0, ge=0, description="margin of heads in training by search")
    most_calls: Count = Field(30, description="oracle calls after which a search in training is given up")
    search_seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2), description="of weights, order of images and searches in training by search"
    )
    dragons: Annotated[int, Field(ge=10)] = Field(200, description="simulated dragons for each exponent")
    alphas: Annotated[tuple[Annotated[float, Field(gt=0, lt=2)], ...], Field(min_length=1)] = Field(
        (0.6, BACKPROP_EXPONENT, ANNEALER_EXPONENT, 1.5), description="exponents of plain reads for which dragons are simulated"
    )
    seed: Seed = Field(0, description="of the network, training and the searches")
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _fits(self) -> GroverParameters:
        for hidden in (self.hidden, self.search_hidden):
            _check_sampler("coherent", (hidden,), len(self.classes))
        return self


class WindowChoice(Strict):
    """How the layers of a deep network are sampled."""

    width: Count = Field(description="layers sampled at a time, outputs included; the rest stays frozen")
    schedule: WindowSchedule = Field("sweeping", description="the order in which the window visits the layers")
    passes: Count = Field(2, description="of the window over the network for each read")
    widest: Count | None = Field(None, description="most spins of a layer sampled at once; null for no limit")

    def label(self, layers: int) -> str:
        """In words, for a network with this many layers of spins."""
        words = [
            f"all {layers} layers at once" if self.width >= layers else f"{self.width} layer{'s' * (self.width > 1)} at a time"
        ]
        words += [f"blocks of {self.widest}"] if self.widest is not None else []
        if self.width < layers and (self.schedule, self.passes) != ("sweeping", 2):
            words += [f"{self.passes} pass{'es' * (self.passes > 1)} {self.schedule}"]
        return ", ".join(words)


class ChipChoice(Strict):
    """A graph of qubits."""

    family: Literal["zephyr", "pegasus"]
    size: Annotated[int, Field(ge=2, le=24)]
    missing: Annotated[int, Field(ge=0)] = Field(0, description="qubits that do not work, drawn at random")
    side_by_side: Annotated[int, Field(ge=1, le=64)] = Field(16, description="most problems placed side by side")

    @property
    def label(self) -> str:
        return f"{self.family.capitalize()}-{self.size}" + (f", {self.missing} missing" if self.missing else "")


class ActiveParameters(CutParameters):
    """07_active_layers"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    hidden: Widths = Field((64, 64), description="spins of each hidden layer")
    copies: Count = Field(4, description="output spins of each class")
    windows: Annotated[tuple[WindowChoice, ...], Field(min_length=1)] = Field(
        (WindowChoice(width=3), WindowChoice(width=2)), description="ways to sample the layers, each compared with the first"
    )
    sweeps: Count = Field(10, description="updates of every spin in one read")
    reads: Count = Field(5, description="reads of each image and update")
    code_reads: Count = Field(4, description="reads, with the outputs held, that represent a class in a cut")
    epochs: Count = Field(10, description="passes over the training images")
    glass: float = Field(0.5, gt=0, description="spin-glass temperature of each pair of layers at the start")
    lr: Rate | None = Field(None, description="learning rate of Adam; null for the default")
    mlp_rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = Field(
        (0.001, 0.003, 0.01), description="learning rates of the MLP to choose from on a validation split"
    )
    looks: Count = Field(4, description="how often a decade of updates errors are measured, besides the end of every epoch")
    judged: Count | None = Field(None, description="training images on which the training error is measured; null for all")
    answered: Count = Field(100, description="test images answered by annealing too, to see whether answers agree")
    chips: Annotated[tuple[ChipChoice, ...], Field(min_length=1)] = Field(
        (ChipChoice(family="zephyr", size=12), ChipChoice(family="pegasus", size=16)), description="chips to embed the windows in"
    )
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2), description="of weights, order of images and reads; one run each"
    )
    result: ArrayFile = Field(description="where to store the result (.npz)")

    @property
    def cut_options(self) -> dict[str, Any]:
        """The options of `train`, but for rate and seed."""
        return {**super().cut_options, **{name: getattr(self, name) for name in ("code_reads", "looks", "judged")}}

    @model_validator(mode="after")
    def _window_fits(self) -> ActiveParameters:
        layers = len(self.hidden) + 1
        for choice in self.windows:
            if choice.width > layers:
                raise ValueError(f"windows: width = {choice.width} must not exceed the {layers} layers of spins")
        return self


class LandscapeFigureParameters(Strict):
    """fig1"""

    run: str = Field(description="training history with snapshots")
    image: int = Field(0, ge=0, description="test image whose landscape is drawn")
    reads: Annotated[int, Field(ge=10)] = Field(200, description="reads of the image")
    seed: Seed = Field(0, description="of the reads")
    figure: FigureName = Field(description="where to store the figure, without ending")


class CurvesFigureParameters(Strict):
    """fig2"""

    annealer_runs: Paths = Field(description="histories of annealer training (names or patterns)")
    mlp_runs: Paths = Field(description="histories of the MLP")
    energy_runs: Paths = Field(description="histories of the energy model by backpropagation")
    figure: FigureName = Field(description="where to store the figure, without ending")


class PhaseFigureParameters(Strict):
    """fig3"""

    phase: str = Field(description="result of 04_phase")
    equilibrium: str = Field(description="result of 04b_equilibrium")
    sizes: str = Field(description="result of 04c_sizes")
    landscape: str = Field(description="result of 04d_landscape")
    figure: FigureName = Field(description="where to store the figure, without ending")


class ScalingFigureParameters(Strict):
    """fig4"""

    scaling: str = Field(description="result of 05_scaling")
    heads: str = Field(description="result of 05b_heads")
    grover: str = Field(description="result of 06_grover")
    figure: FigureName = Field(description="where to store the figure, without ending")


class ActiveFigureParameters(Strict):
    """fig5"""

    runs: Paths = Field(description="results of 07_active_layers (names or patterns); curves are drawn of the first")
    figure: FigureName = Field(description="where to store the figure, without ending")


class SummaryParameters(Strict):
    """summary"""

    annealer_runs: Paths = Field(description="histories of annealer training (names or patterns)")
    mlp_runs: Paths = Field(description="histories of the MLP")
    ablation: str = Field(description="result of 02c_ablation")
    phase: str = Field(description="result of 04_phase")
    sizes: str = Field(description="result of 04c_sizes")
    scaling: str = Field(description="result of 05_scaling")
    grover: str = Field(description="result of 06_grover")
    active_runs: Paths = Field(description="results of 07_active_layers (names or patterns); the claim is about the first")
    data: str = Field(description="result of 01_data")
    claims: Annotated[str, Field(pattern=r"\.json$")] = Field(description="where to store the table of claims (.json)")


class PlaygroundParameters(Strict):
    """playground"""

    dataset: DatasetName = Field("digits", description="data set, see 01_data")
    sampler: Literal["gibbs", "collapsed", "exact", "sa"] = Field("gibbs", description="which sampler proposes the reads")
    hidden: Annotated[int, Field(ge=4, le=400)] = Field(120, description="hidden spins, the width of the network")
    reads: Annotated[int, Field(ge=10, le=400)] = Field(50, description="reads of each image")
    sweeps: Annotated[int, Field(ge=1, le=200)] = Field(20, description="updates of every spin in one read")
    temperature: float = Field(0.2, ge=0.05, le=10, description="temperature at the end of a read")
    margin: float = Field(8.0, ge=0, le=50, description="energy above the clamped state up to which a wrong read is a head")
    updates: Annotated[int, Field(ge=1, le=200)] = Field(5, description="updates between two pictures while heads are cut")
    epochs: Annotated[int, Field(ge=1, le=100)] = Field(20, description="passes over the training images until training ends")
    batch_size: Count = Field(10, description="images of one update")
    image: int = Field(0, ge=0, description="test image that is looked at first")
    seed: Seed = Field(0, description="of the initial weights, the order of images and the reads")

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes: reads end at `temperature`, `exact` draws from equilibrium at it."""
        beta = 1 / self.temperature
        return {"beta": beta} if sampler == "exact" else {"sweeps": self.sweeps, "beta": (min(0.1, beta), beta)}


NOTEBOOKS: dict[str, type[Strict]] = {
    model.__doc__: model
    for model in (
        DataParameters,
        RatesParameters,
        TrainingParameters,
        SamplersParameters,
        AblationParameters,
        BackpropParameters,
        PhaseParameters,
        EquilibriumParameters,
        SizesParameters,
        LandscapeParameters,
        LearningCurvesParameters,
        ScalingParameters,
        HeadsParameters,
        GroverParameters,
        ActiveParameters,
        LandscapeFigureParameters,
        CurvesFigureParameters,
        PhaseFigureParameters,
        ScalingFigureParameters,
        ActiveFigureParameters,
        SummaryParameters,
        PlaygroundParameters,
    )
    if model.__doc__
}
"""The parameter model of each notebook, by the notebook's name."""

INTERACTIVE = ("playground",)
"""Notebooks for JupyterLab, which no workflow runs."""


def notebook_parameters(notebook: str, values: Mapping[str, Any]) -> Any:
    """The checked parameters of a notebook, defaults filled in; raises InvalidInput naming what is wrong."""
    if notebook not in NOTEBOOKS:
        raise InvalidInput("notebook", notebook, f"one of {', '.join(NOTEBOOKS)}")
    return validated(NOTEBOOKS[notebook], values, f"notebook {notebook}")


INPUTS = (
    "rates", "run", "runs", "annealer_runs", "mlp_runs", "energy_runs", "backprop_runs", "active_runs",
    "data", "ablation", "phase", "equilibrium", "sizes", "landscape", "curves", "scaling", "heads", "grover",
)  # fmt: skip
"""Parameters that name stored results which a notebook reads."""


def check_inputs(parameters: Strict) -> None:
    """Raise MissingData, naming the parameter, for a result that a notebook would read and that is not there."""
    for name in INPUTS:
        value = getattr(parameters, name, None)
        paths = [path for path in (value if isinstance(value, tuple) else (value,)) if isinstance(path, str)]
        try:
            missing = [path for path in expand(paths) if not in_project(path).is_file()]
        except MissingData as failure:
            raise MissingData(f"{name}: {failure}") from failure
        if missing:
            allowed = "a stored result; ./run_all.sh makes those of a profile"
            raise MissingData(f"{name} = {missing[0]!r} does not exist: expected {allowed}.")
    if getattr(parameters, "sampler", None) == "replay" and not in_project(parameters.record).is_dir():  # type: ignore[attr-defined]
        record = parameters.record  # type: ignore[attr-defined]
        raise MissingData(f"record = {record!r} does not exist: expected the folder that a qpu or mock run recorded into.")


def from_cell(notebook: str, names: Mapping[str, Any]) -> Any:
    """The checked parameters of a notebook, read from the variables that its parameters cell has set: pass `globals()`.

    A name that is no parameter, whether papermill injected it or it was typed into the cell, is refused: papermill itself only warns,
    and would run on with the default of the parameter that was meant.
    """
    wanted = NOTEBOOKS[notebook].model_fields
    given = {name: names[name] for name in [*wanted, *_typed(names.get("In", ()), set(wanted))] if name in names}
    parameters = notebook_parameters(notebook, given)
    check_inputs(parameters)
    return parameters


def _typed(cells: Sequence[str], wanted: set[str]) -> list[str]:
    """The names that the cells with parameters have set: those that papermill injected, and those that set any of `wanted`.

    cells: sources of the cells that ran, as IPython keeps them; those from the one on that calls `from_cell` are left out.
    """
    found: list[str] = []
    for source in cells:
        if "from_cell(" in source:
            break
        try:
            statements = ast.parse(source).body
        except SyntaxError:
            continue
        assignments = [statement for statement in statements if isinstance(statement, ast.Assign | ast.AnnAssign)]
        left = [target for one in assignments for target in (one.targets if isinstance(one, ast.Assign) else [one.target])]
        targets = [target.id for target in left if isinstance(target, ast.Name)]
        if source.startswith("# Parameters") or wanted & set(targets):
            found += targets
    return found


def assigned(source: str) -> dict[str, Any]:
    """The literal values that the lines of a parameters cell assign, by name.

    >>> assigned('reads: int = 10  # of each image')
    {'reads': 10}
    """
    values = {}
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = ast.literal_eval(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name] = ast.literal_eval(value)
    return values


def write_cell(notebook: str) -> None:
    """Write types and help of every parameter into the notebook's parameters cell; the values stay."""
    import nbformat  # its validator takes a second to load, which every notebook would spend

    path = ROOT / "notebooks" / f"{notebook}.ipynb"
    content = nbformat.read(path, as_version=4)
    for cell in content.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source = parameters_cell(NOTEBOOKS[notebook], assigned(cell.source))
    with atomic_write(path, "w") as file:
        file.write(nbformat.writes(content).rstrip("\n") + "\n")


def _exactly_one_rate(lr: float | None, rates: str | None) -> None:
    if (lr is None) == (rates is None):
        raise ValueError(f"lr = {lr} and rates = {rates!r}: give exactly one of them")


def validated(model: type[Strict], values: Any, where: str) -> Any:
    """An instance of a model; raises InvalidInput with a line for each value that does not pass. where: what they are parameters of."""
    try:
        return model.model_validate_json(json.dumps(values))
    except (TypeError, ValueError) as failure:
        if not isinstance(failure, ValidationError):
            raise InvalidInput(where, values, "numbers, texts, true, false, null and lists of them") from failure
        raise ParameterError(where, failure) from None


class ParameterError(InvalidInput):
    """Parameters that do not pass: one line for each, with its name, value and what is allowed."""

    def __init__(self, where: str, failure: ValidationError) -> None:
        lines = []
        for error in failure.errors(include_url=False):
            name = ".".join(str(part) for part in error["loc"]) or "parameters"
            found = "" if error["type"] == "missing" else f" = {error['input']!r}" if error["loc"] else ""
            lines.append(f"  {name}{found}: {error['msg']}")
        ValueError.__init__(self, f"Parameters of {where} are not usable:\n" + "\n".join(lines))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.parameters", description="Print the parameters of notebooks.")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="for example 02_training; all of them if none is named")
    parser.add_argument("--write", action="store_true", help="put types and help into their parameters cells instead")
    options = parser.parse_args(arguments)
    chosen = options.notebooks or list(NOTEBOOKS)
    if unknown := [name for name in chosen if name not in NOTEBOOKS]:
        print(InvalidInput("notebook", unknown[0], f"one of {', '.join(NOTEBOOKS)}"), file=sys.stderr)
        return 2
    for name in chosen:
        if options.write:
            write_cell(name)
        else:
            print(f"{name}\n\n{text_table(describe(NOTEBOOKS[name]))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
