"""Sphinx: notebooks and documents as a book. `artifact.book` gathers the pages and runs it."""

import inspect
import os
import re
import subprocess

from docutils import nodes
from latex2mathml.converter import convert

project = "How to train your dragon"
html_title = f"{project}: {os.environ['BOOK_PROFILE']} profile"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_book_theme"]
highlight_language = "text"

nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the default is fetched from a network
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3

default_role = "code"  # docstrings write `name`
autodoc_mock_imports = ["triton"]  # Comes with CUDA builds of torch alone.
autodoc_member_order = "bysource"
# What scikit-learn writes for its own pages.
_FOREIGN = "set_score_request, set_fit_request, set_predict_request"
autodoc_default_options = {"no-value": True, "exclude-members": _FOREIGN}
autodoc_typehints_format = "short"
add_module_names = False
python_maximum_signature_line_length = 88

html_theme = "sphinx_book_theme"
html_static_path = ["book/static"]
html_css_files = ["book.css"]
html_context = {"default_mode": "auto"}
html_use_index = False
html_domain_indices = False
html_math_renderer = "mathml"
html_show_search_summary = False  # summaries are fetched, which browsers refuse for files
html_theme_options = {
    "navbar_persistent": [],
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "footer_content_items": ["extra-footer.html"],
    "extra_footer": "A reconstruction from the paper's abstract; no quantum hardware was used.",
}


def _repository() -> str:
    """The address of the clone's origin, if it is one that Binder knows."""
    told = subprocess.run(["git", "config", "--get", "remote.origin.url"], capture_output=True, text=True, check=False)
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
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _set_docstring(_app, _what, _name, thing, _options, lines):
    """Docstrings are prose: formulas stay as written, and sentences "name: meaning" about arguments become a list."""
    try:
        names = "|".join(map(re.escape, inspect.signature(thing).parameters))
    except (TypeError, ValueError):
        names = ""
    start = re.compile(rf"(?:^|(?<=[.;] ))((?:{names or '$'})(?:, (?:{names}))*):\s", re.MULTILINE)
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
    lines[:] = "\n\n".join(_paragraph(start, paragraph) for paragraph in paragraphs).split("\n")


def _paragraph(start, text):
    if text.startswith((">>>", ".. ", "- ")):
        return text
    if text.startswith(" "):
        return f"::\n\n{text}"
    text = re.sub(r"(`[^`]*`)|([*|\\])", lambda found: found[1] or "\\" + found[2], text)
    before, *parts = start.split(text)
    items = [f"- **{name}**: {' '.join(meaning.split())}" for name, meaning in zip(parts[::2], parts[1::2], strict=True)]
    return "\n".join([before, "", *items])


def _only_with_source(_app, page, _template, context, _doctree):
    """Pages that no file of the repository is the source of have no button that leads to one."""
    if not page.startswith(("docs/", "notebooks/")):
        context["header_buttons"] = [
            one for one in context.get("header_buttons", []) if one.get("label") not in ("source-buttons", "launch-buttons")
        ]


def setup(app):
    app.add_html_math_renderer("mathml", (_inline_math, None), (_display_math, None))
    app.connect("autodoc-process-docstring", _set_docstring)
    app.connect("html-page-context", _only_with_source, priority=900)
