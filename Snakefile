# Which notebook makes which result from which. Every rule runs one notebook through artifact.execute.
# ./run_all.sh starts it; by hand: snakemake --cores 2 --config profile=quick TARGET; snakemake --list-target-rules names the targets.

import json
import sys
from itertools import product
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from artifact.dependencies import modules_of
from artifact.profiles import load_profile, outdated, runs_of, settings

name = config.get("profile", "quick")
profile = load_profile(name)
unknown = sorted(set(config) - {"profile"})
if unknown:
    raise WorkflowError(f"unknown --config {', '.join(unknown)}: only profile is allowed; sizes are set in config/{name}.yaml")

RESULTS = f"data/results/{name}"
FIGURES = f"figures/{name}"
RENDERED = f"notebooks/rendered/{name}"

wildcard_constraints:
    width=r"\d+",
    hidden=r"\d+",
    seed=r"\d+",
    study="[a-z0-9]+",


class Row(NamedTuple):
    """A notebook and what it stores. runs: the values of the wildcards in `stored`, by name. inputs: stored results by the parameter that
    names them; `uses` are those that no parameter names. priority: which start first, those that others wait for and the longest.
    """

    notebook: str
    stored: str
    priority: int = 0
    runs: dict[str, list] = {}
    inputs: dict[str, Any] = {}
    uses: list[str] = []

    @property
    def all(self) -> list[str]:
        """What all of its runs store."""
        return expand(self.stored, **self.runs)


def histories(method):
    return expand(RESULTS + "/training/{method}-{hidden}-s{seed}.npz", method=method, hidden=profile["hidden"], seed=profile["seeds"])


def result(name):
    return f"{RESULTS}/{name}.npz"


GIBBS, MLP, ENERGY = histories("gibbs"), histories("mlp"), histories("energy")
TRAINED = {"hidden": profile["hidden"], "seed": profile["seeds"]}
RATES = result("rates/{method}-{hidden}")
CURVES = Row("05a_curves", result("curves/{method}-{width}"), 1, {"method": runs_of(profile, "05a_curves"), "width": profile["widths"]})
ACTIVE = Row("07_active_layers", result("active/{study}"), 2, {"study": runs_of(profile, "07_active_layers")})
PHASES = {part: result(part) for part in ("phase", "equilibrium", "sizes")}
EFFORT = {part: result(part) for part in ("scaling", "cloud", "heads", "grover")}
CLAIMED = {part: result(part) for part in ("ablation", "phase", "equilibrium", "sizes", "cloud", "grover")}

TABLE = {
    "summary": Row(
        "summary", f"{RESULTS}/claims.json", inputs={"annealer_runs": GIBBS, "mlp_runs": MLP, "active_runs": ACTIVE.all, **CLAIMED},
        uses=["config/agreement.json", *map(result, ("data", "samplers", "landscape", "layer")),
              *expand(FIGURES + "/fig{number}.png", number=range(1, 6))],
    ),
    "data": Row("01_data", result("data")),
    "rates": Row("01b_rates", RATES, 2, {"method": runs_of(profile, "01b_rates"), "hidden": profile["hidden"]}),
    "training": Row(
        "02_training", result("training/{sampler}-{hidden}-s{seed}"), 1, {"sampler": ["gibbs"], **TRAINED},
        {"rates": result("rates/{sampler}-{hidden}")},
    ),
    "samplers": Row("02b_samplers", result("samplers")),
    "ablation": Row("02c_ablation", result("ablation"), 1),
    "backprop": Row(
        "03_backprop", result("training/{method}-{hidden}-s{seed}"), 0, {"method": ["mlp", "energy"], **TRAINED}, {"rates": RATES}
    ),
    "phase": Row("04_phase", result("phase"), inputs={"runs": GIBBS}),
    "equilibrium": Row("04b_equilibrium", result("equilibrium"), 1, inputs={"runs": GIBBS}),
    "sizes": Row("04c_sizes", result("sizes"), 1),
    "landscape": Row("04d_landscape", result("landscape")),
    "curves": CURVES,
    "scaling": Row("05_scaling", result("scaling"), inputs={"curves": CURVES.all}),
    "heads": Row("05b_heads", result("heads")),
    "cloud": Row("05c_cloud", result("cloud"), 2),
    "grover": Row("06_grover", result("grover"), 1),
    "active": ACTIVE,
    "layer": Row("08_torch_layer", result("layer"), 1, inputs={"alone": GIBBS}),
    "fig1": Row("fig1", f"{FIGURES}/fig1", inputs={"run": GIBBS[0]}),
    "fig2": Row("fig2", f"{FIGURES}/fig2", inputs={"annealer_runs": GIBBS, "mlp_runs": MLP, "energy_runs": ENERGY}),
    "fig3": Row("fig3", f"{FIGURES}/fig3", inputs=PHASES),
    "fig4": Row("fig4", f"{FIGURES}/fig4", inputs=EFFORT),
    "fig5": Row("fig5", f"{FIGURES}/fig5", inputs={"runs": ACTIVE.all}),
}

