"""The errors that a user can cause. Each says what was found, what is allowed and, where it helps, what to do."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real


class InvalidInput(ValueError):
    """A parameter that cannot be used: its name, its value and what is allowed."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} = {value!r} is not usable: expected {allowed}.")


class MissingData(FileNotFoundError):
    """Data or a result that should exist and does not; the message says how to get it."""


class DamagedFile(ValueError):
    """A stored file whose content does not match its recorded checksum or its documented layout."""


class NotWritten(OSError):
    """A file that could not be written; an existing file is untouched, and no partial file is left."""


class AnnealerError(RuntimeError):
    """An annealer that cannot be reached or refuses a problem; its earlier reads are kept."""


class OverBudget(RuntimeError):
    """Work that would cost more annealer time than allowed; nothing was submitted."""


class NotEquilibrated(RuntimeError):
    """A sampler that has not reached equilibrium."""


class Diverged(ArithmeticError):
    """Training whose numbers overflowed."""


class Interrupted(KeyboardInterrupt):
    """Training that the user stopped; the network keeps what it has learned. history: the record so far."""

    def __init__(self, history: object) -> None:
        super().__init__(f"training was interrupted: {history}")
        self.history = history


def check(fits: object, name: str, value: object, allowed: str) -> None:
    """Refuse a value that does not fit."""
    if not fits:
        raise InvalidInput(name, value, allowed)


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse what is none of the choices."""
    names = list(choices)
    check(value in names, name, value, f"one of {', '.join(names)}")


def check_count(name: str, value: object, least: int = 1) -> None:
    """Refuse what is not a whole number of at least `least`."""
    fits = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least
    check(fits, name, value, f"a whole number of at least {least}")


def check_number(name: str, value: object, *, above: bool = False) -> None:
    """Refuse what is not a finite number of at least 0, or above it."""
    fits = _is_number(value) and not (above and value == 0)
    check(fits, name, value, f"a finite number {'above' if above else 'of at least'} 0")


def check_pair(name: str, value: object, allowed: str) -> None:
    """Refuse what is not two finite numbers of at least 0; allowed: what to say then."""
    check(isinstance(value, tuple | list) and len(value) == 2 and all(map(_is_number, value)), name, value, allowed)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and float(value) >= 0
