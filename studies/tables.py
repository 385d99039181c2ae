"""Tables for notebooks: numbers with as many digits as their errors allow, words on the left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from qnn_core.statistics import PERCENT, Interval, difference_interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Table:
    """Text in cells, ready to be shown by a notebook. wordy: the columns that hold words, not numbers."""

    cells: pd.DataFrame
    wordy: list[str]
    caption: str = ""

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.caption, self.cells.to_string(index=False)]))

    def _repr_html_(self) -> str:
        # Named after its content: the same table is the same bytes on every page.
        style = self.cells.style.set_uuid(hashlib.sha256(repr(self).encode()).hexdigest()[:8]).hide(axis="index")
        style = style.format(escape="html").format_index(escape="html", axis="columns").set_caption(self.caption)
        style = style.set_properties(**{"text-align": "right", "white-space": "nowrap"})
        style = style.set_properties(subset=self.wordy, **{"text-align": "left", "white-space": "normal"})
        return style.to_html()


def table(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any], caption: str = "") -> Table:
    """A table of rows, for the last line of a notebook's cell.

    rows: mappings from a column's name to its value, one per row, not all with the same columns; or such rows by name, which stands in
    the first column; or single values by name. caption: shown above. Values are shown by `shown`.
    """
    import pandas as pd

    if isinstance(rows, Mapping):
        rows = [{"": name, **(row if isinstance(row, Mapping) else {" ": row})} for name, row in rows.items()]
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    wordy = [name for name in columns if any(row.get(name) and isinstance(row[name], str) for row in rows)]
    return Table(pd.DataFrame([[shown(row.get(name, "")) for name in columns] for row in rows], columns=columns), wordy, caption)


def sideways(rows: Iterable[Mapping[str, Any]], heading: str) -> dict[str, dict[str, Any]]:
    """Rows for `table` turned into columns, where there are more values than rows; heading: the value that stands above each."""
    turned: dict[str, dict[str, Any]] = {}
    for row in rows:
        for name, value in row.items():
            if name != heading:
                turned.setdefault(name, {})[f"{heading} {shown(row[heading])}"] = value
    return turned


def compared(errors: Mapping[str, np.ndarray], reference: str, what: str = "test error, %") -> dict[str, dict[str, Any]]:
    """Rows for `table`: means of errors and their differences, paired by seed, to those of `reference`, with 95 % intervals.

    errors: by name (S,), fractions, one per seed. what: the heading of the means, which are in per cent.
    """
    per_cent = {name: 100 * np.asarray(values) for name, values in errors.items()}
    return {
        name: {
            what: mean_interval(values, PERCENT),
            f"minus {reference}": "" if name == reference else difference_interval(values, per_cent[reference]),
        }
        for name, values in per_cent.items()
    }


def shown(value: Any) -> str:
    """One value as text: intervals with the digits that they support, other numbers with three, what is not known as a dash."""
    if isinstance(value, Interval):
        return str(value) if np.isfinite(value.value) else "-"
    if isinstance(value, np.ndarray | tuple | list):
        return ", ".join(map(shown, value))
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, Real):
        number = float(value)
        return "-" if np.isnan(number) else f"{number:,.0f}" if 1000 <= abs(number) < 1e6 else f"{number:.3g}"
    return "-" if value is None else str(value)
