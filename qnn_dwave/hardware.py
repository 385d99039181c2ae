"""Reads from a D-Wave annealer, from its mock, or from recorded answers of either.

The images of a batch are placed on disjoint tiles of the chip, as many in one submission as fit. Fields and couplings are embedded
(each spin a chain of qubits), scaled into the chip's ranges, annealed, and read back by majority vote of each chain. Energies are those
of the original, unscaled problem. With `cycles`, each image is annealed again from its best read so far,
backwards and forwards (reverse annealing; more than once: cyclic), and its deepest reads are kept.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Int8

from qnn_core.errors import AnnealerError, MissingData, OverBudget, check, check_count, check_number
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, check_num_reads, derived_seed
from qnn_dwave.chips import Topology
from qnn_dwave.device import Anneal, Device, LiveDevice, MockDevice
from qnn_dwave.records import Answer, Question, Records, probe_energies
from qnn_dwave.tiles import Embedding, Tiles, find_tiles

if TYPE_CHECKING:
    import dimod


@dataclass(frozen=True)
class Plan:
    """What reads would cost, in seconds of access to the annealer; `one_by_one` is the time per image without tiles."""

    images_at_once: int
    submissions: int
    qpu_seconds: float
    per_image: float
    one_by_one: float

    def __str__(self) -> str:
        return (
            f"{self.submissions:,} submissions of up to {self.images_at_once} images side by side, about {self.qpu_seconds:.3g} s of "
            f"annealer time: {1e3 * self.per_image:.2g} ms an image and call, {1e3 * self.one_by_one:.2g} ms if submitted one by one"
        )


@dataclass
class _Account:
    """Seconds of annealer time spent so far, those of answers on disk included, and whether the cost was announced."""

    spent: float
    announced: bool = False


@dataclass(frozen=True)
class TiledAnnealer(ABC):
    """What `qpu`, `mock` and `replay` have in common.

    annealing_time: of a forward anneal, microseconds. cycles: reverse anneals after it. turning_point: s to which a reverse anneal goes
    back, 1 is the end of an anneal. hold: microseconds there. chain_strength: in units of Ocean's uniform torque compensation.
    scale: factor for fields and couplings; None fills the chip's ranges, which heats or cools the network as its weights change.
    tiles: largest number of images in one submission. embeddings: folder that stores embeddings. record: folder of the run's answers, None to
    keep none. max_qpu_seconds: annealer time that you accept for the whole run, including answers on disk; None accepts none: the price is
    printed, and nothing is submitted.
    """

    annealing_time: float = 20.0
    cycles: int = 0
    turning_point: float = 0.45
    hold: float = 10.0
    chain_strength: float = 1.414
    scale: float | None = None
    tiles: int = 16
    embeddings: str = "data/embeddings"
    record: str | None = None
    max_qpu_seconds: float | None = math.inf

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for name in ("annealing_time", "chain_strength", "scale", "max_qpu_seconds"):
            value = getattr(self, name)
            unlimited = name == "max_qpu_seconds" and value == math.inf
            if not unlimited and (value is not None or name in ("annealing_time", "chain_strength")):
                check_number(name, value, above=True)
        check(self.record is None or isinstance(self.record, str), "record", self.record, "the name of a folder, or None")
        check_count("cycles", self.cycles, least=0)
        check_count("tiles", self.tiles)
        check_number("turning_point", self.turning_point)
        check(0 < self.turning_point < 1, "turning_point", self.turning_point, "a number between 0 and 1")
        check_number("hold", self.hold)

    @property
    @abstractmethod
    def kind(self) -> str: ...

    @cached_property
    @abstractmethod
    def _device(self) -> Device:
        """The annealer to ask."""

    @cached_property
    def _records(self) -> Records:
        """The answers to this run: to these settings, all that decide what an annealer is asked, and of this annealer."""
        records = Records(self.record)
        records.open({"kind": self.kind, **{name: getattr(self, name) for name in _recorded_options()}, **self._device.settings})
        return records

    @cached_property
    def _account(self) -> _Account:
        return _Account(self._records.spent())

    def _anneal(self, start: Mapping[int, int] | None) -> Anneal:
        return Anneal(self.annealing_time, self.turning_point, self.hold, start)

    def plan(self, layers: tuple[int, ...], images: int, num_reads: int, calls: int = 1) -> Plan:
        """What `calls` calls of `sample` would cost, each of `images` images."""
        self._check_limits(num_reads)
        tiles = self._tiles(layers)
        at_once = min(len(tiles), images)
        qubits = tiles.num_qubits // len(tiles)
        ask = [self._anneal(None)] + [self._anneal({})] * self.cycles

        def seconds(side_by_side: int) -> float:
            return sum(self._device.access_seconds(qubits * side_by_side, num_reads, anneal) for anneal in ask)

        submissions = -(-images // at_once)
        total = calls * submissions * seconds(at_once)
        return Plan(at_once, calls * submissions * len(ask), total, total / (calls * images), seconds(1))

    def announce(self, layers: tuple[int, ...], images: int, num_reads: int, calls: int) -> None:
        """Print what a run will cost; raise OverBudget, with the price, when `max_qpu_seconds` does not accept that."""
        plan = self.plan(layers, images, num_reads, calls)
        self._account.announced = True
        if plan.qpu_seconds > (self.max_qpu_seconds or 0.0):
            raise OverBudget(
                f"{self.kind}: {plan}. max_qpu_seconds = {self.max_qpu_seconds} does not accept that: set it to what you do, or ask for fewer "
                "images, reads or epochs. Nothing was submitted."
            )
        print(f"{self.kind}: {plan}; {self._account.spent:.3g} s spent before.")

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        self._check_limits(num_reads)
        if not self._account.announced and self.max_qpu_seconds != math.inf:
            self.announce(problem.layers, problem.num_images, num_reads, 1)
        tiles = self._tiles(problem.layers)
        spins = np.empty((problem.num_images, num_reads, problem.num_spins), np.int8)
        answers: list[tuple[Answer, float]] = []
        for block, first in enumerate(range(0, problem.num_images, len(tiles))):
            images = np.arange(problem.num_images)[first : first + len(tiles)]
            spins[images], told = self._sample_block(problem.select(images), tiles, num_reads, seed, block)
            answers += told
        info = {
            "spin_updates": 0,
            "anneals_per_read": self.cycles + 1,
            "submissions": len(answers),
            "images_at_once": min(len(tiles), problem.num_images),
            "qpu_seconds": sum(answer.qpu_seconds for answer, _ in answers),
            "scale": [answer.scale for answer, _ in answers],
            "chain_strength": [answer.chain_strength for answer, _ in answers],
            "broken_chains": float(np.mean([broken for _, broken in answers])),
        }
        return Reads(spins, problem.energy(spins), info)

    def _sample_block(
        self, problem: IsingProblem, tiles: Tiles, num_reads: int, seed: int, block: int
    ) -> tuple[Int8[np.ndarray, "B R N"], list[tuple[Answer, float]]]:
        """Reads of images that fit side by side, and each answer with its fraction of broken chains."""
        chains = tiles.chains(problem.num_images)
        probe = probe_energies(problem)
        told: list[tuple[Answer, float]] = []
        kept = np.empty((problem.num_images, 0, problem.num_spins), np.int8)
        for cycle in range(self.cycles + 1):
            start = None
            if cycle:
                start = {qubit: int(spin) for chain, spin in zip(chains, kept[:, 0].ravel(), strict=True) for qubit in chain}
            answer = self._ask(Question(seed, block, cycle, num_reads, probe), problem, chains, self._anneal(start))
            spins, broken = _read_chains(answer, chains)
            told.append((answer, broken))
            new = spins.reshape(num_reads, problem.num_images, problem.num_spins).transpose(1, 0, 2)
            kept = _deepest(problem, np.concatenate([kept, new], axis=1), num_reads) if self.cycles else new
        return kept, told

    def _ask(self, question: Question, problem: IsingProblem, chains: Embedding, anneal: Anneal) -> Answer:
        """The recorded answer, else the annealer's, which is recorded before it is used."""
        records = self._records
        answer = records.find(question)
        if answer is not None:
            return answer
        cost = self._device.access_seconds(sum(map(len, chains)), question.num_reads, anneal)
        spent = self._account.spent
        if spent + cost > (self.max_qpu_seconds or 0.0):
            raise OverBudget(
                f"max_qpu_seconds = {self.max_qpu_seconds} is used up: {spent:.3g} s are spent and the next submission takes {cost:.3g} s. "
                "Reads so far are kept; raise the limit to go on."
            )
        model, scale, strength = self._on_chip(problem, chains)
        seed = derived_seed(question.seed, question.block, question.cycle)
        remember = partial(records.note_submitted, question)
        back = self._device.submit(model, question.num_reads, anneal, seed, records.submitted(question), remember)
        if len(back.spins) != question.num_reads:
            raise AnnealerError(f"The annealer gave {len(back.spins)} reads instead of {question.num_reads}.")
        answer = Answer(**vars(back), scale=scale, chain_strength=strength)
        self._account.spent = spent + answer.qpu_seconds
        records.keep(question, answer)
        return answer

    def _check_limits(self, num_reads: int) -> None:
        for name, value in (("num_reads", num_reads), ("annealing_time", self.annealing_time)):
            low, high = self._device.properties[f"{name}_range"]
            check(low <= value <= high, name, value, f"{low:g} .. {high:g} on this annealer")
        longest, found = self._device.properties["problem_run_duration_range"][1], f"{num_reads} of {self.annealing_time:g} µs"
        allowed = f"at most {longest:g} µs in all on this annealer"
        check(num_reads * self.annealing_time <= longest, "num_reads", found, allowed)

    def _on_chip(self, problem: IsingProblem, chains: Embedding) -> tuple[dimod.BinaryQuadraticModel, float, float]:
        """The images' problems on the qubits, scaled; the scale; and the strength of chains before it."""
        import dimod
        from dwave.embedding import EmbeddedStructure
        from dwave.embedding.chain_strength import uniform_torque_compensation

        whole = dimod.BinaryQuadraticModel(dimod.SPIN)
        for image in range(problem.num_images):
            one = problem.to_bqm(image)
            one.relabel_variables({spin: image * problem.num_spins + spin for spin in range(problem.num_spins)})
            whole.update(one)
        embedding = dict(enumerate(chains))
        structure = EmbeddedStructure(self._device.graph.edges, embedding)
        strength = uniform_torque_compensation(whole, embedding, prefactor=self.chain_strength)
        model = structure.embed_bqm(whole, chain_strength=strength)
        largest = _largest_scale(model, self._device.properties)
        scale = largest if self.scale is None else self.scale
        check(scale <= largest, "scale", scale, f"at most {largest:.4g}, or None, for these weights to stay in the chip's ranges")
        model.scale(scale)
        return model, scale, strength

    def _tiles(self, layers: tuple[int, ...]) -> Tiles:
        tiles = self._records.tiles(layers)
        if tiles is None:
            tiles = find_tiles(layers, self._device.graph, self.tiles, self.embeddings)
            self._records.keep_tiles(tiles)
        return tiles


