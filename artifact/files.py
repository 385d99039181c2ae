"""Where the project's files are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The project's folder; relative paths of results and figures count from here."""
STORED = {"result": (".npz", ".json"), "figure": (".png", ".pdf", ".npz", ".json"), "claims": (".json",)}
"""Parameters that name what a notebook stores, with the endings of its files, the record's the last."""


def in_project(path: str | os.PathLike[str]) -> Path:
    """The absolute path; a relative one counts from the project's folder, wherever the notebook runs."""
    return ROOT / path


def relative(path: str | os.PathLike[str]) -> str:
    """The path as results and pages show it: from the project's folder, never the machine's."""
    absolute = in_project(path)
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else absolute.name
