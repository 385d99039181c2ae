"""The parameters of every notebook and of every profile: names, types, bounds and meaning.

Checked strictly, before any work, by every way in: a profile's yaml, `qnn_core.execute`, and the first lines of each notebook.

python -m qnn_core.params [NOTEBOOK ...] prints them; with --write it puts types and help into the parameters cells of the notebooks.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import nbformat
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qnn_core.describe import ParameterTable, describe, parameters_cell, text_table
from qnn_core.errors import InvalidInput
from qnn_core.files import ROOT, atomic_write
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

    @property
    def table(self) -> ParameterTable:
        """The parameters as a table, for the notebook that has them."""
        return ParameterTable(self)


class DataParameters(Strict):
    """01_data"""

    dataset: str = Field("digits", description='"digits", "mnist", "mnist-1000" or the path of an .npz file')
    result: str = Field(description="where to store the summary (.npz)")


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
    method: Method = Field("gibbs", description="a sampler, or a backpropagation baseline")
    hidden: Widths = Field((120,), description="spins or units of each hidden layer")
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)] = Field(description="learning rates to try")
    held_out: float = Field(0.2, gt=0, lt=1, description="fraction of the training images used for validation")
    seed: Seed = Field(0, description="of the split, the initial weights, the order of images and the reads")
    result: str = Field(description="where to store the result (.npz)")


class TrainingParameters(CutParameters):
    """02_training"""

    dataset: str = Field("digits", description="data set, see 01_data")
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
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
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
    field_error: Fraction = Field(0.03, description="control error of the mock chip's fields")
    coupling_error: Fraction = Field(0.02, description="control error of the mock chip's couplings")
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
    schedule: Literal["linear", "constant"] = Field("linear", description="whether the rate falls to 0 over the run or stays")
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


class ActiveParameters(CutParameters):
    """07_active_layers"""

    dataset: str = Field("digits", description="data set, see 01_data")
    sampler: SamplerName = Field("gibbs", description="which sampler proposes the reads")
    hidden: Annotated[tuple[Count, ...], Field(min_length=2)] = Field((64, 64), description="spins of each hidden layer")
    window: Count = Field(2, description="layers sampled at a time, outputs included; the rest stays frozen")
    passes: Count = Field(1, description="of the window over the network for each read")
    epochs: Count = Field(10, description="passes over the training images")
    glass: float = Field(0.5, gt=0, description="spin-glass temperature of each pair of layers at the start")
    drive: float = Field(3.0, gt=0, description="typical field of bright pixels on a hidden spin at the start")
    margin: float = Field(3.0, ge=0, description="energy above the clamped state up to which a wrong read is a head")
    completed: bool = Field(False, description="reads become the code state of the class that they decode to before they are cut")
    lr: Rate | None = Field(None, description="learning rate of Adam; null takes the one chosen in `rates`")
    rates: str | None = Field(None, description="result of 01b_rates to take the learning rate from")
    seed: Seed = Field(0, description="of the initial weights, the order of images and the reads")
    result: str = Field(description="where to store the history (.npz)")

    @model_validator(mode="after")
    def _window_fits(self) -> ActiveParameters:
        _exactly_one_rate(self.lr, self.rates)
        layers = len(self.hidden) + 1
        if self.window > layers:
            raise ValueError(f"window = {self.window} must not exceed the {layers} layers of spins")
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

    runs: Paths = Field(description="results of 07_active_layers (names or patterns)")
    backprop_runs: Paths = Field(description="histories of an MLP of the same depth")
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
    active_runs: Paths = Field(description="results of 07_active_layers (names or patterns)")
    data: str = Field(description="result of 01_data")
    claims: str = Field(description="where to store the table of claims (.json)")


class PlaygroundParameters(Strict):
    """playground"""

    dataset: str = Field("digits", description="data set, see 01_data")
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
        ScalingParameters,
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


class ActiveSettings(Strict):
    hidden: Annotated[tuple[Count, ...], Field(min_length=2)]
    windows: Annotated[tuple[Count, ...], Field(min_length=1)]
    epochs: Count
    glass: float = Field(gt=0)
    drive: float = Field(gt=0)
    margin: float = Field(ge=0)
    rates: Annotated[tuple[Rate, ...], Field(min_length=1)]


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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qnn_core.params", description="Print the parameters of notebooks.")
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
