"""The parameters of every notebook and of every profile: names, types, bounds and meaning.

Checked strictly, before any work, by every way in: a profile's yaml, `qnn_core.execute`, and the first lines of each notebook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qnn_core.active import WindowSchedule
from qnn_core.errors import InvalidInput
from qnn_core.files import ROOT
from qnn_core.minima import MAX_TREE_OUTPUTS

SamplerName = Literal["gibbs", "collapsed", "exact", "sa", "pia"]
AnySampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "coherent", "mock", "qpu", "replay"]
OfflineSampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "mock"]
ComparedSampler = Literal["gibbs", "collapsed", "exact", "sa", "pia", "coherent", "dwave-like", "mock"]
Method = Literal["gibbs", "collapsed", "exact", "sa", "pia", "mlp", "energy"]
Fraction = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rate = Annotated[float, Field(gt=0, le=10)]
Widths = Annotated[tuple[Count, ...], Field(min_length=1)]
Paths = Annotated[tuple[str, ...], Field(min_length=1)]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class DataParameters(Strict):
    """01_data"""

    dataset: str = Field("digits", description='"digits", "mnist", "mnist-1000" or the path of an .npz file')
    result: str = Field(description="where to store the summary (.npz)")


class ScheduleParameters(Strict):
    """How an annealer anneals."""

    sweeps: Count = Field(20, description="updates of every spin in one read")
    beta_hot: float = Field(0.1, gt=0, description="inverse temperature at the start of a read")
    beta_cold: float = Field(5.0, gt=0, description="inverse temperature at its end")

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

    dataset: str = Field("digits", description="data set, see 01_data")
    method: Method = Field("gibbs", description="a sampler, or a backpropagation baseline: mlp, energy")
    hidden: Widths = Field((120,), description="spins or units of each hidden layer")
    schedule: Literal["linear", "constant"] = Field("linear", description="rate falling to 0 over the run, or constant")
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = Field(description="learning rates to try")
    held_out: float = Field(0.2, gt=0, lt=1, description="fraction of the training images used for validation")
    seed: Seed = Field(0, description="of the split, the initial weights, the order of images and the reads")
    result: str = Field(description="where to store the result (.npz)")


class TrainingParameters(CutParameters):
    """02_training"""

    dataset: str = Field("digits", description="data set, see 01_data")
    sampler: AnySampler = Field("gibbs", description="which sampler proposes the reads")
    hidden: Widths = Field((120,), description="spins of each hidden layer")
    schedule: Literal["linear", "constant"] = Field("linear", description="rate falling to 0 over the run, or constant")
    lr: Rate | None = Field(None, description="learning rate of Adam; null takes the one chosen in `rates`, or else the default")
    rates: str | None = Field(None, description="result of 01b_rates to take the learning rate from")
    record: str | None = Field(None, description="folder of the answers of qpu, mock or replay; null keeps none (mock only)")
    solver: str | None = Field(None, description="name of the D-Wave machine, qpu only; null for Ocean's choice")
    max_qpu_seconds: float = Field(20.0, gt=0, description="most annealer time of the whole run, seconds, qpu only")
    annealing_time: float = Field(20.0, gt=0, description="of an anneal, microseconds, qpu and mock only")
    cycles: int = Field(0, ge=0, description="reverse anneals from the best read after the forward one, qpu and mock only")
    field_error: Fraction = Field(0.0, description="control error of the fields, in the chip's unit; not for qpu and replay")
    coupling_error: Fraction = Field(
        0.0, description="control error of the couplings, in the chip's unit; not for qpu and replay"
    )
    snapshots: int = Field(12, ge=0, description="log-spaced copies of the parameters to keep, for 04_phase")
    seed: Seed = Field(0, description="of the initial weights, the order of images and the reads")
    result: str = Field(description="where to store the history (.npz)")

    @model_validator(mode="after")
    def _consistent(self) -> TrainingParameters:
        if self.lr is not None and self.rates is not None:
            raise ValueError(f"lr = {self.lr} and rates = {self.rates!r}: give at most one of them")
        if self.sampler in ("qpu", "replay") and self.record is None:
            raise ValueError(f"record must name a folder for sampler {self.sampler}")
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

    dataset: str = Field("digits", description="data set, see 01_data")
    classes: Annotated[tuple[int, ...], Field(min_length=2)] = Field((0, 1, 2), description="labels to tell apart")
    hidden: Annotated[int, Field(ge=1, le=16)] = Field(8, description="hidden spins; with the outputs at most 20")
    outputs: Annotated[int, Field(ge=2, le=16)] = Field(4, description="output spins, at least one for each class")
    samplers: Annotated[tuple[ComparedSampler, ...], Field(min_length=1)] = Field(description="samplers to compare")
    epochs: Count = Field(2, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    reads: Count = Field(8, description="reads of each image and update")
    margin: float = Field(3.0, ge=0, description="energy above the clamped state up to which a wrong read is a head")
    lr: Rate = Field(0.01, description="learning rate of Adam")
    duration: float = Field(10.0, gt=0, description="of a coherent anneal, in units of 1 / transverse field")
    dwave_duration: float = Field(40.0, gt=0, description="of one with the D-Wave-like schedule, in the same units")
    steps: Count = Field(60, description="Trotter steps of a coherent anneal")
    mock_size: Annotated[int, Field(ge=1, le=15)] = Field(4, description="size of the mock chip's Zephyr graph")
    field_error: Fraction = Field(0.03, description="control error of the mock chip's fields, in the chip's unit")
    coupling_error: Fraction = Field(0.02, description="control error of the mock chip's couplings, in the chip's unit")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        description="of weights, order of images and reads; one run each"
    )
    images: Count = Field(50, description="test images whose heads are searched")
    result: str = Field(description="where to store the result (.npz)")

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

    dataset: str = Field("digits", description="data set, see 01_data")
    held_out: float = Field(0.3, gt=0, lt=1, description="fraction of the training images used for validation")
    train_images: Count | None = Field(None, description="how many of the others to train on; null for all")
    hidden: Widths = Field((120,), description="spins of each hidden layer")
    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    schedule: Literal["linear", "constant"] = Field("linear", description="rate falling to 0 over the run, or constant")
    lr: Rate | None = Field(None, description="learning rate of Adam; null for the default")
    epochs: Count = Field(6, description="passes over the training images")
    reads_tried: Annotated[tuple[Count, ...], Field(min_length=2)] = Field(
        (1, 10, 100), description="reads of an update to compare"
    )
    samplers: Annotated[tuple[SamplerName, ...], Field(min_length=1)] = Field(
        ("gibbs", "collapsed", "exact"), description="samplers to train with"
    )
    searchers: Annotated[tuple[OfflineSampler, ...], Field(min_length=1)] = Field(
        ("gibbs", "collapsed", "exact", "sa", "pia", "mock"), description="samplers to search heads with"
    )
    mock_size: Annotated[int, Field(ge=1, le=15)] = Field(12, description="size of the mock chip's Zephyr graph")
    field_error: Fraction = Field(0.03, description="control error of the mock chip's fields, in the chip's unit")
    coupling_error: Fraction = Field(0.02, description="control error of the mock chip's couplings, in the chip's unit")
    images: Count = Field(20, description="validation images whose heads are searched")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field(
        (0, 1, 2), description="of weights, order of images and reads; one run each"
    )
    result: str = Field(description="where to store the result (.npz)")

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes."""
        options = super().options_of(sampler)
        if sampler == "mock":
            options |= {"topology": ("zephyr", self.mock_size), "control_error": (self.field_error, self.coupling_error)}
        return options


