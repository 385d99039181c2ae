"""Commands in a terminal."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from functools import wraps

from qnn_core.errors import DamagedFile, InvalidInput, MissingData


def be_plain() -> None:
    """End quietly when the reader of a pipe, such as `| head`, closes it; show `?` for characters that the terminal lacks."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def command(main: Callable[[list[str] | None], int | None]) -> Callable[..., int]:
    """Make a function a module's command: an error that a user can cause is told in one sentence, and the exit status is 1."""

    @wraps(main)
    def run(arguments: list[str] | None = None) -> int:
        try:
            return main(arguments) or 0
        except (InvalidInput, MissingData, DamagedFile) as failure:
            print(failure, file=sys.stderr)
            return 1

    return run
