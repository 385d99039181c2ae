"""Every answer of an annealer, stored on disk before it is used.

A folder holds one run: `settings.json`, the annealer and its options; `tiles-*.json`, where the spins were placed; and one file
for each submission, named by the seed of the call, the place of the images in it and the cycle. The same request reads the file
instead. So a run that was stopped continues without paying twice, and a reader without an annealer gets the same reads.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from qnn_core.errors import DamagedFile, MissingData, check
from qnn_core.files import atomic_write, read_arrays, read_record, reading, shown, write_record
from qnn_core.ising import IsingProblem
from qnn_dwave.device import Submission
from qnn_dwave.tiles import Tiles, as_content, from_content

_PROBES = 4
_NEEDED = "restore it from a copy: without it the recorded reads cannot be understood"
_PAY_AGAIN = "restore it from a copy, or delete it: then the annealer is asked, and paid, once more"
_KINDS = {
    "spins": (2, "u"), "shape": (1, "iu"), "qubits": (1, "iu"), "scale": (0, "f"), "chain_strength": (0, "f"), "qpu_seconds": (0, "f"),
    "problem_id": (0, "U"), "num_reads": (0, "iu"), "probe": (2, "f"),
}  # fmt: skip
"""The arrays of an answer: how many axes each has, and NumPy's letters of its type."""
_SEAL = "sha256"


@dataclass(frozen=True, eq=False)
class Answer(Submission):
    """A submission and how it was programmed.

    scale: factor of fields and couplings. chain_strength: coupling that holds the qubits of a spin together, before that scale.
    """

    scale: float
    chain_strength: float


@dataclass(frozen=True, eq=False)
class Question:
    """One submission of a run: which one it is, and a few energies that identify its problem.

    seed: of the call. block: number of the submission in it. cycle: 0 for the forward anneal, then the reverse ones. probe: (B, 4)
    energies of fixed random configurations.
    """

    seed: int
    block: int
    cycle: int
    num_reads: int
    probe: Float32[np.ndarray, "B 4"]

    @property
    def file(self) -> str:
        return f"{self.seed:016x}-{self.block:05d}-{self.cycle:02d}.npz"


def probe_energies(problem: IsingProblem) -> Float32[np.ndarray, "B 4"]:
    """Energies of four fixed random configurations of every image."""
    spins = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), size=(1, _PROBES, problem.num_spins))
    return problem.energy(np.broadcast_to(spins, (problem.num_images, *spins.shape[1:])))


