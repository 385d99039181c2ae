"""Deep networks on a modest annealer: only a few neighbouring layers are sampled at a time.

A *window* is w consecutive layers of spins. The layers outside it stay frozen and act on it only through fields, so each window is
an Ising problem of its own, smaller than the network's. The window moves over the layers in the order of a *schedule*. After one pass every
layer has been sampled; after a second one in the other direction every layer has felt all others. A layer that is too wide is split into
*blocks*, which take turns inside the window; meanwhile the spins of the other blocks are frozen like those of the other layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Int8

from qnn_core.errors import check, check_choice, check_count
from qnn_core.ising import IsingProblem
from qnn_core.samplers.base import Reads, Sampler, check_num_reads, derived_seed

WindowSchedule = Literal["bottom-up", "top-down", "sweeping", "random"]


@dataclass(frozen=True)
class Window:
    """Spins that are sampled together: spins blocks[k] = (begin, end) of layer first + k, for each k."""

    first: int
    blocks: tuple[tuple[int, int], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Spins of each layer of the window."""
        return tuple(end - begin for begin, end in self.blocks)

    def columns(self, layers: tuple[int, ...]) -> list[slice]:
        """Where the spins of each layer of the window stand in a state of the whole network."""
        starts = np.cumsum((0, *layers))[self.first :]
        return [slice(int(start) + begin, int(start) + end) for start, (begin, end) in zip(starts, self.blocks, strict=False)]


def windows_at(layers: tuple[int, ...], first: int, width: int, widest: int | None = None, shift: int = 0) -> list[Window]:
    """The windows that together hold the layers first .. first + width - 1, no layer with more than `widest` spins at once.

    Without `widest`, or where it is no limit, that is one window. Otherwise each layer is split into blocks of nearly equal size, as few as
    possible, and as many windows as the most divided layer has blocks are sampled in turn: window k holds block k of each layer, counted
    cyclically. shift: moves the blocks of every second layer on, so that a different shift pairs different blocks.
    """
    check(0 <= first < first + width <= len(layers), "window", (first, width), f"layers inside 0 .. {len(layers) - 1}")
    blocks = [_blocks(size, widest) for size in layers[first : first + width]]
    return [
        Window(first, tuple(parts[(turn + shift * (place % 2)) % len(parts)] for place, parts in enumerate(blocks)))
        for turn in range(max(map(len, blocks)))
    ]


