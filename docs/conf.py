"""Sphinx: notebooks and documents as a book. `python -m artifact.book` gathers the pages and runs it."""

import inspect
import os
import re
import subprocess

from docutils import nodes
from latex2mathml.converter import convert

project = "How to train your dragon"
author = "the authors of this artifact; the paper is by H. Zhang and A. Kamenev"
html_title = f"{project}: {os.environ['BOOK_PROFILE']} profile"
html_show_copyright = False
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_book_theme"]
exclude_patterns = ["**.ipynb_checkpoints"]

nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the default is fetched from a network
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

default_role = "code"  # docstrings write `name`
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
nitpicky = False

html_theme = "sphinx_book_theme"
html_static_path = ["book/static"]
html_css_files = ["book.css"]
html_math_renderer = "mathml"
html_show_search_summary = False  # summaries are fetched, which browsers refuse for files
html_theme_options = {
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "extra_footer": "A reconstruction from the paper's abstract; no quantum hardware was used.",
}


def _repository() -> str:
    """The address of the clone's origin, if it is one that Binder knows."""
    told = subprocess.run(["git", "remote", "get-url", "origin"], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"(?:https://|git@)(git(?:hub|lab)\.com)[/:](\S+?)(?:\.git)?", told.stdout.strip())
    return f"https://{found[1]}/{found[2]}" if found else ""


if _repository():
    html_theme_options |= {
        "repository_url": _repository(),
        "repository_branch": "main",
        "use_repository_button": True,
        "use_source_button": True,
        "launch_buttons": {"binderhub_url": "https://mybinder.org", "notebook_interface": "jupyterlab"},
    }


def _inline_math(translator, node):
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _display_math(translator, node):
    translator.body.append(f'<div class="formula" tabindex="0">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _list_arguments(_app, _what, _name, thing, _options, lines):
    """A docstring's sentences "name: meaning" about arguments become a list."""
    lines[:] = map(_plain, lines)
    try:
        names = "|".join(map(re.escape, inspect.signature(thing).parameters))
    except (TypeError, ValueError):
        return
    if names:
        start = re.compile(rf"(?:^|(?<=[.;] ))((?:{names})(?:, (?:{names}))*): ")
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
        lines[:] = "\n\n".join(_as_list(start, paragraph) for paragraph in paragraphs).split("\n")


def _as_list(start, paragraph):
    before, *parts = start.split(" ".join(paragraph.split("\n")))
    if not parts:
        return paragraph
    items = [f"- **{name}**: {meaning.strip()}" for name, meaning in zip(parts[::2], parts[1::2], strict=True)]
    return "\n".join([before.strip(), "", *items])


def _plain(line):
    """Stars and bars of a sentence as they are; code in backticks, examples and what is indented stay."""
    if line.startswith((" ", ">>>")):
        return line
    return re.sub(r"(`[^`]*`)|([*|\\])", lambda found: found[1] or "\\" + found[2], line)


def _only_with_source(_app, page, _template, context, _doctree):
    """Pages that no file of the repository is the source of have no button that leads to one."""
    if not page.startswith(("docs/", "notebooks/")):
        context["header_buttons"] = [
            one for one in context.get("header_buttons", []) if one.get("label") not in ("source-buttons", "launch-buttons")
        ]


def setup(app):
    app.add_html_math_renderer("mathml", (_inline_math, None), (_display_math, None))
    app.connect("autodoc-process-docstring", _list_arguments)
    app.connect("html-page-context", _only_with_source, priority=900)
