"""Calibrators around scikit-learn classifiers, and Predictions from fitted ones."""

# mypy: disable-error-code="import-not-found,import-untyped"

import warnings
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from calib._arrays import AnyArray, Float
from calib._text import listed
from calib.binning import check_choice
from calib.calibrators._base import log_probs
from calib.calibrators.registry import BINARY, method_class
from calib.errors import InputError
from calib.predictions import ArrayLike, Predictions

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, clone
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, check_cv
    from sklearn.utils import _safe_indexing, assert_all_finite, get_tags, indexable
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, has_fit_parameter
except ImportError:  # this file can still be read, and says what is missing when it is used
    BaseEstimator, ClassifierMixin, clone = type("_Base", (), {}), type("_Mixin", (), {}), None

Scores: TypeAlias = Literal["decision_function", "predict_proba"]


class CalibratedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier whose probabilities pass through one of calib's calibrators.

    ``estimator`` is any classifier of scikit-learn, LogisticRegression by default, and ``method`` a name of calib's
    ("temperature", "vector", "isotonic", ...; ``options`` are keywords of its ``fit``).

    With ``cv`` a number or a splitter the calibrator is fitted to out-of-fold scores, each row scored by a copy of the
    estimator that never saw it, and the estimator is then fitted to all rows: one model and one calibrator, as
    ``CalibratedClassifierCV(ensemble=False)`` has.  A number means stratified folds, as many as the rarest class has
    rows if that is fewer.  With ``cv="prefit"``, or a FrozenEstimator, the estimator is taken as it is and all rows
    given to `fit` are calibration rows: let them be rows that it was not fitted to.

    ``scores`` says what is calibrated.  "decision_function" reads margins as logits, ``(n, k)`` or of two classes
    ``(n,)``; "predict_proba" reads probabilities, whose logarithms are logits.  "auto" takes the margins where there is
    one for each class, and else the probabilities.  Those of trees and neighbours are often exactly 0, also for the
    right class: no temperature mends that (it stays 1, and ``calibrator_.status`` says so), and linear maps are led
    astray; "ensemble-temperature", "isotonic" and "bbq" can deal with it.  ``sample_weight`` goes to the estimator if
    its ``fit`` has such a parameter, and to calibrators that take it.

    After `fit`: ``classes_``, ``estimator_``, ``calibrator_``, ``scores_`` (what "auto" came to) and ``n_folds_`` (0
    where none was needed).  The calibrators' own `InputError`, a ValueError, says what does not fit.

        from sklearn.datasets import load_iris
        from sklearn.naive_bayes import GaussianNB
        from calib.integrations.scikit_learn import CalibratedClassifier

        X, y = load_iris(return_X_y=True)
        classifier = CalibratedClassifier(GaussianNB(), method="vector").fit(X, y)
        probs = classifier.predict_proba(X)  # (150, 3)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "temperature",
        cv: Any = 5,
        scores: Literal["auto", "decision_function", "predict_proba"] = "auto",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if clone is None:
            raise InputError("scikit-learn 1.6 or newer is not installed", help="pip install scikit-learn")
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.scores = scores
        self.options = options

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "CalibratedClassifier":  # noqa: N803
        """Fit estimator and calibrator, or the calibrator alone, to rows ``X`` and labels ``y`` ``(n,)`` of any type.

        Raises `InputError` for a single class, a class with a single row, and a label that the fitted estimator does
        not know.
        """
        check_choice("scores", self.scores, ("auto", "decision_function", "predict_proba"))
        method: Any = method_class(self.method)
        X, y = indexable(X, column_or_1d(y, warn=True))  # noqa: N806
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        estimator, self.n_folds_ = self._base(), 0
        if isinstance(estimator, FrozenEstimator) or (isinstance(self.cv, str) and self.cv == "prefit"):
            check_is_fitted(estimator)
            self.estimator_, rows, folds = estimator, np.arange(len(y)), [(estimator, X)]
            self.classes_ = _classes(estimator)
        else:
            self.classes_ = np.unique(y)
            self._check_number_of_classes()
            splits = self._splits(X, y, weight)
            self.n_folds_, rows = len(splits), np.concatenate([test for _, test in splits])
            folds = [(_fitted(estimator, X, y, weight, train), _safe_indexing(X, test)) for train, test in splits]
            self.estimator_ = _fitted(estimator, X, y, weight, np.arange(len(y)))
        self.scores_ = _best_scores(*folds[0], len(self.classes_)) if self.scores == "auto" else self.scores
        read = [_read(each, part, self.scores_, self.classes_) for each, part in folds]
        given = self._predictions(
            np.concatenate(read),
            _columns(y, self.classes_)[rows],
            sample_weight=None if weight is None else weight[rows],
        )
        self.calibrator_ = method.fit(given, **(self.options or {}))
        if getattr(self.calibrator_, "status", "ok") == "unidentifiable":
            warnings.warn(
                f"{self.method} could not be fitted, nothing is calibrated: where right labels have probability 0, "
                "isotonic, histogram and bbq cope",
                stacklevel=2,
            )
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict_proba(self, X: Any) -> Float:  # noqa: N803
        """Calibrated probabilities ``(n, k)``, in the order of ``classes_``."""
        check_is_fitted(self)
        read = _read(self.estimator_, X, self.scores_, self.classes_)
        return np.exp(log_probs(self.calibrator_.transform(self._predictions(read, np.zeros(len(read), np.int64)))))

    def predict(self, X: Any) -> AnyArray:  # noqa: N803
        """The class with the highest calibrated probability ``(n,)``; the first of several."""
        probs = self.predict_proba(X)
        found: AnyArray = self.classes_[probs.argmax(axis=1)]
        return found

    def __sklearn_tags__(self) -> Any:
        tags, base = super().__sklearn_tags__(), get_tags(self._base())
        tags.input_tags.sparse = base.input_tags.sparse
        tags.classifier_tags.multi_class = self.method not in BINARY
        return tags

    def _base(self) -> Any:
        return LogisticRegression() if self.estimator is None else self.estimator

    def _check_number_of_classes(self) -> None:
        if self.method in BINARY and len(self.classes_) > 2:
            raise InputError(  # the first words are those that scikit-learn's checks look for
                "Only binary classification is supported. The type of the target is multiclass. "
                f"That is so for method {self.method!r}, and y has {len(self.classes_)} classes",
                help='"temperature" and "vector" take any number of classes, "isotonic" goes class by class',
            )

    def _splits(self, X: Any, y: AnyArray, weight: Float | None) -> list[tuple[AnyArray, AnyArray]]:  # noqa: N803
        classes, counts = np.unique(y, return_counts=True)
        if len(np.unique(y if weight is None else y[weight > 0])) < 2:
            raise InputError("y holds one class alone, at least 2 are needed", help="bring rows of another class")
        if counts.min() < 2:
            raise InputError(
                f"class {classes[counts.argmin()]} has one row, and the fold that holds it out could not learn it",
                help="bring more rows of it, or fit the estimator yourself and use cv='prefit'",
            )
        whole = isinstance(self.cv, int | np.integer)
        splitter = StratifiedKFold(min(self.cv, int(counts.min()))) if whole else check_cv(self.cv, y, classifier=True)
        return list(splitter.split(X, y))

    def _predictions(self, read: AnyArray, labels: AnyArray, **options: Any) -> Predictions:
        make = Predictions.from_probs if self.scores_ == "predict_proba" else Predictions.from_logits
        return make(read, labels, **options)


