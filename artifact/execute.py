"""Run one notebook with checked parameters: python -m artifact.execute NOTEBOOK --output RENDERED [--parameters JSON] ...

Parameters are validated before a kernel starts. The kernel talks over a private IPC socket, so runs beside each other never race for
a port, and computes on one thread, so its numbers do not depend on the machine's load. The rendered copy is written whole, without
what changes from run to run; when a cell fails, it is kept as *.failed.ipynb and the error is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from artifact.warm import hand_over, of_kernels

if __name__ == "__main__":
    hand_over()  # Before the seconds that the following takes.

# Where jsonschema finds this package it builds a parser of IRIs, for a second of every run; notebooks have none to check.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from artifact.files import ROOT, STORED, in_project, relative
from artifact.origins import page_digest
from artifact.parameters import check_inputs, notebook_parameters
from artifact.results import provenance, record_of, sidecar
from artifact.targets import FAILED, check_targets
from qnn_core.errors import InvalidInput, MissingData, NotWritten
from qnn_core.files import atomic_write, storage
from qnn_dwave.secrets import redacted


def execute(notebook: str, output: str, values: dict[str, Any]) -> None:
    """Run notebooks/<notebook>.ipynb with the given parameters and store the rendered copy at `output`.

    Raises InvalidInput before any work for unusable parameters, and papermill's PapermillExecutionError when a cell fails.
    """
    parameters = notebook_parameters(notebook, values)
    check_inputs(parameters)
    rendered = in_project(output)
    failed = rendered.with_suffix(".failed.ipynb")
    check_targets(parameters, rendered, failed)
    # Progress bars and words about waiting are shown on a terminal while the kernel works.
    terminal = SimpleNamespace(write=lambda text: sys.stderr.write(redacted(text)), flush=sys.stderr.flush)
    # The whole path of a kernel's socket may have 107 characters.
    short = "/tmp" if len(os.fsencode(tempfile.gettempdir())) > 80 else None
    with (
        storage(Path(tempfile.gettempdir())),
        tempfile.TemporaryDirectory(prefix="qnn-", dir=short) as scratch,
        patch.dict(os.environ, _kernel_environment(scratch), clear=True),
    ):
        working_copy = Path(scratch) / "running.ipynb"
        connection = Config({"KernelManager": {"transport": "ipc", "ip": str(Path(scratch) / "kernel")}})
        try:
            papermill.execute_notebook(
                _without_fields(ROOT / "notebooks" / f"{notebook}.ipynb"),
                _without_fields(working_copy),
                parameters=json.loads(parameters.model_dump_json()),
                kernel_name="python3",
                cwd=ROOT,
                progress_bar=False,
                stderr_file=terminal if sys.stderr.isatty() else None,
                config=connection,
                extra_arguments=["--log-level=CRITICAL"],
            )
        except (papermill.PapermillExecutionError, DeadKernelError):
            _store(working_copy, failed)
            raise
        _store(working_copy, rendered, _origin(notebook, parameters))
    failed.unlink(missing_ok=True)


def _without_fields(path: Path) -> str:
    """The path for papermill, to which braces in it would be names of parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _kernel_environment(scratch: str) -> dict[str, str]:
    """What the kernel inherits: `of_kernels`, and nothing of what is installed for other kernels. scratch: an empty folder."""
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    inherited = {**of_kernels(dict(os.environ)), **dict.fromkeys(own, scratch), "JUPYTER_PREFER_ENV_PATH": "1"}
    if not os.access(os.path.expanduser("~"), os.W_OK):
        inherited.setdefault("MPLCONFIGDIR", scratch)
    return inherited


def _origin(notebook: str, parameters: Any) -> dict[str, Any]:
    """What made a page: the provenance of the result that it stored, else that of this process; without wall time."""
    stored = [sidecar(value) for name, value in parameters if name in STORED]
    if stored and in_project(stored[0]).is_file():
        record = record_of(stored[0])
    else:
        record = provenance(notebook, parameters.model_dump(mode="json"), "none", 0.0)
    return {name: value for name, value in record.items() if name not in ("seconds", "file", "pictures")}


def _store(executed: Path, target: Path, origin: dict[str, Any] | None = None) -> None:
    """Write the executed notebook with where it came from, and without what changes from run to run: times, progress bars, paths."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = _settled(cell.outputs)
    notebook = _without_secrets(notebook)
    if origin is not None:
        shown = json.loads(nbformat.writes(notebook))["cells"]
        notebook.metadata["provenance"] = {**origin, "page_sha256": page_digest(shown)}
    else:
        notebook.metadata[FAILED] = True
    with atomic_write(target, "w", private=origin is None) as file:
        nbformat.write(notebook, file)


def _without_secrets(content: Any) -> Any:
    """A notebook with every string in it redacted."""
    if isinstance(content, dict):
        return nbformat.from_dict({name: _without_secrets(value) for name, value in content.items()})
    if isinstance(content, list):
        return [_without_secrets(value) for value in content]
    return redacted(content) if isinstance(content, str) else content


def _settled(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Outputs without progress bars, and neighbouring pieces of a stream, which arrive cut at random, as one."""
    settled: list[nbformat.NotebookNode] = []
    for output in outputs:
        stream = output.get("name")
        if stream == "stderr" and ("\r" in output.text or not output.text.strip()):
            continue  # tqdm redraws its line on stderr, and ends it there.
        if stream and settled and stream == settled[-1].get("name"):
            settled[-1].text += output.text
        else:
            settled.append(output)
    return settled


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is given twice")
    return dict(pairs)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m artifact.execute", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("notebook", help="name of the notebook, for example 02_training")
    parser.add_argument("--output", required=True, help="where to store the rendered copy")
    parser.add_argument(
        "--parameters", action="append", default=[], help="parameters as a JSON object; may be given more than once"
    )
    options = parser.parse_args(arguments)
    values: dict[str, Any] = {}
    try:
        for given in options.parameters:
            part = dict(json.loads(given, object_pairs_hook=_named_once))
            values = _named_once([*values.items(), *part.items()])
    except (TypeError, ValueError) as failure:
        parser.error(f"--parameters must be JSON objects: {failure}")
    try:
        execute(options.notebook, options.output, values)
    except (InvalidInput, MissingData, NotWritten) as failure:
        print(redacted(str(failure)), file=sys.stderr)
        return 2
    except (papermill.PapermillExecutionError, DeadKernelError) as failure:
        kept = relative(in_project(options.output).with_suffix(".failed.ipynb"))
        died = "its kernel was killed, which is what the system does when memory runs out: free some, or run fewer at a time (--cores)"
        why = died if isinstance(failure, DeadKernelError) else f"{failure.ename}: {failure.evalue}"
        told = redacted(f"{options.notebook} stopped: {why}")
        print(f"{told}\nThe notebook so far: {kept}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
