"""The largest networks that the exact methods can handle."""

MAX_OUTPUTS = 20
"""Output spins whose states are enumerated."""

MAX_TREE_OUTPUTS = 16
"""Output spins whose states are joined into a tree of minima."""

MAX_SPINS = 20
"""Spins of an exact state vector."""
MAX_COUNT = 10**9
"""The largest count of anything: more than enough, and far below the overflow of integers."""
