# Which notebook makes which result from which. Every rule runs one notebook through artifact.execute.
# ./run_all.sh starts it; by hand: snakemake --cores 2 --config profile=quick

import json

from artifact.dependencies import modules_of
from artifact.profiles import load_profile, settings

name = config.get("profile", "quick")
profile = load_profile(name)
unknown = sorted(set(config) - {"profile"})
if unknown:
    raise WorkflowError(f"unknown --config {', '.join(unknown)}: only profile is allowed; sizes are set in config/{name}.yaml")

RESULTS = f"data/results/{name}"
FIGURES = f"figures/{name}"
RENDERED = f"notebooks/rendered/{name}"
BACKPROP = ["mlp", "energy"]
METHODS = ["gibbs", *BACKPROP]

# Which notebooks start first: those that others wait for and the longest, so that none is left alone at the end.
FIRST, EARLY = 2, 1

wildcard_constraints:
    method="[a-z]+",
    width=r"\d+",
    hidden=r"\d+",
    seed=r"\d+",
    study="[a-z0-9]+",


# Pictures inside the pages of long runs are not worth running those again; the figures do depend on it.
PICTURES = {"studies/plots.py", "studies/scaling_plots.py"}


def notebook(name):
    """Inputs of a rule: its notebook and every module it uses."""
    modules = modules_of(name)
    if name.startswith("0"):
        modules = [module for module in modules if module not in PICTURES]
    return [f"notebooks/{name}.ipynb", *modules]


def histories(methods, hidden, seeds=profile.seeds):
    return [f"{RESULTS}/training/{method}-{hidden}-s{seed}.npz" for method in methods for seed in seeds]


def as_json(values):
    """Parameters of a notebook; COMMAND quotes them for the shell (:q).

    Those that depend on a rule's input and output stand apart, as `paths`: Snakemake runs a rule again when its other params change.
    """
    return json.dumps(values)


def given(notebook, **run):
    """What a notebook is given of the profile."""
    return as_json(settings(profile, notebook, **run))


COMMAND = (
    "python -m artifact.execute {params.notebook} --output {output.rendered} "
    "--parameters {params.settings:q} --parameters {params.paths:q}"
)
CURVES = expand(RESULTS + "/curves/{method}-{width}.npz", method=METHODS, width=profile.scaling.widths)
ACTIVE_RUNS = [f"{RESULTS}/active/{study}.npz" for study in profile.active.studies]


rule summary:
    input:
        notebook("summary"),
        annealer=histories(["gibbs"], profile.hidden),
        mlp=histories(["mlp"], profile.hidden),
        samplers=f"{RESULTS}/samplers.npz",
        ablation=f"{RESULTS}/ablation.npz",
        phase=f"{RESULTS}/phase.npz",
        equilibrium=f"{RESULTS}/equilibrium.npz",
        sizes=f"{RESULTS}/sizes.npz",
        landscape=f"{RESULTS}/landscape.npz",
        scaling=f"{RESULTS}/scaling.npz",
        grover=f"{RESULTS}/grover.npz",
        active=ACTIVE_RUNS,
        data=f"{RESULTS}/data.npz",
        figures=expand(FIGURES + "/fig{number}.png", number=range(1, 6)),
    output:
        claims=f"{RESULTS}/claims.json",
        rendered=f"{RENDERED}/summary.ipynb",
    params:
        notebook="summary",
        settings=as_json({}),
        paths=lambda wildcards, input, output: as_json({
            "annealer_runs": input.annealer, "mlp_runs": input.mlp, "ablation": input.ablation, "phase": input.phase,
            "sizes": input.sizes, "scaling": input.scaling, "grover": input.grover, "active_runs": input.active, "data": input.data,
            "claims": output.claims,
        }),
    shell: COMMAND


