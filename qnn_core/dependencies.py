"""Which modules of the project a notebook uses, found from its imports, so that the workflow knows what to run again."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import nbformat

from qnn_core.files import ROOT


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
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "qnn_core":
            path = root.joinpath(*str(node.module).split("."))
            yield path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            if path.is_dir():
                yield from (path / f"{name.name}.py" for name in node.names if (path / f"{name.name}.py").is_file())
