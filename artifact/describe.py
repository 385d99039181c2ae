"""What a parameter is: its name, default, unit, what is allowed and what it means, read from a pydantic model.

One description serves everywhere: `python -m artifact.parameters`, the table in each notebook, and the comments of its parameters cell, which
`papermill --help-notebook` prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

from pydantic import BaseModel

from qnn_core.limits import MAX_COUNT

UNITS = {
    "alphas": "exponent",
    "annealing_time": "µs",
    "answered": "images",
    "batch_size": "images",
    "beta_cold": "1/energy",
    "beta_hot": "1/energy",
    "classes": "labels",
    "code_reads": "reads",
    "coldest": "energy",
    "copies": "spins",
    "coupling_error": "chip's unit",
    "cycles": "anneals",
    "dragons": "dragons",
    "drive": "energy",
    "duration": "1/transverse field",
    "dwave_duration": "1/transverse field",
    "epochs": "epochs",
    "fast_duration": "1/transverse field",
    "field_error": "chip's unit",
    "glass": "energy",
    "glass_sizes": "spins",
    "glasses": "glasses",
    "held_out": "fraction",
    "hidden": "spins",
    "hidden_per_output": "ratio",
    "hottest": "energy",
    "image": "",
    "images": "images",
    "judged": "images",
    "largest": "probability",
    "least": "probability",
    "looks": "looks",
    "lr": "weight/update",
    "margin": "energy",
    "max_qpu_seconds": "s",
    "measurements": "looks",
    "mlp_rates": "weight/update",
    "mock_size": "Zephyr's m",
    "moments": "networks",
    "most_calls": "calls",
    "outputs": "spins",
    "plateau": "fraction",
    "rate_seeds": "seeds",
    "rates": "weight/update",
    "reads": "reads",
    "reads_tried": "reads",
    "resamples": "resamples",
    "search_epochs": "epochs",
    "search_hidden": "spins",
    "search_lr": "weight/update",
    "search_margin": "energy",
    "search_seeds": "",
    "searches": "searches",
    "seed": "",
    "seeds": "",
    "slowness": "ratio",
    "snapshots": "networks",
    "steps": "steps",
    "sweeps": "sweeps",
    "target": "overlap",
    "temperature": "energy",
    "temperatures": "temperatures",
    "train_images": "images",
    "updates": "updates",
    "width": "spins",
}
"""Unit of each numeric parameter; a name means the same in every notebook. Energies, temperatures and fields share E's dimensionless unit."""

_KINDS = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "object": "dict"}


