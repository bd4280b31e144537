"""Histogram binning: each class's score is replaced by the share of that class among the scores of its bin."""

from dataclasses import dataclass

import numpy as np

from calib._arrays import Float
from calib._html import fields_html
from calib.binning import Binning, check_binning, check_bins, equal_width_edges
from calib.calibrators._base import check_classes, refuse_targets
from calib.calibrators._steps import (
    check_steps,
    columns,
    edges_before,
    equal_mass_starts,
    from_steps,
    middle_ranks,
    pooled,
)
from calib.predictions import ArrayLike, Predictions


@dataclass(frozen=True, eq=False)
class HistogramBinning:
    """One step function a class, from the log-odds of the class to its new probability; rows divided by their sum.

    ``values[c][i]`` is the new probability of class c where ``edges[c][i - 1]`` < log-odds ≤ ``edges[c][i]``; the first
    and last bin are open.  With two classes there is one step function, of P(y = 1).
    """

    edges: tuple[Float, ...]
    values: tuple[Float, ...]
    n_classes: int
    binning: Binning = "equal-mass"

    _repr_html_ = fields_html

    def __post_init__(self) -> None:
        check_steps(self.edges, self.values, self.n_classes)

    @classmethod
    def fit(
        cls,
        predictions: Predictions,
        *,
        targets: ArrayLike | None = None,
        n_bins: int = 15,
        binning: Binning = "equal-mass",
    ) -> "HistogramBinning":
        """Bin each class's probability and count how often the class is the label, one class against the others.

        "equal-mass" bins hold as many rows, or as much weight; ties share a bin, bins that stay empty are dropped, and
        a limit lies midway between the log-odds beside it.  "equal-width" bins are (a, b] of probability, 0 in the
        first; an empty one keeps its mid-point.  Takes sample weights.  Raises `InputError` for ``targets``, unknown
        options and bad values.  Source: Zadrozny & Elkan (2001, 2002).

        >>> predictions = Predictions.from_probs([0.1, 0.2, 0.7, 0.9], [0, 1, 0, 1])
        >>> HistogramBinning.fit(predictions, n_bins=2).values
        (array([0.5, 0.5]),)
        """
        refuse_targets(targets, "histogram binning")
        check_bins(n_bins)
        check_binning(binning)
        fits = []
        for scores, event, weight in columns(predictions):
            distinct, total, events = pooled(scores, event, weight)
            if binning == "equal-mass":
                start = equal_mass_starts(middle_ranks(total), n_bins)
                fits.append(
                    (edges_before(distinct, start), np.add.reduceat(events, start) / np.add.reduceat(total, start))
                )
                continue
            limits = equal_width_edges(n_bins)
            edges = np.log(limits[1:-1]) - np.log1p(-limits[1:-1])
            index = np.searchsorted(edges, distinct)
            mass, right = (np.bincount(index, weights=part, minlength=n_bins) for part in (total, events))
            fits.append((edges, np.divide(right, mass, out=(limits[1:] + limits[:-1]) / 2, where=mass > 0)))
        edges_of, values_of = zip(*fits, strict=True)
        return cls(edges_of, values_of, predictions.n_classes, binning)

    def transform(self, predictions: Predictions) -> Predictions:
        """Return the new distributions; ``provenance["fallback_rows"]`` counts rows that kept theirs, all bins being 0.

        Raises `InputError` for another number of classes.
        """
        check_classes(predictions, self.n_classes, "histogram binning")
        return from_steps(predictions, self.edges, self.values)
