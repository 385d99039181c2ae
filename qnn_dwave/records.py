"""Every answer of an annealer, stored on disk before it is used.

A folder holds one run: `settings.json`, the annealer and its options; `tiles-*.json`, where the spins were placed; and one file
for each submission, named by the seed of the call, the place of the images in it and the cycle. The same request reads the file
instead. So a run that was stopped continues without paying twice, and a reader without an annealer gets the same reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import atomic_write, read_arrays, read_record, reading, shown, write_record
from qnn_core.ising import IsingProblem
from qnn_dwave.device import Submission
from qnn_dwave.tiles import Tiles, as_content, from_content

_PROBES = 4
_NEEDED = "restore it from a copy: without it the recorded reads cannot be understood"
_PAY_AGAIN = "restore it from a copy, or delete it: then the annealer is asked, and paid, once more"
_ARRAYS = ("spins", "shape", "qubits", "scale", "chain_strength", "qpu_seconds", "problem_id", "num_reads", "probe")
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
    """The answers of one run in a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = {}

    def open(self, settings: Mapping[str, Any]) -> None:
        """Start or continue a run with these settings; a folder with other settings is refused."""
        self.settings = json.loads(json.dumps(settings))
        if not self._path("settings.json").exists():
            write_record(self._path("settings.json"), self.settings)
            return
        there = self._read_settings()
        differing = sorted(name for name in {*there, *self.settings} if there.get(name) != self.settings.get(name))
        if differing:
            raise InvalidInput(
                "record",
                self.folder,
                f"a folder of its own for this run: that one records a run with other {', '.join(differing)}",
            )

    def reopen(self, needed: Iterable[str]) -> None:
        """Read the settings of a recorded run; DamagedFile unless all of those needed are among them."""
        if not self._path("settings.json").is_file():
            raise MissingData(f"There are no recorded reads in {shown(self.folder)}: give the folder that a run recorded into.")
        self.settings = self._read_settings()
        if missing := sorted(set(needed) - set(self.settings)):
            raise DamagedFile(f"{shown(self._path('settings.json'))} says nothing of {', '.join(missing)}; {_NEEDED}.")

    def tiles(self, layers: tuple[int, ...]) -> Tiles | None:
        """Where this run placed a network, if it did."""
        path = self._path(f"tiles-{'-'.join(map(str, layers))}.json")
        if not path.is_file():
            return None
        content = read_record(path, _NEEDED)
        with reading(path, "a placement of spins", _NEEDED):
            return from_content(content)

    def keep_tiles(self, tiles: Tiles) -> None:
        write_record(self._path(f"tiles-{'-'.join(map(str, tiles.layers))}.json"), as_content(tiles))

    def find(self, question: Question) -> Answer | None:
        """The recorded answer, None if there is none; InvalidInput if it answers another problem."""
        path = self._path(question.file)
        if not path.is_file():
            return None
        content = _read(path)
        probe = content["probe"]
        same = probe.shape == question.probe.shape and int(content["num_reads"]) == question.num_reads
        if not same or not np.allclose(probe, question.probe, rtol=1e-3, atol=1e-3 * float(np.abs(probe).max(initial=1e-3))):
            raise InvalidInput(
                "record",
                self.folder,
                f"a folder of this run: {question.file} there answers another problem (data, weights or reads)",
            )
        reads, qubits = content["shape"]
        spins = np.unpackbits(content["spins"], axis=1, count=int(qubits))[: int(reads)]
        return Answer(
            (2 * spins.astype(np.int8) - 1).astype(np.int8),
            content["qubits"],
            float(content["qpu_seconds"]),
            str(content["problem_id"]),
            float(content["scale"]),
            float(content["chain_strength"]),
        )

    def keep(self, question: Question, answer: Answer) -> None:
        """Store an answer, whole or not at all, and forget that it was pending."""
        content: dict[str, Any] = {
            "spins": np.packbits(answer.spins > 0, axis=1),
            "shape": np.array(answer.spins.shape),
            "qubits": answer.qubits,
            "scale": np.array(answer.scale),
            "chain_strength": np.array(answer.chain_strength),
            "qpu_seconds": np.array(answer.qpu_seconds),
            "problem_id": np.array(answer.problem_id),
            "num_reads": np.array(question.num_reads),
            "probe": question.probe,
        }
        with atomic_write(self._path(question.file)) as file:
            np.savez_compressed(file, allow_pickle=False, **content, **{_SEAL: np.array(_seal(question.file, content))})
        self._pending(question).unlink(missing_ok=True)

    def note_submitted(self, question: Question, problem_id: str) -> None:
        """Store that a problem has been submitted, so that its answer can be fetched if this process is killed."""
        with atomic_write(self._pending(question), "w") as file:
            file.write(problem_id)

    def submitted(self, question: Question) -> str | None:
        """The name of a problem that was submitted and not answered yet."""
        path = self._pending(question)
        return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else None

    def spent(self) -> float:
        """Seconds of access time of all answers here."""
        return float(sum(float(_read(path)["qpu_seconds"]) for path in sorted(Path(self.folder).glob("*.npz"))))

    def _path(self, name: str) -> Path:
        return Path(self.folder) / name

    def _pending(self, question: Question) -> Path:
        return self._path(question.file).with_suffix(".pending")

    def _read_settings(self) -> dict[str, Any]:
        return read_record(self._path("settings.json"), _NEEDED)


def _read(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a record, after its seal, their types, shapes and ranges were checked."""
    content = read_arrays(path, _PAY_AGAIN, (*_ARRAYS, _SEAL))
    with reading(path, "a recorded answer", _PAY_AGAIN):
        if str(content.pop(_SEAL)) != _seal(path.name, content):
            raise ValueError("it does not match its own SHA-256")
        if fault := _fault(content):
            raise ValueError(fault)
    return content


def _seal(file: str, content: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of an answer: of its file's name, which says whose answer it is, and of all that it holds."""
    digest = hashlib.sha256(file.encode())
    for name in _ARRAYS:
        array = np.ascontiguousarray(content[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _fault(content: Mapping[str, np.ndarray]) -> str:
    """What no annealer can have answered, in words; empty if there is nothing."""
    num_reads, qubits, probe = content["num_reads"], content["qubits"], content["probe"]
    for name, least in (("scale", 0.0), ("chain_strength", 0.0), ("qpu_seconds", 0.0)):
        value = content[name]
        if value.shape != () or value.dtype.kind != "f" or not least <= value < np.inf:
            return f"{name} is no finite number of at least {least:g}"
    if num_reads.shape != () or num_reads.dtype.kind not in "iu" or num_reads < 1:
        return "num_reads is no whole number of at least 1"
    if qubits.ndim != 1 or qubits.dtype.kind not in "iu" or len(qubits) == 0 or qubits[0] < 0 or (np.diff(qubits) <= 0).any():
        return "qubits are no numbers in rising order"
    if content["shape"].tolist() != [int(num_reads), len(qubits)]:
        return "its shape is not that of its reads and qubits"
    if content["spins"].dtype != np.uint8 or content["spins"].shape != (int(num_reads), -(-len(qubits) // 8)):
        return "spins are not those of its reads and qubits"
    if probe.ndim != 2 or probe.shape[1] != _PROBES or probe.dtype.kind != "f" or not np.isfinite(probe).all():
        return "probe holds no finite energies"
    if content["problem_id"].shape != () or content["problem_id"].dtype.kind != "U":
        return "problem_id is no text"
    return ""
