"""Studies of settings: what is trained is what train() trains, runs are shared and kept, bad variants stop before any work."""

import numpy as np
import pytest

from artifact.parameters import notebook_parameters
from qnn_core import QNN, InvalidInput, get_sampler, load_dataset, train
from studies import ablation

SETTINGS = {
    "reads_tried": [1, 4],
    "hidden": [6],
    "sweeps": 5,
    "reads": 4,
    "epochs": 2,
    "batch_size": 20,
    "train_images": 100,
    "seeds": [0, 3],
    "result": "unused.npz",
}


@pytest.fixture(scope="module")
def data():
    return load_dataset("digits").hold_out(0.3, 0, 100)


def settings(**changes):
    return notebook_parameters("02c_ablation", SETTINGS | changes)


def test_a_variant_is_the_training_that_its_parameters_say(data, tmp_path):
    variants = {"as it is": {}, "other": {"margin": 2.0, "copies": 2, "sampler": "collapsed", "lr": 0.02}}
    found = ablation.train_variants(settings(), data, variants, str(tmp_path))
    for place, seed in enumerate((0, 3)):
        expected = train(
            QNN((64, 6, 10), seed=seed), data, get_sampler("gibbs", sweeps=5), epochs=2, reads=4, batch_size=20, seed=seed
        )
        assert found["as it is"][place].test_mistakes == expected.test_mistakes
        expected = train(
            QNN((64, 6, 10), copies=2, seed=seed),
            data,
            get_sampler("collapsed", sweeps=5),
            epochs=2,
            reads=4,
            batch_size=20,
            seed=seed,
            margin=2.0,
            lr=0.02,
        )
        assert found["other"][place].test_mistakes == expected.test_mistakes


def test_finished_runs_are_not_trained_again(data, tmp_path, monkeypatch):
    first = ablation.train_variants(settings(), data, {"a": {}}, str(tmp_path))
    samplers = []
    monkeypatch.setattr(
        ablation, "get_sampler", lambda *name, **options: samplers.append(get_sampler(*name, **options)) or Refuses(samplers[-1])
    )
    again = ablation.train_variants(settings(), data, {"b": {}, "the same": {"reads": 4}}, str(tmp_path))
    assert len(samplers) == 4
    for histories in again.values():
        for run, expected in zip(histories, first["a"], strict=True):
            for name, values in expected.arrays().items():
                np.testing.assert_array_equal(run.arrays()[name], values)
    with pytest.raises(AssertionError, match="sampled"):
        ablation.train_variants(settings(), data, {"c": {"reads": 5}}, str(tmp_path))


class Refuses:
    """Looks like a sampler and must not be asked."""

    def __init__(self, sampler):
        self.name, self.kind, self.shown = sampler.name, sampler.kind, repr(sampler)

    def __repr__(self):
        return self.shown

    def sample(self, *_):
        raise AssertionError("sampled")


@pytest.mark.parametrize(
    ("wrong", "named"), [({"reads": 0}, "reads = 0"), ({"raeds": 3}, "raeds = 3"), ({"lr": -1.0}, "lr = -1.0")]
)
def test_bad_variants_stop_before_any_work(data, tmp_path, wrong, named):
    with pytest.raises(InvalidInput, match=named):
        ablation.train_variants(settings(), data, {"good": {}, "bad": wrong}, str(tmp_path))
    assert not list(tmp_path.iterdir())
