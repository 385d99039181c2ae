"""Files of the project: where they are, and writing them whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder; relative paths of results and figures count from here."""


def in_project(path: str | os.PathLike[str]) -> Path:
    """The absolute path; a relative one counts from the project's folder, wherever the notebook runs."""
    return ROOT / path


def relative(path: str | os.PathLike[str]) -> str:
    """The path as results and pages show it: from the project's folder, never the machine's."""
    absolute = in_project(path)
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else absolute.name


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


def file_sha256(path: str | os.PathLike[str]) -> str:
    with in_project(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