class Records:
    """The answers of one run in a folder; without a folder nothing is kept, and nothing is there."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {}

    def open(self, settings: Mapping[str, Any]) -> None:
        """Start or continue a run with these settings; a folder with other settings is refused."""
        self.settings = json.loads(json.dumps(settings))
        if self.folder is None:
            return
        if not self._path("settings.json").exists():
            write_record(self._path("settings.json"), self.settings)
        there = read_record(self._path("settings.json"), _NEEDED)
        differing = sorted(name for name in {*there, *self.settings} if there.get(name) != self.settings.get(name))
        allowed = f"a folder of its own for this run: that one records a run with other {', '.join(differing)}"
        check(not differing, "record", self.folder, allowed)

    def reopen(self, needed: Iterable[str]) -> Records:
        """Read the settings of a recorded run; DamagedFile unless all of those needed are among them."""
        if not self._path("settings.json").is_file():
            raise MissingData(
                f"There are no recorded reads in {shown(str(self.folder))}: give the folder that a run recorded into."
            )
        self.settings = read_record(self._path("settings.json"), _NEEDED)
        if missing := sorted(set(needed) - set(self.settings)):
            raise DamagedFile(f"{shown(self._path('settings.json'))} says nothing of {', '.join(missing)}; {_NEEDED}.")
        return self

    def tiles(self, layers: tuple[int, ...]) -> Tiles | None:
        """Where this run placed a network, if it did."""
        path = self._tiles(layers)
        if not path.is_file():
            return None
        content = read_record(path, _NEEDED)
        with reading(path, "a placement of spins", _NEEDED):
            return from_content(content)

    def keep_tiles(self, tiles: Tiles) -> None:
        if self.folder is not None:
            write_record(self._tiles(tiles.layers), as_content(tiles))

    def find(self, question: Question) -> Answer | None:
        """The recorded answer, None if there is none; InvalidInput if it answers another problem."""
        path = self._path(question.file)
        if not path.is_file():
            return None
        content = _read(path)
        probe = content["probe"]
        same = probe.shape == question.probe.shape and int(content["num_reads"]) == question.num_reads
        same = same and np.allclose(probe, question.probe, rtol=1e-3, atol=1e-3 * float(np.abs(probe).max(initial=1e-3)))
        allowed = f"a folder of this run: {question.file} there answers another problem (data, weights or reads)"
        check(same, "record", self.folder, allowed)
        spins = 2 * np.unpackbits(content["spins"], axis=1, count=len(content["qubits"])).astype(np.int8) - 1
        seconds, scale, strength = (float(content[name]) for name in ("qpu_seconds", "scale", "chain_strength"))
        return Answer(spins, content["qubits"], seconds, str(content["problem_id"]), scale, strength)

    def keep(self, question: Question, answer: Answer) -> None:
        """Store an answer, whole or not at all, and forget that it was pending."""
        if self.folder is None:
            return
        content = {
            "spins": np.packbits(answer.spins > 0, axis=1), "shape": np.array(answer.spins.shape), "qubits": answer.qubits,
            "num_reads": np.array(question.num_reads), "probe": question.probe,
            **{name: np.array(getattr(answer, name)) for name in ("scale", "chain_strength", "qpu_seconds", "problem_id")},
        }  # fmt: skip
        with atomic_write(self._path(question.file)) as file:
            np.savez_compressed(file, allow_pickle=False, **content, **{_SEAL: np.array(_seal(question.file, content))})
        self._pending(question).unlink(missing_ok=True)

    def note_submitted(self, question: Question, problem_id: str) -> None:
        """Store that a problem has been submitted, so that its answer can be fetched if this process is killed."""
        if self.folder is not None:
            with atomic_write(self._pending(question), "w") as file:
                file.write(problem_id)

    def submitted(self, question: Question) -> str | None:
        """The name of a problem that was submitted and not answered yet."""
        path = self._pending(question)
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else None

    def spent(self) -> float:
        """Seconds of access time of all answers here."""
        return float(sum(float(_read(path)["qpu_seconds"]) for path in sorted(self._path("").glob("*.npz"))))

    def _path(self, name: str) -> Path:
        return Path(self.folder or os.devnull) / name

    def _tiles(self, layers: tuple[int, ...]) -> Path:
        return self._path(f"tiles-{'-'.join(map(str, layers))}.json")

    def _pending(self, question: Question) -> Path:
        return self._path(question.file).with_suffix(".pending")


def _read(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a record, after its seal, their types, shapes and ranges were checked."""
    content = read_arrays(path, _PAY_AGAIN, (*_KINDS, _SEAL))
    with reading(path, "a recorded answer", _PAY_AGAIN):
        if str(content.pop(_SEAL)) != _seal(path.name, content):
            raise ValueError("it does not match its own SHA-256")
        if fault := _fault(content):
            raise ValueError(fault)
    return content


def _seal(file: str, content: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of an answer: of its file's name, which says whose answer it is, and of all that it holds."""
    digest = hashlib.sha256(file.encode())
    for name in _KINDS:
        array = np.ascontiguousarray(content[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _fault(content: Mapping[str, np.ndarray]) -> str:
    """What no annealer can have answered, in words; empty if there is nothing."""
    for name, (axes, kinds) in _KINDS.items():
        array = content[name]
        if array.ndim != axes or array.dtype.kind not in kinds:
            return f"{name} is of another kind"
        if kinds == "f" and not (np.isfinite(array).all() and (array.min() >= 0 or name == "probe")):
            return f"{name} is no finite number of at least 0"
    num_reads, qubits = int(content["num_reads"]), content["qubits"]
    if num_reads < 1 or len(qubits) == 0 or qubits[0] < 0 or (np.diff(qubits) <= 0).any():
        return "it has no reads, or its qubits are no numbers in rising order"
    fits = content["shape"].tolist() == [num_reads, len(qubits)] and content["probe"].shape[1] == _PROBES
    if not fits or content["spins"].dtype != np.uint8 or content["spins"].shape != (num_reads, -(-len(qubits) // 8)):
        return "its spins are not those of its reads and qubits"
    return ""