class BackpropParameters(Strict):
    """03_backprop"""

    dataset: str = Field("digits", description="data set, see 01_data")
    method: Literal["mlp", "energy"] = Field("mlp", description="standard MLP, or the energy model by autodiff")
    hidden: Widths = Field((120,), description="units of each hidden layer")
    copies: Count = Field(1, description="output spins of each class, energy model only")
    epochs: Count = Field(20, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    schedule: Literal["linear", "constant"] = Field("linear", description="rate falling to 0 over the run, or constant")
    lr: Rate | None = Field(None, description="learning rate of Adam; null takes the one chosen in `rates`")
    rates: str | None = Field(None, description="result of 01b_rates to take the learning rate from")
    seed: Seed = Field(0, description="of the initial weights and the order of images")
    result: str = Field(description="where to store the history (.npz)")

    @model_validator(mode="after")
    def _one_rate(self) -> BackpropParameters:
        _exactly_one_rate(self.lr, self.rates)
        return self


class PhaseParameters(ScheduleParameters):
    """04_phase"""

    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    runs: Paths = Field(description="training histories with snapshots (names or patterns)")
    images: Count = Field(50, description="test images whose landscape is measured")
    reads: Annotated[int, Field(ge=10)] = Field(100, description="reads of each image")
    seed: Seed = Field(0, description="of the choice of images and the reads")
    result: str = Field(description="where to store the result (.npz)")


class EquilibriumParameters(Strict):
    """04b_equilibrium"""

    runs: Paths = Field(description="training histories with snapshots (names or patterns)")
    images: Annotated[int, Field(ge=2)] = Field(10, description="test images")
    moments: Annotated[int, Field(ge=2)] = Field(6, description="networks along each run, log-spaced in updates")
    coldest: float = Field(0.25, gt=0, description="lowest temperature, units of energy")
    hottest: float = Field(8.0, gt=0, description="highest temperature, units of energy")
    temperatures: Annotated[int, Field(ge=4)] = Field(14, description="how many, geometrically spaced")
    sweeps: Count = Field(400, description="updates of every spin at each temperature; the first half is thrown away")
    measurements: Annotated[int, Field(ge=10)] = Field(
        50, description="looks at the second half; at most an eighth of the sweeps"
    )
    glass_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)] = Field(
        ((30, 10), (60, 20), (120, 40)), description="hidden and output spins of the random glasses"
    )
    glasses: Annotated[int, Field(ge=2)] = Field(20, description="random glasses of each size")
    seed: Seed = Field(0, description="of the images, the glasses and the sampler")
    result: str = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _fits(self) -> EquilibriumParameters:
        if self.coldest >= self.hottest:
            raise ValueError(f"coldest = {self.coldest} must be below hottest = {self.hottest}")
        if self.sweeps < 8 * self.measurements:
            raise ValueError(f"sweeps = {self.sweeps} must be at least 8 x measurements = {8 * self.measurements}")
        return self


