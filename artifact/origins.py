"""Where a stored number, figure or page came from: python -m artifact.results show FILE"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from artifact.files import in_project, relative
from artifact.results import REMEDY, files_of, made_by, sidecar
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import check_name, file_sha256, read_record, reading
from qnn_core.terminal import command

RECORDS = "docs/gallery/records.json"
"""Records of all results behind the numbers and figures of the README, by path and SHA-256 of the result."""

STORED_AS = {"result": "", "figure": ".json", "claims": ""}
"""Parameters that name what a notebook stores, with the ending, if any, that makes them the name of a file that has a record."""

_COMPLETE = "a complete record"


def origin_of(path: str) -> dict[str, Any]:
    """What made a stored file, as `provenance` has it: a result or figure (.npz, .png, .pdf or the .json beside it), claims.json, or a page.

    Raises MissingData when there is no such file or nothing was recorded, DamagedFile when it or its record is not as it was written.
    """
    check_name(path)
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist.")
    if file.suffix == ".ipynb":
        if b'"page_sha256"' not in file.read_bytes():
            raise MissingData(f"{relative(file)} carries no record of what made it.")
        return dict(read_page(file, "render it again")["metadata"]["provenance"])
    beside = file.with_suffix(".json")
    if not beside.is_file():
        raise MissingData(f"{relative(file)} has no provenance beside it ({beside.name}).")
    with reading(beside, _COMPLETE, REMEDY):
        record = read_record(beside, REMEDY)
        if "notebook" not in made_by(record):
            raise DamagedFile(f"{relative(file)} says nothing about what made it.")
        if file != beside and files_of(record).get(file.name) != file_sha256(file):
            raise DamagedFile(f"{relative(file)} does not match its recorded SHA-256; {REMEDY}.")
        return made_by(record)


def page_digest(cells: Any) -> str:
    """SHA-256 of what a rendered page shows; `artifact.execute` writes it into the page."""
    return hashlib.sha256(json.dumps(cells, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_page(path: str | Path, remedy: str) -> dict[str, Any]:
    """A rendered page; DamagedFile, with what to do about it, if it is not as `artifact.execute` wrote it."""
    file = in_project(path)
    with reading(file, "a page that artifact.execute has rendered", remedy):
        page = dict(json.loads(file.read_text(encoding="utf-8")))
        whole = page["metadata"]["provenance"]["page_sha256"] == page_digest(page["cells"])
    if not whole:
        raise DamagedFile(f"{relative(file)} does not match its own SHA-256; {remedy}.")
    return page


def describe(path: str) -> str:
    """What made a stored file in lines of text, with what made all results that went into it, as far as their records are kept."""
    record = origin_of(path)
    with reading(in_project(path), _COMPLETE, REMEDY):
        seeds = {name: value for name, value in record["parameters"].items() if name in ("seed", "seeds")}
        lines = [
            f"{relative(path)}: matches its SHA-256",
            f"notebook    notebooks/{record['notebook']}.ipynb",
            f"made by     {record['sampler_kind']}",
            f"seed        {', '.join(map(str, seeds.values())) or 'none of its own; see its inputs'}",
            f"parameters  {json.dumps(record['parameters'], ensure_ascii=False)}",
            f"data        {record['data_sha256'] or 'that of its inputs'}",
            f"code        {_in_words(record['code'])}",
            f"packages    Python {record['python']}, " + ", ".join(f"{name} {one}" for name, one in record["packages"].items()),
            f"processor   {record['processor']}, {record['arithmetic']}",
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
        told = json.dumps(earlier["parameters"], ensure_ascii=False)
        yield f"{'  ' * depth}input       {path}: {earlier['notebook']}, {earlier['sampler_kind']}, {told}"
        yield from _inputs(earlier, depth + 1)


def _record_of(path: str, sha256: str) -> dict[str, Any] | None:
    """The record of a result of that content: the one beside it, or that of the run which the README shows."""
    if in_project(sidecar(path)).is_file():
        record = read_record(in_project(sidecar(path)), REMEDY)
        if record["sha256"] == sha256:
            return record
    committed = read_record(in_project(RECORDS), "restore it from git") if in_project(RECORDS).is_file() else {}
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


@command
def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m artifact.results", description="Say where a stored number or figure came from."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="notebook, parameters, seed, code, packages, sampler and inputs of a file")
    show.add_argument("file", help="a result, figure, claims.json or rendered page, from the project's folder")
    print(describe(parser.parse_args(arguments).file))
