"""The site: every rendered notebook of a profile as a page, the claims, the figures, the documents, and where each number comes from.

python -m artifact.site [--profile quick] writes site/index.html. The pages lie on the file system and ask nothing of any network.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from jinja2 import Environment, FileSystemLoader
from pygments.formatters import HtmlFormatter

from artifact.claims import Claim, load_claims, measured_number
from artifact.contents import DOCUMENTS, chapter_of, reading_order
from artifact.files import in_project, relative
from artifact.pages import TEMPLATES, Page, body_html, labels, markdown_to_html, read_pages
from artifact.readme import duration
from qnn_core.errors import DamagedFile, MissingData

SITE = "site"
_DATASETS = {"digits": "scikit-learn's 8 x 8 digits", "mnist": "all of MNIST"}
_UNITALIC = (0x210E, 0x2212, 0x2032)
"""Planck's h, minus and prime: what browsers write in formulas for h, - and '."""
_FIGURE_FILES = ("png", "pdf", "npz", "json")


@dataclass(frozen=True, eq=False)
class Run:
    """A page of the site: where it lies, and how it is told from other runs of its notebook."""

    page: Page
    label: str

    @property
    def href(self) -> str:
        return f"pages/{self.page.name}.html"


@dataclass(frozen=True, eq=False)
class Entry:
    """A notebook in the list of pages, with all its runs."""

    title: str
    about: str
    notebook: str
    runs: list[Run]


def write_site(profile: str, target: str = SITE) -> Path:
    """Write the site of a profile's rendered notebooks in place of an older one; returns the path of its index.

    Raises MissingData when the profile has no rendered pages or no table of claims.
    """
    pages = read_pages(profile)
    if not pages:
        raise MissingData(f"No rendered notebook of the {profile} profile; run ./run_all.sh --profile {profile} first.")
    claims = load_claims(f"data/results/{profile}/claims.json")
    folder = in_project(target)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        building, old = Path(scratch) / "new", Path(scratch) / "old"
        building.mkdir()
        _write(building, profile, pages, claims)
        if folder.exists():
            os.replace(folder, old)
        os.replace(building, folder)
    return folder / "index.html"


def entries_of(pages: Sequence[Page]) -> list[Entry]:
    """Pages grouped by notebook, in reading order."""
    ordered = sorted(pages, key=lambda page: (reading_order(page.notebook), page.name))
    entries = []
    for notebook, group in groupby(ordered, key=lambda page: page.notebook):
        runs = list(group)
        named = [Run(page, label) for page, label in zip(runs, labels(runs) if len(runs) > 1 else [""], strict=True)]
        entries.append(Entry(runs[0].title, runs[0].about, notebook, named))
    return entries


def _write(folder: Path, profile: str, pages: Sequence[Page], claims: list[Claim]) -> None:
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"number": measured_number, "duration": duration}
    entries = entries_of(pages)
    used: set[str] = set()
    for place, entry in enumerate(entries):
        for run in entry.runs:
            body = body_html(run.page)
            used |= set(body)
            file = folder / run.href
            file.parent.mkdir(parents=True, exist_ok=True)
            html = templates.get_template("notebook.html.j2").render(
                profile=profile,
                up="../" * run.href.count("/"),
                page=run.page,
                body=body,
                label=run.label,
                chapter=chapter_of(entry.notebook),
                seeds=_seeds(run.page.parameters),
                before=entries[place - 1].runs[0] if place else None,
                after=entries[place + 1].runs[0] if place + 1 < len(entries) else None,
            )
            file.write_text(html, encoding="utf-8")
    figures = _copy_figures(folder, profile, entries)
    documents = _write_documents(folder, profile, templates, {page.source: page.name for page in pages})
    index = templates.get_template("index.html.j2").render(
        profile=profile,
        up="",
        dataset=_dataset(pages),
        claims=claims,
        first={entry.notebook: entry.runs[0].href for entry in entries},
        figures=figures,
        chapters=[
            {"title": title, "entries": list(group)}
            for title, group in groupby(entries, key=lambda entry: chapter_of(entry.notebook))
        ],
        documents=documents,
    )
    (folder / "index.html").write_text(index, encoding="utf-8")
    (folder / "style.css").write_text(_style(used), encoding="utf-8")


def _write_documents(folder: Path, profile: str, templates: Environment, pages: dict[str, str]) -> list[dict[str, str]]:
    """The documents that are there, as pages.

    pages: names of the site's pages by their rendered notebook; a link to what the site has not is its text.
    """
    found = {name: about for name, about in DOCUMENTS.items() if in_project(f"docs/{name}.md").is_file()}

    def linked(match: re.Match[str]) -> str:
        text, target = match.groups()
        if "://" in target:
            return match[0]
        path = os.path.normpath(f"docs/{target}")
        if path in pages:
            return f"[{text}](../pages/{pages[path]}.html)"
        name = path.removeprefix("docs/").removesuffix(".md")
        return f"[{text}]({name}.html)" if name in found else text

    documents = []
    (folder / "docs").mkdir()
    for name, about in found.items():
        source = in_project(f"docs/{name}.md").read_text(encoding="utf-8")
        title = source.split("\n", 1)[0].removeprefix("# ")
        body = markdown_to_html(re.sub(r"\[([^\]]+)\]\(([^)]+)\)", linked, source))
        html = templates.get_template("document.html.j2").render(profile=profile, up="../", title=title, body=body)
        (folder / "docs" / f"{name}.html").write_text(html, encoding="utf-8")
        documents.append({"href": f"docs/{name}.html", "title": title, "about": about})
    return documents


def _seeds(parameters: dict[str, Any]) -> str:
    seeds = parameters.get("seeds", parameters.get("seed"))
    return ", ".join(map(str, seeds)) if isinstance(seeds, list) else "" if seeds is None else str(seeds)


def _dataset(pages: Sequence[Page]) -> str:
    name = next((page.parameters["dataset"] for page in pages if "dataset" in page.parameters), "the data of your own")
    return _DATASETS.get(name, name)


def _copy_figures(folder: Path, profile: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    figures = []
    (folder / "figures").mkdir()
    for entry in entries:
        stored = {ending: in_project(f"figures/{profile}/{entry.notebook}.{ending}") for ending in _FIGURE_FILES}
        found = [ending for ending, file in stored.items() if file.is_file()]
        if "png" not in found:
            continue
        for ending in found:
            shutil.copyfile(stored[ending], folder / "figures" / stored[ending].name)
        figures.append(
            {"name": entry.notebook, "title": entry.title, "about": entry.about, "href": entry.runs[0].href, "files": found}
        )
    return figures


def _style(characters: set[str]) -> str:
    """The style sheet, with colours for code and the part of a font for mathematics that the pages use."""
    font = base64.b64encode(_math_font(characters)).decode()
    face = f'@font-face {{ font-family: "Page Math"; src: url("data:font/woff;base64,{font}") format("woff"); }}'
    code = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return f"{(TEMPLATES / 'style.css').read_text(encoding='utf-8')}\n{code}\n{face}\n"


def _math_font(characters: set[str]) -> bytes:
    """STIX Two Math (SIL Open Font License), cut down to some characters and what browsers make of them in formulas.

    Embedded, because phones often have no font with the tables that large brackets and sums need.
    """
    font = TTFont(str(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")))
    italic = {
        chr(code)
        for code in range(0x1D434, 0x1D7CC)
        if unicodedata.normalize("NFKC", chr(code)) in characters and chr(code).isprintable()
    }
    options = subset.Options()
    options.flavor = "woff"
    options.notdef_outline = True
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(characters | italic | {chr(code) for code in _UNITALIC}))
    cutter.subset(font)
    content = BytesIO()
    font.flavor = "woff"
    font.save(content)
    return content.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m artifact.site", description="Write the site of a profile's rendered notebooks."
    )
    parser.add_argument("--profile", default="quick", help="whose pages, claims and figures")
    options = parser.parse_args(arguments)
    try:
        index = write_site(options.profile)
    except (MissingData, DamagedFile) as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"Site:                 {relative(index)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
