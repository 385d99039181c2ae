"""Inputs that cannot be used, and the doors at which each must be stopped: a notebook's parameters, a profile's yaml, a call from Python.

Calls run in a process of their own without the run-time type checker of the tests, as users run them; their sampler must never be asked.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bad:
    """name, value: what the message must show, besides what is allowed. given: parameters of `notebook`. yaml: changes of a profile.

    call: raises the error. in_yaml: the name there. in_call: the name, and the value, there; where they are others.
    """

    name: str
    value: str
    given: dict[str, Any] | None = None
    yaml: dict[str, Any] | None = None
    call: Callable[[], object] | None = None
    notebook: str = "02_training"
    in_call: tuple[str, ...] = ()
    in_yaml: str | None = None


def trained(**options: Any) -> object:
    from qnn_core import QNN, train

    return train(QNN((64, 6, 10)), **{"data": digits(), "sampler": Untouchable(), **options})


def ruled(**options: Any) -> object:
    from qnn_core.rules import Rule

    return Rule(**{"name": "completed", **options})


def digits() -> Any:
    from qnn_core import load_dataset

    return load_dataset("digits")


def net(**options: Any) -> Any:
    from qnn_core import QNN

    return QNN(**{"sizes": (64, 6, 10), **options})


def sampler(name: str = "gibbs", **options: Any) -> Any:
    import qnn_dwave  # noqa: F401
    from qnn_core import get_sampler

    return get_sampler(name, **options)


def baseline(**options: Any) -> object:
    from qnn_core import train_backprop

    return train_backprop(**{"method": "mlp", "data": digits(), **options})


def sampled(name: str, num_reads: Any = 2, seed: Any = 0, sizes: tuple[int, ...] = (64, 6, 10), **options: Any) -> object:
    from qnn_core import QNN

    return sampler(name).sample(QNN(sizes, **options).problem(digits().x_train[:2]), num_reads, seed)


def deep(name: str) -> object:
    return sampled(name, sizes=(64, 6, 6, 10))


def tempered(**options: Any) -> object:
    from qnn_core import QNN, landscape

    return landscape.parallel_tempering(QNN((64, 6, 10)).problem(digits().x_train[:2]), **options)


def windowed(width: Any) -> object:
    from qnn_core.windows import WindowSampler

    return WindowSampler(sampler(), width)


def stored(path: str) -> object:
    from artifact.results import save_result

    return save_result(path, {}, notebook="n", parameters={}, kind="none", seconds=0.0)


def loaded(path: str) -> object:
    from artifact.results import expand, load_result

    return [load_result(name) for name in expand([path])]


def dataset(name: Any) -> object:
    from qnn_core import load_dataset

    return load_dataset(name)


def absent_image():
    from studies.views import follow

    return follow({}, digits(), sampler("exact"), 360, 10, 0)


def split(**options: Any) -> object:
    from qnn_core import Dataset

    return Dataset.from_arrays([[0.0], [1.0]] * 4, [0, 1] * 4, **options)


def few_reads() -> object:
    from qnn_core import QNN, landscape

    reads = sampler(sweeps=1).sample(QNN((64, 6, 10)).problem(digits().x_train[:2]), 5, 0)
    return landscape.order_parameters(reads)


class Untouchable:
    """A sampler that must not be asked."""

    name = kind = "none"

    def sample(self, *_: Any) -> None:
        raise AssertionError("work was begun")


NAN, INF = math.nan, math.inf
CLASSES = {"notebook": "06_grover"}
SAMPLERS = {"notebook": "02b_samplers"}


def part(name: str, **change: Any) -> dict[str, Any]:
    return {name: change}


def rates(method: str, rate: Any) -> dict[str, Any]:
    """A profile that tries only this rate."""
    return part("01b_rates", runs={method: {"rates": [rate]}})


def study(**change: Any) -> dict[str, Any]:
    """A profile whose only study of a deep network is this."""
    given = {"hidden": [16, 12], "epochs": 2, "lr": 0.01, "seeds": [0, 1], "windows": [{"width": 3}, {"width": 2}]}
    return part("07_active_layers", runs={"depth3": given | change})


BAD = [
    Bad("epochs", "0", {"epochs": 0}, {"epochs": 0}, lambda: trained(epochs=0)),
    Bad("epochs", "-1", {"epochs": -1}, {"epochs": -1}, lambda: baseline(epochs=-1)),
    Bad("epochs", "2.5", {"epochs": 2.5}, {"epochs": 2.5}, lambda: trained(epochs=2.5)),
    Bad("epochs", "'20'", {"epochs": "20"}, {"epochs": "20"}, lambda: trained(epochs="20")),
    Bad("epochs", "True", {"epochs": True}, {"epochs": True}, lambda: trained(epochs=True)),
    Bad("epochs", "None", {"epochs": None}, {"epochs": None}),
    Bad("epochs", "1000000000000", {"epochs": 10**12}, {"epochs": 10**12}),
    Bad("reads", "0", {"reads": 0}, {"reads": 0}, lambda: trained(reads=0)),
    Bad("reads", "'10'", {"reads": "10"}, {"reads": "10"}, lambda: trained(reads="10")),
    Bad("reads", "1.5", {"reads": 1.5}, {"reads": 1.5}, lambda: sampled("gibbs", 1.5)),
    Bad("sweeps", "0", {"sweeps": 0}, {"sweeps": 0}, lambda: sampler(sweeps=0)),
    Bad("sweeps", "-5", {"sweeps": -5}, {"sweeps": -5}, lambda: sampler("sa", sweeps=-5)),
    Bad("sweeps", "'20'", {"sweeps": "20"}, {"sweeps": "20"}, lambda: sampler(sweeps="20")),
    Bad("sweeps", "2.5", {"sweeps": 2.5}, {"sweeps": 2.5}, lambda: sampler("collapsed", sweeps=2.5)),
    Bad("batch_size", "0", {"batch_size": 0}, {"batch_size": 0}, lambda: trained(batch_size=0)),
    Bad("batch_size", "5000", {"batch_size": 5000}, {"batch_size": 5000}, lambda: trained(batch_size=5000)),
    Bad("batch_size", "'10'", {"batch_size": "10"}, {"batch_size": "10"}, lambda: baseline(batch_size="10")),
    Bad("data", "'tuple'", call=lambda: trained(data=(1, 2))),
    Bad("test", "(1, 2, 3)", call=lambda: split(test=(1, 2, 3))),
    Bad("callbacks", "[3]", call=lambda: trained(callbacks=[3])),
    Bad("callbacks", "<built-in function print>", call=lambda: trained(callbacks=print)),
    Bad("margin", "-1.0", {"margin": -1.0}, {"margin": -1.0}, lambda: ruled(margin=-1.0)),
    Bad("margin", "nan", {"margin": NAN}, {"margin": NAN}, lambda: ruled(margin=NAN)),
    Bad("margin", "inf", {"margin": INF}, {"margin": INF}, lambda: ruled(margin=INF)),
    Bad("margin", "'8'", {"margin": "8"}, {"margin": "8"}, lambda: ruled(margin="8")),
    Bad("copies", "0", {"copies": 0}, {"copies": 0}, lambda: net(copies=0)),
    Bad("copies", "1.5", {"copies": 1.5}, {"copies": 1.5}, lambda: net(copies=1.5)),
    Bad("copies", "'2'", {"copies": "2"}, {"copies": "2"}, lambda: baseline(method="energy", copies="2")),
    Bad("hidden", "0", {"hidden": [0]}, {"hidden": [0]}, lambda: baseline(hidden=0)),
    Bad("hidden", "'120'", {"hidden": "120"}, {"hidden": "120"}, lambda: baseline(hidden="120")),
    Bad("hidden", "-3", {"hidden": [-3]}, {"hidden": [-3]}, lambda: net(sizes=(64, -3, 10)), in_call=("sizes",)),
    Bad("hidden", "[]", {"hidden": []}, study(hidden=[]), lambda: net(sizes=(64, 10)), in_call=("sizes", "(64, 10)")),
    Bad("seed", "-1", {"seed": -1}, {"seeds": [-1, 0]}, lambda: trained(seed=-1)),
    Bad("seed", "1.5", {"seed": 1.5}, {"seeds": [1.5, 0]}, lambda: sampled("gibbs", seed=1.5)),
    Bad("seed", "'0'", {"seed": "0"}, {"seeds": ["0", 1]}, lambda: net(seed="0")),
    Bad("seed", "4294967296", {"seed": 2**32}, {"seeds": [2**32, 1]}),
    Bad("seeds", "[0]", {"seeds": [0], "samplers": ["gibbs"]}, {"seeds": [0]}, **SAMPLERS),
    Bad("lr", "'1e-4'", {"lr": "1e-4"}, rates("gibbs", "1e-4"), lambda: trained(lr="1e-4"), in_yaml="rates"),
    Bad("lr", "0", {"lr": 0}, rates("gibbs", 0), lambda: trained(lr=0), in_yaml="rates"),
    Bad("lr", "-0.1", {"lr": -0.1}, rates("mlp", -0.1), lambda: baseline(lr=-0.1), in_yaml="rates"),
    Bad("lr", "nan", {"lr": NAN}, rates("mlp", NAN), lambda: baseline(lr=NAN), in_yaml="rates"),
    Bad("lr", "inf", {"lr": INF}, rates("energy", INF), lambda: trained(lr=INF), in_yaml="rates"),
    Bad("lr", "11", {"lr": 11}, rates("gibbs", 11), in_yaml="rates"),
    Bad("lr", "0.1", {"lr": 0.1, "rates": "r.npz"}),
    Bad("lr", "None", {"lr": None}, notebook="03_backprop"),
    Bad("snapshots", "-1", {"snapshots": -1}, {"snapshots": -1}, lambda: trained(snapshots=-1)),
    Bad("snapshots", "'12'", {"snapshots": "12"}, {"snapshots": "12"}, lambda: trained(snapshots="12")),
    Bad("dataset", "'emnist'", {"dataset": "emnist"}, {"dataset": "emnist"}, lambda: dataset("emnist")),
    Bad("dataset", "3", {"dataset": 3}, {"dataset": 3}, lambda: dataset(3)),
    Bad("dataset", "'/data/mine.npz': expected a path that counts from the project's folder", {"dataset": "/data/mine.npz"}, {"dataset": "/data/mine.npz"}),
    Bad("dataset", "'../mine.npz': expected a path that counts from the project's folder", {"dataset": "../mine.npz"}, {"dataset": "../mine.npz"}),
    Bad("dataset", "'absent.npz'", {"dataset": "absent.npz"}, {"dataset": "absent.npz"}, lambda: dataset("absent.npz")),
    Bad("sampler", "'dwave'", {"sampler": "dwave"}, part("02c_ablation", samplers=["dwave"]), lambda: sampler("dwave")),
    Bad("schedule", "'cosine'", call=lambda: trained(schedule="cosine")),
    Bad("schedule", "'step'", {"schedule": "step", "lr": 0.1}, None, lambda: baseline(schedule="step"), notebook="03_backprop"),
    Bad("wrong", "'both'", {"wrong": "both"}, None, lambda: ruled(wrong="both")),
    Bad("wrong", "'spins'", {"wrong": "spins", "rule": "completed"}, None, lambda: ruled(wrong="spins")),
    Bad("weighting", "'all'", {"weighting": "all"}, None, lambda: ruled(weighting="all")),
    Bad("rule", "'no'", {"rule": "no"}),
    Bad("beta", "6.0", call=lambda: sampler(beta=(6.0, 0.1))),
    Bad("beta", "(0, 1)", call=lambda: sampler("sa", beta=(0, 1))),
    Bad("beta", "nan", call=lambda: sampler(beta=(0.1, NAN))),
    Bad("beta", "'cold'", call=lambda: sampler(beta=(0.1, "cold"))),
    Bad("epoch", "3", {"epoch": 3}, {"epoch": 3}, lambda: trained(epoch=3), in_call=("epoch", "'epoch'")),
    Bad("sweep", "20", {"sweep": 20}, {"sweep": 20}, lambda: sampler(sweep=20), in_call=("sweep", "sweep")),
    Bad("classes", "10", {"classes": [0, 10]}, part("06_grover", classes=[0, 10]), lambda: digits().only_classes((0, 10)), **CLASSES),
    Bad("classes", "0, 0", {"classes": [0, 0]}, part("06_grover", classes=[0, 0]), lambda: digits().only_classes((0, 0)), **CLASSES),
    Bad("classes", "0", {"classes": [0]}, part("06_grover", classes=[0]), lambda: digits().only_classes((0,)), **CLASSES),
    Bad(
        "classes", "10", {"classes": list(range(11))}, part("06_grover", classes=list(range(11))),
        lambda: digits().only_classes(tuple(range(11))), notebook="04d_landscape",
    ),
    Bad("outputs", "2", {"outputs": 2, "seeds": [0, 1], "samplers": ["gibbs"]}, **SAMPLERS),
    Bad("hidden", "17", {"hidden": 17, "seeds": [0, 1], "samplers": ["gibbs"]}, part("02b_samplers", hidden=17), **SAMPLERS),
    Bad(
        "hidden + outputs", "16", {"hidden": 16, "outputs": 8, "seeds": [0, 1], "samplers": ["gibbs"]},
        None, lambda: sampled("coherent", sizes=(64, 16, 10)), in_call=("spins", "26"), **SAMPLERS,
    ),
    Bad("hidden", "14", {"hidden": 14, "classes": list(range(10))}, part("06_grover", hidden=14, classes=list(range(10))), **CLASSES),
    Bad("exact", "40", {"sampler": "exact", "copies": 4}, part("02c_ablation", copies=4), lambda: sampled("exact", copies=4)),
    Bad("hidden", "[6, 6]", {"sampler": "collapsed", "hidden": [6, 6]}, None, lambda: deep("collapsed"), in_call=("layers", "(6, 6, 10)")),
    Bad("hidden", "[6, 6]", {"method": "energy", "hidden": [6, 6], "lr": 0.1}, None,
        lambda: baseline(method="energy", hidden=(6, 6)), notebook="03_backprop", in_call=("sizes", "(64, 6, 6, 10)")),
    Bad("coherent", "[120]", {"sampler": "coherent"}, None, lambda: sampled("coherent", sizes=(64, 120, 10)), in_call=("spins", "130")),
    Bad("windows", "4", {"windows": [{"width": 4}]}, study(windows=[{"width": 4}]), notebook="07_active_layers"),
    Bad("width", "0", {"windows": [{"width": 0}]}, study(windows=[{"width": 0}]), lambda: windowed(0), notebook="07_active_layers"),
    Bad("width", "'2'", {"windows": [{"width": "2"}]}, study(windows=[{"width": "2"}]), lambda: windowed("2"), notebook="07_active_layers"),
    Bad("schedule", "'zigzag'", {"windows": [{"width": 2, "schedule": "zigzag"}]}, study(windows=[{"width": 2, "schedule": "zigzag"}]), notebook="07_active_layers"),
    Bad("widest", "0", {"windows": [{"width": 2, "widest": 0}]}, study(windows=[{"width": 2, "widest": 0}]), notebook="07_active_layers"),
    Bad("sweeps", "79", {"sweeps": 79, "measurements": 10}, part("04b_equilibrium", sweeps=79, measurements=10), notebook="04b_equilibrium"),
    Bad("coldest", "9.0", {"coldest": 9.0}, part("04b_equilibrium", coldest=9.0), notebook="04b_equilibrium"),
    Bad("measurements", "5", {"measurements": 5}, part("04b_equilibrium", measurements=5), notebook="04b_equilibrium"),
    Bad("least", "0.2", {"least": 0.2}, part("05b_heads", least=0.2), notebook="05b_heads"),
    Bad("rate_seeds", "9", {"rate_seeds": 9}, part("05a_curves", rate_seeds=9), notebook="05a_curves"),
    Bad("search_hidden", "18", {"search_hidden": 18}, part("06_grover", search_hidden=18), **CLASSES),
    Bad("copies", "20", {"copies": 5}, part("04d_landscape", copies=5), notebook="04d_landscape"),
    Bad("copies", "30", {"copies": 3}, part("05b_heads", copies=3), notebook="05b_heads"),
    Bad("glass", "0", {"glass": 0}, part("07_active_layers", glass=0), lambda: net(glass=0)),
    Bad("drive", "nan", {"drive": NAN}, None, lambda: net(drive=NAN)),
    Bad("held_out", "1.0", {"held_out": 1.0}, part("02c_ablation", held_out=1.0), lambda: digits().hold_out(1.0, 0), "02c_ablation", ("fraction",)),
    Bad("held_out", "0", {"held_out": 0}, part("02c_ablation", held_out=0), lambda: digits().hold_out(0, 0), "02c_ablation", ("fraction",)),
    Bad("train_images", "5", {"train_images": 5}, part("02c_ablation", train_images=5), lambda: digits().hold_out(0.3, 0, 5), "02c_ablation", ("num_train",)),
    Bad("train_images", "5000", {"train_images": 5000}, part("02c_ablation", train_images=5000), lambda: digits().hold_out(0.3, 0, 5000), "02c_ablation", ("num_train",)),
    Bad("reads_tried", "[10]", {"reads_tried": [10]}, part("02c_ablation", reads_tried=[10]), notebook="02c_ablation"),
    Bad("reads_tried", "[1, 7]", {"reads_tried": [1, 7], "epochs": 3}, part("02c_ablation", reads_tried=[1, 7]), notebook="02c_ablation"),
    Bad("resamples", "10", {"resamples": 10}, part("05_scaling", resamples=10), notebook="05_scaling"),
    Bad("reads", "5", {"reads": 5}, part("04_phase", reads=5), few_reads, notebook="04_phase"),
    Bad("images", "1000", {"images": 1000}, part("04c_sizes", images=1000), notebook="04c_sizes"),
    Bad("images", "9000", {"images": 9000}, part("04d_landscape", images=9000), notebook="04d_landscape"),
    Bad("image", "360", {"image": 360}, part("04d_landscape", image=360), absent_image, "04d_landscape"),
    Bad("searches", "3", {"searches": 3}, part("06_grover", searches=3), notebook="06_grover"),
    Bad("steps", "0", {"steps": 0}, part("06_grover", steps=0), lambda: sampler("coherent", steps=0), **CLASSES),
    Bad("duration", "-1.0", {"duration": -1.0, "seeds": [0, 1], "samplers": ["coherent"]}, part("02b_samplers", duration=-1.0), lambda: sampler("coherent", duration=-1.0), **SAMPLERS),
    Bad("topology", "('zephyr', 0)", {"mock": {"topology": ["zephyr", 0]}, "seeds": [0, 1], "samplers": ["mock"]},
        part("02b_samplers", mock={"topology": ["zephyr", 0]}), lambda: sampler("mock", topology=("zephyr", 0)), **SAMPLERS),
    Bad("topology", "3", call=lambda: sampler("mock", topology=3)),
    Bad("options", "[1]", {"options": [1]}),
    Bad("token", "expected one of", {"sampler": "qpu", "options": {"token": "x"}}, None, lambda: sampler("qpu", token="x")),
    Bad("sweeps", "3", {"options": {"sweeps": 3}}),
    Bad("method", "'svm'", {"method": "svm", "lr": 0.1}, None, lambda: baseline(method="svm"), notebook="03_backprop"),
    Bad("result", "'x.txt'", {"result": "x.txt"}, None, lambda: stored("x.txt"), in_call=("path",)),
    Bad("result", "None", {"result": None}),
    Bad("figure", "'fig1.png'", {"figure": "fig1.png", "run": "absent.npz"}, notebook="fig1"),
    Bad("rates", "'absent.npz'", {"rates": "absent.npz", "lr": None}, None, lambda: loaded("absent.npz"), in_call=("absent.npz", "absent.npz")),
    Bad("runs", "absent-*.npz", {"runs": ["absent-*.npz"]}, None, lambda: loaded("absent-*.npz"), notebook="04_phase", in_call=("absent", "absent")),
    Bad("runs", "[]", {"runs": []}, notebook="04_phase"),
    Bad("record", "'data/recorded/qpu'", {"sampler": "replay"}, None, lambda: sampler("replay", record="absent").sample(None, 1, 0), in_call=("absent", "absent")),
    Bad("record", "'absent'", {"sampler": "replay", "options": {"record": "absent"}}),
    Bad("record", "7", call=lambda: sampler("mock", record=7)),
    Bad("max_qpu_seconds", "0", {"sampler": "qpu", "options": {"max_qpu_seconds": 0}}, None, lambda: sampler("qpu", record="x", max_qpu_seconds=0)),
    Bad("annealing_time", "nan", {"sampler": "mock", "options": {"annealing_time": NAN}}, None, lambda: sampler("mock", annealing_time=NAN)),
    Bad("cycles", "-1", {"sampler": "mock", "options": {"cycles": -1}}, None, lambda: sampler("mock", cycles=-1)),
    Bad("control_error", "-0.1", {"options": {"control_error": [-0.1, 0]}}, None, lambda: sampler(control_error=(-0.1, 0.0))),
]  # fmt: skip


def messages() -> list[str | None]:
    """What each call says: the error's kind and sentence, or nothing where the door does not exist or let it through."""
    said: list[str | None] = []
    for bad in BAD:
        try:
            said.append(None if bad.call is None else f"not stopped: {bad.call()}")
        except Exception as failure:
            said.append(f"{type(failure).__name__}: {failure}")
    return said


if __name__ == "__main__":
    print(json.dumps(messages()))
