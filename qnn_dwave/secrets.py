"""The user's API token, in every form in which a message can show it, struck out."""

from __future__ import annotations

import html
import json
import os
import re
import sys
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

_LEAST = 4
"""Characters: what is shorter is no token, and would strike out ordinary words."""
_TOKEN_LINE = re.compile(r"^[ \t]*token[ \t]*[=:](.*(?:\n[ \t]+\S.*)*)", re.MULTILINE | re.IGNORECASE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@'\"]+@")


def redacted(text: str) -> str:
    """The text without any token of the environment or of D-Wave's configuration files, and without passwords in addresses."""
    forms = _forms(frozenset(_tokens()))
    bare = _COLOURS.sub("", text)
    if any(form in bare and form not in text for form in forms):
        text = bare
    for form in forms:
        text = text.replace(form, "<token>")
    return _IN_ADDRESS.sub("<secret>@", text)


def tell(text: str) -> None:
    """Print a note about waiting that the terminal shows and pages drop, as they drop progress bars."""
    print(f"\r{redacted(text)}", file=sys.stderr, flush=True)


@lru_cache(maxsize=4)
def _forms(tokens: frozenset[str]) -> list[str]:
    """Tokens as they are, quoted, escaped and percent-encoded, the longest first."""
    written = {piece for token in tokens for piece in (token, token.strip(), *token.split(), token.strip().strip("'\""))}
    written |= {unquote(token) for token in written}
    as_bytes = {str(token.encode("utf-8", "surrogateescape"))[2:-1] for token in written}
    escaped = written | as_bytes | {form(token)[1:-1] for token in written for form in (repr, ascii)}
    encoders = (
        str,
        lambda token: repr(token)[1:-1],
        lambda token: json.dumps(token)[1:-1],
        quote,
        partial(quote, safe=""),
        quote_plus,
        html.escape,
    )
    found = {encode(token) for token in escaped for encode in encoders}
    found |= {form.lower() for form in found if "%" in form}
    return sorted((form for form in found if len(form.strip()) >= _LEAST), key=len, reverse=True)


def _tokens() -> set[str]:
    """Of the environment and of all profiles of all configuration files, read as text: a malformed file holds a token too."""
    from dwave.cloud.config import get_configfile_paths

    found = {value for name, value in os.environ.items() if name.startswith("DWAVE_") and name.endswith("TOKEN")}
    named = os.environ.get("DWAVE_CONFIG_FILE")
    files = [*get_configfile_paths(), Path(__file__).parents[1] / "dwave.conf"]
    for file in [*files, *([os.path.expandvars(os.path.expanduser(named))] if named else [])]:
        try:
            content = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
        except (OSError, ValueError):
            continue
        for token in _TOKEN_LINE.findall(content):
            found |= {token, *token.splitlines()}
    return found
