"""Answering without an annealer, beside an MLP of the same size: python -m benchmarks.inference

The network is trained for one epoch of MNIST, then asked in three ways: as it is (numpy), as a torch module, and as an ONNX file in
onnxruntime. All run on one thread; each time is the best of several repeats, in turn. The MLP is untrained: that does not change its time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import onnxruntime
import torch

from qnn_core import QNN, load_dataset, train
from qnn_core.backprop import mlp
from qnn_core.export import export_onnx
from qnn_core.threads import one_thread_for_algebra

SIZES, COPIES = (784, 120, 10), 4
BATCHES = (1, 1000)
REPEATS = 15
BUDGET = 0.05  # seconds of one repeat


def main() -> None:
    data = load_dataset("mnist")
    net = QNN(SIZES, copies=COPIES, seed=0)
    train(net, data, epochs=1, seed=0)
    module = net.to_torch()
    perceptron = mlp(SIZES, seed=0).eval()
    with tempfile.TemporaryDirectory() as folder:
        module.to_onnx(f"{folder}/net.onnx")
        session = _session(f"{folder}/net.onnx")
        export_onnx(perceptron, SIZES[0], f"{folder}/mlp.onnx")
        other = _session(f"{folder}/mlp.onnx")
        print(f"ONNX files: {Path(folder, 'net.onnx').stat().st_size / 1024:.0f} KiB (energy classifier)")
    with one_thread_for_algebra(), torch.inference_mode():
        _agreement(net, module, session, data.x_test)
        ways = {
            "energy classifier, numpy": net.predict,
            "energy classifier, torch": lambda x: module(torch.from_numpy(x)),
            "energy classifier, ONNX": lambda x: session.run(None, {"images": x}),
            "MLP, torch": lambda x: perceptron(torch.from_numpy(x)),
            "MLP, ONNX": lambda x: other.run(None, {"images": x}),
        }
        print(f"{'-'.join(map(str, SIZES))}, {COPIES} copies: microseconds an image, one thread")
        print(f"{'':28}" + "".join(f"{f'{batch} at a time':>16}" for batch in BATCHES))
        times = {batch: _times(ways, data.x_test[:batch]) for batch in BATCHES}
        for name in ways:
            print(f"{name:28}" + "".join(f"{1e6 * times[batch][name] / batch:>16.2f}" for batch in BATCHES))
    dense = 2 * SIZES[0] * SIZES[1]
    print(
        f"operations an image: {dense:,} in the first layer of both; then {3 * SIZES[1] * SIZES[2]:,} (|a + p| summed for each class),"
    )
    print(f"or {SIZES[1] + 2 * SIZES[1] * SIZES[2]:,} (MLP)")


def _session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def _agreement(net: QNN, module: torch.nn.Module, session: onnxruntime.InferenceSession, x: np.ndarray) -> None:
    expected = net.predict(x)
    by_torch = module(torch.from_numpy(x)).numpy()
    by_onnx = session.run(None, {"images": x})[0]
    different = [int((scores.argmax(axis=1) != expected).sum()) for scores in (by_torch, by_onnx)]
    print(f"answers that differ from the network's, of {len(x):,} test images: torch {different[0]}, ONNX {different[1]}")
    print(
        f"largest difference of a score, torch against ONNX: {np.abs(by_torch - by_onnx).max():.1e} of {np.abs(by_torch).mean():.1f}"
    )


def _times(ways: dict[str, Callable[[np.ndarray], object]], x: np.ndarray) -> dict[str, float]:
    """Seconds of one call, the best of the repeats; the ways take turns, so that a slow moment of the machine hits all."""
    calls = {}
    for name, way in ways.items():
        start = perf_counter()
        way(x)
        way(x)
        calls[name] = max(1, round(BUDGET / (perf_counter() - start) * 2))
    best = dict.fromkeys(ways, np.inf)
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = perf_counter()
            for _ in range(calls[name]):
                way(x)
            best[name] = min(best[name], (perf_counter() - start) / calls[name])
    return best


if __name__ == "__main__":
    main()
