"""Results on disk: arrays in an .npz file and, beside it, a .json file that says where they came from.

Both are written whole or not at all. The .json carries the SHA-256 of the .npz, so a truncated or altered file is noticed when it
is read. Wall time stands in the .json only: two identical runs write identical .npz files.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import ROOT, atomic_write, file_sha256, in_project, relative, write_json

_PACKAGES = ("numpy", "numba", "torch", "scipy", "scikit-learn", "dimod", "dwave-samplers", "papermill")


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result: where it was read from, `arrays` by name, and `provenance`, the content of the .json beside it."""

    path: str
    arrays: dict[str, np.ndarray]
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


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
        **versions(),
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


def stack_rows(rows: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays by name, the rows of a study stacked along a new first axis; all rows have the same names."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def versions() -> dict[str, Any]:
    """What computed a result: the project's commit, the packages that matter for numbers, and Python."""
    return {
        "code": code_version(),
        "packages": {package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
    }


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
