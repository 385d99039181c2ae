"""Commands in a terminal."""

from __future__ import annotations

import io
import signal
import sys


def be_plain() -> None:
    """End in silence where `| head` reads no more, and show `?` for a letter that the terminal does not have."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
