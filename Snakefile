# A rule for every row of the table in artifact/workflow.py, which runs one notebook through artifact.execute.
# ./run_all.sh starts it; by hand: snakemake --cores 2 --config profile=quick TARGET; snakemake --list-target-rules names the targets.

import json

from artifact.dependencies import modules_of
from artifact.profiles import load_profile
from artifact.workflow import table

name = config.get("profile", "quick")
profile = load_profile(name)
unknown = sorted(set(config) - {"profile"})
if unknown:
    raise WorkflowError(f"unknown --config {', '.join(unknown)}: only profile is allowed; sizes are set in config/{name}.yaml")

# Pictures inside the pages of long runs are not worth running those again; the figures do depend on it.
PICTURES = {"studies/plots.py", "studies/scaling_plots.py"}
COMMAND = (
    "python -m artifact.execute {params.notebook} --output {output.rendered} "
    "--parameters {params.settings:q} --parameters {params.paths:q}"
)


wildcard_constraints:
    width=r"\d+",
    hidden=r"\d+",
    seed=r"\d+",
    study="[a-z0-9]+",


def sources(notebook):
    """The notebook and every module it uses."""
    modules = modules_of(notebook)
    if notebook.startswith("0"):
        modules = [module for module in modules if module not in PICTURES]
    return [f"notebooks/{notebook}.ipynb", *modules]


def given(row):
    """What the profile gives a run, as JSON, which COMMAND quotes for the shell (:q)."""
    return lambda wildcards: json.dumps(row.settings(profile, wildcards))


def paths(row):
    """What a run reads and stores. Apart, and of `input`: Snakemake runs a rule again when its other params change."""
    return lambda wildcards, input: json.dumps(row.paths(wildcards))


for target, row in table(name, profile).items():
    # A rule for each run, and one that names them all: ./run_all.sh --only training

    rule:
        name: f"{target}_run" if row.runs else target
        priority: row.priority
        input:
            sources(row.notebook),
            row.uses,
            **row.inputs,
        output:
            row.files,
            rendered=row.page(name),
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
            input: row.results()
