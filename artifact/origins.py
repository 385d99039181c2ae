"""Where a stored number, figure or page came from: python -m artifact.results show FILE"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from artifact.files import in_project, relative
from artifact.results import REMEDY, record_of, sidecar
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.files import check_name, read_record, reading
from qnn_core.terminal import command

RECORDS = "docs/gallery/records.json"
"""Records of all results behind the numbers and figures of the README, by path and SHA-256 of the result."""


def origin_of(path: str) -> dict[str, Any]:
    """What made a stored file, as `provenance` has it: a rendered page, or what `record_of` takes, with the same errors."""
    check_name(path)
    page = in_project(path)
    if page.suffix != ".ipynb":
        return record_of(path)
    if not page.is_file() or b'"page_sha256"' not in page.read_bytes():
        raise MissingData(f"{relative(page)} does not exist, or carries no record of what made it.")
    return dict(read_page(page, "render it again")["metadata"]["provenance"])


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
    with reading(in_project(path), "a complete record", REMEDY):
        seeds = {name: value for name, value in record["parameters"].items() if name in ("seed", "seeds")}
        code = record["code"]
        changed = ", with changes that were not committed" if code["changed"] else ""
        lines = [
            f"{relative(path)}: matches its SHA-256",
            f"notebook    notebooks/{record['notebook']}.ipynb",
            f"made by     {record['sampler_kind']}",
            f"seed        {', '.join(map(str, seeds.values())) or 'none of its own; see its inputs'}",
            f"parameters  {json.dumps(record['parameters'], ensure_ascii=False)}",
            f"data        {record['data_sha256'] or 'that of its inputs'}",
            f"code        {'commit ' + code['commit'] + changed if code['commit'] else 'not under git'}",
            f"packages    Python {record['python']}, " + ", ".join(f"{name} {one}" for name, one in record["packages"].items()),
            f"processor   {record['processor']}, {record['arithmetic']}",
        ]
        return "\n".join([*lines, *_inputs(record, 0)])


def _inputs(record: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The inputs of a record and theirs, indented, each with its seed and what became of it since."""
    for path, expected in record["inputs"].items():
        earlier = _record_with(path, expected)
        if earlier is None:
            yield f"{'  ' * depth}input       {path}: not here any more, SHA-256 {expected[:12]}.. when it was read"
            continue
        told = json.dumps(earlier["parameters"], ensure_ascii=False)
        yield f"{'  ' * depth}input       {path}: {earlier['notebook']}, {earlier['sampler_kind']}, {told}"
        yield from _inputs(earlier, depth + 1)


def _record_with(path: str, sha256: str) -> dict[str, Any] | None:
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
        if name not in found and (record := _record_with(path, sha256)):
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
