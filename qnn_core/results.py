"""Results on disk: arrays in an .npz file and, beside it, a .json file that says where they came from.

Both are written whole or not at all. The .json carries the SHA-256 of the .npz and of itself, so a truncated or altered file is noticed
when it is read. Wall time stands in the .json only: two identical runs write identical .npz files.

python -m qnn_core.results show FILE tells where any stored number, figure or rendered page came from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite.binding import get_host_cpu_name

from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import ROOT, atomic_write, file_sha256, in_project, read_arrays, read_record, relative, write_record

_PACKAGES = ("numpy", "numba", "torch", "scipy", "scikit-learn", "dimod", "dwave-samplers", "matplotlib", "papermill")
_REMEDY = "delete it and run again"
RECORDS = "docs/gallery/records.json"
"""Records of all results behind the numbers and figures of the README, by path and SHA-256 of the result."""


@dataclass(frozen=True, eq=False)
class Result:
    """A stored result: where it was read from, `arrays` by name, and `provenance`, the content of the .json beside it."""

    path: str
    arrays: dict[str, np.ndarray]
    provenance: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


@dataclass(frozen=True)
class Origin:
    """Where a stored file came from. record: as in `provenance`. checked: what was found when the file was held against it, in words."""

    path: str
    record: dict[str, Any]
    checked: str


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
    pictures: Iterable[str] = (),
) -> None:
    """Store arrays at `path` (.npz) with their provenance.

    notebook: that made them. parameters: all of the run's, the seed among them. kind: of the sampler or method, in words.
    seconds: wall time of the work. inputs: results that were read. data_sha256: of the data set. pictures: files that
    show the arrays.
    """
    if not path.endswith(".npz"):
        raise InvalidInput("path", path, "a name that ends in .npz")
    with atomic_write(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    made = provenance(notebook, parameters, kind, seconds, inputs, data_sha256)
    pictures = {Path(name).name: file_sha256(name) for name in pictures}
    write_record(sidecar(path), {"file": Path(path).name, "sha256": file_sha256(path), "pictures": pictures, **made})


def provenance(
    notebook: str,
    parameters: Mapping[str, Any],
    kind: str,
    seconds: float,
    inputs: Iterable[str] = (),
    data_sha256: str | None = None,
) -> dict[str, Any]:
    """What made a result, for the record beside it: the arguments, as in `save_result`, and the code, packages and processor used."""
    return {
        "notebook": notebook,
        "parameters": dict(parameters),
        "sampler_kind": kind,
        "data_sha256": data_sha256,
        "inputs": {relative(name): file_sha256(name) for name in inputs},
        "code": code_version(),
        "packages": {package: version(package) for package in _PACKAGES},
        "python": platform.python_version(),
        "processor": f"{platform.machine()} {get_host_cpu_name()}",
        "seconds": round(seconds, 3),
    }


def load_result(path: str) -> Result:
    """Read a stored result after checking it against its provenance.

    Raises MissingData when it, or the .json beside it, does not exist, and DamagedFile when the content does not match.
    """
    file, record = in_project(path), in_project(sidecar(path))
    for needed in (file, record):
        if not needed.is_file():
            raise MissingData(f"{relative(needed)} does not exist; ./run_all.sh makes the results of a profile.")
    made = read_record(record, _REMEDY)
    if file_sha256(file) != made.get("sha256"):
        raise DamagedFile(f"{relative(file)} does not match its recorded SHA-256; {_REMEDY}.")
    return Result(path, read_arrays(file, _REMEDY), made)


def origin_of(path: str) -> Origin:
    """Where a stored file came from: a result or figure (.npz, .png, .pdf or the .json beside it), claims.json, or a rendered page.

    Raises MissingData when there is no such file or nothing was recorded, DamagedFile when the record was altered.
    """
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist.")
    if file.suffix == ".ipynb":
        return Origin(relative(file), read_page(file, "render it again")["metadata"]["provenance"], "matches its own SHA-256")
    beside = file.with_suffix(".json")
    if not beside.is_file():
        raise MissingData(f"{relative(file)} has no provenance beside it ({beside.name}).")
    record = read_record(beside, _REMEDY)
    if file == beside:
        return Origin(relative(file), record.get("provenance", record), "matches its own SHA-256")
    expected = {record["file"]: record["sha256"], **record["pictures"]}.get(file.name, record["sha256"])
    same = "matches its recorded SHA-256" if file_sha256(file) == expected else "DOES NOT MATCH its recorded SHA-256"
    return Origin(relative(file), record, same)


def page_digest(cells: Any) -> str:
    """SHA-256 of what a rendered page shows; `qnn_core.execute` writes it into the page."""
    return hashlib.sha256(json.dumps(cells, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_page(path: str | Path, remedy: str) -> dict[str, Any]:
    """A rendered page; DamagedFile, with what to do about it, if it is not as `qnn_core.execute` wrote it."""
    file = in_project(path)
    try:
        page = json.loads(file.read_text(encoding="utf-8"))
        whole = page["metadata"]["provenance"]["page_sha256"] == page_digest(page["cells"])
    except (ValueError, KeyError, TypeError) as failure:
        raise DamagedFile(f"{relative(file)} is not a page that qnn_core.execute has rendered; {remedy}.") from failure
    if not whole:
        raise DamagedFile(f"{relative(file)} does not match its own SHA-256; {remedy}.")
    return dict(page)


def describe(origin: Origin) -> str:
    """An origin in lines of text, with those of all results that went into it, as far as their records are kept."""
    record = origin.record
    parameters = record["parameters"]
    seeds = {name: value for name, value in parameters.items() if name in ("seed", "seeds")}
    code = record["code"]
    lines = [
        f"{origin.path}: {origin.checked}",
        f"notebook    notebooks/{record['notebook']}.ipynb",
        f"made by     {record['sampler_kind']}",
        f"seed        {', '.join(map(str, seeds.values())) or 'none of its own; see its inputs'}",
        f"parameters  {json.dumps(parameters, ensure_ascii=False)}",
        f"data        {record['data_sha256'] or 'that of its inputs'}",
        f"code        {_in_words(code)}",
        f"packages    Python {record['python']}, " + ", ".join(f"{name} {number}" for name, number in record["packages"].items()),
        f"processor   {record['processor']}",
    ]
    return "\n".join([*lines, *_inputs(record, 0)])


def _in_words(code: Mapping[str, Any]) -> str:
    if code["commit"] is None:
        return "not under git"
    return f"commit {code['commit']}{', with changes that were not committed' if code['changed'] else ''}"


def _inputs(record: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The inputs of a record and theirs, indented, each with its seed and what became of it since."""
    for path, expected in record["inputs"].items():
        earlier = _record_of(path, expected)
        if earlier is None:
            yield f"{'  ' * depth}input       {path}: not here any more, SHA-256 {expected[:12]}.. when it was read"
            continue
        yield f"{'  ' * depth}input       {path}: {earlier['notebook']}, {earlier['sampler_kind']}, {json.dumps(earlier['parameters'])}"
        yield from _inputs(earlier, depth + 1)


