"""Which notebook makes which result from which inputs: the table behind the Snakefile's rules. Its keys are the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import PurePath
from typing import Any

from artifact.files import STORED
from artifact.parameters import declared, notebooks
from artifact.profiles import runs_of, settings

Wildcards = Mapping[str, str]
"""Which of the runs of a row, such as {"method": "gibbs", "hidden": "120"}."""


@dataclass(frozen=True)
class Row:
    """A notebook and what it stores.

    runs: the values of the wildcards in `stored`, by name. inputs: stored results by the parameter that names them; `uses` are those that no
    parameter names. priority: which start first, those that others wait for and the longest.
    """

    notebook: str
    stored: str
    priority: int = 0
    runs: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    inputs: Mapping[str, str | list[str]] = field(default_factory=dict)
    uses: Sequence[str] = ()

    def each(self) -> Iterator[Wildcards]:
        """The wildcards of each of its runs; one without any where it has no runs."""
        return (dict(zip(self.runs, map(str, values), strict=True)) for values in product(*self.runs.values()))

    def results(self, method: str = "") -> list[str]:
        """What its runs store: all, or those of one method."""
        return [self.stored.format(**wildcards) for wildcards in self.each() if method in ("", wildcards.get("method"))]

    @property
    def parameter(self) -> str:
        """The parameter that names what is stored."""
        return {".npz": "result", ".json": "claims", "": "figure"}[PurePath(self.stored).suffix]

    @property
    def files(self) -> list[str]:
        """All files of a run but for its page, its record the last, with wildcards in them."""
        return [str(PurePath(self.stored).with_suffix(ending)) for ending in STORED[self.parameter]]

    def page(self, profile: str) -> str:
        """The rendered page of a run: in a folder of the notebook's name where there are several."""
        run = f"/{PurePath(self.stored).stem}" if self.runs else ""
        return f"notebooks/rendered/{profile}/{self.notebook}{run}.ipynb"

    def settings(self, profile: Mapping[str, Any], wildcards: Wildcards) -> dict[str, Any]:
        """What a profile gives a run."""
        values: dict[str, Any] = {name: int(value) if value.isdigit() else value for name, value in wildcards.items()}
        if "hidden" in values:
            values["hidden"] = [values["hidden"]]
        return settings(profile, self.notebook, values.pop("method", values.pop("study", "")), **values)

    def paths(self, wildcards: Wildcards) -> dict[str, Any]:
        """What a run reads and stores, by parameter."""
        read = {name: paths.format(**wildcards) if isinstance(paths, str) else paths for name, paths in self.inputs.items()}
        return {**read, self.parameter: self.stored.format(**wildcards)}


def table(name: str, profile: Mapping[str, Any]) -> dict[str, Row]:
    """The rows by target, for a profile of that name and content: those listed here, and one for each figure."""
    folder, hidden, seeds = f"data/results/{name}", {"hidden": profile["hidden"]}, {"seed": profile["seeds"]}

    def row(notebook: str, of: str, priority: int = 0, runs: Mapping[str, Sequence[Any]] | None = None, **further: Any) -> Row:
        return Row(notebook, f"{folder}/{of}.npz", priority, runs or {}, **further)

    rows = {
        "summary": Row("summary", f"{folder}/claims.json"),
        "data": row("01_data", "data"),
        "rates": row("01b_rates", "rates/{method}-{hidden}", 2, {"method": runs_of(profile, "01b_rates"), **hidden}),
        "training": row(
            "02_training", "training/{sampler}-{hidden}-s{seed}", 1, {"sampler": ["gibbs"], **hidden, **seeds},
            inputs={"rates": f"{folder}/rates/{{sampler}}-{{hidden}}.npz"},
        ),
        "samplers": row("02b_samplers", "samplers"),
        "ablation": row("02c_ablation", "ablation", 1),
        "backprop": row(
            "03_backprop", "training/{method}-{hidden}-s{seed}", 0, {"method": ["mlp", "energy"], **hidden, **seeds},
            inputs={"rates": f"{folder}/rates/{{method}}-{{hidden}}.npz"},
        ),
        "phase": row("04_phase", "phase"),
        "equilibrium": row("04b_equilibrium", "equilibrium", 2),
        "sizes": row("04c_sizes", "sizes", 1),
        "landscape": row("04d_landscape", "landscape"),
        "curves": row(
            "05a_curves", "curves/{method}-{width}", 1, {"method": runs_of(profile, "05a_curves"), "width": profile["widths"]}
        ),
        "scaling": row("05_scaling", "scaling"),
        "heads": row("05b_heads", "heads"),
        "cloud": row("05c_cloud", "cloud", 2),
        "grover": row("06_grover", "grover", 1),
        "active": row("07_active_layers", "active/{study}", 2, {"study": runs_of(profile, "07_active_layers")}),
        "layer": row("08_torch_layer", "layer", 1),
        **{figure: Row(figure, f"figures/{name}/{figure}") for figure in notebooks() if figure.startswith("fig")},
    }  # fmt: skip
    by_notebook = {one.notebook: one for one in rows.values()}
    rows = {target: replace(one, inputs={**_inputs(one.notebook, by_notebook), **one.inputs}) for target, one in rows.items()}
    # The summary comes after all: it reads some results, and uses those that no notebook reads.
    read = {
        path for one in rows.values() for paths in one.inputs.values() for path in ([paths] if isinstance(paths, str) else paths)
    }
    unread = [one.files[0] for target, one in rows.items() if target != "summary" and not one.runs and one.stored not in read]
    rows["summary"] = replace(rows["summary"], uses=["config/agreement.json", *unread])
    return rows


def _inputs(notebook: str, rows: Mapping[str, Row]) -> dict[str, str | list[str]]:
    """The stored results that a notebook reads, by the parameter of which its parameters cell says whose results it names."""
    found: dict[str, str | list[str]] = {}
    for one in declared(notebook):
        if one.made_by and not one.kind.startswith("Optional"):
            paths = rows[one.made_by].results(one.method)
            found[one.name] = paths if one.kind == "Inputs" else paths[0]
    return found
