"""Profiles (config/NAME.yaml): what the workflow gives notebooks, checked strictly before any of them runs.

A value at the top goes to every notebook that has a parameter of that name; the section named as a notebook changes them for it, and `runs` in
it for one of its runs. Of `hidden`, `seeds` and `widths` at the top the table of the workflow makes runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, create_model

from artifact.files import ROOT
from artifact.kinds import Count, OneOrMore, Seed, Strict, TwoOrMore
from artifact.parameters import INTERACTIVE, declared, notebook_parameters, notebooks, validated
from qnn_core.errors import InvalidInput, check_choice

REPEATED: dict[str, Any] = {"hidden": tuple[Count], "seeds": TwoOrMore[Seed], "widths": OneOrMore[Count]}
"""What the table of the workflow makes runs of; of `hidden` one layer, by which files are named."""


class Section(BaseModel, extra="allow"):
    """What one notebook is given; `runs`: changes for each of its runs, by name."""

    runs: dict[str, dict[str, Any]] = {}


def load_profile(name: str, folder: Path = ROOT / "config") -> dict[str, Any]:
    """The content of a profile, checked with all that any notebook would be given of it."""
    check_choice("profile", name, sorted(path.stem for path in folder.glob("*.yaml")))
    where = f"config/{name}.yaml"
    try:
        profile = yaml.load((folder / f"{name}.yaml").read_text(encoding="utf-8"), Loader=_OnceOnly)
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as failure:
        raise InvalidInput("profile", name, f"a readable yaml file: {' '.join(str(failure).split())}") from failure
    run = [notebook for notebook in notebooks() if notebook not in INTERACTIVE]
    known: dict[str, Any] = {one.name: (Any, None) for notebook in run for one in declared(notebook)}
    known |= {notebook: (Section, Section()) for notebook in run}
    validated(create_model("Profile", **{**known, **REPEATED}, __base__=Strict), profile, where)
    for notebook in run:
        paths = {one.name: one.default or "x.npz" for one in declared(notebook) if one.made_by or one.is_path}
        for one in runs_of(profile, notebook) or [""]:
            told = ", ".join(filter(None, (where, notebook, one)))
            notebook_parameters(notebook, {**paths, **settings(profile, notebook, one)}, told)
    return profile


def runs_of(profile: Mapping[str, Any], notebook: str) -> list[str]:
    """The names of the runs of a notebook that has several."""
    return list(profile.get(notebook, {}).get("runs", {}))


def settings(profile: Mapping[str, Any], notebook: str, run: str = "", **given: Any) -> dict[str, Any]:
    """What a notebook is given, except paths. run: which of `runs`, the method where it has one. given: what differs from run to run."""
    section = dict(profile.get(notebook, {}))
    changes = section.pop("runs", {}).get(run, {})
    names = {one.name for one in declared(notebook)}
    if run and "method" in names:
        given["method"] = run
    return {**{name: value for name, value in profile.items() if name in names}, **section, **changes, **given}


class _OnceOnly(yaml.SafeLoader):
    """yaml's safe loader, but for a name that is given twice: which of the two was meant?"""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := [name for number, name in enumerate(names) if name in names[:number]]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)
