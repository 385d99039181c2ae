"""The parameters of notebooks, declared once: by the lines of a notebook's parameters cell.

    sweeps: Count = 20  # updates of every spin in one read [sweeps]

are name, type (one of `artifact.kinds`), default, meaning and unit. Every way in is checked strictly against them before any work:
`artifact.execute`, the first lines of a notebook that is run by hand, and a profile's yaml.

python -m artifact.parameters [NOTEBOOK ...] prints them.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar, get_args

from pydantic import Field, ValidationError, create_model

from artifact.checks import broken
from artifact.describe import ParameterTable, as_text
from artifact.files import ROOT, in_project
from artifact.kinds import KINDS, PATHS, Strict
from artifact.results import REMEDY, expand, sidecar
from artifact.targets import check_targets
from qnn_core.errors import InvalidInput, MissingData, check, check_choice
from qnn_core.files import read_record
from qnn_core.samplers import SAMPLERS, get_sampler
from qnn_core.terminal import be_plain, command

INTERACTIVE = ("playground",)
"""Notebooks for JupyterLab, which no workflow runs."""


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell. kind: its type as it stands there. unit: empty for what has none."""

    name: str
    kind: str
    default: Any
    meaning: str
    unit: str

    @property
    def is_path(self) -> bool:
        """Whether the workflow must give it: the path in the cell is for a run by hand, which stores in a folder of its own."""
        return self.kind in PATHS

    @property
    def made_by(self) -> str:
        """The notebook whose result it names, after "result of" in its meaning; empty if it names none."""
        named = re.search(r"results? of (\w+)", self.meaning) if "Input" in self.kind else None
        return named[1] if named else ""

    @property
    def method(self) -> str:
        """The method of the results that it names, where its name says one."""
        return next((method for method in get_args(KINDS["Baseline"]) if self.name == f"{method}_runs"), "")