rule data:
    input: notebook("01_data")
    output:
        result=f"{RESULTS}/data.npz",
        provenance=f"{RESULTS}/data.json",
        rendered=f"{RENDERED}/01_data.ipynb",
    params:
        notebook="01_data",
        settings=given("01_data"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule rates_run:
    priority: FIRST
    input: notebook("01b_rates")
    output:
        result=f"{RESULTS}/rates/{{method}}-{{hidden}}.npz",
        provenance=f"{RESULTS}/rates/{{method}}-{{hidden}}.json",
        rendered=f"{RENDERED}/01b_rates/{{method}}-{{hidden}}.ipynb",
    params:
        notebook="01b_rates",
        settings=lambda wildcards: given("01b_rates", method=wildcards.method, hidden=int(wildcards.hidden)),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule backprop_run:
    input:
        notebook("03_backprop"),
        rates=f"{RESULTS}/rates/{{method}}-{{hidden}}.npz",
    output:
        result=f"{RESULTS}/training/{{method}}-{{hidden}}-s{{seed}}.npz",
        provenance=f"{RESULTS}/training/{{method}}-{{hidden}}-s{{seed}}.json",
        rendered=f"{RENDERED}/03_backprop/{{method}}-{{hidden}}-s{{seed}}.ipynb",
    wildcard_constraints:
        method="|".join(BACKPROP),
    params:
        notebook="03_backprop",
        settings=lambda wildcards: given(
            "03_backprop", method=wildcards.method, hidden=int(wildcards.hidden), seed=int(wildcards.seed)
        ),
        paths=lambda wildcards, input, output: as_json({"rates": input.rates, "result": output.result}),
    shell: COMMAND


rule training_run:
    priority: EARLY
    input:
        notebook("02_training"),
        rates=f"{RESULTS}/rates/{{method}}-{{hidden}}.npz",
    output:
        result=f"{RESULTS}/training/{{method}}-{{hidden}}-s{{seed}}.npz",
        provenance=f"{RESULTS}/training/{{method}}-{{hidden}}-s{{seed}}.json",
        rendered=f"{RENDERED}/02_training/{{method}}-{{hidden}}-s{{seed}}.ipynb",
    wildcard_constraints:
        method="gibbs",
    params:
        notebook="02_training",
        settings=lambda wildcards: given("02_training", hidden=int(wildcards.hidden), seed=int(wildcards.seed)),
        paths=lambda wildcards, input, output: as_json({"rates": input.rates, "result": output.result}),
    shell: COMMAND


rule samplers:
    input: notebook("02b_samplers")
    output:
        result=f"{RESULTS}/samplers.npz",
        provenance=f"{RESULTS}/samplers.json",
        rendered=f"{RENDERED}/02b_samplers.ipynb",
    params:
        notebook="02b_samplers",
        settings=given("02b_samplers"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule ablation:
    priority: EARLY
    input: notebook("02c_ablation")
    output:
        result=f"{RESULTS}/ablation.npz",
        provenance=f"{RESULTS}/ablation.json",
        rendered=f"{RENDERED}/02c_ablation.ipynb",
    params:
        notebook="02c_ablation",
        settings=given("02c_ablation"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule phase:
    input:
        notebook("04_phase"),
        runs=histories(["gibbs"], profile.hidden),
    output:
        result=f"{RESULTS}/phase.npz",
        provenance=f"{RESULTS}/phase.json",
        rendered=f"{RENDERED}/04_phase.ipynb",
    params:
        notebook="04_phase",
        settings=given("04_phase"),
        paths=lambda wildcards, input, output: as_json({"runs": input.runs, "result": output.result}),
    shell: COMMAND


rule equilibrium:
    priority: EARLY
    input:
        notebook("04b_equilibrium"),
        runs=histories(["gibbs"], profile.hidden),
    output:
        result=f"{RESULTS}/equilibrium.npz",
        provenance=f"{RESULTS}/equilibrium.json",
        rendered=f"{RENDERED}/04b_equilibrium.ipynb",
    params:
        notebook="04b_equilibrium",
        settings=given("04b_equilibrium"),
        paths=lambda wildcards, input, output: as_json({"runs": input.runs, "result": output.result}),
    shell: COMMAND


rule sizes:
    priority: EARLY
    input: notebook("04c_sizes")
    output:
        result=f"{RESULTS}/sizes.npz",
        provenance=f"{RESULTS}/sizes.json",
        rendered=f"{RENDERED}/04c_sizes.ipynb",
    params:
        notebook="04c_sizes",
        settings=given("04c_sizes"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule landscape:
    input: notebook("04d_landscape")
    output:
        result=f"{RESULTS}/landscape.npz",
        provenance=f"{RESULTS}/landscape.json",
        rendered=f"{RENDERED}/04d_landscape.ipynb",
    params:
        notebook="04d_landscape",
        settings=given("04d_landscape"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule curves_run:
    priority: EARLY
    input: notebook("05a_curves")
    output:
        result=f"{RESULTS}/curves/{{method}}-{{width}}.npz",
        provenance=f"{RESULTS}/curves/{{method}}-{{width}}.json",
        rendered=f"{RENDERED}/05a_curves/{{method}}-{{width}}.ipynb",
    params:
        notebook="05a_curves",
        settings=lambda wildcards: given("05a_curves", method=wildcards.method, hidden=int(wildcards.width)),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule scaling:
    input:
        notebook("05_scaling"),
        curves=CURVES,
    output:
        result=f"{RESULTS}/scaling.npz",
        provenance=f"{RESULTS}/scaling.json",
        rendered=f"{RENDERED}/05_scaling.ipynb",
    params:
        notebook="05_scaling",
        settings=given("05_scaling"),
        paths=lambda wildcards, input, output: as_json({"curves": input.curves, "result": output.result}),
    shell: COMMAND


rule heads:
    input: notebook("05b_heads")
    output:
        result=f"{RESULTS}/heads.npz",
        provenance=f"{RESULTS}/heads.json",
        rendered=f"{RENDERED}/05b_heads.ipynb",
    params:
        notebook="05b_heads",
        settings=given("05b_heads"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule grover:
    priority: EARLY
    input: notebook("06_grover")
    output:
        result=f"{RESULTS}/grover.npz",
        provenance=f"{RESULTS}/grover.json",
        rendered=f"{RENDERED}/06_grover.ipynb",
    params:
        notebook="06_grover",
        settings=given("06_grover"),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


rule active_run:
    priority: FIRST
    input: notebook("07_active_layers")
    output:
        result=f"{RESULTS}/active/{{study}}.npz",
        provenance=f"{RESULTS}/active/{{study}}.json",
        rendered=f"{RENDERED}/07_active_layers/{{study}}.ipynb",
    params:
        notebook="07_active_layers",
        settings=lambda wildcards: given("07_active_layers", study=wildcards.study),
        paths=lambda wildcards, output: as_json({"result": output.result}),
    shell: COMMAND


# Names for everything of one kind: ./run_all.sh --only training


rule rates:
    input: expand(RESULTS + "/rates/{method}-{hidden}.npz", method=METHODS, hidden=profile.hidden)


rule training:
    input: histories(["gibbs"], profile.hidden)


rule backprop:
    input: histories(BACKPROP, profile.hidden)


rule curves:
    input: CURVES


rule active:
    input: ACTIVE_RUNS


rule fig1:
    input:
        notebook("fig1"),
        run=f"{RESULTS}/training/gibbs-{profile.hidden}-s{profile.seeds[0]}.npz",
    output:
        multiext(f"{FIGURES}/fig1", ".png", ".pdf", ".npz", ".json"),
        rendered=f"{RENDERED}/fig1.ipynb",
    params:
        notebook="fig1",
        settings=as_json({"figure": f"{FIGURES}/fig1"}),
        paths=lambda wildcards, input: as_json({"run": input.run}),
    shell: COMMAND


rule fig2:
    input:
        notebook("fig2"),
        annealer=histories(["gibbs"], profile.hidden),
        mlp=histories(["mlp"], profile.hidden),
        energy=histories(["energy"], profile.hidden),
    output:
        multiext(f"{FIGURES}/fig2", ".png", ".pdf", ".npz", ".json"),
        rendered=f"{RENDERED}/fig2.ipynb",
    params:
        notebook="fig2",
        settings=as_json({"figure": f"{FIGURES}/fig2"}),
        paths=lambda wildcards, input: as_json({
            "annealer_runs": input.annealer, "mlp_runs": input.mlp, "energy_runs": input.energy,
        }),
    shell: COMMAND


rule fig3:
    input:
        notebook("fig3"),
        phase=f"{RESULTS}/phase.npz",
        equilibrium=f"{RESULTS}/equilibrium.npz",
        sizes=f"{RESULTS}/sizes.npz",
        landscape=f"{RESULTS}/landscape.npz",
    output:
        multiext(f"{FIGURES}/fig3", ".png", ".pdf", ".npz", ".json"),
        rendered=f"{RENDERED}/fig3.ipynb",
    params:
        notebook="fig3",
        settings=as_json({"figure": f"{FIGURES}/fig3"}),
        paths=lambda wildcards, input: as_json({
            "phase": input.phase, "equilibrium": input.equilibrium, "sizes": input.sizes, "landscape": input.landscape,
        }),
    shell: COMMAND


rule fig4:
    input:
        notebook("fig4"),
        scaling=f"{RESULTS}/scaling.npz",
        heads=f"{RESULTS}/heads.npz",
        grover=f"{RESULTS}/grover.npz",
    output:
        multiext(f"{FIGURES}/fig4", ".png", ".pdf", ".npz", ".json"),
        rendered=f"{RENDERED}/fig4.ipynb",
    params:
        notebook="fig4",
        settings=as_json({"figure": f"{FIGURES}/fig4"}),
        paths=lambda wildcards, input: as_json({"scaling": input.scaling, "heads": input.heads, "grover": input.grover}),
    shell: COMMAND


rule fig5:
    input:
        notebook("fig5"),
        runs=ACTIVE_RUNS,
    output:
        multiext(f"{FIGURES}/fig5", ".png", ".pdf", ".npz", ".json"),
        rendered=f"{RENDERED}/fig5.ipynb",
    params:
        notebook="fig5",
        settings=as_json({"figure": f"{FIGURES}/fig5"}),
        paths=lambda wildcards, input: as_json({"runs": input.runs}),
    shell: COMMAND
