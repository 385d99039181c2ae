"""Training runs on disk: a run that was killed continues bit for bit, and a finished one is not made again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qnn_core.errors import DamagedFile, check
from qnn_core.files import read_sealed, reading, shown, write_sealed

REMEDY = "delete it to train from the start"


def fingerprint(arrays: list[np.ndarray]) -> str:
    """SHA-256 of arrays, to tell one set of data or weights from another."""
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def run_file(folder: str, settings: Any) -> Path:
    """The file in `folder` for the run with these `settings`: equal settings share a file, different ones do not."""
    name = hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode()).hexdigest()[:16]
    return Path(folder) / f"{name}.checkpoint"


def kept_arrays(file: Path, made: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays kept in a file, or made now and kept; a file that was altered is made again."""
    if file.is_file():
        try:
            payload = io.BytesIO(read_sealed(file, REMEDY))
            with reading(file, "a file of arrays", REMEDY), np.load(payload, allow_pickle=False) as archive:
                return dict(archive)
        except DamagedFile:
            file.unlink()
    arrays, payload = made(), io.BytesIO()
    np.savez(payload, allow_pickle=False, **arrays)
    write_sealed(file, payload.getvalue())
    return arrays


class Checkpoint:
    """A file that holds the newest state of one run.

    settings: everything that decides what the run computes; a file left by a run with other settings is refused.
    """

    def __init__(self, path: str, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.settings = json.loads(json.dumps(settings))

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state, dictionaries and lists of arrays and numbers, whole or not at all."""
        arrays: list[np.ndarray] = []

        def placed(array: np.ndarray) -> dict[str, int]:
            arrays.append(array)
            return {"array": len(arrays) - 1}

        content = json.dumps({"settings": self.settings, "state": state}, default=placed)
        payload = io.BytesIO()
        np.savez(payload, *arrays, allow_pickle=False, content=np.array(content))
        write_sealed(self.path, payload.getvalue())

    def load(self) -> dict[str, Any] | None:
        """The state that was saved, None when there is none."""
        path = Path(self.path)
        if not path.is_file():
            return None
        payload = io.BytesIO(read_sealed(path, REMEDY))
        try:
            with np.load(payload, allow_pickle=False) as kept:
                content = json.loads(
                    kept["content"].item(), object_hook=lambda part: kept[f"arr_{part['array']}"] if "array" in part else part
                )
            settings, state = dict(content["settings"]), dict(content["state"])
        except Exception as failure:  # Whose words are not repeated: numpy's advise to load it without safety.
            raise DamagedFile(f"{shown(path)} is no checkpoint; {REMEDY}.") from failure
        differing = sorted(name for name in {*settings, *self.settings} if settings.get(name) != self.settings.get(name))
        allowed = f"the checkpoint of this run, or a new file: that one has other {', '.join(differing)}"
        check(not differing, "checkpoint", self.path, allowed)
        return state
