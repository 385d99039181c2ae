"""What the abstract of arXiv:2506.05244 claims: statements in our words and its numbers, to compare with and never to tune to."""

from __future__ import annotations

ANNEALER_EXPONENT = 1.01
BACKPROP_EXPONENT = 0.78

CLAIMS = {
    "C1": "A quantum annealer can train a classical neural network fast, which then runs on conventional hardware.",
    "C2": "Training is a dynamical phase transition, from an initial spin glass to a highly ordered, trained state.",
    "C3": "Training eliminates many undesired minima; an annealer's advantage is that it quickly finds several deep states.",
    "C4": "Performance scales better than classical backpropagation: exponent 1.01 against 0.78.",
    "C5": "A fully coherent machine with a variant of Grover's algorithm raises the exponent further, by up to a factor of 2.",
    "C6": "A modest annealer can train a deep network, applied to a few layers at a time.",
}

TITLES = {
    "C1": "Training with an annealer",
    "C2": "A phase transition",
    "C3": "The dragon's heads",
    "C4": "Scaling exponents",
    "C5": "Grover's search",
    "C6": "A few layers at a time",
}
"""Titles of the claims' pages."""