def _record_of(path: str, sha256: str) -> dict[str, Any] | None:
    """The record of a result of that content: the one beside it, or that of the run which the README shows."""
    if in_project(sidecar(path)).is_file():
        record = read_record(sidecar(path), _REMEDY)
        if record["sha256"] == sha256:
            return record
    committed = read_record(RECORDS, "restore it from git") if in_project(RECORDS).is_file() else {}
    return committed.get(f"{path} {sha256}")


def records_behind(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The records, by path and SHA-256, of all results that went into those of the given records, directly or through others."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [item for record in records for item in record["inputs"].items()]
    while waiting:
        path, sha256 = waiting.pop()
        name = f"{path} {sha256}"
        record = None if name in found else _record_of(path, sha256)
        if record is not None:
            found[name] = record
            waiting += record["inputs"].items()
    return dict(sorted(found.items()))


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


def sidecar(path: str) -> str:
    """The .json file that belongs to a stored file."""
    return str(Path(path).with_suffix(".json"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m qnn_core.results", description="Say where a stored number or figure came from."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="notebook, parameters, seed, code, packages, sampler and inputs of a file")
    show.add_argument("file", help="a result, figure, claims.json or rendered page, from the project's folder")
    options = parser.parse_args(arguments)
    try:
        print(describe(origin_of(options.file)))
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
