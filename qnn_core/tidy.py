"""Before a run: remove what can be made again and is not what it was. python -m qnn_core.tidy [--profile quick]

A run that was killed while it wrote leaves a temporary file; a disk, a copy or a person can alter a finished one. Snakemake looks at
dates alone, so nothing would make those again. Every file of a profile is held against its SHA-256 here, and what does not match is
named, in one sentence each, and removed: results, figures, rendered pages, the table of claims, checkpoints, and embeddings. Recorded
reads and data sets are never touched.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qnn_core.errors import DamagedFile
from qnn_core.files import file_sha256, in_project, read_record, read_sealed, relative
from qnn_core.origins import read_page
from qnn_core.results import sidecar

EMBEDDINGS = "data/embeddings"


def outputs(profile: str) -> tuple[str, str, str]:
    """The folders of a profile's results, figures and rendered pages."""
    return f"data/results/{profile}", f"figures/{profile}", f"notebooks/rendered/{profile}"


def tidy(profile: str) -> list[str]:
    """Remove leftovers and damaged files of a profile; returns a sentence for each damaged one."""
    said = []
    folders = [in_project(folder) for folder in (*outputs(profile), EMBEDDINGS)]
    for leftover in (path for folder in folders for path in folder.rglob(".*") if path.is_file()):
        leftover.unlink()
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        try:
            _check(path)
        except DamagedFile as failure:
            said.append(str(failure))
            path.unlink()
    return said


def _check(path: Path) -> None:
    if path.suffix == ".json":
        read_record(path, "it is made again")
    elif path.suffix == ".checkpoint":
        read_sealed(path, "training begins from its start")
    elif path.suffix == ".ipynb":
        read_page(path, "it is made again")
    elif path.suffix in (".npz", ".png", ".pdf"):
        _check_against_record(path)


def _check_against_record(path: Path) -> None:
    record = Path(sidecar(str(path)))
    try:
        content = read_record(record, "") if record.is_file() else {}
    except DamagedFile:
        return  # Said of the record itself, and without it the result is made again.
    expected = {content.get("file"): content.get("sha256"), **content.get("pictures", {})}.get(path.name)
    if expected is not None and file_sha256(path) != expected:
        raise DamagedFile(f"{relative(path)} does not match its recorded SHA-256; it is made again.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m qnn_core.tidy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="quick")
    for sentence in tidy(parser.parse_args(arguments).profile):
        print(sentence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
