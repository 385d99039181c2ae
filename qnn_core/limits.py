"""How large a network each exact method takes."""

MAX_OUTPUTS = 20
"""Output spins whose states are enumerated."""

MAX_TREE_OUTPUTS = 16
"""Output spins whose states are joined into a tree of minima."""

MAX_SPINS = 20
"""Spins of an exact state vector."""
MAX_COUNT = 10**9
"""Of anything that is counted: enough for all, and far from where a machine's whole numbers end."""