@dataclass(frozen=True)
class QPUSampler(TiledAnnealer):
    """A D-Wave quantum annealer, through Ocean and its token. Options as in `TiledAnnealer`, and:

    solver: its name, None for Ocean's choice. attempts, pause: how often a submission is tried, and seconds before the second attempt,
    doubled each time. Its answers are always kept.
    """

    solver: str | None = None
    record: str | None = "data/recorded/qpu"
    max_qpu_seconds: float | None = None
    attempts: int = 5
    pause: float = 2.0

    name: ClassVar[str] = "qpu"
    kind: ClassVar[str] = "D-Wave quantum annealer"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.record, "record", self.record, "a folder, for reads that were paid for")
        check_count("attempts", self.attempts)
        check_number("pause", self.pause)

    @cached_property
    def _device(self) -> Device:
        return LiveDevice(self.solver, self.attempts, self.pause)


@dataclass(frozen=True)
class MockSampler(TiledAnnealer):
    """The same path on Ocean's mock of a D-Wave machine, with simulated annealing of the chains of qubits in its place.

    Options as in `TiledAnnealer`, and topology, sweeps, beta, control_error: see `MockDevice`; the topology is a family of `dwave.graphs` and
    its shape, or any graph. A machine's limits and `max_qpu_seconds` are those of a real run, with modelled times.
    """

    topology: Topology = ("zephyr", 12)
    sweeps: int = 100
    beta: tuple[float, float] = (0.1, 10.0)
    control_error: tuple[float, float] = (0.0, 0.0)

    name: ClassVar[str] = "mock"
    kind: ClassVar[str] = "classical annealer behind a D-Wave interface (embedded, mock chip)"

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self._device

    @cached_property
    def _device(self) -> Device:
        return MockDevice(self.topology, self.sweeps, self.beta, self.control_error)


