"""scikit-learn's own checks, and what its calibrators and ours agree on."""

# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

import pickle
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn", minversion="1.8", reason="these tests compare with scikit-learn 1.8 or newer")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, ShuffleSplit, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import calib
from calib.calibrators._base import log_probs
from calib.calibrators.temperature import TemperatureScaling
from calib.calibrators.vector import VectorScaling
from calib.errors import InputError
from calib.integrations import scikit_learn
from calib.integrations.scikit_learn import CalibratedClassifier, from_estimator
from calib.predictions import Predictions

X, Y = make_classification(300, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, flip_y=0.2, random_state=0)
NAMES = np.array(["cat", "dog", "eel"])[Y]
X2, Y2 = X[Y < 2], Y[Y < 2]


def failures(estimator: Any) -> dict[str, str]:
    """The checks that an estimator cannot pass, and why."""
    reasons = {
        "structured-vector": "its penalty counts effective examples (Kish), fewer by weights than by repeats",
        "platt": "its targets count rows: weights are scaled to a mean of 1, over rows of weight 0 too",
    }
    if not (reason := reasons.get(estimator.method)):
        return {}
    return {f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")}


@parametrize_with_checks(
    [
        CalibratedClassifier(),
        CalibratedClassifier(method="platt"),
        CalibratedClassifier(GaussianNB(), method="structured-vector", scores="predict_proba"),
    ],
    expected_failed_checks=failures,
)
@pytest.mark.filterwarnings(
    "ignore:SCIPY_ARRAY_API is not set:UserWarning", "ignore::sklearn.exceptions.SkipTestWarning"
)
def test_scikit_learns_own_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_calibrator_is_fitted_to_out_of_fold_margins_and_the_estimator_to_all_rows() -> None:
    found = CalibratedClassifier(method="vector", options={"penalty": 0.01}).fit(X, NAMES)
    margins = cross_val_predict(LogisticRegression(), X, NAMES, method="decision_function")
    expected = VectorScaling.fit(Predictions.from_logits(margins, Y), penalty=0.01)
    np.testing.assert_allclose(found.calibrator_.scale, expected.scale, rtol=1e-9)
    np.testing.assert_allclose(found.calibrator_.intercept, expected.intercept, rtol=1e-9, atol=1e-12)
    whole = LogisticRegression().fit(X, NAMES)
    np.testing.assert_array_equal(found.estimator_.coef_, whole.coef_)
    after = expected.transform(Predictions.from_logits(whole.decision_function(X), Y))
    np.testing.assert_allclose(found.predict_proba(X), np.exp(log_probs(after)), rtol=1e-9)
    assert (found.scores_, found.n_folds_, found.classes_.tolist()) == ("decision_function", 5, ["cat", "dog", "eel"])
    np.testing.assert_array_equal(found.predict(X), found.classes_[found.predict_proba(X).argmax(axis=1)])


def test_a_temperature_is_that_of_scikit_learn() -> None:
    theirs = CalibratedClassifierCV(LogisticRegression(), method="temperature", cv=5, ensemble=False).fit(X, Y)
    np.testing.assert_allclose(CalibratedClassifier().fit(X, Y).predict_proba(X), theirs.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_fitted_estimator_stays_as_it_is_and_all_rows_calibrate(frozen: bool) -> None:
    fitted = LogisticRegression().fit(X[:150], NAMES[:150])
    before = fitted.coef_.copy()
    ours = CalibratedClassifier(FrozenEstimator(fitted)) if frozen else CalibratedClassifier(fitted, cv="prefit")
    ours.fit(X[150:], NAMES[150:])
    expected = TemperatureScaling.fit(Predictions.from_logits(fitted.decision_function(X[150:]), Y[150:]))
    assert ours.calibrator_ == expected
    assert ours.n_folds_ == 0
    np.testing.assert_array_equal(fitted.coef_, before)
    np.testing.assert_array_equal(ours.predict(X), fitted.predict(X))


def test_rows_of_some_classes_are_enough_to_calibrate_a_fitted_estimator() -> None:
    fitted = LogisticRegression().fit(X, NAMES)
    some = CalibratedClassifier(fitted, cv="prefit").fit(X[Y != 1], NAMES[Y != 1])
    assert some.predict_proba(X).shape == (300, 3)
    with pytest.raises(InputError, match="row 2 has the label 'fox', which the classifier does not know"):
        CalibratedClassifier(fitted, cv="prefit").fit(X[:3], ["cat", "dog", "fox"])


@pytest.mark.parametrize("labels", [Y, Y.astype(float), NAMES, NAMES.astype(object), Y - 7, pd.Series(NAMES)])
def test_labels_of_any_type_give_the_same_probabilities(labels: Any) -> None:
    found = CalibratedClassifier().fit(X, labels)
    np.testing.assert_array_equal(found.predict_proba(X), CalibratedClassifier().fit(X, Y).predict_proba(X))
    assert set(found.predict(X)) <= set(np.asarray(labels).tolist())


@pytest.mark.parametrize(
    ("estimator", "scores"),
    [
        (LinearSVC(), "decision_function"),
        (RidgeClassifier(), "decision_function"),
        (make_pipeline(StandardScaler(), SVC()), "decision_function"),
        (GaussianNB(), "predict_proba"),
        (KNeighborsClassifier(), "predict_proba"),
        (RandomForestClassifier(40, min_samples_leaf=3, random_state=0), "predict_proba"),
        (GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2), "decision_function"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
@pytest.mark.parametrize("k", [2, 3])
def test_auto_takes_margins_where_there_is_one_a_class_and_it_helps(estimator: Any, scores: str, k: int) -> None:
    features, labels = (X2, Y2) if k == 2 else (X, Y)
    found = CalibratedClassifier(estimator, method="ensemble-temperature").fit(features[::2], labels[::2])
    assert found.scores_ == scores
    test = Predictions.from_probs(found.predict_proba(features[1::2]), labels[1::2])
    assert calib.nll(test) < 0.9 * np.log(k)
    assert calib.accuracy(test) > 0.65


def test_margins_of_pairs_are_not_taken_for_margins_of_classes() -> None:
    pairs = SVC(decision_function_shape="ovo")
    for estimator in (pairs, make_pipeline(StandardScaler(), pairs)):
        with pytest.raises(InputError, match=r"(SVC|Pipeline) has no predict_proba"):
            CalibratedClassifier(estimator).fit(X, Y)
    four = np.where(X[:, 0] > 0, Y, 3)
    with pytest.raises(InputError, match="must have a column for each of 4 classes, it has shape"):
        CalibratedClassifier(pairs, scores="decision_function").fit(X, four)


def test_weights_reach_the_estimator_and_the_calibrator() -> None:
    weight = np.random.default_rng(0).integers(1, 4, size=300)
    found = CalibratedClassifier(cv=3).fit(X, Y, sample_weight=weight)
    assert found.calibrator_ != CalibratedClassifier(cv=3).fit(X, Y).calibrator_
    np.testing.assert_array_equal(found.estimator_.coef_, LogisticRegression().fit(X, Y, sample_weight=weight).coef_)
    neighbours = KNeighborsClassifier(100)  # takes no weights: its calibrator still does
    given = cross_val_predict(neighbours, X, Y, method="predict_proba", cv=3)
    expected = TemperatureScaling.fit(Predictions.from_probs(given, Y, sample_weight=weight))
    calibrator = CalibratedClassifier(neighbours, cv=3).fit(X, Y, weight).calibrator_
    assert (calibrator.status, calibrator.temperature) == ("ok", pytest.approx(expected.temperature, rel=1e-9))
    with pytest.raises(InputError, match="Bayesian binning takes no sample weights"):
        CalibratedClassifier(method="bbq").fit(X, Y, weight)


def test_folds_are_as_many_as_the_rarest_class_has_rows() -> None:
    labels = Y.copy()
    labels[:3] = 7
    assert CalibratedClassifier(cv=10).fit(X, labels).n_folds_ == 3
    labels[:2] = 0
    with pytest.raises(InputError, match="class 7 has one row"):
        CalibratedClassifier().fit(X, labels)
    with pytest.raises(InputError, match="y holds one class alone"):
        CalibratedClassifier().fit(X, np.zeros(300))


def test_folds_may_be_a_splitter_and_need_not_hold_every_row() -> None:
    found = CalibratedClassifier(cv=ShuffleSplit(4, test_size=0.3, random_state=0)).fit(X, Y)
    assert (found.n_folds_, found.calibrator_.n) == (4, 360)
    lacking = [(np.flatnonzero(Y != 2), np.flatnonzero(Y == 2))]
    with pytest.raises(InputError, match="LogisticRegression learned the 2 classes '0', '1' in one fold, and"):
        CalibratedClassifier(cv=lacking).fit(X, Y)


def test_data_frames_lists_and_pickles_go_through() -> None:
    frame = pd.DataFrame(X, columns=list("abcdef"))
    found = CalibratedClassifier().fit(frame, NAMES)
    assert found.feature_names_in_.tolist() == list("abcdef")
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict_proba(frame), found.predict_proba(frame))
    lists = CalibratedClassifier().fit(X.tolist(), NAMES.tolist())
    np.testing.assert_array_equal(lists.predict_proba(X.tolist()), found.predict_proba(frame))
    assert clone(found).get_params()["method"] == "temperature"


def test_what_does_not_fit_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="That is so for method 'platt', and y has 3 classes"):
        CalibratedClassifier(method="platt").fit(X, Y)
    with pytest.raises(InputError, match="Platt scaling is for two classes, these predictions have 3"):
        CalibratedClassifier(LogisticRegression().fit(X, Y), cv="prefit", method="platt").fit(X, Y)
    with pytest.raises(InputError, match="there is no method 'sigmoid'"):
        CalibratedClassifier(method="sigmoid").fit(X, Y)
    with pytest.raises(InputError, match="GaussianNB has no decision_function"):
        CalibratedClassifier(GaussianNB(), scores="decision_function").fit(X, Y)


def test_predictions_of_an_estimator_are_its_probabilities_and_its_labels() -> None:
    fitted = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, NAMES)
    given = from_estimator(fitted, X, NAMES, sample_weight=np.arange(300) + 1.0)
    np.testing.assert_array_equal(given.values, fitted.predict_proba(X))
    np.testing.assert_array_equal(given.labels, Y)
    assert given.class_names == ("cat", "dog", "eel")
    assert given.sample_weight is not None
    plain = from_estimator(fitted, X, NAMES)
    assert calib.evaluate(plain).accuracy == fitted.score(X, NAMES)
    ours = CalibratedClassifier().fit(X, NAMES)
    np.testing.assert_array_equal(from_estimator(ours, X, NAMES).values, ours.predict_proba(X))


def test_margins_become_logits_only_when_asked_for() -> None:
    fitted = LinearSVC().fit(X2, Y2)
    with pytest.raises(InputError, match="LinearSVC has no predict_proba") as error:
        from_estimator(fitted, X2, Y2)
    assert error.value.help == 'scores="decision_function", if it has that'
    given = from_estimator(fitted, X2, Y2, scores="decision_function")
    np.testing.assert_array_equal(given.values[:, 1], fitted.decision_function(X2))
    assert given.kind == "logits"
    assert not given.values[:, 0].any()
    with pytest.raises(InputError, match="LinearSVC has no classes_"):
        from_estimator(LinearSVC(), X2, Y2)
    with pytest.raises(InputError, match="row 0 has the label 6"):
        from_estimator(fitted, X2, Y2 + 5, scores="decision_function")


def test_the_example_of_the_docstring_runs() -> None:
    code = str(CalibratedClassifier.__doc__).split("\n\n")
    block = "\n\n".join(part for part in code if part.startswith(("        from", "        X, y")))
    names: dict[str, Any] = {}
    exec(textwrap.dedent(block), names)
    assert names["probs"].shape == (150, 3)


def test_without_scikit_learn_the_first_use_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scikit_learn, "clone", None)
    with pytest.raises(InputError, match=r"scikit-learn 1.6 or newer is not installed"):
        CalibratedClassifier()
