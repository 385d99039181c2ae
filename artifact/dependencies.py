"""Which modules of the project a notebook uses, found from its imports, so that the workflow knows what to run again."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from artifact.files import ROOT
from artifact.results import PACKAGES


def modules_of(notebook: str) -> list[str]:
    """Paths, from the project's folder, of all modules that notebooks/<notebook>.ipynb imports, directly or through others.

    Imports inside functions count; imports for type checkers alone do not.
    """
    cells = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    found: set[Path] = set()
    waiting = set(_imported("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")))
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= _imported_by(path) - found
    return sorted(str(path.relative_to(ROOT)) for path in found)


@cache
def _imported_by(module: Path) -> frozenset[Path]:
    return frozenset(_imported(module.read_text(encoding="utf-8")))


def _imported(source: str) -> Iterator[Path]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            modules = [str(node.module), *(f"{node.module}.{name.name}" for name in node.names)]
        elif isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        else:
            continue
        for module in modules:
            path = ROOT.joinpath(*module.split("."))
            if module.split(".")[0] in PACKAGES:
                yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file())