def _blocks(size: int, widest: int | None) -> list[tuple[int, int]]:
    count = 1 if widest is None else -(-size // widest)
    ends = np.linspace(0, size, count + 1).round().astype(int).tolist()
    return list(pairwise(ends))


def places(num_layers: int, width: int, schedule: WindowSchedule, passes: int, seed: int) -> list[int]:
    """The first layer of the window at each of its stops.

    "sweeping": from the input side to the output, then down, then up again, without stopping twice where it turns; "bottom-up" and
    "top-down": always that way; "random": in an order drawn anew for each pass. A pass stops at every place once, at a lone place too: there
    the blocks of a split layer hear from each other only in the next pass.
    """
    upwards = list(range(num_layers - width + 1))
    stops: list[int] = []
    for turn in range(passes):
        if schedule == "random":
            stops += np.random.default_rng([seed, turn]).permutation(upwards).tolist()
        else:
            down = schedule == "top-down" or (schedule == "sweeping" and turn % 2 == 1)
            way = upwards[::-1] if down else upwards
            turns = schedule == "sweeping" and turn > 0 and len(way) > 1
            stops += way[1:] if turns else way
    return stops


def window_problem(problem: IsingProblem, states: Int8[np.ndarray, "B N"], window: Window) -> IsingProblem:
    """The problem of the window's spins with all others frozen at `states`, one state an image.

    Its energies differ from the whole problem's by a constant of each image.
    """
    columns = window.columns(problem.layers)
    frozen = states.astype(np.float32)
    for inside in columns:
        frozen[:, inside] = 0
    parts = problem.split(frozen)
    fields = []
    for place, (inside, (begin, end)) in enumerate(zip(columns, window.blocks, strict=True)):
        layer = window.first + place
        felt = problem.fields[:, inside]
        if layer > 0 and _has_frozen(window, problem.layers, layer - 1):
            felt = felt + parts[layer - 1] @ problem.couplings[layer - 1][:, begin:end]
        if layer + 1 < len(problem.layers) and _has_frozen(window, problem.layers, layer + 1):
            felt = felt + parts[layer + 1] @ problem.couplings[layer][begin:end].T
        fields.append(felt)
    couplings = tuple(
        np.ascontiguousarray(problem.couplings[window.first + place][begin:end, next_begin:next_end])
        for place, ((begin, end), (next_begin, next_end)) in enumerate(pairwise(window.blocks))
    )
    return IsingProblem(window.sizes, np.concatenate(fields, axis=1), couplings)


def _has_frozen(window: Window, layers: tuple[int, ...], layer: int) -> bool:
    """Whether a layer has spins outside of the window."""
    place = layer - window.first
    return not 0 <= place < len(window.blocks) or window.sizes[place] < layers[layer]


@dataclass(frozen=True)
class WindowSampler:
    """Reads of a deep network by a sampler that only ever sees `width` layers at a time, and at most `widest` spins of each.

    sampler: for the windows. passes, schedule: of the window over the network, see `places`. widest: None for no limit. Each read has its own
    frozen states. Layers that no window has visited yet exert no field, because arbitrary spins there would steer what is sampled first.
    With a window over all layers this is the sampler itself.
    """

    sampler: Sampler
    width: int
    passes: int = 2
    schedule: WindowSchedule = "sweeping"
    widest: int | None = None

    def __post_init__(self) -> None:
        check_count("width", self.width)
        check_count("passes", self.passes)
        check_count("widest", 1 if self.widest is None else self.widest)
        check_choice("schedule", self.schedule, get_args(WindowSchedule))

    @property
    def name(self) -> str:
        return f"{self.sampler.name}-window{self.width}"

    @property
    def kind(self) -> str:
        return f"{self.sampler.kind}, {self.width} layers at a time"

    def windows(self, layers: tuple[int, ...], seed: int = 0) -> list[Window]:
        """The windows that a read is sampled in, in order; the seed matters for the "random" schedule only."""
        if self.width >= len(layers) and max(layers) <= (self.widest or max(layers)):
            return windows_at(layers, 0, len(layers))
        width = min(self.width, len(layers))
        stops = places(len(layers), width, self.schedule, self.passes, seed)
        return [window for turn, first in enumerate(stops) for window in windows_at(layers, first, width, self.widest, turn)]

    def sample(self, problem: IsingProblem, num_reads: int, seed: int) -> Reads:
        check_num_reads(num_reads, seed)
        windows = self.windows(problem.layers, seed)
        if windows == windows_at(problem.layers, 0, len(problem.layers)):
            return self.sampler.sample(problem, num_reads, seed)
        one_per_read = problem.select(np.repeat(np.arange(problem.num_images), num_reads))
        states = np.zeros((one_per_read.num_images, problem.num_spins), np.int8)
        info: dict[str, Any] = {"spin_updates": 0, "anneals_per_read": len(windows)}
        for turn, window in enumerate(windows):
            part = self.sampler.sample(window_problem(one_per_read, states, window), 1, derived_seed(seed, turn))
            ends = np.cumsum(window.sizes)[:-1]
            for inside, spins in zip(window.columns(problem.layers), np.split(part.spins[:, 0], ends, axis=1), strict=True):
                states[:, inside] = spins
            info["spin_updates"] += part.info["spin_updates"]
        spins = states.reshape(problem.num_images, num_reads, problem.num_spins)
        return Reads(spins, problem.energy(spins), info)