@dataclass(frozen=True)
class Parameter:
    """One parameter. kind: its type, with "|null" where null is allowed. default: as Python writes it, None if the parameter must be given."""

    name: str
    kind: str
    default: str | None
    unit: str
    allowed: str
    meaning: str

    @property
    def help(self) -> str:
        """All of it but name and default in one line."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.meaning}{unit}" + (f"; {self.allowed}" if self.allowed else "")


def describe(model: type[BaseModel]) -> list[Parameter]:
    """The parameters of a model, in its order.

    >>> from pydantic import BaseModel, Field
    >>> class Example(BaseModel):
    ...     reads: int = Field(10, ge=1, description="reads of each image")
    >>> describe(Example)[0].help
    'reads of each image [reads]; at least 1'
    """
    schema = model.model_json_schema()
    found = []
    for name, field in schema["properties"].items():
        whole = _inlined(field, schema.get("$defs", {}))
        shapes = [shape for shape in whole.get("anyOf", [whole]) if shape.get("type") != "null"]
        shape, optional = shapes[0], len(shapes) < len(field.get("anyOf", [field]))
        kind = _kind(shape)
        default = None if name in schema.get("required", []) else repr(_plain(model.model_fields[name].default))
        found.append(
            Parameter(
                name,
                kind + "|null" * optional,
                default,
                UNITS.get(name, "") if "int" in kind or "float" in kind else "",
                _allowed(shape),
                field.get("description", ""),
            )
        )
    return found


def _plain(value: Any) -> Any:
    """A default as a parameters cell writes it: lists for tuples, and of a group of settings only those that differ from their defaults."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _inlined(shape: Any, known: Mapping[str, Any]) -> Any:
    """A part of a schema with what it refers to put in place."""
    if isinstance(shape, list):
        return [_inlined(part, known) for part in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        return _inlined(known[shape["$ref"].rsplit("/", 1)[-1]], known)
    return {name: _inlined(part, known) for name, part in shape.items()}


def _kind(shape: Mapping[str, Any]) -> str:
    if shape["type"] != "array":
        return _KINDS[shape["type"]]
    inner = shape["prefixItems"][0] if "prefixItems" in shape else shape["items"]
    return f"list[{_kind(inner)}]"


def _allowed(shape: Mapping[str, Any]) -> str:
    """Which values of the type are allowed; empty for all of them."""
    if shape["type"] == "array":
        inner = shape["prefixItems"][0] if "prefixItems" in shape else shape["items"]
        least, most = shape.get("minItems", 0), shape.get("maxItems")
        count = f"{least} of them" if least == most else f"{least} or more"
        return f"{count}, each {each}" if (each := _allowed(inner)) else count
    if shape["type"] == "object":
        required = shape.get("required", [])
        return "with " + ", ".join(name if name in required else f"{name} (optional)" for name in shape["properties"])
    if "enum" in shape:
        return " or ".join((", ".join(shape["enum"][:-1]), shape["enum"][-1]))
    bounds = (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"), ("exclusiveMaximum", "below"))
    return " and ".join(
        f"{words} {shape[key]:g}" if shape[key] < 1e6 else f"{words} {shape[key]}"
        for key, words in bounds
        if shape.get(key, MAX_COUNT) != MAX_COUNT
    )


def parameters_cell(model: type[BaseModel], values: Mapping[str, Any]) -> str:
    """The parameters cell of a notebook: one line for each of `values`, in their order, with type and help as papermill reads them.

    The first line keeps formatters from breaking the others, which papermill reads one by one.
    """
    known = {parameter.name: parameter for parameter in describe(model)}
    lines = ["# fmt: off"]
    for name, value in values.items():
        one = known[name]
        text = repr(value).replace("'", '"')
        optional = one.kind.endswith("|null")
        lines.append(
            f"{name} = {text}  # type: {one.kind} {one.help}" if optional else f"{name}: {one.kind} = {text}  # {one.help}"
        )
    return "\n".join(lines)


def text_table(parameters: list[Parameter], width: int = 132) -> str:
    """The parameters as lines for a terminal."""
    rows = [("name", "type", "default", "unit", "allowed", "meaning")]
    rows += [(one.name, one.kind, one.default or "must be given", one.unit, one.allowed, one.meaning) for one in parameters]
    widths = [min(limit, max(len(row[column]) for row in rows)) for column, limit in enumerate((18, 15, 18, 18, 26))]
    widths.append(max(24, width - sum(widths) - 2 * len(widths)))
    lines = []
    for row in rows:
        cells = [wrap(text, size) or [""] for text, size in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            parts = [(cell[line] if line < len(cell) else "").ljust(size) for cell, size in zip(cells, widths, strict=True)]
            lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


class ParameterTable:
    """The parameters of a run as a table that notebooks show: values beside defaults, units, what is allowed, meaning."""

    def __init__(self, values: BaseModel) -> None:
        self._parameters = describe(type(values))
        self._values = values.model_dump(mode="json")

    def __repr__(self) -> str:
        return text_table(self._parameters)

    def _repr_html_(self) -> str:
        rows = []
        changed = 0
        for one in self._parameters:
            value = repr(self._values[one.name])
            differs = one.default is not None and value != one.default
            changed += differs
            shown = f"<b>{escape(value)}</b>" if differs else escape(value)
            told = (one.kind, one.default or "must be given", one.unit, one.allowed, one.meaning)
            cells = (one.name, shown, *map(escape, told))
            rows.append("<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells) + "</tr>")
        head = "".join(
            f"<th style='text-align:left'>{name}</th>"
            for name in ("parameter", "here", "type", "default", "unit", "allowed", "meaning")
        )
        summary = f"{len(self._parameters)} parameters of this page, {changed} of them not at their defaults"
        return f"<details><summary>{summary}</summary><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></details>"
