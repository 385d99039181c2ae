"""How many threads work on what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread_for_algebra() -> Iterator[None]:
    """While this lasts, matrix products and torch use one thread; the compiled samplers keep all of theirs.

    A training step alternates between the two, on small matrices. Idle threads of one would spin in the way of the other's, which
    made a step eight times slower on two cores; and sums come out the same for any number of cores.
    """
    torch = sys.modules.get("torch")  # It takes more than a second to import, and only who uses it needs the limit.
    threads = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads)