class SizesParameters(ScheduleParameters):
    """04c_sizes"""

    dataset: str = Field("digits", description="data set, see 01_data")
    copies: Annotated[tuple[Count, ...], Field(min_length=2)] = Field(
        (1, 2, 4), description="output spins of each class, one network size each"
    )
    hidden_per_output: float = Field(3.2, gt=0, description="hidden spins for each output spin")
    images: Annotated[int, Field(ge=2)] = Field(20, description="test images")
    reads: Annotated[int, Field(ge=10)] = Field(40, description="reads of each image")
    epochs: Count = Field(3, description="passes over the training images")
    batch_size: Count = Field(10, description="images of one update")
    snapshots: Annotated[int, Field(ge=3)] = Field(14, description="log-spaced networks along training")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)] = Field((0, 1, 2), description="one network of each size for each")
    result: str = Field(description="where to store the result (.npz)")


class LandscapeParameters(ScheduleParameters):
    """04d_landscape"""

    dataset: str = Field("digits", description="data set, see 01_data")
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
    result: str = Field(description="where to store the result (.npz)")

    @model_validator(mode="after")
    def _enumerable(self) -> LandscapeParameters:
        if len(self.classes) * self.copies > MAX_TREE_OUTPUTS:
            raise ValueError(f"{len(self.classes)} classes x {self.copies} copies must be at most {MAX_TREE_OUTPUTS} outputs")
        return self


class ScalingParameters(Strict):
    """05_scaling"""

    annealer_runs: Paths = Field(description="histories of annealer training at constant rate (names or patterns)")
    mlp_runs: Paths = Field(description="histories of the MLP at constant rate")
    energy_runs: Paths = Field(description="histories of the energy model by backpropagation at constant rate")
    resamples: Annotated[int, Field(ge=100)] = Field(200, description="bootstrap resamples of the runs")
    seed: Seed = Field(0, description="of the bootstrap")
    result: str = Field(description="where to store the fits (.npz)")


