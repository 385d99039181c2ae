"""Results on disk: arrays in an .npz file and, beside it, a .json file that says where they came from.

Both are written whole or not at all. The .json carries the SHA-256 of the .npz, so a truncated or altered file is noticed when it
is read. Wall time stands in the .json only: two identical runs write identical .npz files.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np

from qnn_core.errors import DamagedFile, InvalidInput, MissingData

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder; relative paths of results and figures count from here."""

_PACKAGES = ("numpy", "numba", "torch", "scipy", "scikit-learn", "dimod", "dwave-samplers", "papermill")


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result: where it was read from, `arrays` by name, and `provenance`, the content of the .json beside it."""

    path: str
    arrays: dict[str, np.ndarray]
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


def in_project(path: str | os.PathLike[str]) -> Path:
    """The absolute path; a relative one counts from the project's folder, wherever the notebook runs."""
    return ROOT / path


def relative(path: str | os.PathLike[str]) -> str:
    """The path as results and pages show it: from the project's folder, never the machine's."""
    absolute = in_project(path)
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else absolute.name


def expand(patterns: Iterable[str]) -> list[str]:
    """Result paths for names or glob patterns, sorted within each pattern; a pattern that matches nothing is an error."""
    paths: list[str] = []
    for pattern in patterns:
        if any(mark in pattern for mark in "*?["):
            found = sorted(relative(path) for path in ROOT.glob(pattern))
            if not found:
                raise MissingData(f"No result matches {pattern}; run ./run_all.sh to make the quick profile's results.")
            paths += found
        else:
            paths.append(pattern)
    return paths


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and put it in place once the block ends well; nothing is left behind otherwise."""
    target = in_project(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write `content` atomically, readable and with NaN refused."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(path, "w") as file:
        file.write(text + "\n")


def save_result(
    path: str,
    arrays: Mapping[str, Any],
    *,
    notebook: str,
    parameters: Mapping[str, Any],
    kind: str,
    seconds: float,
    inputs: Iterable[str] = (),
    data_sha256: str | None = None,
) -> None:
    """Store arrays at `path` (.npz) with their provenance.

    notebook: that made them. parameters: all of the run's, the seed among them. kind: of the sampler or method, in words.
    seconds: wall time of the work. inputs: results that were read. data_sha256: of the data set.
    """
    if not path.endswith(".npz"):
        raise InvalidInput("path", path, "a name that ends in .npz")
    with atomic_write(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    provenance = {
        "file": Path(path).name,
        "sha256": file_sha256(path),
        "notebook": notebook,
        "parameters": dict(parameters),
        "sampler_kind": kind,
        "data_sha256": data_sha256,
        "inputs": {relative(name): file_sha256(name) for name in inputs},
        "code": code_version(),
        "packages": {package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "seconds": round(seconds, 3),
    }
    write_json(_sidecar(path), provenance)


def load_result(path: str) -> Result:
    """Read a stored result after checking it against its provenance.

    Raises MissingData when it, or the .json beside it, does not exist, and DamagedFile when the content does not match.
    """
    file, sidecar = in_project(path), in_project(_sidecar(path))
    for needed in (file, sidecar):
        if not needed.is_file():
            raise MissingData(f"{relative(needed)} does not exist; ./run_all.sh makes the results of a profile.")
    try:
        provenance = json.loads(sidecar.read_text(encoding="utf-8"))
        expected = provenance["sha256"]
    except (ValueError, KeyError, TypeError) as failure:
        raise DamagedFile(f"{relative(sidecar)} is not a provenance record; delete it and run again.") from failure
    if file_sha256(file) != expected:
        raise DamagedFile(f"{relative(file)} does not match its recorded SHA-256; delete it and run again.")
    with np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Result(path, arrays, provenance)


def group_by(results: Iterable[Result], parameter: str) -> dict[Any, list[Result]]:
    """Results by the value of one of their parameters, in rising order; lists become tuples."""
    groups: dict[Any, list[Result]] = {}
    for result in results:
        value = result.provenance["parameters"][parameter]
        groups.setdefault(tuple(value) if isinstance(value, list) else value, []).append(result)
    return dict(sorted(groups.items()))


def stack(results: Iterable[Result], name: str) -> np.ndarray:
    """One array of several results stacked along a new first axis, one row a run."""
    return np.stack([result[name] for result in results])


def file_sha256(path: str | os.PathLike[str]) -> str:
    with in_project(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_version() -> dict[str, Any]:
    """Git commit of the project and whether its code differs from it; None where there is no git."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = bool(_git("status", "--porcelain", "--", "qnn_core", "notebooks/*.ipynb", "config", "Snakefile"))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed": None}
    return {"commit": commit, "changed": changed}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _sidecar(path: str) -> str:
    return str(Path(path).with_suffix(".json"))
