"""Data and models as people have them: each line is something that was tried, and what must happen."""

import copy
import pickle
import re
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.datasets import load_wine

from qnn_core import QNN, Dataset, InvalidInput, load_dataset, train, training
from qnn_core.__main__ import main
from qnn_core.errors import Interrupted
from qnn_core.inputs import InputWarning

X = np.random.default_rng(0).uniform(0, 1, (12, 4))
Y = np.arange(12) % 3
NAMES = np.array(["ash", "beech", "cedar"])
WINE, VINTAGE = load_wine(return_X_y=True)


def changed(place, value, dtype=None):
    x = X.astype(dtype)
    x[place] = value
    return x


ROWS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "float16": X.astype(np.float16),
    "long double": X.astype(np.longdouble),
    "int64": (1000 * X).astype(np.int64),
    "uint16": (1000 * X).astype(np.uint16),
    "truth values": X > 0.5,
    "a list of lists": X.tolist(),
    "Python objects": X.astype(object),
    "in Fortran's order": np.asfortranarray(X),
    "every other column": np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": np.frombuffer(X.tobytes()).reshape(X.shape),
    "a pandas table": pd.DataFrame(X, columns=list("abcd")),
    "a pandas table of mixed types": pd.DataFrame(
        {"a": X[:, 0], "b": (10 * X[:, 1]).astype(int), "c": X[:, 2] > 0.5, "d": X[:, 3]}
    ),
    "a torch tensor": torch.tensor(X),
    "a tensor with a gradient": torch.tensor(X, requires_grad=True),
    "a tensor of 16 bits": torch.tensor(X).bfloat16(),
    "a masked array without a mask": np.ma.masked_array(X),
    "one feature": X[:, :1],
    "images": X.reshape(12, 2, 2),
    "images of bytes": (255 * X).astype(np.uint8).reshape(12, 2, 2),
    "images with a colour": X.reshape(12, 2, 2, 1),
    "images in colours": np.random.default_rng(1).integers(0, 256, (12, 4, 2, 3)),
    "a constant feature": changed(np.s_[:, 1], 7.5),
    "large numbers": 1e9 + X,
    "numbers below zero": -X,
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rows_of_any_kind_are_taken_and_answered_alike(rows):
    data = Dataset.from_arrays(rows, NAMES[Y], test=0.25)
    assert (len(data.y_train), len(data.y_test), data.classes.tolist()) == (9, 3, NAMES.tolist())
    assert np.abs(data.x_train).max() < 5
    net = QNN.for_data(data, hidden=(3,), copies=1)
    answers = net.predict(rows)
    assert set(answers) <= set(NAMES)
    both = np.concatenate([data.x_train, data.x_test])
    for row in net.scaled(rows):
        assert (both == row).all(axis=1).any()
    assert 0 <= net.error(rows, NAMES[Y]) == np.mean(answers != NAMES[Y])


