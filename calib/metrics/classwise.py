"""Calibration errors of every class: marginal, conditioned on the predicted class, and over confident claims alone."""

from typing import Literal

import numpy as np

from calib._arrays import AnyArray, Float, Int
from calib._blocks import Block, map_blocks, probability_form, row_sums
from calib._checks import check_choice, is_number, refuse_weights
from calib._sums import sums_by
from calib.arguments import as_predictions
from calib.binning import Binning, bin_index, check_binning, check_bins, equal_width_edges
from calib.curve import calibration_curve
from calib.errors import InputError
from calib.per_class import outcomes_of_classes
from calib.predictions import ArrayLike, Predictions


def classwise_ece(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
    average: Literal["mean", "weighted"] = "mean",
) -> float:
    """Mean over classes c of the ECE of P(label = c).  [0, 1]; lower is better; it shrinks as classes are added.

    Takes `Predictions`, or probabilities ``(n, k)`` and labels ``(n,)``.  ``average="weighted"`` weights a class by its
    share of the labels.  Equal-width bins are (a, b] (Nixon's SCE, Kull's class-wise ECE, Kumar's marginal error); with
    ``binning="equal-mass"`` it is Nixon's ACE.  Takes no sample weights.  Raises `InputError` for bad input.  Sources:
    Nixon et al. (2019), Kull et al. (2019).

    >>> round(classwise_ece([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]], [0, 1]), 4)  # (0.3 / 2 + 0.3 / 2 + 0) / 3
    0.1
    """
    checked = as_predictions(predictions, labels)
    refuse_weights(checked.sample_weight, "classwise_ece")
    check_choice("average", average, ("mean", "weighted"))
    check_binning(binning)
    check_bins(n_bins)
    if binning == "equal-width":
        errors = _equal_width_errors(checked, n_bins)
    else:
        each = outcomes_of_classes(checked, range(checked.n_classes))
        errors = np.array([calibration_curve(outcomes, n_bins=n_bins, binning=binning).ece for outcomes in each])
    if average == "mean":
        return float(errors.mean())
    return float(np.average(errors, weights=np.bincount(checked.labels, minlength=checked.n_classes)))


def thresholded_ace(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    threshold: float = 0.01,
    n_bins: int = 15,
) -> float:
    """Mean over classes of the equal-mass ECE among examples that claim more than ``threshold`` for the class.  [0, 1].

    Nixon's TACE: the many claims near 0 of many classes are left out.  A class that no example claims is left out too;
    0 where none is left.  Takes no sample weights; other arguments as for `classwise_ece`.  Raises `InputError` for bad
    input.  Source: Nixon et al. (2019).

    >>> round(thresholded_ace([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]], [0, 1], threshold=0.5), 4)  # (0.1 + 0.2) / 2
    0.15
    """
    if not is_number(threshold) or not 0 <= threshold < 1:
        raise InputError(f"threshold must lie in [0, 1), got {threshold!r}", help="the authors use 0.01 and 0.001")
    checked = as_predictions(predictions, labels)
    refuse_weights(checked.sample_weight, "thresholded_ace")
    errors = []
    for outcomes in outcomes_of_classes(checked, range(checked.n_classes)):
        claimed = outcomes.confidence > threshold
        if claimed.any():
            errors.append(calibration_curve(outcomes[claimed], n_bins=n_bins, binning="equal-mass").ece)
    return float(np.mean(errors)) if errors else 0.0


def top_label_ece(
    predictions: Predictions | ArrayLike,
    labels: ArrayLike | None = None,
    *,
    n_bins: int = 15,
    binning: Binning = "equal-width",
) -> float:
    """ECE conditioned on the predicted class: Σ over predicted classes c of (n_c / n) · ECE among them.  [0, 1].

    Never below the `calib.ece` of the same equal-width bins, because errors of different classes cannot cancel.  Takes
    no sample weights; other arguments as for `classwise_ece`.  Raises `InputError` for bad input.  Source: Gupta &
    Ramdas (2022).

    >>> round(top_label_ece([[0.9, 0.1], [0.1, 0.9]], [0, 0]), 4)  # (0.1 + 0.9) / 2
    0.5
    """
    checked = as_predictions(predictions, labels)
    refuse_weights(checked.sample_weight, "top_label_ece")
    check_bins(n_bins)
    check_binning(binning)
    outcomes, k = checked.outcomes, checked.n_classes
    if binning == "equal-width":
        cell = outcomes.predicted * n_bins + bin_index(outcomes.confidence, equal_width_edges(n_bins))
        return float(np.abs(sums_by(cell, outcomes.residual, k * n_bins)).sum() / outcomes.n)
    total = 0.0
    for c in np.unique(outcomes.predicted):
        members = outcomes[outcomes.predicted == c]
        total += members.n * calibration_curve(members, n_bins=n_bins, binning=binning).ece
    return total / outcomes.n


def _equal_width_errors(predictions: Predictions, n_bins: int) -> Float:
    """ECE of P(label = c) for every class ``(k,)``, in one pass.

    A row has fewer than ``n_bins`` probabilities above the first edge, and they alone are looked at one by one; the
    first bin of a class holds what its other bins do not.
    """
    n, k = predictions.n, predictions.n_classes
    edges = equal_width_edges(n_bins)
    form = probability_form(predictions)

    def reduce(block: Block) -> tuple[Float, Int, Float]:
        odds = block.values
        total = row_sums(odds) if form == "odds" else np.ones(len(odds))
        doubtful = (edges[1] * (1 - 1e-6) * total).astype(odds.dtype)  # a little too many: each is then looked at
        above = np.flatnonzero(odds > doubtful[:, None])
        row, column = np.divmod(above, k)
        claimed = odds.ravel()[above] / total[row]
        happened = predictions.labels[block.rows][row] == column
        cell, index = np.unique(column * n_bins + bin_index(claimed, edges), return_inverse=True)
        return _column_sums(odds, 1 / total), cell, sums_by(index, claimed - happened, len(cell))

    totals, residuals = np.zeros(k), np.zeros(k * n_bins)
    for column_sums, cell, cell_sums in map_blocks(predictions, reduce, form=form):
        totals += column_sums
        residuals[cell] += cell_sums
    table = residuals.reshape(k, n_bins)
    table[:, 0] = totals - np.bincount(predictions.labels, minlength=k) - table[:, 1:].sum(axis=1)
    errors: Float = np.abs(table).sum(axis=1) / n
    return errors


def _column_sums(values: AnyArray, weight: Float) -> Float:
    """Σ over rows of ``weight`` · ``values``; in the dtype of the values for 256 rows at a time, then in float64."""
    narrow = weight.astype(values.dtype)
    parts = (slice(start, start + 256) for start in range(0, len(values), 256))
    # not by BLAS, which would start threads of its own
    return sum((np.einsum("i,ij->j", narrow[rows], values[rows]).astype(np.float64) for rows in parts), start=_ZERO)


_ZERO = np.zeros(1)
