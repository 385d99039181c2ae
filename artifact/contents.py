"""The notebooks in reading order and the documents beside them, one line on each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chapter:
    """Notebooks that belong together: `notebooks` maps each name to what it answers."""

    title: str
    notebooks: dict[str, str]


CHAPTERS = (
    Chapter(
        "The claims",
        {"summary": "Six claims of the abstract, what was measured for each, and a verdict computed from the numbers."},
    ),
    Chapter(
        "The five figures",
        {
            "fig1": "Annealed reads of one image before and after training: the heads, and what is left of them.",
            "fig2": "Training curves of the annealer beside backpropagation at the same size.",
            "fig3": "Overlaps, order, minima, melting and the tree of minima along training.",
            "fig4": "Scaling exponents beside the paper's two, where they come from, and what Grover's search would add.",
            "fig5": "A deep network trained a few layers at a time.",
        },
    ),
    Chapter(
        "Data and training",
        {
            "01_data": "Which images, how they are scaled, and what a rule without hidden spins already gets right.",
            "01b_rates": "The learning rate of each method, chosen on held-out training images.",
            "02_training": "The model, its QUBO, and training by cutting heads, start to end in one run.",
            "02b_samplers": "The same small task with every sampler, an exact coherent annealer and a mock D-Wave chip among them.",
            "02c_ablation": "Which settings matter, how many reads an update needs, and who finds heads best.",
            "03_backprop": "The two baselines: a multi-layer perceptron, and the same energy model by automatic differentiation.",
        },
    ),
    Chapter(
        "From spin glass to order",
        {
            "04_phase": "Overlaps, susceptibility and number of minima along training, in the states that an annealer finds.",
            "04b_equilibrium": "The same networks in thermal equilibrium: the glass, its end, and the melting of what took its place.",
            "04c_sizes": "Networks of growing size: does the change sharpen as a transition does?",
            "04d_landscape": "One landscape known completely: its tree of minima, and what a cut does to it.",
        },
    ),
    Chapter(
        "Effort, search and depth",
        {
            "05a_curves": "Learning curves at constant rate, for one way of training and one width, on training sets of several sizes.",
            "05_scaling": "How error falls with effort, and whether one method's exponent exceeds the other's.",
            "05b_heads": "Where an exponent would come from: how heads differ in the probability that a read shows them.",
            "06_grover": "Grover's search for heads in an exact simulation of coherent dynamics, and training with it.",
            "07_active_layers": "Deep networks, a window of layers sampled at a time.",
        },
    ),
    Chapter("To play with", {"playground": "Sliders, live cutting of heads, and a digit of your own drawing; for JupyterLab."}),
)

DOCUMENTS = {
    "reconstruction": "What we chose where the paper's abstract is silent, and why.",
    "trust": "How every number can be made again, compared, and traced to what made it.",
    "qpu": "On a D-Wave machine: token, cost, first submission, replay.",
    "map": "The code, module by module.",
}
"""Pages of docs/, by name."""


def reading_order(notebook: str) -> tuple[int, str]:
    """A key that sorts notebooks as they are read; one that is not listed follows those with names before its own."""
    listed = [name for chapter in CHAPTERS for name in chapter.notebooks]
    if notebook in listed:
        return listed.index(notebook), ""
    before = [place for place, name in enumerate(listed) if notebook[:2].isdigit() and name[:2].isdigit() and name < notebook]
    return max(before, default=len(listed)), notebook


def chapter_of(notebook: str) -> str:
    """The title of its chapter; one that is not listed belongs where its number does."""
    place = reading_order(notebook)[0]
    for chapter in CHAPTERS:
        place -= len(chapter.notebooks)
        if place < 0:
            return chapter.title
    return "More"


def about(notebook: str) -> str | None:
    """The one line on a notebook, None where there is none."""
    return next((chapter.notebooks[notebook] for chapter in CHAPTERS if notebook in chapter.notebooks), None)