class GroverParameters(Strict):
    """06_grover"""

    dataset: str = Field("digits", description="data set, see 01_data")
    classes: Annotated[tuple[int, ...], Field(min_length=2)] = Field((0, 1, 2), description="labels to tell apart")
    hidden: Annotated[int, Field(ge=2, le=14)] = Field(8, description="hidden spins; with the outputs at most 20")
    epochs: Count = Field(4, description="passes over the training images")
    lr: Rate = Field(0.01, description="learning rate of Adam")
    reads: Count = Field(8, description="deepest minima of each image and update that training looks at")
    snapshots: Count = Field(6, description="log-spaced networks along training whose heads are searched")
    images: Count = Field(12, description="test images whose heads are searched")
    duration: float = Field(10.0, gt=0, description="of an anneal, in units of 1 / transverse field")
    steps: Count = Field(100, description="Trotter steps of an anneal")
    margin: float = Field(3.0, ge=0, description="energy above the clamped state up to which a wrong state is a head")
    searches: Annotated[int, Field(ge=10)] = Field(400, description="simulated searches for each head weight")
    seed: Seed = Field(0, description="of the network, training and the searches")
    result: str = Field(description="where to store the result (.npz)")


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

    dataset: str = Field("digits", description="data set, see 01_data")
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
    result: str = Field(description="where to store the result (.npz)")

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
    figure: str = Field(description="where to store the figure, without ending")


class CurvesFigureParameters(Strict):
    """fig2"""

    annealer_runs: Paths = Field(description="histories of annealer training (names or patterns)")
    mlp_runs: Paths = Field(description="histories of the MLP")
    energy_runs: Paths = Field(description="histories of the energy model by backpropagation")
    figure: str = Field(description="where to store the figure, without ending")


class PhaseFigureParameters(Strict):
    """fig3"""

    phase: str = Field(description="result of 04_phase")
    equilibrium: str = Field(description="result of 04b_equilibrium")
    sizes: str = Field(description="result of 04c_sizes")
    landscape: str = Field(description="result of 04d_landscape")
    figure: str = Field(description="where to store the figure, without ending")


class ScalingFigureParameters(Strict):
    """fig4"""

    scaling: str = Field(description="result of 05_scaling")
    grover: str = Field(description="result of 06_grover")
    figure: str = Field(description="where to store the figure, without ending")


class ActiveFigureParameters(Strict):
    """fig5"""

    runs: Paths = Field(description="results of 07_active_layers (names or patterns); curves are drawn of the first")
    figure: str = Field(description="where to store the figure, without ending")


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
    claims: str = Field(description="where to store the table of claims (.json)")


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
        ScalingParameters,
        GroverParameters,
        ActiveParameters,
        LandscapeFigureParameters,
        CurvesFigureParameters,
        PhaseFigureParameters,
        ScalingFigureParameters,
        ActiveFigureParameters,
        SummaryParameters,
    )
    if model.__doc__
}
"""The parameter model of each notebook, by the notebook's name."""