@dataclass(frozen=True)
class ReplaySampler:
    """Recorded reads of an annealer, from their folder; needs no annealer and no token.

    record: the folder. A run with the same data, parameters and seeds gets the same reads; any other is refused with MissingData.
    """

    record: str = "data/recorded/qpu"

    name: ClassVar[str] = "replay"

    @property
    def kind(self) -> str:
        return f"recorded reads: {self._annealer.kind}"

    @cached_property
    def _annealer(self) -> _Replay:
        common = _recorded_options()
        settings = Records(self.record).reopen(["kind", *common]).settings
        return _Replay(record=self.record, **{name: settings[name] for name in common})

    def announce(self, layers: tuple[int, ...], images: int, num_reads: int, calls: int) -> None:  # noqa: ARG002
        """Recorded reads are free, but `announce` works as for the sampler that made them."""
        print(f"{self.kind}: nothing is spent.")

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        return self._annealer.sample(problem, num_reads, seed)


@dataclass(frozen=True)
class _Replay(TiledAnnealer):
    """A tiled annealer whose every answer is on disk."""

    @property
    def kind(self) -> str:
        return str(self._records.settings["kind"])

    def _check_limits(self, num_reads: int) -> None:
        """Whoever recorded did."""

    @cached_property
    def _records(self) -> Records:
        return Records(self.record).reopen([])

    @cached_property
    def _device(self) -> Device:
        raise MissingData(
            f"{self.record} holds no answer to this: the run differs from the recorded one in data, parameters, reads or seed, "
            "or goes on longer."
        )