LABELS = {
    "strings": NAMES[Y],
    "a list of strings": NAMES[Y].tolist(),
    "strings as objects": NAMES[Y].astype(object),
    "a pandas column": pd.Series(NAMES[Y]),
    "a pandas category": pd.Series(NAMES[Y]).astype("category"),
    "from 1": Y + 1,
    "with gaps": np.array([3, 10, 77])[Y],
    "below zero": Y - 1,
    "bytes": Y.astype(np.uint8),
    "whole floating-point numbers": Y + 1.0,
    "truth values": Y > 0,
    "truth values as objects": (Y > 0).astype(object),
    "a torch tensor": torch.tensor(Y),
    "a column": Y[:, None],
    "in another order": Y[::-1],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_kind_are_given_back(labels):
    plain = np.ravel(np.asarray(labels))
    data = Dataset.from_arrays(X, labels, test=0.25)
    np.testing.assert_array_equal(np.unique(data.classes[data.y_train]), np.unique(plain))
    net = QNN.for_data(data, hidden=(3,), copies=1)
    assert set(net.predict(X).tolist()) <= set(plain.tolist())
    assert net.error(X, labels) == np.mean(net.predict(X) != plain)


REFUSED = {
    "NaN": (changed((5, 2), np.nan), Y, "x = 'nan in row 5, column 2"),
    "infinity": (changed((5, 2), np.inf), Y, "x = 'inf in row 5, column 2"),
    "more than 32 bits hold": (1e300 * X, Y, r"x = '6\.\d+e\+299 in row 0"),
    "None": (changed((5, 2), None, object), Y, "x = 'nan in row 5, column 2"),
    "a missing value of pandas": (changed((5, 2), pd.NA, object), Y, "<NA> in row 5, column 2"),
    "a masked number": (np.ma.masked_array(X, np.arange(48).reshape(12, 4) == 22), Y, "x = 'nan in row 5, column 2"),
    "16 bits that overflow": (changed((5, 2), np.inf, np.float16), Y, "x = 'inf in row 5, column 2"),
    "far down": (
        np.where(np.arange(9000)[:, None] == 8999, np.nan, X[:1]),
        np.arange(9000) % 2,
        "nan in row 8999, column 0, and 1 such",
    ),
    "a dictionary": ({"a": X}, Y, "x = 'dict'.* an array, a list"),
    "a generator": ((row for row in X), Y, "x = 'generator'"),
    "words": (changed((5, 2), "tall", object), Y, "'tall' in row 5, column 2"),
    "strings": (X.astype(str), Y, "x = 'dtype <U"),
    "complex numbers": (X * 1j, Y, "dtype complex128"),
    "dates": (np.zeros((12, 4), "datetime64[s]"), Y, "dtype datetime64"),
    "a sparse matrix": (sparse.csr_matrix(X), Y, r"x\.toarray\(\)"),
    "rows of different lengths": ([[1.0, 2.0], [1.0]] * 6, Y, "rows of equal length"),
    "one row": (X[0], Y[:1], r"x\[None\]"),
    "one number": (3.0, Y, r"shape \(\)"),
    "nothing": (X[:0], Y[:0], "at least one row"),
    "no features": (X[:, :0], Y, "at least one number"),
    "five axes": (X.reshape(12, 1, 1, 2, 2), Y, r"shape \(12, 1, 1, 2, 2\)"),
    "too few labels": (X, Y[:11], "12 rows, 11 labels"),
    "one class": (X, 0 * Y, "at least two classes"),
    "one-hot labels": (X, np.eye(3)[Y], r"y\.argmax\(axis=1\)"),
    "numbers to predict": (X, X[:, 0], "put them into bins"),
    "a missing label": (X, np.where(np.arange(12) == 4, np.nan, Y), "y = 'nan in row 4"),
    "a missing name": (X, [None if row == 4 else "a" for row in range(12)], "y = 'None in row 4"),
    "names and numbers": (X, [7 if row == 4 else "a" for row in range(12)], "y = '7 in row 4"),
    "a class of one row": (X, np.where(np.arange(12) == 4, 9, Y % 2), "1 row of class 9"),
}


@pytest.mark.parametrize(("x", "y", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_by_name_row_and_remedy(x, y, told):
    with pytest.raises(InvalidInput, match=told):
        Dataset.from_arrays(x, y)


OPTIONS = {
    "a share of 0": ({"test": 0}, "test = 0 .* between 0 and 1"),
    "a share of 1": ({"test": 1.0}, "test = 1.0"),
    "a seed below zero": ({"seed": -1}, "seed = -1"),
    "an unknown scaling": ({"scaling": "log"}, "scaling = 'log' .* standard"),
    "pixels that are none": ({"scaling": "pixels", "test": (1 - X, Y), "x": -X}, "pixels of numbers"),
    "another shape of image": ({"image_shape": (3, 5)}, r"image_shape = \(3, 5\)"),
    "test rows of another width": ({"test": (X[:, :2], Y)}, "x_test = 'shape"),
    "a test class that is not trained": ({"test": (X, Y + 1)}, "y_test = '3 in row 2"),
    "a test row without a number": ({"test": (changed((1, 1), np.nan), Y)}, "x_test = 'nan in row 1, column 1"),
}


@pytest.mark.parametrize(("options", "told"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_cannot_be_used_are_refused(options, told):
    with pytest.raises(InvalidInput, match=told):
        Dataset.from_arrays(**{"x": X, "y": Y} | options)


def test_images_keep_their_shape():
    for rows, shape in (("images", (2, 2)), ("images in colours", (4, 2, 3)), ("float64", (2, 2)), ("one feature", (1, 1))):
        assert Dataset.from_arrays(ROWS[rows], Y).image_shape == shape


@pytest.mark.filterwarnings("ignore:x_train has numbers up to 1")
def test_the_split_has_every_class_in_both_parts_and_the_seed_decides_it():
    uneven = np.repeat([0, 1, 2], [2, 30, 100])
    rows = np.arange(132.0)[:, None]
    data = Dataset.from_arrays(rows, uneven, test=0.2, seed=1, scaling="none")
    assert (np.bincount(data.y_train), np.bincount(data.y_test)) == (pytest.approx([1, 24, 80]), pytest.approx([1, 6, 20]))
    everyone = np.concatenate([data.x_train, data.x_test])
    np.testing.assert_array_equal(np.sort(everyone.ravel()), rows.ravel())
    again, other = (Dataset.from_arrays(rows, uneven, test=0.2, seed=seed, scaling="none") for seed in (1, 2))
    assert again.sha256 == data.sha256 != other.sha256
    assert set(data.sample(5, 0).y_train) == {0, 1, 2}


@pytest.mark.parametrize(
    ("rule", "offset", "scale"),
    [("none", 0, 1), ("range", WINE.min(axis=0), np.ptp(WINE, axis=0)), ("standard", WINE.mean(axis=0), WINE.std(axis=0))],
)
@pytest.mark.filterwarnings("ignore:x_train has numbers up to 1680")
def test_scaling_is_what_its_name_says(rule, offset, scale):
    data = Dataset.from_arrays(WINE, VINTAGE, test=(WINE[:9], VINTAGE[:9]), scaling=rule)
    np.testing.assert_allclose(data.x_train, (WINE - offset) / scale, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(data.x_test, data.x_train[:9])


def test_numbers_that_are_not_scaled_or_scaled_twice_are_warned_of():
    with pytest.warns(InputWarning, match=r'up to 1680.*scaling="standard"'):
        Dataset.from_arrays(WINE, VINTAGE, scaling="none")
    data = Dataset.from_arrays(WINE, VINTAGE)
    with pytest.warns(InputWarning, match="scaled already"):
        QNN.for_data(data).predict(data.x_test)
    images = Dataset.from_arrays(ROWS["images of bytes"], Y)
    with pytest.warns(InputWarning, match="scaled already"):
        QNN.for_data(images).predict(images.x_test)


@pytest.fixture
def trained():
    data = Dataset.from_arrays(WINE, NAMES[VINTAGE], seed=1)
    net = QNN.for_data(data, hidden=(12,), copies=2, seed=1)
    return net, train(net, data, epochs=20, batch_size=10, evaluations=1, asked=0)


def test_a_table_with_its_defaults_is_learned(trained):
    net, history = trained
    assert history.test_error[-1] <= 0.06
    assert net.error(WINE, NAMES[VINTAGE]) <= 0.04


@pytest.mark.parametrize(
    ("x", "told"), [(changed((5, 2), np.nan), "x = 'nan in row 5, column 2"), (X[0], r"x\[None\]"), (X, r"shape \(rows, 13\)")]
)
def test_what_cannot_be_answered_is_refused(trained, x, told):
    with pytest.raises(InvalidInput, match=told):
        trained[0].predict(x)


def test_labels_are_compared_one_by_one(trained):
    net, _ = trained
    with pytest.raises(InvalidInput, match="178 rows, 1 labels"):
        net.error(WINE, NAMES[VINTAGE[:1]])
    with pytest.raises(InvalidInput, match=r"labels = '2 in row 0' .* ash, beech, cedar"):
        net.error(WINE, VINTAGE + 2)


def test_a_network_is_kept_with_names_scaling_seed_and_origin(trained, tmp_path):
    net, _ = trained
    net.save(tmp_path / "net.npz")
    joblib.dump(net, tmp_path / "net.joblib")
    twins = [
        QNN.load(tmp_path / "net.npz"),
        joblib.load(tmp_path / "net.joblib"),
        pickle.loads(pickle.dumps(net)),
        copy.deepcopy(net),
        net.copy(),
    ]
    for twin in twins:
        assert (repr(twin), twin.seed, twin.origin) == (repr(net), 1, net.origin)
        np.testing.assert_array_equal(twin.predict(WINE), net.predict(WINE))
        twin.weights[0] += 1
    assert not np.array_equal(net.weights[0], twins[-1].weights[0])
    assert net.origin["data"] == "own"
    assert net.origin["training"].startswith("both, 300 updates by 10 images, 5 reads")


def test_an_exported_network_takes_rows_as_they_came(trained, tmp_path, monkeypatch):
    net, _ = trained
    monkeypatch.chdir(tmp_path)
    net.to_torch().to_onnx("net.onnx")
    session = onnxruntime.InferenceSession("net.onnx")
    scores = session.run(["scores"], {"images": WINE.astype(np.float32)})[0]
    np.testing.assert_allclose(scores, -net.class_energies(net.scaled(WINE)), atol=0.01)


def test_everything_says_in_one_line_what_it_is(trained):
    net, history = trained
    data = Dataset.from_arrays(WINE, NAMES[VINTAGE])
    assert repr(net) == "QNN(13-12-3, copies=2, 246 parameters, 3 classes ash, beech, cedar, scaling 'standard')"
    assert repr(data) == "Dataset('own', 142 + 36 rows of 1 x 13, 3 classes ash, beech, cedar, scaling 'standard')"
    assert repr(history).startswith("History(")
    assert "\n" not in repr(net) + repr(data) + repr(history)


def test_a_history_is_a_table_and_a_plot(trained):
    _, history = trained
    table = history.to_pandas()
    assert len(table) == len(history.step)
    np.testing.assert_array_equal(table["test_error"], history.test_error)
    lines = history.plot().get_lines()
    np.testing.assert_allclose(
        [line.get_ydata()[-1] for line in lines], [100 * history.train_error[-1], 100 * history.test_error[-1]]
    )
    plt.close()


def test_files_count_from_where_the_user_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", x=X, y=NAMES[Y])
    data = load_dataset(Path("mine.npz"))
    net = QNN.for_data(data, hidden=(3,), copies=1)
    train(net, data, epochs=1, batch_size=5, asked=0, checkpoint="run.ck")
    net.save("net.npz")
    net.to_torch().to_onnx("net.onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.npz", "net.npz", "net.onnx", "run.ck"]


def test_the_terminal_trains_predicts_tells_and_exports(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("wine.npz", x=WINE, y=NAMES[VINTAGE])
    train_it = "train --data wine.npz --hidden 8 --copies 1 --batch-size 10 --epochs 2 --out net.npz"
    assert main(train_it.split()) == 0
    told = capsys.readouterr()
    assert "QNN(13-8-3, copies=1" in told.out
    assert "training: 100%" in told.err
    assert main([*train_it.split(), "--force", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["predict", "net.npz", "--data", "wine.npz"]) == 0
    told = capsys.readouterr()
    net = QNN.load("net.npz")
    assert told.out.split() == net.predict(WINE).tolist()
    assert f"error {net.error(WINE, NAMES[VINTAGE]):.2%} of 178 rows" in told.err
    Path("new").mkdir()
    np.save("new/x.npy", WINE)
    assert main(["predict", "net.npz", "--data", "new", "--out", "answers.npz"]) == 0
    np.testing.assert_array_equal(np.load("answers.npz")["y"], net.predict(WINE))
    capsys.readouterr()
    assert main(["info", "net.npz"]) == 0
    assert "data wine" in capsys.readouterr().out
    assert main(["export", "net.npz", "--onnx", "net.onnx"]) == 0
    assert (tmp_path / "net.onnx").is_file()


def test_the_terminal_keeps_what_an_interrupted_run_has_learned(tmp_path, monkeypatch, capsys):
    def ctrl_c(net, *_, **__):
        net.weights[0][:] = 7
        raise Interrupted("History(..)")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "train", ctrl_c)
    assert main(["train", "--data", "digits", "--hidden", "3", "--out", "net.npz"]) == 130
    assert "training was interrupted: History(..)" in capsys.readouterr().err
    assert (QNN.load("net.npz").weights[0] == 7).all()

    def ctrl_c_while_loading(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("qnn_core.__main__.load_dataset", ctrl_c_while_loading)
    assert main(["train", "--data", "digits", "--out", "other.npz"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("command", ["train", "predict", "info", "export"])
def test_the_terminal_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"usage: python -m qnn_core {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--data", "absent.npz", "--out", "net.npz"], "absent.npz' does not exist"),
        (["train", "--data", "digits", "--out", "there.npz"], "there.npz.* a name that is not taken, or --force"),
        (["train", "--data", "digits", "--out", "net.npz", "--epochs", "0"], "epochs = 0"),
        (["train", "--data", "digits", "--out", "net.npz", "--sampler", "dice"], "sampler = 'dice'"),
        (["predict", "there.npz", "--data", "there.npz"], "no network of format"),
        (["train", "--data", "there.npz", "--out", "./there.npz", "--force"], "another name than that of a file that is read"),
        (["predict", "absent.npz", "--data", "there.npz", "--out", "there.npz", "--force"], "another name than that of a file"),
        (["predict", "there.npz", "--data", "absent.npz", "--out", "there.npz", "--force"], "another name than that of a file"),
        (["export", "there.npz", "--onnx", "there.npz", "--force"], "another name than that of a file that is read"),
        (["info", "absent.npz"], "absent.npz does not exist"),
    ],
)
def test_the_terminal_says_what_is_wrong_and_exits_with_2(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    np.savez("there.npz", x=X)
    assert main(arguments) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert re.search(told, error)