class SamplersSettings(Strict):
    samplers: Annotated[tuple[ComparedSampler, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    hidden: Count
    epochs: Count
    duration: float = Field(gt=0)
    dwave_duration: float = Field(gt=0)
    steps: Count
    images: Count


class AblationSettings(Strict):
    held_out: float = Field(gt=0, lt=1)
    train_images: Count | None
    copies: Count
    epochs: Count
    batch_size: Count
    reads_tried: Annotated[tuple[Count, ...], Field(min_length=2)]
    samplers: Annotated[tuple[SamplerName, ...], Field(min_length=1)]
    searchers: Annotated[tuple[OfflineSampler, ...], Field(min_length=1)]
    images: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class PhaseSettings(Strict):
    images: Count
    reads: Annotated[int, Field(ge=10)]
    sweeps: Count


class EquilibriumSettings(Strict):
    images: Annotated[int, Field(ge=2)]
    moments: Annotated[int, Field(ge=2)]
    coldest: float = Field(gt=0)
    hottest: float = Field(gt=0)
    temperatures: Annotated[int, Field(ge=4)]
    sweeps: Count
    measurements: Annotated[int, Field(ge=10)]
    glass_sizes: Annotated[tuple[tuple[Count, Count], ...], Field(min_length=1)]
    glasses: Annotated[int, Field(ge=2)]


class SizesSettings(Strict):
    copies: Annotated[tuple[Count, ...], Field(min_length=2)]
    images: Annotated[int, Field(ge=2)]
    reads: Annotated[int, Field(ge=10)]
    epochs: Count
    batch_size: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class LandscapeSettings(Strict):
    epochs: Count
    batch_size: Count
    images: Count


class ScalingSettings(Strict):
    widths: Annotated[tuple[Count, ...], Field(min_length=1)]
    epochs: Count
    resamples: Annotated[int, Field(ge=100)]


class GroverSettings(Strict):
    classes: Annotated[tuple[int, ...], Field(min_length=2)]
    hidden: Count
    epochs: Count
    images: Count
    duration: float = Field(gt=0)
    steps: Count
    searches: Count


class ActiveStudy(Strict):
    """One network of 07_active_layers."""

    hidden: Widths
    windows: Annotated[tuple[WindowChoice, ...], Field(min_length=1)]
    epochs: Count
    lr: Rate
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]


class ActiveSettings(Strict):
    """studies: by name; the first is the one that claim C6 is judged by."""

    copies: Count
    glass: float = Field(gt=0)
    reads: Count
    code_reads: Count
    sweeps: Count
    batch_size: Count
    looks: Count
    judged: Count | None
    answered: Count
    mlp_rates: Annotated[tuple[Rate, ...], Field(min_length=1)]
    chips: Annotated[tuple[ChipChoice, ...], Field(min_length=1)]
    studies: Annotated[dict[str, ActiveStudy], Field(min_length=1)]


class Profile(Strict):
    """A profile (config/<name>.yaml): how large every part of a run is."""

    dataset: str
    hidden: Count
    copies: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2)]
    epochs: Count
    reads: Count
    sweeps: Count
    batch_size: Count
    margin: float = Field(ge=0)
    rates: dict[Literal["gibbs", "mlp", "energy"], Annotated[tuple[Rate, ...], Field(min_length=1)]]
    snapshots: Annotated[int, Field(ge=2)]
    samplers: SamplersSettings
    ablation: AblationSettings
    phase: PhaseSettings
    equilibrium: EquilibriumSettings
    sizes: SizesSettings
    landscape: LandscapeSettings
    scaling: ScalingSettings
    grover: GroverSettings
    active: ActiveSettings


def load_profile(name: str, folder: Path = ROOT / "config") -> Profile:
    """The checked profile of a name."""
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        raise InvalidInput("profile", name, f"one of {', '.join(known)}")
    content = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return _validate(Profile, content, f"config/{name}.yaml")


def notebook_parameters(notebook: str, values: Mapping[str, Any]) -> Any:
    """The checked parameters of a notebook, defaults filled in; raises InvalidInput naming what is wrong."""
    if notebook not in NOTEBOOKS:
        raise InvalidInput("notebook", notebook, f"one of {', '.join(NOTEBOOKS)}")
    return _validate(NOTEBOOKS[notebook], values, f"notebook {notebook}")


def from_cell(notebook: str, names: Mapping[str, Any]) -> Any:
    """The checked parameters of a notebook, read from the variables that its parameters cell has set: pass `globals()`."""
    wanted = NOTEBOOKS[notebook].model_fields
    return notebook_parameters(notebook, {name: names[name] for name in wanted if name in names})


def _exactly_one_rate(lr: float | None, rates: str | None) -> None:
    if (lr is None) == (rates is None):
        raise ValueError(f"lr = {lr} and rates = {rates!r}: give exactly one of them")


def _validate(model: type[Strict], values: Any, where: str) -> Any:
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
