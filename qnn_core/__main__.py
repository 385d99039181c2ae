"""The command line: train a network on a file of your own, predict with it, inspect it, export it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from qnn_core.data import load_dataset, own_arrays
from qnn_core.errors import DamagedFile, Diverged, Interrupted, InvalidInput, MissingData, NotWritten, check
from qnn_core.files import atomic_write, check_writable, shown
from qnn_core.network import QNN
from qnn_core.terminal import be_plain


def main(arguments: list[str] | None = None) -> int:
    """Run a command: 0 on success, 1 if training went wrong, 2 for unusable input, 130 after an interruption, told on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except (InvalidInput, MissingData, DamagedFile, NotWritten) as failure:
        print(failure, file=sys.stderr)
        return 2
    except (Diverged, KeyboardInterrupt) as failure:
        print(str(failure) or "interrupted", file=sys.stderr)
        return 130 if isinstance(failure, KeyboardInterrupt) else 1
    return 0


def _train(options: argparse.Namespace) -> None:
    from qnn_core.training import train

    _check_new(options.out, options.force, options.data)
    data = load_dataset(options.data)
    print(data)
    net = QNN.for_data(data, tuple(options.hidden), options.copies, options.seed)
    try:
        history = train(
            net, data, options.sampler, options.epochs, options.reads, options.lr, options.batch_size, options.seed,
            rule=options.rule, asked=0, progress=not options.quiet, checkpoint=options.checkpoint,
        )  # fmt: skip
    except Interrupted:
        net.save(options.out)
        raise
    net.save(options.out)
    print(history, f"{options.out}: {net}", sep="\n")


def _predict(options: argparse.Namespace) -> None:
    if options.out:
        _check_new(options.out, options.force, options.data, options.model)
    net = QNN.load(options.model)
    if not Path(options.data).exists():
        raise MissingData(f"{options.data} does not exist; give an .npz file with the array x, such as numpy.savez writes.")
    arrays = own_arrays(Path(options.data), ("x", "y"))
    check("x" in arrays, "data", options.data, "an .npz file with the array x, and y if there are labels to compare with")
    answers = net.predict(arrays["x"])
    if options.out:
        with atomic_write(options.out) as file:
            np.savez(file, allow_pickle=False, y=answers)
    else:
        print(*answers, sep="\n")
    if "y" in arrays:
        print(f"error {net.error(arrays['x'], arrays['y']):.2%} of {len(answers)} rows", file=sys.stderr)


def _info(options: argparse.Namespace) -> None:
    net = QNN.load(options.model)
    print(net, f"seed {net.seed}", *(f"{name} {value}" for name, value in net.origin.items()), sep="\n")


def _export(options: argparse.Namespace) -> None:
    _check_new(options.onnx, options.force, options.model)
    QNN.load(options.model).to_torch().to_onnx(options.onnx)


def _check_new(path: str, force: bool, *read: str) -> None:
    """Before any work: that the file can be written, is not there unless forced, and is none of those that are read."""
    same = any(Path(path).exists() and Path(other).exists() and Path(path).samefile(other) for other in read)
    check(not same, "file", shown(path), "another name than that of a file that is read")
    check(force or not Path(path).exists(), "file", shown(path), "a name that is not taken, or --force")
    check_writable(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m qnn_core", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    one = commands.add_parser("train", help="train a network and save it")
    files = ".npz file, or folder of .npy files, with x and y, or x_train, y_train, x_test, y_test"
    one.add_argument("--data", required=True, help=f"{files}; digits; mnist")
    one.add_argument("--out", required=True, help=".npz file for the network")
    one.add_argument("--hidden", type=int, nargs="+", default=[120], help="spins of each hidden layer (%(default)s)")
    one.add_argument("--copies", type=int, default=4, help="output spins of each class (%(default)s)")
    one.add_argument("--sampler", default="gibbs", help="what proposes low-energy states (%(default)s)")
    one.add_argument("--rule", default="both", help="what an update lowers and raises (%(default)s)")
    one.add_argument("--epochs", type=int, help="passes over the training rows; without it 20, or more for a small table")
    one.add_argument("--reads", type=int, default=5, help="of the sampler, per row and update (%(default)s)")
    one.add_argument("--lr", type=float, help="rate of the optimiser; without it, one that suits the size of the network")
    one.add_argument("--batch-size", type=int, help="rows of an update; without it 50, or all if there are fewer")
    one.add_argument("--seed", type=int, default=0, help="of weights, order and reads (%(default)s)")
    one.add_argument("--checkpoint", help="file that keeps the state of every epoch; a run goes on from it")
    one.add_argument("--quiet", action="store_true", help="no progress bar")
    one.set_defaults(command=_train)

    two = commands.add_parser("predict", help="name the class of each row")
    two.add_argument("--data", required=True, help="such a file with x, as the training data had it; with y, the error is told")
    two.add_argument("--out", help=".npz file for the answers, y; without it they are printed")
    two.set_defaults(command=_predict)

    three = commands.add_parser("info", help="say what a saved network is")
    three.set_defaults(command=_info)

    four = commands.add_parser("export", help="write a network as an ONNX file, which takes rows as the training data had them")
    four.add_argument("--onnx", required=True, help="the file to write")
    four.set_defaults(command=_export)

    for command in (two, three, four):
        command.add_argument("model", help=".npz file of a saved network")
    for command in (one, two, four):
        command.add_argument("--force", action="store_true", help="write over a file that is there")
    return parser


if __name__ == "__main__":
    be_plain()
    sys.exit(main())
