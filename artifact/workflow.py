"""Which notebook makes which result from which: the table that the Snakefile makes rules of. Its keys are the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import PurePath
from typing import Any

from artifact.profiles import runs_of, settings

# What a notebook stores: its parameter, and the endings of its files, by the ending of what the table says.
_STORED = {
    ".npz": ("result", (".npz", ".json")),
    ".json": ("claims", (".json",)),
    "": ("figure", (".png", ".pdf", ".npz", ".json")),
}

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

    @property
    def all(self) -> list[str]:
        """What all of its runs store."""
        return [self.stored.format(**wildcards) for wildcards in self.each()]

    @property
    def files(self) -> list[str]:
        """All files of a run but for its page, its record the last, with wildcards in them."""
        ending = PurePath(self.stored).suffix
        return [self.stored.removesuffix(ending) + one for one in _STORED[ending][1]]

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
        return {**read, _STORED[PurePath(self.stored).suffix][0]: self.stored.format(**wildcards)}


def table(name: str, profile: Mapping[str, Any]) -> dict[str, Row]:
    """The rows by target, for a profile of that name and content."""
    folder, figures = f"data/results/{name}", f"figures/{name}"
    hidden, seeds = {"hidden": profile["hidden"]}, {"seed": profile["seeds"]}

    def result(of: str) -> str:
        return f"{folder}/{of}.npz"

    def results(*of: str) -> dict[str, str]:
        return {one: result(one) for one in of}

    def trained(method: str) -> list[str]:
        return [result(f"training/{method}-{width}-s{seed}") for width in profile["hidden"] for seed in profile["seeds"]]

    gibbs, mlp, energy = map(trained, ("gibbs", "mlp", "energy"))
    curves = Row(
        "05a_curves", result("curves/{method}-{width}"), 1, {"method": runs_of(profile, "05a_curves"), "width": profile["widths"]}
    )
    active = Row("07_active_layers", result("active/{study}"), 2, {"study": runs_of(profile, "07_active_layers")})
    return {
        "summary": Row(
            "summary", f"{folder}/claims.json",
            inputs={"annealer_runs": gibbs, "mlp_runs": mlp, "active_runs": active.all,
                    **results("ablation", "phase", "equilibrium", "sizes", "cloud", "grover")},
            uses=["config/agreement.json", *results("data", "samplers", "landscape", "heads", "layer").values(),
                  *(f"{figures}/fig{number}.png" for number in range(1, 6))],
        ),
        "data": Row("01_data", result("data")),
        "rates": Row("01b_rates", result("rates/{method}-{hidden}"), 2, {"method": runs_of(profile, "01b_rates"), **hidden}),
        "training": Row(
            "02_training", result("training/{sampler}-{hidden}-s{seed}"), 1, {"sampler": ["gibbs"], **hidden, **seeds},
            {"rates": result("rates/{sampler}-{hidden}")},
        ),
        "samplers": Row("02b_samplers", result("samplers")),
        "ablation": Row("02c_ablation", result("ablation"), 1),
        "backprop": Row(
            "03_backprop", result("training/{method}-{hidden}-s{seed}"), 0, {"method": ["mlp", "energy"], **hidden, **seeds},
            {"rates": result("rates/{method}-{hidden}")},
        ),
        "phase": Row("04_phase", result("phase"), inputs={"runs": gibbs}),
        "equilibrium": Row("04b_equilibrium", result("equilibrium"), 1, inputs={"runs": gibbs}),
        "sizes": Row("04c_sizes", result("sizes"), 1),
        "landscape": Row("04d_landscape", result("landscape")),
        "curves": curves,
        "scaling": Row("05_scaling", result("scaling"), inputs={"curves": curves.all}),
        "heads": Row("05b_heads", result("heads")),
        "cloud": Row("05c_cloud", result("cloud"), 2),
        "grover": Row("06_grover", result("grover"), 1),
        "active": active,
        "layer": Row("08_torch_layer", result("layer"), 1, inputs={"alone": gibbs}),
        "fig1": Row("fig1", f"{figures}/fig1", inputs={"run": gibbs[0]}),
        "fig2": Row("fig2", f"{figures}/fig2", inputs={"annealer_runs": gibbs, "mlp_runs": mlp, "energy_runs": energy}),
        "fig3": Row("fig3", f"{figures}/fig3", inputs=results("phase", "equilibrium", "sizes")),
        "fig4": Row("fig4", f"{figures}/fig4", inputs=results("scaling", "cloud", "grover")),
        "fig5": Row("fig5", f"{figures}/fig5", inputs={"runs": active.all}),
    }  # fmt: skip