class Parameters(Strict):
    """The checked parameters of a run of a notebook."""

    notebook: ClassVar[str]

    @property
    def table(self) -> ParameterTable:
        """The parameters as a table, for the notebook that has them."""
        return ParameterTable(declared(self.notebook), type(self), self.model_dump(mode="json", exclude_defaults=True))

    def some(self, *names: str) -> dict[str, Any]:
        """The values of those among these names that the notebook has."""
        values = dict(self)
        return {name: values[name] for name in names if name in values}

    @property
    def network_options(self) -> dict[str, Any]:
        """The options of `QNN`."""
        return self.some("copies", "glass", "drive")

    @property
    def cut_options(self) -> dict[str, Any]:
        """The options of `train`, but for rate and seed, with those of its rule beside them; what a notebook lacks is as `train` has it."""
        rule = ("rule", "margin", "wrong", "weighting", "code_reads")
        return self.some(*rule, "reads", "epochs", "batch_size", "schedule", "rest", "evaluations", "asked")

    def options_of(self, sampler: str) -> dict[str, Any]:
        """The options that `get_sampler(sampler, ...)` takes; none for a method that samples nothing."""
        if sampler not in SAMPLERS:
            return {}
        # `schedule` is that of the learning rate; coherent's own is chosen by another name, see `choices`.
        options = self.some(*(field.name for field in fields(SAMPLERS[sampler]) if field.name != "schedule"))
        known = dict(self)
        given = known.get("options", {}) | (known.get("mock", {}) if sampler == "mock" else {})
        for name, value in given.items():
            check(name not in options, name, value, "to be given once: it is a parameter of its own")
            options[name] = tuple(value) if isinstance(value, list) else value
        return options

    @property
    def record(self) -> str | None:
        """The folder of an annealer's recorded answers, where the sampler keeps any."""
        known = dict(self)
        kept = getattr(SAMPLERS.get(known.get("sampler", "")), "record", None)
        return known["options"].get("record", kept) if "options" in known else None

    @property
    def choices(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """What `get_sampler` needs for each of `samplers`: `dwave-like` is `coherent` under another schedule."""
        given = self.some("samplers", "dwave_duration", "steps")
        like = ("coherent", {"duration": given["dwave_duration"], "steps": given["steps"], "schedule": "dwave-like"})
        return {name: like if name == "dwave-like" else (name, self.options_of(name)) for name in given["samplers"]}


def notebooks() -> list[str]:
    """All notebooks by name."""
    return sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def declared(notebook: str) -> tuple[Parameter, ...]:
    """The parameters of a notebook, in the order of its parameters cell; raises InvalidInput where there is no such notebook."""
    return _read(notebook, _cell(notebook))[0]


def model_of(notebook: str) -> type[Parameters]:
    """What the values of a notebook's parameters must be, each by itself."""
    return _read(notebook, _cell(notebook))[1]


def _cell(notebook: str) -> str:
    """The source of its parameters cell; empty where it has none."""
    check_choice("notebook", notebook, notebooks())
    content = json.loads((ROOT / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    return "".join(cells[0]["source"]) if cells else ""


@cache
def _read(notebook: str, source: str) -> tuple[tuple[Parameter, ...], type[Parameters]]:
    parameters = tuple(read_cell(source))
    of_each: dict[str, Any] = {
        one.name: (kind_of(ast.parse(one.kind, mode="eval").body), Field(description=one.meaning)) for one in parameters
    }
    model = create_model(f"Parameters of {notebook}", __base__=Parameters, **of_each)
    model.notebook = notebook
    return parameters, model


def read_cell(source: str) -> Iterator[Parameter]:
    """The parameters that a cell declares, one a line.

    >>> list(read_cell("reads: Count = 10  # of each image [reads]"))
    [Parameter(name='reads', kind='Count', default=10, meaning='of each image', unit='reads')]
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    for line in ast.parse(source).body:
        match line:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as value):
                meaning, _, unit = comments.get(line.lineno, "").removesuffix("]").partition(" [")
                yield Parameter(name, ast.unparse(kind), ast.literal_eval(value), meaning, unit)
            case ast.Assign():
                raise InvalidInput("parameters cell", ast.unparse(line), "name: type = default  # meaning [unit]")


def kind_of(node: ast.expr) -> Any:
    """The type that an expression made of `KINDS` means; nothing else is evaluated."""
    match node:
        case ast.Name(id=name) if name in KINDS:
            return KINDS[name]
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=parts):
            return tuple(kind_of(part) for part in parts)
        case ast.Subscript(value=whole, slice=part):
            return kind_of(whole)[kind_of(part)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return kind_of(left) | kind_of(right)
    raise InvalidInput("type of a parameter", ast.unparse(node), f"one of {', '.join(KINDS)}")


def notebook_parameters(notebook: str, values: Mapping[str, Any], where: str = "") -> Any:
    """The checked parameters of a notebook, defaults filled in; raises InvalidInput naming what is wrong. where: what to call them."""
    where = where or f"notebook {notebook}"
    defaults = {one.name: one.default for one in declared(notebook) if not one.is_path}
    parameters = validated(model_of(notebook), {**defaults, **values}, where)
    lines = list(broken(parameters.model_dump(mode="json")))
    with_options = [
        *(parameters.some("sampler").values() if "options" in values else ()),
        *(["mock"] if "mock" in values else ()),
    ]
    try:
        for sampler in with_options:
            get_sampler(sampler, **parameters.options_of(sampler))
    except InvalidInput as failure:
        lines.append(str(failure))
    if lines:
        raise ParameterError(where, lines)
    return parameters


def check_inputs(parameters: Parameters) -> None:
    """Raise, naming the parameter, for a result that a notebook would read: MissingData if it is not there, InvalidInput if it is another's."""
    for one in declared(parameters.notebook):
        value = getattr(parameters, one.name)
        if not one.made_by or value is None:
            continue
        try:
            paths = expand([value] if isinstance(value, str) else value)
        except MissingData as failure:
            raise MissingData(f"{one.name}: {failure}") from failure
        for path in paths:
            _check_input(one, path)
    if (record := parameters.record) and parameters.some("sampler") == {"sampler": "replay"} and not in_project(record).is_dir():
        raise MissingData(f"record = {record!r} does not exist: expected a folder that a qpu or mock run recorded into.")


def _check_input(one: Parameter, path: str) -> None:
    allowed = f"a stored result of {one.made_by}"
    if not (in_project(path).is_file() and in_project(sidecar(path)).is_file()):
        raise MissingData(f"{one.name} = {path!r} does not exist: expected {allowed}; ./run_all.sh makes those of a profile.")
    record = read_record(in_project(sidecar(path)), REMEDY)
    made_by, made_with = record.get("notebook", "no notebook"), record.get("parameters", {})
    method, snapshots = made_with.get("method"), made_with.get("snapshots")
    check(made_by == one.made_by, one.name, path, f"{allowed}; this is one of {made_by}")
    check(one.method in ("", method), one.name, path, f"{allowed} with method {one.method}; this is one of {method}")
    fits = snapshots or "with snapshots" not in one.meaning
    check(fits, one.name, path, f"{allowed} with snapshots of at least 1; this one kept no networks on its way")


def from_cell(notebook: str, names: Mapping[str, Any]) -> Any:
    """The checked parameters of a notebook, read from the variables that its parameters cell has set: pass `globals()`.

    A name that is no parameter, whether papermill injected it or it was typed into the cell, is refused: papermill itself only warns,
    and would run on with the default of the parameter that was meant.
    """
    wanted = [one.name for one in declared(notebook)]
    given = {name: names[name] for name in [*wanted, *_typed(names.get("In", ()), set(wanted))] if name in names}
    parameters = notebook_parameters(notebook, given)
    check_inputs(parameters)
    check_targets(parameters)
    return parameters


def _typed(cells: Sequence[str], wanted: set[str]) -> list[str]:
    """The names that the cells with parameters have set: those that papermill injected, and those that set any of `wanted`.

    cells: sources of the cells that ran, as IPython keeps them; those from the one on that calls `from_cell` are left out.
    """
    found: list[str] = []
    for source in takewhile(lambda source: "from_cell(" not in source, cells):
        try:
            nodes = ast.walk(ast.parse(source))
        except SyntaxError:  # A magic command.
            continue
        names = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        if source.startswith("# Parameters") or wanted & set(names):
            found += names
    return found


def validated(model: type[Strict], values: Any, where: str) -> Any:
    """An instance of a model; raises InvalidInput with a line for each value that does not pass. where: what they are parameters of."""
    try:
        return model.model_validate_json(json.dumps(values))
    except ValidationError as failure:
        raise ParameterError(where, (_line(error, model) for error in failure.errors(include_url=False))) from None
    except (TypeError, ValueError) as failure:
        raise InvalidInput(where, values, "numbers, texts, true, false, null and lists of them") from failure


def _line(error: Any, model: type[Strict]) -> str:
    name = ".".join(map(str, error["loc"])) or "parameters"
    found = "" if error["type"] == "missing" or not error["loc"] else f" = {error['input']!r}"
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        near = get_close_matches(name, model.model_fields, n=1)
        return f"{name}{found}: no such parameter, expected " + (
            f"{near[0]}?" if near else f"one of {', '.join(model.model_fields)}"
        )
    return f"{name}{found}: {error['msg']}"


class ParameterError(InvalidInput):
    """Parameters that do not pass: one line for each, with its name, value and what is allowed."""

    def __init__(self, where: str, lines: Iterable[str]) -> None:
        ValueError.__init__(self, f"Parameters of {where} are not usable:\n" + "\n".join(f"  {line}" for line in lines))


@command
def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m artifact.parameters", description="Print the parameters of notebooks.")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="for example 02_training; all of them if none is named")
    for name in parser.parse_args(arguments).notebooks or notebooks():
        print(f"{name}\n\n{as_text(declared(name), model_of(name))}\n")


if __name__ == "__main__":
    be_plain()
    sys.exit(main())
