"""Where a stored number, figure or page came from: python -m artifact.results show FILE"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifact.files import in_project, relative
from artifact.results import REMEDY, git, sidecar
from qnn_core.errors import DamagedFile, InvalidInput, MissingData
from qnn_core.files import check_name, file_sha256, read_record, reading

RECORDS = "docs/gallery/records.json"
"""Records of all results behind the numbers and figures of the README, by path and SHA-256 of the result."""

STORED_AS = {"result": "", "figure": ".json", "claims": ""}
"""Parameters that name what a notebook stores, with the ending, if any, that makes them the name of a file that has a record."""


_COMPLETE = "a complete record"


@dataclass(frozen=True)
class Origin:
    """Where a stored file came from.

    record: as in `provenance`. whole: whether the file is as it was written. checked: what it was held against to know that.
    """

    path: str
    record: dict[str, Any]
    checked: str = "its own SHA-256"
    whole: bool = True

    @property
    def told(self) -> str:
        """What was found when the file was checked."""
        return f"{'matches' if self.whole else 'DOES NOT MATCH'} {self.checked}"


def origin_of(path: str) -> Origin:
    """Where a stored file came from: a result or figure (.npz, .png, .pdf or the .json beside it), claims.json, or a rendered page.

    Raises MissingData when there is no such file or nothing was recorded, DamagedFile when the record was altered.
    """
    check_name(path)
    file = in_project(path)
    if not file.is_file():
        raise MissingData(f"{relative(file)} does not exist.")
    if file.suffix == ".ipynb":
        if b'"page_sha256"' not in file.read_bytes():
            raise MissingData(f"{relative(file)} carries no record of what made it.")
        return Origin(relative(file), read_page(file, "render it again")["metadata"]["provenance"])
    beside = file.with_suffix(".json")
    if not beside.is_file():
        raise MissingData(f"{relative(file)} has no provenance beside it ({beside.name}).")
    record = read_record(beside, REMEDY)
    with reading(beside, _COMPLETE, REMEDY):
        made = dict(record.get("provenance", record))
        if "notebook" in made and file != beside:
            expected = {record["file"]: record["sha256"], **record["pictures"]}.get(file.name, record["sha256"])
    if "notebook" not in made:
        raise MissingData(f"{relative(file)} says nothing about what made it.")
    if file == beside:
        return Origin(relative(file), made)
    return Origin(relative(file), record, "its recorded SHA-256", file_sha256(file) == expected)


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


def without_record(path: str) -> str:
    """What git and the file itself say of a file that carries no record, in lines of text; empty if git does not know it."""
    file = in_project(path)
    commit = _last_commit(file) if file.is_file() else ""
    if not commit:
        return ""
    made = _told_by_page(file) if file.suffix == ".ipynb" else []
    if in_project(f"benchmarks/{file.stem}.py").is_file():
        made = [f"made by     python -m benchmarks.{file.stem}"]
    code = f"code        not recorded; the file came with commit {commit}"
    return "\n".join(
        [f"{relative(file)}: carries no record", *made, code, "packages    those of requirements.lock of that commit"]
    )


def _last_commit(file: Path) -> str:
    try:
        return git("log", "-1", "--format=%H", "--", relative(file))
    except (OSError, subprocess.CalledProcessError):
        return ""


def _told_by_page(file: Path) -> list[str]:
    with reading(file, "a notebook", "restore it from git"):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        given = [cell for cell in cells if "injected-parameters" in cell["metadata"].get("tags", [])]
        parameters = [line.strip() for line in "".join(given[0]["source"]).splitlines()[1:]] if given else ["its defaults"]
    return [f"notebook    notebooks/{file.stem}.ipynb", f"parameters  {' '.join(parameters)}"]


def describe(origin: Origin) -> str:
    """An origin in lines of text, with those of all results that went into it, as far as their records are kept."""
    with reading(origin.path, _COMPLETE, REMEDY):
        return _described(origin)


def _described(origin: Origin) -> str:
    record = origin.record
    parameters = record["parameters"]
    seeds = {name: value for name, value in parameters.items() if name in ("seed", "seeds")}
    code = record["code"]
    lines = [
        f"{origin.path}: {origin.told}",
        f"notebook    notebooks/{record['notebook']}.ipynb",
        f"made by     {record['sampler_kind']}",
        f"seed        {', '.join(map(str, seeds.values())) or 'none of its own; see its inputs'}",
        f"parameters  {json.dumps(parameters, ensure_ascii=False)}",
        f"data        {record['data_sha256'] or 'that of its inputs'}",
        f"code        {_in_words(code)}",
        f"packages    Python {record['python']}, " + ", ".join(f"{name} {number}" for name, number in record["packages"].items()),
        f"processor   {record['processor']}, {record.get('arithmetic', 'loops its own')}",
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


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m artifact.results", description="Say where a stored number or figure came from."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="notebook, parameters, seed, code, packages, sampler and inputs of a file")
    show.add_argument("file", help="a result, figure, claims.json or rendered page, from the project's folder")
    options = parser.parse_args(arguments)
    try:
        origin = origin_of(options.file)
        print(describe(origin))
        return 0 if origin.whole else 1
    except MissingData as failure:
        missing = failure
    except (DamagedFile, InvalidInput) as failure:
        print(failure, file=sys.stderr)
        return 1
    try:
        told = without_record(options.file)
    except DamagedFile as failure:
        print(failure, file=sys.stderr)
        return 1
    print(told or missing, file=sys.stdout if told else sys.stderr)
    return 0 if told else 1
