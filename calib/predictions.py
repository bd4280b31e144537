"""Predictions: what one model said about one split, as it was given, and the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from calib._arrays import AnyArray, DeviceArray, Float, Int, on_accelerator, read_only, to_numpy
from calib._checks import weights
from calib._door import checked_labels, logit_matrix, probability_matrix
from calib._html import predictions_html
from calib.errors import InputError
from calib.outcomes import Outcomes

ArrayLike: TypeAlias = Any  # numpy array, torch tensor, pandas object or nested list: what `_arrays.to_numpy` takes
Kind: TypeAlias = Literal["logits", "probs"]
Of: TypeAlias = Literal["predicted"] | int  # the event that a confidence is claimed for


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Scores ``(n, k)``, declared to be logits or probabilities, and integer labels ``(n,)`` of one model on one split.

    Make one with `from_logits`, `from_probs` or ``calib.predict``.  The given array is shared, never copied or
    changed.  Shapes and labels are checked here; NaN and rows that are no distribution are found in the first pass over
    the values, that is, by the first metric.

    ``beta`` is the inverse temperature: the distribution of row i is softmax(``beta`` · logits[i]).  It is one number,
    or one a row after cross-fitting.  ``provenance`` says where the numbers came from.  ``sample_weight`` ``(n,)``, at
    least 0, is used by the metrics that say so; the others refuse it.

    >>> predictions = Predictions.from_logits([[2.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> predictions.n, predictions.n_classes
    (2, 2)
    """

    values: AnyArray
    kind: Kind
    labels: Int
    beta: float | Float = 1.0
    class_names: tuple[str, ...] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    sample_weight: Float | None = None

    @classmethod
    def from_logits(
        cls,
        logits: ArrayLike,
        labels: ArrayLike,
        *,
        class_names: Sequence[str] | None = None,
        provenance: Mapping[str, Any] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "Predictions":
        """Take scores before the softmax, ``(n, k)`` with k ≥ 2, and labels ``(n,)`` in 0 … k − 1 or ``class_names``.

        One score an example, ``(n,)``, is the logit of class 1 of two, as before a sigmoid; it becomes [0, logit].  A
        logit of −inf is a probability of exactly 0.  ``sample_weight`` ``(n,)``, at least 0, is used by the metrics
        that say so.  Raises `InputError` for wrong shapes or labels.

        >>> Predictions.from_logits([1.5, -0.5], [1, 0]).values.tolist()
        [[0.0, 1.5], [0.0, -0.5]]
        """
        values = logit_matrix(DeviceArray(logits) if on_accelerator(logits) else to_numpy(logits))
        return cls._checked(values, "logits", labels, class_names, provenance, sample_weight)

    @classmethod
    def from_probs(
        cls,
        probs: ArrayLike,
        labels: ArrayLike,
        *,
        class_names: Sequence[str] | None = None,
        provenance: Mapping[str, Any] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> "Predictions":
        """Take probabilities ``(n, k)`` whose rows sum to 1, or ``(n,)`` = P(y = 1) for two classes.

        Labels may be words among ``class_names``.  Raises `InputError` for wrong shapes or labels.

        >>> Predictions.from_probs([0.9, 0.2], [1, 0]).n_classes
        2
        """
        return cls._checked(
            probability_matrix(to_numpy(probs)), "probs", labels, class_names, provenance, sample_weight
        )

    @classmethod
    def from_frame(
        cls, frame: Any, *, kind: Kind | None = None, class_names: Sequence[str] | None = None
    ) -> "Predictions":
        """Take a pandas dataframe with columns named as those of files: ``logit_0 …`` or ``prob_0 …``, and ``label``.

        Numbers in names order the columns; a column of weights counts, others are left alone.  ``kind`` says what
        scores are where their names do not.  Raises `InputError` naming row and column of what is wrong.

        >>> import pandas
        >>> frame = pandas.DataFrame({"label": [0, 1], "prob_1": [0.2, 0.9], "prob_0": [0.8, 0.1]})
        >>> Predictions.from_frame(frame).probs.tolist()
        [[0.8, 0.2], [0.1, 0.9]]
        """
        from calib.files.columns import predictions_from
        from calib.files.frame import FrameColumns

        return predictions_from(FrameColumns(frame), kind=kind, class_names=class_names)

    @classmethod
    def _checked(
        cls,
        values: AnyArray,
        kind: Kind,
        labels: ArrayLike,
        class_names: Sequence[str] | None,
        provenance: Mapping[str, Any] | None,
        sample_weight: ArrayLike | None,
    ) -> "Predictions":
        n, k = values.shape
        names = None if class_names is None else tuple(str(name) for name in class_names)
        if names is not None and len(names) != k:
            raise InputError(
                f"{len(names)} class names were given for {k} classes", help="give one name a column, in column order"
            )
        weight = weights(sample_weight, n)
        return cls(
            read_only(values),
            kind,
            read_only(checked_labels(to_numpy(labels), n, k, names)),
            1.0,
            names,
            dict(provenance or {}),
            weight,
        )

    @property
    def n(self) -> int:
        """Number of examples."""
        return int(self.values.shape[0])

    @property
    def n_classes(self) -> int:
        """Number of classes, k."""
        return int(self.values.shape[1])

    def save(self, path: Path | str) -> None:
        """Write an ``.npz`` file; see `load`.  Raises `InputError` where it cannot be written."""
        from calib.files.npz import save_predictions

        save_predictions(self, path)

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        kind: Kind | None = None,
        labels: Path | str | None = None,
        class_names: Sequence[str] | None = None,
    ) -> "Predictions":
        """Read a file of predictions: what `save` wrote, or any ``.npz``, ``.npy``, CSV, JSON lines, Parquet, ….

        ``kind`` says what scores are where their names do not, ``labels`` is a file of labels beside them.  Raises
        `InputError` saying what is wrong with the file.
        """
        from calib.files.read import read_predictions

        return read_predictions(path, kind=kind, labels=labels, class_names=class_names)

    @property
    def probs(self) -> Float:
        """The distributions, ``(n, k)`` in float64: the probabilities given, or the softmax of ``beta`` · logits.

        >>> Predictions.from_logits([[0.0, 0.0]], [0]).probs.tolist()
        [[0.5, 0.5]]
        """
        if self.kind == "probs" and np.all(np.asarray(self.beta) == 1):
            return np.asarray(self.values, np.float64)
        from calib.calibrators._base import log_probs

        return np.exp(log_probs(self))

    def __repr__(self) -> str:
        return f"Predictions({self.kind}, n={self.n}, n_classes={self.n_classes}, dtype={self.values.dtype})"

    def _repr_html_(self) -> str:
        return predictions_html(self)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> "Predictions":
        """Select examples by a slice, a boolean mask or an index array."""
        values, labels = self.values[rows], self.labels[rows]
        if values.ndim != 2:
            raise InputError(
                "rows are selected by a slice, a mask (n,) or row numbers (m,)", help="one row is [i : i + 1]"
            )
        if len(values) == 0:
            raise InputError("the selection leaves no rows", help="select at least one example")
        beta = self.beta if np.ndim(self.beta) == 0 else np.asarray(self.beta)[rows]
        weight = None if self.sample_weight is None else self.sample_weight[rows]
        return replace(self, values=read_only(values), labels=read_only(labels), beta=beta, sample_weight=weight)

    @cached_property
    def outcomes(self) -> Outcomes:
        """The per-example columns that every metric works on; one pass over the values, then remembered."""
        return Outcomes.of(self)

    @cached_property
    def confidences(self) -> Outcomes:
        """Confidence and correctness of the predicted class alone, for binned errors; remembered too."""
        return Outcomes.confidences(self)


def require_predictions(predictions: Predictions) -> None:
    """Raise `InputError` for a plain array where `Predictions` are needed, because logits are never guessed."""
    if not isinstance(predictions, Predictions):
        raise InputError(
            f"Predictions are needed here, got {type(predictions).__name__}",
            help="wrap it: Predictions.from_logits(logits, labels) or Predictions.from_probs(probs, labels)",
        )


LOOK_LIKE_PROBS = "every row of the logits sums to 1: are they probabilities? Then save them under the name `probs`"


def look_like_probs(predictions: Predictions) -> bool:
    """Whether scores declared as logits have only rows that are distributions: softmax was applied already.

    Those of few decimals, whose rows sum to about 1, too.
    """
    if predictions.kind != "logits":
        return False
    head = predictions.values[:1000].astype(np.float64)
    return bool((head >= 0).all() and np.allclose(head.sum(axis=1), 1, rtol=0, atol=0.05))
