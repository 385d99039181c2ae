"""Results on disk: arrays in an .npz file and, beside it, a .json file that says where they came from.

Both are written whole or not at all. The .json carries the SHA-256 of the .npz and of itself, so a truncated or altered file is noticed
when it is read. Wall time stands in the .json only: two identical runs write identical .npz files.

python -m artifact.results show FILE tells where any stored number, figure or rendered page came from.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from glob import glob
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite.binding import get_host_cpu_name

from artifact.files import ROOT, in_project, relative
from qnn_core.errors import DamagedFile, MissingData, check
from qnn_core.files import atomic_write, check_name, file_sha256, read_arrays, read_record, reading, write_record
from qnn_core.processor import arithmetic
from qnn_core.terminal import be_plain
from studies.stored import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PACKAGES = ("numpy", "numba", "torch", "scipy", "scikit-learn", "dimod", "dwave-samplers", "matplotlib", "papermill")
PACKAGES = ("qnn_core", "qnn_dwave", "studies", "artifact")
"""The project's own, each of which may use those before it."""
REMEDY = "delete it and run again"


def expand(patterns: Iterable[str]) -> list[str]:
    """Result paths for names or glob patterns, sorted within each pattern; a pattern that matches nothing is an error."""
    paths: list[str] = []
    for pattern in patterns:
        check_name(pattern)
        if any(mark in pattern for mark in "*?["):
            found = sorted(relative(path) for path in glob(pattern, root_dir=ROOT, recursive=True))
            if not found:
                raise MissingData(f"No result matches {pattern}; run ./run_all.sh to make the quick profile's results.")
            paths += found
        else:
            paths.append(pattern)
    return paths


def save_result(path: str, arrays: Mapping[str, Any], *, pictures: Iterable[str] = (), **made: Any) -> None:
    """Store arrays at `path` (.npz) with their provenance. pictures: files that show the arrays. made: what `provenance` takes."""
    check(path.endswith(".npz"), "path", path, "a name that ends in .npz")
    record = provenance(**made)
    with atomic_write(in_project(path)) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    shown = {Path(name).name: file_sha256(in_project(name)) for name in pictures}
    files = {"file": Path(path).name, "sha256": file_sha256(in_project(path)), "pictures": shown}
    write_record(in_project(sidecar(path)), {**files, **record})


def save_figure(figure: Figure, path: str, data: Mapping[str, Any], **made: Any) -> None:
    """Write path.png, path.pdf, and the plotted numbers with their provenance, path.npz and path.json. made: what `provenance` takes.

    The files carry no dates, so the same numbers give the same bytes.
    """
    for ending, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None, "Producer": None})):
        with atomic_write(in_project(path + ending)) as file:
            figure.savefig(file, format=ending[1:], metadata=metadata)
    save_result(path + ".npz", data, pictures=(path + ".png", path + ".pdf"), **made)


def provenance(
    notebook: str,
    parameters: Mapping[str, Any],
    kind: str,
    seconds: float,
    inputs: Iterable[str] = (),
    data_sha256: str | None = None,
) -> dict[str, Any]:
    """What made a result, for the record beside it: the arguments, and the code, packages and processor used.

    notebook: that made it. parameters: all of the run's, the seed among them. kind: of the sampler or method, in words. seconds: wall time
    of the work. inputs: results that were read. data_sha256: of the data set.
    """
    return {
        "notebook": notebook,
        "parameters": dict(parameters),
        "sampler_kind": kind,
        "data_sha256": data_sha256,
        "inputs": {relative(name): file_sha256(in_project(name)) for name in inputs},
        "code": code_version(),
        "packages": packages(),
        "python": platform.python_version(),
        "processor": f"{platform.machine()} {get_host_cpu_name()}",
        "arithmetic": arithmetic(),
        "seconds": round(seconds, 3),
    }


def load_result(path: str) -> Result:
    """Read a stored result after checking it against its record; raises what `record_of` raises."""
    record = record_of(path)
    return Result(path, read_arrays(in_project(path), REMEDY), record)


def record_of(path: str) -> dict[str, Any]:
    """What `provenance` recorded of a result or figure (.npz, .png, .pdf or the .json beside it), or of claims.json.

    Raises MissingData when the file or the .json beside it does not exist, DamagedFile when one is not as it was written.
    """
    check_name(path)
    file, beside = in_project(path), in_project(sidecar(path))
    for needed in (file, beside):
        if not needed.is_file():
            raise MissingData(f"{relative(needed)} does not exist; ./run_all.sh makes results and their records.")
    with reading(beside, "a complete record", REMEDY):
        record = read_record(beside, REMEDY)
        if "notebook" not in made_by(record):
            raise DamagedFile(f"{relative(beside)} says nothing about what made it.")
        if file != beside and files_of(record).get(file.name, record["sha256"]) != file_sha256(file):
            raise DamagedFile(f"{relative(file)} does not match its recorded SHA-256; {REMEDY}.")
        return made_by(record)


def packages() -> dict[str, str]:
    """The versions of the packages that matter for numbers."""
    return {package: version(package) for package in _PACKAGES}


@cache
def code_version() -> dict[str, Any]:
    """Git commit of the project and whether its code differs from it; None where there is no git, or another project's."""
    with suppress(OSError, subprocess.CalledProcessError):
        if Path(git("rev-parse", "--show-toplevel")).resolve() == ROOT:
            changed = git("status", "--porcelain", "--", *PACKAGES, ":(glob)notebooks/*.ipynb", "config/*.yaml", "Snakefile")
            return {"commit": git("rev-parse", "HEAD"), "changed": bool(changed)}
    return {"commit": None, "changed": None}


def git(*arguments: str) -> str:
    """What git says of the project; raises OSError or CalledProcessError where there is none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", "-C", ROOT, *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def made_by(record: Mapping[str, Any]) -> dict[str, Any]:
    """What `provenance` put into a record; a table of claims stores it apart."""
    return dict(record.get("provenance", record))


def files_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of all files that a record stands beside, by name."""
    return {record["file"]: record["sha256"], **record["pictures"]} if "file" in record else {}


def sidecar(path: str) -> str:
    """The .json file that belongs to a stored file."""
    return str(Path(path).with_suffix(".json"))


if __name__ == "__main__":
    from artifact.origins import main

    be_plain()
    sys.exit(main())