def from_estimator(
    estimator: Any,
    X: Any,  # noqa: N803
    y: ArrayLike,
    *,
    scores: Scores = "predict_proba",
    sample_weight: ArrayLike | None = None,
) -> Predictions:
    """Predictions of a fitted scikit-learn classifier on rows ``X`` with labels ``y`` ``(n,)``, for ``calib.evaluate``.

    Labels become column numbers by the estimator's ``classes_``, which also name the classes.  With
    ``scores="decision_function"`` margins, ``(n, k)`` or of two classes ``(n,)``, are read as logits; that is asked for
    and never guessed, because the margins of many classifiers are no log-odds.  Raises `InputError` for a classifier
    without such a method, margins that are not one a class, and unknown labels.

    >>> class Model:
    ...     classes_ = ["cat", "dog"]
    ...     def predict_proba(self, X): return [[0.9, 0.1], [0.4, 0.6]]
    >>> predictions = from_estimator(Model(), [[1.0], [2.0]], ["cat", "dog"])
    >>> predictions.labels.tolist(), predictions.class_names
    ([0, 1], ('cat', 'dog'))
    """
    check_choice("scores", scores, ("decision_function", "predict_proba"))
    classes = _classes(estimator)
    make = Predictions.from_probs if scores == "predict_proba" else Predictions.from_logits
    return make(
        _read(estimator, X, scores, classes),
        _columns(np.asarray(y), classes),
        class_names=[str(name) for name in classes],
        sample_weight=sample_weight,
        provenance={"estimator": type(estimator).__name__, "scores": scores},
    )


