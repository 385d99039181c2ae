"""What a run would write, compared before any work with what it reads and with what stands there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from artifact.files import ROOT, STORED, in_project, relative
from artifact.results import expand, files_of, git, made_by, sidecar
from qnn_core.errors import DamagedFile, check
from qnn_core.files import check_writable, read_record

OUTPUTS = ("data/results", "figures", "notebooks/rendered")
"""Folders of which git may keep files that a run makes again."""
FAILED = "failed_page"
"""What marks a page that failed."""


def check_targets(parameters: Any, *pages: Path) -> None:
    """Raise InvalidInput if any file that a run writes is one that it reads, one of another kind, or not the project's to replace.

    parameters: of the notebook, as its model has them. pages: where its rendered copy may go. Raises NotWritten for a file that could not
    be written.
    """
    for page in pages:
        check(page.suffix == ".ipynb", "output", relative(page), "a name that ends in .ipynb")
    read = {known for file in _read(parameters) for path in (file, Path(sidecar(str(file)))) for known in _known_by(path)}
    recorded = [in_project(parameters.record).resolve()] if parameters.record else []
    written: set[object] = set()
    targets = [("output", page) for page in pages]
    targets += [(name, in_project(value).with_suffix(ending)) for name, value in parameters for ending in STORED.get(name, ())]
    for name, target in targets:
        check_writable(target)
        known, shown = _known_by(target), relative(target)
        apart = not known & read and not any(target.resolve().is_relative_to(folder) for folder in recorded)
        check(apart, name, shown, "a file other than those that this run reads: it would be overwritten")
        check(not known & written, name, shown, "a name of its own: this run writes another file there")
        free = not target.exists() or _made_here(target)
        check(free, name, shown, "a new name, or that of a file this project made: there is one of yours, which stays")
        written |= known


def _read(parameters: Any) -> Iterator[Path]:
    """All files that parameters name as inputs."""
    for name, value in parameters:
        if name not in STORED:
            texts = [text for text in (value if isinstance(value, tuple | list) else (value,)) if isinstance(text, str)]
            yield from map(in_project, expand(text for text in texts if text.endswith((".npz", ".json", ".ipynb"))))


def _known_by(file: Path) -> set[object]:
    """Its real path and, where it exists, its place on the disk: the same by whatever name."""
    real = os.path.realpath(file)
    try:
        found = os.stat(real)
    except OSError:
        return {real}
    return {real, (found.st_dev, found.st_ino)}


def _made_here(file: Path) -> bool:
    """Whether a file is a run's: it carries a record of this project, or stands beside one, and git does not keep it as a source."""
    if _is_source(file):
        return False
    with suppress(OSError, DamagedFile):
        if file.suffix == ".ipynb":
            content = file.read_bytes()
            return b'"page_sha256"' in content or f'"{FAILED}"'.encode() in content
        record = read_record(sidecar(str(file)), "")
        return file.name in {Path(sidecar(str(file))).name, *files_of(record)} and "notebook" in made_by(record)
    return False


def _is_source(file: Path) -> bool:
    """Whether git keeps a file that no run makes."""
    place = Path(os.path.realpath(file))
    if not place.is_relative_to(ROOT) or any(place.is_relative_to(ROOT / folder) for folder in OUTPUTS):
        return False
    with suppress(OSError, subprocess.CalledProcessError):
        return bool(git("ls-files", "--", str(place.relative_to(ROOT))))
    return False
