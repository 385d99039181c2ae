"""Which modules of the project a notebook uses, found from its imports, so that the workflow knows what to run again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat

from artifact.files import ROOT
from artifact.results import PACKAGES


def modules_of(notebook: str, root: Path = ROOT) -> list[str]:
    """Paths, from the project's folder, of all modules that notebooks/<notebook>.ipynb imports, directly or through others.

    Imports inside functions count; imports for type checkers alone do not.
    """
    cells = nbformat.read(root / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    found: set[Path] = set()
    waiting = set(_imported(source, root))
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= set(_imported(path.read_text(encoding="utf-8"), root)) - found
    return sorted(str(path.relative_to(root)) for path in found)


def _imported(source: str, root: Path) -> Iterator[Path]:
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
            path = root.joinpath(*module.split("."))
            if module.split(".")[0] in PACKAGES:
                yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file())