def _fitted(estimator: Any, X: Any, y: AnyArray, weight: Float | None, rows: AnyArray) -> Any:  # noqa: N803
    """A fitted copy; weights only where `fit` takes them."""
    weights = {}
    if weight is not None and has_fit_parameter(estimator, "sample_weight"):
        weights = {"sample_weight": weight[rows]}
    return clone(estimator).fit(_safe_indexing(X, rows), y[rows], **weights)


def _best_scores(estimator: Any, X: Any, n_classes: int) -> Scores:  # noqa: N803
    """Margins where the estimator has one for each class, else probabilities."""
    pairs = any(value == "ovo" for name, value in estimator.get_params().items() if name.endswith("_function_shape"))
    if pairs or not hasattr(estimator, "decision_function"):
        return "predict_proba"
    shape = np.shape(estimator.decision_function(X))
    return "decision_function" if shape[1:] == (n_classes,) or len(shape) == 1 else "predict_proba"


def _read(estimator: Any, X: Any, scores: Scores, classes: AnyArray) -> AnyArray:  # noqa: N803
    """Margins ``(n, k)`` or ``(n,)``, or probabilities ``(n, k)``.  Raises `InputError` where they are not of these."""
    name = type(estimator).__name__
    if not hasattr(estimator, scores):
        other = "predict_proba" if scores == "decision_function" else "decision_function"
        raise InputError(f"{name} has no {scores}", help=f'scores="{other}", if it has that')
    if not np.array_equal(own := _classes(estimator), classes):
        raise InputError(
            f"{name} learned the {len(own)} classes {listed(own)} in one fold, and there are {len(classes)}",
            help="use folds that each leave some rows of every class to learn from",
        )
    values = np.asarray(getattr(estimator, scores)(X))
    if values.shape[1:] != (len(classes),) and not (values.ndim == 1 and len(classes) == 2):
        raise InputError(
            f"{scores} of {name} must have a column for each of {len(classes)} classes, it has shape {values.shape}",
            help='margins of pairs become those of classes by decision_function_shape="ovr"',
        )
    return values


def _classes(estimator: Any) -> AnyArray:
    if not hasattr(estimator, "classes_"):
        raise InputError(f"{type(estimator).__name__} has no classes_", help="pass a fitted classifier")
    return np.asarray(estimator.classes_)


def _columns(labels: AnyArray, classes: AnyArray) -> AnyArray:
    """The column of each label ``(n,)``.  Raises `InputError` for one that is not among the classes."""
    column = {label: i for i, label in enumerate(classes.tolist())}
    found = [column.get(label, -1) for label in np.ravel(labels).tolist()]
    if -1 in found:
        row = found.index(-1)
        raise InputError(
            f"row {row} has the label {labels.tolist()[row]!r}, which the classifier does not know",
            help=f"its classes are {listed(classes)}",
        )
    return np.array(found, np.int64)