# What a notebook stores: its parameter, and the endings of its files, by the ending of what the table says.
STORED = {".npz": ("result", (".npz", ".json")), ".json": ("claims", (".json",)), "": ("figure", (".png", ".pdf", ".npz", ".json"))}

# Pictures inside the pages of long runs are not worth running those again; the figures do depend on it.
PICTURES = {"studies/plots.py", "studies/scaling_plots.py"}


def sources(notebook):
    """The notebook and every module it uses."""
    modules = modules_of(notebook)
    if notebook.startswith("0"):
        modules = [module for module in modules if module not in PICTURES]
    return [f"notebooks/{notebook}.ipynb", *modules]


def rendered(row):
    """The page of a run: in a folder of the notebook's name where there are several."""
    return f"{RENDERED}/{row.notebook}/{PurePath(row.stored).stem}.ipynb" if row.runs else f"{RENDERED}/{row.notebook}.ipynb"


def of_profile(row, wildcards):
    """What the profile gives the run that the wildcards name."""
    values = {key: [int(value)] if key == "hidden" else int(value) if value.isdigit() else value for key, value in wildcards.items()}
    run = values.pop("method", values.pop("study", ""))
    return settings(profile, row.notebook, run, **values)


def given(row):
    """That as JSON, which COMMAND quotes for the shell (:q). Paths stand apart: Snakemake runs a rule again when its other params change."""
    return lambda wildcards: json.dumps(of_profile(row, wildcards))


def files(row, wildcards, inputs):
    """What a run reads and stores, by parameter."""
    parameter = STORED[PurePath(row.stored).suffix][0]
    return {**{key: inputs[key] for key in row.inputs}, parameter: row.stored.format(**wildcards)}


def paths(row):
    """That as JSON."""
    return lambda wildcards, input: json.dumps(files(row, wildcards, input))


def record_of(row, wildcards):
    """The record of what a run stores."""
    return Path(row.stored.format(**wildcards).removesuffix(PurePath(row.stored).suffix) + ".json")


# What was made with other parameters than the profile's, by hand or before the profile changed, is set aside.
for row in TABLE.values():
    for values in product(*row.runs.values()):
        wildcards = dict(zip(row.runs, map(str, values)))
        named = {key: expand(value, **wildcards, allow_missing=True) for key, value in row.inputs.items()}
        inputs = {key: value[0] if isinstance(row.inputs[key], str) else value for key, value in named.items()}
        record = record_of(row, wildcards)
        if other := outdated(row.notebook, {**of_profile(row, wildcards), **files(row, wildcards, inputs)}, record):
            print(f"{record} was made with {other}, unlike config/{name}.yaml; it is made again.", file=sys.stderr)
            for file in filter(Path.is_file, (record.with_suffix(ending) for ending in (".json", ".npz", ".png", ".pdf"))):
                aside = Path(str(file).replace(f"/{name}/", "/before/", 1))
                if not {"-n", "-np", "--dry-run", "--dryrun"} & set(sys.argv):
                    aside.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(aside)


COMMAND = (
    "python -m artifact.execute {params.notebook} --output {output.rendered} "
    "--parameters {params.settings:q} --parameters {params.paths:q}"
)

for target, row in TABLE.items():
    # A rule for each run, and one that names them all: ./run_all.sh --only training
    base = row.stored.removesuffix(ending := PurePath(row.stored).suffix)

    rule:
        name: f"{target}_run" if row.runs else target
        priority: row.priority
        input:
            sources(row.notebook),
            row.uses,
            **row.inputs,
        output:
            [base + of_file for of_file in STORED[ending][1]],
            rendered=rendered(row),
        wildcard_constraints:
            **{key: "|".join(row.runs[key]) for key in ("method", "sampler") if key in row.runs},
        params:
            notebook=row.notebook,
            settings=given(row),
            paths=paths(row),
        shell: COMMAND

    if row.runs:
        rule:
            name: target
            input: row.all
