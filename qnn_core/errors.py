"""The errors a user can cause, each saying what was found, what is allowed and, where it helps, what to do."""


class InvalidInput(ValueError):
    """A parameter that cannot be used: its name, its value and what is allowed."""

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} = {value!r} is not usable: expected {allowed}.")


class MissingData(FileNotFoundError):
    """Data or a result that should exist and does not; the message says how to get it."""


class DamagedFile(ValueError):
    """A stored file whose content does not match its recorded checksum or its documented layout."""


class AnnealerError(RuntimeError):
    """An annealer that cannot be reached or refuses a problem; reads that it gave before are kept."""


class OverBudget(RuntimeError):
    """Work that would cost more annealer time than allowed; nothing was submitted."""


class NotEquilibrated(RuntimeError):
    """A sampler that should be in equilibrium is not."""


class Diverged(ArithmeticError):
    """Training whose numbers are no numbers any more."""