def _recorded_options() -> list[str]:
    """The options that decide what an annealer is asked."""
    return [option.name for option in fields(TiledAnnealer) if option.name not in ("embeddings", "max_qpu_seconds", "record")]


def _read_chains(answer: Answer, chains: Embedding) -> tuple[Int8[np.ndarray, "R V"], float]:
    """The spin of each chain by majority of its qubits, ties to +1, and the fraction of chains whose qubits disagree."""
    column = {int(qubit): place for place, qubit in enumerate(answer.qubits)}
    lengths = np.array([len(chain) for chain in chains])
    places = np.array([column[qubit] for chain in chains for qubit in chain])
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    totals = np.add.reduceat(answer.spins[:, places].astype(np.int32), first, axis=1)
    return np.where(totals >= 0, 1, -1).astype(np.int8), float(np.mean(np.abs(totals) != lengths))


def _deepest(problem: IsingProblem, spins: Int8[np.ndarray, "B R N"], num_reads: int) -> Int8[np.ndarray, "B r N"]:
    """The `num_reads` lowest reads of each image, deepest first."""
    order = np.argsort(problem.energy(spins), axis=1, kind="stable")[:, :num_reads]
    return np.take_along_axis(spins, order[:, :, None], axis=1)


def _largest_scale(model: dimod.BinaryQuadraticModel, properties: Any) -> float:
    """What fields and couplings can be multiplied with to fill the chip's ranges, 1 for a model without any.

    The ranges are those of a qubit's field, of a coupling, and, where the chip has one, of the sum of a qubit's couplings.
    """
    fields, (left, right, couplings), _ = model.to_numpy_vectors()
    sums = np.zeros(len(fields))
    np.add.at(sums, left, couplings)
    np.add.at(sums, right, couplings)
    unlimited = (-math.inf, math.inf)
    ranges = (
        (fields, properties["h_range"]),
        (couplings, properties["extended_j_range"]),
        (sums, properties.get("per_qubit_coupling_range", unlimited)),
    )
    limits = [
        limit / value
        for values, (low, high) in ranges
        for value, limit in ((values.max(initial=0.0), high), (values.min(initial=0.0), low))
        if value != 0
    ]
    return float(min(limits, default=1.0))
