"""Runs that somebody looks into, stops or goes on with."""

import json

import numpy as np
import pytest

from qnn_core import QNN, EarlyStopping, InvalidInput, train
from qnn_core.errors import Interrupted

QUICK = {"batch_size": 50, "evaluations": 1, "asked": 20, "evaluation_images": 100, "reads": 2}


@pytest.fixture
def few(digits):
    return digits.only_classes((0, 1, 2)).take(200, 0)


def test_callbacks_see_each_evaluation_as_plain_numbers_and_change_nothing(few):
    seen = []
    nets = [QNN.for_data(few, (8,), 1) for _ in range(2)]
    history = train(nets[0], few, epochs=2, **QUICK, callbacks=[seen.append])
    train(nets[1], few, epochs=2, **QUICK)
    assert [entry["step"] for entry in seen] == history.step
    assert [entry["test_error"] for entry in seen] == history.test_error.tolist()
    assert json.loads(json.dumps(seen[-1]))["epoch"] == 2
    for value, expected in zip(nets[0].parameters, nets[1].parameters, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_callback_stops_the_run(few):
    net = QNN.for_data(few, (8,), 1)
    history = train(net, few, epochs=50, **QUICK, callbacks=[EarlyStopping(patience=4), lambda entry: entry["epoch"] >= 40])
    assert 0 < history.epoch[-1] < 40
    assert min(history.test_error) <= min(history.test_error[-4:])
    whole = QNN.for_data(few, (8,), 1)
    train(whole, few, epochs=50, **QUICK, callbacks=[lambda entry: entry["step"] == history.step[-1]])
    np.testing.assert_array_equal(net.weights[0], whole.weights[0])


def test_an_interrupted_run_keeps_its_history_and_what_it_has_learned(few):
    def ctrl_c(entry):
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    net, stopped = QNN.for_data(few, (8,), 1), QNN.for_data(few, (8,), 1)
    with pytest.raises(Interrupted, match="evaluations in 3 epochs") as caught:
        train(net, few, epochs=10, **QUICK, callbacks=[ctrl_c])
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.history.epoch[-1] == 3
    train(stopped, few, epochs=10, **QUICK, callbacks=[lambda entry: entry["epoch"] == 3])
    np.testing.assert_array_equal(net.weights[0], stopped.weights[0])


def test_the_best_network_is_kept_and_goes_through_a_checkpoint(few, tmp_path):
    every = {**QUICK, "evaluations": 6, "evaluation_images": None}
    net, seen = QNN.for_data(few, (8,), 1), []

    def ctrl_c(entry):
        seen.append(entry["test_error"])
        if entry["epoch"] == 3:
            raise KeyboardInterrupt

    kept = {**every, "lr": 0.1, "averaged": False, "checkpoint": str(tmp_path / "run.ck")}
    with pytest.raises(Interrupted) as caught:
        train(net, few, epochs=4, **kept, callbacks=[ctrl_c])
    best = net.copy()
    best.set_parameters(caught.value.history.best)
    assert best.error(few.x_test, few.y_test) == min(seen) <= net.error(few.x_test, few.y_test) == seen[-1]
    again, whole = QNN.for_data(few, (8,), 1), QNN.for_data(few, (8,), 1)
    resumed, straight = train(again, few, epochs=4, **kept), train(whole, few, epochs=4, **{**kept, "checkpoint": None})
    for value, expected in zip(resumed.best, straight.best, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_one_stop_serves_several_runs(few):
    stop = EarlyStopping(patience=4)
    histories = [train(QNN.for_data(few, (8,), 1), few, epochs=50, **QUICK, callbacks=[stop]) for _ in range(2)]
    assert histories[0].step == histories[1].step


def test_a_run_goes_on_to_more_epochs_but_not_to_fewer(few, tmp_path):
    nets = [QNN.for_data(few, (8,), 1) for _ in range(2)]
    kept = {**QUICK, "checkpoint": str(tmp_path / "run.ck")}
    train(nets[0], few, epochs=2, **kept)
    further = QNN.for_data(few, (8,), 1)
    history = train(further, few, epochs=4, **kept)
    train(nets[1], few, epochs=4, **QUICK)
    assert (history.epoch[0], history.epoch[-1]) == (0, 4)
    for value, expected in zip(further.parameters, nets[1].parameters, strict=True):
        np.testing.assert_array_equal(value, expected)
    with pytest.raises(InvalidInput, match=r"epochs = 3 .* enough for the 16 updates"):
        train(QNN.for_data(few, (8,), 1), few, epochs=3, **kept)
    falling = {**QUICK, "schedule": "linear", "checkpoint": str(tmp_path / "falling.ck")}
    train(QNN.for_data(few, (8,), 1), few, epochs=2, **falling)
    with pytest.raises(InvalidInput, match="other epochs"):
        train(QNN.for_data(few, (8,), 1), few, epochs=4, **falling)
