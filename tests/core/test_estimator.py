"""The scikit-learn classifier against scikit-learn's own checks, and its probabilities against what happens."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine, make_blobs, make_moons
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from qnn_core import AnnealedClassifier, InvalidInput

small = AnnealedClassifier(hidden=(12,), copies=2, epochs=20, reads=2)


def excepted(_):
    return {"check_methods_subset_invariance": "it allows 1e-7, and energies are 32-bit: see the test below"}


@parametrize_with_checks([small], expected_failed_checks=excepted)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_rows_are_answered_alike_alone_and_together():
    x, y = load_wine(return_X_y=True)
    model = clone(small).set_params(random_state=0).fit(x, y)
    for ask in (model.predict_proba, model.decision_function):
        np.testing.assert_allclose(np.concatenate([ask(row[None]) for row in x[:40]]), ask(x)[:40], rtol=1e-5, atol=1e-5)


def test_searches_pipelines_and_clones():
    x, y = load_wine(return_X_y=True)
    search = GridSearchCV(make_pipeline(StandardScaler(), clone(small)), {"annealedclassifier__hidden": [(4,), (8, 6)]}, cv=2)
    search.set_params(estimator__annealedclassifier__random_state=0).fit(x, y)
    assert search.best_score_ > 0.85
    assert clone(search.best_estimator_[-1]).get_params() == search.best_estimator_[-1].get_params()


def test_names_of_classes_come_back_and_a_seed_decides_all():
    flowers = load_iris()
    names = flowers.target_names[flowers.target].astype(object)
    first, second = (clone(small).set_params(random_state=3).fit(flowers.data, names) for _ in range(2))
    assert set(first.predict(flowers.data)) <= set(flowers.target_names)
    assert first.score(flowers.data, names) > 0.85
    np.testing.assert_array_equal(first.decision_function(flowers.data), second.decision_function(flowers.data))


def test_probabilities_are_calibrated_on_rows_not_trained_on():
    """Where classes overlap by half, the softmax at temperature 1 is sure of itself, and the calibrated one is not."""
    x, y = make_blobs(600, centers=[[-0.5, 0], [0.5, 0]], cluster_std=1.0, random_state=0)
    kept, held, y_kept, y_held = train_test_split(x, y, random_state=0)
    model = clone(small).set_params(random_state=0, validation=0.2).fit(kept, y_kept)
    found = model.predict_proba(held)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    loss = log_loss(y_held, found)
    assert loss < np.log(2)
    model.temperature_ /= 10
    assert log_loss(y_held, model.predict_proba(held)) > loss


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits", "moons"])
def test_with_its_defaults_a_small_table_is_learned_about_as_well_as_by_an_mlp(name):
    x, y = make_moons(400, noise=0.2, random_state=0) if name == "moons" else getattr(datasets, f"load_{name}")(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    mlp = make_pipeline(StandardScaler(), MLPClassifier(max_iter=1000, random_state=0)).fit(x, y)
    assert AnnealedClassifier(random_state=0).fit(x, y).score(x_test, y_test) > mlp.score(x_test, y_test) - 0.045


def test_two_rows_of_two_classes_are_enough_and_one_class_is_not():
    model = clone(small).set_params(random_state=0).fit([[0.0], [1.0]], ["a", "b"])
    assert model.predict([[0.0], [1.0]]).tolist() == ["a", "b"]
    with pytest.raises(InvalidInput, match="at least two classes"):
        clone(small).fit([[0.0], [1.0]], ["a", "a"])
