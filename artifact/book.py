"""The book: rendered notebooks, claims, documents and docstrings as a site to read without a network.

python -m artifact.book [--profile quick] writes site/index.html. Sphinx sets the pages (docs/conf.py); here they are gathered.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import pkgutil
import re
import shutil
import sys
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from sphinx.cmd.build import build_main

from qnn_core.claims import load_claims, measured_number
from qnn_core.errors import DamagedFile, MissingData
from qnn_core.readme import duration

DOCUMENTS = Path("docs")
PACKAGES = ("qnn_core", "qnn_dwave", "studies")
"""Those whose docstrings are the reference."""


def write_book(profile: str, target: str = "site") -> Path:
    """Write the book of a profile in place of an older one; returns the path of its first page.

    Raises MissingData when the profile has no rendered notebooks or no claims, DamagedFile when Sphinx finds fault with a page.
    """
    rendered = Path("notebooks/rendered") / profile
    pages = sorted(path for path in rendered.rglob("*.ipynb") if not path.name.endswith(".failed.ipynb") and "." not in path.parent.name)
    if not pages:
        raise MissingData(f"No rendered notebook of the {profile} profile; run ./run_all.sh --profile {profile} first.")
    with tempfile.TemporaryDirectory(dir=".", prefix=".site-") as scratch:
        sources, book = Path(scratch) / "sources", Path(scratch) / "book"
        _gather(sources, profile, pages, rendered)
        _build(sources, book, profile)
        if Path(target).exists():
            os.replace(target, Path(scratch) / "old")
        os.replace(book, target)
    return Path(target) / "index.html"


def _gather(sources: Path, profile: str, pages: list[Path], rendered: Path) -> None:
    """All pages in Markdown or as notebooks, in the folders that their sources have in the project."""
    shutil.copytree(DOCUMENTS, sources / "docs", ignore=shutil.ignore_patterns("gallery", "book", "conf.py", "__pycache__"))
    shutil.copytree(Path("figures") / profile, sources / "figures")
    (sources / "claims").mkdir()
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(DOCUMENTS / "book"), undefined=jinja2.StrictUndefined)
    templates.filters |= {"measured_number": measured_number, "duration": duration}
    claims = load_claims(f"data/results/{profile}/claims.json")
    for claim in claims:
        page = templates.get_template("claim.md").render(claim=claim)
        (sources / "claims" / f"{claim.id}.md").write_text(page, encoding="utf-8")
    runs: dict[str, list[Path]] = {}
    for path in pages:
        runs.setdefault(path.relative_to(rendered).with_suffix("").parts[0], []).append(path)
    for name, paths in runs.items():
        for path in paths:
            _stage_notebook(sources, templates, name, path, paths)
    index = templates.get_template("index.md")
    listed = (DOCUMENTS / "book/index.md").read_text(encoding="utf-8").split()
    unlisted = [name for name in (f"notebooks/{run}" for run in runs) if name not in listed]
    (sources / "index.md").write_text(index.render(claims=claims, profile=profile, unlisted=unlisted), encoding="utf-8")
    for path in (sources / "docs").glob("*.md"):
        path.write_text(_within(path.read_text(encoding="utf-8"), sources), encoding="utf-8")
    _reference(sources / "api")


def _stage_notebook(sources: Path, templates: jinja2.Environment, name: str, path: Path, paths: list[Path]) -> None:
    """One rendered notebook with its code folded and its origin below; the first of several runs stands for the notebook."""
    content = nbformat.read(path, as_version=4)
    first = path == paths[0]
    heading = ""
    for cell in content.cells:
        if cell.cell_type == "markdown":
            if not first:
                cell.source = re.sub(r"^# .*", rf"\g<0> ({path.stem})", cell.source, count=1)
            heading = (re.findall(r"^#+ (.*)$", cell.source, flags=re.MULTILINE) or [heading])[-1]
        else:
            tags = cell.metadata.setdefault("tags", [])
            tags.append("remove-input" if {"parameters", "injected-parameters"} & set(tags) else "hide-input")
            cell.metadata["mystnb"] = {"image": {"alt": f"Plot under the heading “{heading.replace('$', '')}”"}}
    record = content.metadata.pop("provenance", None)
    if not first:
        content.metadata["orphan"] = True
    if record:
        others = [(one.stem, os.path.relpath(_place(name, one, paths), _place(name, path, paths).parent)) for one in paths if one != path]
        below = templates.get_template("provenance.md").render(record=record, seconds=_seconds(record), others=others)
        content.cells.append(nbformat.v4.new_markdown_cell(below))
    target = sources / _place(name, path, paths)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(content, target)


def _place(name: str, path: Path, paths: list[Path]) -> Path:
    return Path("notebooks") / f"{name}.ipynb" if path == paths[0] else path


def _seconds(record: dict[str, Any]) -> float | None:
    """Wall time of the result that a notebook stored, which its page does not carry: pages are the same on every machine."""
    for parameter, ending in (("result", ".json"), ("figure", ".json"), ("claims", ".json")):
        beside = Path(record["parameters"].get(parameter, "-")).with_suffix(ending)
        if beside.is_file():
            stored = json.loads(beside.read_text(encoding="utf-8"))
            return float(stored.get("provenance", stored)["seconds"])
    return None


def _within(document: str, sources: Path) -> str:
    """A document whose links stay in the book; those to other files of the project become their text."""

    def kept(match: re.Match[str]) -> str:
        text, target = match.groups()
        target = re.sub(r"notebooks/rendered/\w+/(\w+)\.ipynb", r"notebooks/\1.ipynb", target)
        inside = "://" in target or target.startswith("#") or (sources / "docs" / target.split("#")[0]).is_file()
        return f"[{text}]({target})" if inside else text

    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", kept, document)


def _reference(folder: Path) -> None:
    """A page for each module, made of its docstrings."""
    folder.mkdir()
    names = []
    for package in PACKAGES:
        if Path(package).is_dir():
            found = pkgutil.walk_packages([package], prefix=f"{package}.")
            names += [package, *(one.name for one in found)]
    for name in names:
        members = "" if name in PACKAGES else "   :members:\n   :ignore-module-all:\n"
        page = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n{members}```\n"
        (folder / f"{name}.md").write_text(page, encoding="utf-8")
    listed = "\n".join(names)
    page = f"# Reference\n\nWhat the packages offer, from their docstrings.\n\n```{{toctree}}\n{listed}\n```\n"
    (folder / "index.md").write_text(page, encoding="utf-8")


def _build(sources: Path, book: Path, profile: str) -> None:
    os.environ["BOOK_PROFILE"] = profile
    options = ["-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-c", str(DOCUMENTS), "-d", str(book.with_name("doctrees"))]
    said = StringIO()
    with contextlib.redirect_stderr(said):
        if build_main([*options, str(sources), str(book)]):
            raise DamagedFile(f"Sphinx could not make the book:\n{said.getvalue()}")
    # Firefox takes no font from a file beside a page.
    style = book / "_static/book.css"
    font = base64.b64encode((book / "_static/STIXTwoMath.woff2").read_bytes()).decode()
    style.write_text(style.read_text().replace("STIXTwoMath.woff2", f"data:font/woff2;base64,{font}"))


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
