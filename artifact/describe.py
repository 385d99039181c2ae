"""What is allowed for a parameter, in words, and tables of parameters for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import fill
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from qnn_core.limits import MAX_COUNT

if TYPE_CHECKING:
    from artifact.parameters import Parameter

_WORDS = {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false", "null": "null"}
_BOUNDS = (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"), ("exclusiveMaximum", "below"))


def allowed(model: type[BaseModel]) -> dict[str, str]:
    """What each value of a model may be, by name.

    >>> from pydantic import Field
    >>> class Example(BaseModel):
    ...     reads: int | None = Field(ge=1)
    >>> allowed(Example)
    {'reads': 'a whole number at least 1, or null'}
    """
    schema = model.model_json_schema()
    return {name: _told(shape, schema.get("$defs", {})) for name, shape in schema["properties"].items()}


def _told(shape: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if "$ref" in shape:
        return _told(known[shape["$ref"].rsplit("/", 1)[-1]], known)
    if "anyOf" in shape:
        return ", or ".join(_told(one, known) for one in shape["anyOf"])
    if "enum" in shape:
        return " or ".join((", ".join(shape["enum"][:-1]), shape["enum"][-1]))
    if shape["type"] == "object" and "properties" not in shape:
        return "an object"
    if shape["type"] == "object":
        required = shape.get("required", [])
        return "an object with " + ", ".join(name if name in required else f"{name} (optional)" for name in shape["properties"])
    if shape["type"] == "array":
        least, most = shape.get("minItems", 0), shape.get("maxItems")
        inner = _told(shape["prefixItems"][0] if "prefixItems" in shape else shape["items"], known)
        return f"a list of {least}{'' if least == most else ' or more'}, each {inner}"
    bounds = (
        f"{words} {shape[key]:.10g}" for key, words in _BOUNDS if key in shape and shape[key] not in (MAX_COUNT, float(MAX_COUNT))
    )
    return f"{_WORDS[shape['type']]} {' and '.join(bounds)}".rstrip()


def as_text(parameters: Sequence[Parameter], model: type[BaseModel], width: int = 132) -> str:
    """The parameters as lines for a terminal."""
    may_be = allowed(model)
    lines = []
    for one in parameters:
        default = " must be given" if one.is_path else f" = {one.default!r}"
        lines.append(f"{one.name}{default}" + (f"  [{one.unit}]" if one.unit else ""))
        lines.append(fill(f"{one.meaning}; {may_be[one.name]}", width, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


class ParameterTable:
    """The parameters of a run as a table that notebooks show: values beside defaults, units, what is allowed, meaning."""

    def __init__(self, parameters: Sequence[Parameter], model: type[BaseModel], values: Mapping[str, Any]) -> None:
        self._parameters, self._model, self._values = parameters, model, values

    def __repr__(self) -> str:
        return as_text(self._parameters, self._model)

    def _repr_html_(self) -> str:
        may_be = allowed(self._model)
        rows: list[tuple[str, ...]] = [("parameter", "here", "default", "unit", "allowed", "meaning")]
        changed = 0
        for one in self._parameters:
            value = self._values[one.name]
            differs = not one.is_path and value != one.default
            changed += differs
            shown = f"<b>{escape(repr(value))}</b>" if differs else escape(repr(value))
            default = "must be given" if one.is_path else repr(one.default)
            rows.append((one.name, shown, *map(escape, (default, one.unit, may_be[one.name], one.meaning))))
        html = "".join("<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        which = f"{changed} of them not at their defaults" if changed else "all at their defaults"
        summary = f"{len(self._parameters)} parameters of this page, {which}"
        return f"<details><summary>{summary}</summary><table>{html}</table></details>"
