"""The book: rendered notebooks, claims, documents and docstrings, to be read without a network.

python -m artifact.book [--profile quick] writes site/index.html. Sphinx sets the pages (docs/conf.py); here they are gathered.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import json
import os
import pkgutil
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from sphinx.cmd.build import build_main

from qnn_core.claims import load_claims, measured_number
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.readme import duration

TEMPLATES = Path("docs/book/templates")
DOCUMENTED = ("qnn_core", "qnn_dwave", "studies")
"""Packages whose docstrings are the reference."""
_STORED = ("result", "figure", "claims")
"""Parameters that name what a notebook stores."""


def write_book(profile: str, target: str = "site") -> Path:
    """Write the book of a profile in place of an older one; returns the path of its first page.

    Raises MissingData when the profile has no rendered notebooks or no claims, DamagedFile when Sphinx finds fault with a page.
    """
    with tempfile.TemporaryDirectory(dir=".", prefix=".site-") as scratch:
        sources, book, old = (Path(scratch) / name for name in ("sources", "book", "old"))
        _gather(sources, profile)
        _build(sources, book, profile)
        if Path(target).exists():
            os.replace(target, old)
        os.replace(book, target)
    return Path(target) / "index.html"


def _gather(sources: Path, profile: str) -> None:
    """All pages, in the folders that their sources have in the project."""
    runs: dict[str, list[Path]] = {}
    rendered = Path("notebooks/rendered") / profile
    for path in sorted(rendered.rglob("*.ipynb")):
        if not path.name.endswith(".failed.ipynb") and ".ipynb_checkpoints" not in path.parts:
            runs.setdefault(path.relative_to(rendered).with_suffix("").parts[0], []).append(path)
    if not runs:
        raise MissingData(f"No rendered notebook of the {profile} profile; run ./run_all.sh --profile {profile} first.")
    claims = load_claims(f"data/results/{profile}/claims.json")
    shutil.copytree("docs", sources / "docs", ignore=shutil.ignore_patterns("gallery", "book", "*.py", "__pycache__"))
    shutil.copytree(Path("figures") / profile, sources / "figures")
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined)
    templates.filters |= {"measured_number": measured_number, "duration": duration}

    def write(page: str, template: str, **values: Any) -> None:
        (sources / page).parent.mkdir(exist_ok=True)
        (sources / page).write_text(templates.get_template(template).render(values), encoding="utf-8")

    listed = (TEMPLATES / "index.md").read_text(encoding="utf-8").split()
    unlisted = [name for name in (f"notebooks/{run}" for run in runs) if name not in listed]
    write("index.md", "index.md", claims=claims, profile=profile, unlisted=unlisted)
    found = [[package, *(one.name for one in pkgutil.walk_packages([package], f"{package}."))] for package in DOCUMENTED]
    modules = [name for names in found if len(names) > 1 for name in names]
    write("api/index.md", "reference.md", modules=modules)
    for name in modules:
        write(f"api/{name}.md", "module.md", name=name)
    for claim in claims:
        write(f"claims/{claim.id}.md", "claim.md", claim=claim)
    for document in (sources / "docs").glob("*.md"):
        document.write_text(document.read_text(encoding="utf-8").replace("notebooks/rendered/paper/", "notebooks/"), encoding="utf-8")
    for name, paths in runs.items():
        # The first of several runs stands for the notebook; the others are reached from it.
        pages = {path: path if number else Path("notebooks") / f"{name}.ipynb" for number, path in enumerate(paths)}
        for path, page in pages.items():
            content = _as_page(nbformat.read(path, as_version=4), suffix="" if path == paths[0] else f" ({path.stem})")
            record = content.metadata.pop("provenance", None)
            if record:
                others = [(one.stem, os.path.relpath(pages[one], page.parent)) for one in paths if one != path]
                below = templates.get_template("provenance.md").render(record=record, seconds=_seconds(record), others=others)
                content.cells.append(nbformat.v4.new_markdown_cell(below))
            (sources / page).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(content, sources / page)


def _as_page(content: nbformat.NotebookNode, suffix: str) -> nbformat.NotebookNode:
    """A notebook with its code folded and its pictures named; suffix: what tells the title of a further run, which no list of pages has."""
    heading = ""
    if suffix:
        content.metadata["orphan"] = True
        content.cells[0].source = re.sub(r"^# .*", rf"\g<0>{suffix}", content.cells[0].source)
    for cell in content.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^#+ (.*)$", cell.source, flags=re.MULTILINE) or [heading])[-1]
        else:
            tags = cell.metadata.setdefault("tags", [])
            tags.append("remove-input" if {"parameters", "injected-parameters"} & set(tags) else "hide-input")
            cell.metadata["mystnb"] = {"image": {"alt": f"Plot under the heading “{heading.replace('$', '')}”"}}
    return content


def _seconds(record: dict[str, Any]) -> float | None:
    """Wall time, which the record of the result has; pages are the same on every machine."""
    beside = next((Path(path).with_suffix(".json") for name, path in record["parameters"].items() if name in _STORED), None)
    if beside is None or not beside.is_file():
        return None
    stored = json.loads(beside.read_text(encoding="utf-8"))
    return float(stored.get("provenance", stored)["seconds"])


def _build(sources: Path, book: Path, profile: str) -> None:
    os.environ["BOOK_PROFILE"] = profile
    options = ["-q", "-W", "--keep-going", "-j", "auto", "-c", "docs", "-d", str(book.with_name("doctrees"))]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        if build_main([*options, str(sources), str(book)]):
            raise DamagedFile(f"Sphinx could not make the book:\n{said.getvalue()}")
    # Firefox takes no font from a file beside a page.
    style, font = (book / "_static" / name for name in ("book.css", "STIXTwoMath.woff2"))
    embedded = f"data:font/woff2;base64,{base64.b64encode(font.read_bytes()).decode()}"
    style.write_text(style.read_text(encoding="utf-8").replace(font.name, embedded), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.book", description="Write the book of a profile's rendered notebooks.")
    parser.add_argument("--profile", default="quick", help="whose pages, claims and figures")
    options = parser.parse_args(arguments)
    try:
        index = write_book(options.profile)
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"Site:                 {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
